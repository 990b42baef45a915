"""A running service for the tests: the tiny workspace, the matcher as its engine, real worker processes."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
from fastapi.testclient import TestClient

from kontur.service.app import Exposure, create_app
from kontur.service.settings import ServiceSettings
from kontur.workspace import Workspace

TOKEN = "a-token-for-tests-0123456789"
AUTH = {"Authorization": f"Bearer {TOKEN}"}


@contextmanager
def running(
    root: Path, token: str | None = TOKEN, collect: Path | None = None, **settings: object
) -> Iterator[TestClient]:
    """Run a service with the matcher; client errors come back as responses."""
    wanted = ServiceSettings.model_validate({"engine": "match", "workers": 1, "deadline_s": 60, **settings})
    app = create_app(Workspace(root), wanted, Exposure(token, None, collect))
    with TestClient(app, raise_server_exceptions=False, headers=AUTH if token else {}) as client:
        yield client


def png(picture: np.ndarray) -> bytes:
    """Encode."""
    return cv2.imencode(".png", picture)[1].tobytes()


def bar_picture() -> tuple[np.ndarray, tuple[float, float]]:
    """The workspace's bar (50 x 14 mm, two holes), light on dark at 1.5 px/mm, drawn by OpenCV; and its datum, px."""
    big, zoom = np.full((2560, 3584, 3), 40, np.uint8), 16
    left, top, scale = 60.0, 70.0, 1.5

    def at(x, y):
        return tuple(round(zoom * (corner + scale * mm + 0.5) - 0.5) for corner, mm in ((left, x), (top, y)))

    cv2.rectangle(big, at(0, 0), at(50, 14), (190, 190, 190), -1)
    cv2.circle(big, at(10, 7), round(zoom * scale * 3), (40, 40, 40), -1)
    cv2.circle(big, at(40, 7), round(zoom * scale * 4), (40, 40, 40), -1)
    small, large = np.pi * 3**2, np.pi * 4**2
    datum_mm = (50 * 14 * 25 - small * 10 - large * 40) / (50 * 14 - small - large)
    return cv2.resize(big, (224, 160), interpolation=cv2.INTER_AREA), (left + scale * datum_mm, top + scale * 7)

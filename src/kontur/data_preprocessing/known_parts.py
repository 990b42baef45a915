"""The parts of a workspace without reading its drawings again: what was read is kept in one file beside the models.

Reading a dozen drawings in a guarded child process takes most of a second, which a command that looks at one picture should
not pay each time. The file names the drawings' hashes, the rules that they were read by and kontur's version; when any of
these differs the drawings are read. Only parts are kept: a command that tells what is wrong with a drawing reads it.
Reading never unpickles.
"""

import hashlib
import json
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from kontur import __version__
from kontur.data_preprocessing.data_config import DataConfig, load_data_config
from kontur.data_preprocessing.part_list import open_parts
from kontur.drawing import find_drawings
from kontur.errors import WorkspaceError
from kontur.files import atomic_path, sha256_of
from kontur.geometry import Circle, Contour, Part
from kontur.workspace import Workspace

FILE = "parts.npz"
_FORMAT = 1


def open_known_parts(workspace: Workspace) -> tuple[DataConfig, tuple[Part, ...]]:
    """Return configuration and parts of a workspace, from memory where nothing has changed since; as `open_parts` else.

    Raises:
        ConfigError: faults in the configuration.
        DrawingError: no drawings, or one that cannot be used.
    """
    config = load_data_config(workspace.data_config)
    path = workspace.models / FILE
    key = _key(workspace, config)
    parts = _remembered(path, key) if key else None
    if parts is None:
        _, parts, _ = open_parts(workspace)
        _remember(path, key, parts)
    return config, parts


def _key(workspace: Workspace, config: DataConfig) -> str:
    """Return a hash of all that the parts depend on; empty where there are no drawings."""
    if not workspace.drawings.is_dir() or not any(workspace.drawings.iterdir()):
        return ""
    drawings = [(path.name, sha256_of(path)) for path in find_drawings([workspace.drawings])]
    depends = [_FORMAT, __version__, config.drawings.model_dump(mode="json"), drawings]
    return hashlib.sha256(json.dumps(depends, sort_keys=True).encode()).hexdigest()


def _remember(path: Path, key: str, parts: Sequence[Part]) -> None:
    """Write parts to a file; a workspace that cannot be written to has no memory, and its drawings are read each time."""
    contours = [contour for part in parts for contour in part.contours]
    heads = [
        {"name": part.name, "contours": len(part.contours), "origin_mm": part.origin_mm, "symmetry": part.symmetry,
         "chiral": part.chiral, "copies": part.copies}
        for part in parts
    ]  # fmt: skip
    circles = [[c.circle.x_mm, c.circle.y_mm, c.circle.radius_mm] if c.circle else [0, 0, -1] for c in contours]
    try:
        with atomic_path(path) as temporary, temporary.open("wb") as stream:
            np.savez(
                stream, key=key, parts=json.dumps(heads), points=np.concatenate([c.points for c in contours]),
                lengths=[len(contour) for contour in contours], circles=np.array(circles, np.float64),
            )  # fmt: skip
    except WorkspaceError:
        return


def _remembered(path: Path, key: str) -> tuple[Part, ...] | None:
    """Return the parts that a file holds under this key; None when there is none, or it is damaged."""
    try:
        with np.load(path, allow_pickle=False) as file:
            if str(file["key"]) != key:
                return None
            heads, ends = json.loads(str(file["parts"])), np.cumsum(file["lengths"])
            rings = np.split(file["points"], ends[:-1])
            circles = [Circle(*row) if row[2] > 0 else None for row in file["circles"].tolist()]
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile):
        return None
    contours = [Contour(points, circle) for points, circle in zip(rings, circles, strict=True)]
    parts = []
    for head in heads:
        count = head.pop("contours")
        (outer, *holes), contours = contours[:count], contours[count:]
        parts.append(Part(outer=outer, holes=tuple(holes), **head | {"origin_mm": tuple(head["origin_mm"])}))
    return tuple(parts)

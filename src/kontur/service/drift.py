"""Do the pictures that come still look like those that were trained on? Statistics of pictures, and their distance.

The population stability index (PSI) compares two samples of a number: the reference is cut into ten equally full bins, and
the shares p (reference) and q (recent) of each bin give sum((q - p) ln(q / p)). Below 0.1 is taken for no change, above
0.25 for a clear one (Siddiqi, Credit Risk Scorecards, 2006; the bounds are a convention, not a test).
"""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from kontur.data_preprocessing.dataset import open_dataset
from kontur.pictures import Picture, read_picture
from kontur.workspace import Workspace

STATISTICS = ("brightness", "contrast", "sharpness", "saturation")
"""Mean grey value; its standard deviation; log10 of the Laplacian's variance; mean difference of a pixel's channels."""
DRIFT_CLEAR = 0.25
_BINS = 10
_LEAST_RECENT = 50
_REFERENCE_PICTURES = 200
_LONG_SIDE_PX = 640
_FLOOR = 1e-3
"""Shares of empty bins."""


def picture_statistics(picture: Picture) -> dict[str, float]:
    """Return the `STATISTICS` of an (H, W, 3) uint8 BGR picture, of a copy reduced to at most 640 px."""
    zoom = min(1.0, _LONG_SIDE_PX / max(picture.shape[:2]))
    small = cv2.resize(picture, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_AREA) if zoom < 1 else picture
    grey = cv2.cvtColor(small, cv2.COLOR_BGR2GRAY)
    mean, deviation = cv2.meanStdDev(grey)
    _, edges = cv2.meanStdDev(cv2.Laplacian(grey, cv2.CV_16S))
    blue, green, red = cv2.split(small)  # NumPy's max over so short an axis takes a hundred times as long
    spread = cv2.subtract(cv2.max(cv2.max(blue, green), red), cv2.min(cv2.min(blue, green), red))
    return {
        "brightness": float(mean[0, 0]),
        "contrast": float(deviation[0, 0]),
        "sharpness": float(np.log10(edges[0, 0] ** 2 + 1)),
        "saturation": float(np.mean(spread)),
    }


def reference_statistics(workspace: Workspace) -> dict[str, NDArray[np.float64]]:
    """Return the statistics of the pictures trained on, of up to 200 spread evenly; empty where there is no data set."""
    if not workspace.manifest.is_file():
        return {}
    dataset = open_dataset(workspace, "train")
    chosen = np.unique(np.linspace(0, len(dataset) - 1, min(_REFERENCE_PICTURES, len(dataset))).round().astype(int))
    rows = [picture_statistics(read_picture(dataset.paths(int(position)).image)) for position in chosen]
    return {name: np.array([row[name] for row in rows]) for name in STATISTICS}


def stability_index(reference: NDArray[np.float64], recent: Sequence[float]) -> float | None:
    """Return the PSI of recent values against a reference; None when there are too few to tell."""
    if len(recent) < _LEAST_RECENT or len(reference) < _LEAST_RECENT:
        return None
    edges = np.quantile(reference, np.linspace(0, 1, _BINS + 1)[1:-1])
    shares = [
        np.maximum(np.bincount(np.searchsorted(edges, values), minlength=_BINS) / len(values), _FLOOR)
        for values in (reference, np.asarray(recent))
    ]
    return float(((shares[1] - shares[0]) * np.log(shares[1] / shares[0])).sum())

"""What is in a generated data set, as numbers: classes, sizes, poses, visible fractions, brightness."""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from kontur.data_preprocessing.dataset import Dataset, read_truth
from kontur.pictures import read_picture

PICTURES_READ = 64
"""Brightness is taken from so many pictures, spread evenly over the split."""
SAMPLES_READ = 20_000
"""All else is taken from at most so many samples, spread evenly, so that memory does not grow with the data set."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class SplitStatistics:
    """The instances of one split; struct of arrays, N instances in P pictures.

    Attributes:
        split: train, val or test.
        pictures: how many the split has; P of them were read.
        part_names: what `part` indexes.
        per_picture: (P,) int64 instances in each picture.
        part: (N,) int64.
        size_px: (N,) float64 square root of the visible area.
        visible_fraction: (N,) float64.
        angle_deg: (N,) float64 in [0, 360).
        mm_per_px: (N,) float64 at each instance.
        flipped: (N,) bool, face down.
        uv: (N, 2) float64 datums, px.
        brightness: (M,) float64 mean grey value (0..255) of the pictures that were read.
        contrast: (M,) float64 standard deviation of their grey values.
    """

    split: str
    pictures: int
    part_names: tuple[str, ...]
    per_picture: NDArray[np.int64]
    part: NDArray[np.int64]
    size_px: Floats
    visible_fraction: Floats
    angle_deg: Floats
    mm_per_px: Floats
    flipped: NDArray[np.bool_]
    uv: Floats
    brightness: Floats
    contrast: Floats

    @property
    def class_counts(self) -> dict[str, int]:
        """Instances of each part."""
        counts = np.bincount(self.part, minlength=len(self.part_names))
        return {name: int(count) for name, count in zip(self.part_names, counts, strict=True)}


def split_statistics(
    dataset: Dataset, pictures_read: int = PICTURES_READ, samples_read: int = SAMPLES_READ
) -> SplitStatistics:
    """Gather the statistics of a split from its truth files, and from some of its pictures.

    Raises:
        DatasetError, PictureError: a file is missing or damaged.
    """
    truths = [_slim(read_truth(dataset.paths(position).truth)) for position in _spread(len(dataset), samples_read)]
    rows = [row for truth in truths for row in truth]
    greys = [_grey(dataset, position) for position in _spread(len(dataset), pictures_read)]
    return SplitStatistics(
        split=dataset.split,
        pictures=len(dataset),
        part_names=dataset.manifest.part_names,
        per_picture=np.array([len(truth) for truth in truths], np.int64),
        part=np.array([row["category_id"] - 1 for row in rows], np.int64),
        size_px=np.sqrt(np.array([row["area"] for row in rows], np.float64)),
        visible_fraction=_column(rows, "visible_fraction"),
        angle_deg=np.degrees(_column(rows, "angle_rad")) % 360,
        mm_per_px=1 / _column(rows, "scale_px_per_mm"),
        flipped=np.array([row["kontur"]["flipped"] for row in rows], bool),
        uv=np.column_stack([_column(rows, "u"), _column(rows, "v")]),
        brightness=np.array([grey.mean() for grey in greys], np.float64),
        contrast=np.array([grey.std() for grey in greys], np.float64),
    )


def summary_row(statistics: SplitStatistics) -> dict[str, str]:
    """Return one split as a row of text: column name -> value; medians with the range of the middle 90 per cent."""
    return {
        "split": statistics.split,
        "pictures": str(statistics.pictures),
        "parts": str(len(statistics.part)),
        "parts a picture": _range_text(statistics.per_picture, ".0f"),
        "size, px": _range_text(statistics.size_px, ".0f"),
        "mm/px": _range_text(statistics.mm_per_px, ".2f"),
        "visible": _range_text(statistics.visible_fraction, ".0%"),
        "face down": f"{statistics.flipped.mean():.0%}" if len(statistics.flipped) else "–",
        "brightness": _range_text(statistics.brightness, ".0f"),
    }


def _spread(size: int, most: int) -> list[int]:
    """Up to `most` positions, spread evenly."""
    return np.unique(np.linspace(0, size - 1, min(most, size)).round().astype(int)).tolist()


def _slim(truth: dict[str, Any]) -> list[dict[str, Any]]:
    """The annotations without masks and outlines, which are nearly all of them."""
    kept = [
        {"category_id": row["category_id"], "area": row["area"], "kontur": row["kontur"]}
        for row in truth["annotations"]
    ]
    for row in kept:
        row["kontur"] = {key: value for key, value in row["kontur"].items() if key != "amodal"}
    return kept


def _range_text(values: NDArray[Any], form: str) -> str:
    if not len(values):
        return "–"
    low, middle, high = (format(float(value), form) for value in np.percentile(values, [5, 50, 95]))
    return f"{middle} ({low} to {high})"


def _grey(dataset: Dataset, position: int) -> NDArray[np.uint8]:
    return cv2.cvtColor(read_picture(dataset.paths(position).image), cv2.COLOR_BGR2GRAY)


def _column(rows: list[dict[str, Any]], name: str) -> Floats:
    return np.array([row["kontur"][name] for row in rows], np.float64)

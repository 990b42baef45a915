"""A part's contour as points with normals: what is matched and registered.

All rings are sampled at equal arc length. A point close to a corner sees two edges at once, so its weight is small there.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from kontur.geometry import Contour, Part, resample

CORNER_COSINE = 0.7
"""Points whose neighbours' normals differ by more than this angle's cosine count as corners."""
CORNER_WEIGHT = 0.25
_FEWEST_PER_RING = 8
_SPACING_STEP = 2**0.25

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ContourModel:
    """Points along all contours of a part.

    Attributes:
        points_mm: (M, 2) in the part's frame, y up.
        normals: (M, 2) unit, away from the material.
        weight: (M,) 1 on smooth stretches, CORNER_WEIGHT next to corners.
        length_mm: (M,) contour length that each point stands for.
    """

    points_mm: Floats
    normals: Floats
    weight: Floats
    length_mm: Floats


@dataclass(frozen=True, eq=False)
class ContourBatch:
    """The models of N detections, padded to the same number of points: weight and length are 0 where padded."""

    points_mm: Floats
    normals: Floats
    weight: Floats
    length_mm: Floats

    def __getitem__(self, index: NDArray[np.int64]) -> "ContourBatch":
        """Return the models of some detections."""
        return ContourBatch(self.points_mm[index], self.normals[index], self.weight[index], self.length_mm[index])

    @property
    def columns(self) -> tuple[Floats, Floats, Floats, Floats]:
        """Points, normals, weights and lengths, as the kernels of `contour_fit` take them."""
        return self.points_mm, self.normals, self.weight, self.length_mm

    def thinned(self, step: int = 2) -> "ContourBatch":
        """Return every second point (or one in `step`), each standing for as much more length."""
        columns = self.points_mm, self.normals, self.weight, step * self.length_mm
        return ContourBatch(*(np.ascontiguousarray(values[:, ::step]) for values in columns))


def contour_model(part: Part, spacing_mm: float) -> ContourModel:
    """Sample the contours of a part, points `spacing_mm` apart (closer on rings that would have fewer than 8)."""
    return _cached_model(_ByGeometry(part), float(spacing_mm))


class _ByGeometry:
    """A part that equals another one of the same geometry: the key of the cache."""

    def __init__(self, part: Part) -> None:
        self.part = part
        self.key = part.sha256

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _ByGeometry) and self.key == other.key


@lru_cache(maxsize=512)
def _cached_model(item: _ByGeometry, spacing_mm: float) -> ContourModel:
    rows = [_sample(contour, spacing_mm) for contour in item.part.contours]
    model = ContourModel(*(np.concatenate(column) for column in zip(*rows, strict=True)))
    for array in (model.points_mm, model.normals, model.weight, model.length_mm):
        array.flags.writeable = False
    return model


def _sample(contour: Contour, spacing_mm: float) -> tuple[Floats, Floats, Floats, Floats]:
    """Return points, normals, weights and lengths of one ring; exact where the ring is a circle."""
    spacing = min(spacing_mm, contour.perimeter_mm / _FEWEST_PER_RING)
    points, normals = resample(contour.points, spacing)
    turn = np.einsum("ij,ij->i", np.roll(normals, 1, axis=0), np.roll(normals, -1, axis=0))
    weight = np.where(turn > CORNER_COSINE, 1.0, CORNER_WEIGHT)
    if contour.circle is not None:
        centre = np.array([contour.circle.x_mm, contour.circle.y_mm])
        outwards = (points - centre) / np.linalg.norm(points - centre, axis=1, keepdims=True)
        points = centre + outwards * contour.circle.radius_mm
        normals = outwards if contour.signed_area_mm2 > 0 else -outwards
        weight = np.ones(len(points))
    return points, normals, weight, np.full(len(points), contour.perimeter_mm / len(points))


def spacing_for(part: Part, scale_px_per_mm: float, spacing_px: float, most_points: int) -> float:
    """Return the spacing in mm for points `spacing_px` apart, or further where that gives more than `most_points`.

    Rounded up to a power of 2**(1/4) mm, so that instances of one part share one cached model.
    """
    spacing = max(spacing_px / scale_px_per_mm, part.perimeter_mm / most_points)
    return float(_SPACING_STEP ** math.ceil(math.log(spacing) / math.log(_SPACING_STEP)))


def stack_models(models: Sequence[ContourModel]) -> ContourBatch:
    """Stack models of different lengths; padded points repeat the first one with weight and length 0."""
    shape = len(models), max(len(model.weight) for model in models)
    batch = ContourBatch(np.empty((*shape, 2)), np.empty((*shape, 2)), np.zeros(shape), np.zeros(shape))
    for row, model in enumerate(models):
        count = len(model.weight)
        batch.points_mm[row, :count], batch.points_mm[row, count:] = model.points_mm, model.points_mm[0]
        batch.normals[row, :count], batch.normals[row, count:] = model.normals, model.normals[0]
        batch.weight[row, :count], batch.length_mm[row, :count] = model.weight, model.length_mm
    return batch

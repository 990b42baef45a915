"""A part's contour as points with normals: what is matched and registered.

All rings are sampled at equal arc length. A point close to a corner sees two edges at once, so its weight is small there.
"""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock
from typing import Protocol

import numba
import numpy as np
from numpy.typing import NDArray

from kontur.geometry import Contour, Part, resample
from kontur.modeling.detections import Detections

CORNER_COSINE = 0.7
"""Points whose neighbours' normals differ by more than this angle's cosine count as corners."""
CORNER_WEIGHT = 0.25
_FEWEST_PER_RING = 8
_SPACING_STEP = 2**0.25
_LOG_STEP = math.log(_SPACING_STEP)

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

    @property
    def rows(self) -> Floats:
        """(M, 6) all of it, point by point."""
        return np.column_stack([self.points_mm, self.normals, self.weight, self.length_mm])


Table = tuple[Floats, NDArray[np.int64]]
"""Many models one after the other: (T, 6) points, normals, weights and lengths, and where each begins, with the end."""


class ContourBatch:
    """The models of N detections, padded to the same number of points: weight and length are 0 where padded.

    They are taken from a table when their arrays are first asked for.

    Attributes:
        table: in which they are.
        chosen: (N,) which of the table's.
    """

    def __init__(self, table: Table, chosen: NDArray[np.int64], step: int = 1) -> None:
        """Take models.

        Args:
            table: in which they are.
            chosen: (N,) which of the table's.
            step: one point in so many is taken, each standing for as much more length.
        """
        self.table, self.chosen, self._step = table, chosen, step
        self._columns: tuple[Floats, Floats, Floats, Floats] | None = None

    def __getitem__(self, index: NDArray[np.int64]) -> "ContourBatch":
        """Return the models of some detections."""
        return ContourBatch(self.table, self.chosen[index], self._step)

    def thinned(self, step: int = 2) -> "ContourBatch":
        """Return every second point (or one in `step`), each standing for as much more length."""
        return ContourBatch(self.table, self.chosen, step * self._step)

    @property
    def columns(self) -> tuple[Floats, Floats, Floats, Floats]:
        """Points, normals, weights and lengths, as the kernels of `contour_fit` take them."""
        if self._columns is None:
            self._columns = _stacked(self.table, self.chosen, self._step)
        return self._columns

    @property
    def points_mm(self) -> Floats:
        """(N, M, 2) in the parts' frames, y up."""
        return self.columns[0]

    @property
    def normals(self) -> Floats:
        """(N, M, 2) unit, away from the material."""
        return self.columns[1]

    @property
    def weight(self) -> Floats:
        """(N, M) 1 on smooth stretches, CORNER_WEIGHT next to corners."""
        return self.columns[2]

    @property
    def length_mm(self) -> Floats:
        """(N, M) contour length that each point stands for."""
        return self.columns[3]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _stacked(table, chosen, step):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Return (N, M, 2) points and normals, (N, M) weights and lengths; padded points repeat the first one."""
    rows, first = table
    count, most = len(chosen), 0
    for number in chosen:
        most = max(most, (first[number + 1] - first[number] + step - 1) // step)
    points, normals = np.empty((count, most, 2)), np.empty((count, most, 2))
    weight, length = np.zeros((count, most)), np.zeros((count, most))
    for n in range(count):
        begin, end = first[chosen[n]], first[chosen[n] + 1]
        for m in range(most):
            at = begin + m * step
            row = rows[at if at < end else begin]
            points[n, m, 0], points[n, m, 1] = row[0], row[1]
            normals[n, m, 0], normals[n, m, 1] = row[2], row[3]
            if at < end:
                weight[n, m], length[n, m] = row[4], step * row[5]
    return points, normals, weight, length


@lru_cache(maxsize=512)
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
    return float(_SPACING_STEP ** math.ceil(math.log(spacing) / _LOG_STEP))


class Spaced(Protocol):
    """How far apart contour points are: `spacing_px`, or further where that gives more than `most_points`."""

    @property
    def spacing_px(self) -> float:
        """Distance between contour points."""
        ...

    @property
    def most_points(self) -> int:
        """Contour points at most."""
        ...


def model_batch(detections: Detections, parts: Sequence[Part], options: Spaced) -> ContourBatch:
    """Return the contour points of detections, spaced for their scale (see `spacing_for`)."""
    return models_at(detections.part, detections.similarity[1], parts, options)


def models_at(
    kinds: NDArray[np.int64], px_per_mm: Floats | float, parts: Sequence[Part], options: Spaced
) -> ContourBatch:
    """Return the contour points of parts (N,), given by their place in the list, spaced for a scale, or (N,) scales."""
    models = _models_of(tuple(parts))
    perimeter = models.perimeter_mm[kinds]
    spacing = np.maximum(options.spacing_px / px_per_mm, perimeter / options.most_points)
    level = np.ceil(np.log(np.minimum(spacing, perimeter)) / _LOG_STEP)
    return models.batch(kinds, level)


class _Models:
    """The models of a part list, all in one table, each sampled when it is first asked for.

    Attributes:
        perimeter_mm: (P,) of the parts.
    """

    def __init__(self, parts: Sequence[Part]) -> None:
        self.perimeter_mm = np.array([part.perimeter_mm for part in parts], np.float64)
        self._parts, self._lock = parts, Lock()
        self._numbers: dict[tuple[int, float], int] = {}
        self._table: Table = np.empty((0, 6)), np.zeros(1, np.int64)

    def batch(self, part: NDArray[np.int64], level: Floats) -> ContourBatch:
        """Return the models of parts (N,), spaced by `_SPACING_STEP` to the power of (N,) levels, mm."""
        keys = list(zip(part.tolist(), level.tolist(), strict=True))
        numbers = [self._numbers.get(key, -1) for key in keys]
        if -1 in numbers:
            self._add({key for key in keys if key not in self._numbers})
            numbers = [self._numbers[key] for key in keys]
        return ContourBatch(self._table, np.array(numbers, np.int64))

    def _add(self, keys: Collection[tuple[int, float]]) -> None:
        """Add models to the table, which is another one then: batches that were made keep theirs."""
        with self._lock:
            new = [key for key in keys if key not in self._numbers]
            models = [contour_model(self._parts[part], _SPACING_STEP**level) for part, level in new]
            rows, first = self._table
            ends = first[-1] + np.cumsum([len(model.weight) for model in models], dtype=np.int64)
            self._table = np.concatenate([rows, *(model.rows for model in models)]), np.append(first, ends)
            self._numbers.update(zip(new, range(len(first) - 1, len(first) - 1 + len(new)), strict=True))


_models_of = lru_cache(maxsize=16)(_Models)

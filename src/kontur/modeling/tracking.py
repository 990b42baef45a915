"""Tracking: coarse candidates are moved, turned and scaled until their contours lie best on the picture's edges.

A hypothesis is a row of contour points with the double angle of their normals. Its agreement with an edge field (see
`edge_field`) is the mean over the points inside the picture of the field's component in that direction: 1 where every
point lies on a strong edge that runs along the contour, 0 by chance. The best pose near a candidate is found by steps of
shrinking size in u, v, angle and scale, each hypothesis by itself: the last levels of a pyramid search, without a pyramid
of templates. One compiled loop over all hypotheses; a few tens of microseconds each.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

from kontur.geometry import Part
from kontur.modeling.contour_model import contour_model
from kontur.modeling.parallel import in_threads, pieces

Floats = NDArray[np.float32]

POINTS = 96
"""Contour points per part; parts with many holes share them out by length."""
_STEPS_PX = (3.0, 1.5, 0.75)
"""Steps of the contour's motion, px of the field; points far from the datum turn and stretch by as much."""
_MOST_MOVES = 12
_FEWEST_AT_ONCE = 4
"""Fewer hypotheses than this are not worth another thread."""
_ASIDE_PX = (9.0, 14.0)
_WAYS = 8
"""For its prominence a contour is moved aside this far, in this many directions, px of the field."""
_LEAST_GAIN = 1e-9
_LEAST_INSIDE = 0.2
"""Share of the points that must lie inside the picture."""


@dataclass(frozen=True, eq=False)
class TrackModels:
    """Contour points of all parts.

    Attributes:
        points_mm: (parts, POINTS, 2), y up.
        directions: (parts, POINTS, 2) cosine and sine of twice the normals' angle, y up.
        radius_mm: (parts,).
    """

    points_mm: NDArray[np.float64]
    directions: NDArray[np.float64]
    radius_mm: NDArray[np.float64]


def track_models(parts: Sequence[Part]) -> TrackModels:
    """Sample the contours of all parts, `POINTS` each."""
    points, directions = np.zeros((len(parts), POINTS, 2)), np.zeros((len(parts), POINTS, 2))
    for row, part in enumerate(parts):
        model = contour_model(part, part.perimeter_mm / (4 * POINTS))
        length = np.cumsum(model.length_mm)
        chosen = np.searchsorted(length, (np.arange(POINTS) + 0.5) * length[-1] / POINTS)
        x, y = model.normals[chosen].T
        points[row], directions[row] = model.points_mm[chosen], np.column_stack([x * x - y * y, 2 * x * y])
    return TrackModels(points, directions, np.array([part.radius_mm for part in parts]))


def track(
    field: Floats,
    models: TrackModels,
    part: NDArray[np.int64],
    flipped: NDArray[np.bool_],
    pose: NDArray[np.float64],
    log_scale: NDArray[np.float64],
    steps_px: Sequence[float] = _STEPS_PX,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Move hypotheses to the best agreement nearby.

    Args:
        field: (h, w, 3) float32 edge field.
        models: of all parts.
        part, flipped: (N,) what each hypothesis is.
        pose: (N, 4) float64 u, v (px of the field), angle (rad), log of scale (px of the field per mm).
        log_scale: (N, 2) the range that each scale stays in.
        steps_px: sizes of the steps, px of the field.

    Returns:
        poses (N, 4) and their agreement (N,); -1 where too little lies inside the picture.
    """
    moved, agreement = pose.copy(), np.empty(len(pose))
    steps = np.asarray(steps_px, np.float64)
    models_of = models.points_mm, models.directions, models.radius_mm
    limits = np.ascontiguousarray(log_scale)

    def climb(piece: slice) -> None:
        """Track the candidates of a slice."""
        of_piece = part[piece], flipped[piece], moved[piece], agreement[piece], steps, limits[piece]
        _track(field, *models_of, *of_piece)

    in_threads(climb, pieces(len(pose), _FEWEST_AT_ONCE))
    return moved, agreement


def prominence(
    field: Floats,
    models: TrackModels,
    part: NDArray[np.int64],
    flipped: NDArray[np.bool_],
    pose: NDArray[np.float64],
    agreement: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return (N,) how far each agreement stands above the best one of the same contour moved aside.

    A regular texture agrees with a contour in many places alike; the prominence there is about 0, or below. Arguments as
    `track` has them, and the agreement that it returned; the field must be filled 15 px around the contours.
    """
    above = np.empty(len(pose))
    models_of = models.points_mm, models.directions

    def compare(piece: slice) -> None:
        """Write the prominence of a slice."""
        _prominence(field, *models_of, part[piece], flipped[piece], pose[piece], agreement[piece], above[piece])

    in_threads(compare, pieces(len(pose), _FEWEST_AT_ONCE))
    return above


_fast = {"cache": True, "nogil": True, "fastmath": True, "error_model": "numpy"}


@numba.njit(**_fast)
def _agreement(field, points, directions, flipped, u, v, angle, log_scale):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Return the mean agreement of one contour at one pose."""
    height, width = field.shape[:2]
    scale = np.exp(log_scale)
    a, b = scale * np.cos(angle), scale * np.sin(angle)
    cosine, sine = np.cos(2 * angle), np.sin(2 * angle)
    side = -1.0 if flipped else 1.0
    total, inside = 0.0, 0
    for k in range(points.shape[0]):
        x, y = side * points[k, 0], points[k, 1]
        at_u, at_v = u + a * x - b * y, v - (b * x + a * y)
        i, j = int(np.floor(at_u)), int(np.floor(at_v))
        if i < 0 or j < 0 or i >= width - 1 or j >= height - 1:
            continue
        inside += 1
        p, q = at_u - i, at_v - j
        c, s = directions[k, 0], side * directions[k, 1]
        turned_c, turned_s = cosine * c - sine * s, -(sine * c + cosine * s)
        w00, w01, w10, w11 = (1 - p) * (1 - q), p * (1 - q), (1 - p) * q, p * q
        f1 = w00 * field[j, i, 1] + w01 * field[j, i + 1, 1] + w10 * field[j + 1, i, 1] + w11 * field[j + 1, i + 1, 1]
        f2 = w00 * field[j, i, 2] + w01 * field[j, i + 1, 2] + w10 * field[j + 1, i, 2] + w11 * field[j + 1, i + 1, 2]
        total += turned_c * f1 + turned_s * f2
    if inside < _LEAST_INSIDE * points.shape[0]:
        return -1.0
    return total / inside


@numba.njit(**_fast)
def _track(field, points, directions, radius, part, flipped, pose, agreement, steps, limits):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Climb from each pose; `pose` and `agreement` are written."""
    for n in range(pose.shape[0]):
        pose[n, 3] = min(max(pose[n, 3], limits[n, 0]), limits[n, 1])
        mine, turn, reach = points[part[n]], directions[part[n]], radius[part[n]]
        agreement[n] = _climb(field, mine, turn, flipped[n], pose[n], steps, reach, limits[n])


@numba.njit(**_fast)
def _climb(field, points, directions, flipped, pose, steps, radius, limits):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Move one pose in place until no step of any size helps; returns its agreement."""
    best = _agreement(field, points, directions, flipped, pose[0], pose[1], pose[2], pose[3])
    for size in steps:
        for _ in range(_MOST_MOVES):
            before = best
            best = _sweep(field, points, directions, flipped, pose, size, radius, limits, before)
            if best <= before:
                break
    return best


@numba.njit(**_fast)
def _sweep(field, points, directions, flipped, pose, size, radius, limits, best):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Try one step to either side along u, v, angle and scale, and keep what helps; returns the agreement."""
    rim = size / max(1.0, radius * np.exp(pose[3]))
    for k in range(8):
        axis, sign = k // 2, 2.0 * (k % 2) - 1.0
        old = pose[axis]
        pose[axis] = old + sign * (size if axis < 2 else rim)
        value = -1.0
        if limits[0] <= pose[3] <= limits[1]:
            value = _agreement(field, points, directions, flipped, pose[0], pose[1], pose[2], pose[3])
        if value > best + _LEAST_GAIN:
            best = value
        else:
            pose[axis] = old
    return best


@numba.njit(**_fast)
def _prominence(field, points, directions, part, flipped, pose, agreement, above):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Write the agreement less the best one aside."""
    for n in range(pose.shape[0]):
        best = 0.0
        mine, turn = points[part[n]], directions[part[n]]
        for way in range(_WAYS):
            angle = 2 * np.pi * way / _WAYS
            for aside in _ASIDE_PX:
                u, v = pose[n, 0] + aside * np.cos(angle), pose[n, 1] + aside * np.sin(angle)
                best = max(best, _agreement(field, mine, turn, flipped[n], u, v, pose[n, 2], pose[n, 3]))
        above[n] = agreement[n] - best

"""Put registered contours on the plane that the well supported ones share."""

from dataclasses import replace

import numba
import numpy as np
from numpy.typing import NDArray

from kontur.modeling.fit_state import Fit
from kontur.modeling.placing import log_scale_at_datum
from kontur.modeling.plane import Plane, fit_plane, level_plane
from kontur.modeling.small_matrices import multiply
from kontur.modeling.support import Support

Floats = NDArray[np.float64]

TRUSTED_SUPPORT = 0.6
"""Parts supported this well take part in finding the shared plane."""
_SAME_PLACE = 0.7
"""Data closer than this share of the part's radius compete for one place."""
_LEAST_SUPPORT = 0.3
_fast = {"cache": True, "nogil": True, "error_model": "numpy"}


def share_plane(size_wh: tuple[int, int], fit: Fit, support: Support) -> Fit:
    """Fit the plane to the well supported contours, one a place, and give all of them its perspective.

    Args:
        size_wh: of the picture, px.
        fit: of N contours; their data, angles and mean scales stay.
        support: of the fit.
    """
    score, length = support.score, support.length_px
    order = np.argsort(-score * length, kind="stable")
    chosen = np.zeros(len(order), bool)
    best_of_places(order[score[order] >= TRUSTED_SUPPORT], support.centre, reach_of(support), chosen)
    trusted, scales = fit.matrix[chosen], np.empty(np.count_nonzero(chosen))
    log_scales_at_data(level_plane(size_wh).both_ways[1], trusted, scales)
    weight = np.maximum(score[chosen] - _LEAST_SUPPORT, 0) ** 2 * np.sqrt(length[chosen])
    plane = fit_plane(size_wh, trusted[:, :2, 2], scales, weight)
    return on_plane(fit, plane)


def on_plane(fit: Fit, plane: Plane) -> Fit:
    """Give contours the perspective of a plane; their data, angles and mean scales stay."""
    matrix = np.empty_like(fit.matrix)
    move_to_plane(fit.matrix, plane.both_ways[0] @ fit.plane.both_ways[1], matrix)
    return replace(fit, matrix=matrix, plane=plane)


def reach_of(support: Support) -> Floats:
    """Return (N,) px2 how far contours claim the place around them, squared."""
    return np.asarray((_SAME_PLACE * support.radius_px) ** 2, np.float64)


@numba.njit(**_fast)
def log_scales_at_data(back, matrix, out):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Write (N,) what `placing.log_scale_at_datum` returns for homographies (N, 3, 3)."""
    for n in range(len(matrix)):
        out[n] = log_scale_at_datum(back, matrix[n])


@numba.njit(**_fast)
def best_of_places(order, centre, reach2, chosen):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Choose in the given order those that do not lie within their own reach of one chosen before.

    Args:
        order: indices into the N, the best first.
        centre: (N, 2) px.
        reach2: (N,) px2.
        chosen: (N,) bool, all False at first; written.
    """
    for k in range(len(order)):
        index, is_free = order[k], True
        for other in order[:k]:
            du, dv = centre[other, 0] - centre[index, 0], centre[other, 1] - centre[index, 1]
            is_free &= not (chosen[other] and du * du + dv * dv <= reach2[index])
        chosen[index] = is_free


@numba.njit(**_fast)
def move_to_plane(matrix, change, out):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Give homographies another plane's perspective; datum, angle and mean scale stay.

    Args:
        matrix: (N, 3, 3) part's frame to px.
        change: (3, 3) from the picture of the old plane to that of the new one.
        out: (N, 3, 3), written; the last element is 1.
    """
    motion, moved, placed = np.zeros((3, 3)), np.empty((3, 3)), np.empty((3, 3))
    motion[2, 2] = 1
    for n in range(len(matrix)):
        multiply(change, matrix[n], moved)
        _scale(moved, moved)
        a, b, c, d = _at_datum(matrix[n])
        p, q, r, s = _at_datum(moved)
        stretch = p * s - q * r
        cosine = (a * s - b * r + d * p - c * q) / (2 * stretch)
        sine = (b * p - a * q - c * s + d * r) / (2 * stretch)
        motion[0, 0], motion[0, 1], motion[1, 0], motion[1, 1] = cosine, sine, -sine, cosine
        for k in range(2):
            motion[k, 2] = matrix[n, k, 2] - motion[k, 0] * moved[0, 2] - motion[k, 1] * moved[1, 2]
        multiply(motion, moved, placed)
        _scale(placed, out[n])


@numba.njit(**_fast)
def _scale(matrix, out):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Write a homography so that its last element is 1."""
    last = matrix[2, 2]
    for i in range(3):
        for j in range(3):
            out[i, j] = matrix[i, j] / last


@numba.njit(**_fast)
def _at_datum(matrix):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Return the derivative of a homography (its last element is 1) at the origin, row by row."""
    u, v, along, across = matrix[0, 2], matrix[1, 2], matrix[2, 0], matrix[2, 1]
    return matrix[0, 0] - u * along, matrix[0, 1] - u * across, matrix[1, 0] - v * along, matrix[1, 1] - v * across

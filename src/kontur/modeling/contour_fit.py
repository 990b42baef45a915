"""Compiled steps of a registration: contours are placed, looked across and moved, one after the other.

Each contour goes through a whole step before the next one begins, in arrays that stay in the core's cache; what is known of
all its points never leaves the step. `plane` is the shared plane's homographies (2, 3, 3) both ways, its log scale (NaN when
unknown), and the picture's size, px; `model` the points, normals, corner weights and lengths of a `ContourBatch`;
`rows` the first contour of a step and the one after its last. Matrices and offsets are those of a `Fit`, changed in place.
"""

import numba
import numpy as np

from kontur.modeling.motion_fit import UNKNOWNS, fit_to_peaks, fit_to_readings, judge, mean_square_arm, move_contours
from kontur.modeling.placing import log_scale_at_datum, place_points
from kontur.modeling.profiles import edges_along, read_along
from kontur.modeling.reader_answer import CORNER_POOL_WEIGHT, answer_parts

_fast = {"cache": True, "nogil": True, "fastmath": False, "error_model": "numpy"}

BORDER_PX = 1.0
"""Contour points nearer to the picture's border count nothing."""
PEAKS_PER_POINT = 3
_SHARP_PX = 0.5
"""An edge this far from a contour counts half when two fits are compared."""
_TINY = 1e-9


@numba.njit(**_fast)
def fit_peaks(pixels, model, plane, line, limits, settings, rows, matrix, offset_px):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Move contours towards the strongest edges within reach.

    Args:
        pixels: (h, w, C) float32, smoothed.
        model, plane, rows, matrix, offset_px: see above.
        line, limits: how contours are crossed, see `profiles.edges_along`; the second limit is the range.
        settings: steps, half share and (5,) holds of `motion_fit.fit_to_peaks`.
    """
    placed, near = _space(model)
    points, normals, weight, _, arms, centre = placed
    start, solution, out = np.empty((1, 2)), np.empty((1, UNKNOWNS)), np.empty((1, 3, 3))
    for n in range(rows[0], rows[1]):
        _place(model, plane, matrix, n, placed)
        edges_along(pixels, (points, normals, weight), line, limits, near[0], near[1])
        start[0, 0], start[0, 1] = offset_px[n], _lacking(matrix[n], plane)
        fit_to_peaks((weight, arms), near, start, (limits[1], settings[0], settings[1], settings[2]), solution)
        move_contours(matrix[n : n + 1], plane[0], (weight, arms, centre), limits[1], solution, out)
        matrix[n], offset_px[n] = out[0], solution[0, 4]


@numba.njit(**_fast)
def look_along(pixels, model, plane, seeing, scaling, rows, matrix, features, clear, offset, strength):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Write what the edge reader sees along contours; returns how many of their points have a weight.

    Args:
        pixels, model, plane, rows, matrix: see above.
        seeing, scaling, features, clear: see `profiles.read_along`; points are counted from the first contour on.
        offset, strength: (rows, M, P) of the edges near the contours, written.
    """
    placed, _ = _space(model)
    line, limits, seen = seeing
    first = 0
    for n in range(rows[0], rows[1]):
        weight, one = _place(model, plane, matrix, n, placed), slice(n - rows[0], n - rows[0] + 1)
        contour = placed[0], placed[1], weight
        read_along(
            pixels, contour, line, limits, seen, scaling, features[first:], clear[first:], offset[one], strength[one]
        )
        first += _seen(weight)
    return first


@numba.njit(**_fast)
def fit_readings(said, layers, least_clear, near, model, plane, settings, rows, matrix, offset_px, support):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Move contours to where the edge reader says they are, and tell what supports them there.

    Args:
        said: what the points tell, see `edge_reader.point_layers`, and their `clear`.
        layers, least_clear: the reader's last layers; points that are less clear say nothing.
        near: distances and strengths of edges, as `look_along` writes them.
        model, plane, rows, matrix, offset_px: see above.
        settings: those of `motion_fit.fit_to_readings`; range of the motion, px; those of `motion_fit.judge`.
        support: a `support.Support`, written.
    """
    placed, _ = _space(model)
    _, normals, weight, length, arms, centre = placed
    answer, pooling, first = np.empty((weight.shape[1], 3), np.float32), np.empty_like(weight), 0
    lacking, solution, out = np.empty(1), np.empty((1, UNKNOWNS)), np.empty((1, 3, 3))
    for n in range(rows[0], rows[1]):
        _place(model, plane, matrix, n, placed)
        for m in range(weight.shape[1]):
            pooling[0, m] = length[0, m] * (1.0 if model[2][n, m] == 1 else CORNER_POOL_WEIGHT)
        count, one = _seen(weight), slice(n - rows[0], n - rows[0] + 1)
        answer_parts((normals, weight), pooling, said[0][first:], said[1][first:], layers, answer)
        for k in range(count):
            answer[k, 2] *= said[2][first + k] > least_clear
        lacking[0] = _lacking(matrix[n], plane)
        edges = near[0][one], near[1][one]
        fit_to_readings((weight, arms), edges, answer, lacking, settings[0], solution)
        move_contours(matrix[n : n + 1], plane[0], (weight, arms, centre), settings[1], solution, out)
        matrix[n], offset_px[n] = out[0], solution[0, 4]
        _tell(n, placed, edges, solution, settings[2], support)
        first += count


@numba.njit(**_fast)
def _seen(weight):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Return how many points of a contour (1, M) have a weight."""
    count = 0
    for m in range(weight.shape[1]):
        count += weight[0, m] > 0
    return count


@numba.njit(**_fast)
def find_support(pixels, model, plane, line, limits, settings, rows, matrix, offset_px, support):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Tell what supports contours where they are; arguments as above, `settings` those of `motion_fit.judge`."""
    placed, near = _space(model)
    points, normals, weight = placed[:3]
    expected = np.zeros((1, UNKNOWNS))
    for n in range(rows[0], rows[1]):
        _place(model, plane, matrix, n, placed)
        edges_along(pixels, (points, normals, weight), line, limits, near[0], near[1])
        expected[0, 4] = offset_px[n]
        _tell(n, placed, near, expected, settings, support)


@numba.njit(**_fast)
def _space(model):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Return arrays for one contour: points, normals, weights, lengths, rows and datum; distances and strengths of edges."""
    count = model[0].shape[1]
    placed = (
        np.empty((1, count, 2)),
        np.empty((1, count, 2)),
        np.empty((1, count)),
        np.empty((1, count)),
        np.empty((1, count, 4)),
        np.empty((1, 2)),
    )
    return placed, (np.empty((1, count, PEAKS_PER_POINT)), np.empty((1, count, PEAKS_PER_POINT)))


@numba.njit(**_fast)
def _place(model, plane, matrix, n, placed):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Place contour n; returns its weights."""
    points, normals, weight, length, arms, centre = placed
    one = slice(n, n + 1)
    contour = model[0][one], model[1][one], model[3][one]
    place_points(matrix[one], plane[0], contour, plane[2], BORDER_PX, points, normals, length, arms, centre)
    for m in range(weight.shape[1]):
        weight[0, m] = length[0, m] * model[2][n, m]
    return weight


@numba.njit(**_fast)
def _lacking(matrix, plane):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Return the log of the scale that the shared plane has over a part's own; 0 where it is not known."""
    return 0.0 if np.isnan(plane[1]) else plane[1] - log_scale_at_datum(plane[0][1], matrix)


@numba.njit(**_fast)
def _tell(n, placed, near, expected, settings, support):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Write what supports contour n when it makes the expected motion and has its edges where expected."""
    weight, arms, centre = placed[2], placed[4], placed[5]
    away, supported, score = np.empty(weight.shape), np.empty(weight.shape, np.bool_), np.empty(1)
    judge((weight, arms), near, expected, settings, away, supported, score)
    total, mass, sharp, square = 0.0, 0.0, 0.0, 0.0
    support.information[n] = 0
    for m in range(weight.shape[1]):
        total += weight[0, m]
        if weight[0, m] > 0 and supported[0, m]:
            off = away[0, m] * away[0, m]
            mass += weight[0, m]
            sharp += weight[0, m] / (1 + off / _SHARP_PX**2)
            square += weight[0, m] * off
            _add_square(arms[0, m], support.information[n])
    support.score[n], support.length_px[n] = score[0], total
    support.share[n], support.sharp[n] = mass / max(total, _TINY), sharp / max(total, _TINY)
    support.residual_px[n] = np.sqrt(square / mass) if mass > 0 else np.nan
    support.radius_px[n] = np.sqrt(mean_square_arm(weight[0], arms[0]))
    support.centre[n] = centre[0]


@numba.njit(**_fast)
def _add_square(row, information):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Add the product of a row with itself."""
    for i in range(len(row)):
        for j in range(len(row)):
            information[i, j] += row[i] * row[j]

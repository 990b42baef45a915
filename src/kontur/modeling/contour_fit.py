"""Compiled steps of a registration: contours are placed, looked across and moved, one after the other.

Each contour goes through a whole step before the next one begins, in arrays that stay in the core's cache; what is known of
all its points never leaves the step. `plane` is the shared plane's homographies (2, 3, 3) both ways, its log scale (NaN when
unknown), and the picture's size, px; `model` the points, normals, corner weights and lengths of a `ContourBatch`;
`rows` the first contour of a step and the one after its last. Matrices and offsets are those of a `Fit`, changed in place.
"""

import numba
import numpy as np

from kontur.modeling.motion_fit import (
    NO_SUMS,
    PEAKS_PER_POINT,
    UNKNOWNS,
    added,
    fit_to_peaks,
    fit_to_readings,
    judge,
    mean_square_arm,
    move_contours,
)
from kontur.modeling.placing import log_scale_at_datum, place_points
from kontur.modeling.profiles import edges_along, read_along
from kontur.modeling.reader_answer import CORNER_POOL_WEIGHT, answer_parts

_fast = {"cache": True, "nogil": True, "fastmath": False, "error_model": "numpy"}

BORDER_PX = 1.0
"""Contour points nearer to the picture's border count nothing."""
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
    space, near = _room_for_one(model)
    start, solution, out = np.empty((1, 2)), np.empty((1, UNKNOWNS)), np.empty((1, 3, 3))
    for n in range(rows[0], rows[1]):
        points, normals, weight, _, arms, centre = _place(model, plane, matrix, n, space, 0)
        edges = _first(near, weight)
        edges_along(pixels, (points, normals, weight), line, limits, edges[0], edges[1])
        start[0, 0], start[0, 1] = offset_px[n], _lacking(matrix[n], plane)
        fit_to_peaks((weight, arms), edges, start, (limits[1], settings[0], settings[1], settings[2]), solution)
        move_contours(matrix[n : n + 1], plane[0], (weight, arms, centre), limits[1], solution, out)
        matrix[n], offset_px[n] = out[0], solution[0, 4]


@numba.njit(**_fast)
def look_along(pixels, model, plane, seeing, scaling, rows, matrix, placed, features, clear, offset, strength):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Write what the edge reader sees along contours; returns how many of their points have a weight.

    Args:
        pixels, model, plane, rows, matrix: see above.
        seeing, scaling, features, clear: see `profiles.read_along`; points are counted from the first contour on.
        placed: room for the contours, see `room_for`, written.
        offset, strength: (rows, M, P) of the edges near the contours, written.
    """
    line, limits, seen = seeing
    first = 0
    for n in range(rows[0], rows[1]):
        k = n - rows[0]
        points, normals, weight, _, _, _ = _place(model, plane, matrix, n, placed, k)
        contour, edges = (points, normals, weight), _first((offset[k : k + 1], strength[k : k + 1]), weight)
        read_along(pixels, contour, line, limits, seen, scaling, features[first:], clear[first:], edges[0], edges[1])
        first += _seen(weight)
    return first


@numba.njit(**_fast)
def fit_readings(said, layers, least_clear, near, model, placed, plane, settings, rows, matrix, offset_px, support):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Move contours to where the edge reader says they are, and tell what supports them there.

    Args:
        said: what the points tell, see `edge_reader.point_layers`, and their `clear`.
        layers, least_clear: the reader's last layers; points that are less clear say nothing.
        near, placed: distances and strengths of edges, and the placed contours, as `look_along` writes them.
        model, plane, rows, matrix, offset_px: see above.
        settings: those of `motion_fit.fit_to_readings`; range of the motion, px; those of `motion_fit.judge`.
        support: a `support.Support`, written.
    """
    answer, pooling = np.empty((placed[2].shape[1], 3), np.float32), np.empty((1, placed[2].shape[1]))
    lacking, solution, out = np.empty(1), np.empty((1, UNKNOWNS)), np.empty((1, 3, 3))
    first = 0
    for n in range(rows[0], rows[1]):
        k = n - rows[0]
        contour = _contour(placed, k, _used(model, n))
        _, normals, weight, length, arms, centre = contour
        for m in range(weight.shape[1]):
            pooling[0, m] = length[0, m] * (1.0 if model[2][n, m] == 1 else CORNER_POOL_WEIGHT)
        count = _seen(weight)
        answer_parts((normals, weight), pooling, said[0][first:], said[1][first:], layers, answer)
        for line in range(count):
            answer[line, 2] *= said[2][first + line] > least_clear
        lacking[0] = _lacking(matrix[n], plane)
        edges = _first((near[0][k : k + 1], near[1][k : k + 1]), weight)
        fit_to_readings((weight, arms), edges, answer, lacking, settings[0], solution)
        move_contours(matrix[n : n + 1], plane[0], (weight, arms, centre), settings[1], solution, out)
        matrix[n], offset_px[n] = out[0], solution[0, 4]
        _tell(n, contour, edges, solution, settings[2], support)
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
    space, near = _room_for_one(model)
    expected = np.zeros((1, UNKNOWNS))
    for n in range(rows[0], rows[1]):
        contour = _place(model, plane, matrix, n, space, 0)
        edges = _first(near, contour[2])
        edges_along(pixels, (contour[0], contour[1], contour[2]), line, limits, edges[0], edges[1])
        expected[0, 4] = offset_px[n]
        _tell(n, contour, edges, expected, settings, support)


@numba.njit(**_fast)
def room_for(contours, points):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Return arrays for so many contours of so many points: points, normals, weights, lengths, rows and data."""
    return (
        np.empty((contours, points, 2)),
        np.empty((contours, points, 2)),
        np.empty((contours, points)),
        np.empty((contours, points)),
        np.empty((contours, points, 4)),
        np.empty((contours, 2)),
    )


@numba.njit(**_fast)
def _room_for_one(model):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Return arrays for one contour, and for the distances and strengths of the edges near it."""
    points = model[3].shape[1]
    shape = 1, points, PEAKS_PER_POINT
    return room_for(1, points), (np.empty(shape), np.empty(shape))


@numba.njit(**_fast)
def _first(edges, weight):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Return the arrays of edges as long as a contour is."""
    count = weight.shape[1]
    return edges[0][:, :count], edges[1][:, :count]


@numba.njit(**_fast)
def _used(model, n):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Return how many points of contour n are not padded."""
    length, used = model[3], model[3].shape[1]
    while used > 1 and length[n, used - 1] == 0:
        used -= 1
    return used


@numba.njit(**_fast)
def _contour(placed, k, used):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Return the arrays of contour k, as long as it is."""
    points, normals, weight, length, arms, centre = placed
    one = slice(k, k + 1)
    return (
        points[one, :used],
        normals[one, :used],
        weight[one, :used],
        length[one, :used],
        arms[one, :used],
        centre[one],
    )


@numba.njit(**_fast)
def _place(model, plane, matrix, n, placed, k):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Place contour n; returns the arrays of `placed` at k, where it is written."""
    one, used = slice(n, n + 1), _used(model, n)
    contour = _contour(placed, k, used)
    points, normals, weight, length, arms, centre = contour
    drawn = model[0][one, :used], model[1][one, :used], model[3][one, :used]
    place_points(matrix[one], plane[0], drawn, plane[2], BORDER_PX, points, normals, length, arms, centre)
    for m in range(used):
        weight[0, m] = length[0, m] * model[2][n, m]
    return contour


@numba.njit(**_fast)
def _lacking(matrix, plane):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Return the log of the scale that the shared plane has over a part's own; 0 where it is not known."""
    return 0.0 if np.isnan(plane[1]) else plane[1] - log_scale_at_datum(plane[0][1], matrix)


@numba.njit(**_fast)
def _tell(n, contour, near, expected, settings, support):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Write what supports contour n when it makes the expected motion and has its edges where expected."""
    _, _, weight, _, arms, centre = contour
    away, supported, score = np.empty(weight.shape), np.empty(weight.shape, np.bool_), np.empty(1)
    judge((weight, arms), near, expected, settings, away, supported, score)
    total, mass, sharp, square, sums = 0.0, 0.0, 0.0, 0.0, NO_SUMS
    for m in range(weight.shape[1]):
        off, row = away[0, m] * away[0, m], (arms[0, m, 0], arms[0, m, 1], arms[0, m, 2], arms[0, m, 3])
        counted = weight[0, m] if supported[0, m] else 0.0
        total += weight[0, m]
        mass += counted
        sharp += counted / (1 + off / _SHARP_PX**2)
        square += counted * off
        if supported[0, m]:
            sums = added(sums, row, 1.0, 0.0)
    at = 0
    for i in range(len(support.information[n])):
        for j in range(i + 1):
            support.information[n, i, j] = support.information[n, j, i] = sums[at]
            at += 1
    support.score[n], support.length_px[n] = score[0], total
    support.share[n], support.sharp[n] = mass / max(total, _TINY), sharp / max(total, _TINY)
    support.residual_px[n] = np.sqrt(square / mass) if mass > 0 else np.nan
    support.radius_px[n] = np.sqrt(mean_square_arm(weight[0], arms[0]))
    support.centre[n] = centre[0]

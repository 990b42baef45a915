"""Compiled kernels that fit motions of contours to the edges across them, one contour after the other.

A solution has five unknowns: (du, dv, dtheta, dlog scale) in the rectified picture (see `placing.place_points`), and how far
outside the contour all its edges lie, px.
"""

import numba
import numpy as np

from kontur.modeling.small_matrices import multiply, solve_damped

_fast = {"cache": True, "nogil": True, "fastmath": True, "error_model": "numpy"}

UNKNOWNS = 5
PEAKS_PER_POINT = 3
NO_SUMS = (0.0,) * (UNKNOWNS * (UNKNOWNS + 1) // 2 + UNKNOWNS)
_LEAST_RADIUS_PX = 1.0
_TINY = 1e-9
_NOWHERE_NEAR = 80.0
"""Half of this is the exponent of what counts nothing."""


@numba.njit(**_fast)
def fit_to_peaks(placed, found, start, settings, solution):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Fit N contours to the strongest edges across them by reweighted least squares (Tukey's biweight).

    Args:
        placed: weights (N, M), and rows (N, M, 4) of `placing.place_points`.
        found: distances (N, M, P) and strengths (N, M, P) of P = PEAKS_PER_POINT edges, strongest first.
        start: (N, 2) px by which the edges are expected outside the contours, and log scale that the contours lack.
        settings: range, px; steps; share of the typical strength at which an edge counts half; (5,) how strongly each
            unknown is held, in units of all edges together.
        solution: (N, 5), written.
    """
    (weight, rows), (offset, strength) = placed, found
    range_px, steps, half_share, hold = settings
    normal, right, damping = np.empty((UNKNOWNS, UNKNOWNS)), np.empty(UNKNOWNS), np.empty(UNKNOWNS)
    seen = np.empty((UNKNOWNS + 2 * PEAKS_PER_POINT, weight.shape[1]))
    for n in range(len(weight)):
        half = half_share * _typical(weight[n], strength[n])
        radius2 = mean_square_arm(weight[n], rows[n])
        count = _collect_peaks(weight[n], rows[n], offset[n], strength[n], half, seen)
        solution[n] = 0
        solution[n, 4] = start[n, 0]
        for _ in range(steps):
            _gather_peaks(seen, count, 1 / range_px, solution[n], normal, right)
            damping[:] = hold * (normal[4, 4] + _TINY)
            damping[2:4] *= radius2
            right[3] += damping[3] * start[n, 1]
            solve_damped(normal, right, damping, solution[n])


@numba.njit(**_fast)
def _collect_peaks(weight, rows, offset, strength, half, seen):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Write one below the other, of the points that have a weight, rows, weight, distances and trusts; returns how many."""
    count = 0
    for m in range(len(weight)):
        if weight[m] > 0:
            for k in range(4):
                seen[k, count] = rows[m, k]
            seen[4, count] = weight[m]
            for k in range(PEAKS_PER_POINT):
                seen[5 + k, count] = offset[m, k]
                seen[5 + PEAKS_PER_POINT + k, count] = strength[m, k] / (strength[m, k] + half)
            count += 1
    return count


@numba.njit(**_fast)
def _typical(weight, strength):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Return the (lower) median of the strongest edges of a contour's points; 1 where there is none."""
    values, count = np.empty(len(weight)), 0
    for m in range(len(weight)):
        if weight[m] > 0 and strength[m, 0] > 0:
            values[count] = strength[m, 0]
            count += 1
    for k in range(count):
        below, same = 0, 0
        for other in range(count):
            below += values[other] < values[k]
            same += values[other] == values[k]
        if below <= (count - 1) // 2 < below + same:
            return values[k]
    return 1.0


@numba.njit(**_fast)
def mean_square_arm(weight, rows):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Return the mean squared distance of a contour's points from its datum, px2."""
    total, mass = 0.0, _TINY
    for m in range(len(weight)):
        total += weight[m] * (rows[m, 2] ** 2 + rows[m, 3] ** 2)
        mass += weight[m]
    return total / mass + _LEAST_RADIUS_PX**2


@numba.njit(**_fast)
def _gather_peaks(seen, count, per_range, solution, normal, right):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Write what the best edge of each point, as `_collect_peaks` has them, says of the motion."""
    du, dv, turn, grow, out = solution
    sums = NO_SUMS
    for m in range(count):
        row = seen[0, m], seen[1, m], seen[2, m], seen[3, m]
        expected = row[0] * du + row[1] * dv + row[2] * turn + row[3] * grow + out
        best, target = 0.0, 0.0
        for k in range(PEAKS_PER_POINT):
            away = per_range * (seen[5 + k, m] - expected)
            inside = max(0.0, 1 - away * away)
            trust = inside * inside * seen[5 + PEAKS_PER_POINT + k, m]
            target = seen[5 + k, m] if trust > best else target
            best = max(best, trust)
        sums = added(sums, row, seen[4, m] * best, target)
    _write(sums, normal, right)


@numba.njit(**_fast)
def fit_to_readings(placed, found, reading, start, settings, solution):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Fit N contours to where the edge reader says that they are: least squares with Student's t weights.

    Args:
        placed, found, solution: as `fit_to_peaks` has them.
        reading: (L, 3) float32 offset, standard deviation, visibility of the L points that have a weight, in their order.
        start: (N,) log scale that the contours lack.
        settings: steps; degrees of freedom; px of contour that count as one measurement; least standard deviation, px;
            distance within which a peak is the same edge as the reading, px, and how far from the contour peaks count;
            (5,) prior information on the unknowns.
    """
    (weight, rows), (offset, strength) = placed, found
    steps, freedom, correlated, floor, same, reach, prior = settings
    normal, right = np.empty((UNKNOWNS, UNKNOWNS)), np.empty(UNKNOWNS)
    seen = np.empty((UNKNOWNS + 2, weight.shape[1]))
    line = 0
    for n in range(len(weight)):
        count = 0
        for m in range(weight.shape[1]):
            if weight[n, m] <= 0:
                continue
            for k in range(4):
                seen[k, count] = rows[n, m, k]
            spread = np.float64(reading[line, 1]) ** 2 + floor * floor
            seen[4, count] = weight[n, m] * reading[line, 2] / spread / correlated
            seen[5, count] = _sharpened(reading[line, 0], offset[n, m], strength[n, m], same, reach)
            seen[6, count] = 1 / (freedom * spread)
            count, line = count + 1, line + 1
        solution[n] = 0
        for step in range(steps):
            _gather_readings(seen, count, 1.0 if step > 0 else 0.0, solution[n], normal, right)
            right[3] += prior[3] * start[n]
            solve_damped(normal, right, prior, solution[n])


@numba.njit(**_fast)
def _gather_readings(seen, count, strictness, solution, normal, right):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Write what the readings of a contour say of the motion, less of those that the last solution finds wrong."""
    du, dv, turn, grow, out = solution
    sums = NO_SUMS
    for m in range(count):
        row, target = (seen[0, m], seen[1, m], seen[2, m], seen[3, m]), seen[5, m]
        wrong = target - (row[0] * du + row[1] * dv + row[2] * turn + row[3] * grow + out)
        sums = added(sums, row, seen[4, m] / (1 + strictness * wrong * wrong * seen[6, m]), target)
    _write(sums, normal, right)


@numba.njit(**_fast)
def _sharpened(read, offset, strength, same, reach):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Return a reading moved to the nearest peak of change if that is where it says: of a clean edge it is the exacter."""
    nearest = np.float64(1e9)
    for k in range(len(offset)):
        away = offset[k] - read
        if strength[k] > 0 and abs(offset[k]) <= reach and abs(away) < abs(nearest):
            nearest = away
    away = (nearest / same) ** 2
    return read + nearest * np.exp(-0.5 * away) if away < _NOWHERE_NEAR else np.float64(read)


@numba.njit(**_fast)
def move_contours(matrix, plane, placed, range_px, solution, out):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Apply fitted motions, shortened where they would move a point by clearly more than the range.

    Args:
        matrix: (N, 3, 3) part's frame to px.
        plane: (2, 3, 3) rectified picture to px, and its inverse.
        placed: weights (N, M), rows (N, M, 4), and data in the rectified picture (N, 2).
        range_px: how far points may move.
        solution: (N, 5); its motions are shortened here as well.
        out: (N, 3, 3), written; the last element is 1.
    """
    weight, rows, centre = placed
    motion, one, two = np.zeros((3, 3)), np.empty((3, 3)), np.empty((3, 3))
    for n in range(len(matrix)):
        radius = np.sqrt(mean_square_arm(weight[n], rows[n]))
        du, dv, turn, grow, _ = solution[n]
        size = np.hypot(du, dv) + radius * (abs(turn) + abs(grow))
        solution[n, :4] *= min(1.0, 2 * range_px / max(size, _TINY))
        du, dv, turn, grow, _ = solution[n]
        c, s = np.cos(turn) * np.exp(grow), np.sin(turn) * np.exp(grow)
        u, v = centre[n, 0], centre[n, 1]
        motion[0, 0], motion[0, 1], motion[0, 2] = c, s, u + du - c * u - s * v
        motion[1, 0], motion[1, 1], motion[1, 2] = -s, c, v + dv + s * u - c * v
        motion[2, 2] = 1
        multiply(plane[1], matrix[n], one)
        multiply(motion, one, two)
        multiply(plane[0], two, one)
        for i in range(3):
            for j in range(3):
                out[n, i, j] = one[i, j] / one[2, 2]


@numba.njit(**_fast)
def judge(placed, found, expected, settings, offset_px, supported, score):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Say which points of N contours have an edge near where it is expected.

    Args:
        placed, found: as `fit_to_peaks` has them.
        expected: (N, 5) the motion that is about to be made and how far outside the contour the edges are expected.
        settings: tolerance, px; most that edges may be expected off the contour, px.
        offset_px: (N, M) distance of the nearest edge from where it is expected, written; 0 where there is none.
        supported: (N, M) bool whether that is within the tolerance, written.
        score: (N,) share of the contour that is supported, nearer edges counting more, written.
    """
    (weight, rows), (offset, strength) = placed, found
    tolerance, most = settings
    for n in range(len(weight)):
        close, mass = 0.0, 0.0
        for m in range(weight.shape[1]):
            offset_px[n, m], supported[n, m] = 0, False
            if weight[n, m] <= 0:
                continue
            mass += weight[n, m]
            nearest = _nearest(offset[n, m], strength[n, m], min(most, max(-most, _along(rows[n, m], expected[n]))))
            if nearest < _FAR:
                offset_px[n, m], supported[n, m] = nearest, abs(nearest) <= tolerance
            if supported[n, m]:
                close += weight[n, m] * (1 - 0.25 * (nearest / tolerance) ** 2)
        score[n] = close / max(mass, _TINY)


_FAR = 1e9


@numba.njit(**_fast)
def _nearest(offset, strength, expected):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Return how far from where it is expected the nearest edge lies; _FAR when there is none."""
    nearest = _FAR
    for k in range(len(offset)):
        if strength[k] > 0 and abs(offset[k] - expected) < abs(nearest):
            nearest = offset[k] - expected
    return nearest


@numba.njit(inline="always", **_fast)
def _along(row, solution):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Return how far along its normal a point's edge lies, by a solution."""
    return row[0] * solution[0] + row[1] * solution[1] + row[2] * solution[2] + row[3] * solution[3] + solution[4]


@numba.njit(inline="always", **_fast)
def added(sums, row, weight, target):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Return the sums of the normal equations, the lower triangle and the right side, with one weighted equation more.

    They are numbers of their own, not an array, so that the compiler may sum many points at a time.
    """
    p, q, r, s = row
    wp, wq, wr, ws = weight * p, weight * q, weight * r, weight * s
    a, b, c, d, e, f, g, h, i, j, k, z, m, n, o, t, u, v, w, x = sums
    return (
        a + wp * p,
        b + wq * p, c + wq * q,
        d + wr * p, e + wr * q, f + wr * r,
        g + ws * p, h + ws * q, i + ws * r, j + ws * s,
        k + wp, z + wq, m + wr, n + ws, o + weight,
        t + wp * target, u + wq * target, v + wr * target, w + ws * target, x + weight * target,
    )  # fmt: skip


@numba.njit(**_fast)
def _write(sums, normal, right):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Write the sums of the normal equations as a lower triangle and a right side."""
    at = 0
    for i in range(UNKNOWNS):
        for j in range(i + 1):
            normal[i, j] = sums[at]
            at += 1
    for i in range(UNKNOWNS):
        right[i] = sums[at + i]

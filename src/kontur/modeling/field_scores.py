"""The kernels of the coarse alignment: a contour laid on a field of edge directions at many places."""

import numba
import numpy as np

_fast = {"cache": True, "nogil": True, "fastmath": True, "error_model": "numpy"}
_exact = {"cache": True, "nogil": True, "error_model": "numpy"}


@numba.njit(**_exact)
def lay_contour(field, few, contour, ways, at, shifts, limits, out):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Find how a contour lies best: at all angles by few points, at the most promising ones by more and at all scales.

    Args:
        field: (h, w, 2) float32, see `coarse_pose.direction_field`.
        few, contour: the same contour twice, see `score_turns`.
        ways: as `score_turns` has them; the middle scale is tried first.
        at: (2,) float64 place of the part's datum, cells.
        shifts: (K, 2) and (L, 2) int64 cells by which it is moved, and moved again in the end.
        limits: share of the weight that must lie inside the field; share of the best angle's agreement that is promising;
            how many angles are; and share that is kept.
        out: (N, 4) float64, written: datum, cells, angle and scale of the best N.

    Returns:
        how many were kept.
    """
    scales, angles, mirrored = ways
    inside, middle = limits[0], len(scales) // 2
    first, which = np.empty((1, len(angles))), np.empty((1, len(angles)), np.int64)
    score_turns(field, few, (scales[middle : middle + 1], angles, mirrored), at, shifts[0], inside, first, which)
    some = angles[likely_angles(first[0], limits[1], limits[2])]
    scores, which = np.empty((len(scales), len(some))), np.empty((len(scales), len(some)), np.int64)
    score_turns(field, contour, (scales, some, mirrored), at, shifts[0], inside, scores, which)
    best, size = np.empty(len(some)), np.empty(len(some), np.int64)
    for k in range(len(some)):
        size[k] = 0
        for s in range(1, len(scales)):
            if scores[s, k] > scores[size[k], k]:
                size[k] = s
        best[k] = scores[size[k], k]
    least, alone, last = -np.inf, np.empty((1, 1)), np.empty((1, 1), np.int64)
    for n in range(len(out)):
        k = _highest(best, least)
        if k < 0:
            return n
        if n == 0:
            least = _least_near(best[k], limits[3])
        s = size[k]
        moved, one = at + shifts[0][which[s, k]], (scales[s : s + 1], some[k : k + 1], mirrored)
        score_turns(field, contour, one, moved, shifts[1], inside, alone, last)
        out[n, :2], out[n, 2], out[n, 3] = moved + shifts[1][last[0, 0]], some[k], scales[s]
        best[k] = -np.inf
    return len(out)


@numba.njit(**_exact)
def likely_angles(scores, share, most):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Return the angles whose scores are local maxima, round the circle, and near the best one's; best first."""
    peaks, found = np.full(len(scores), -np.inf), np.empty(most, np.int64)
    for k in range(len(scores)):
        if scores[k] >= scores[k - 1] and scores[k] >= scores[(k + 1) % len(scores)]:
            peaks[k] = scores[k]
    least = -np.inf
    for count in range(most):
        k = _highest(peaks, least)
        if k < 0:
            return found[:count]
        if count == 0:
            least = _least_near(peaks[k], share)
        found[count], peaks[k] = k, -np.inf
    return found


@numba.njit(**_exact)
def _highest(values, least):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Return the first of the highest finite values that is at least so high; -1 when there is none."""
    best = -1
    for k in range(len(values)):
        if np.isfinite(values[k]) and values[k] >= least and (best < 0 or values[k] > values[best]):
            best = k
    return best


@numba.njit(**_exact)
def _least_near(best, share):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Return the least score that comes to a share of the best one, which may be negative."""
    return best - (1 - share) * abs(best)


@numba.njit(**_fast)
def score_turns(field, contour, ways, at, shifts, least_inside, best, best_shift):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Write the best mean agreement of a contour with a field over the shifts, for each scale and angle.

    Args:
        field: (h, w, 2) float32, see `coarse_pose.direction_field`.
        contour: (5, P) float32: points x and y and normals x and y in the part's frame, weight.
        ways: (S,) scales, cells per unit of the part's frame; (A,) angles, rad; and whether it is mirrored first.
        at: (2,) float64 place of the part's datum, cells.
        shifts: (K, 2) int64 cells by which it is moved.
        least_inside: share of the weight that must lie inside the field.
        best: (S, A) float64, written; -inf where no shift has enough inside.
        best_shift: (S, A) int64, written.
    """
    scales, angles, mirrored = ways
    count, width, flat = contour.shape[1], field.shape[1], field.reshape(-1)
    column, row, cell = np.empty(count, np.int32), np.empty(count, np.int32), np.empty(count, np.int32)
    cosine, sine = np.empty(count, np.float32), np.empty(count, np.float32)
    weight, total, reach = contour[4], contour[4].sum(), np.abs(shifts).max()
    side = np.float32(-1) if mirrored else np.float32(1)
    for s, a in np.ndindex(len(scales), len(angles)):
        turn = np.float32(scales[s] * np.cos(angles[a])), np.float32(scales[s] * np.sin(angles[a]))
        _lay(contour, turn, side, at, column, row, cosine, sine)
        best[s, a], best_shift[s, a] = -np.inf, 0
        if _all_within(column, reach, width - reach) and _all_within(row, reach, field.shape[0] - reach):
            for k in range(count):
                cell[k] = 2 * (row[k] * np.int32(width) + column[k])
            best[s, a], best_shift[s, a] = _best_shift_inside(flat, width, cell, cosine, sine, shifts)
            best[s, a] /= total
            continue
        for k in range(len(shifts)):
            agreement, inside = _agreement(field, column, row, cosine, sine, weight, shifts[k])
            if inside >= least_inside * total and inside > 0 and agreement / inside > best[s, a]:
                best[s, a], best_shift[s, a] = agreement / inside, k


@numba.njit(inline="always", **_fast)
def _lay(contour, turn, side, at, column, row, cosine, sine):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Write column and row of a turned contour's points, and weighted cosine and sine of twice their normals' directions.

    The picture's v runs down; `turn` is cosine and sine of the angle times the scale, `side` -1 mirrors x before.
    """
    x, y, normal_x, normal_y, weight = contour
    a, b, c, d = side * turn[0], -turn[1], -side * turn[1], -turn[0]
    u, v, per_square = np.float32(at[0] + 0.5), np.float32(at[1] + 0.5), np.float32(1) / (a * a + c * c)
    for k in range(len(x)):
        column[k] = np.int32(np.floor(a * x[k] + b * y[k] + u))
        row[k] = np.int32(np.floor(c * x[k] + d * y[k] + v))
    for k in range(len(x)):
        nx, ny = a * normal_x[k] + b * normal_y[k], c * normal_x[k] + d * normal_y[k]
        cosine[k] = weight[k] * (nx * nx - ny * ny) * per_square
        sine[k] = weight[k] * 2 * nx * ny * per_square


@numba.njit(inline="always", **_fast)
def _all_within(values, first, end):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Return whether whole numbers lie in a range."""
    low, high = values[0], values[0]
    for k in range(len(values)):
        low, high = min(low, values[k]), max(high, values[k])
    return low >= first and high < end


@numba.njit(inline="always", **_fast)
def _best_shift_inside(flat, width, cell, cosine, sine, shifts):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Return the best weighted sum of agreements of points that lie inside the field after all shifts, and which it was."""
    best, which, last = np.float32(-np.inf), 0, len(shifts) - 1
    for k in range(0, len(shifts), 3):
        first, second, third = k, min(k + 1, last), min(k + 2, last)
        one, two, three = _agreements_inside(
            flat,
            cell,
            _cells(shifts[first], width),
            _cells(shifts[second], width),
            _cells(shifts[third], width),
            cosine,
            sine,
        )
        if one > best:
            best, which = one, first
        if two > best:
            best, which = two, second
        if three > best:
            best, which = three, third
    return best, which


@numba.njit(inline="always", **_fast)
def _cells(shift, width):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Return by how many numbers of the flat field a shift moves."""
    return np.int32(2 * (shift[1] * width + shift[0]))


@numba.njit(inline="always", **_fast)
def _agreements_inside(flat, cell, first, second, third, cosine, sine):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Return the weighted sums of agreements over points for three shifts: a point is looked up once for all."""
    one, two, three = np.float32(0), np.float32(0), np.float32(0)
    for k in range(len(cell)):
        c, s, next_one = cosine[k], sine[k], np.uintp(1)
        at = np.uintp(cell[k] + first)
        one += flat[at] * c + flat[at + next_one] * s
        at = np.uintp(cell[k] + second)
        two += flat[at] * c + flat[at + next_one] * s
        at = np.uintp(cell[k] + third)
        three += flat[at] * c + flat[at + next_one] * s
    return one, two, three


@numba.njit(inline="always", **_fast)
def _agreement(field, column, row, cosine, sine, weight, shift):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Return the weighted sum of agreements over the points inside the field, and their weight."""
    height, width = field.shape[:2]
    agreement, inside = np.float32(0), np.float32(0)
    for k in range(len(column)):
        j, i = column[k] + shift[0], row[k] + shift[1]
        if j >= 0 and i >= 0 and j < width and i < height:
            agreement += field[i, j, 0] * cosine[k] + field[i, j, 1] * sine[k]
            inside += weight[k]
    return agreement, inside

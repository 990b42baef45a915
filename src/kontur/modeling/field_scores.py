"""The kernels of the coarse alignment: a contour laid on a field of edge directions at many places."""

import numba
import numpy as np

ANGLE_STEP_RAD = np.radians(5.0)
LEAST_ANGLES = 8
"""Angles tried within one period, however short it is."""
_fast = {"cache": True, "nogil": True, "fastmath": True, "error_model": "numpy"}
_in_order = {"cache": True, "nogil": True, "fastmath": {"contract"}, "error_model": "numpy"}
_exact = {"cache": True, "nogil": True, "error_model": "numpy"}


@numba.njit(**_exact)
def lay_contours(rows, field, models, hypotheses, scales, shifts, limits, out, count):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Lay the contours of hypotheses, each where and how it meets most edges.

    Args:
        rows: the first of the hypotheses, and the one after the last.
        field, shifts, limits: see `lay_contour`.
        models: table of contours, see `contour_model.Table`, and (N,) which of them is a hypothesis', with few points and
            with more.
        hypotheses: see `_angles_of`.
        scales: (N, S) cells per unit of the part's frame.
        out: (N, K, 4) float64, written, see `lay_contour`.
        count: (N,) int64, written: how many were kept.
    """
    table, few, more = models
    at, _, mirrored, _ = hypotheses
    for n in range(rows[0], rows[1]):
        ways = scales[n], _angles_of(n, hypotheses), mirrored[n]
        contours = _points_of(table, few[n]), _points_of(table, more[n])
        count[n] = lay_contour(field, contours[0], contours[1], ways, at[n], shifts, limits, out[n])


@numba.njit(**_exact)
def score_scales(rows, field, models, hypotheses, scales, rough_step, shift, limits, out):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Write how well the contours of hypotheses agree with the field at each scale; 0 where they do not lie inside it.

    Args:
        rows, field, hypotheses, limits: as `lay_contours` has them.
        models: table of contours, and (N,) which is a hypothesis'.
        scales: (S,) cells per unit of the part's frame.
        rough_step: one in so many scales is tried at all angles, all at the most promising ones.
        shift: (K, 2) int64 cells by which a contour is moved.
        out: (N, S) float64, written.
    """
    table, few = models
    at, _, mirrored, _ = hypotheses
    first = len(scales) % rough_step // 2
    rough = np.empty((len(scales) - first + rough_step - 1) // rough_step)
    for s in range(len(rough)):
        rough[s] = scales[first + s * rough_step]
    for n in range(rows[0], rows[1]):
        contour, angles = _points_of(table, few[n]), _angles_of(n, hypotheses)
        scores, which = np.empty((len(rough), len(angles))), np.empty((len(rough), len(angles)), np.int64)
        score_turns(field, contour, (rough, angles, mirrored[n]), at[n], shift, limits[0], scores, which)
        for s, a in np.ndindex(scores.shape):
            scores[0, a] = max(scores[0, a], scores[s, a])
        some = angles[likely_angles(scores[0], limits[1], limits[2])]
        scores, which = np.empty((len(scales), len(some))), np.empty((len(scales), len(some)), np.int64)
        score_turns(field, contour, (scales, some, mirrored[n]), at[n], shift, limits[0], scores, which)
        for s in range(len(scales)):
            best = -np.inf
            for score in scores[s]:
                best = max(best, score)
            out[n, s] = best if np.isfinite(best) else 0.0


@numba.njit(**_exact)
def settle_contours(field, models, hypotheses, scales, shifts, least_inside, shift):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Find where contours meet most edges at their angles and scales.

    Args:
        field, shifts, least_inside: see `score_turns`.
        models, hypotheses: as `score_scales` has them.
        scales: (N,) cells per unit of the part's frame.
        shift: (N, 2) int64 cells, written; 0 where no shift has enough of a contour inside.
    """
    (table, which), (at, turn, mirrored, _) = models, hypotheses
    best, index = np.empty((1, 1)), np.empty((1, 1), np.int64)
    for n in range(len(shift)):
        ways = scales[n : n + 1], turn[n : n + 1], mirrored[n]
        score_turns(field, _points_of(table, which[n]), ways, at[n], shifts, least_inside, best, index)
        shift[n] = 0
        if np.isfinite(best[0, 0]):
            shift[n] = shifts[index[0, 0]]


@numba.njit(**_exact)
def _angles_of(n, hypotheses):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Return the angles at which a hypothesis looks different, evenly spaced, beginning with its own.

    Args:
        n: its number.
        hypotheses: (N, 2) places of the data, cells; (N,) angles, rad; whether mirrored; and orders of symmetry.
    """
    _, turn, _, symmetry = hypotheses
    if symmetry[n] == 0:
        return np.zeros(1)
    period = 2 * np.pi / symmetry[n]
    count = max(LEAST_ANGLES, int(np.ceil(period / ANGLE_STEP_RAD)))
    angles = np.empty(count)
    for k in range(count):
        angles[k] = turn[n] + k * (period / count)
    return angles


@numba.njit(**_fast)
def _points_of(table, number):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Return (5, P) float32 one of a table's contours, as `score_turns` takes it."""
    rows, first = table
    begin, count = first[number], first[number + 1] - first[number]
    out = np.empty((5, count), np.float32)
    for k in range(count):
        for column in range(4):
            out[column, k] = rows[begin + k, column]
        out[4, k] = rows[begin + k, 4] * rows[begin + k, 5]
    return out


@numba.njit(inline="always", **_exact)
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
    (height, width), flat, count = field.shape[:2], field.reshape(-1), contour.shape[1]
    level, turned, place = _as_seen(contour, mirrored), np.empty((4, count), np.float32), np.empty((3, count), np.int32)
    total, reach, moves = contour[4].sum(), np.abs(shifts).max(), _moves(shifts, width)
    column, row, cell = place[0], place[1], place[2]
    u, v = np.float32(at[0] + 0.5), np.float32(at[1] + 0.5)
    for a, s in np.ndindex(len(angles), len(scales)):
        if s == 0:
            _turn(level, np.float32(np.cos(angles[a])), np.float32(np.sin(angles[a])), turned)
        _cells_of(turned, np.float32(scales[s]), u, v, width, place)
        if _all_within(column, reach, width - reach) and _all_within(row, reach, height - reach):
            agreement, best_shift[s, a] = _best_move(flat, cell, moves, turned[2], turned[3])
            best[s, a] = agreement / total
            continue
        best[s, a], best_shift[s, a] = -np.inf, 0
        for k in range(len(shifts)):
            agreement, inside = _agreement(field, column, row, turned[2], turned[3], contour[4], shifts[k])
            if inside >= least_inside * total and inside > 0 and agreement / inside > best[s, a]:
                best[s, a], best_shift[s, a] = agreement / inside, k


@numba.njit(**_fast)
def _as_seen(contour, mirrored):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Return what the picture has of a contour at angle 0; its v runs down.

    These are (4, P): x, y, and weighted cosine and sine of twice the normal's direction.
    """
    seen, side = np.empty((4, contour.shape[1]), np.float32), np.float32(-1) if mirrored else np.float32(1)
    for k in range(contour.shape[1]):
        x, y, weight = side * contour[2, k], -contour[3, k], contour[4, k]
        seen[0, k], seen[1, k] = side * contour[0, k], -contour[1, k]
        seen[2, k], seen[3, k] = weight * (x * x - y * y), np.float32(2) * weight * x * y
    return seen


@numba.njit(**_fast)
def _turn(seen, cosine, sine, out):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Turn points by an angle, counter-clockwise in the picture, and what they have of twice the angle by twice that.

    One loop for each row, which is what the compiler makes vector instructions of.
    """
    twice_cosine, twice_sine = cosine * cosine - sine * sine, np.float32(2) * cosine * sine
    (x, y, p, q), (u, v, c, s) = (seen[0], seen[1], seen[2], seen[3]), (out[0], out[1], out[2], out[3])
    for k in range(len(x)):
        u[k] = cosine * x[k] + sine * y[k]
    for k in range(len(x)):
        v[k] = cosine * y[k] - sine * x[k]
    for k in range(len(x)):
        c[k] = twice_cosine * p[k] + twice_sine * q[k]
    for k in range(len(x)):
        s[k] = twice_cosine * q[k] - twice_sine * p[k]


@numba.njit(**_fast)
def _cells_of(turned, scale, u, v, width, out):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Write column, row, and place in the flat field of the cells in which points lie, scaled and moved."""
    x, y, column, row, cell, wide = turned[0], turned[1], out[0], out[1], out[2], np.int32(width)
    for k in range(len(cell)):
        column[k] = np.int32(np.floor(scale * x[k] + u))
    for k in range(len(cell)):
        row[k] = np.int32(np.floor(scale * y[k] + v))
    for k in range(len(cell)):
        cell[k] = 2 * (row[k] * wide + column[k])


@numba.njit(inline="always", **_fast)
def _all_within(values, first, end):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Return whether whole numbers lie in a range."""
    low, high = values[0], values[0]
    for k in range(len(values)):
        low, high = min(low, values[k]), max(high, values[k])
    return low >= first and high < end


@numba.njit(**_fast)
def _moves(shifts, width):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Return by how many numbers of the flat field shifts move; the last one again until there are whole nines."""
    moves = np.empty(-(-len(shifts) // 9) * 9, np.int64)
    for k in range(len(moves)):
        shift = shifts[min(k, len(shifts) - 1)]
        moves[k] = 2 * (shift[1] * width + shift[0])
    return moves


@numba.njit(**_fast)
def _best_move(flat, cell, moves, cosine, sine):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Return the best weighted sum of agreements of points that lie inside the field after all moves, and which it was."""
    best, which = np.float32(-np.inf), 0
    for first in range(0, len(moves), 9):
        nine = _agreements(flat, cell, moves[first : first + 9], cosine, sine)
        for k in range(9):
            if nine[k] > best:
                best, which = nine[k], first + k
    return best, which


@numba.njit(**_in_order)
def _agreements(flat, cell, moves, cosine, sine):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Return the weighted sums of agreements over points for nine moves: a point is looked up once for all.

    Nine sums that do not wait for each other are faster than vectors gathered from the field, so sums keep their order.
    """
    a, b, c, d, e, f, g, h, i = moves[0], moves[1], moves[2], moves[3], moves[4], moves[5], moves[6], moves[7], moves[8]
    nothing, next_one = np.float32(0), np.uintp(1)
    one = two = three = four = five = six = seven = eight = nine = nothing
    for k in range(len(cell)):
        here, p, q = np.int64(cell[k]), cosine[k], sine[k]
        at = np.uintp(here + a)
        one += flat[at] * p + flat[at + next_one] * q
        at = np.uintp(here + b)
        two += flat[at] * p + flat[at + next_one] * q
        at = np.uintp(here + c)
        three += flat[at] * p + flat[at + next_one] * q
        at = np.uintp(here + d)
        four += flat[at] * p + flat[at + next_one] * q
        at = np.uintp(here + e)
        five += flat[at] * p + flat[at + next_one] * q
        at = np.uintp(here + f)
        six += flat[at] * p + flat[at + next_one] * q
        at = np.uintp(here + g)
        seven += flat[at] * p + flat[at + next_one] * q
        at = np.uintp(here + h)
        eight += flat[at] * p + flat[at + next_one] * q
        at = np.uintp(here + i)
        nine += flat[at] * p + flat[at + next_one] * q
    return one, two, three, four, five, six, seven, eight, nine


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

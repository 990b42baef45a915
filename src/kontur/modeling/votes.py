"""Compiled kernels that gather what the cells of a network's answer say: each votes for a datum, places gather votes."""

import numba
import numpy as np

from kontur.modeling.medians import weighted_median

_fast = {"cache": True, "nogil": True, "error_model": "numpy"}
_FIRST_PART = 4
_NOWHERE = -1
_LOG2_E = np.float32(1.44269504)
_LN_2 = np.float32(0.693359375), np.float32(-2.12194440e-4)
"""The logarithm of 2 in two parts, of which the first has few digits."""
_EXP_SERIES = tuple(np.float32(1 / k) for k in (720, 120, 24, 6, 2, 1, 1))
_LEAST_EXPONENT, _BIAS, _MANTISSA_BITS = np.float32(-126), np.int32(127), np.int32(23)


@numba.njit(**_fast)
def cast_votes(output, least_logit, cell, at, votes, weight):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Write the votes of the cells that see a part; returns their number.

    Args:
        output: (4 + P, h, w) float32, see `heads.HEADS`.
        least_logit: of foreground, from which a cell votes.
        cell: side of a cell, the pixel of it that stands for it, and unit of the offset, px.
        at: (h * w,) int64, written: number of the cell.
        votes: (h * w, 2) float64, written: px.
        weight: (h * w,) float64, written: probability of foreground.
    """
    stride, centre, unit = cell
    count = 0
    for row in range(output.shape[1]):
        for column in range(output.shape[2]):
            logit = np.float64(output[0, row, column])
            if logit >= least_logit:
                at[count] = row * output.shape[2] + column
                votes[count, 0] = column * stride + centre + unit * output[1, row, column]
                votes[count, 1] = row * stride + centre + unit * output[2, row, column]
                weight[count] = 1 / (1 + np.exp(-logit))
                count += 1
    return count


@numba.njit(**_fast)
def count_votes(votes, weight, cell, margin, density):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Add the weights of votes (V, 2) px to a grid of cells.

    Args:
        votes, weight: as `cast_votes` writes them.
        cell: as there.
        margin: by how many cells the grid is larger than the picture, on each side.
        density: (rows, columns) float32, added to; votes beyond it count nowhere.
    """
    stride, centre, _ = cell
    for k in range(len(votes)):
        column = round((votes[k, 0] - centre) / stride) + margin
        row = round((votes[k, 1] - centre) / stride) + margin
        if 0 <= row < density.shape[0] and 0 <= column < density.shape[1]:
            density[row, column] += weight[k]


@numba.njit(**_fast)
def find_peaks(density, least, radius, cells):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Write (row, column) of what is greater than `least` and not exceeded within `radius`; returns how many there are."""
    count = 0
    for row in range(density.shape[0]):
        for column in range(density.shape[1]):
            if density[row, column] > least and _is_highest(density, row, column, radius):
                cells[count, 0], cells[count, 1] = row, column
                count += 1
    return count


@numba.njit(**_fast)
def _is_highest(density, row, column, radius):  # type: ignore[no-untyped-def]  # pragma: no cover
    for i in range(max(0, row - radius), min(density.shape[0], row + radius + 1)):
        for k in range(max(0, column - radius), min(density.shape[1], column + radius + 1)):
            if density[i, k] > density[row, column]:
                return False
    return True


@numba.njit(**_fast)
def gather_votes(said, at, votes, weight, peaks, reach, total, datum, face_down, probability):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Average what the cells say that voted near each of N peaks, weighted by their foreground.

    Args:
        said: (4 + P, h * w) float32, the network's answer.
        at, votes, weight: (V,), (V, 2) and (V,) as `cast_votes` writes them.
        peaks: (N, 2) px; a vote belongs to the nearest one if that is within `reach` px.
        total: (N, 2) float64, written: sum of the weights, and number of votes.
        datum: (N, 2) float64, written: weighted medians of the votes; NaN without votes.
        face_down: (N,) float64, written: mean probability.
        probability: (N, P) float64, written: mean probabilities of the parts.
    """
    total[:], face_down[:], probability[:], datum[:] = 0, 0, 0, np.nan
    first = np.zeros(len(peaks) + 1, np.int64)
    order = _order_by_place(votes, peaks, reach, first)
    most, parts = np.diff(first).max() if len(peaks) else 0, probability.shape[1]
    logits, scale, each = (
        np.empty(parts * most, np.float32),
        np.empty(parts * most, np.int32),
        np.empty(most, np.float32),
    )
    for n in range(len(peaks)):
        mine = order[first[n] : first[n + 1]]
        for k in mine:
            total[n, 0] += weight[k]
            total[n, 1] += 1
            face_down[n] += weight[k] / (1 + np.exp(-np.float64(said[3, at[k]])))
        if len(mine) > 0:
            _add_names(said, at[mine], weight[mine], probability[n], logits, scale, each)
            face_down[n] /= total[n, 0]
            probability[n] /= total[n, 0]
            for axis in range(2):
                datum[n, axis] = weighted_median(votes[mine, axis], weight[mine])


@numba.njit(**_fast)
def _order_by_place(votes, peaks, reach, first):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Return numbers of votes, those of each peak together; where they begin is written to `first` (N + 1,)."""
    place = np.empty(len(votes), np.int64)
    for k in range(len(votes)):
        place[k] = _nearest(votes[k, 0], votes[k, 1], peaks, reach)
        if place[k] != _NOWHERE:
            first[place[k] + 1] += 1
    for n in range(len(peaks)):
        first[n + 1] += first[n]
    order, free = np.empty(first[-1], np.int64), first.copy()
    for k in range(len(votes)):
        if place[k] != _NOWHERE:
            order[free[place[k]]] = k
            free[place[k]] += 1
    return order


@numba.njit(**_fast)
def _nearest(u, v, peaks, reach):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Return which peak is nearest to a vote; none beyond the reach."""
    best, which = np.inf, _NOWHERE
    for n in range(len(peaks)):
        apart = (u - peaks[n, 0]) ** 2 + (v - peaks[n, 1]) ** 2
        if apart < best:
            best, which = apart, n
    return which if best <= reach * reach else _NOWHERE


@numba.njit(**_fast)
def _add_names(said, cells, weight, probability, logits, scale, each):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Write the weighted sum of the probabilities of the parts over K cells; the last three are room to work in.

    The K logits of one part follow those of the other, so that all is done in long rows.
    """
    count, parts = len(cells), len(probability)
    logits, scale, each = logits[: parts * count], scale[: parts * count], each[:count]
    for k in range(count):
        each[k] = -np.inf
    for p in range(parts):
        row = logits[p * count : (p + 1) * count]
        for k in range(count):
            row[k] = said[_FIRST_PART + p, cells[k]]
            each[k] = max(each[k], row[k])
    for p in range(parts):
        row = logits[p * count : (p + 1) * count]
        for k in range(count):
            row[k] -= each[k]
    _exponentiate(logits, scale)
    for k in range(count):
        each[k] = 0
    for p in range(parts):
        row = logits[p * count : (p + 1) * count]
        for k in range(count):
            each[k] += row[k]
    for k in range(count):
        each[k] = weight[k] / each[k]
    for p in range(parts):
        probability[p] = _product(logits[p * count : (p + 1) * count], each)


@numba.njit(**_fast)
def _exponentiate(values, scale):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Replace (K,) float32 values of at most 0 by their exponentials; `scale` (K,) int32 is room to work in.

    exp(x) is 2 to the power of n, put together from its bits, times exp(r) by its series, |r| below a half of log 2.
    """
    for k in range(len(values)):
        power = max(np.floor(values[k] * _LOG2_E + np.float32(0.5)), _LEAST_EXPONENT)
        rest = max(values[k] - power * _LN_2[0] - power * _LN_2[1], np.float32(-1))
        value = _EXP_SERIES[0]
        for factor in _EXP_SERIES[1:]:
            value = value * rest + factor
        values[k], scale[k] = value, (np.int32(power) + _BIAS) << _MANTISSA_BITS
    power_of_2 = scale.view(np.float32)
    for k in range(len(values)):
        values[k] *= power_of_2[k]


@numba.njit(fastmath=True, **_fast)
def _product(one, other):  # type: ignore[no-untyped-def]  # pragma: no cover
    total = 0.0
    for k in range(len(one)):
        total += np.float64(one[k]) * other[k]
    return total

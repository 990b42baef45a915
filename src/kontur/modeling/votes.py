"""Compiled kernels that gather what the cells of a network's answer say: each votes for a datum, places gather votes."""

import numba
import numpy as np

from kontur.modeling.medians import weighted_median

_fast = {"cache": True, "nogil": True, "error_model": "numpy"}
_FIRST_PART = 4
_NOWHERE = -1


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
    parts, place = probability.shape[1], np.empty(len(at), np.int64)
    share = np.empty(parts)
    for k in range(len(at)):
        place[k] = _nearest(votes[k], peaks, reach)
        n = place[k]
        if n == _NOWHERE:
            continue
        total[n, 0] += weight[k]
        total[n, 1] += 1
        face_down[n] += weight[k] / (1 + np.exp(-np.float64(said[3, at[k]])))
        _softmax(said, at[k], share)
        for p in range(parts):
            probability[n, p] += weight[k] * share[p]
    for n in range(len(peaks)):
        if total[n, 0] > 0:
            face_down[n] /= total[n, 0]
            probability[n] /= total[n, 0]
            mine = np.flatnonzero(place == n)
            for axis in range(2):
                datum[n, axis] = weighted_median(votes[mine, axis], weight[mine])


@numba.njit(**_fast)
def _nearest(vote, peaks, reach):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Return which peak is nearest to a vote; none beyond the reach."""
    best, which = np.inf, _NOWHERE
    for n in range(len(peaks)):
        apart = (vote[0] - peaks[n, 0]) ** 2 + (vote[1] - peaks[n, 1]) ** 2
        if apart < best:
            best, which = apart, n
    return which if best <= reach * reach else _NOWHERE


@numba.njit(**_fast)
def _softmax(said, cell, share):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Write the probabilities of the parts in a cell."""
    most, total = said[_FIRST_PART, cell], 0.0
    for p in range(len(share)):
        most = max(most, said[_FIRST_PART + p, cell])
    for p in range(len(share)):
        share[p] = np.exp(np.float64(said[_FIRST_PART + p, cell] - most))
        total += share[p]
    share /= total

"""The inner loop of the coarse alignment, compiled: a contour laid on a field of edge directions at many places."""

import numba
import numpy as np

_fast = {"cache": True, "nogil": True, "fastmath": True, "error_model": "numpy"}


@numba.njit(**_fast)
def score_turns(field, model, turns, shifts, least_inside, best, best_shift):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Write the best mean agreement of a contour with a field over the shifts, for each turn.

    Args:
        field: (h, w, 2) float32, see `coarse_pose.edge_field`.
        model: (P, 5) float64: point (x, y) and normal (x, y) in the part's frame, weight.
        turns: (A, 2, 2) float64, from the part's frame to cells of the field (scale in it, v down).
        shifts: (S, 2) float64 places of the part's datum, cells.
        least_inside: share of the weight that must lie inside the field.
        best: (A,) float64, written; -inf where no shift has enough inside.
        best_shift: (A,) int64, written.
    """
    count = len(model)
    x, y = np.empty(count), np.empty(count)
    cosine, sine = np.empty(count, np.float32), np.empty(count, np.float32)
    weight = model[:, 4].astype(np.float32)
    total = weight.sum()
    for angle in range(len(turns)):
        a, b, c, d = turns[angle, 0, 0], turns[angle, 0, 1], turns[angle, 1, 0], turns[angle, 1, 1]
        squared = a * a + c * c
        for k in range(count):
            x[k] = a * model[k, 0] + b * model[k, 1] + 0.5
            y[k] = c * model[k, 0] + d * model[k, 1] + 0.5
            nx, ny = a * model[k, 2] + b * model[k, 3], c * model[k, 2] + d * model[k, 3]
            cosine[k] = weight[k] * (nx * nx - ny * ny) / squared
            sine[k] = weight[k] * 2 * nx * ny / squared
        best[angle], best_shift[angle] = -np.inf, 0
        for s in range(len(shifts)):
            agreement, inside = _agreement(field, x, y, cosine, sine, weight, shifts[s])
            if inside >= least_inside * total and inside > 0 and agreement / inside > best[angle]:
                best[angle], best_shift[angle] = agreement / inside, s


@numba.njit(**_fast)
def _agreement(field, x, y, cosine, sine, weight, shift):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Return the weighted sum of agreements over the points inside the field, and their weight."""
    height, width = field.shape[:2]
    agreement, inside = np.float32(0), np.float32(0)
    for k in range(len(x)):
        column, row = x[k] + shift[0], y[k] + shift[1]
        if column >= 0 and row >= 0 and column < width and row < height:
            i, j = int(row), int(column)
            agreement += field[i, j, 0] * cosine[k] + field[i, j, 1] * sine[k]
            inside += weight[k]
    return agreement, inside

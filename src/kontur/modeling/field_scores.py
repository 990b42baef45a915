"""The kernels of the coarse alignment: a field of edge directions, and a contour laid on it at many places."""

import numba
import numpy as np

_fast = {"cache": True, "nogil": True, "fastmath": True, "error_model": "numpy"}
_TINY = np.float32(1e-6)


@numba.njit(**_fast)
def double_angles(across, down, field, strength):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Write the gradients' squares summed over colours: as cosine and sine of twice the angle, and the root of their length.

    Args:
        across, down: (h, w, C) float32 gradients.
        field: (h, w, 2) float32, written.
        strength: (h, w) float32, written.
    """
    for y in range(field.shape[0]):
        for x in range(field.shape[1]):
            cosine, sine = np.float32(0), np.float32(0)
            for c in range(across.shape[2]):
                a, d = across[y, x, c], down[y, x, c]
                cosine += a * a - d * d
                sine += 2 * a * d
            field[y, x, 0], field[y, x, 1] = cosine, sine
            strength[y, x] = np.sqrt(np.sqrt(cosine * cosine + sine * sine))


@numba.njit(**_fast)
def relate(field, strength, around, least):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Give a field the length of its strength over itself plus twice the mean strength around it plus `least`, in place."""
    for y in range(field.shape[0]):
        for x in range(field.shape[1]):
            own = strength[y, x]
            factor = own / (own + 2 * around[y, x] + least) / max(own * own, _TINY)
            field[y, x, 0] *= factor
            field[y, x, 1] *= factor


@numba.njit(**_fast)
def score_turns(field, model, turns, at, shifts, least_inside, best, best_shift):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Write the best mean agreement of a contour with a field over the shifts, for each turn.

    Args:
        field: (h, w, 2) float32, see `coarse_pose.edge_field`.
        model: (P, 5) float64: point (x, y) and normal (x, y) in the part's frame, weight.
        turns: (A, 2, 2) float64, from the part's frame to cells of the field (scale in it, v down).
        at: (2,) float64 place of the part's datum, cells.
        shifts: (S, 2) int64 cells by which it is moved.
        least_inside: share of the weight that must lie inside the field.
        best: (A,) float64, written; -inf where no shift has enough inside.
        best_shift: (A,) int64, written.
    """
    count = len(model)
    column, row = np.empty(count, np.int64), np.empty(count, np.int64)
    cosine, sine = np.empty(count, np.float32), np.empty(count, np.float32)
    weight = model[:, 4].astype(np.float32)
    total = weight.sum()
    for turn in range(len(turns)):
        a, b, c, d = turns[turn, 0, 0], turns[turn, 0, 1], turns[turn, 1, 0], turns[turn, 1, 1]
        squared = a * a + c * c
        for k in range(count):
            column[k] = np.int64(np.floor(a * model[k, 0] + b * model[k, 1] + at[0] + 0.5))
            row[k] = np.int64(np.floor(c * model[k, 0] + d * model[k, 1] + at[1] + 0.5))
            nx, ny = a * model[k, 2] + b * model[k, 3], c * model[k, 2] + d * model[k, 3]
            cosine[k] = weight[k] * (nx * nx - ny * ny) / squared
            sine[k] = weight[k] * 2 * nx * ny / squared
        best[turn], best_shift[turn] = -np.inf, 0
        for s in range(len(shifts)):
            agreement, inside = _agreement(field, column, row, cosine, sine, weight, shifts[s])
            if inside >= least_inside * total and inside > 0 and agreement / inside > best[turn]:
                best[turn], best_shift[turn] = agreement / inside, s


@numba.njit(**_fast)
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

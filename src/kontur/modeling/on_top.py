"""Which of two copies of one part lies on the other, compiled: a shadow has its part's outline, but never lies on top.

What casts a shadow hides a piece of it. So the contour of the one on top goes on where it runs over the other, and the
contour of the other ends there. A shadow may all the same have more edges in all, where more of it lies in the picture.
"""

import numba

from kontur.modeling.filling import fill_mask, window_overlap

_LEAST_MET, _MOST_MET = 0.3, 0.9
"""Overlap (intersection over union) of the rectangles around two that are compared: of more it is one place, twice."""
_LEAST_GAIN = 20.0
"""Evidence by which the contour over the other must exceed the other's over it."""
_AS_WELL = 0.8
"""Share of the other's evidence, per length that is seen, that the one on top must have."""
_fast = {"cache": True, "nogil": True, "error_model": "numpy"}


@numba.njit(**_fast)
def uppermost(best, case, state, explained):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Return the open hypothesis that lies on `best`, is of its part, and is seen about as well.

    Args:
        best: a hypothesis; returned when none lies on it.
        case, state: see `choosing`.
        explained: the bit of what is taken that marks edges which speak for nobody any more.
    """
    (at, _), (length, evidence, whole), rings, masks, (part, _, _) = case
    taken, is_open, verdict, _, _ = state
    top, most = best, _LEAST_GAIN
    for n in range(len(is_open)):
        if n == best or not is_open[n] or part[n] != part[best] or verdict[n, 0] <= 0:
            continue
        is_met = _LEAST_MET < window_overlap(masks[2][n], masks[2][best]) < _MOST_MET
        if not is_met or not _seen_as_well(n, best, verdict, whole):
            continue
        fill_mask(n, rings, masks)
        fill_mask(best, rings, masks)
        left = taken, explained
        gain = _evidence_over(n, best, at, length, evidence, masks, left)
        gain -= _evidence_over(best, n, at, length, evidence, masks, left)
        if gain > most:
            top, most = n, gain
    return top


@numba.njit(inline="always", **_fast)
def _seen_as_well(n, other, verdict, whole):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Return whether per length that is seen about as much speaks for a hypothesis as for another."""
    length, others = verdict[n, 2] * whole[n], verdict[other, 2] * whole[other]
    return verdict[n, 0] * others > _AS_WELL * verdict[other, 0] * length


@numba.njit(**_fast)
def _evidence_over(n, other, at, length, evidence, masks, left):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Return the evidence for the contour of one hypothesis, where it runs over the filled mask of another."""
    (pixels, starts, boxes, _), (taken, explained) = masks, left
    first_u, first_v, width, height = boxes[other]
    total = 0.0
    for m in range(at.shape[1]):
        u, v = at[n, m, 0] - first_u, at[n, m, 1] - first_v
        if length[n, m] <= 0 or u < 0 or v < 0 or u >= width or v >= height:
            continue
        is_free = taken[at[n, m, 1], at[n, m, 0]] & explained == 0
        if is_free and pixels[starts[other] + v * width + u]:
            total += length[n, m] * evidence[n, m]
    return total

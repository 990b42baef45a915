"""The compiled steps of the greedy choice among hypotheses, see `decide`.

What the accepted ones have taken is an (H, W) uint8 of bits: COVERED, inside an accepted mask; EXPLAINED, close to an
accepted contour. Masks are those of `masks.Packed`, whole; rings those of `filling`, from which masks are filled once they
are needed.

A case is what does not change:
    place: where the contours run, see `first_verdict`.
    said: contour length (N, M) that points stand for, evidence (N, M), and length (N,) of the whole contours.
    rings, masks: see above.
    about: (N,) each: part, factor of gain and score, and what else speaks against a hypothesis.
A state is what does, at first nothing taken and all open:
    taken: see above.
    is_open: (N,) bool.
    verdict: (N, 4): evidence that is left, the same per visible length, visible share, and whether that is as if on top.
    rows, score: (N,) of those that were accepted, in their order.
Limits are:
    enough: least score and least visible share; mean evidence that scores 1.
    room: see `crowded`.
    doubt: contour length, px, and share of the unseen length, thought to have no evidence.
    reach: how far around its contour an accepted one explains edges, px.
    least_shown: share of itself that a part below others must show.
"""

import numba
import numpy as np
from numpy.typing import NDArray

from kontur.modeling.filling import common_area, fill_mask, shared_pixels, window_overlap
from kontur.modeling.masks import Packed, Rings
from kontur.modeling.on_top import uppermost

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

Place = tuple[NDArray[np.int32], NDArray[np.int32]]
Said = tuple[Floats, Floats, Floats]
About = tuple[Ints, Floats, Floats]
Case = tuple[Place, Said, Rings, Packed, About]
State = tuple[NDArray[np.uint8], NDArray[np.bool_], Floats, Ints, Floats]
Limits = tuple[tuple[float, float, float], tuple[float, float], tuple[float, float], int, float]

COVERED, EXPLAINED = np.uint8(1), np.uint8(2)
_fast = {"cache": True, "nogil": True, "error_model": "numpy"}


@numba.njit(**_fast)
def choose(case, state, limits):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Accept hypotheses, the best first, until nothing speaks for any that is open; returns how many."""
    count, best = 0, best_open(case, state)
    while best >= 0:
        count += take_or_reject(best, count, case, state, limits)
        best = best_open(case, state)
    return count


@numba.njit(**_fast)
def best_open(case, state):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Return the open hypothesis that most speaks for, or another of its part that lies on it; -1 when none is open."""
    (_, trust, against), (_, is_open, verdict, _, _) = case[4], state
    best, most = -1, -np.inf
    for n in range(len(is_open)):
        if is_open[n] and verdict[n, 0] > 0:
            gain = verdict[n, 0] * trust[n] - against[n]
            if gain > most:
                best, most = n, gain
    return uppermost(best, case, state, EXPLAINED) if best >= 0 else best


@numba.njit(**_fast)
def take_or_reject(index, count, case, state, limits):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Accept an open hypothesis after `count` others, or reject it; returns whether it is accepted."""
    place, said, rings, masks, (part, trust, _) = case
    taken, is_open, verdict, rows, score = state
    (least_score, least_visible, full), room, _, reach, _ = limits
    is_open[index] = False
    score[count] = min(1.0, max(0.0, verdict[index, 1] / full)) * trust[index]
    if score[count] < least_score or verdict[index, 2] < least_visible:
        return False
    fill_mask(index, rings, masks)
    if crowded(masks, part, index, rows[:count], room):
        return False
    rows[count] = index
    _cover(masks, index, taken)
    _explain(place[0][index], said[0][index], reach, taken)
    _judge_near(index, case, state, limits)
    return True


@numba.njit(**_fast)
def first_verdict(points, said, size_wh, doubt):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Judge hypotheses when none is accepted.

    Args:
        points: (N, M, 2) px along their contours.
        said, doubt: see above.
        size_wh: of the picture.

    Returns:
        place: (N, M, 2) int32 the pixels nearest to the points, and (N, 4) the lowest and highest ones of each contour;
        and the verdict.
    """
    length, evidence, whole = said
    at, box = np.empty(points.shape, np.int32), np.empty((len(points), 4), np.int32)
    verdict = np.empty((len(points), 4))
    for n in range(len(points)):
        box[n] = size_wh[0], size_wh[1], 0, 0
        gain, seen = 0.0, 0.0
        for m in range(points.shape[1]):
            for k in range(2):
                pixel = min(size_wh[k] - 1, max(0, round(points[n, m, k])))
                at[n, m, k] = pixel
                box[n, k], box[n, 2 + k] = min(box[n, k], pixel), max(box[n, 2 + k], pixel)
            gain += length[n, m] * evidence[n, m]
            seen += length[n, m]
        _write_verdict(gain, seen, True, whole[n], doubt, verdict[n])
    return (at, box), verdict


@numba.njit(inline="always", **_fast)
def _write_verdict(gain, seen, on_top, whole, doubt, verdict):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Write a verdict (4,) about a contour of which a length is seen."""
    verdict[0], verdict[1] = gain, gain / (seen + doubt[0] + doubt[1] * (whole - seen))
    verdict[2], verdict[3] = seen / max(whole, 1e-9), on_top


@numba.njit(**_fast)
def _judge_near(best, case, state, limits):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Judge the open hypotheses again that one reaches which was just accepted."""
    (_, box), (_, _, whole), _, masks, _ = case
    _, is_open, verdict, _, _ = state
    _, _, doubt, reach, _ = limits
    for n in range(len(is_open)):
        if is_open[n] and _near(box[n], masks[2][best], reach):
            gain, seen, on_top = _judge(n, case, state[0], limits)
            _write_verdict(gain, seen, on_top, whole[n], doubt, verdict[n])


@numba.njit(**_fast)
def _judge(n, case, taken, limits):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Sum the evidence that is left, once as if on top and once as if below what is accepted; keep the better.

    Returns:
        evidence, visible length, and whether it is as if on top.
    """
    (places, _), (lengths, evidences, _), rings, masks, _ = case
    at, length, evidence = places[n], lengths[n], evidences[n]
    above, below, seen, uncovered = 0.0, 0.0, 0.0, 0.0
    for m in range(len(at)):
        if length[m] > 0:
            is_taken = taken[at[m, 1], at[m, 0]]
            own = 0.0 if is_taken & EXPLAINED else length[m] * evidence[m]
            above += own
            seen += length[m]
            if not is_taken & COVERED:
                below += own
                uncovered += length[m]
    if below > above:
        fill_mask(n, rings, masks)
        if _shown(masks, n, taken) >= limits[4]:
            return below, uncovered, False
    return above, seen, True


@numba.njit(**_fast)
def claimants(index, is_open, box, masks, limits):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Return (N,) bool which open hypotheses claim the place of one of them.

    Args:
        index: of that one, which is not among them.
        is_open: (N,) bool.
        box: (N, 4), see `first_verdict`.
        masks: see above, filled.
        limits: intersection over union of the masks, from which on both cannot be there; by what share of its size the
            rectangles of two such contours may differ.
    """
    least_iou, most_off = limits
    found = np.zeros(len(is_open), np.bool_)
    for n in range(len(is_open)):
        if n == index or not is_open[n] or not _same_box(box[n], box[index], most_off):
            continue
        common = shared_pixels(masks, index, n)
        found[n] = common > least_iou * (masks[3][index] + masks[3][n] - common)
    return found


@numba.njit(**_fast)
def _same_box(box, other, most_off):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Return whether a rectangle is much like another one."""
    for k in range(2):
        size = max(other[2 + k] - other[k], 1)
        if abs(box[k] - other[k]) + abs(box[2 + k] - other[2 + k]) >= most_off * size + 4:
            return False
    return True


@numba.njit(**_fast)
def _near(box, mask, reach):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Return whether a contour, of which the lowest and highest pixel are given, comes near a mask's rectangle."""
    left, top, width, height = mask
    is_beside = box[2] < left - reach or box[0] >= left + width + reach
    return not (is_beside or box[3] < top - reach or box[1] >= top + height + reach)


@numba.njit(**_fast)
def _cover(masks, index, taken):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Mark what a mask holds."""
    pixels, starts, boxes, _ = masks
    left, top, width, height = boxes[index]
    for row in range(height):
        mask = pixels[starts[index] + row * width : starts[index] + (row + 1) * width]
        there = taken[top + row, left : left + width]
        for k in range(len(mask)):
            there[k] |= np.uint8(mask[k]) * COVERED


@numba.njit(**_fast)
def _shown(masks, index, taken):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Return the share of a mask that accepted masks leave free."""
    pixels, starts, boxes, areas = masks
    left, top, width, height = boxes[index]
    free = 0
    for row in range(height):
        mask = pixels[starts[index] + row * width : starts[index] + (row + 1) * width]
        there = taken[top + row, left : left + width]
        for k in range(len(mask)):
            free += mask[k] & ((there[k] & COVERED) == 0)
    return free / max(1, areas[index])


@numba.njit(**_fast)
def crowded(masks, part, index, accepted, room):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Return whether an accepted one leaves no room for a hypothesis.

    Args:
        masks: see above; of all these filled.
        part: (N,) their parts.
        index: of the hypothesis.
        accepted: rows.
        room: share of the smaller mask's pixels, and for two of one part overlap of the rectangles around them
            (intersection over union), up to which both may be there.
    """
    boxes, areas = masks[2], masks[3]
    for other in accepted:
        common, most = common_area(boxes[index], boxes[other]), room[0] * max(1, min(areas[index], areas[other]))
        if common > most and shared_pixels(masks, index, other) > most:
            return True
        if part[index] == part[other] and window_overlap(boxes[index], boxes[other]) > room[1]:
            return True
    return False


@numba.njit(**_fast)
def _explain(at, length, reach, taken):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Mark the discs of radius `reach` px around the points of a contour."""
    half = np.empty(2 * reach + 1, np.int64)
    for k in range(2 * reach + 1):
        half[k] = int(np.sqrt(reach * reach - (k - reach) ** 2))
    for m in range(len(at)):
        if length[m] <= 0:
            continue
        u, v = at[m]
        for row in range(max(0, v - reach), min(taken.shape[0], v + reach + 1)):
            width = half[row - v + reach]
            there = taken[row, max(0, u - width) : min(taken.shape[1], u + width + 1)]
            for k in range(len(there)):
                there[k] |= EXPLAINED

"""The compiled steps of the greedy choice among hypotheses, see `decide`.

What the accepted ones have taken is a pair of (H, W) bool: covered, inside an accepted mask; explained, close to an accepted
contour. Masks are those of `masks.packed`, whole.
"""

import numba
import numpy as np

_fast = {"cache": True, "nogil": True, "error_model": "numpy"}


@numba.njit(**_fast)
def judge_near(best, is_open, place, found, masks, taken, limits, verdict):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Sum the evidence that is left of the open hypotheses, those alone that one reaches which was just accepted.

    Args:
        best: row of the accepted one; -1 judges all.
        is_open: (N,) bool.
        place: see `nearest_pixels`.
        found: contour length (N, M) that points stand for, evidence (N, M), and length (N,) of the whole contours.
        masks, taken: see above.
        limits: how far around its contour an accepted one explains edges, px; share of itself that a part below others must
            show; contour length, px, and share of the unseen length, thought to have no evidence.
        verdict: (N, 4), written: evidence, the same per visible length, visible share, and whether that is as if on top.
    """
    length, evidence, whole = found
    reach, least_shown, doubt_px, doubt_share = limits
    at, box = place
    for n in range(len(is_open)):
        if is_open[n] and (best < 0 or _near(box[n], masks[2][best], reach)):
            is_buried = _shown(masks, n, taken[0]) < least_shown
            gain, seen, on_top = _judge(at[n], length[n], evidence[n], taken, is_buried)
            mean = gain / (seen + doubt_px + doubt_share * (whole[n] - seen))
            verdict[n, 0], verdict[n, 1] = gain, mean
            verdict[n, 2], verdict[n, 3] = seen / max(whole[n], 1e-9), on_top


@numba.njit(**_fast)
def _judge(at, length, evidence, taken, is_buried):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Sum the evidence that is left, once as if on top and once as if below what is accepted; keep the better.

    Returns:
        evidence, visible length, and whether it is as if on top.
    """
    covered, explained = taken
    above, below, seen, uncovered = 0.0, 0.0, 0.0, 0.0
    for m in range(len(at)):
        if length[m] > 0:
            u, v = at[m]
            own = 0.0 if explained[v, u] else length[m] * evidence[m]
            above += own
            seen += length[m]
            if not covered[v, u]:
                below += own
                uncovered += length[m]
    if above >= below or is_buried:
        return above, seen, True
    return below, uncovered, False


@numba.njit(**_fast)
def take(index, place, length, masks, reach, taken):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Mark what an accepted hypothesis covers and explains; arguments as for `judge_near`."""
    _cover(masks, index, taken[0])
    _explain(place[0][index], length[index], reach, taken[1])


@numba.njit(**_fast)
def claimants(index, is_open, box, masks, limits):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Return (N,) bool which open hypotheses claim the place of one of them.

    Args:
        index: of that one, which is not among them.
        is_open: (N,) bool.
        box: (N, 4), see `nearest_pixels`.
        masks: see above.
        limits: intersection over union of the masks, from which on both cannot be there; by what share of its size the
            rectangles of two such contours may differ.
    """
    least_iou, most_off = limits
    found = np.zeros(len(is_open), np.bool_)
    for n in range(len(is_open)):
        if n == index or not is_open[n] or not _same_box(box[n], box[index], most_off):
            continue
        common = _shared(masks, index, n)
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
def nearest_pixels(points, shape):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Return (N, M, 2) int32 the pixels nearest to points, and (N, 4) the lowest and highest ones of each contour."""
    at = np.empty(points.shape, np.int32)
    box = np.empty((len(points), 4), np.int32)
    for n in range(len(points)):
        box[n] = shape[1], shape[0], 0, 0
        for m in range(points.shape[1]):
            for k in range(2):
                pixel = min(shape[1 - k] - 1, max(0, round(points[n, m, k])))
                at[n, m, k] = pixel
                box[n, k], box[n, 2 + k] = min(box[n, k], pixel), max(box[n, 2 + k], pixel)
    return at, box


@numba.njit(**_fast)
def _near(box, mask, reach):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Return whether a contour, of which the lowest and highest pixel are given, comes near a mask's rectangle."""
    left, top, width, height = mask
    is_beside = box[2] < left - reach or box[0] >= left + width + reach
    return not (is_beside or box[3] < top - reach or box[1] >= top + height + reach)


@numba.njit(**_fast)
def _cover(masks, index, covered):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Mark what a mask holds."""
    pixels, starts, boxes, _ = masks
    left, top, width, height = boxes[index]
    for row in range(height):
        for column in range(width):
            covered[top + row, left + column] |= pixels[starts[index] + row * width + column]


@numba.njit(**_fast)
def _shown(masks, index, covered):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Return the share of a mask that accepted masks leave free."""
    pixels, starts, boxes, areas = masks
    left, top, width, height = boxes[index]
    free = 0
    for row in range(height):
        for column in range(width):
            free += pixels[starts[index] + row * width + column] & ~covered[top + row, left + column]
    return free / max(1, areas[index])


@numba.njit(**_fast)
def crowded(masks, part, index, accepted, limits):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Return whether an accepted one leaves no room for a hypothesis.

    Args:
        masks: see above.
        part: (N,) their parts.
        index: of the hypothesis.
        accepted: rows.
        limits: share of the smaller mask's pixels, and for two of one part overlap of the rectangles around them
            (intersection over union), up to which both may be there.
    """
    for other in accepted:
        if _shared(masks, index, other) > limits[0] * max(1, min(masks[3][index], masks[3][other])):
            return True
        if part[index] == part[other] and _box_iou(masks[2][index], masks[2][other]) > limits[1]:
            return True
    return False


@numba.njit(**_fast)
def _box_iou(a, b):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Return the intersection over union of two rectangles (left, top, width, height)."""
    width = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    height = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    common = max(0, width) * max(0, height)
    return common / max(1, a[2] * a[3] + b[2] * b[3] - common)


@numba.njit(**_fast)
def _shared(masks, a, b):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Return how many pixels two masks share."""
    pixels, starts, boxes, _ = masks
    (x, y, width, height), (x1, y1, width1, height1) = boxes[a], boxes[b]
    shared = 0
    for v in range(max(y, y1), min(y + height, y1 + height1)):
        ours, theirs = starts[a] + (v - y) * width - x, starts[b] + (v - y1) * width1 - x1
        for u in range(max(x, x1), min(x + width, x1 + width1)):
            shared += pixels[ours + u] & pixels[theirs + u]
    return shared


@numba.njit(**_fast)
def _explain(at, length, reach, explained):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Mark the discs of radius `reach` px around the points of a contour."""
    for m in range(len(at)):
        if length[m] <= 0:
            continue
        u, v = at[m]
        for row in range(max(0, v - reach), min(explained.shape[0], v + reach + 1)):
            half = int(np.sqrt(reach * reach - (row - v) ** 2))
            explained[row, max(0, u - half) : u + half + 1] = True

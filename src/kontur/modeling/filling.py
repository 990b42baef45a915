"""Masks of placed outlines, compiled: projected, filled by the even-odd rule, cut by what lies above.

Rings are a tuple: (E, 2) corners of all N masks, px, centres at integers; (E,) which corner follows each in its ring; and
(N + 1,) where the corners of each mask begin. Masks are those of `masks.Packed`.
"""

import numba
import numpy as np

_fast = {"cache": True, "nogil": True, "error_model": "numpy"}


@numba.njit(**_fast)
def place_outlines(outlines, part, matrix, size_wh):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Project the outlines of N detections and find the windows that their masks take up.

    Args:
        outlines: rings as above, one for each part, mm; the last one stands for UNKNOWN.
        part: (N,) which part each is; negative for UNKNOWN.
        matrix: (N, 3, 3) part's frame to px.
        size_wh: the picture's size; what lies outside it is cut off.

    Returns:
        rings and masks, none of which is filled yet.
    """
    corners_mm, after, begin = outlines
    count = len(part)
    first, row = np.zeros(count + 1, np.int64), np.empty(count, np.int64)
    for n in range(count):
        row[n] = part[n] if part[n] >= 0 else len(begin) - 2
        first[n + 1] = first[n] + begin[row[n] + 1] - begin[row[n]]
    corners, following = np.empty((first[count], 2)), np.empty(first[count], np.int64)
    starts, boxes, total = np.empty(count, np.int64), np.empty((count, 4), np.int64), 0
    for n in range(count):
        begins = begin[row[n]]
        for k in range(first[n + 1] - first[n]):
            _project(matrix[n], corners_mm[begins + k], corners[first[n] + k])
            following[first[n] + k] = first[n] + after[begins + k] - begins
        _window(corners[first[n] : first[n + 1]], size_wh, boxes[n])
        starts[n] = total
        total += _in_words(boxes[n, 2] * boxes[n, 3])
    masks = np.empty(total, np.bool_), starts, boxes, np.full(count, -1)
    return (corners, following, first), masks


@numba.njit(inline="always", **_fast)
def _project(h, point, out):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Map a point."""
    x, y = point
    w = h[2, 0] * x + h[2, 1] * y + h[2, 2]
    out[0], out[1] = (h[0, 0] * x + h[0, 1] * y + h[0, 2]) / w, (h[1, 0] * x + h[1, 1] * y + h[1, 2]) / w


@numba.njit(**_fast)
def _window(corners, size_wh, box):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Write left, top, width and height of what holds all pixels inside corners; zeros when nothing is in the picture."""
    for k in range(2):
        low, high = np.inf, -np.inf
        for corner in range(len(corners)):
            low, high = min(low, corners[corner, k]), max(high, corners[corner, k])
        box[k] = int(min(max(np.ceil(low), 0.0), float(size_wh[k])))
        box[2 + k] = int(max(min(np.floor(high), size_wh[k] - 1.0), -1.0)) + 1 - box[k]
    if box[2] <= 0 or box[3] <= 0:
        box[:] = 0


@numba.njit(**_fast)
def fill_masks(rings, masks, layer):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Fill all masks, less what lies inside others of a higher layer (N,)."""
    for n in range(len(layer)):
        fill_mask(n, rings, masks)
    if len(layer) and layer.min() < layer.max():
        whole = masks[0].copy()
        for n, other in np.ndindex(len(layer), len(layer)):
            if layer[other] > layer[n]:
                _cut(n, other, whole, masks)


@numba.njit(**_fast)
def fill_mask(n, rings, masks):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Set the pixels of one mask whose centres lie inside an odd number of its rings, unless that is done."""
    pixels, starts, boxes, areas = masks
    if areas[n] >= 0:
        return
    size = boxes[n, 2] * boxes[n, 3]
    words = pixels[starts[n] : starts[n] + _in_words(size)].view(np.uint64)
    words[:] = 0
    if size > 0:
        _toggle(n, rings, boxes[n], pixels[starts[n] : starts[n] + size])
    areas[n] = _sweep(words)


@numba.njit(inline="always", **_fast)
def _in_words(size):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Return how many pixels are laid out for so many: masks are words of 8."""
    return (size + 7) // 8 * 8


@numba.njit(**_fast)
def _toggle(n, rings, box, pixels):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Toggle, for each edge and row that it crosses, the first pixel to its right; that may be the next row's first one."""
    corners, following, first = rings
    left, top, width, height = box
    for edge in range(first[n], first[n + 1]):
        x0, y0 = corners[edge, 0] - left, corners[edge, 1] - top
        x1, y1 = corners[following[edge], 0] - left, corners[following[edge], 1] - top
        for row in range(max(0, int(np.ceil(min(y0, y1)))), min(height, int(np.ceil(max(y0, y1))))):
            column = int(np.ceil(x0 + (row - y0) / (y1 - y0) * (x1 - x0)))
            place = row * width + min(width, max(0, column))
            if place < len(pixels):
                pixels[place] ^= True


@numba.njit(**_fast)
def _sweep(words):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Carry what was toggled on through all rows, 8 pixels at a time; returns how many are set."""
    ones = np.uint64(0x0101010101010101)
    area, inside = np.uint64(0), np.uint64(0)
    for k in range(len(words)):
        word = words[k]
        word ^= word << np.uint64(8)
        word ^= word << np.uint64(16)
        word ^= word << np.uint64(32)
        word ^= inside * ones
        inside = word >> np.uint64(56)
        words[k] = word
        area += (word * ones) >> np.uint64(56)
    return np.int64(area)


@numba.njit(**_fast)
def _cut(n, other, whole, masks):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Take from a mask the pixels of another one, which are among `whole`."""
    pixels, starts, boxes, areas = masks
    left, right = _common(boxes[n], boxes[other], 0)
    for row in range(*_common(boxes[n], boxes[other], 1)):
        ours = _line(pixels, starts[n], boxes[n], row, left, right)
        theirs = _line(whole, starts[other], boxes[other], row, left, right)
        for k in range(len(ours)):
            areas[n] -= ours[k] & theirs[k]
            ours[k] &= ~theirs[k]


@numba.njit(inline="always", **_fast)
def _common(a, b, axis):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Return where two windows' common columns (axis 0) or rows (1) begin and end."""
    return max(a[axis], b[axis]), min(a[axis] + a[axis + 2], b[axis] + b[axis + 2])


@numba.njit(inline="always", **_fast)
def _line(pixels, start, box, row, left, right):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Return a mask's pixels in a row of the picture, from one column to another."""
    first = start + (row - box[1]) * box[2] - box[0]
    return pixels[first + left : first + max(left, right)]


@numba.njit(**_fast)
def shared_pixels(masks, a, b):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Return how many pixels two filled masks share."""
    pixels, starts, boxes, _ = masks
    left, right = _common(boxes[a], boxes[b], 0)
    shared = 0
    for row in range(*_common(boxes[a], boxes[b], 1)):
        ours = _line(pixels, starts[a], boxes[a], row, left, right)
        theirs = _line(pixels, starts[b], boxes[b], row, left, right)
        for k in range(len(ours)):
            shared += ours[k] & theirs[k]
    return shared


@numba.njit(inline="always", **_fast)
def common_area(a, b):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Return the area that two windows (left, top, width, height) share."""
    width = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    height = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    return max(0, width) * max(0, height)


@numba.njit(inline="always", **_fast)
def window_overlap(a, b):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Return the intersection over union of two windows (left, top, width, height)."""
    common = common_area(a, b)
    return common / max(1, a[2] * a[3] + b[2] * b[3] - common)


@numba.njit(**_fast)
def count_shared(rings, masks, shared):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Write how many pixels each pair of whole masks shares, (N, N); those alone are filled of which the windows meet."""
    boxes = masks[2]
    for a in range(len(boxes)):
        for b in range(a):
            if common_area(boxes[a], boxes[b]) > 0:
                fill_mask(a, rings, masks)
                fill_mask(b, rings, masks)
                shared[a, b] = shared[b, a] = shared_pixels(masks, a, b)

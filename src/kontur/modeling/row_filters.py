"""Compiled filters that go through a picture row by row, so that what they work on stays in the cache.

Beyond its border a picture is its own mirror image, the border itself not repeated, as in OpenCV's BORDER_REFLECT_101.
Filters are symmetric and given by their weights from the middle on. A row is (w * C,) with its C channels side by side.
"""

import numba
import numpy as np

_fast = {"cache": True, "nogil": True, "fastmath": True, "error_model": "numpy"}
TAPS = 7
"""Weights of `smooth`, of which it takes the middle one and those after it."""
_REACH_PX = TAPS // 2


@numba.njit(**_fast)
def smooth(picture, channels, weights, out):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Filter a picture down and along by 7 weights.

    Args:
        picture: (h, w * C) uint8.
        channels: C.
        weights: (4,) float32.
        out: (h, w * C) float32, written.
    """
    height, size = out.shape
    margin = _REACH_PX * channels
    line = np.empty(size + 2 * margin, np.float32)
    for y in range(height):
        _seven_down(picture, y, weights, line[margin : margin + size])
        continue_row(line, _REACH_PX, channels)
        _seven_along(line, channels, weights, out[y])


@numba.njit(**_fast)
def _seven_down(picture, y, weights, out):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Filter down the columns at row `y`.

    Written out tap by tap, in whole numbers first, which is what the compiler makes vector instructions of.
    """
    height, here = len(picture), picture[y]
    a, b, c = (picture[mirrored(y - 1, height)], picture[mirrored(y - 2, height)], picture[mirrored(y - 3, height)])
    d, e, f = (picture[mirrored(y + 1, height)], picture[mirrored(y + 2, height)], picture[mirrored(y + 3, height)])
    w0, w1, w2, w3 = weights[0], weights[1], weights[2], weights[3]
    for k in range(len(out)):
        one = np.int32(np.int32(a[k]) + np.int32(d[k]))
        two = np.int32(np.int32(b[k]) + np.int32(e[k]))
        three = np.int32(np.int32(c[k]) + np.int32(f[k]))
        near = w0 * np.float32(here[k]) + w1 * np.float32(one)
        out[k] = near + w2 * np.float32(two) + w3 * np.float32(three)


@numba.njit(**_fast)
def _seven_along(line, channels, weights, out):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Filter a row that is continued beyond its ends."""
    size = len(out)
    a, b, c, here = line[2 * channels :], line[channels:], line, line[3 * channels :]
    d, e, f = line[4 * channels :], line[5 * channels :], line[6 * channels :]
    w0, w1, w2, w3 = weights[0], weights[1], weights[2], weights[3]
    for k in range(size):
        out[k] = w0 * here[k] + w1 * (a[k] + d[k]) + w2 * (b[k] + e[k]) + w3 * (c[k] + f[k])


@numba.njit(**_fast)
def mirrored(index, count):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Return the row or column inside that stands for one that may lie outside."""
    if count == 1:
        return 0
    while index < 0 or index >= count:
        index = -index if index < 0 else 2 * (count - 1) - index
    return index


@numba.njit(**_fast)
def continue_row(line, reach, channels):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Fill the margins of a row, `reach` px at both ends."""
    width = len(line) // channels - 2 * reach
    for k in range(1, reach + 1):
        left, right = reach + mirrored(-k, width), reach + mirrored(width - 1 + k, width)
        for c in range(channels):
            line[(reach - k) * channels + c] = line[left * channels + c]
            line[(reach + width - 1 + k) * channels + c] = line[right * channels + c]


@numba.njit(**_fast)
def filter_along(line, channels, weights, out):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Filter a row that is continued beyond its ends."""
    size, middle, weight = len(out), (len(weights) - 1) * channels, weights[0]
    here = line[middle : middle + size]
    for x in range(size):
        out[x] = weight * here[x]
    for k in range(1, len(weights)):
        left, right, weight = middle - k * channels, middle + k * channels, weights[k]
        before, after = line[left : left + size], line[right : right + size]
        for x in range(size):
            out[x] += weight * (before[x] + after[x])


@numba.njit(**_fast)
def filter_down(rows, y, height, weights, out):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Filter down the columns at row `y` of a picture; of its `height` rows, `rows` keeps the latest."""
    here, weight = rows[y % len(rows)], weights[0]
    for x in range(len(out)):
        out[x] = weight * here[x]
    for k in range(1, len(weights)):
        before, after = rows[mirrored(y - k, height) % len(rows)], rows[mirrored(y + k, height) % len(rows)]
        weight = weights[k]
        for x in range(len(out)):
            out[x] += weight * (before[x] + after[x])

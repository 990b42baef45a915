"""The kernel of the field of edge directions, see `coarse_pose.direction_field`.

One pass through the picture, row by row: gradients, what they are related to, and the field smoothed. Each step is as many
rows behind the one before as it looks ahead, and only these rows are kept.
"""

import numba
import numpy as np

from kontur.modeling.row_filters import continue_row, filter_along, filter_down, mirrored

AROUND_PX = 16
"""The mean strength around is over a square that reaches this far."""
_TINY = np.float32(1e-6)
_SUM = np.float32(64)
"""By so much the filters enlarge a gradient."""
_fast = {"cache": True, "nogil": True, "fastmath": True, "error_model": "numpy"}


@numba.njit(**_fast)
def edge_directions(picture, least, weights, out):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Write cosine and sine of twice the direction of edges, times their strength against that around them, smoothed.

    Args:
        picture: (h, w * 3) uint8.
        least: strength that is added to what is around, float32.
        weights: (R + 1,) float32 of the last filter, see `row_filters`.
        out: (h, w * 2) float32, written.
    """
    height, width, reach = len(out), out.shape[1] // 2, len(weights) - 1
    turns, strength = np.empty((AROUND_PX + 1, 2 * width), np.float32), np.empty((2 * AROUND_PX + 2, width), np.float32)
    columns, sums = np.zeros(width + 2 * AROUND_PX, np.float32), np.empty(width + 2 * AROUND_PX, np.float32)
    line = np.empty(2 * (width + 2 * reach), np.float32)
    slopes = np.empty((2, 3 * width + 12), np.int16)
    products, ring = np.empty((2, 3 * width), np.float32), np.empty((2 * reach + 1, 2 * width), np.float32)
    for done in range(height + AROUND_PX + reach):
        if done < height:
            _filter_down(picture, done, slopes[0], slopes[1])
            _square(slopes[0], slopes[1], products[0], products[1])
            _sum_colours(products[0], products[1], turns[done % len(turns)], strength[done % len(strength)])
        y = done - AROUND_PX
        if 0 <= y < height:
            _add_up(strength, y, height, columns)
            _relate(
                turns[y % len(turns)], strength[y % len(strength)], columns, sums, _SUM * least, ring[y % len(ring)]
            )
        y -= reach
        if y >= 0:
            filter_down(ring, y, height, weights, line[2 * reach : 2 * (reach + width)])
            continue_row(line, reach, 2)
            filter_along(line, 2, weights, out[y])


@numba.njit(**_fast)
def _filter_down(picture, y, smooth, slope):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Write (1 4 6 4 1) and (-1 -2 0 2 1) down the columns: a small Gaussian and Sobel's operator; continued by 2 px."""
    height, size = picture.shape
    first, second, third = picture[mirrored(y - 2, height)], picture[mirrored(y - 1, height)], picture[y]
    fourth, fifth = picture[mirrored(y + 1, height)], picture[mirrored(y + 2, height)]
    for k in range(size):
        near, far = np.int16(second[k]) + np.int16(fourth[k]), np.int16(first[k]) + np.int16(fifth[k])
        smooth[6 + k] = far + 4 * near + 6 * np.int16(third[k])
    for k in range(size):
        near, far = np.int16(fourth[k]) - np.int16(second[k]), np.int16(fifth[k]) - np.int16(first[k])
        slope[6 + k] = far + 2 * near
    continue_row(smooth, 2, 3)
    continue_row(slope, 2, 3)


@numba.njit(**_fast)
def _square(s, d, cosine, sine):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Filter along a row, and write the squares of the gradients: length times cosine and sine of twice the angle."""
    for k in range(len(cosine)):
        a = np.int16((s[k + 12] - s[k]) + 2 * (s[k + 9] - s[k + 3]))
        b = np.int16((d[k + 12] + d[k]) + 4 * (d[k + 9] + d[k + 3]) + 6 * d[k + 6])
        across, down = np.float32(a), np.float32(b)
        cosine[k] = across * across - down * down
        sine[k] = np.float32(2) * across * down


@numba.njit(**_fast)
def _sum_colours(cosine, sine, turn, strength):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Sum squares of gradients over colours; their strength is the root of the length of the sum."""
    for x in range(len(strength)):
        c = cosine[3 * x] + cosine[3 * x + 1] + cosine[3 * x + 2]
        s = sine[3 * x] + sine[3 * x + 1] + sine[3 * x + 2]
        turn[2 * x], turn[2 * x + 1] = c, s
        strength[x] = np.sqrt(np.sqrt(c * c + s * s))


@numba.njit(**_fast)
def _add_up(strength, y, height, columns):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Sum up the rows around row `y`, when `columns` has the sums of the row before; not continued yet."""
    size = len(strength)
    inner = columns[AROUND_PX : len(columns) - AROUND_PX]
    if y == 0:
        for k in range(-AROUND_PX, AROUND_PX + 1):
            row = strength[mirrored(k, height) % size]
            for x in range(len(inner)):
                inner[x] += row[x]
        return
    gone, new = strength[mirrored(y - 1 - AROUND_PX, height) % size], strength[mirrored(y + AROUND_PX, height) % size]
    for x in range(len(inner)):
        inner[x] += new[x] - gone[x]


@numba.njit(**_fast)
def _relate(turn, strength, columns, sums, least, out):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Write a row of the field: the length is strength over itself plus twice the mean strength around it plus `least`."""
    continue_row(columns, AROUND_PX, 1)
    count = len(sums) - 1
    for x in range(count):
        sums[x] = columns[x] + columns[x + 1]
    apart = 2
    while apart < 2 * AROUND_PX:
        count -= apart
        for x in range(count):
            sums[x] += sums[x + apart]
        apart *= 2
    share = np.float32(2 / (2 * AROUND_PX + 1) ** 2)
    for x in range(len(strength)):
        own, around = strength[x], sums[x] + columns[x + 2 * AROUND_PX]
        factor = np.float32(1) / ((own + share * around + least) * max(own, _TINY))
        out[2 * x] = factor * turn[2 * x]
        out[2 * x + 1] = factor * turn[2 * x + 1]

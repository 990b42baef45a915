"""From light to sensor values and on to bytes: blur, vignetting, gains, shot and read noise, clipping, mosaic, curve.

Everything is done to a few rows at a time, while they are in the fast cache. Light is float32, or packed, see `halves`.
"""

import numba
import numpy as np

from kontur.data_preprocessing.compiled import ENTRY, INNER, MAKER
from kontur.data_preprocessing.halves import read_line

_ZERO, _HALF, _ONE = np.float32(0), np.float32(0.5), np.float32(1)
_FULL = np.float32(4095)
FUSED = 3
"""Pairs of neighbours that are added in one pass; what a wider blur has is added one by one."""
_ROWS = 4
"""Rows of a plane that are worked on before the next plane's."""
_ROW_STRIDE, _PLANE_STRIDE = 7919, 87_178_291
"""Steps through the noise from row to row and from plane to plane: primes, so that rows do not meet again."""


@numba.njit(**ENTRY)
def photograph(  # type: ignore[no-untyped-def]
    light, weights, gains, fall, well, read, noise, seed, curve, out
):  # pragma: no cover
    """Expose and develop.

    Args:
        light: (C, H, W) float32 or packed.
        weights: (R + 1,) float32, R at least 1: a separable, symmetric blur, from its middle outwards.
        gains: (C,) float32.
        fall: vignetting at the corner, 0..1, falling with the squared radius.
        well: electrons at full scale; read: read noise in electrons; both float32.
        noise: standard normal pool, float32; seed: where the rows start in it.
        curve: (4096,) what is written for each 12-bit sensor value.
        out: (H, W, C) of the curve's type, written.
    """
    planes, height, width = light.shape
    room, codes = _blur_space(light, weights), np.empty((_ROWS, planes, width), np.uint16)
    across = _falls(width, fall, height)
    for first in range(0, height, _ROWS):
        last = min(height, first + _ROWS)
        for c in range(planes):
            _expose_plane(light, weights, gains, fall, well, read, noise, seed, codes, room, across, first, last, c)
        _develop_rows(codes, curve, out, first, last)


@numba.njit(**INNER)
def _expose_plane(  # type: ignore[no-untyped-def]
    light, weights, gains, fall, well, read, noise, seed, codes, room, across, first, last, c
):  # pragma: no cover
    """Rows `first` to `last` of plane `c`; `room`: see `_blur_space`; `across`: see `_falls`."""
    _, height, width = light.shape
    rings, padded, line = room
    for y in range(first, last):
        _blur_along(rings[c], padded, light[c], weights, y)
        _blur_down(line, rings[c], weights, y, height)
        start = _noise_start(seed, y, c, len(noise) - width)
        down = _fall_down(y, height, width, fall)
        _expose_row(line, across, down, gains[c], noise[start : start + width], well, read, codes[y - first, c])


@numba.njit(**ENTRY)
def photograph_mosaic(  # type: ignore[no-untyped-def]
    light, weights, gains, fall, well, read, noise, seed, out
):  # pragma: no cover
    """Expose a sensor with one colour a pixel, in the order RG/GB: as `photograph`, `out` (H, W) uint16 12-bit values."""
    room, other = _blur_space(light, weights), np.empty(light.shape[2], np.float32)
    across = _falls(light.shape[2], fall, light.shape[1])
    for y in range(light.shape[1]):
        _mosaic_row(light, weights, gains, fall, well, read, noise, seed, out, room, other, across, y)


@numba.njit(**INNER)
def _mosaic_row(  # type: ignore[no-untyped-def]
    light, weights, gains, fall, well, read, noise, seed, out, room, other, across, y
):  # pragma: no cover
    """Row `y`; `room`: see `_blur_space`; `other`: a row; `across`: see `_falls`."""
    _, height, width = light.shape
    rings, padded, line = room
    for c in range(3):
        _blur_along(rings[c], padded, light[c], weights, y)
    even, odd = 2 - (y & 1), 1 - (y & 1)
    _blur_down(line, rings[even], weights, y, height)
    _blur_down(other, rings[odd], weights, y, height)
    for x in range(width):
        line[x] = other[x] * gains[odd] if x & 1 else line[x] * gains[even]
    start = _noise_start(seed, y, 0, len(noise) - width)
    down = _fall_down(y, height, width, fall)
    _expose_row(line, across, down, _ONE, noise[start : start + width], well, read, out[y])


@numba.njit(**MAKER)
def _falls(width, fall, height):  # type: ignore[no-untyped-def]  # pragma: no cover
    """(width,) float32 loss of light by the distance from the middle column."""
    cy, cx = np.float32(height - 1) * _HALF, np.float32(width - 1) * _HALF
    across = np.empty(width, np.float32)
    for x in range(width):
        across[x] = fall / (cx * cx + cy * cy) * (np.float32(x) - cx) * (np.float32(x) - cx)
    return across


@numba.njit(**INNER)
def _fall_down(y, height, width, fall):  # type: ignore[no-untyped-def]  # pragma: no cover
    """What row `y` leaves of the light in the middle column."""
    cy, cx = np.float32(height - 1) * _HALF, np.float32(width - 1) * _HALF
    return _ONE - fall / (cx * cx + cy * cy) * (np.float32(y) - cy) * (np.float32(y) - cy)


@numba.njit(**INNER)
def _noise_start(seed, y, c, most):  # type: ignore[no-untyped-def]  # pragma: no cover
    return (seed + y * _ROW_STRIDE + c * _PLANE_STRIDE) % most


@numba.njit(**MAKER)
def _blur_space(light, weights):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Room for a blur: for each plane the rows that one row needs (a power of two), blurred along; a padded row; a row."""
    planes, _, width = light.shape
    radius, size = len(weights) - 1, 1
    while size < 2 * radius + 1:
        size *= 2
    rings = np.empty((planes, size, width), np.float32)
    return rings, np.empty(width + 2 * radius, np.float32), np.empty(width, np.float32)


@numba.njit(**INNER)
def _blur_along(ring, padded, plane, weights, y):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Blur the rows along themselves that row `y` is the first to need; beyond the border the last pixel goes on."""
    radius, height, width = len(weights) - 1, len(plane), ring.shape[1]
    for row in range(y + radius if y else 0, min(height, y + radius + 1)):
        inner = padded[radius : radius + width]
        read_line(inner, plane[row])
        padded[:radius] = inner[0]
        padded[radius + width :] = inner[width - 1]
        line = ring[row & (len(ring) - 1)]
        _weigh(
            line, weights, inner, padded[radius - 1 :], padded[radius + 1 :], padded[max(0, radius - 2) :],
            padded[min(2 * radius, radius + 2) :], padded[max(0, radius - 3) :], padded[min(2 * radius, radius + 3) :],
        )  # fmt: skip
        for k in range(FUSED + 1, radius + 1):
            _add_pair(line, padded[radius - k : radius - k + width], padded[radius + k :], weights[k])


@numba.njit(**INNER)
def _blur_down(out, ring, weights, y, height):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Blur across the rows around row `y`, of which there are `height`."""
    wrap, last = len(ring) - 1, height - 1
    a1, b1 = ring[max(0, y - 1) & wrap], ring[min(last, y + 1) & wrap]
    a2, b2 = ring[max(0, y - 2) & wrap], ring[min(last, y + 2) & wrap]
    a3, b3 = ring[max(0, y - 3) & wrap], ring[min(last, y + 3) & wrap]
    _weigh(out, weights, ring[y & wrap], a1, b1, a2, b2, a3, b3)
    for k in range(FUSED + 1, len(weights)):
        _add_pair(out, ring[max(0, y - k) & wrap], ring[min(last, y + k) & wrap], weights[k])


@numba.njit(**INNER)
def _weigh(out, weights, at, a1, b1, a2, b2, a3, b3):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Weighted sum of a line and up to FUSED nearest ones on both its sides, in one pass."""
    w0, w1 = weights[0], weights[1]
    if len(weights) == 2:
        for x in range(len(out)):
            out[x] = at[x] * w0 + (a1[x] + b1[x]) * w1
        return
    w2 = weights[2]
    if len(weights) == 3:
        for x in range(len(out)):
            out[x] = at[x] * w0 + (a1[x] + b1[x]) * w1 + (a2[x] + b2[x]) * w2
        return
    w3 = weights[3]
    for x in range(len(out)):
        out[x] = at[x] * w0 + (a1[x] + b1[x]) * w1 + (a2[x] + b2[x]) * w2 + (a3[x] + b3[x]) * w3


@numba.njit(**INNER)
def _add_pair(out, before, after, weight):  # type: ignore[no-untyped-def]  # pragma: no cover
    for x in range(len(out)):
        out[x] += (before[x] + after[x]) * weight


@numba.njit(**INNER)
def _expose_row(line, across, down, gain, noise, well, read, out):  # type: ignore[no-untyped-def]  # pragma: no cover
    shot, floor = _ONE / well, (read / well) * (read / well)
    for x in range(len(out)):
        value = max(_ZERO, line[x] * gain * (down - across[x]))
        value += noise[x] * np.sqrt(value * shot + floor)
        out[x] = np.uint16(np.int32(min(_ONE, max(_ZERO, value)) * _FULL + _HALF))


@numba.njit(**INNER)
def _develop_rows(codes, curve, out, first, last):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Rows `first` to `last` of `out` from codes (rows, C, W)."""
    planes, width = codes.shape[1:]
    whole = width - width % 4 if planes == 3 and curve.itemsize == 1 else 0
    for y in range(first, last):
        line, row = out[y].reshape(-1), codes[y - first]
        _develop_fours(line[: 3 * whole].view(np.uint32), row.reshape(-1), width, curve)
        for c in range(planes):
            for x in range(whole, width):
                line[planes * x + c] = curve[row[c, x]]


@numba.njit(**INNER)
def _develop_fours(words, codes, width, curve):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Four pixels of three bytes at a time, as three words: fewer and larger writes. `codes`: three rows of `width`."""
    pixels, one, two, three = (
        np.uint64(width),
        np.uint64(1),
        np.uint64(2),
        np.uint64(3),
    )  # unsigned: nothing wraps around
    for k in range(np.uint64(len(words) // 3)):
        b, word = np.uint64(4) * k, three * k
        g, r = pixels + b, two * pixels + b
        words[word] = _word(curve[codes[b]], curve[codes[g]], curve[codes[r]], curve[codes[b + one]])
        words[word + one] = _word(
            curve[codes[g + one]], curve[codes[r + one]], curve[codes[b + two]], curve[codes[g + two]]
        )
        words[word + two] = _word(
            curve[codes[r + two]], curve[codes[b + three]], curve[codes[g + three]], curve[codes[r + three]]
        )


@numba.njit(**INNER)
def _word(first, second, third, fourth):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Four bytes as they lie in memory."""
    low = np.uint32(first) | np.uint32(np.uint32(second) << np.uint32(8))
    high = np.uint32(third) | np.uint32(np.uint32(fourth) << np.uint32(8))
    return np.uint32(low | np.uint32(high << np.uint32(16)))


@numba.njit(**ENTRY)
def develop(codes, curve, out):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Look (H, W, C) 12-bit values up in a curve of 4096 bytes, written to `out`."""
    flat, line = codes.reshape(-1), out.reshape(-1)
    for k in range(len(flat)):
        line[k] = curve[min(np.uint16(4095), flat[k])]


@numba.njit(**ENTRY)
def zoom(plane, factor, out):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Enlarge an (H, W) float32 plane about its middle, linear between pixels; beyond the border the last pixel goes on."""
    height, width = plane.shape
    at, share, mixed = np.empty(width, np.uint32), np.empty(width, np.float32), np.empty(width + 1, np.float32)
    for x in range(width):
        at[x], share[x] = _source(x, width, factor)
    for y in range(height):
        row, down = _source(y, height, factor)
        _zoom_row(out[y], plane[row], plane[min(height - 1, row + 1)], down, at, share, mixed)


@numba.njit(**INNER)
def _zoom_row(out, upper, lower, down, at, share, mixed):  # type: ignore[no-untyped-def]  # pragma: no cover
    """`mixed`: one longer than a row, so that each place has a next one."""
    width, one = len(out), np.uint64(1)
    for x in range(width):
        mixed[x] = upper[x] + (lower[x] - upper[x]) * down
    mixed[width] = mixed[width - 1]
    for x in range(width):
        place = np.uint64(at[x])
        out[x] = mixed[place] + (mixed[place + one] - mixed[place]) * share[x]


@numba.njit(**INNER)
def _source(x, count, factor):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Where a pixel of an enlarged line comes from: the pixel at or before that place, and how far it lies beyond."""
    middle = (count - 1) / 2
    place = min(float(count - 1), max(0.0, middle + (x - middle) / factor))
    return int(place), np.float32(place - int(place))

"""From light to sensor values in one pass: blur, vignetting, gains, shot and read noise, clipping; and on to bytes."""

import numba
import numpy as np

from kontur.data_preprocessing.compiled import ENTRY, INNER

_ZERO, _HALF, _ONE = np.float32(0), np.float32(0.5), np.float32(1)
_FULL = np.float32(4095)
FUSED = 3
"""Pairs of neighbours that a blur always has, some of them of weight 0; more are added one by one."""
_ROW_STRIDE, _PLANE_STRIDE = 7919, 87_178_291
"""Steps through the noise from row to row and from plane to plane: primes, so that rows do not meet again."""


@numba.njit(**ENTRY)
def expose(light, weights, gains, fall, well, read, noise, seed, out):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Write 12-bit sensor values.

    Args:
        light: (C, H, W) float32.
        weights: (R + 1,) float32, R at least FUSED: a separable, symmetric blur, from its middle outwards.
        gains: (C,) float32.
        fall: vignetting at the corner, 0..1, falling with the squared radius.
        well: electrons at full scale; read: read noise in electrons; both float32.
        noise: standard normal pool, float32; seed: where the rows start in it.
        out: (C, H, W) uint16, written.
    """
    planes, height, width = light.shape
    padded, line = np.empty(width + 2 * (len(weights) - 1), np.float32), np.empty(width, np.float32)
    across = _falls(width, fall, height)
    for y in range(height):
        down = _fall_down(y, height, width, fall)
        for c in range(planes):
            _blur_row(light[c], y, weights, padded, line)
            start = _noise_start(seed, y, c, len(noise) - width)
            _expose_row(line, across, down, gains[c], noise[start : start + width], well, read, out[c, y])


@numba.njit(**ENTRY)
def photograph(  # type: ignore[no-untyped-def]
    light, weights, gains, fall, well, read, noise, seed, curve, out
):  # pragma: no cover
    """`expose` and `develop` at once, a row at a time: `out` is (H, W, C) uint8, `curve` 4096 bytes."""
    planes, height, width = light.shape
    padded, line = np.empty(width + 2 * (len(weights) - 1), np.float32), np.empty(width, np.float32)
    codes, across = np.empty((planes, width), np.uint16), _falls(width, fall, height)
    for y in range(height):
        down = _fall_down(y, height, width, fall)
        for c in range(planes):
            _blur_row(light[c], y, weights, padded, line)
            start = _noise_start(seed, y, c, len(noise) - width)
            _expose_row(line, across, down, gains[c], noise[start : start + width], well, read, codes[c])
        _develop_row(codes, curve, out[y])


@numba.njit(**INNER)
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


@numba.njit(**INNER)
def _blur_row(plane, y, weights, padded, line):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Row `y` of a plane, blurred; beyond the border the last pixel goes on."""
    radius, width, last = len(weights) - 1, len(line), len(plane) - 1
    inner = padded[radius : radius + width]
    _weigh(
        inner, weights, plane[y], plane[max(0, y - 1)], plane[min(last, y + 1)], plane[max(0, y - 2)],
        plane[min(last, y + 2)], plane[max(0, y - 3)], plane[min(last, y + 3)],
    )  # fmt: skip
    for k in range(FUSED + 1, radius + 1):
        _add_pair(inner, plane[max(0, y - k)], plane[min(last, y + k)], weights[k])
    padded[:radius] = inner[0]
    padded[radius + width :] = inner[width - 1]
    _weigh(
        line, weights, inner, padded[radius - 1 :], padded[radius + 1 :], padded[radius - 2 :], padded[radius + 2 :],
        padded[radius - 3 :], padded[radius + 3 :],
    )  # fmt: skip
    for k in range(FUSED + 1, radius + 1):
        _add_pair(line, padded[radius - k : radius - k + width], padded[radius + k :], weights[k])


@numba.njit(**INNER)
def _weigh(out, weights, at, a1, b1, a2, b2, a3, b3):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Weighted sum of a line and the FUSED nearest on both its sides, in one pass."""
    w0, w1, w2, w3 = weights[0], weights[1], weights[2], weights[3]
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


@numba.njit(**ENTRY)
def mosaic(planes, out):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Keep one channel a pixel in the order RG/GB: planes (3, H, W) B, G, R, out (H, W)."""
    for y in range(out.shape[0]):
        even, odd = planes[2 - (y & 1), y], planes[1 - (y & 1), y]
        line = out[y]
        for x in range(0, len(line) - 1, 2):
            line[x] = even[x]
            line[x + 1] = odd[x + 1]
        if len(line) % 2:
            line[len(line) - 1] = even[len(line) - 1]


@numba.njit(**INNER)
def _develop_row(codes, curve, line):  # type: ignore[no-untyped-def]  # pragma: no cover
    """A row of 12-bit values (C, W) through a curve: (W, C) bytes."""
    planes = len(codes)
    flat = line.reshape(-1)
    for c in range(planes):
        plane, out = codes[c], flat[c::planes]
        for x in range(len(plane)):
            out[x] = curve[plane[x]]


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
    at, share, mixed = np.empty(width, np.int32), np.empty(width, np.float32), np.empty(width, np.float32)
    for x in range(width):
        at[x], share[x] = _source(x, width, factor)
    for y in range(height):
        row, down = _source(y, height, factor)
        upper, lower, line = plane[row], plane[min(height - 1, row + 1)], out[y]
        for x in range(width):
            mixed[x] = upper[x] + (lower[x] - upper[x]) * down
        for x in range(width):
            line[x] = mixed[at[x]] + (mixed[min(width - 1, at[x] + 1)] - mixed[at[x]]) * share[x]


@numba.njit(**INNER)
def _source(x, count, factor):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Where a pixel of an enlarged line comes from: the pixel at or before that place, and how far it lies beyond."""
    middle = (count - 1) / 2
    place = min(float(count - 1), max(0.0, middle + (x - middle) / factor))
    return int(place), np.float32(place - int(place))

"""From light to sensor values in one pass: blur, vignetting, gains, shot and read noise, clipping; and on to bytes."""

import numba
import numpy as np

from kontur.data_preprocessing.compiled import ENTRY, INNER

_ZERO, _HALF, _ONE = np.float32(0), np.float32(0.5), np.float32(1)
_FULL = np.float32(4095)
_ROW_STRIDE, _PLANE_STRIDE = 7919, 87_178_291
"""Steps through the noise from row to row and from plane to plane: primes, so that rows do not meet again."""


@numba.njit(**ENTRY)
def expose(light, weights, gains, fall, well, read, noise, seed, out):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Write 12-bit sensor values.

    Args:
        light: (C, H, W) float32.
        weights: (2 R + 1,) float32, a separable blur.
        gains: (C,) float32.
        fall: vignetting at the corner, 0..1, falling with the squared radius.
        well: electrons at full scale; read: read noise in electrons; both float32.
        noise: standard normal pool, float32; seed: where the rows start in it.
        out: (C, H, W) uint16, written.
    """
    planes, height, width = light.shape
    radius = len(weights) // 2
    padded, line = np.empty(width + 2 * radius, np.float32), np.empty(width, np.float32)
    cy, cx = np.float32(height - 1) * _HALF, np.float32(width - 1) * _HALF
    per_radius = fall / (cx * cx + cy * cy)
    across = np.empty(width, np.float32)
    for x in range(width):
        across[x] = per_radius * (np.float32(x) - cx) * (np.float32(x) - cx)
    for y in range(height):
        down = _ONE - per_radius * (np.float32(y) - cy) * (np.float32(y) - cy)
        for c in range(planes):
            _blur_row(light[c], y, weights, padded, line)
            start = (seed + y * _ROW_STRIDE + c * _PLANE_STRIDE) % (len(noise) - width)
            _expose_row(line, across, down, gains[c], noise[start : start + width], well, read, out[c, y])


@numba.njit(**INNER)
def _blur_row(plane, y, weights, padded, line):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Row `y` of a plane, blurred; beyond the border the last pixel goes on."""
    radius, width, height = len(weights) // 2, len(line), len(plane)
    inner = padded[radius : radius + width]
    _weigh(inner, plane[y], weights[radius])
    for k in range(1, radius + 1):
        _add_pair(inner, plane[max(0, y - k)], plane[min(height - 1, y + k)], weights[radius + k])
    padded[:radius] = inner[0]
    padded[radius + width :] = inner[width - 1]
    _weigh(line, inner, weights[radius])
    for k in range(1, radius + 1):
        _add_pair(line, padded[radius - k : radius - k + width], padded[radius + k :], weights[radius + k])


@numba.njit(**INNER)
def _weigh(out, source, weight):  # type: ignore[no-untyped-def]  # pragma: no cover
    for x in range(len(out)):
        out[x] = source[x] * weight


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


@numba.njit(**ENTRY)
def develop(planes, curve, out):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Look 12-bit values (C, H, W) up in a curve of 4096 bytes: (H, W, C)."""
    for y in range(planes.shape[1]):
        line = out[y]
        for c in range(len(planes)):
            codes = planes[c, y]
            for x in range(len(codes)):
                line[x, c] = curve[min(np.uint16(4095), codes[x])]

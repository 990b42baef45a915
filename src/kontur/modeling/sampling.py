"""Compiled kernels for reading a picture along short lines: bilinear samples, changes, peaks.

Bilinear interpolation is exact here; `cv2.remap` rounds places to 1/32 px.
"""

import numba
import numpy as np

_ROUNDING_PX = 1e-5
_HALF = np.float32(0.5)
_fast = {"cache": True, "nogil": True, "fastmath": True, "error_model": "numpy"}


@numba.njit(**_fast)
def sample_lines(pixels, start_uv, step_uv, out):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Sample a picture along straight lines; beyond the border its outermost pixels go on.

    Args:
        pixels: (h, w, C) float32.
        start_uv: (L, 2) float64 first place of each line, px.
        step_uv: (L, 2) float64 from place to place, px.
        out: (L, K, C) float32, written.
    """
    height, width, channels = pixels.shape
    last = out.shape[1] - 1
    for line in range(len(out)):
        u, v, du, dv = start_uv[line, 0], start_uv[line, 1], step_uv[line, 0], step_uv[line, 1]
        low, high = min(u, u + last * du), max(u, u + last * du)
        top, bottom = min(v, v + last * dv), max(v, v + last * dv)
        if channels == 3 and low >= 0 and top >= 0 and high < width - 1 and bottom < height - 1:
            _sample_inside(pixels, u, v, du, dv, out[line])
        else:
            _sample_anywhere(pixels, u, v, du, dv, out[line])


@numba.njit(inline="always", **_fast)
def _sample_inside(pixels, u, v, du, dv, out):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Sample a colour picture along a line that lies inside it: nothing to limit, and three channels known beforehand."""
    for k in range(len(out)):
        at_u, at_v = u + k * du, v + k * dv
        x, y = int(at_u), int(at_v)
        a, b = np.float32(at_u - x), np.float32(at_v - y)
        both = a * b
        right, below, here = a - both, b - both, np.float32(1) - a - b + both
        for c in range(3):
            out[k, c] = (
                here * pixels[y, x, c]
                + right * pixels[y, x + 1, c]
                + below * pixels[y + 1, x, c]
                + both * pixels[y + 1, x + 1, c]
            )


@numba.njit(inline="always", **_fast)
def _sample_anywhere(pixels, u, v, du, dv, out):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Sample a picture along a line that may leave it."""
    height, width, channels = pixels.shape
    for k in range(len(out)):
        at_u, at_v = min(width - 1.0, max(0.0, u + k * du)), min(height - 1.0, max(0.0, v + k * dv))
        x, y = min(int(at_u), max(0, width - 2)), min(int(at_v), max(0, height - 2))
        x1, y1 = min(x + 1, width - 1), min(y + 1, height - 1)
        a, b = np.float32(at_u - x), np.float32(at_v - y)
        for c in range(channels):
            above = pixels[y, x, c] + a * (pixels[y, x1, c] - pixels[y, x, c])
            under = pixels[y1, x, c] + a * (pixels[y1, x1, c] - pixels[y1, x, c])
            out[k, c] = above + b * (under - above)


@numba.njit(**_fast)
def change_along(values, reach, scale, start_uv, step_uv, size_wh, out):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Write the norm over channels of central differences: values (L, K + 2 reach, C) to out (L, K); 0 beyond the border.

    Args:
        values, start_uv, step_uv: as `sample_lines` has them.
        reach: half the distance between the samples of a difference, samples.
        scale: factor of the differences, float32.
        size_wh: of the picture that was sampled.
        out: written.
    """
    right, bottom = size_wh[0] - 1 + _ROUNDING_PX, size_wh[1] - 1 + _ROUNDING_PX
    for line in range(len(out)):
        u, v = start_uv[line]
        du, dv = step_uv[line]
        for k in range(out.shape[1]):
            u0, v0, u1, v1 = u + k * du, v + k * dv, u + (k + 2 * reach) * du, v + (k + 2 * reach) * dv
            out[line, k] = 0
            if min(u0, u1, v0, v1) < -_ROUNDING_PX or max(u0, u1) > right or max(v0, v1) > bottom:
                continue
            total = np.float32(0)
            for c in range(values.shape[2]):
                change = values[line, k + 2 * reach, c] - values[line, k, c]
                total += change * change
            out[line, k] = np.sqrt(total) * scale


@numba.njit(**_fast)
def peaks_along(strength, wide, at, height):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Find the strongest local maxima along each line, placed by a parabola through samples `wide` apart.

    Args:
        strength: (L, K) float32.
        wide: distance of the parabola's outer samples from the middle one, samples.
        at: (L, P) float64, written: places in samples, strongest first; the middle where there is none.
        height: (L, P) float32, written: their strength; 0 where there is none.
    """
    samples, count = strength.shape[1], at.shape[1]
    for line in range(len(strength)):
        row = strength[line]
        at[line, :], height[line, :] = samples // 2, 0
        for k in range(1, samples - 1):
            if row[k] > row[k - 1] and row[k] >= row[k + 1] and row[k] > height[line, count - 1]:
                _insert(at[line], height[line], _vertex(row, k, wide), row[k])


@numba.njit(**_fast)
def _insert(at, height, place, strength):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Put a peak where it belongs among others, strongest first; the weakest is dropped."""
    k = len(at) - 1
    while k > 0 and height[k - 1] < strength:
        height[k], at[k] = height[k - 1], at[k - 1]
        k -= 1
    height[k], at[k] = strength, place


@numba.njit(**_fast)
def _vertex(row, k, wide):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Place of the parabola's vertex, at most `wide` samples from its middle one."""
    middle = min(max(k, wide), len(row) - 1 - wide)
    a, b, c = np.float64(row[middle - wide]), np.float64(row[middle]), np.float64(row[middle + wide])
    bend = a - 2 * b + c
    sub = (a - c) / (2 * bend) if bend < 0 else 0.0
    return middle + min(1.0, max(-1.0, sub)) * wide


@numba.njit(**_fast)
def profile_features(values, noise, lean, out):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Write what `edge_reader` sees of profiles.

    Args:
        values: (L, K, C) float32 grey levels.
        noise: of the picture, grey levels per px, float32.
        lean: (L,) float64.
        out: (L, K + (K - 2) + 5) float32, written: grey levels less their mean over their deviation; change over the
            greatest; log of deviation and of greatest change over noise; mean; lean; log of noise.
    """
    samples, channels = values.shape[1], values.shape[2]
    changes = out[:, samples : 2 * samples - 2]
    floor = np.log(noise + _HALF)
    for line in range(len(out)):
        mean = np.float32(0)
        for k in range(samples):
            grey = np.float32(0)
            for c in range(channels):
                grey += values[line, k, c]
            out[line, k] = grey / np.float32(channels)
            mean += out[line, k] / np.float32(samples)
        square, most = np.float32(0), np.float32(0)
        for k in range(samples):
            out[line, k] -= mean
            square += out[line, k] * out[line, k]
        for k in range(samples - 2):
            total = np.float32(0)
            for c in range(channels):
                step = values[line, k + 2, c] - values[line, k, c]
                total += step * step
            changes[line, k] = np.sqrt(total / np.float32(channels)) * _HALF
            most = max(most, changes[line, k])
        deviation = np.sqrt(square / np.float32(samples))
        out[line, :samples] /= deviation + noise + _HALF
        changes[line] /= most + noise + _HALF
        out[line, 2 * samples - 2] = np.log(deviation + _HALF) - floor
        out[line, 2 * samples - 1] = np.log(most + _HALF) - floor
        out[line, 2 * samples] = mean / np.float32(128) - np.float32(1)
        out[line, 2 * samples + 1] = lean[line]
        out[line, 2 * samples + 2] = floor

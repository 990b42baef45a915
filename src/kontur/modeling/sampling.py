"""Compiled kernels that sample a picture along short lines: bilinear samples, and how they change.

Bilinear interpolation is exact here; `cv2.remap` rounds places to 1/32 px.
"""

import numba
import numpy as np

_ROUNDING_PX = 1e-5
_fast = {"cache": True, "nogil": True, "fastmath": True, "error_model": "numpy"}


@numba.njit(inline="always", **_fast)
def sample_line(pixels, flat, u, v, du, dv, out):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Sample a picture (h, w, C), given `flat` as well, from (u, v) in steps (du, dv): `out` (C, K).

    Beyond the border its outermost px go on. Returns whether the whole line lies inside.
    """
    height, width, channels = pixels.shape
    last = out.shape[1] - 1
    low, high = min(u, u + last * du), max(u, u + last * du)
    top, bottom = min(v, v + last * dv), max(v, v + last * dv)
    inside = low >= 0 and top >= 0 and high < width - 1 and bottom < height - 1
    if channels == 3 and inside:
        _sample_inside(flat, width, (u, v, du, dv), out)
    else:
        _sample_anywhere(pixels, (u, v, du, dv), out)
    return inside


@numba.njit(inline="always", **_fast)
def _sample_inside(flat, width, way, values):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Sample a colour picture along a line that lies inside it: nothing to limit, and three channels known beforehand."""
    u, v, du, dv = way
    right, below, next_channel = np.uint32(3), np.uint32(3 * width), np.uint32(1)
    for k in range(values.shape[1]):
        at_u, at_v = u + k * du, v + k * dv
        x, y = np.int32(at_u), np.int32(at_v)
        a, b = np.float32(at_u - x), np.float32(at_v - y)
        both = a * b
        one, two, here = a - both, b - both, np.float32(1) - a - b + both
        i = np.uint32(3 * (y * np.int32(width) + x))
        j = i + below
        blue = here * flat[i] + one * flat[i + right] + two * flat[j] + both * flat[j + right]
        i, j = i + next_channel, j + next_channel
        green = here * flat[i] + one * flat[i + right] + two * flat[j] + both * flat[j + right]
        i, j = i + next_channel, j + next_channel
        red = here * flat[i] + one * flat[i + right] + two * flat[j] + both * flat[j + right]
        values[0, k], values[1, k], values[2, k] = blue, green, red


@numba.njit(inline="always", **_fast)
def _sample_anywhere(pixels, way, values):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Sample a picture along a line that may leave it."""
    height, width, channels = pixels.shape
    u, v, du, dv = way
    for k in range(values.shape[1]):
        at_u, at_v = min(width - 1.0, max(0.0, u + k * du)), min(height - 1.0, max(0.0, v + k * dv))
        x, y = min(int(at_u), max(0, width - 2)), min(int(at_v), max(0, height - 2))
        x1, y1 = min(x + 1, width - 1), min(y + 1, height - 1)
        a, b = np.float32(at_u - x), np.float32(at_v - y)
        for c in range(channels):
            above = pixels[y, x, c] + a * (pixels[y, x1, c] - pixels[y, x, c])
            under = pixels[y1, x, c] + a * (pixels[y1, x1, c] - pixels[y1, x, c])
            values[c, k] = above + b * (under - above)


@numba.njit(inline="always", **_fast)
def change_line(values, first, reach, scale, out):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Write the changes along one line: norms over channels of central differences.

    Args:
        values: (C, K) float32 samples.
        first: the first sample that is used.
        reach: half the distance between the samples of a difference, samples.
        scale: factor of the differences, float32.
        out: (n,) float32, written.
    """
    apart = 2 * reach
    for k in range(len(out)):
        change = values[0, first + k + apart] - values[0, first + k]
        out[k] = change * change
    for c in range(1, values.shape[0]):
        for k in range(len(out)):
            change = values[c, first + k + apart] - values[c, first + k]
            out[k] += change * change
    for k in range(len(out)):
        out[k] = np.sqrt(out[k]) * scale


@numba.njit(inline="always", **_fast)
def forget_beyond(u, v, du, dv, apart, size_wh, out):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Set the changes to 0 whose samples, `apart` steps from each other, lie beyond the border; the first at (u, v)."""
    for k in range(len(out)):
        if is_beyond(u + k * du, v + k * dv, apart * du, apart * dv, size_wh):
            out[k] = 0


@numba.njit(inline="always", **_fast)
def squared_change(values, k, apart):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Return the sum over channels of the squared differences of the samples k + `apart` and k."""
    total = np.float32(0)
    for c in range(values.shape[0]):
        change = values[c, k + apart] - values[c, k]
        total += change * change
    return total


@numba.njit(inline="always", **_fast)
def is_beyond(u, v, du, dv, size_wh):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Return whether (u, v) or the point (du, dv) from it lies beyond a picture's border."""
    right, bottom = size_wh[0] - 1 + _ROUNDING_PX, size_wh[1] - 1 + _ROUNDING_PX
    return min(u, v, u + du, v + dv) < -_ROUNDING_PX or max(u, u + du) > right or max(v, v + dv) > bottom

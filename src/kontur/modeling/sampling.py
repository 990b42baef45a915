"""Compiled kernels for reading a picture along short lines: bilinear samples, changes, peaks.

Bilinear interpolation is exact here; `cv2.remap` rounds places to 1/32 px.
"""

import numba
import numpy as np

_ROUNDING_PX = 1e-5
_HALF = np.float32(0.5)
_fast = {"cache": True, "nogil": True, "fastmath": True, "error_model": "numpy"}


@numba.njit(inline="always", **_fast)
def _sample_line(pixels, flat, u, v, du, dv, out):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Sample a picture (h, w, C), which is also given `flat`, from (u, v) in steps (du, dv): `out` (C, K); beyond the border its outermost px go on.

    Returns whether the whole line lies inside.
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
def _change_line(values, first, reach, scale, out):  # type: ignore[no-untyped-def]  # pragma: no cover
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
def _forget_beyond(u, v, du, dv, apart, size_wh, out):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Set the changes to 0 whose samples, `apart` steps from each other, lie beyond the border; the first at (u, v)."""
    for k in range(len(out)):
        if _is_beyond(u + k * du, v + k * dv, apart * du, apart * dv, size_wh):
            out[k] = 0


@numba.njit(inline="always", **_fast)
def peaks_of(row, wide, least, at, height):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Find the strongest local maxima along a line, placed by a parabola through samples `wide` apart.

    Args:
        row: (K,) float32 strengths.
        wide: distance of the parabola's outer samples from the middle one, samples.
        least: weaker ones are left out.
        at: (P,) float64, written: places in samples, strongest first; the middle where there is none.
        height: (P,) float32, written: their strength; 0 where there is none.
    """
    samples, last = len(row), len(at) - 1
    for k in range(len(at)):
        at[k], height[k] = samples // 2, 0
    for k in range(1, samples - 1):
        here = row[k]
        if here > least and here > row[k - 1] and here >= row[k + 1] and here > height[last]:
            _insert(at, height, _vertex(row, k, wide), here)


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
def edges_along(pixels, placed, line, limits, offset, strength):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Find the strongest edges across N contours of M points, where a point has a weight.

    Args:
        pixels: (h, w, C) float32, smoothed.
        placed: points (N, M, 2) px, normals (N, M, 2) and weights (N, M).
        line: how a contour is crossed, see `edges.Crossing`.
        limits: least strength of an edge, and its largest distance, px.
        offset, strength: (N, M, P) float64, written: distance along the normal, px, strongest first; 0 where there is none.
    """
    points, normals, weight = placed
    first, step, samples, reach, wide, reduction = line
    size_wh, flat = (pixels.shape[1], pixels.shape[0]), pixels.reshape(-1)
    profile, change = np.empty((pixels.shape[2], samples), np.float32), np.empty(samples - 2 * reach, np.float32)
    at, height = np.empty(offset.shape[2]), np.empty(offset.shape[2], np.float32)
    scale, least, shift = np.float32(1 / (2 * reach * step)), np.float32(limits[0]), (reduction - 1) / 2
    for n in range(len(points)):
        for m in range(points.shape[1]):
            offset[n, m], strength[n, m] = 0, 0
            if weight[n, m] <= 0:
                continue
            u = (points[n, m, 0] + first * normals[n, m, 0] - shift) / reduction
            v = (points[n, m, 1] + first * normals[n, m, 1] - shift) / reduction
            du, dv = normals[n, m, 0] * (step / reduction), normals[n, m, 1] * (step / reduction)
            inside = _sample_line(pixels, flat, u, v, du, dv, profile)
            _change_line(profile, 0, reach, scale, change)
            if not inside:
                _forget_beyond(u, v, du, dv, 2 * reach, size_wh, change)
            peaks_of(change, wide, least, at, height)
            _keep_edges(at, height, first + reach * step, step, limits[1], offset[n, m], strength[n, m])


@numba.njit(inline="always", **_fast)
def _keep_edges(at, height, first, step, most, offset, strength):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Write the peaks (P,) that are near enough."""
    for k in range(len(at)):
        away = first + step * at[k]
        if height[k] > 0 and abs(away) <= most:
            offset[k], strength[k] = away, height[k]


@numba.njit(**_fast)
def read_along(pixels, placed, line, limits, seen, scaling, features, clear, offset, strength):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Sample across contours once for both: what `edge_reader` sees, and the edges near the contour.

    Args:
        pixels, placed, line, limits, offset, strength: as `edges_along` has them; `line` is as long as the reader looks.
        seen: noise of the picture; where a plumb line through the camera meets the plane (u, v), px, and focal length;
            samples to leave out at both ends when edges are sought.
        scaling: (F,) mean of the features, (F,) one over their deviation, and the limit of what is left.
        features: (L, F) float32 of the L points that have a weight, in their order, scaled, written; see `_features_of`.
        clear: (L,) float32 log of the greatest change over the noise, written.
    """
    points, normals, weight = placed
    first, step, samples, reach, wide, _ = line
    noise, nadir_u, nadir_v, focal, skipped = seen
    size_wh, flat = (pixels.shape[1], pixels.shape[0]), pixels.reshape(-1)
    profile, change = np.empty((pixels.shape[2], samples), np.float32), np.empty(samples - 2 * (skipped + reach), np.float32)
    at, height = np.empty(offset.shape[2]), np.empty(offset.shape[2], np.float32)
    scale, least, row = np.float32(1 / (2 * reach * step)), np.float32(limits[0]), 0
    for n in range(len(points)):
        for m in range(points.shape[1]):
            offset[n, m], strength[n, m] = 0, 0
            if weight[n, m] <= 0:
                continue
            du, dv = normals[n, m, 0] * step, normals[n, m, 1] * step
            u, v = points[n, m, 0] + first * normals[n, m, 0], points[n, m, 1] + first * normals[n, m, 1]
            inside = _sample_line(pixels, flat, u, v, du, dv, profile)
            _change_line(profile, skipped, reach, scale, change)
            if not inside:
                _forget_beyond(u + skipped * du, v + skipped * dv, du, dv, 2 * reach, size_wh, change)
            peaks_of(change, wide, least, at, height)
            _keep_edges(at, height, first + (skipped + reach) * step, step, limits[1], offset[n, m], strength[n, m])
            lean = (nadir_u - points[n, m, 0]) * normals[n, m, 0] + (nadir_v - points[n, m, 1]) * normals[n, m, 1]
            _features_of(profile, noise, lean / focal, features[row])
            clear[row] = features[row, 2 * samples - 1]
            for k in range(features.shape[1]):
                scaled = (features[row, k] - scaling[0][k]) * scaling[1][k]
                features[row, k] = min(scaling[2], max(-scaling[2], scaled))
            row += 1


@numba.njit(inline="always", **_fast)
def _features_of(values, noise, lean, out):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Write what the reader sees of one profile.

    Args:
        values: (C, K) float32 grey levels.
        noise: of the picture, grey levels per px, float32.
        lean: px, see `edge_reader`.
        out: (K + (K - 2) + 5) float32, written: grey levels less their mean over their deviation; change over the
            greatest; log of deviation and of greatest change over noise; mean; lean; log of noise.
    """
    channels, samples = values.shape
    floor, share = np.log(noise + _HALF), np.float32(1) / np.float32(channels)
    for k in range(samples):
        out[k] = values[0, k]
    for c in range(1, channels):
        for k in range(samples):
            out[k] += values[c, k]
    mean = np.float32(0)
    for k in range(samples):
        out[k] *= share
        mean += out[k]
    mean /= np.float32(samples)
    square, most = np.float32(0), np.float32(0)
    for k in range(samples):
        out[k] -= mean
        square += out[k] * out[k]
    _change_line(values, 0, 1, _HALF * np.sqrt(share), out[samples : 2 * samples - 2])
    for k in range(samples, 2 * samples - 2):
        most = max(most, out[k])
    deviation = np.sqrt(square / np.float32(samples))
    grey, change = np.float32(1) / (deviation + noise + _HALF), np.float32(1) / (most + noise + _HALF)
    for k in range(samples):
        out[k] *= grey
    for k in range(samples, 2 * samples - 2):
        out[k] *= change
    out[2 * samples - 2] = np.log(deviation + _HALF) - floor
    out[2 * samples - 1] = np.log(most + _HALF) - floor
    out[2 * samples] = mean / np.float32(128) - np.float32(1)
    out[2 * samples + 1] = lean
    out[2 * samples + 2] = floor


@numba.njit(**_fast)
def rarities(pixels, contours, crossed, floor, out):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Write how edge-like points are: the strongest change across near them, times its share of all change there.

    Args:
        pixels: (h, w, C) float32, smoothed.
        contours: points (P, 2) px and normals (P, 2).
        crossed: first offset looked at, px; step between offsets, px; (K,) what an edge there counts for.
        floor: change that noise makes.
        out: (P,) float64, written; 0 where there is nothing above the floor, or the picture ends.
    """
    points, normals = contours
    first, step, nearness = crossed
    size_wh, flat, count = (pixels.shape[1], pixels.shape[0]), pixels.reshape(-1), len(nearness)
    across, along = np.empty((pixels.shape[2], count + 2), np.float32), np.empty((pixels.shape[2], 3), np.float32)
    scale = 1 / (2 * step)
    for n in range(len(points)):
        u, v, nu, nv = points[n, 0], points[n, 1], normals[n, 0], normals[n, 1]
        du, dv = step * nu, step * nv
        u0, v0 = u + (first - step) * nu, v + (first - step) * nv
        inside = _sample_line(pixels, flat, u0, v0, du, dv, across)
        best, strength, most = 0, 0.0, -1.0
        for k in range(count):
            change = scale * _change(across, k)
            if not inside and _is_beyond(u0 + k * du, v0 + k * dv, 2 * du, 2 * dv, size_wh):
                change = 0.0
            if change * nearness[k] > most:
                best, strength, most = k, change, change * nearness[k]
        u, v = u + (first + best * step) * nu, v + (first + best * step) * nv
        inside = _sample_line(pixels, flat, u + nv, v - nu, -nv, nu, along)
        turned = 0.5 * _change(along, 0)
        if not inside and _is_beyond(u + nv, v - nu, -2 * nv, 2 * nu, size_wh):
            turned = 0.0
        whole = np.sqrt(strength**2 + turned**2 + floor**2)
        out[n] = nearness[best] * strength * strength / whole if strength > floor else 0.0


@numba.njit(inline="always", **_fast)
def _change(values, k):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Return the norm over channels of the difference of the samples k + 2 and k."""
    total = np.float32(0)
    for c in range(values.shape[0]):
        change = values[c, k + 2] - values[c, k]
        total += change * change
    return np.float64(np.sqrt(total))


@numba.njit(inline="always", **_fast)
def _is_beyond(u, v, du, dv, size_wh):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Return whether (u, v) or the point (du, dv) from it lies beyond a picture's border."""
    right, bottom = size_wh[0] - 1 + _ROUNDING_PX, size_wh[1] - 1 + _ROUNDING_PX
    return min(u, v, u + du, v + dv) < -_ROUNDING_PX or max(u, u + du) > right or max(v, v + dv) > bottom

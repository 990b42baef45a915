"""Compiled kernels for reading a picture along short lines: bilinear samples, changes, peaks.

Bilinear interpolation is exact here; `cv2.remap` rounds places to 1/32 px.
"""

import numba
import numpy as np

_ROUNDING_PX = 1e-5
_HALF = np.float32(0.5)
_fast = {"cache": True, "nogil": True, "fastmath": True, "error_model": "numpy"}


@numba.njit(inline="always", **_fast)
def _sample_line(pixels, u, v, du, dv, out):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Sample a picture (h, w, C) from (u, v) in steps (du, dv): `out` (K, C); beyond the border its outermost px go on."""
    height, width, channels = pixels.shape
    last = len(out) - 1
    low, high = min(u, u + last * du), max(u, u + last * du)
    top, bottom = min(v, v + last * dv), max(v, v + last * dv)
    if channels == 3 and low >= 0 and top >= 0 and high < width - 1 and bottom < height - 1:
        _sample_inside(pixels, u, v, du, dv, out)
    else:
        _sample_anywhere(pixels, u, v, du, dv, out)


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


@numba.njit(inline="always", **_fast)
def _change_line(values, reach, scale, u, v, du, dv, size_wh, out):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Write the changes along one line: norms over channels of central differences, 0 beyond the border.

    Args:
        values: (K + 2 reach, C) float32 samples.
        reach: half the distance between the samples of a difference, samples.
        scale: factor of the differences, float32.
        u, v, du, dv: place of the first sample, and from sample to sample, px.
        size_wh: of the picture that was sampled.
        out: (K,) float32, written.
    """
    right, bottom = size_wh[0] - 1 + _ROUNDING_PX, size_wh[1] - 1 + _ROUNDING_PX
    for k in range(len(out)):
        u0, v0, u1, v1 = u + k * du, v + k * dv, u + (k + 2 * reach) * du, v + (k + 2 * reach) * dv
        inside = min(u0, u1, v0, v1) >= -_ROUNDING_PX and max(u0, u1) <= right and max(v0, v1) <= bottom
        total = np.float32(0)
        for c in range(values.shape[1]):
            change = values[k + 2 * reach, c] - values[k, c]
            total += change * change
        out[k] = np.sqrt(total) * scale if inside else np.float32(0)


@numba.njit(**_fast)
def peaks_of(row, wide, at, height):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Find the strongest local maxima along a line, placed by a parabola through samples `wide` apart.

    Args:
        row: (K,) float32 strengths.
        wide: distance of the parabola's outer samples from the middle one, samples.
        at: (P,) float64, written: places in samples, strongest first; the middle where there is none.
        height: (P,) float32, written: their strength; 0 where there is none.
    """
    samples, last = len(row), len(at) - 1
    at[:], height[:] = samples // 2, 0
    for k in range(1, samples - 1):
        if row[k] > row[k - 1] and row[k] >= row[k + 1] and row[k] > height[last]:
            _insert(at, height, _vertex(row, k, wide), row[k])


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
    size_wh = (pixels.shape[1], pixels.shape[0])
    values, change = np.empty((samples, pixels.shape[2]), np.float32), np.empty(samples - 2 * reach, np.float32)
    at, height = np.empty(offset.shape[2]), np.empty(offset.shape[2], np.float32)
    scale, shift = np.float32(1 / (2 * reach * step)), (reduction - 1) / 2
    for n in range(len(points)):
        for m in range(points.shape[1]):
            offset[n, m], strength[n, m] = 0, 0
            if weight[n, m] <= 0:
                continue
            u = (points[n, m, 0] + first * normals[n, m, 0] - shift) / reduction
            v = (points[n, m, 1] + first * normals[n, m, 1] - shift) / reduction
            du, dv = normals[n, m, 0] * (step / reduction), normals[n, m, 1] * (step / reduction)
            _sample_line(pixels, u, v, du, dv, values)
            _change_line(values, reach, scale, u, v, du, dv, size_wh, change)
            peaks_of(change, wide, at, height)
            _keep_edges(at, height, first + reach * step, step, limits, offset[n, m], strength[n, m])


@numba.njit(inline="always", **_fast)
def _keep_edges(at, height, first, step, limits, offset, strength):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Write the peaks (P,) that are strong and near enough."""
    for k in range(len(at)):
        away = first + step * at[k]
        if height[k] > limits[0] and abs(away) <= limits[1]:
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
    size_wh = (pixels.shape[1], pixels.shape[0])
    values = np.empty((samples, pixels.shape[2]), np.float32)
    change = np.empty(samples - 2 * (skipped + reach), np.float32)
    at, height = np.empty(offset.shape[2]), np.empty(offset.shape[2], np.float32)
    scale, row = np.float32(1 / (2 * reach * step)), 0
    for n in range(len(points)):
        for m in range(points.shape[1]):
            offset[n, m], strength[n, m] = 0, 0
            if weight[n, m] <= 0:
                continue
            du, dv = normals[n, m, 0] * step, normals[n, m, 1] * step
            u, v = points[n, m, 0] + first * normals[n, m, 0], points[n, m, 1] + first * normals[n, m, 1]
            _sample_line(pixels, u, v, du, dv, values)
            near = values[skipped : samples - skipped]
            _change_line(near, reach, scale, u + skipped * du, v + skipped * dv, du, dv, size_wh, change)
            peaks_of(change, wide, at, height)
            _keep_edges(at, height, first + (skipped + reach) * step, step, limits, offset[n, m], strength[n, m])
            lean = (nadir_u - points[n, m, 0]) * normals[n, m, 0] + (nadir_v - points[n, m, 1]) * normals[n, m, 1]
            _features_of(values, noise, lean / focal, features[row])
            clear[row] = features[row, 2 * samples - 1]
            for k in range(features.shape[1]):
                scaled = (features[row, k] - scaling[0][k]) * scaling[1][k]
                features[row, k] = min(scaling[2], max(-scaling[2], scaled))
            row += 1


@numba.njit(**_fast)
def _features_of(values, noise, lean, out):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Write what the reader sees of one profile.

    Args:
        values: (K, C) float32 grey levels.
        noise: of the picture, grey levels per px, float32.
        lean: px, see `edge_reader`.
        out: (K + (K - 2) + 5) float32, written: grey levels less their mean over their deviation; change over the
            greatest; log of deviation and of greatest change over noise; mean; lean; log of noise.
    """
    samples, channels = values.shape
    floor, share = np.log(noise + _HALF), np.float32(1) / np.float32(channels)
    mean = np.float32(0)
    for k in range(samples):
        grey = np.float32(0)
        for c in range(channels):
            grey += values[k, c]
        out[k] = grey * share
        mean += out[k]
    mean /= np.float32(samples)
    square, most = np.float32(0), np.float32(0)
    for k in range(samples):
        out[k] -= mean
        square += out[k] * out[k]
    for k in range(samples - 2):
        total = np.float32(0)
        for c in range(channels):
            step = values[k + 2, c] - values[k, c]
            total += step * step
        out[samples + k] = np.sqrt(total * share) * _HALF
        most = max(most, out[samples + k])
    deviation = np.sqrt(square / np.float32(samples))
    out[:samples] /= deviation + noise + _HALF
    out[samples : 2 * samples - 2] /= most + noise + _HALF
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
    size_wh, count = (pixels.shape[1], pixels.shape[0]), len(nearness)
    across, change = np.empty((count + 2, pixels.shape[2]), np.float32), np.empty(count, np.float32)
    along, turned = np.empty((3, pixels.shape[2]), np.float32), np.empty(1, np.float32)
    scale = np.float32(1 / (2 * step))
    for n in range(len(points)):
        u, v, nu, nv = points[n, 0], points[n, 1], normals[n, 0], normals[n, 1]
        u0, v0 = u + (first - step) * nu, v + (first - step) * nv
        _sample_line(pixels, u0, v0, step * nu, step * nv, across)
        _change_line(across, 1, scale, u0, v0, step * nu, step * nv, size_wh, change)
        best, most = 0, np.float64(-1)
        for k in range(count):
            if change[k] * nearness[k] > most:
                best, most = k, change[k] * nearness[k]
        u, v = u + (first + best * step) * nu, v + (first + best * step) * nv
        _sample_line(pixels, u + nv, v - nu, -nv, nu, along)
        _change_line(along, 1, np.float32(_HALF), u + nv, v - nu, -nv, nu, size_wh, turned)
        strength = np.float64(change[best])
        whole = np.sqrt(strength**2 + np.float64(turned[0]) ** 2 + floor**2)
        out[n] = nearness[best] * strength * strength / whole if strength > floor else 0.0

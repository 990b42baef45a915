"""Compiled kernels that look across contours, point after point: edges, what the edge reader sees, how rare an edge is."""

import numba
import numpy as np

from kontur.modeling.sampling import change_line, forget_beyond, is_beyond, norm_of_change, sample_line

_HALF = np.float32(0.5)
_fast = {"cache": True, "nogil": True, "fastmath": True, "error_model": "numpy"}


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
            inside = sample_line(pixels, flat, u, v, du, dv, profile)
            change_line(profile, 0, reach, scale, change)
            if not inside:
                forget_beyond(u, v, du, dv, 2 * reach, size_wh, change)
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
    profile, change = (
        np.empty((pixels.shape[2], samples), np.float32),
        np.empty(samples - 2 * (skipped + reach), np.float32),
    )
    at, height = np.empty(offset.shape[2]), np.empty(offset.shape[2], np.float32)
    scale, least, row = np.float32(1 / (2 * reach * step)), np.float32(limits[0]), 0
    for n in range(len(points)):
        for m in range(points.shape[1]):
            offset[n, m], strength[n, m] = 0, 0
            if weight[n, m] <= 0:
                continue
            du, dv = normals[n, m, 0] * step, normals[n, m, 1] * step
            u, v = points[n, m, 0] + first * normals[n, m, 0], points[n, m, 1] + first * normals[n, m, 1]
            inside = sample_line(pixels, flat, u, v, du, dv, profile)
            change_line(profile, skipped, reach, scale, change)
            if not inside:
                forget_beyond(u + skipped * du, v + skipped * dv, du, dv, 2 * reach, size_wh, change)
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
    change_line(values, 0, 1, _HALF * np.sqrt(share), out[samples : 2 * samples - 2])
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
        inside = sample_line(pixels, flat, u0, v0, du, dv, across)
        best, strength, most = 0, 0.0, -1.0
        for k in range(count):
            change = scale * norm_of_change(across, k)
            if not inside and is_beyond(u0 + k * du, v0 + k * dv, 2 * du, 2 * dv, size_wh):
                change = 0.0
            if change * nearness[k] > most:
                best, strength, most = k, change, change * nearness[k]
        u, v = u + (first + best * step) * nu, v + (first + best * step) * nv
        inside = sample_line(pixels, flat, u + nv, v - nu, -nv, nu, along)
        turned = 0.5 * norm_of_change(along, 0)
        if not inside and is_beyond(u + nv, v - nu, -2 * nv, 2 * nu, size_wh):
            turned = 0.0
        whole = np.sqrt(strength**2 + turned**2 + floor**2)
        out[n] = nearness[best] * strength * strength / whole if strength > floor else 0.0

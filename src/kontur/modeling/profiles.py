"""Compiled kernels that look across contours, point after point: edges, what the edge reader sees, how rare an edge is."""

import numba
import numpy as np

from kontur.modeling.line_vectors import (
    EXPECTED,
    LANES,
    LONGEST,
    change_eight,
    describe_line,
    expect_line,
    lowest_bit,
    sample_eight,
    scale_eight,
    tops_of_eight,
)
from kontur.modeling.sampling import forget_beyond, is_beyond, sample_line, squared_change

_HALF, _ONE = np.float32(0.5), np.float32(1)
_PLACE_BITS = 16
_fast = {"cache": True, "nogil": True, "fastmath": True, "error_model": "numpy"}


@numba.njit(**_fast)
def peaks_of(row, count, wide, least, at, height):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Find the strongest local maxima along a line, placed by a parabola through samples `wide` apart.

    Args:
        row: (K, ...) float32 strengths.
        count: K.
        wide: distance of the parabola's outer samples from the middle one, samples.
        least: weaker ones are left out.
        at: (P,) float64, written: places in samples, strongest first; the middle where there is none. P is 3 at most.
        height: (P,) float32, written: their strength; 0 where there is none.
    """
    first, second, third = _three_tops(row, row.view(np.int32), count, least)
    for place in range(len(at)):
        key = first if place == 0 else second if place == 1 else third
        at[place], height[place] = count // 2, 0
        if key > 0:
            k = _of_key(key, count)
            at[place], height[place] = _vertex(row, count, k, wide), row[k]


@numba.njit(inline="always", **_fast)
def _three_tops(row, bits, count, least):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Return keys of the strongest local maxima, strongest first, 0 where there is none: strength, then place.

    `bits` are those of the row: numbers that are not negative are in their order.
    """
    first, second, third = np.int64(0), np.int64(0), np.int64(0)
    for begin in range(1, count - 1, LANES):
        tops = _tops(row, count, begin, least)
        while tops:
            k = begin + lowest_bit(tops)
            tops &= tops - 1
            key = (np.int64(bits[k]) << _PLACE_BITS) + count - k
            first, key = max(first, key), min(first, key)
            second, key = max(second, key), min(second, key)
            third = max(third, key)
    return first, second, third


@numba.njit(inline="always", **_fast)
def _of_key(key, count):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Return the place of a local maximum."""
    return count - (key & ((1 << _PLACE_BITS) - 1))


@numba.njit(**_fast)
def _tops(row, count, first, least):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Return which of the LANES samples from one on are local maxima, as bits."""
    last = count - 1 - LANES
    if last >= 1:
        return tops_of_eight(row, min(first, last), least) >> max(0, first - last)
    tops = 0
    for k in range(first, count - 1):
        is_top = row[k] > least and row[k] > row[k - 1] and row[k] >= row[k + 1]
        tops |= np.int64(is_top) << (k - first)
    return tops


@numba.njit(**_fast)
def _vertex(row, count, k, wide):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Place of the parabola's vertex, at most `wide` samples from its middle one."""
    middle = min(max(k, wide), count - 1 - wide)
    a, b, c = np.float64(row[middle - wide]), np.float64(row[middle]), np.float64(row[middle + wide])
    bend = a - 2 * b + c
    sub = (a - c) / (2 * bend) if bend < 0 else 0.0
    return middle + min(1.0, max(-1.0, sub)) * wide


@numba.njit(**_fast)
def edges_along(pixels, placed, line, limits, offset, strength):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Find the strongest edges across N contours of M points, where a point has a weight.

    Args:
        pixels: (h, w, C) float32, smoothed; three channels at most.
        placed: points (N, M, 2) px, normals (N, M, 2) and weights (N, M).
        line: how a contour is crossed, see `edges.Crossing`.
        limits: least strength of an edge, and its largest distance, px.
        offset, strength: (N, M, P) float64, written: distance along the normal, px, strongest first; 0 where there is none.
    """
    points, normals, weight = placed
    first, step, samples, _, _, reduction = line
    flat, values, change = pixels.reshape(-1), _room(samples), np.empty(samples + LANES, np.float32)
    shift, bits = (reduction - 1) / 2, change.view(np.int32)
    for n in range(len(points)):
        for m in range(points.shape[1]):
            for k in range(offset.shape[2]):
                offset[n, m, k], strength[n, m, k] = 0, 0
            if weight[n, m] <= 0:
                continue
            _expect(flat, pixels.shape[1], points, normals, n, m + 1, line)
            u = (points[n, m, 0] + first * normals[n, m, 0] - shift) / reduction
            v = (points[n, m, 1] + first * normals[n, m, 1] - shift) / reduction
            du, dv = normals[n, m, 0] * (step / reduction), normals[n, m, 1] * (step / reduction)
            inside = _cross(pixels, flat, u, v, du, dv, samples, values)
            _find_edges(pixels, u, v, du, dv, inside, line, limits, 0, values, change, bits, n, m, offset, strength)


@numba.njit(inline="always", **_fast)
def _expect(flat, width, points, normals, n, m, line):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Ask for the px across the next point before they are needed: they lie in as many rows of the picture."""
    if m < points.shape[1]:
        first, step, samples, _, _, reduction = line
        apart = step * (samples - 1) / (EXPECTED - 1) / reduction
        u, v = (
            (points[n, m, 0] + first * normals[n, m, 0]) / reduction,
            (points[n, m, 1] + first * normals[n, m, 1]) / reduction,
        )
        expect_line(flat, width, u, v, normals[n, m, 0] * apart, normals[n, m, 1] * apart)


@numba.njit(**_fast)
def _room(samples):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Return where three channels of a line are written, with what is read beyond its end."""
    return np.zeros((3, max(samples, LONGEST) + 2 * LANES), np.float32)


@numba.njit(inline="always", **_fast)
def _cross(pixels, flat, u, v, du, dv, samples, values):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Sample a line from (u, v) in steps (du, dv); returns whether it lies inside the picture."""
    (height, width, channels), last = pixels.shape, samples - 1
    is_within = min(u, u + last * du) >= 0 and max(u, u + last * du) < width - 2
    inside = channels == 3 and is_within and min(v, v + last * dv) >= 0 and max(v, v + last * dv) < height - 1
    if inside:
        for k in range(0, samples, LANES):
            sample_eight(flat, width, u, v, du, dv, k, last, values, values.shape[1])
    else:
        inside = sample_line(pixels, flat, u, v, du, dv, values[:channels, :samples])
    return inside


@numba.njit(inline="always", **_fast)
def _find_edges(pixels, u, v, du, dv, inside, line, limits, skipped, values, change, bits, n, m, offset, strength):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Write the edges of one line that was sampled, its outermost samples skipped; `change` and its `bits` are scratch."""
    first, step, samples, reach, wide, _ = line
    scale, count = np.float32(1 / (2 * reach * step)), samples - 2 * (skipped + reach)
    for k in range(0, count, LANES):
        change_eight(values, values.shape[1], skipped + k, 2 * reach, scale, change, k)
    if not inside:
        size_wh = pixels.shape[1], pixels.shape[0]
        forget_beyond(u + skipped * du, v + skipped * dv, du, dv, 2 * reach, size_wh, change[:count])
    keys = _three_tops(change, bits, count, np.float32(limits[0]))
    for place in range(offset.shape[2]):
        key = keys[0] if place == 0 else keys[1] if place == 1 else keys[2]
        if key > 0:
            k = _of_key(key, count)
            away = first + (skipped + reach + _vertex(change, count, k, wide)) * step
            if abs(away) <= limits[1]:
                offset[n, m, place], strength[n, m, place] = away, change[k]


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
    first, step, samples = line[0], line[1], line[2]
    noise, nadir_u, nadir_v, focal, skipped = seen
    flat, values, change = pixels.reshape(-1), _room(samples), np.empty(samples + LANES, np.float32)
    raw, floor, row = np.empty(samples + 2 * LONGEST, np.float32), np.log(noise + _HALF), 0
    bits = change.view(np.int32)
    for n in range(len(points)):
        for m in range(points.shape[1]):
            for k in range(offset.shape[2]):
                offset[n, m, k], strength[n, m, k] = 0, 0
            if weight[n, m] <= 0:
                continue
            _expect(flat, pixels.shape[1], points, normals, n, m + 1, line)
            du, dv = normals[n, m, 0] * step, normals[n, m, 1] * step
            u, v = points[n, m, 0] + first * normals[n, m, 0], points[n, m, 1] + first * normals[n, m, 1]
            inside = _cross(pixels, flat, u, v, du, dv, samples, values)
            _find_edges(
                pixels, u, v, du, dv, inside, line, limits, skipped, values, change, bits, n, m, offset, strength
            )
            lean = (nadir_u - points[n, m, 0]) * normals[n, m, 0] + (nadir_v - points[n, m, 1]) * normals[n, m, 1]
            clear[row] = _features_of(
                values, samples, pixels.shape[2], noise, floor, lean / focal, scaling, raw, row, features
            )
            row += 1


@numba.njit(inline="always", **_fast)
def _features_of(values, samples, channels, noise, floor, lean, scaling, raw, row, features):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Write what the reader sees of one line, scaled; returns the log of the greatest change over noise.

    Args:
        values: (3, ...) float32 grey levels of so many samples and channels.
        noise, floor: of the picture, grey levels per px, and its log.
        lean: px, see `edge_reader`.
        scaling: see `read_along`.
        raw: scratch.
        row, features: (L, K + (K - 2) + 5) float32, one row of them written: grey levels less their mean over their
            deviation; change over the greatest; logs of deviation and greatest change over noise; mean; lean; log of noise.
    """
    share = _ONE / np.float32(channels)
    mean, square, most = describe_line(values, values.shape[1], samples, share, _HALF * np.sqrt(share), raw)
    deviation, rest = np.sqrt(square / np.float32(samples)), 2 * samples - 2
    clear = np.log(most + _HALF) - floor
    raw[rest], raw[rest + 1] = np.log(deviation + _HALF) - floor, clear
    raw[rest + 2], raw[rest + 3], raw[rest + 4] = mean / np.float32(128) - _ONE, lean, floor
    _scale_between(raw, rest, rest + 5, _ONE, scaling, row, features)
    _scale_between(raw, samples, rest, _ONE / (most + noise + _HALF), scaling, row, features)
    _scale_between(raw, 0, samples, _ONE / (deviation + noise + _HALF), scaling, row, features)
    return clear


@numba.njit(inline="always", **_fast)
def _scale_between(raw, start, stop, factor, scaling, row, features):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Write some of the features, times a factor, scaled; those just before them are written over."""
    mean, over, limit = scaling
    for k in range(start, stop, LANES):
        at = max(0, min(k, stop - LANES))
        scale_eight(raw, at, factor, mean, over, limit, features, row * features.shape[1])


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
    across, along = np.empty((pixels.shape[2], count + 2), np.float32), np.empty((pixels.shape[2], 2), np.float32)
    for n in range(len(points)):
        u, v, nu, nv = points[n, 0], points[n, 1], normals[n, 0], normals[n, 1]
        du, dv = step * nu, step * nv
        u0, v0 = u + (first - step) * nu, v + (first - step) * nv
        inside = sample_line(pixels, flat, u0, v0, du, dv, across)
        best, square, most = 0, np.float32(0), -1.0
        for k in range(count):
            change = squared_change(across, k, 2)
            if not inside and is_beyond(u0 + k * du, v0 + k * dv, 2 * du, 2 * dv, size_wh):
                change = np.float32(0)
            if change * nearness[k] * nearness[k] > most:
                best, square, most = k, change, change * nearness[k] * nearness[k]
        square /= 4 * step * step
        if square <= floor * floor:
            out[n] = 0.0
            continue
        u, v = u + (first + best * step) * nu, v + (first + best * step) * nv
        inside = sample_line(pixels, flat, u + nv, v - nu, -2 * nv, 2 * nu, along)
        turned = squared_change(along, 0, 1) / 4
        if not inside and is_beyond(u + nv, v - nu, -2 * nv, 2 * nu, size_wh):
            turned = 0.0
        out[n] = nearness[best] * square / np.sqrt(square + turned + floor * floor)

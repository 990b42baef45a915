"""Edges across lines in plain NumPy and SciPy, one step after the other: what the fused kernel is compared with."""

import numpy as np
from scipy.ndimage import map_coordinates

from kontur.modeling.edges import crossing
from kontur.modeling.profiles import edges_along

NOWHERE = 1e-3


def edges_at(source, points, normals, range_px, step_px, count=1):
    """The product: offsets and strengths (N, M, count) of the edges across points; the least strength is next to nothing."""
    shape = (*points.shape[:2], count)
    offset, strength = np.empty(shape), np.empty(shape)
    contours = np.ascontiguousarray(points, float), np.ascontiguousarray(normals, float), np.ones(shape[:2])
    line = crossing(source, range_px, step_px)
    source.smooth_across(contours, line)
    edges_along(source.pixels, contours, line, (NOWHERE, range_px), offset, strength)
    return offset, strength


def profiles(source, points, normals, offsets):
    """Change (N, M, K) per px along normals: central differences over 2 px of the reduced picture, 0 beyond its border."""
    step = offsets[1] - offsets[0]
    half = max(1, round(source.reduction / step)) * step
    ends = []
    for side in (-half, half):
        places = points[:, :, None] + (offsets + side)[:, None] * normals[:, :, None]
        u, v = np.moveaxis((places - (source.reduction - 1) / 2) / source.reduction, -1, 0)
        channels = range(source.pixels.shape[2])
        values = [
            map_coordinates(source.pixels[..., c], [v, u], order=1, mode="nearest", output=float) for c in channels
        ]
        height, width = source.pixels.shape[:2]
        inside = (u >= -1e-5) & (v >= -1e-5) & (u <= width - 1 + 1e-5) & (v <= height - 1 + 1e-5)
        ends.append((np.stack(values, -1), inside))
    change = np.linalg.norm(ends[1][0] - ends[0][0], axis=-1) / (2 * half)
    return np.where(ends[0][1] & ends[1][1], change, 0)


def strongest_peaks(strength, offsets, count):
    """Offsets and heights (N, M, count) of local maxima, each placed by a parabola through samples 1 px away."""
    step = offsets[1] - offsets[0]
    wide, shape = max(1, round(1 / step)), (*strength.shape[:2], count)
    at, height = np.zeros(shape), np.zeros(shape)
    for index in np.ndindex(*strength.shape[:2]):
        row = strength[index]
        tops = [k for k in range(1, len(row) - 1) if row[k] > row[k - 1] and row[k] >= row[k + 1]]
        for place, k in enumerate(sorted(tops, key=lambda k: -row[k])[:count]):
            middle = min(max(k, wide), len(row) - 1 - wide)
            a, b, c = row[middle - wide], row[middle], row[middle + wide]
            bend = a - 2 * b + c
            away = np.clip((a - c) / (2 * bend) if bend < 0 else 0, -1, 1) * wide
            at[(*index, place)], height[(*index, place)] = offsets[0] + step * (middle + away), row[k]
    return at, height


def features_at(source, points, normals, offsets, view):
    """What the edge reader sees (L, 2 K + 3) at points (L, 2), K samples across each."""
    u, v = np.moveaxis(points[:, None] + offsets[:, None] * normals[:, None], -1, 0)
    channels = source.pixels.shape[2]
    levels = np.stack(
        [map_coordinates(source.pixels[..., c], [v, u], order=1, mode="nearest", output=float) for c in range(channels)]
    )
    grey = levels.mean(axis=0)
    mean = grey.mean(axis=1, keepdims=True)
    deviation = np.sqrt(((grey - mean) ** 2).mean(axis=1, keepdims=True))
    change = np.sqrt(((levels[..., 2:] - levels[..., :-2]) ** 2).mean(axis=0)) / 2
    most, floor = change.max(axis=1, keepdims=True), np.full_like(mean, np.log(source.noise + 0.5))
    nadir = np.array([view.nadir_u, view.nadir_v])
    lean = ((nadir - points) * normals).sum(axis=1, keepdims=True) / view.focal_px
    return np.concatenate(
        [
            (grey - mean) / (deviation + source.noise + 0.5),
            change / (most + source.noise + 0.5),
            np.log(deviation + 0.5) - floor,
            np.log(most + 0.5) - floor,
            mean / 128 - 1,
            lean,
            floor,
        ],
        axis=1,
    )

"""A scene in the numbers that `bands.compose` takes: its things and their shadows, as the camera sees them."""

from collections.abc import Sequence

import numba
import numpy as np
from numpy.typing import NDArray

from kontur.data_preprocessing.bands import Casts, Things
from kontur.data_preprocessing.blocks import TILE
from kontur.data_preprocessing.illumination import (
    cast_shifts,
    eye_of,
    lamp_rows,
    lamp_shares,
    light_sky,
    light_thing,
    upright,
)
from kontur.data_preprocessing.scene import Scene
from kontur.data_preprocessing.shapes import LEVELS, level_number
from kontur.data_preprocessing.surfaces import packed
from kontur.data_preprocessing.views import View

_STEP_PX = 0.5
"""Greatest step of a template, as seen in the picture, where there is a template that fine."""
_SHADOW_PX = 2
"""Shadows are cast by a silhouette of a pixel in so many, interpolated between them."""
_LEVEL_MM = 1e-3
"""Heights that differ by less are the same."""
_LEAST_BEVEL_PX = 0.7
_X, _Y, _TOP, _BASE, _THICKNESS, _BEVEL, _U, _V, _ANGLE, _SCALE, _SIDE, _LEFT, _ABOVE, _WIDTH, _HEIGHT = range(15)
"""Columns of `_numbers`."""
_LAST = 15
_options = {"nogil": True, "error_model": "numpy"}


def arrange(scene: Scene, views: Sequence[View], keys: NDArray[np.uint8]) -> tuple[Things, Casts]:
    """Return what is drawn of each view, bottom to top, with the ids to write, and the shadows that it casts."""
    shapes = [view.thing.shape for view in views]
    places = np.array([shape.places for shape in shapes], np.int64).reshape(-1, LEVELS, 3)
    sizes = np.array([shape.body[1] for shape in shapes]).reshape(-1, 4)
    homographies = np.concatenate([np.empty((0, 3, 3)), *(view.homographies for view in views)])
    ends = np.cumsum([0, *(len(view.homographies) for view in views)])
    tints, surfaces = packed([view.thing.surface for view in views])
    numbers, lamps, eye, sky = _numbers(views), lamp_rows(scene), eye_of(scene), np.array(scene.sky)
    table = (np.array(scene.table.dark) + scene.table.bright) / 2
    templates, maps, windows, middles, scales, bevels, to_mm, turns = _things(
        numbers, places, sizes, homographies, ends
    )
    own_lamps, skies = _lights(numbers, sizes[:, 3], tints, lamps, sky, table, eye)
    leans = np.array([view.lean_px for view in views], np.float32)
    things = Things(
        keys,
        templates,
        maps,
        ends,
        windows,
        middles,
        leans,
        scales,
        bevels,
        to_mm,
        turns,
        tints,
        surfaces,
        own_lamps,
        skies,
    )
    return things, Casts(*_casts(numbers, places, sizes, homographies[ends[1:] - 1], keys, lamps, sky, scene.below))


def _numbers(views: Sequence[View]) -> NDArray[np.float64]:
    """(n, 15), see _X and so on: where each thing lies and is seen."""
    rows = [
        (
            view.thing.pose.x_mm, view.thing.pose.y_mm, view.thing.top_mm, view.thing.base_mm, view.thing.thickness_mm,
            view.thing.bevel_mm, seen.u, seen.v, seen.angle_rad, seen.scale_px_per_mm, -1.0 if seen.flipped else 1.0,
            view.left, view.top, *view.size,
        )
        for view in views for seen in (view.pose_px,)
    ]  # fmt: skip
    return np.array(rows, np.float64).reshape(-1, _LAST)


@numba.njit(cache=True, **_options)
def _things(numbers, places, sizes, homographies, ends):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Templates, maps, windows, middles, scales, bevels, to_mm and turns of `bands.Things`.

    Args:
        numbers: see `_numbers`; places: (n, levels, 3), see `Shape.places`; sizes: (n, 4), see `Shape.body`.
        homographies: (slices, 3, 3) from mm to px; ends: (n + 1,) where each thing's begin and end.
    """
    count = len(numbers)
    templates, windows = np.empty((count, 3), np.int64), np.empty((count, 4), np.int64)
    maps, middles = np.empty((len(homographies), 9), np.float32), np.empty((count, 2), np.float32)
    scales, bevels = np.empty(count, np.float32), np.empty(count, np.float32)
    to_mm, turns = np.empty((count, 2, 3), np.float32), np.empty((count, 2, 2), np.float32)
    for n in range(count):
        scale = numbers[n, _SCALE]
        level = level_number(_STEP_PX / scale, sizes[n, 2])
        step = sizes[n, 2] * (1 << level)
        scales[n], bevels[n] = scale, max(numbers[n, _BEVEL], _LEAST_BEVEL_PX / scale)
        for k in range(3):
            templates[n, k] = places[n, level, k]
        for axis in range(2):
            first, size = int(numbers[n, _LEFT + axis]), int(numbers[n, _WIDTH + axis])
            corner = first // TILE * TILE
            windows[n, axis], windows[n, 2 + axis] = corner, -(-(first + size - corner) // TILE) * TILE
            middles[n, axis] = first + size / 2 - corner
        left, top = float(windows[n, 0]), float(windows[n, 1])
        _frame(to_mm[n], numbers[n], left, top)
        for row in range(2):
            for column in range(2):
                turns[n, row, column] = to_mm[n, row, column] * np.float32(scale / step)
        for k in range(ends[n], ends[n + 1]):
            template_map(maps[k], homographies[k], sizes[n], step, 1.0, left, top)
    return templates, maps, windows, middles, scales, bevels, to_mm, turns


@numba.njit(**_options)
def _frame(out, row, left, top):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Write (2, 3) from (column, row, 1) of a window to a thing's frame, mm: the inverse of its pose in pixels."""
    c, s = np.cos(row[_ANGLE]) / row[_SCALE], np.sin(row[_ANGLE]) / row[_SCALE]
    side, u, v = row[_SIDE], row[_U] - left, row[_V] - top
    out[0, 0], out[0, 1], out[0, 2] = c * side, -s * side, -(c * u - s * v) * side
    out[1, 0], out[1, 1], out[1, 2] = -s, -c, s * u + c * v


@numba.njit(**_options)
def template_map(out, homography, size, step, every, left, top):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Write (9,) from (column, row, 1) of a window to a template.

    Args:
        homography: (3, 3) from mm to px.
        size: the template's origin, mm, first; step: its step, mm.
        every: px from one element of the window to the next; left, top: px at its first element.
    """
    h, frame = homography, np.empty((3, 3))
    for row in range(3):
        a, b = (row + 1) % 3, (row + 2) % 3
        x, y = h[1, a] * h[2, b] - h[1, b] * h[2, a], h[2, a] * h[0, b] - h[2, b] * h[0, a]
        frame[row, 0], frame[row, 1] = x * every, y * every
        frame[row, 2] = x * left + y * top + h[0, a] * h[1, b] - h[0, b] * h[1, a]
    whole = h[0, 0] * (h[1, 1] * h[2, 2] - h[1, 2] * h[2, 1]) - h[0, 1] * (h[1, 0] * h[2, 2] - h[1, 2] * h[2, 0])
    whole += h[0, 2] * (h[1, 0] * h[2, 1] - h[1, 1] * h[2, 0])
    for k in range(3):
        out[k] = (frame[0, k] - size[0] * frame[2, k]) / (step * whole)
        out[3 + k] = (frame[1, k] - size[1] * frame[2, k]) / (step * whole)
        out[6 + k] = frame[2, k] / whole


@numba.njit(cache=True, **_options)
def _lights(numbers, reaches, tints, lamps, sky, table, eye):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Lamps and skies of `bands.Things`."""
    count = len(numbers)
    own_lamps, skies = np.empty((count, len(lamps), 13), np.float32), np.empty((count, 7, 3), np.float32)
    tops, colours, light = np.empty((count, 3)), np.empty((count, 3)), sky[0].copy()
    for k in range(len(lamps)):
        light += lamps[k, 3:6] * upright(lamps[k])
    for n in range(count):
        for k in range(3):
            tops[n, k], colours[n, k] = numbers[n, _X + k], tints[n, 0, k] + 0.3 * tints[n, 1, k]
        light_thing(own_lamps[n], lamps, eye, tops[n, 0], tops[n, 1], tops[n, 2], numbers[n, _SCALE])
    light_sky(skies, tops, reaches, colours, sky, light, table, eye, numbers[:, _SCALE])
    return own_lamps, skies


@numba.njit(cache=True, **_options)
def _casts(numbers, places, sizes, feet, keys, lamps, sky, below):  # type: ignore[no-untyped-def]  # pragma: no cover
    """All of `bands.Casts`; `feet`: (n, 3, 3) from mm to px at the things' feet."""
    count, rows = len(numbers), len(lamps) + 1
    templates, maps = np.empty((count, 3), np.int64), np.empty((count, 9), np.float32)
    windows, scales = np.empty((count, 4), np.int64), np.empty(count, np.float32)
    shifts, softness = np.empty((2, count, rows, 2), np.int64), np.empty((2, count, rows), np.float32)
    catches, falls_far = np.zeros((2, count, 256), np.float32), np.zeros(count, np.bool_)
    tops = np.zeros(256)
    for n in range(count):
        tops[keys[n]] = numbers[n, _TOP] if keys[n] else 0.0
    for n in range(count):
        scale = numbers[n, _SCALE]
        for far, drop in enumerate((numbers[n, _THICKNESS], numbers[n, _TOP])):
            cast_shifts(
                shifts[far, n], softness[far, n], lamps, numbers[n, _X], numbers[n, _Y], numbers[n, _TOP], drop * scale
            )
        for key in range(256):
            far = int(tops[key] < numbers[n, _BASE] - _LEVEL_MM)
            catches[far, n, key] = 1
            falls_far[n] |= far
        level = level_number(_STEP_PX * _SHADOW_PX / scale, sizes[n, 2])
        scales[n] = scale / _SHADOW_PX
        for k in range(3):
            templates[n, k] = places[n, level, k]
        reached = shifts[: 1 + falls_far[n], n]
        rim = int(softness[: 1 + falls_far[n], n].max() / 2) + 3
        for axis in range(2):
            before, behind = rim - reached[:, :, axis].min(), rim + reached[:, :, axis].max()  # the sky's shift is 0
            windows[n, axis] = int(numbers[n, _LEFT + axis]) - before
            size = int(numbers[n, _WIDTH + axis]) + before + behind
            windows[n, 2 + axis] = -(-size // (_SHADOW_PX * TILE)) * TILE
        middle = (_SHADOW_PX - 1) / 2
        left, top = windows[n, 0] + middle, windows[n, 1] + middle
        template_map(maps[n], feet[n], sizes[n], sizes[n, 2] * (1 << level), float(_SHADOW_PX), left, top)
    shifts = np.rint(shifts / _SHADOW_PX).astype(np.int64)
    softness /= np.float32(_SHADOW_PX)
    return templates, maps, windows, scales, shifts, softness, catches, falls_far, lamp_shares(lamps, sky, below)

"""Laying things over the table's light, bottom to top: each one's shadow, then its walls and top face."""

from collections.abc import Sequence
from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from kontur.data_preprocessing.blocks import TILE
from kontur.data_preprocessing.compiled import ENTRY
from kontur.data_preprocessing.illumination import lamp_rows, lamp_shares, shadow_shifts, sky_rows
from kontur.data_preprocessing.scene import Scene
from kontur.data_preprocessing.shadows import cast_shadows
from kontur.data_preprocessing.shapes import Level
from kontur.data_preprocessing.surfaces import packed
from kontur.data_preprocessing.textures import streak_pool, texel_pool
from kontur.data_preprocessing.tiles import draw_thing
from kontur.data_preprocessing.views import View

_STEP_PX = 0.5
"""Greatest step of a template, as seen in the picture, where there is a template that fine."""
_SHADOW_PX = 2
"""Shadows are cast by a silhouette of a pixel in so many, interpolated between them."""
_LEVEL_MM = 1e-3
"""Heights that differ by less are the same."""
_LEAST_BEVEL_PX = 0.7
_EVERYTHING = np.empty(0, np.float32)

Floats = NDArray[np.float32]
Matrix = NDArray[np.float64]


class _Sight(NamedTuple):
    """A view in the numbers of the kernels: for each thing of a scene.

    Attributes:
        to_mm: (2, 3) from (column, row, 1) of its window to its frame.
        levels: its template for drawing, and for its shadow.
        maps: (slices, 3, 3) from the picture (px) to its frame, mm.
    """

    to_mm: Floats
    levels: tuple[Level, Level]
    maps: Matrix


def draw_things(scene: Scene, views: Sequence[View], light: Floats) -> tuple[NDArray[np.uint8], list[int]]:
    """Draw every thing of a scene over the table's light.

    Args:
        scene: lamps and sky.
        views: its things as the camera sees them, bottom to top.
        light: (3, H, W), changed in place.

    Returns:
        (H, W) uint8: which part is seen where, numbered from 1, clutter and table 0; and for each number the pixels that the
        part would cover alone in an unbounded picture (0 for number 0).
    """
    ids, whole = np.zeros(light.shape[1:], np.uint8), [0]
    if not views:
        return ids, whole
    lamps, skies, shadows = lamp_rows(scene, views), sky_rows(scene, views), _Shadows(scene, views)
    for number, (view, sight) in enumerate(zip(views, _sights(views), strict=True)):
        key = 0 if view.thing.part is None else len(whole)
        shadows.cast(number, sight, light, ids)
        covered = _draw(view, sight, key, lamps[number], skies[number], light, ids)
        if key:
            whole.append(covered)
    return ids, whole


class _Shadows:
    """Shadows of a scene's things on what lies right below them, and on what lies farther below."""

    def __init__(self, scene: Scene, views: Sequence[View]) -> None:
        self.views, self.shares = views, lamp_shares(scene)
        thickness = np.array([view.thing.thickness_mm for view in views])
        self.near = _Reach(*shadow_shifts(scene, views, thickness))
        self.far = _Reach(*shadow_shifts(scene, views, np.array([view.thing.top_mm for view in views])))
        parts = [view.thing.top_mm for view in views if view.thing.part is not None]
        self.heights = np.zeros(256, np.float32)
        self.heights[1 : len(parts) + 1] = parts

    def cast(self, number: int, sight: _Sight, light: Floats, ids: NDArray[np.uint8]) -> None:
        """Darken `light` around thing `number`, before it is drawn."""
        falls_far = self.heights < self.views[number].thing.base_mm - _LEVEL_MM
        if not falls_far.any():
            self._cast(number, sight, self.near, light, ids, _EVERYTHING)
            return
        self._cast(number, sight, self.near, light, ids, (~falls_far).astype(np.float32))
        self._cast(number, sight, self.far, light, ids, falls_far.astype(np.float32))

    def _cast(
        self, number: int, sight: _Sight, reach: "_Reach", light: Floats, ids: NDArray[np.uint8], catches: Floats
    ) -> None:
        view, pad, template = self.views[number], reach.pads[number], sight.levels[1]
        left, top = view.left - pad, view.top - pad
        columns, rows = (-(-(side + 2 * pad) // (_SHADOW_PX * TILE)) * TILE for side in view.size)
        middle = (_SHADOW_PX - 1) / 2
        steps = template_maps(template.mm_to_grid, sight.maps[-1:], _SHADOW_PX, left + middle, top + middle)
        cast_shadows(
            light, template.packed, steps[0], (left, top, columns, rows),
            np.float32(view.pose_px.scale_px_per_mm / _SHADOW_PX), reach.shifts[number], reach.softness[number],
            self.shares, ids, catches,
        )  # fmt: skip


class _Reach:
    """How far the shadows of a scene's things reach; shifts and penumbras in elements of their windows.

    Attributes:
        pads: px around each thing.
        shifts, softness: see `cast_shadows`.
    """

    def __init__(self, shifts_px: NDArray[np.int64], softness_px: Floats) -> None:
        self.pads = ((np.abs(shifts_px).max(axis=(1, 2)) + softness_px.max(axis=1) / 2).astype(int) + 3).tolist()
        self.shifts = np.rint(shifts_px / _SHADOW_PX).astype(np.int64)
        self.softness = softness_px / np.float32(_SHADOW_PX)


def _draw(
    view: View, sight: _Sight, key: int, lamps: Floats, sky: Floats, light: Floats, ids: NDArray[np.uint8]
) -> int:
    """Draw one thing; returns the pixels it covers alone."""
    thing, scale, template = view.thing, view.pose_px.scale_px_per_mm, sight.levels[0]
    maps = template_maps(template.mm_to_grid, sight.maps, 1, float(view.left), float(view.top))
    turn = sight.to_mm[:, :2] * np.float32(scale / template.step_mm)
    tints, texture = packed(thing.surface)
    return int(draw_thing(
        light, ids, key, template.packed, maps, (view.left, view.top, *view.size), np.float32(view.lean_px), sight.to_mm,
        np.float32(scale), turn, tints, texture, lamps, sky, texel_pool(), streak_pool(),
        np.float32(max(thing.bevel_mm, _LEAST_BEVEL_PX / scale)),
    ))  # fmt: skip


@numba.njit(**ENTRY)
def template_maps(mm_to_grid, maps, every, left, top):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Return (slices, 9) float32 homographies from (column, row, 1) of a window to a template.

    Args:
        mm_to_grid: (3, 3) from mm to the template.
        maps: (slices, 3, 3) from the picture (px) to mm.
        every: px from one element of the window to the next; left, top: float, px at its first.
    """
    out = np.empty((len(maps), 9), np.float32)
    for n in range(len(maps)):
        for i in range(3):
            x, y, one = 0.0, 0.0, 0.0
            for k in range(3):
                x += mm_to_grid[i, k] * maps[n, k, 0]
                y += mm_to_grid[i, k] * maps[n, k, 1]
                one += mm_to_grid[i, k] * maps[n, k, 2]
            out[n, 3 * i : 3 * i + 3] = x * every, y * every, x * left + y * top + one
    return out


def _sights(views: Sequence[View]) -> list[_Sight]:
    """What the kernels need to know of each view."""
    counts = np.cumsum([len(view.homographies) for view in views])[:-1]
    maps = np.split(np.linalg.inv(np.concatenate([view.homographies for view in views])), counts)
    similar = np.zeros((len(views), 3, 3))
    similar[:, :2] = [view.pose_px.matrix for view in views]
    similar[:, :, 2] -= [(view.left, view.top, -1) for view in views]
    to_mm = np.linalg.inv(similar)[:, :2].astype(np.float32)
    return [
        _Sight(turned, (_level(view, 1), _level(view, _SHADOW_PX)), slices)
        for view, turned, slices in zip(views, to_mm, maps, strict=True)
    ]


def _level(view: View, step_px: int) -> Level:
    return view.thing.shape.level_for(_STEP_PX * step_px / view.pose_px.scale_px_per_mm)

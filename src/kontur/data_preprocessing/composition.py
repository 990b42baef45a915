"""Laying things over the table's light, bottom to top: each one's shadow, then its walls and top face."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from kontur.data_preprocessing.illumination import lamp_rows, lamp_shares, shadow_shifts, sky_rows
from kontur.data_preprocessing.scene import Scene
from kontur.data_preprocessing.shading import draw_part
from kontur.data_preprocessing.shadows import cast_shadows
from kontur.data_preprocessing.shapes import MARGIN_MM
from kontur.data_preprocessing.surfaces import packed
from kontur.data_preprocessing.textures import streak_pool, texel_pool
from kontur.data_preprocessing.views import View

_STEP_PX = 0.5
"""Greatest step of a template, as seen in the picture, where there is a template that fine."""
_SHADOW_PX = 2
"""Shadows are cast by a silhouette of a pixel in so many, interpolated between them."""
_LEVEL_MM = 1e-3
"""Heights that differ by less are the same."""
_LEAST_BEVEL_PX = 0.7

Floats = NDArray[np.float32]
Matrix = NDArray[np.float64]


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
    for number, view in enumerate(views):
        key = 0 if view.thing.part is None else len(whole)
        shadows.cast(number, light, ids)
        covered = _draw(view, key, lamps[number], skies[number], light, ids)
        if key:
            whole.append(covered)
    return ids, whole


class _Shadows:
    """Shadows of a scene's things on what lies right below them, and on what lies farther below."""

    def __init__(self, scene: Scene, views: Sequence[View]) -> None:
        self.views, self.shares = views, lamp_shares(scene)
        thickness = np.array([view.thing.thickness_mm for view in views])
        self.near = shadow_shifts(scene, views, thickness)
        self.far = shadow_shifts(scene, views, np.array([view.thing.top_mm for view in views]))
        parts = [view.thing.top_mm for view in views if view.thing.part is not None]
        self.heights = np.zeros(256, np.float32)
        self.heights[1 : len(parts) + 1] = parts

    def cast(self, number: int, light: Floats, ids: NDArray[np.uint8]) -> None:
        """Darken `light` around thing `number`, before it is drawn."""
        falls_far = (self.heights < self.views[number].thing.base_mm - _LEVEL_MM).astype(np.float32)
        self._cast(number, *self.near, light, ids, 1 - falls_far)
        if falls_far.any():
            self._cast(number, *self.far, light, ids, falls_far)

    def _cast(
        self,
        number: int,
        shifts: NDArray[np.int64],
        softness: Floats,
        light: Floats,
        ids: NDArray[np.uint8],
        catches: Floats,
    ) -> None:
        view, pad = self.views[number], int(np.abs(shifts[number]).max() + softness[number].max() / 2) + 3
        left, top = view.left - pad, view.top - pad
        size = [-(-(side + 2 * pad) // _SHADOW_PX) for side in view.size]
        (coarse,) = _distances(view, slice(-1, None), left, top, (size[0], size[1]), _SHADOW_PX)
        mm = cv2.resize(coarse, None, fx=_SHADOW_PX, fy=_SHADOW_PX, interpolation=cv2.INTER_LINEAR)
        scale = np.float32(view.pose_px.scale_px_per_mm)
        cast_shadows(light, mm, scale, shifts[number], softness[number], self.shares, left, top, ids, catches)


def _draw(view: View, key: int, lamps: Floats, sky: Floats, light: Floats, ids: NDArray[np.uint8]) -> int:
    """Draw one thing; returns the pixels it covers alone."""
    thing, scale = view.thing, view.pose_px.scale_px_per_mm
    top_mm, *lower_mm = _distances(view, slice(None), view.left, view.top, view.size)
    all_mm = top_mm
    for slice_mm in lower_mm:
        all_mm = cv2.max(all_mm, slice_mm)
    tints, texture = packed(thing.surface)
    return int(draw_part(
        light, ids, key, top_mm, all_mm, view.left, view.top, _to_mm(view), np.float32(scale), tints, texture, lamps, sky,
        texel_pool(), streak_pool(), np.float32(max(thing.bevel_mm, _LEAST_BEVEL_PX / scale)),
    ))  # fmt: skip


def _to_mm(view: View) -> Floats:
    """(2, 3) from (column, row, 1) of a view's window to the thing's frame: the inverse of its similarity."""
    (a, b, u), (c, d, v) = view.pose_px.matrix.tolist()
    down, right = view.top - v, view.left - u
    per = 1 / (a * d - b * c)
    return np.array([
        [d * per, -b * per, (d * right - b * down) * per], [-c * per, a * per, (a * down - c * right) * per],
    ], np.float32)  # fmt: skip


def _distances(view: View, slices: slice, left: int, top: int, size: tuple[int, int], step_px: int = 1) -> list[Floats]:
    """Signed distances (mm) to the outlines of some slices of a view, at every `step_px`-th pixel of a window.

    Args:
        left, top: first pixel of the window.
        size: columns and rows of each result; an element stands for the middle of `step_px` by `step_px` pixels.
    """
    middle = (step_px - 1) / 2
    grid, grid_to_mm = view.thing.shape.level_for(_STEP_PX * step_px / view.pose_px.scale_px_per_mm)
    to_window = np.array([[1, 0, -left - middle], [0, 1, -top - middle], [0, 0, step_px]])
    return [
        cv2.warpPerspective(
            grid, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=-MARGIN_MM
        )
        for matrix in to_window @ view.homographies[slices] @ grid_to_mm
    ]

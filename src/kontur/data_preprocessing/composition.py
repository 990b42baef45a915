"""What `bands.compose` draws, in its numbers: the things of a scene and their shadows, as the camera sees them."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from kontur.data_preprocessing.bands import Casts, Things, compose
from kontur.data_preprocessing.blocks import TILE
from kontur.data_preprocessing.illumination import lamp_rows, lamp_shares, shadow_shifts, sky_rows
from kontur.data_preprocessing.scene import Scene
from kontur.data_preprocessing.shapes import Level
from kontur.data_preprocessing.surfaces import packed
from kontur.data_preprocessing.table import Ground
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
Whole = NDArray[np.int64]
Matrix = NDArray[np.float64]


def draw_things(
    scene: Scene, views: Sequence[View], ground: Ground, light: Floats | NDArray[np.uint16]
) -> tuple[NDArray[np.uint8], list[int]]:
    """Draw a table and every thing of a scene on it.

    Args:
        scene: lamps and sky.
        views: its things as the camera sees them, bottom to top.
        ground: the table.
        light: (3, H, W), written: float32, or uint16 for packed light, see `halves`.

    Returns:
        (H, W) uint8: which part is seen where, numbered from 1, clutter and table 0; and for each number the pixels that the
        part would cover alone in an unbounded picture (0 for number 0).
    """
    ids = np.empty(light.shape[1:], np.uint8)
    is_part = [view.thing.part is not None for view in views]
    things, casts = _arrays(scene, views, np.cumsum(is_part, dtype=np.uint8) * np.array(is_part, np.uint8))
    covered = compose(light, ids, ground, things, casts, texel_pool(), streak_pool())
    return ids, [0, *covered[is_part].tolist()]


def _arrays(scene: Scene, views: Sequence[View], keys: NDArray[np.uint8]) -> tuple[Things, Casts]:
    maps = np.linalg.inv(np.concatenate([np.empty((0, 3, 3)), *(view.homographies for view in views)]))
    ends = np.cumsum([0, *(len(view.homographies) for view in views)])
    return _things(scene, views, keys, maps, ends), _casts(scene, views, keys, maps[ends[1:] - 1])


def _things(scene: Scene, views: Sequence[View], keys: NDArray[np.uint8], maps: Matrix, ends: Whole) -> Things:
    scales = np.array([view.pose_px.scale_px_per_mm for view in views])
    levels = _levels(views, 1)
    bounds = np.array([(view.left, view.top, *view.size) for view in views], np.int64).reshape(-1, 4)
    corners = bounds[:, :2] // TILE * TILE
    sizes = -(-(bounds[:, :2] + bounds[:, 2:] - corners) // TILE) * TILE
    to_mm = _to_mm(views, corners)
    steps = np.array([level.step_mm for level in levels])
    tints, surfaces = packed([view.thing.surface for view in views])
    bevels = np.array([view.thing.bevel_mm for view in views])
    counts = np.diff(ends)
    return Things(
        keys, _places(levels), template_maps(levels, counts, maps, 1, np.repeat(corners, counts, axis=0)), ends,
        np.concatenate([corners, sizes], axis=1), _single(bounds[:, :2] + bounds[:, 2:] / 2 - corners),
        _single([view.lean_px for view in views]), _single(scales), _single(np.maximum(bevels, _LEAST_BEVEL_PX / scales)),
        to_mm, to_mm[:, :, :2] * _single(scales / steps)[:, None, None], tints, surfaces, lamp_rows(scene, views),
        sky_rows(scene, views),
    )  # fmt: skip


def _casts(scene: Scene, views: Sequence[View], keys: NDArray[np.uint8], maps: Matrix) -> Casts:
    tops, thickness, bases = _heights(views)
    levels = _levels(views, _SHADOW_PX)
    reaches = [shadow_shifts(scene, views, drop) for drop in (thickness, tops)]
    shifts_px, softness_px = (np.stack(pair) for pair in zip(*reaches, strict=True))
    parts = np.concatenate([[0.0], tops[keys > 0], np.zeros(255 - np.count_nonzero(keys))])
    falls_far = parts < bases[:, None] - _LEVEL_MM
    has_far = np.logical_or.reduce(falls_far, axis=1)
    pads = (np.abs(shifts_px).max(axis=(2, 3)) + softness_px.max(axis=2) / 2).astype(int) + 3
    pads = np.where(has_far, pads.max(axis=0), pads[0])[:, None]
    bounds = np.array([(view.left, view.top, *view.size) for view in views], np.int64).reshape(-1, 4)
    corners, counts = bounds[:, :2] - pads, -(-(bounds[:, 2:] + 2 * pads) // (_SHADOW_PX * TILE)) * TILE
    scales = np.array([view.pose_px.scale_px_per_mm for view in views])
    return Casts(
        _places(levels),
        template_maps(levels, np.ones(len(views), int), maps, _SHADOW_PX, corners + (_SHADOW_PX - 1) / 2),
        np.concatenate([corners, counts], axis=1), _single(scales / _SHADOW_PX),
        np.rint(shifts_px / _SHADOW_PX).astype(np.int64), _single(softness_px / _SHADOW_PX),
        _single([~falls_far, falls_far]), has_far, lamp_shares(scene),
    )  # fmt: skip


def _heights(views: Sequence[View]) -> tuple[Matrix, Matrix, Matrix]:
    """Height of each thing's top face, its thickness, and the height of its underside, mm."""
    rows = [(view.thing.top_mm, view.thing.thickness_mm, view.thing.base_mm) for view in views]
    tops, thickness, bases = np.array(rows).reshape(-1, 3).T
    return tops, thickness, bases


def template_maps(levels: Sequence[Level], counts: Whole, maps: Matrix, every: int, first_px: Matrix) -> Floats:
    """Return (slices, 9) float32 homographies from (column, row, 1) of a window to a template.

    Args:
        levels: the templates; counts: how many slices use each.
        maps: (slices, 3, 3) from the picture (px) to mm.
        every: px from one element of the window to the next.
        first_px: (slices, 2) px at its first element.
    """
    windows = np.tile(np.diag([every, every, 1.0]), (len(maps), 1, 1))
    windows[:, :2, 2] = first_px
    grids = np.repeat(np.array([level.mm_to_grid for level in levels]).reshape(-1, 3, 3), counts, axis=0)
    return (grids @ maps @ windows).reshape(-1, 9).astype(np.float32)


def _to_mm(views: Sequence[View], corners: Whole) -> Floats:
    """(n, 2, 3) from (column, row, 1) of each window to its thing's frame."""
    similar = np.tile(np.eye(3), (len(views), 1, 1))
    similar[:, :2] = np.array([view.pose_px.matrix for view in views]).reshape(-1, 2, 3)
    similar[:, :2, 2] -= corners
    return _single(np.linalg.inv(similar)[:, :2])


def _levels(views: Sequence[View], step_px: int) -> list[Level]:
    return [view.thing.shape.level_for(_STEP_PX * step_px / view.pose_px.scale_px_per_mm) for view in views]


def _places(levels: Sequence[Level]) -> Whole:
    """(n, 3) address, rows and columns of packed templates."""
    return np.array([(level.address, *level.packed.shape) for level in levels], np.int64).reshape(-1, 3)


def _single(values: object) -> Floats:
    return np.asarray(values, np.float32)

"""The edge field: how strong an edge is against its surroundings, and which way it runs.

At each pixel the gradient (over colours the strongest) is divided by itself plus the mean gradient around it, and squared:
near 1 on an edge that stands alone, weak or strong, and near 0 on texture, whose edges all look like their surroundings, and
on the soft highlights of metal, which are wide. The direction is kept as twice its angle, so that it does not matter on
which side it is brighter. Means of the field over larger cells are the features of the coarse search.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from kontur.modeling.gradients import REACH_PX, planes_of, relate, strongest_gradients
from kontur.modeling.parallel import in_threads
from kontur.modeling.tiles_on_demand import Tiles, with_margin
from kontur.pictures import Picture

Floats = NDArray[np.float32]

CHANNELS = 3
_AROUND_PX = 33
_AROUND_WEIGHT = 2.0
_FLOOR = 1.5
"""Grey levels per px: weaker gradients are noise."""
_LEAST_SIDE = 8
POOL_BLUR_CELLS = 0.5
_BAND_PX = 128
"""Rows that one thread works on at a time."""
_TILE_PX = 64
_MARGIN_PX = _AROUND_PX // 2 + REACH_PX + 1
"""What a px of the field depends on lies within this distance."""


def edge_field(picture: Picture, reduction: int = 1) -> Floats:
    """Return (h, w, CHANNELS) float32: strength in [0, 1], and strength times cosine and sine of twice its direction.

    Args:
        picture: (H, W, 3) uint8.
        reduction: one px of the field stands for `reduction` x `reduction` px (area average).
    """
    planes = planes_of(reduce_picture(picture, reduction))
    height, width = planes.shape[1:]
    length, turn = np.empty((height, width), np.float32), np.empty((2, height, width), np.float32)
    bands = [(top, min(top + _BAND_PX, height)) for top in range(0, height, _BAND_PX)]
    in_threads(lambda band: strongest_gradients(planes, *band, length, turn), bands)
    around = cv2.blur(length, (_AROUND_PX, _AROUND_PX))
    weight, floor = np.float32(_AROUND_WEIGHT), np.float32(_FLOOR)
    field = np.empty((height, width, CHANNELS), np.float32)
    in_threads(lambda band: relate(length, around, turn, weight, floor, *band, field), bands)
    return field


def reduce_picture(picture: Picture, reduction: int) -> Picture:
    """Return the area average over `reduction` x `reduction` px; the rest at the right and lower border is left out."""
    if reduction == 1:
        return picture
    width, height = (max(_LEAST_SIDE, side // reduction) for side in picture.shape[1::-1])
    even = picture[: height * reduction, : width * reduction]
    return np.asarray(cv2.resize(even, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def pool(field: Floats, cell_px: int) -> Floats:
    """Return (CHANNELS, h, w) float32 means of a field over cells of `cell_px` x `cell_px` px, slightly smoothed."""
    width, height = (max(1, side // cell_px) for side in field.shape[1::-1])
    even = field[: height * cell_px, : width * cell_px]
    cells = cv2.resize(even, (width, height), interpolation=cv2.INTER_AREA) if cell_px > 1 else field
    return np.ascontiguousarray(cv2.GaussianBlur(cells, (0, 0), POOL_BLUR_CELLS).transpose(2, 0, 1))


def field_tiles(picture: Picture, reduction: int) -> Tiles:
    """Return what `edge_field` returns, computed where it is asked for."""
    height, width = (side // reduction for side in picture.shape[:2])

    def compute(top: int, bottom: int, left: int, right: int) -> Floats:
        """Fill one rectangle of the field."""
        rows, inner = with_margin(top, bottom, _MARGIN_PX, height)
        columns, within = with_margin(left, right, _MARGIN_PX, width)
        crop = picture[
            rows.start * reduction : rows.stop * reduction, columns.start * reduction : columns.stop * reduction
        ]
        return edge_field(crop, reduction)[inner, within]

    return Tiles((height, width, CHANNELS), compute, _TILE_PX)


def smoothed_field(field: Floats | Tiles, sigma_px: float) -> Tiles:
    """Return a field smoothed by a Gaussian, computed where it is asked for."""
    pixels = field.pixels if isinstance(field, Tiles) else field
    margin = int(np.ceil(4 * sigma_px)) + 1

    def compute(top: int, bottom: int, left: int, right: int) -> Floats:
        """Fill one rectangle of the field."""
        rows, inner = with_margin(top, bottom, margin, pixels.shape[0])
        columns, within = with_margin(left, right, margin, pixels.shape[1])
        return np.asarray(cv2.GaussianBlur(pixels[rows, columns], (0, 0), sigma_px)[inner, within], np.float32)

    below = (field, margin) if isinstance(field, Tiles) else None
    return Tiles((*pixels.shape[:2], CHANNELS), compute, _TILE_PX, below)

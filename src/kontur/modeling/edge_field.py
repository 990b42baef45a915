"""The edge field: how strong an edge is against its surroundings, and which way it runs.

At each pixel the gradient (over colours the strongest) is divided by itself plus the mean gradient around it, and squared:
near 1 on an edge that stands alone, weak or strong, and near 0 on texture, whose edges all look like their surroundings, and
on the soft highlights of metal, which are wide. The direction is kept as twice its angle, so that it does not matter on
which side it is brighter. Means of the field over larger cells are the features of the coarse search.
"""

import cv2
import numba
import numpy as np
from numpy.typing import NDArray

from kontur.pictures import Picture

Floats = NDArray[np.float32]

CHANNELS = 3
BLUR_PX = 1.0
"""Smoothing before the gradient is taken, px of the field."""
_AROUND_PX = 33
_AROUND_WEIGHT = 2.0
_FLOOR = 1.5
"""Grey levels per px: weaker gradients are noise."""
_LEAST_SIDE = 8
_TINY = np.float32(1e-12)
POOL_BLUR_CELLS = 0.5


def edge_field(picture: Picture, reduction: int = 1) -> Floats:
    """Return (h, w, CHANNELS) float32: strength in [0, 1], and strength times cosine and sine of twice its direction.

    Args:
        picture: (H, W, 3) uint8.
        reduction: one px of the field stands for `reduction` x `reduction` px (area average).
    """
    reduced = reduce_picture(picture, reduction)
    smooth = cv2.GaussianBlur(reduced.astype(np.float32), (0, 0), BLUR_PX)
    across = cv2.Sobel(smooth, cv2.CV_32F, 1, 0, scale=1 / 8)
    down = cv2.Sobel(smooth, cv2.CV_32F, 0, 1, scale=1 / 8)
    field = np.empty((*reduced.shape[:2], CHANNELS), np.float32)
    _strongest(across, down, field)
    around = cv2.blur(field[..., 0], (_AROUND_PX, _AROUND_PX))
    _relate(field, around, np.float32(_AROUND_WEIGHT), np.float32(_FLOOR))
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


def smoothed(field: Floats, sigma_px: float) -> Floats:
    """Return a field smoothed by a Gaussian."""
    return np.asarray(cv2.GaussianBlur(field, (0, 0), sigma_px), np.float32)


_fast = {"cache": True, "nogil": True, "fastmath": True, "error_model": "numpy"}


@numba.njit(**_fast)
def _strongest(across, down, field):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Write the strongest gradient over the colours: its length, and cosine and sine of twice its direction."""
    for y in range(field.shape[0]):
        for x in range(field.shape[1]):
            gx, gy = _strongest_at(across, down, y, x)
            square = max(gx * gx + gy * gy, _TINY)
            field[y, x, 0] = np.sqrt(square)
            field[y, x, 1] = (gx * gx - gy * gy) / square
            field[y, x, 2] = 2 * gx * gy / square


@numba.njit(**_fast)
def _strongest_at(across, down, y, x):  # type: ignore[no-untyped-def]  # pragma: no cover
    best, gx, gy = np.float32(0), np.float32(0), np.float32(0)
    for c in range(across.shape[2]):
        a, d = across[y, x, c], down[y, x, c]
        if a * a + d * d > best:
            best, gx, gy = a * a + d * d, a, d
    return gx, gy


@numba.njit(**_fast)
def _relate(field, around, weight, floor):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Turn lengths into strengths against the mean length `around`, in place."""
    for y in range(field.shape[0]):
        for x in range(field.shape[1]):
            length = field[y, x, 0]
            share = length / (length + weight * around[y, x] + floor)
            strength = share * share
            field[y, x, 0] = strength
            field[y, x, 1] *= strength
            field[y, x, 2] *= strength

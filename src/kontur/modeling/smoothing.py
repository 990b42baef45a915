"""A picture reduced and smoothed: as a whole when it is small, where contours lie when it is large."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from kontur.modeling.row_filters import TAPS, smooth
from kontur.modeling.tiles_on_demand import Tiles, with_margin
from kontur.pictures import Picture

Floats = NDArray[np.float32]

LEAST_LARGE_PX = 700_000
"""Smaller pictures are smoothed as a whole."""
_REACH_SIGMAS = 4
_TILE_PX = 64
_WINDOW_PX = 32
_WINDOWS = 12
"""A large picture is surveyed in windows of this size, this many along its longer side."""
_SEAM_PX = 5


@dataclass(frozen=True, eq=False)
class Survey:
    """Windows that stand for a whole picture where its noise and texture are measured, side by side in one image.

    Attributes:
        pixels: (R * s, C * s', C) float32 the windows, smoothed; R = C = 1 and the picture itself when that is small.
        left, top: (C,) and (R,) where the windows lie in the picture, px.
        seam_px: this much at a window's border is smoothed together with its neighbours.
    """

    pixels: Floats
    left: NDArray[np.int64]
    top: NDArray[np.int64]
    seam_px: int

    @property
    def window_wh(self) -> tuple[int, int]:
        """Width and height of a window."""
        return self.pixels.shape[1] // len(self.left), self.pixels.shape[0] // len(self.top)

    @property
    def windows(self) -> Floats:
        """(R, h, C, w, channels) the windows without their seams."""
        (width, height), seam = self.window_wh, self.seam_px
        shape = len(self.top), height, len(self.left), width, self.pixels.shape[2]
        return self.pixels.reshape(shape)[:, seam : height - seam, :, seam : width - seam]


def is_large(picture: Picture, reduction: int = 1) -> bool:
    """Return whether a picture, reduced, is treated by tiles."""
    return picture.shape[0] * picture.shape[1] >= LEAST_LARGE_PX * reduction**2


def reduced(picture: Picture, reduction: int) -> Picture:
    """Return the area average over `reduction` x `reduction` px; the rest at the right and lower border is left out."""
    if reduction == 1:
        return picture
    height, width = (max(1, side // reduction) for side in picture.shape[:2])
    even = picture[: height * reduction, : width * reduction]
    return np.asarray(cv2.resize(even, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def smoothed(picture: Picture, sigma_px: float) -> Floats:
    """Return a picture (h, w, C) float32, smoothed by a Gaussian of `sigma_px`."""
    height, width = picture.shape[:2]
    if sigma_px <= 0:
        return picture.astype(np.float32).reshape(height, width, -1)
    kernel = cv2.getGaussianKernel(round(2 * _REACH_SIGMAS * sigma_px + 1) | 1, sigma_px, cv2.CV_32F)
    if len(kernel) != TAPS:
        return np.asarray(cv2.sepFilter2D(picture, cv2.CV_32F, kernel, kernel), np.float32).reshape(height, width, -1)
    rows = np.ascontiguousarray(picture).reshape(height, -1)
    out = np.empty(rows.shape, np.float32)
    smooth(rows, rows.shape[1] // width, kernel[TAPS // 2 :, 0], out)
    return out.reshape(height, width, -1)


def smoothed_tiles(picture: Picture, sigma_px: float, reduction: int) -> Tiles:
    """Return a picture reduced and smoothed, computed where it is asked for."""
    height, width = (side // reduction for side in picture.shape[:2])
    margin = int(np.ceil(4 * sigma_px)) + 1

    def compute(top: int, bottom: int, left: int, right: int) -> Floats:
        """Smooth one rectangle."""
        (rows, inner), (columns, within) = (
            with_margin(top, bottom, margin, height),
            with_margin(left, right, margin, width),
        )
        crop = picture[_times(rows, reduction), _times(columns, reduction)]
        return smoothed(reduced(crop, reduction), sigma_px)[inner, within]

    return Tiles((height, width, picture.shape[2]), compute, _TILE_PX)


def _times(part: slice, factor: int) -> slice:
    return slice(part.start * factor, part.stop * factor)


def survey(picture: Picture, sigma_px: float, reduction: int) -> Survey:
    """Smooth windows spread evenly over a large picture."""
    step = max(picture.shape[:2]) / _WINDOWS
    height, width = (min(_WINDOW_PX, length // reduction) * reduction for length in picture.shape[:2])
    top, left = _starts(picture.shape[0], step, height), _starts(picture.shape[1], step, width)
    mosaic = np.empty((len(top), height, len(left), width, picture.shape[2]), np.uint8)
    for row, y in enumerate(top.tolist()):
        for column, x in enumerate(left.tolist()):
            mosaic[row, :, column] = picture[y : y + height, x : x + width]
    mosaic = mosaic.reshape(len(top) * height, len(left) * width, -1)
    return Survey(smoothed(reduced(mosaic, reduction), sigma_px), left // reduction, top // reduction, _SEAM_PX)


def _starts(length: int, step: float, side: int) -> NDArray[np.int64]:
    count = max(1, round(length / step))
    return np.array([(2 * k + 1) * length // (2 * count) - side // 2 for k in range(count)], np.int64)

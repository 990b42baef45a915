"""Parts placed in a picture, as pixels: the drawing's contour, projected and filled with holes.

A pixel belongs to a part when its centre does (even-odd rule over all rings), so that the mask's area is unbiased. OpenCV's
`fillPoly` also sets every pixel that the outline touches, which makes masks half a pixel too fat all around.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from kontur.geometry import Part, Points
from kontur.modeling.detections import UNKNOWN, Detections
from kontur.modeling.filling import count_shared, fill_masks, place_outlines

UNKNOWN_SQUARE = np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]])
"""The outline that stands for what no part explains: the matrix of an UNKNOWN detection maps it to the picture."""
_UNKNOWN_OUTLINE = UNKNOWN_SQUARE, np.roll(np.arange(4), -1)


@dataclass(frozen=True, eq=False)
class Window:
    """A mask and where it lies in the picture.

    Attributes:
        left_top: column and row of the first pixel.
        pixels: (h, w) bool; both sizes are 0 when nothing lies inside the picture.
    """

    left_top: tuple[int, int]
    pixels: NDArray[np.bool_]

    @property
    def slices(self) -> tuple[slice, slice]:
        """Rows and columns of the picture that the window covers."""
        (left, top), (height, width) = self.left_top, self.pixels.shape
        return slice(top, top + height), slice(left, left + width)

    def full(self, size_wh: tuple[int, int]) -> NDArray[np.bool_]:
        """Return the mask in a picture of this size, (H, W) bool."""
        mask = np.zeros(size_wh[::-1], bool)
        mask[self.slices] = self.pixels
        return mask


Packed = tuple[NDArray[np.bool_], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]
"""Many masks as compiled code takes them: the pixels of all, one after the other; (N,) where each begins; (N, 4) left, top,
width and height of its window; and (N,) how many pixels it holds, -1 where they are yet to be filled."""

Rings = tuple[Points, NDArray[np.int64], NDArray[np.int64]]
"""Many outlines as compiled code takes them, see `filling`."""


@lru_cache(maxsize=16)
def _outlines(parts: tuple[Part, ...]) -> Rings:
    """Return the outlines of a part list, mm, and after them what stands for UNKNOWN."""
    outlines = [*(part.outline for part in parts), _UNKNOWN_OUTLINE]
    first = np.cumsum([0, *(len(corners) for corners, _ in outlines)])
    corners, following = (np.concatenate(items) for items in zip(*outlines, strict=True))
    return corners, following + np.repeat(first[:-1], np.diff(first)), first


def placed_outlines(detections: Detections, parts: Sequence[Part]) -> tuple[Rings, Packed]:
    """Return the outlines of detections in the picture, and their masks, none of them filled."""
    placed: tuple[Rings, Packed] = place_outlines(
        _outlines(tuple(parts)), detections.part, detections.matrix, detections.size_wh
    )
    return placed


def visible_packed(detections: Detections, parts: Sequence[Part]) -> Packed:
    """Return the mask of each detection, less what lies in higher layers above it."""
    rings, masks = placed_outlines(detections, parts)
    fill_masks(rings, masks, detections.layer.copy())
    return masks


def windows_of(masks: Packed) -> list[Window]:
    """Return masks one by one."""
    pixels, starts, boxes, _ = masks
    return [
        Window((left, top), pixels[start : start + width * height].reshape(height, width))
        for start, (left, top, width, height) in zip(starts.tolist(), boxes.tolist(), strict=True)
    ]


def rings_px(detections: Detections, index: int, parts: Sequence[Part]) -> list[Points]:
    """Return the projected outline and holes of one detection, px; a quadrilateral where the part is UNKNOWN."""
    part = int(detections.part[index])
    if part == UNKNOWN:
        return [detections.project(index, UNKNOWN_SQUARE)]
    return [detections.project(index, contour.points) for contour in parts[part].contours]


def amodal_masks(detections: Detections, parts: Sequence[Part]) -> list[Window]:
    """Return the whole mask of each detection, as if nothing lay on it, cut at the picture's border."""
    rings, masks = placed_outlines(detections, parts)
    fill_masks(rings, masks, np.zeros(len(detections), np.int64))
    return windows_of(masks)


def visible_masks(detections: Detections, parts: Sequence[Part]) -> list[Window]:
    """Return the mask of each detection, less what lies in higher layers above it."""
    return windows_of(visible_packed(detections, parts))


def overlaps(rings: Rings, masks: Packed) -> NDArray[np.int64]:
    """Return (N, N) pixels that each pair of whole masks shares, 0 on the diagonal; fills those that may share some."""
    shared = np.zeros((len(masks[3]), len(masks[3])), np.int64)
    count_shared(rings, masks, shared)
    return shared

"""Parts placed in a picture, as pixels: the drawing's contour, projected and filled with holes.

A pixel belongs to a part when its centre does (even-odd rule over all rings), so that the mask's area is unbiased. OpenCV's
`fillPoly` also sets every pixel that the outline touches, which makes masks half a pixel too fat all around.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kontur.geometry import Part, Points
from kontur.modeling.detections import UNKNOWN, Detections
from kontur.modeling.filling import fill_even_odd

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
width and height of its window; and (N,) how many pixels it holds."""


def packed(masks: Sequence[Window]) -> Packed:
    """Return masks side by side in one array."""
    boxes = np.array([[*mask.left_top, *mask.pixels.shape[::-1]] for mask in masks], np.int64).reshape(-1, 4)
    pixels = np.concatenate([mask.pixels.ravel() for mask in masks] or [np.zeros(0, bool)])
    areas = np.array([np.count_nonzero(mask.pixels) for mask in masks], np.int64)
    return pixels, _starts(boxes), boxes, areas


def _starts(boxes: NDArray[np.int64]) -> NDArray[np.int64]:
    sizes = boxes[:, 2] * boxes[:, 3]
    return np.cumsum(sizes) - sizes


def rasterise(
    corners_px: Points, following: NDArray[np.int64], first: NDArray[np.int64], size_wh: tuple[int, int]
) -> list[Window]:
    """Fill closed rings by the even-odd rule: pixels whose centres lie inside an odd number of rings.

    Args:
        corners_px: (E, 2) of all rings of all N masks in px, centres at integers.
        following: (E,) which corner comes after each in its ring.
        first: (N,) the first corner of each mask.
        size_wh: the picture's size; what lies outside it is cut off.
    """
    low = np.maximum(np.ceil(np.minimum.reduceat(corners_px, first)), 0).astype(np.int64)
    high = np.minimum(np.floor(np.maximum.reduceat(corners_px, first)), np.array(size_wh) - 1).astype(np.int64)
    is_inside = (high >= low).all(axis=1)[:, None]
    boxes = np.hstack([low * is_inside, (high - low + 1) * is_inside])
    starts = _starts(boxes)
    pixels = np.zeros(int((boxes[:, 2] * boxes[:, 3]).sum()), bool)
    fill_even_odd(corners_px, following, np.append(first, len(corners_px)), boxes, starts, pixels)
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
    if len(detections) == 0:
        return []
    outlines = [_UNKNOWN_OUTLINE if part == UNKNOWN else parts[part].outline for part in detections.part.tolist()]
    count = np.array([len(corners) for corners, _ in outlines])
    first = np.cumsum(count) - count
    corners, following = (np.concatenate(items) for items in zip(*outlines, strict=True))
    corners_px = detections.project(np.repeat(np.arange(len(detections)), count), corners)
    return rasterise(corners_px, following + np.repeat(first, count), first, detections.size_wh)


def visible_masks(detections: Detections, parts: Sequence[Part]) -> list[Window]:
    """Return the mask of each detection, less what lies in higher layers above it."""
    masks = amodal_masks(detections, parts)
    covered = np.zeros(detections.size_wh[::-1], bool)
    for layer in np.unique(detections.layer)[::-1]:
        level = np.flatnonzero(detections.layer == layer).tolist()
        whole = [masks[index] for index in level]
        for index, window in zip(level, whole, strict=True):
            masks[index] = Window(window.left_top, window.pixels & ~covered[window.slices])
        for window in whole:
            covered[window.slices] |= window.pixels
    return masks


def overlaps(masks: Sequence[Window]) -> NDArray[np.float64]:
    """Return (N, N) pixels that each pair of masks shares; the diagonal holds the areas."""
    shared = np.zeros((len(masks), len(masks)))
    for i, j, pixels in _pairs(masks):
        shared[i, j] = shared[j, i] = pixels
    return shared


def _pairs(masks: Sequence[Window]) -> Iterator[tuple[int, int, int]]:
    boxes = np.array([[*mask.left_top, *mask.left_top] for mask in masks], int).reshape(-1, 4)
    boxes[:, 2:] += np.array([mask.pixels.shape[::-1] for mask in masks], int).reshape(-1, 2)
    for i, mask in enumerate(masks):
        low, high = np.maximum(boxes[i, :2], boxes[i:, :2]), np.minimum(boxes[i, 2:], boxes[i:, 2:])
        for j in (i + np.flatnonzero((high > low).all(axis=1))).tolist():
            (x0, y0), (x1, y1) = low[j - i], high[j - i]
            ours = mask.pixels[y0 - boxes[i, 1] : y1 - boxes[i, 1], x0 - boxes[i, 0] : x1 - boxes[i, 0]]
            theirs = masks[j].pixels[y0 - boxes[j, 1] : y1 - boxes[j, 1], x0 - boxes[j, 0] : x1 - boxes[j, 0]]
            yield i, j, int(np.count_nonzero(ours & theirs))

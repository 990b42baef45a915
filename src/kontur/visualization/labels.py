"""Labels that stay inside the picture, off each other, and off the parts where there is room.

Places are compared on a coarse grid of cells: a label's cost is what it would cover (parts, its own a little less, and
other labels above all), what it would come near to, and its distance from the part it names. Labels are placed
greedily, in the order given.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from kontur.geometry import Points
from kontur.pictures import Picture
from kontur.visualization.style import bgr, mix

_PIXELS_PER_TEXT_PIXEL = 52
_TEXT_MIN_PX = 11
_TEXT_WEIGHT = 500
_MARGIN_PX = 3
_HALO = 0.72
_COST_OWN, _COST_PART, _COST_NEAR, _COST_LABEL = 0.7, 1.0, 0.15, 8.0
_COST_PER_HEIGHT = 0.10
"""Cost of a distance of one text height, in units of a label that fully covers another part."""
_COST_OFF_TOP = 0.004
"""The same for the distance from the part's upper edge: it decides between places that are equal otherwise."""
_LEADER_FROM_HEIGHTS = 1.2


@dataclass(frozen=True, eq=False)
class Label:
    """A text for something in a picture.

    Attributes:
        text: one line.
        colour: `#RRGGBB`.
        anchor: (2,) px that a leader line points to when the label lies apart.
        rings: (N, 2) px each, the outline first: what the label belongs to.
    """

    text: str
    colour: str
    anchor: Points
    rings: Sequence[Points]


@dataclass(frozen=True)
class Box:
    """A placed label: left, top, width and height in px, and its distance from what it names in px."""

    x: int
    y: int
    width: int
    height: int
    distance_px: float


def text_height_px(size_wh: tuple[int, int]) -> int:
    """Return the font size for a picture of this size."""
    return max(_TEXT_MIN_PX, round(max(size_wh) / _PIXELS_PER_TEXT_PIXEL))


def draw_labels(picture: Picture, labels: Sequence[Label]) -> Picture:
    """Return a copy with the labels, light text on a dark halo, and leader lines where a label lies apart."""
    height, width = picture.shape[:2]
    boxes = place_labels((width, height), labels)
    size = text_height_px((width, height))
    letters = [_letters(label.text, box, size, (width, height)) for label, box in zip(labels, boxes, strict=True)]
    canvas, halo = picture.copy(), np.zeros((height, width), np.uint8)
    for label, box, ink in zip(labels, boxes, letters, strict=True):
        if box.distance_px > _LEADER_FROM_HEIGHTS * size:
            cv2.line(canvas, _nearest(box, label.anchor), _as_point(label.anchor), bgr(label.colour), 1, cv2.LINE_AA)
        area = halo[box.y : box.y + box.height, box.x : box.x + box.width]
        np.maximum(area, _glow(ink), out=area)
    canvas = darken(canvas, halo, _HALO)
    for label, box, ink in zip(labels, boxes, letters, strict=True):
        area = canvas[box.y : box.y + box.height, box.x : box.x + box.width]
        alpha = ink[:, :, None] / np.float32(255)
        light = np.array(bgr(mix(label.colour, "#FFFFFF", 0.55)), np.float32)
        area[:] = np.round(area * (1 - alpha) + light * alpha)
    return canvas


def darken(picture: Picture, mask: Picture, amount: float) -> Picture:
    """Return the picture darkened by `amount` (0..1) where the (H, W) uint8 mask is 255, less where it is less."""
    keep = 1 - mask[:, :, None].astype(np.float32) * np.float32(amount / 255)
    return np.round(picture * keep).astype(np.uint8)


def place_labels(size_wh: tuple[int, int], labels: Sequence[Label]) -> list[Box]:
    """Choose a place for every label, inside the picture.

    A label wider than the picture starts at its left border.
    """
    size = text_height_px(size_wh)
    cell = max(2, size // 4)
    shape = (-(-size_wh[1] // cell), -(-size_wh[0] // cell))
    own = [_filled(shape, label, cell) for label in labels]
    parts = sum(own, np.zeros(shape, np.float32)).clip(max=1)
    taken = np.zeros(shape, np.float32)
    boxes = []
    for label, mine in zip(labels, own, strict=True):
        strange = np.maximum(parts - mine, taken)
        near = cv2.dilate(strange, np.ones((7, 7), np.uint8))
        cover = _COST_OWN * mine + _COST_PART * strange + _COST_NEAR * near + _COST_LABEL * taken
        cover += _COST_OFF_TOP / size * _distance_px(_top(mine), cell)
        box = _best_box(cover, _distance_px(mine, cell), text_size_px(label.text, size), size_wh, cell)
        taken[box.y // cell : -(-(box.y + box.height) // cell), box.x // cell : -(-(box.x + box.width) // cell)] = 1
        boxes.append(box)
    return boxes


def text_size_px(text: str, size_px: int) -> tuple[int, int]:
    """Return the width and height that a line of text takes, with a margin on both sides."""
    _, _, width, _ = cv2.getTextSize((10_000, 100), text, (0, 50), _font(), size_px, _TEXT_WEIGHT)
    return width + 2 * _MARGIN_PX, round(1.25 * size_px) + 2


def _best_box(
    cover: NDArray[np.float32],
    distance: NDArray[np.float32],
    box_wh: tuple[int, int],
    size_wh: tuple[int, int],
    cell: int,
) -> Box:
    """Try every cell as the box's top left corner and return the cheapest that is inside the picture."""
    cells_wh = (-(-box_wh[0] // cell), -(-box_wh[1] // cell))
    covered = _box_means(cover, cells_wh)
    apart = _box_minima(distance, cells_wh)
    cost = covered + _COST_PER_HEIGHT * apart / box_wh[1]
    rows = max(1, (size_wh[1] - box_wh[1]) // cell + 1)
    columns = max(1, (size_wh[0] - box_wh[0]) // cell + 1)
    row, column = np.unravel_index(np.argmin(cost[:rows, :columns]), (rows, columns))
    return Box(int(column) * cell, int(row) * cell, *box_wh, float(apart[row, column]))


def _box_means(values: NDArray[np.float32], box_wh: tuple[int, int]) -> NDArray[np.float32]:
    """Mean over the box that starts at each cell; beyond the border nothing is covered."""
    return cv2.boxFilter(values, -1, box_wh, anchor=(0, 0), borderType=cv2.BORDER_CONSTANT)


def _box_minima(values: NDArray[np.float32], box_wh: tuple[int, int]) -> NDArray[np.float32]:
    """Smallest value in the box that starts at each cell."""
    kernel = np.ones((box_wh[1], box_wh[0]), np.uint8)
    return cv2.erode(values, kernel, anchor=(0, 0), borderType=cv2.BORDER_REPLICATE)


def _distance_px(mask: NDArray[np.float32], cell: int) -> NDArray[np.float32]:
    """Distance of each cell from the mask in px."""
    return cv2.distanceTransform((mask == 0).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE) * cell


def _top(mask: NDArray[np.float32]) -> NDArray[np.float32]:
    """The cell at the top of the mask's bounds, in the middle."""
    rows, columns = np.nonzero(mask)
    point = np.zeros_like(mask)
    point[rows.min(), (columns.min() + columns.max()) // 2] = 1
    return point


def _filled(shape: tuple[int, int], label: Label, cell: int) -> NDArray[np.float32]:
    """Rasterise what a label names (even-odd, so that holes stay free) into an (H, W) float32 mask of 0 and 1.

    What lies outside the picture, or is smaller than a cell, counts as the cell nearest to its anchor.
    """
    mask = np.zeros(shape, np.uint8)
    cv2.fillPoly(mask, [np.round(ring / cell).astype(np.int32) for ring in label.rings], 1)
    if not mask.any():
        column, row = np.clip(np.asarray(label.anchor) / cell, 0, (shape[1] - 1, shape[0] - 1)).astype(int)
        mask[row, column] = 1
    return mask.astype(np.float32)


def _letters(text: str, box: Box, size_px: int, size_wh: tuple[int, int]) -> NDArray[np.uint8]:
    """Coverage (0..255) of a label's letters over its box, cut at the picture's border."""
    canvas = np.zeros((box.height, box.width, 3), np.uint8)
    cv2.putText(canvas, text, (_MARGIN_PX, round(0.98 * size_px) + 1), (255, 255, 255), _font(), size_px, _TEXT_WEIGHT)
    return canvas[: size_wh[1] - box.y, : size_wh[0] - box.x, 0]


def _glow(ink: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Letters made fat and soft: full near the ink, fading within 3 px."""
    soft = cv2.GaussianBlur(cv2.dilate(ink, np.ones((3, 3), np.uint8)), (0, 0), 1.2)
    return cv2.multiply(soft, np.ones_like(soft), scale=2.8)


def _nearest(box: Box, point: Points) -> tuple[int, int]:
    x = min(max(float(point[0]), box.x), box.x + box.width)
    y = min(max(float(point[1]), box.y), box.y + box.height)
    return round(x), round(y)


def _as_point(point: Points) -> tuple[int, int]:
    return round(float(point[0])), round(float(point[1]))


def _font() -> cv2.FontFace:
    return cv2.FontFace("sans")

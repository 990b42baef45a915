"""Which cells of a network's answer no detection explains: something may lie there that was not found yet."""

from collections.abc import Sequence

import numba
import numpy as np

from kontur.geometry import Part
from kontur.modeling.answer_means import cells_over
from kontur.modeling.appearance import Answer
from kontur.modeling.detections import Detections
from kontur.modeling.filling import fill_masks
from kontur.modeling.heads import CELL_CENTRE_PX, STRIDE
from kontur.modeling.masks import placed_outlines

_SURELY_NOT = np.float32(-50)


def uncovered(answer: Answer, found: Detections, parts: Sequence[Part]) -> Answer:
    """Return an answer that denies foreground in the cells that detections cover, and in those next to them."""
    rings, masks = placed_outlines(found, parts)
    fill_masks(rings, masks, np.zeros(len(found), np.int64))
    output = answer.output.copy()
    _deny(output[0], answer.zoom_xy, masks)
    return Answer(output, answer.zoom_xy)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _deny(foreground, zoom_xy, masks):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Write to (h, w) logits what denies foreground where the centre of a cell, or of one next to it, lies in a mask."""
    pixels, starts, boxes, _ = masks
    rows, columns = foreground.shape
    for n in range(len(boxes)):
        left, top, width, height = boxes[n]
        first_row, along_v = cells_over(top, height, zoom_xy[1], STRIDE, rows)
        first_column, along_u = cells_over(left, width, zoom_xy[0], STRIDE, columns)
        for i, k in np.ndindex(along_v, along_u):
            row, column = first_row + i, first_column + k
            u = round((column * STRIDE + CELL_CENTRE_PX + 0.5) / zoom_xy[0] - 0.5) - left
            v = round((row * STRIDE + CELL_CENTRE_PX + 0.5) / zoom_xy[1] - 0.5) - top
            if 0 <= u < width and 0 <= v < height and pixels[starts[n] + v * width + u]:
                foreground[max(0, row - 1) : row + 2, max(0, column - 1) : column + 2] = _SURELY_NOT

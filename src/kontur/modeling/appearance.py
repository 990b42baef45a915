"""What picture and network say about detections that the drawing has placed: the features that scores are made of."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kontur.geometry import Part
from kontur.modeling.detections import Detections
from kontur.modeling.heads import CELL_CENTRE_PX, HEADS, OFFSET_UNIT_PX, STRIDE
from kontur.modeling.masks import Window, visible_masks

FEATURES = ("evidence", "support", "log_cells", "shown", "foreground", "named", "voted", "side")
"""evidence: the decision's score. support: of the registration. log_cells: natural logarithm of the visible cells.
shown: visible share of the mask. The rest are means over the visible cells, by the network: foreground: probability of
material; named: of this part; voted: cells that vote for a datum near this one; side: probability of this face."""
_NEAR_PX = 10.0

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Answer:
    """A network's answer about one picture.

    Attributes:
        output: (C, h, w) float32 raw.
        zoom_xy: size of the picture that the network saw over the picture's own.
    """

    output: NDArray[np.float32]
    zoom_xy: tuple[float, float]


def features_of(detections: Detections, parts: Sequence[Part], answer: Answer) -> Floats:
    """Return (N, F) the FEATURES of accepted detections (their layers set)."""
    rows = np.zeros((len(detections), len(FEATURES)))
    for index, mask in enumerate(visible_masks(detections, parts)):
        part = parts[int(detections.part[index])]
        scale = detections.similarity[1][index]
        cells = _cells_inside(mask, answer)
        whole = part.area_mm2 * scale**2
        shown = min(1.0, float(np.count_nonzero(mask.pixels)) / max(whole, 1.0))
        support = float(np.nan_to_num(detections.support[index]))
        rows[index] = [
            detections.score[index], support, np.log1p(len(cells[0])), shown, *_said(detections, index, part, answer, cells)
        ]  # fmt: skip
    return rows


def _said(
    detections: Detections, index: int, part: Part, answer: Answer, cells: tuple[NDArray[np.int64], NDArray[np.int64]]
) -> list[float]:
    """Return the network's means over cells (rows, columns): foreground, named, voted, side."""
    if len(cells[0]) == 0:
        return [0.0, 0.0, 0.0, 0.5]
    said = answer.output[:, cells[0], cells[1]].astype(np.float64)
    foreground = _sigmoid(said[HEADS.foreground][0])
    logits = said[HEADS.part]
    share = np.exp(logits - logits.max(axis=0))
    named = (share / share.sum(axis=0))[int(detections.part[index])]
    centre = np.column_stack([cells[1], cells[0]]) * STRIDE + CELL_CENTRE_PX
    votes = centre + said[HEADS.offset].T * OFFSET_UNIT_PX
    datum = (detections.uv[index] + 0.5) * answer.zoom_xy - 0.5
    voted = np.linalg.norm(votes - datum, axis=1) <= _NEAR_PX
    down = float(_sigmoid(said[HEADS.flipped][0]).mean())
    side = (down if detections.flipped[index] else 1 - down) if part.chiral else 1.0
    return [float(foreground.mean()), float(named.mean()), float((voted * foreground).mean()), side]


def _cells_inside(mask: Window, answer: Answer) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return rows and columns of the cells whose centres lie in a mask."""
    height, width = answer.output.shape[1:]
    zoom = np.array(answer.zoom_xy)
    low = np.array(mask.left_top)
    high = low + mask.pixels.shape[::-1]
    first, last = (np.floor((edge * zoom) / STRIDE).astype(int) for edge in (low, high))
    columns = np.arange(max(0, first[0] - 1), min(width, last[0] + 2))
    rows = np.arange(max(0, first[1] - 1), min(height, last[1] + 2))
    at_u, at_v = (
        np.round((cells * STRIDE + CELL_CENTRE_PX + 0.5) / factor - 0.5).astype(int) - start
        for cells, factor, start in ((columns, zoom[0], low[0]), (rows, zoom[1], low[1]))
    )
    columns, at_u = _within(columns, at_u, mask.pixels.shape[1])
    rows, at_v = _within(rows, at_v, mask.pixels.shape[0])
    inside = mask.pixels[np.ix_(at_v, at_u)]
    row, column = np.nonzero(inside)
    return rows[row], columns[column]


def _within(cells: NDArray[np.int64], at: NDArray[np.int64], size: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    keep = (at >= 0) & (at < size)
    return cells[keep], at[keep]


def _sigmoid(values: Floats) -> Floats:
    return 1 / (1 + np.exp(-values))

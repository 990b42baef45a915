"""What picture and network say about detections that the drawing has placed: the features that scores are made of."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kontur.geometry import Part
from kontur.modeling.answer_means import mean_answers
from kontur.modeling.detections import Detections
from kontur.modeling.heads import CELL_CENTRE_PX, OFFSET_UNIT_PX, STRIDE
from kontur.modeling.masks import visible_packed

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
    masks = visible_packed(detections, parts)
    kinds = [parts[index] for index in detections.part.tolist()]
    zoom = np.array(answer.zoom_xy)
    near = (detections.uv + 0.5) * zoom - 0.5, _NEAR_PX
    said = np.empty((len(kinds), 5))
    mean_answers(answer.output, zoom, (STRIDE, CELL_CENTRE_PX, OFFSET_UNIT_PX), masks, detections.part, near, said)
    cells, foreground, named, voted, down = said.T
    whole = np.array([part.area_mm2 for part in kinds]) * detections.similarity[1] ** 2
    shown = np.minimum(1.0, masks[3] / np.maximum(whole, 1.0))
    side = np.where(
        [part.chiral for part in kinds], np.where(detections.flipped, down, 1 - down), np.where(cells > 0, 1, 0.5)
    )
    support = np.nan_to_num(detections.support)
    return np.column_stack([detections.score, support, np.log1p(cells), shown, foreground, named, voted, side])

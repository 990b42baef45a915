"""Pictures of what went wrong: the truth on the left, what was said on the right, coloured by verdict."""

from collections.abc import Sequence

import numpy as np
from pycocotools import mask as coco_mask

from kontur.modeling.evaluation import WorstCase
from kontur.modeling.ground_truth import TruthPicture
from kontur.modeling.results import PictureResult
from kontur.modeling.worst_cases import CONFUSED, FALSE, FOUND, IGNORED, MISSED, RIGHT
from kontur.pictures import Picture
from kontur.visualization.overlay import Outline, draw_outlines

VERDICT_COLOURS = {
    FOUND: "#56B4E9",
    RIGHT: "#56B4E9",
    CONFUSED: "#F0E442",
    MISSED: "#FF6A1A",
    FALSE: "#FF6A1A",
    IGNORED: "#C8C8C8",
}
_WRONG = (CONFUSED, MISSED, FALSE)
_GAP_PX = 6


def draw_worst_case(
    picture: Picture, truth: TruthPicture, result: PictureResult, case: WorstCase, names: Sequence[str]
) -> Picture:
    """Return both sides next to each other, with a white gap.

    Args:
        picture: (H, W, 3) uint8 BGR.
        truth: what is there.
        result: what was said.
        case: the verdicts.
        names: of the parts that `truth` indexes.
    """
    there = [
        _outline(item.mask, verdict, names[item.part], FOUND)
        for item, verdict in zip(truth.instances, case.instances, strict=True)
    ]
    said = [
        _outline(entry["mask"], verdict, f"{entry['part']} {entry['score']:.2f}", RIGHT)
        for entry, verdict in zip(result["detections"], case.detections, strict=True)
    ]
    gap = np.full((picture.shape[0], _GAP_PX, 3), 255, np.uint8)
    return np.hstack([draw_outlines(picture, there), gap, draw_outlines(picture, said)])


def _outline(mask: dict, verdict: str, name: str, good: str) -> Outline:
    text = name if verdict == good else f"{name}: {verdict}"
    return Outline(coco_mask.decode(mask).astype(bool), VERDICT_COLOURS[verdict], text, bold=verdict in _WRONG)

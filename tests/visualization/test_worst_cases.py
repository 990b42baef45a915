"""Pictures of what went wrong: both sides, coloured by verdict."""

import numpy as np
from pycocotools import mask as coco_mask

from kontur.modeling.evaluation import WorstCase
from kontur.modeling.ground_truth import TruthInstance, TruthPicture
from kontur.visualization.style import bgr
from kontur.visualization.worst_cases import VERDICT_COLOURS, draw_worst_case

WIDTH, HEIGHT = 240, 150


def block(left: int, top: int, size: int = 40) -> dict:
    mask = np.zeros((HEIGHT, WIDTH), np.uint8, order="F")
    mask[top : top + size, left : left + size] = 1
    code = coco_mask.encode(mask)
    return {"size": code["size"], "counts": code["counts"].decode()}


def test_both_sides_show_their_masks_in_the_colours_of_their_verdicts():
    truth = TruthPicture("a.png", (WIDTH, HEIGHT), (
        TruthInstance(0, block(20, 60), 1600, False), TruthInstance(1, block(150, 60), 1600, False),
    ))  # fmt: skip
    said = {"file": "a.png", "detections": [
        {"part": "left", "score": 0.9, "mask": block(20, 60)}, {"part": "right", "score": 0.4, "mask": block(90, 100)},
    ]}  # fmt: skip
    case = WorstCase(
        picture=0, file="a.png", cost=2, faults=(), instances=("found", "missed"), detections=("right", "false")
    )
    picture = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
    drawn = draw_worst_case(picture, truth, said, case, ["left", "right"])
    gap = drawn.shape[1] - 2 * WIDTH
    assert drawn.shape[0] == HEIGHT
    assert gap > 0
    assert (drawn[:, WIDTH : WIDTH + gap] == 255).all()
    assert (picture == 90).all()
    for offset, left, top, verdict in (
        (0, 20, 60, "found"), (0, 150, 60, "missed"), (WIDTH + gap, 20, 60, "right"), (WIDTH + gap, 90, 100, "false"),
    ):  # fmt: skip
        border = drawn[top : top + 40, offset + left].astype(int)
        close = np.abs(border - bgr(VERDICT_COLOURS[verdict])).max(axis=1) < 40
        assert close.mean() > 0.6, verdict
    orange = np.abs(drawn[:, :WIDTH].astype(int) - bgr(VERDICT_COLOURS["false"])).max(axis=2) < 40
    assert not orange[:, 84:140].any()  # the false detection is on the other side only

"""Truth and detections for the tests of evaluation, made with shapely and pycocotools alone."""

import math
from collections.abc import Sequence

import numpy as np
from modeling_scenes import bracket, paint, triangle, washer
from pycocotools import mask as coco_mask

from kontur.data_preprocessing.sample import Sample
from kontur.geometry import Contour, PixelPose, make_part
from kontur.modeling.detections import Detections, from_poses
from kontur.modeling.ground_truth import GroundTruth, TruthInstance, TruthPicture, too_little

SIZE_WH = (320, 200)


def mirrored_bracket():
    """The bracket's mirror image, as a part of its own."""
    part = bracket()
    holes = tuple(Contour(hole.points * (-1, 1)) for hole in part.holes)
    return make_part("mirrored", Contour(part.outer.points * (-1, 1)), holes)


PARTS = (bracket(), washer(), triangle(), mirrored_bracket())
BRACKET, WASHER, TRIANGLE, MIRRORED = range(4)


def pose(u: float, v: float, angle_deg: float = 0.0, scale: float = 1.6, flipped: bool = False) -> PixelPose:
    return PixelPose(u, v, math.radians(angle_deg), scale, flipped)


PLACED = (
    (
        (BRACKET, pose(60, 60, 20)),
        (WASHER, pose(160, 60)),
        (TRIANGLE, pose(250, 100, 75)),
        (MIRRORED, pose(90, 150, -40)),
    ),
    ((BRACKET, pose(100, 90, 200, 1.4, True)), (TRIANGLE, pose(230, 60, 10, 1.8)), (WASHER, pose(200, 150, 0, 1.2))),
    ((WASHER, pose(40, 40)), (WASHER, pose(120, 50)), (BRACKET, pose(210, 120, 95))),
)


def samples() -> list[Sample]:
    return [paint(PARTS, placed, SIZE_WH) for placed in PLACED]


def truth_of(scenes: Sequence[Sample]) -> GroundTruth:
    """The truth about painted scenes; pictures are called 0.png, 1.png, ..."""
    pictures = []
    for number, scene in enumerate(scenes):
        instances = []
        for key, item in enumerate(scene.instances, 1):
            mask = np.asfortranarray((scene.ids == key).astype(np.uint8))
            ignored = too_little(int(mask.sum()), item.visible_fraction)
            code = coco_mask.encode(mask)
            instances.append(TruthInstance(item.part, code, int(mask.sum()), ignored, item.pose, item.visible_fraction))
        pictures.append(TruthPicture(f"{number}.png", SIZE_WH, tuple(instances)))
    return GroundTruth("painted scenes", PARTS, tuple(pictures), lambda index: scenes[index].image)


def said(*rows: tuple[int, float, PixelPose]) -> Detections:
    """Detections from (part, score, pose)."""
    return from_poses(SIZE_WH, [row[0] for row in rows], [row[1] for row in rows], [row[2] for row in rows])


class Scripted:
    """A detector that says what it was told to say, picture by picture."""

    parts = PARTS

    def __init__(self, answers: Sequence[Detections]) -> None:
        self._answers = iter(answers)

    def detect(self, picture: np.ndarray) -> Detections:
        assert picture.shape == (SIZE_WH[1], SIZE_WH[0], 3)
        return next(self._answers)


def oracle(placed=PLACED, score: float = 0.9) -> list[Detections]:
    """The truth as detections."""
    return [said(*((part, score, where) for part, where in scene)) for scene in placed]

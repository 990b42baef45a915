"""The pictures in which most went wrong, and what it was, in words."""

from collections.abc import Sequence

import numpy as np

from kontur.modeling.confusion import Pairing, missed_instances
from kontur.modeling.evaluation import WorstCase
from kontur.modeling.ground_truth import GroundTruth, TruthPicture
from kontur.modeling.results import PictureResult

LISTED = 8
FOUND, RIGHT, CONFUSED, MISSED, FALSE, IGNORED = "found", "right", "confused", "missed", "false", "ignored"
"""Verdicts of instances and of detections."""


def worst_cases(
    truth: GroundTruth, results: Sequence[PictureResult], pairings: Sequence[Pairing]
) -> tuple[WorstCase, ...]:
    """Return the worst pictures, the worst first; when nothing is wrong at all, those with the poorest masks."""
    names = [part.name for part in truth.parts]
    cases = [
        _case(index, names, picture, result, pairing)
        for index, (picture, result, pairing) in enumerate(zip(truth.pictures, results, pairings, strict=True))
    ]
    return tuple(sorted(cases, key=lambda case: (-case.cost, case.picture))[:LISTED])


def _case(
    index: int, names: Sequence[str], picture: TruthPicture, result: PictureResult, pairing: Pairing
) -> WorstCase:
    entries = result["detections"]
    true = [names[item.part] for item in picture.instances]
    instances = [IGNORED if item.ignored else FOUND for item in picture.instances]
    detections = [FALSE if false else IGNORED if ignored else RIGHT
                  for false, ignored in zip(pairing.false, pairing.ignored, strict=True)]  # fmt: skip
    faults = []
    for detection, instance in pairing.pairs:
        if entries[detection]["part"] != true[instance]:
            instances[instance] = detections[detection] = CONFUSED
            faults.append(f"{true[instance]} taken for {entries[detection]['part']}")
    for instance in missed_instances(picture, pairing):
        instances[instance] = MISSED
        faults.append(f"{true[instance]} missed")
    faults += [f"false {entries[detection]['part']}" for detection in np.flatnonzero(pairing.false)]
    poorness = sum(1 - float(pairing.iou[detection]) for detection, _ in pairing.pairs)
    return WorstCase(
        picture=index,
        file=picture.file,
        cost=len(faults) + poorness,
        faults=tuple(faults),
        instances=tuple(instances),
        detections=tuple(detections),
    )

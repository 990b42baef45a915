"""Which detection covers which instance, whatever it is called; and what that says about names.

Detections are taken by falling score; each takes the free instance that it overlaps best, if by IoU of at least 0.5. One
that takes none but lies (half of its area or more) on an ignored instance is ignored itself; the rest are false.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco_mask

from kontur.modeling.evaluation import Confusion, LookAlike, PartTraits
from kontur.modeling.ground_truth import TruthPicture
from kontur.modeling.results import PictureResult

LEAST_IOU = 0.5
NOTHING, MISSED = "nothing there", "missed"
_NONE, _IGNORED = -1, -2


@dataclass(frozen=True, eq=False)
class Pairing:
    """How detections and instances of one picture belong together.

    Attributes:
        taken: (D,) int64 instance that each detection covers; `false` and `ignored` say which cover none.
        iou: (D,) float64 of the pair, 0 without one.
    """

    taken: NDArray[np.int64]
    iou: NDArray[np.float64]

    @property
    def pairs(self) -> list[tuple[int, int]]:
        """(detection, instance) of those that belong together."""
        return [(int(detection), int(self.taken[detection])) for detection in np.flatnonzero(self.taken >= 0)]

    @property
    def false(self) -> NDArray[np.bool_]:
        """(D,) detections of nothing."""
        return self.taken == _NONE

    @property
    def ignored(self) -> NDArray[np.bool_]:
        """(D,) detections of ignored instances."""
        return self.taken == _IGNORED


def pair_up(truth: TruthPicture, result: PictureResult) -> Pairing:
    """Match one picture's detections to its instances by mask."""
    entries = result["detections"]
    taken = np.full(len(entries), _NONE, np.int64)
    iou = np.zeros(len(entries))
    if not entries or not truth.instances:
        return Pairing(taken, iou)
    masks, instances = [entry["mask"] for entry in entries], [item.mask for item in truth.instances]
    overlap = np.array(coco_mask.iou(masks, instances, [0] * len(instances)))
    inside = np.array(coco_mask.iou(masks, instances, [1] * len(instances)))
    ignored = np.array([item.ignored for item in truth.instances])
    free = ~ignored
    for detection in np.argsort([-entry["score"] for entry in entries], kind="stable").tolist():
        best = int(np.argmax(np.where(free, overlap[detection], -1.0)))
        if free[best] and overlap[detection, best] >= LEAST_IOU:
            taken[detection], iou[detection], free[best] = best, overlap[detection, best], False
        elif (inside[detection, ignored] >= LEAST_IOU).any():
            taken[detection] = _IGNORED
    return Pairing(taken, iou)


def count_confusion(
    names: Sequence[str], truth: Sequence[TruthPicture], results: Sequence[PictureResult], pairings: Sequence[Pairing]
) -> Confusion:
    """Count what was there against what was said."""
    count = len(names)
    table = np.zeros((count + 1, count + 1), np.int64)
    for picture, result, pairing in zip(truth, results, pairings, strict=True):
        said = [names.index(entry["part"]) for entry in result["detections"]]
        for detection, instance in pairing.pairs:
            table[picture.instances[instance].part, said[detection]] += 1
        for detection in np.flatnonzero(pairing.false).tolist():
            table[count, said[detection]] += 1
        for index in missed_instances(picture, pairing):
            table[picture.instances[index].part, count] += 1
    return Confusion(names=tuple(names), counts=tuple(tuple(int(cell) for cell in row) for row in table))


def missed_instances(truth: TruthPicture, pairing: Pairing) -> list[int]:
    """Return the indices of instances that count and that no detection covers."""
    taken = {instance for _, instance in pairing.pairs}
    return [index for index, item in enumerate(truth.instances) if not item.ignored and index not in taken]


def look_alikes(confusion: Confusion, parts: Sequence[PartTraits]) -> tuple[LookAlike, ...]:
    """Return the pairs of parts that were confused, the most frequent first."""
    table = np.array(confusion.counts)[:-1, :-1]
    matched = table.sum(axis=1)
    wrong = table * (1 - np.eye(len(parts), dtype=np.int64))
    rows = [
        LookAlike(
            part=parts[i].name, taken_for=parts[j].name, count=int(wrong[i, j]), share=float(wrong[i, j] / matched[i])
        )
        for i, j in np.argwhere(wrong)
    ]
    return tuple(sorted(rows, key=lambda row: (-row.count, row.part, row.taken_for)))

"""Annotated photographs as samples to learn from.

An annotation gives a part's outline, the network must learn its datum and face too. Both are found by laying the drawing on
the annotated mask, by the same alignment and registration that finds parts in pictures. Where the drawing does not fit the
mask (the part is partly hidden, or badly annotated), only its material is learnt from: its visible fraction is set to 0.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco_mask

from kontur.data_preprocessing.sample import MAX_INSTANCES, Instance, Sample
from kontur.errors import DatasetError
from kontur.geometry import Part, PixelPose
from kontur.modeling.annotated import id_map
from kontur.modeling.coarse_pose import align, direction_field, plane_told_by_edges
from kontur.modeling.detections import from_poses
from kontur.modeling.ground_truth import GroundTruth, TruthInstance
from kontur.modeling.masks import amodal_masks
from kontur.modeling.refine import register

LEAST_IOU = 0.85
"""The projected drawing must cover an annotated mask by this, or its pose is not used."""
_SCALE_SLACK = 1.06
_MARGIN_PX = 24
_LIGHT, _DARK = 200, 60


@dataclass(frozen=True, eq=False)
class Photographs:
    """Annotated pictures as samples, poses found once when they are opened."""

    truth: GroundTruth
    instances: tuple[tuple[Instance, ...], ...]

    def __len__(self) -> int:
        return len(self.instances)

    def __getitem__(self, index: int) -> Sample:
        return Sample(self.truth.load(index), id_map(self.truth.pictures[index]), self.instances[index])


def open_photographs(truth: GroundTruth, faces: str) -> Photographs:
    """Find the poses of all annotated parts.

    Args:
        truth: pictures and masks.
        faces: "up" or "both": whether parts may lie face down.

    Raises:
        DatasetError: nothing is annotated, or too much in one picture.
    """
    if not any(picture.instances for picture in truth.pictures):
        raise DatasetError(f"{truth.source}: nothing is annotated there")
    most = max(len(picture.instances) for picture in truth.pictures)
    if most > MAX_INSTANCES:
        raise DatasetError(f"{truth.source}: {most} parts in one picture; at most {MAX_INSTANCES} can be learnt from")
    rows = [tuple(_instance(item, truth.parts, faces) for item in picture.instances) for picture in truth.pictures]
    return Photographs(truth, tuple(rows))


def _instance(item: TruthInstance, parts: Sequence[Part], faces: str) -> Instance:
    if item.pose is not None:
        return Instance(item.part, item.pose, 1.0 if item.visible_fraction is None else item.visible_fraction)
    mask = coco_mask.decode(item.mask).astype(bool)
    pose = pose_of_mask(mask, parts[item.part], faces)
    if pose is not None:
        return Instance(item.part, pose, 1.0)
    rows, columns = np.nonzero(mask)
    middle = (float(columns.mean()), float(rows.mean())) if len(rows) else (0.0, 0.0)
    return Instance(item.part, PixelPose(*middle, 0.0, 1.0), 0.0)


def pose_of_mask(mask: NDArray[np.bool_], part: Part, faces: str) -> PixelPose | None:
    """Return the pose at which a part's drawing covers a mask, None when it does not by LEAST_IOU.

    Args:
        mask: (H, W) bool, holes left out or filled.
        part: which part it is.
        faces: "up" or "both".
    """
    rows, columns = np.nonzero(mask)
    if len(rows) == 0:
        return None
    left, top = int(columns.min()) - _MARGIN_PX, int(rows.min()) - _MARGIN_PX
    size = int(columns.max()) - left + _MARGIN_PX + 1, int(rows.max()) - top + _MARGIN_PX + 1
    window = np.zeros(size[::-1], bool)
    window[rows - top, columns - left] = True
    scale = float(np.sqrt(len(rows) / part.area_mm2))
    sides = (False, True) if faces == "both" and part.chiral else (False,)
    middle = float(columns.mean()) - left, float(rows.mean()) - top
    starts = from_poses(size, [0] * len(sides), [1.0] * len(sides), [PixelPose(*middle, 0.0, scale, s) for s in sides])
    grey = np.where(window, _LIGHT, _DARK).astype(np.uint8)
    picture = cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR)
    field, scales = direction_field(picture), (scale / _SCALE_SLACK, scale * _SCALE_SLACK)
    plane = plane_told_by_edges(field, starts, np.zeros(len(sides), np.int64), [part], scales)
    found = register(picture, align(field, starts, [part], plane), [part])
    ious = [_iou(item.full(size), window) for item in amodal_masks(found, [part])]
    if not ious or max(ious) < LEAST_IOU:
        return None
    best = found.pose(int(np.argmax(ious)))
    return PixelPose(best.u + left, best.v + top, best.angle_rad, best.scale_px_per_mm, best.flipped)


def _iou(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> float:
    return float(np.count_nonzero(a & b)) / max(1.0, float(np.count_nonzero(a | b)))

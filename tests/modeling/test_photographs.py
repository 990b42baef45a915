"""Poses of annotated parts against the poses they were painted at."""

import numpy as np
import pytest
from modeling_scenes import bracket, paint, triangle, washer
from pycocotools import mask as coco_mask

from kontur.errors import DatasetError
from kontur.geometry import PixelPose, angle_difference
from kontur.modeling.ground_truth import GroundTruth, TruthInstance, TruthPicture
from kontur.modeling.photographs import open_photographs, pose_of_mask

PARTS = (bracket(), washer(), triangle())
SIZE_WH = (220, 160)


def mask_of(part, pose, size_wh=SIZE_WH):
    return paint(PARTS, [(part, pose)], size_wh).ids == 1


@pytest.mark.parametrize("flipped", [False, True])
@pytest.mark.parametrize("angle", [0.3, 1.9, 4.4])
@pytest.mark.parametrize("part", [0, 1, 2])
def test_a_mask_tells_the_pose(part, angle, flipped):
    truth = PixelPose(108.3, 77.6, angle, 1.7, flipped and PARTS[part].chiral)
    found = pose_of_mask(mask_of(part, truth), PARTS[part], "both")
    assert found is not None
    assert np.hypot(found.u - truth.u, found.v - truth.v) < 0.3
    assert found.scale_px_per_mm == pytest.approx(1.7, rel=0.01)
    if PARTS[part].chiral:
        assert found.flipped == truth.flipped
    if PARTS[part].symmetry:
        assert abs(angle_difference(found.angle_rad, angle, PARTS[part].symmetry)) < np.radians(1.0)


def test_face_up_is_not_looked_at_from_behind():
    down = mask_of(0, PixelPose(108.3, 77.6, 0.5, 1.7, True))
    found = pose_of_mask(down, PARTS[0], "up")
    assert found is None or not found.flipped


def test_a_half_hidden_part_has_no_pose():
    mask = mask_of(0, PixelPose(108.3, 77.6, 0.5, 1.7))
    mask[:, 108:] = False
    assert pose_of_mask(mask, PARTS[0], "up") is None


def test_another_parts_mask_has_no_pose():
    assert pose_of_mask(mask_of(2, PixelPose(100, 80, 0.5, 1.7)), PARTS[0], "both") is None
    assert pose_of_mask(np.zeros((50, 60), bool), PARTS[0], "both") is None


def truth_of(masks) -> GroundTruth:
    items = tuple(
        TruthInstance(part, coco_mask.encode(np.asfortranarray(mask.astype(np.uint8))), int(mask.sum()), False)
        for part, mask in masks
    )
    picture = np.full((SIZE_WH[1], SIZE_WH[0], 3), 90, np.uint8)
    return GroundTruth("photos", PARTS, (TruthPicture("a.png", SIZE_WH, items),), lambda _: picture)


def test_samples_hold_masks_poses_and_what_is_hidden():
    whole = mask_of(0, PixelPose(60.2, 70.1, 0.5, 1.5))
    half = mask_of(2, PixelPose(160, 80, 0.2, 1.5))
    half[:, 160:] = False
    samples = open_photographs(truth_of([(0, whole), (2, half)]), "up")
    assert len(samples) == 1
    sample = samples[0]
    np.testing.assert_array_equal(sample.ids == 1, whole)
    np.testing.assert_array_equal(sample.ids == 2, half)
    first, second = sample.instances
    assert (first.pose.u, first.pose.v) == pytest.approx((60.2, 70.1), abs=0.3)
    assert first.visible_fraction == 1.0
    assert second.visible_fraction == 0.0, "only its material is learnt from"


def test_nothing_annotated_and_too_much():
    with pytest.raises(DatasetError, match="nothing is annotated"):
        open_photographs(truth_of([]), "up")
    dot = np.zeros((SIZE_WH[1], SIZE_WH[0]), bool)
    dot[3:5, 3:5] = True
    with pytest.raises(DatasetError, match="at most 255"):
        open_photographs(truth_of([(0, dot)] * 256), "up")

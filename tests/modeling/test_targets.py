"""Targets, quarter turns and proposals: what goes in as truth must come out."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from modeling_scenes import bracket, paint, triangle, washer

from kontur.geometry import PixelPose
from kontur.modeling.crops import CropSettings, as_tensors, quarter_turn
from kontur.modeling.heads import HEADS
from kontur.modeling.model_info import known_parts
from kontur.modeling.proposals import ProposalOptions, propose
from kontur.modeling.targets import NO_PART, PartTraits, cell_targets

SIZE_WH = (352, 224)
PARTS = (bracket(), washer(), triangle())
TRAITS = PartTraits(np.array([p.chiral for p in PARTS]))
NOMINAL = 1.5
SETTINGS = CropSettings(224, TRAITS, 0)
POSES = (
    (0, PixelPose(90.0, 80.0, 0.7, 1.6)),
    (1, PixelPose(200.5, 60.25, 0.0, 1.45)),
    (2, PixelPose(270.0, 150.0, 1.2, 1.5)),
    (0, PixelPose(120.0, 170.0, 2.9, 1.55, flipped=True)),
)


def perfect_output(sample) -> np.ndarray:
    """Raw network output that says exactly what the targets say."""
    targets = cell_targets(sample.ids, sample.instances, TRAITS)
    height, width = targets["foreground"].shape
    output = np.zeros((HEADS.part.start + len(PARTS), height, width), np.float32)
    output[HEADS.foreground] = np.where(targets["foreground"] > 0, 8, -8)
    output[HEADS.offset] = targets["offset"]
    output[HEADS.flipped] = np.where(targets["flipped"] > 0, 8, -8)
    for part in range(len(PARTS)):
        output[HEADS.part.start + part] = np.where(targets["part"] == part, 8, -8)
    return output


def propose_all(sample, faces="both"):
    options = ProposalOptions(0.5, 1, faces, NOMINAL)
    return propose(perfect_output(sample), sample.ids.shape[::-1], known_parts(PARTS), options)[0]


def test_proposals_return_the_parts_and_places_that_made_the_targets():
    found = propose_all(paint(PARTS, POSES, SIZE_WH))
    assert len(found) == len(POSES)
    for part, pose in POSES:
        index = int(np.linalg.norm(found.uv - (pose.u, pose.v), axis=1).argmin())
        said = found.pose(index)
        assert int(found.part[index]) == part
        assert (said.u, said.v) == pytest.approx((pose.u, pose.v), abs=0.01)
        assert said.flipped == pose.flipped
        assert found.score[index] > 0.99


def test_a_part_whose_datum_lies_outside_the_picture_is_proposed():
    pose = PixelPose(-10.0, 100.0, 0.3, 1.6)
    found = propose_all(paint(PARTS, [(0, pose)], SIZE_WH))
    assert len(found) == 1
    assert found.uv[0] == pytest.approx((pose.u, pose.v), abs=0.01)


def test_an_empty_picture_gives_no_proposals():
    assert len(propose_all(paint(PARTS, [], SIZE_WH))) == 0


def test_faces_up_never_proposes_a_part_face_down():
    assert not propose_all(paint(PARTS, POSES, SIZE_WH), faces="up").flipped.any()


@settings(max_examples=20, deadline=None)
@given(
    turns=st.integers(0, 3),
    u=st.floats(60, 250),
    v=st.floats(60, 160),
    angle=st.floats(0, 6.28),
    flipped=st.booleans(),
)
def test_turning_a_sample_turns_its_pose(turns, u, v, angle, flipped):
    """The turned pose, painted anew, covers the turned id map."""
    sample = paint(PARTS, [(0, PixelPose(u, v, angle, 1.5, flipped))], SIZE_WH)
    turned = quarter_turn(sample, turns)
    repainted = paint(PARTS, [(0, turned.instances[0].pose)], turned.ids.shape[::-1])
    assert np.count_nonzero(repainted.ids != turned.ids) <= 2  # pixels whose centre lies on the contour to rounding


def test_targets_mark_the_background_and_weigh_small_parts_more():
    small = (1, PixelPose(60.0, 60.0, 0.0, 0.6))
    large = (0, PixelPose(200.0, 120.0, 0.0, 3.0))
    sample = paint(PARTS, [small, large], SIZE_WH)
    targets = cell_targets(sample.ids, sample.instances, TRAITS)
    cells = sample.ids[2::4, 2::4]
    assert (targets["part"][cells == 0] == NO_PART).all()
    assert (targets["weight"][cells == 0] == 0).all()
    assert targets["weight"][cells == 1].min() > targets["weight"][cells == 2].max() > 0
    assert (targets["flipped_weight"][cells == 1] == 0).all(), "a ring has no face to learn"


def test_hardly_visible_parts_are_foreground_but_teach_nothing_else():
    from dataclasses import replace

    sample = paint(PARTS, [(0, PixelPose(100.0, 100.0, 0.0, 1.5))], SIZE_WH)
    hidden = tuple(replace(item, visible_fraction=0.05) for item in sample.instances)
    targets = cell_targets(sample.ids, hidden, TRAITS)
    assert targets["foreground"].sum() > 0
    assert targets["weight"].sum() == 0


def test_tensors_keep_shapes_and_types():
    tensors = as_tensors(paint(PARTS, POSES, SIZE_WH), SETTINGS)
    assert tensors["picture"].shape == (3, SIZE_WH[1], SIZE_WH[0])
    assert tensors["picture"].dtype == torch.uint8
    assert tensors["offset"].shape == (2, SIZE_WH[1] // 4, SIZE_WH[0] // 4)

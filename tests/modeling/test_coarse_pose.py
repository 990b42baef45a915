"""Angle and scale from edges alone: painted scenes whose poses are known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from modeling_scenes import bracket, paint, triangle, washer

from kontur.geometry import PixelPose, angle_difference
from kontur.modeling.coarse_pose import ANGLE_STEP_RAD, align, edge_field
from kontur.modeling.detections import from_poses

SIZE_WH = (320, 224)
PARTS = (bracket(), washer(), triangle())
RANGE = (1.2, 1.8)
CAPTURED_PX = 5.0
"""The registration finds the contour when it starts this near, see refine.COARSE_ROUNDS."""
PLACES = [(80.0, 70.0), (220.0, 80.0), (150.0, 160.0)]


def hypotheses(placed, shift=(0.0, 0.0)):
    """What a network would say: part, side and place, neither angle nor scale."""
    rows = [(part, PixelPose(p.u + shift[0], p.v + shift[1], 0.0, 1.5, p.flipped)) for part, p in placed]
    parts, poses = zip(*rows, strict=True)
    return from_poses(SIZE_WH, parts, [0.9] * len(rows), poses), np.arange(len(rows))


def best_error(found, part: int, truth: PixelPose) -> tuple[float, float, float]:
    """Angle error in steps, scale ratio and distance in px of the nearest offered pose of this part and side."""
    offered = [found.pose(k) for k in range(len(found)) if found.part[k] == part and found.flipped[k] == truth.flipped]
    near = [pose for pose in offered if np.hypot(pose.u - truth.u, pose.v - truth.v) < 20]
    errors = [abs(angle_difference(pose.angle_rad, truth.angle_rad, PARTS[part].symmetry)) for pose in near]
    best = near[int(np.argmin(errors))]
    distance = float(np.hypot(best.u - truth.u, best.v - truth.v))
    return min(errors) / ANGLE_STEP_RAD, best.scale_px_per_mm / truth.scale_px_per_mm, distance


@settings(max_examples=10, deadline=None)
@given(
    angle=st.floats(0, 6.28),
    scale=st.floats(*RANGE),
    flipped=st.booleans(),
    shift=st.tuples(st.floats(-5, 5), st.floats(-5, 5)),
)
def test_the_right_angle_and_scale_are_among_those_offered(angle, scale, flipped, shift):
    placed = [(part, PixelPose(*place, angle + part, scale, flipped)) for part, place in enumerate(PLACES)]
    found = align(paint(PARTS, placed, SIZE_WH).image, *hypotheses(placed, shift), PARTS, RANGE)
    for part, truth in placed:
        steps, ratio, distance = best_error(found, part, truth)
        assert steps <= 1.6
        assert abs(ratio - 1) * PARTS[part].radius_mm * truth.scale_px_per_mm < CAPTURED_PX
        assert distance < 6


def test_the_sign_of_the_edges_does_not_matter():
    placed = [(part, PixelPose(*place, 0.8, 1.5)) for part, place in enumerate(PLACES)]
    picture = paint(PARTS, placed, SIZE_WH).image
    bright = align(picture, *hypotheses(placed), PARTS, RANGE)
    dark = align(255 - picture, *hypotheses(placed), PARTS, RANGE)
    np.testing.assert_allclose(bright.matrix, dark.matrix)


def test_a_part_cut_by_the_border_is_turned_rightly():
    placed = [(0, PixelPose(8.0, 100.0, 2.1, 1.5))]
    found = align(paint(PARTS, placed, SIZE_WH).image, *hypotheses(placed), PARTS, RANGE)
    assert best_error(found, *placed[0])[0] <= 1.6


def test_nothing_proposed_gives_nothing():
    empty = from_poses(SIZE_WH, [], [], [])
    assert len(align(np.zeros((224, 320, 3), np.uint8), empty, np.zeros(0, np.int64), PARTS, RANGE)) == 0


def test_the_field_is_double_the_edges_angle():
    """An edge across x reads (1, 0), one across y (-1, 0), a diagonal one (0, +-1): the angle doubled."""
    rows, columns = np.mgrid[0:160, 0:200]
    for inside, expected in (
        (columns > 100, (1, 0)), (rows > 80, (-1, 0)), (columns + rows > 180, (0, 1)), (columns - rows > 20, (0, -1)),
    ):  # fmt: skip
        picture = np.repeat(np.where(inside, 200, 50).astype(np.uint8)[..., None], 3, axis=2)
        middle = edge_field(picture)[40, 50]
        assert middle / np.linalg.norm(middle) == pytest.approx(expected, abs=0.05)

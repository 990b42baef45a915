"""Which near-identical parts a picture tells apart, as `benchmarks/telling.py` judges it, in flat painted pictures."""

import sys
from pathlib import Path

import numpy as np
import pytest

from kontur.geometry import Contour, PixelPose, circle_contour, make_part

sys.path.insert(0, str(Path(__file__).parent / "modeling"))
sys.path.append(str(Path(__file__).resolve().parents[1] / "benchmarks"))
from modeling_scenes import paint

telling = pytest.importorskip("telling")

SIZE_WH = (200, 160)
SCALE = 2.0
HOLE_MM = 3.0
HOLE_LENGTH_MM = 2 * np.pi * HOLE_MM


def ell(name, length=52.0, hole_x=40.0):
    """An L with a hole along its long leg; its corner lies at (0, 0) before the datum does."""
    corners = np.array([[0, 0], [length, 0], [length, 13], [12, 13], [12, 30], [0, 30]], float)
    return make_part(name, Contour(corners), (circle_contour(hole_x, 6.5, HOLE_MM),))


def disc(radius_mm):
    return make_part("disc", circle_contour(0, 0, radius_mm))


A, B, LONGER, SLIGHTLY_LONGER = ell("a"), ell("b", hole_x=28), ell("longer", 60), ell("slightly", 52.5)
WHOLE = PixelPose(100, 80, 0.4, SCALE)


def can_be_told(others, *above, pose=WHOLE, least_mm=10.0):
    """Whether an A is told from others in a picture where (part, place in A's frame) lie on it."""
    covers = [part for part, _ in above]
    placed = [(0, pose)]
    placed += [(1 + k, PixelPose(*pose.apply(np.array([at]))[0], 0.0, SCALE)) for k, (_, at) in enumerate(above)]
    return telling.can_be_told(paint([A, *covers], placed, SIZE_WH), 0, [A, *others], least_mm)


def hole_of(part, onto=A):
    """Where a part's hole lies when its corner lies on the other one's: in the other's frame."""
    return part.holes[0].points.mean(axis=0) - part.outer.points.min(axis=0) + onto.outer.points.min(axis=0)


@pytest.mark.parametrize("angle", [0.0, 0.4, -2.2])
@pytest.mark.parametrize("other", [B, LONGER], ids=lambda part: part.name)
def test_a_whole_part_is_told_from_another_hole_and_another_length(angle, other):
    assert can_be_told([other], pose=PixelPose(100, 80, angle, SCALE))


def test_a_part_is_told_by_its_own_hole_and_by_the_lack_of_the_others():
    """Both holes are seen not to be the other's: as much contour as their two circles have."""
    assert can_be_told([B], least_mm=1.9 * HOLE_LENGTH_MM)
    assert not can_be_told([B], least_mm=2.1 * HOLE_LENGTH_MM)


@pytest.mark.parametrize("covered", [A, B], ids=lambda part: part.name)
def test_one_hole_covered_leaves_the_other_to_tell(covered):
    above = disc(5.5), hole_of(covered)
    assert can_be_told([B], above, least_mm=0.9 * HOLE_LENGTH_MM)
    assert not can_be_told([B], above, least_mm=1.1 * HOLE_LENGTH_MM)


def test_a_part_whose_telling_holes_are_covered_cannot_be_told():
    assert not can_be_told([B], (disc(5.5), hole_of(A)), (disc(5.5), hole_of(B)), least_mm=2.0)


def test_half_outside_the_picture_it_is_the_other_length_too():
    """The short leg and the corner are one; the far end lies outside, and the hole of the longer one as well."""
    pose = PixelPose(190, 80, 0.0, SCALE)
    assert not can_be_told([LONGER], pose=pose)
    assert not can_be_told([LONGER, B], pose=pose)
    assert can_be_told([disc(15.0)], pose=pose)


def test_it_must_be_told_from_all_the_others():
    above = (disc(5.5), hole_of(A)), (disc(5.5), hole_of(B))
    assert can_be_told([LONGER], *above)
    assert not can_be_told([LONGER, B], *above)


def test_contours_less_than_a_pixel_apart_tell_nothing():
    assert not can_be_told([SLIGHTLY_LONGER], least_mm=2.0)


def test_of_what_is_not_seen_nothing_is_told():
    assert not can_be_told([B], (disc(45.0), (0.0, 0.0)), least_mm=0.0)


def test_what_lies_below_hides_nothing():
    plate = make_part("plate", Contour(np.array([[0, 0], [90, 0], [90, 70], [0, 70]], float)))
    sample = paint([plate, A], [(0, PixelPose(100, 80, 0.0, SCALE)), (1, WHOLE)], SIZE_WH)
    assert telling.can_be_told(sample, 1, [plate, A, B], 1.9 * HOLE_LENGTH_MM)


def test_a_contour_of_which_a_single_point_is_near_is_not_turned():
    own, other = np.array([0.5j, -0.5j]), np.array([0, 50 + 0j])
    laid = telling._laid(other, own, own)
    assert np.isfinite(laid).all()
    assert abs(laid[1] - laid[0]) == pytest.approx(50)

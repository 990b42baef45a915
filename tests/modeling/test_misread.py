"""Outlines a few pixels longer than the part that lies there: what the edge reader says against them, and what follows."""

import numpy as np
import pytest
from modeling_scenes import paint

from kontur.geometry import Contour, PixelPose, circle_contour, make_part
from kontur.modeling.decide import decide
from kontur.modeling.detections import concatenate, from_poses
from kontur.modeling.look_alikes import alike, find_stand_ins
from kontur.modeling.misread import looked_at, misread
from kontur.modeling.plane import Plane
from kontur.modeling.views import Views

SIZE_WH = (320, 240)
LEVEL = Plane((0.0, 0.0), 350.0, (159.5, 119.5), np.log(1.5))
POSES = [PixelPose(90, 80, 0.4, 1.5), PixelPose(215, 150, 2.5, 1.5)]


def ell(name, length, hole_x=40.0):
    """An L whose corner lies at (0, 0) before the datum does, with a hole along the long leg."""
    corners = np.array([[0, 0], [length, 0], [length, 13], [12, 13], [12, 30], [0, 30]], float)
    return make_part(name, Contour(corners), (circle_contour(hole_x, 6.5, 3.0),))


PARTS = (ell("a", 52), ell("b", 52, hole_x=34), ell("longer", 54))
ALIKE = alike(find_stand_ins(PARTS, "up"))


@pytest.fixture(scope="module")
def views():
    """A picture of two "a", one of them bright on dark, both in a little noise."""
    picture = paint(PARTS, [(0, pose) for pose in POSES], SIZE_WH).image
    noisy = picture + np.random.default_rng(1).normal(0, 2, picture.shape)
    return Views(np.clip(noisy, 0, 255).astype(np.uint8))


def laid(part, pose):
    return from_poses(SIZE_WH, [part], [0.9], [pose])


def alone(views, part, pose):
    return float(misread(views, laid(part, pose), PARTS, LEVEL, np.eye(len(PARTS), dtype=bool))[0])


def length_px(part):
    return sum(contour.perimeter_mm for contour in PARTS[part].contours) * 1.5


@pytest.mark.parametrize("pose", POSES)
def test_little_is_read_against_the_part_that_lies_there(views, pose):
    assert alone(views, 0, pose) < 0.1 * length_px(0)


@pytest.mark.parametrize("pose", POSES)
def test_more_is_read_against_an_outline_that_is_longer_or_lies_beside(views, pose):
    true = alone(views, 0, pose)
    beside = PixelPose(pose.u + 1.0, pose.v + 1.0, pose.angle_rad, pose.scale_px_per_mm)
    assert alone(views, 2, pose) > true + 30
    assert alone(views, 0, beside) > true + 0.5 * length_px(0)


def test_the_best_read_of_a_family_speaks_for_all_of_it_in_one_place(views):
    beside = PixelPose(POSES[0].u + 1.0, POSES[0].v, POSES[0].angle_rad, 1.5)
    rows = from_poses(SIZE_WH, [0, 1, 2, 1], [0.9] * 4, [POSES[0], beside, beside, POSES[1]])
    read = misread(views, rows, PARTS, LEVEL, ALIKE)
    own = [
        alone(views, part, pose) for part, pose in zip((0, 1, 2, 1), (POSES[0], beside, beside, POSES[1]), strict=True)
    ]
    assert own[1] > own[0]
    assert read == pytest.approx([own[0], own[0], own[2], own[3]], rel=0.05)


def test_what_speaks_against_a_hypothesis_tips_the_choice_but_not_the_score(views):
    rows = from_poses(SIZE_WH, [0, 1], [0.9, 0.9], [POSES[0]] * 2)
    plain = decide(views, rows, PARTS)
    assert plain.part.tolist() == [0]
    assert decide(views, rows, PARTS, against=np.array([1e4, 0.0])).part.tolist() == [1]
    slightly = decide(views, rows, PARTS, against=np.array([1.0, 0.0]))
    assert slightly.part.tolist() == [0]
    assert slightly.score == pytest.approx(plain.score)


def test_however_much_speaks_against_the_only_one_it_is_accepted(views):
    assert len(decide(views, laid(0, POSES[0]), PARTS, against=np.array([1e6]))) == 1


def weighed(views, decided):
    return looked_at(views, decided, PARTS, LEVEL, ALIKE)


def test_of_two_looks_the_one_in_whose_scale_the_parts_lie_weighs_more_and_is_not_doubtful(views):
    true = concatenate([laid(0, pose) for pose in POSES])
    larger = concatenate([laid(0, PixelPose(pose.u, pose.v, pose.angle_rad, 1.56)) for pose in POSES])
    assert weighed(views, true).balance > weighed(views, larger).balance
    assert not weighed(views, true).doubtful
    assert weighed(views, larger).doubtful
    assert weighed(views, true).decided is true


def test_the_one_that_much_is_read_against_is_doubted_among_others_that_lie_on_their_edges(views):
    off = PixelPose(POSES[1].u + 3.0, POSES[1].v, POSES[1].angle_rad, POSES[1].scale_px_per_mm)
    look = weighed(views, concatenate([laid(0, POSES[0]), laid(0, off)]))
    assert look.doubted.tolist() == [False, True]


def test_a_look_that_finds_nothing_weighs_nothing(views):
    look = weighed(views, laid(0, POSES[0])[:0])
    assert (look.balance, look.doubtful, len(look.doubted)) == (0.0, False, 0)

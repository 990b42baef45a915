"""Parts of one outline: how they lie on each other (by shapely), and who is found where another one was proposed."""

import numpy as np
import pytest
import shapely
from modeling_scenes import bracket, paint, triangle, washer
from shapely import affinity
from untrained import untrained_detector

from kontur.geometry import Contour, PixelPose, circle_contour, make_part, turn_matrix
from kontur.modeling import looks
from kontur.modeling.coarse_pose import FIRST
from kontur.modeling.decide import decide
from kontur.modeling.detections import UNKNOWN, concatenate, from_poses
from kontur.modeling.look_alikes import SAME_OUTLINE, alike, find_stand_ins, in_place_of
from kontur.modeling.proposals import Proposal

ELL = np.array([[0, 0], [60, 0], [60, 14], [13, 14], [13, 34], [0, 34]], float)


def ell(name, hole_x, turn_rad=0.0, mirrored=False, stretched=1.0):
    """An L of 60 x 34 mm with a hole along the long leg, drawn turned or turned over."""
    matrix = turn_matrix(turn_rad, mirrored).T
    hole = circle_contour(*(np.array([hole_x, 7.0]) @ matrix), 3.0)
    return make_part(name, Contour(ELL * (stretched, 1) @ matrix), (hole,))


def outline(part):
    return shapely.Polygon(part.outer.points)


def placed(part, item):
    return affinity.affine_transform(outline(part), [*item.placement[:2, :2].ravel(), *item.placement[:2, 2]])


def overlap(a, b):
    return a.intersection(b).area / a.union(b).area


FAMILY = (
    ell("a", 50),
    ell("b", 46, turn_rad=2.0),
    bracket(),
    ell("c", 38, turn_rad=-0.7),
    ell("long", 50, stretched=1.1),
)


def test_parts_of_one_outline_stand_in_for_each_other_and_no_others():
    table = find_stand_ins(FAMILY, "up")
    assert [{item.part for item in items} for items in table] == [{1, 3}, {0, 3}, set(), {0, 1}, set()]
    expected = np.eye(5, dtype=bool)
    expected[np.ix_([0, 1, 3], [0, 1, 3])] = True
    assert (alike(table) == expected).all()


def test_the_outlines_lie_on_each_other():
    for part, items in enumerate(find_stand_ins(FAMILY, "up")):
        for item in items:
            assert overlap(outline(FAMILY[part]), placed(FAMILY[item.part], item)) > 0.998
            assert np.linalg.det(item.placement) == pytest.approx(1.0)


def test_a_part_turned_over_stands_in_only_where_parts_may_lie_face_down():
    parts = (ell("a", 50), ell("b", 46, mirrored=True))
    assert find_stand_ins(parts, "up") == ((), ())
    for part, items in enumerate(find_stand_ins(parts, "both")):
        (item,) = items
        assert item.mirrored
        assert np.linalg.det(item.placement) == pytest.approx(-1.0)
        assert overlap(outline(parts[part]), placed(parts[item.part], item)) > 0.998


def test_an_outline_that_looks_the_same_after_a_turn_is_laid_both_ways():
    plate = np.array([[0, 0], [50, 0], [50, 20], [0, 20]], float)
    parts = tuple(make_part(n, Contour(plate), (circle_contour(x, 8, 3),)) for n, x in (("a", 8), ("b", 15)))
    turns = [np.arctan2(*item.placement[[1, 0], 0]) for item in find_stand_ins(parts, "up")[0] if item.part == 1]
    assert sorted(np.abs(turns)) == pytest.approx([0, np.pi], abs=0.01)


def test_a_part_stands_in_for_itself_turned_where_its_outline_looks_the_same():
    plate = np.array([[0, 0], [50, 0], [50, 20], [0, 20]], float)
    parts = (make_part("one", Contour(plate), (circle_contour(8, 8, 3),)), bracket(), triangle(), washer())
    (item,), *others = find_stand_ins(parts, "both")[0][:1], *find_stand_ins(parts, "both")[1:]
    assert others == [(), (), ()]
    (turned,) = find_stand_ins(parts, "up")[0]
    assert turned.part == item.part == 0
    assert np.abs(np.arctan2(turned.placement[1, 0], turned.placement[0, 0])) == pytest.approx(np.pi, abs=1e-6)
    assert overlap(outline(parts[0]), placed(parts[0], turned)) > 0.998
    holes = [parts[0].holes[0].points, parts[0].holes[0].points @ turned.placement[:2, :2].T + turned.placement[:2, 2]]
    assert np.linalg.norm(holes[0].mean(axis=0) - holes[1].mean(axis=0)) > 30


def test_the_same_way_is_given_once():
    """A square plate with a hole in the middle looks the same after a quarter turn; the one it stands in for does not."""
    square = np.array([[0, 0], [30, 0], [30, 30], [0, 30]], float)
    centred, aside = (
        make_part(n, Contour(square), (circle_contour(x, 15, 4),)) for n, x in (("centred", 15), ("aside", 7))
    )
    assert centred.symmetry == 4
    first, second = find_stand_ins((centred, aside), "both")
    assert [[item.part for item in items] for items in (first, second)] == [[1] * 4, [0, 1, 1, 1]]


def test_a_part_that_is_another_one_turned_over_does_not_stand_in_for_it():
    """No picture could tell which of the two lies there."""
    assert find_stand_ins((ell("left", 50), ell("right", 50, mirrored=True)), "both") == ((), ())


def test_a_hair_too_large_is_another_outline():
    grown = 1 + (1 - SAME_OUTLINE)
    assert find_stand_ins((ell("a", 50), ell("b", 46, stretched=grown)), "up") == ((), ())


def test_no_parts_and_one_part_have_no_look_alikes():
    assert find_stand_ins((), "up") == ()
    assert find_stand_ins((washer(),), "both") == ((),)
    empty = in_place_of(from_poses((64, 64), [], [], []), ())
    assert len(empty) == 0


@pytest.mark.parametrize("flipped", [False, True])
def test_a_stand_in_takes_over_the_outline_in_the_picture(flipped):
    pose = PixelPose(100, 80, 0.4, 1.5, flipped)
    found = in_place_of(from_poses((320, 240), [0], [0.7], [pose]), find_stand_ins(FAMILY, "up"))
    assert sorted(found.part) == [1, 3]
    assert (found.flipped == flipped).all()
    assert np.isnan(found.support).all()
    assert (found.score == 0.7).all()
    seen = shapely.Polygon(pose.apply(FAMILY[0].outer.points))
    for row, part in enumerate(found.part):
        assert overlap(seen, shapely.Polygon(found.project(row, FAMILY[part].outer.points))) > 0.998
        hole = found.project(row, FAMILY[part].holes[0].points).mean(axis=0)
        assert found.pose(row).apply(FAMILY[part].holes[0].points).mean(axis=0) == pytest.approx(hole, abs=1e-6)


def test_what_is_unknown_or_unlike_all_others_has_no_stand_in():
    found = from_poses((320, 240), [UNKNOWN, 2], [0.5, 0.5], [PixelPose(50, 50, 0, 1.5)] * 2)
    assert len(in_place_of(found, find_stand_ins(FAMILY, "up"))) == 0


@pytest.mark.parametrize("true", [0, 1, 3])
@pytest.mark.parametrize("proposed", [0, 1, 3])
def test_the_picture_names_the_part_whichever_was_proposed(true, proposed):
    """A painted part, another one of its outline proposed where it lies: the hole decides."""
    at = from_poses((320, 240), [true], [1.0], [PixelPose(150, 110, 0.4, 1.5)])
    picture = paint(FAMILY, [(true, at.pose(0))], (320, 240)).image
    table = find_stand_ins(FAMILY, "up")
    if proposed != true:
        at = in_place_of(at, table)
        at = at[at.part == proposed]
    decided = decide(picture, concatenate([at, in_place_of(at, table)]), FAMILY)
    assert decided.part.tolist() == [true]


@pytest.fixture(scope="module")
def detector(tmp_path_factory):
    """An untrained network that knows the family."""
    return untrained_detector(tmp_path_factory.mktemp("model"), FAMILY)


def test_a_look_alike_that_was_not_proposed_is_found_and_registered(detector, monkeypatch):
    """Two parts, both proposed as another one of their family: named rightly, and fitted as what they are."""
    taken = []

    def offer(_field, hypotheses, _parts, _plane, search=FIRST):
        taken.append((len(hypotheses), search))
        return hypotheses

    monkeypatch.setattr(looks, "align", offer)
    poses = [PixelPose(90, 70, 0.4, 1.4), PixelPose(215, 160, 2.5, 1.4)]
    picture = paint(FAMILY, list(zip((1, 3), poses, strict=True)), (320, 240)).image
    truth = from_poses((320, 240), [1, 3], [0.9, 0.9], poses)
    stand_in = in_place_of(truth, find_stand_ins(FAMILY, "up"))
    wrong = stand_in[stand_in.part == 0]
    found = detector.accepted(picture, Proposal(wrong, np.arange(2)))
    assert sorted(found.part) == [1, 3]
    for row, part in enumerate(found.part):
        assert found.uv[row] == pytest.approx(truth.uv[truth.part == part][0], abs=0.1)
    assert np.isfinite(found.covariance).all()
    assert (found.support > 0.9).all()
    assert taken == [(2, FIRST)], "what was accepted needs no second look"


def test_a_part_without_look_alikes_is_not_looked_at_again(detector, monkeypatch):
    taken = []

    def offer(_picture, hypotheses, *_others, **_named):
        taken.append(len(hypotheses))
        return hypotheses

    monkeypatch.setattr(looks, "align", offer)
    poses = [PixelPose(80, 70, 0.4, 1.4), PixelPose(215, 160, 2.5, 1.4)]
    picture = paint(FAMILY, [(2, pose) for pose in poses], (320, 240)).image
    said = Proposal(from_poses((320, 240), [2, 2], [0.9, 0.9], poses), np.arange(2))
    assert len(detector.accepted(picture, said)) == 2
    assert taken == [2]


def test_shapes_of_other_kinds_are_never_alike():
    assert not any(find_stand_ins((bracket(), washer(), triangle()), "both"))

"""Kin of what was accepted: nearly one outline, laid on it at the shared scale; by shapely, and in a painted picture."""

from dataclasses import replace

import numpy as np
import pytest
import shapely
from modeling_scenes import bracket, paint, triangle, washer
from shapely import affinity
from untrained import untrained_detector

from kontur.geometry import Contour, PixelPose, circle_contour, make_part, turn_matrix
from kontur.modeling import looks
from kontur.modeling.detections import concatenate, from_poses
from kontur.modeling.kin import LEAST_OVERLAP, OF_DOUBTFUL, SMALLER, SUPPORTED, Kin
from kontur.modeling.look_alikes import best_ways, find_stand_ins
from kontur.modeling.plane import Plane
from kontur.modeling.proposals import Proposal

SIZE_WH = (320, 240)
SCALE = 1.5


def ell(name, length, height=30.0, hole_x=40.0, turn_rad=0.0, mirrored=False):
    """An L with a hole along its long leg, drawn turned or turned over."""
    corners = np.array([[0, 0], [length, 0], [length, 13], [12, 13], [12, height], [0, height]], float)
    matrix = turn_matrix(turn_rad, mirrored).T
    hole = circle_contour(*(np.array([hole_x, 6.5]) @ matrix), 3.0)
    return make_part(name, Contour(corners @ matrix), (hole,))


PARTS = (
    ell("short", 52),
    ell("short_b", 52, hole_x=34, turn_rad=2.0),
    ell("long", 56, turn_rad=-0.8),
    ell("long_b", 56, hole_x=34),
    triangle(),
    washer(),
)
SHORT, SHORT_B, LONG, LONG_B, TRIANGLE, WASHER = range(6)


def outline(part):
    return shapely.Polygon(part.outer.points)


def overlap(a, b):
    return a.intersection(b).area / a.union(b).area


def kin(parts=PARTS, faces="up"):
    return Kin(parts, find_stand_ins(parts, faces), faces)


def level(log_scale):
    return Plane((0.0, 0.0), 350.0, (159.5, 119.5), log_scale)


def supported(part, pose):
    """A part that was accepted and has its edges."""
    return replace(from_poses(SIZE_WH, [part], [0.8], [pose]), support=np.ones(1))


def hypotheses(*parts, at=(150, 110)):
    return from_poses(SIZE_WH, parts, [0.3] * len(parts), [PixelPose(*at, 0.0, SCALE)] * len(parts))


@pytest.mark.parametrize(("turn", "mirrored"), [(0.0, False), (1.1, False), (-2.5, True)])
def test_outlines_are_laid_corner_on_corner(turn, mirrored):
    """The shorter L lies wholly inside the longer one, so the overlap is the ratio of their areas."""
    a, b = ell("a", 56), ell("b", 52, turn_rad=turn, mirrored=mirrored)
    (way,) = best_ways(a, b, mirrored, 0.5)
    assert np.linalg.det(way) == pytest.approx(-1.0 if mirrored else 1.0)
    laid = affinity.affine_transform(outline(b), [*way[:2, :2].ravel(), *way[:2, 2]])
    assert overlap(outline(a), laid) == pytest.approx(b.outer.area_mm2 / a.outer.area_mm2, abs=0.01)


def test_what_overlaps_too_little_is_laid_nowhere():
    assert best_ways(bracket(), washer(), False, 0.6) == []


def test_an_outline_that_looks_the_same_after_a_turn_is_laid_both_ways():
    long, short = (
        make_part(n, Contour(np.array([[0, 0], [x, 0], [x, 20], [0, 20]], float))) for n, x in (("a", 50), ("b", 46))
    )
    holed = make_part("holed", short.outer, (circle_contour(-15, 0, 3),))
    turns = [float(np.arctan2(way[1, 0], way[0, 0])) for way in best_ways(long, holed, False, 0.8)]
    assert sorted(np.abs(turns)) == pytest.approx([0, np.pi], abs=0.03)


@pytest.mark.parametrize("found", [SHORT, SHORT_B])
@pytest.mark.parametrize("named", [LONG, LONG_B])
def test_one_of_the_other_family_is_laid_on_what_was_found_at_the_shared_scale(found, named):
    pose = PixelPose(150, 110, 0.4, SCALE * 1.05)
    accepted = from_poses(SIZE_WH, [found], [0.8], [pose])
    rows, beside = kin().beside(accepted, hypotheses(found, named), level(np.log(SCALE / SMALLER)))
    assert rows.tolist() == [0]
    assert beside.part.tolist() == [SHORT, LONG]
    assert beside.similarity[1] == pytest.approx(SCALE)
    assert beside.score.tolist() == [0.3, 0.3]
    seen = shapely.Polygon(pose.apply(PARTS[found].outer.points))
    for row, least in enumerate((0.87, 0.85)):
        laid = shapely.Polygon(beside.project(row, PARTS[beside.part[row]].outer.points))
        assert overlap(seen, laid) > least


def test_kin_of_kin_that_the_network_names_are_tried_too():
    """The longest is too long to be kin of the shortest, but both are kin of the one between."""
    parts = tuple(ell(name, length) for name, length in (("short", 48), ("middle", 54), ("long", 62)))
    found = supported(0, PixelPose(150, 110, 0.4, SCALE))
    tried = lambda *named: kin(parts).beside(found, hypotheses(*named), level(np.log(SCALE))).laid.part.tolist()  # noqa: E731
    assert tried(0, 2) == []
    assert tried(2, 1) == [0, 1, 2]


def test_the_score_is_what_the_network_says_of_the_family():
    found = from_poses(SIZE_WH, [SHORT], [0.8], [PixelPose(150, 110, 0.4, SCALE)])
    named = from_poses(SIZE_WH, [LONG, LONG_B], [0.2, 0.6], [PixelPose(150, 110, 0.0, SCALE)] * 2)
    assert kin().beside(found, named, level(np.log(SCALE))).laid.score.tolist() == [0.0, 0.6]


def test_only_what_the_network_names_in_that_place_is_tried():
    found = from_poses(SIZE_WH, [SHORT], [0.8], [PixelPose(150, 110, 0.4, SCALE)])
    assert len(kin().beside(found, hypotheses(LONG), Plane((0.0, 0.0), 350.0, (159.5, 119.5), None)).rows) == 0
    for named in (hypotheses(SHORT, SHORT_B, TRIANGLE, WASHER), hypotheses(LONG, at=(190, 110)), hypotheses()):
        assert len(kin().beside(found, named, level(np.log(SCALE))).laid) == 0


@pytest.mark.parametrize("named", [(), (TRIANGLE,)])
def test_in_the_place_of_what_is_doubted_all_kin_are_tried_named_or_not(named):
    found = supported(SHORT, PixelPose(150, 110, 0.4, SCALE))
    rows, beside = kin().beside(found, hypotheses(*named), level(np.log(SCALE)), np.array([True]))
    assert rows.tolist() == [0]
    assert beside.part.tolist() == [SHORT, LONG]
    assert beside.score.tolist() == [0.0, 0.0]


def test_of_a_long_list_the_kin_of_most_like_area_are_tried_in_the_place_of_what_is_doubted():
    parts = tuple(ell(f"ell{k}", 46 + 1.5 * k) for k in range(20))
    found = supported(10, PixelPose(150, 110, 0.4, SCALE))
    laid = kin(parts).beside(found, hypotheses(), level(np.log(SCALE)), np.array([True])).laid
    assert sorted(laid.part.tolist()) == list(range(4, 17))


def test_on_another_plane_what_has_no_kin_is_laid_again_too():
    poses = [PixelPose(80, 60, 0.4, SCALE), PixelPose(150, 110, 0.4, SCALE)]
    found = replace(from_poses(SIZE_WH, [WASHER, SHORT], [0.8] * 2, poses), support=np.ones(2))
    alone = kin().beside(found, hypotheses(LONG), level(np.log(SCALE)))
    assert (alone.rows.tolist(), alone.laid.part.tolist()) == ([1], [SHORT, LONG])
    larger = kin().beside(found, hypotheses(LONG), level(np.log(1.1 * SCALE)), everyone=True)
    assert (larger.rows.tolist(), larger.laid.part.tolist()) == ([0, 1], [WASHER, SHORT, LONG])
    assert larger.laid.similarity[1] == pytest.approx([1.1 * SMALLER * SCALE] * 3)


@pytest.mark.parametrize(("support", "tried"), [(SUPPORTED - 0.01, 2), (SUPPORTED, 0), (np.nan, 2)])
def test_what_few_edges_support_may_be_what_overlaps_less(support, tried):
    """Two Ls whose outlines overlap by three quarters: one that has its edges is not taken for the other."""
    parts = (ell("short", 44), ell("long", 56))
    way = best_ways(*parts, False, OF_DOUBTFUL)[0]
    laid = affinity.affine_transform(outline(parts[1]), [*way[:2, :2].ravel(), *way[:2, 2]])
    assert OF_DOUBTFUL < overlap(outline(parts[0]), laid) < LEAST_OVERLAP
    found = from_poses(SIZE_WH, [0], [0.8], [PixelPose(150, 110, 0.4, SCALE)])
    found = replace(found, support=np.array([support]))
    assert len(kin(parts).beside(found, hypotheses(1), level(np.log(SCALE))).laid) == tried


def test_nothing_accepted_has_no_kin():
    assert len(kin().beside(from_poses(SIZE_WH, [], [], []), hypotheses(LONG), level(0.4)).laid) == 0


def test_a_part_turned_over_is_kin_only_where_parts_may_lie_face_down():
    parts = (ell("a", 52), ell("b", 56, mirrored=True))
    found = from_poses(SIZE_WH, [0], [0.8], [PixelPose(150, 110, 0.4, SCALE)])
    assert len(kin(parts).beside(found, hypotheses(1), level(np.log(SCALE))).laid) == 0
    beside = kin(parts, "both").beside(found, hypotheses(1), level(np.log(SCALE))).laid
    assert beside.flipped.tolist() == [False, True]
    seen = shapely.Polygon(found.project(0, parts[0].outer.points))
    assert overlap(seen, shapely.Polygon(beside.project(1, parts[1].outer.points))) > LEAST_OVERLAP


def test_kin_that_the_first_look_misplaced_is_found_by_the_second(tmp_path, monkeypatch):
    """Three Ls, of which the longer one is proposed 40 degrees off; the shorter one that was accepted there gives way."""
    detector = untrained_detector(tmp_path, PARTS)
    poses = [PixelPose(80, 60, 0.4, SCALE), PixelPose(240, 70, 2.0, SCALE), PixelPose(150, 170, 1.0, SCALE)]
    picture = paint(PARTS, list(zip((SHORT, SHORT, LONG), poses, strict=True)), SIZE_WH).image
    off = PixelPose(150, 170, 1.7, SCALE)
    on = from_poses(SIZE_WH, [LONG], [0.3], [poses[2]])
    wrong = kin().beside(on, hypotheses(SHORT, at=(150, 170)), level(np.log(SCALE))).laid
    wrong = wrong[wrong.part == SHORT]
    first = from_poses(SIZE_WH, [SHORT, SHORT, LONG], [0.9, 0.9, 0.3], [*poses[:2], off])
    monkeypatch.setattr(looks, "align", lambda _field, offered, *_others, **_named: offered)
    offered = concatenate([first, wrong])
    found = detector.accepted(picture, Proposal(offered, np.array([0, 1, 2, 2])))
    assert sorted(found.part) == [SHORT, SHORT, LONG]
    assert found.uv[found.part == LONG][0] == pytest.approx((150, 170), abs=0.2)

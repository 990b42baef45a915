"""What the network says beyond its hypotheses: names of look-alikes, and what it is sure of without edges."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from modeling_scenes import bracket, paint, washer
from untrained import untrained_detector

from kontur.geometry import Contour, PixelPose, circle_contour, make_part
from kontur.modeling import looks
from kontur.modeling.detections import concatenate, from_poses
from kontur.modeling.hearsay import LEAST_TOLD, TOLD, against_names, vouched_for
from kontur.modeling.proposals import Proposal

SIZE_WH = (320, 240)
CORNERS = np.array([[0, 0], [54, 0], [54, 34], [0, 34]], float)


def plate(name, holes):
    return make_part(name, Contour(CORNERS), tuple(circle_contour(x, y, 3.0) for x, y in holes))


THREE = [(8, 8), (8, 26), (46, 8)]
PARTS = (plate("three", THREE), plate("four", [*THREE, (46, 26)]), bracket(), washer())
ALIKE = np.eye(4, dtype=bool)
ALIKE[:2, :2] = True


def at(part, uv, score=0.9, scale=1.4):
    return from_poses(SIZE_WH, [part], [score], [PixelPose(*uv, 0.3, scale)])


def supported(found, support):
    return replace(found, support=np.array(support, float))


def against(found, named):
    hypotheses = concatenate([at(0, (100, 80)), at(2, (220, 80))])
    return against_names(found, Proposal(hypotheses, np.array([0, 1]), np.array(named)), ALIKE)


def test_a_look_alike_pays_for_being_less_probable():
    found = concatenate([at(0, (101, 82)), at(1, (101, 82)), at(2, (101, 82)), at(3, (218, 80))])
    named = [[0.8, 0.1, 0.05, 0.05], [0.0, 0.0, 0.9, 0.1]]
    assert against(found, named) == pytest.approx([0, TOLD * np.log(8), 0, 0])


def test_what_the_network_thinks_impossible_costs_no_more_than_the_least_probability():
    assert against(at(1, (100, 80)), [[0.9, 0.0, 0.1, 0], [0, 0, 1, 0]]) == pytest.approx(
        TOLD * np.log(0.9 / LEAST_TOLD)
    )


def test_nothing_is_said_of_other_places():
    assert against(at(1, (160, 80)), [[0.9, 0.1, 0, 0], [0.9, 0.1, 0, 0]]).tolist() == [0]
    nothing = from_poses(SIZE_WH, [], [], [])
    for said in (
        Proposal(nothing, np.zeros(0, np.int64), np.zeros((0, 4))),
        Proposal(at(0, (100, 80)), np.zeros(1, int)),
    ):
        assert against_names(at(1, (100, 80)), said, ALIKE).tolist() == [0]
    assert len(against(nothing, [[0.9, 0.1, 0, 0], [0.9, 0.1, 0, 0]])) == 0


def test_what_is_sure_and_supported_is_vouched_for_where_nothing_was_accepted():
    offered = concatenate(
        [at(3, (200, 150), 0.95), at(3, (60, 170), 0.2), at(3, (260, 60), 0.95), at(2, (120, 200), 0.95)]
    )
    offered = supported(offered, [0.4, 0.9, 0.05, np.nan])
    kept = vouched_for(at(0, (60, 90)), offered, PARTS)
    assert kept.part.tolist() == [3]
    assert kept.uv[0] == pytest.approx((200, 150))
    assert kept.score.tolist() == [0]


@pytest.mark.parametrize(("uv", "is_free"), [((60, 90), False), ((80, 70), False), ((100, 150), True)])
def test_what_was_accepted_leaves_no_room_below_it(uv, is_free):
    """The plate spans 54 x 34 mm from its datum: a washer in its middle is covered, one beside it is not."""
    accepted = from_poses(SIZE_WH, [0], [0.9], [PixelPose(60, 90, 0.0, 1.4)])
    offered = supported(at(3, uv, 0.95), [0.9])
    assert len(vouched_for(accepted, offered, PARTS)) == is_free


def test_of_two_in_one_place_the_better_supported_is_vouched_for():
    offered = supported(concatenate([at(3, (200, 150), 0.95), at(3, (203, 150), 0.95)]), [0.4, 0.7])
    kept = vouched_for(from_poses(SIZE_WH, [], [], []), offered, PARTS)
    assert kept.uv.tolist() == [[203, 150]]


@pytest.fixture(scope="module")
def detector(tmp_path_factory):
    """An untrained network that knows the parts."""
    return untrained_detector(tmp_path_factory.mktemp("model"), PARTS)


POSE = PixelPose(90, 130, 0.3, 1.4)
THERE = from_poses(SIZE_WH, [0], [0.9], [POSE])


def named(part, picture, detector, monkeypatch, probabilities):
    """Who is accepted where a plate is proposed of which the network says so."""
    monkeypatch.setattr(looks, "align", lambda _field, offered, *_others, **_more: offered)
    found = detector.accepted(picture, Proposal(THERE, np.zeros(1, np.int64), probabilities))
    assert len(found) == 1
    return found.part.tolist() == [part]


def blotched():
    """A plate with three holes and, where the fourth might be, a smear that is no hole."""
    picture = paint(PARTS, [(0, POSE)], SIZE_WH).image
    u, v = np.round(POSE.apply(PARTS[1].holes[-1].points).mean(axis=0)).astype(int)
    cv2.ellipse(picture, (int(u), int(v)), (5, 2), 20, 0, 360, (161, 161, 161), -1, cv2.LINE_AA)
    return picture


def test_the_network_is_believed_where_a_smear_may_be_a_hole(detector, monkeypatch):
    sure = np.array([[0.97, 0.03, 0, 0]])
    assert named(1, blotched(), detector, monkeypatch, None), "by its edges alone the smear is taken for a hole"
    assert named(0, blotched(), detector, monkeypatch, sure)


def test_the_network_is_not_believed_against_a_clear_hole(detector, monkeypatch):
    picture = paint(PARTS, [(1, POSE)], SIZE_WH).image
    assert named(1, picture, detector, monkeypatch, np.array([[0.97, 0.03, 0, 0]]))


@pytest.mark.parametrize(("score", "count"), [(0.95, 2), (0.3, 1)])
def test_a_faint_part_beside_strong_edges_is_found_when_the_network_is_sure(detector, monkeypatch, score, count):
    """A washer a little brighter than a table of hard stripes, which have stronger edges everywhere."""
    poses = [PixelPose(70, 70, 0.4, 1.4), PixelPose(220, 150, 0.0, 1.4)]
    sample = paint(PARTS, [(2, poses[0]), (3, poses[1])], SIZE_WH)
    picture = sample.image
    table = np.where((np.arange(SIZE_WH[0]) // 9) % 2, 40, 100).astype(np.uint8)
    picture[sample.ids != 1] = np.broadcast_to(table[None, :, None], picture.shape)[sample.ids != 1]
    picture[sample.ids == 2] = picture[sample.ids == 2] // 2 + 50
    monkeypatch.setattr(looks, "align", lambda _field, offered, *_others, **_more: offered)
    offered = from_poses(SIZE_WH, [2, 3], [0.95, score], poses)
    found = detector.accepted(picture, Proposal(offered, np.arange(2), np.eye(4)[[2, 3]]))
    assert len(found) == count

"""Lines that go on: the edges of tiles and boards speak for no part, those of a part keep what they say."""

import cv2
import numpy as np
import pytest
import shapely
from modeling_shapes import bracket, coverage_picture, disc, plate, rectangle

from kontur.geometry import PixelPose, make_part
from kontur.modeling.continuation import AHEAD, sides_of, without_passing_lines
from kontur.modeling.contour_model import contour_model, model_batch
from kontur.modeling.decide import DecisionOptions, decide
from kontur.modeling.detections import from_poses
from kontur.modeling.edges import edge_picture
from kontur.modeling.evidence import MOST_EVIDENCE, point_evidence
from kontur.modeling.refine import RegistrationOptions

SIZE_WH = (240, 200)
TILE_PX = 40
POSE = PixelPose(119.5, 99.5, 0.0, 1.0)
TILE = make_part("tile", rectangle(2 * TILE_PX, TILE_PX))


def checkered(turn=0.0):
    """Tiles whose edges are those of TILE at POSE; turned with it about its datum."""
    v, u = np.mgrid[: SIZE_WH[1], : SIZE_WH[0]]
    x = np.cos(turn) * (u - POSE.u) - np.sin(turn) * (v - POSE.v)
    y = np.sin(turn) * (u - POSE.u) + np.cos(turn) * (v - POSE.v) + TILE_PX / 2
    odd = (np.floor(x / TILE_PX) + np.floor(y / TILE_PX)) % 2
    grey = cv2.GaussianBlur(90 + 60 * odd, (0, 0), 0.7)
    return np.repeat(np.round(grey).astype(np.uint8)[..., None], 3, 2)


def weighed(picture, part, *poses):
    """Evidence before and after lines that go on are taken away."""
    found = from_poses(SIZE_WH, [0] * len(poses), [0.5] * len(poses), poses)
    source, options = edge_picture(picture, 0.8), RegistrationOptions()
    before = point_evidence(source, model_batch(found, [part], options), found.matrix)
    return before, without_passing_lines(source, before, found, [part], options)


def mean(found):
    return (found.evidence * found.length_px).sum(axis=1) / found.length_px.sum(axis=1) / MOST_EVIDENCE


def test_the_sides_of_a_bracket_are_its_straight_edges():
    part = bracket()
    model, sides = contour_model(part, 1.0), sides_of(part, 1.0)
    assert len(np.unique(sides.of_point[sides.of_point >= 0])) in (6, 7), "one may be cut where the ring begins"
    assert (np.abs(model.normals[sides.of_point >= 0]).max(axis=1) > 0.999).all(), "no hole is a side"
    assert np.count_nonzero(sides.of_point >= 0) == pytest.approx(part.contours[0].perimeter_mm, rel=0.03)


@pytest.mark.parametrize("part", [bracket(), plate(4)], ids=["bracket", "plate"])
def test_what_is_ahead_lies_on_the_lines_of_the_sides_and_off_the_contour(part):
    model, sides = contour_model(part, 1.0), sides_of(part, 1.0)
    assert sides.ahead_mm.shape == (len(sides.of_end), len(AHEAD), 2)
    assert len(sides.of_end) == 2 * len(part.contours[0].points), "both ends of each side"
    outline = shapely.MultiLineString([[*c.points.tolist(), c.points[0].tolist()] for c in part.contours])
    for side, places, normals in zip(sides.of_end, sides.ahead_mm, sides.normals, strict=True):
        on = model.points_mm[sides.of_point == side]
        np.testing.assert_allclose((places - on[0]) @ normals[0], 0, atol=1e-9)
        assert shapely.distance(outline, shapely.points(places)).min() > 2.0


def test_round_parts_have_no_sides():
    sides = sides_of(disc(), 1.0)
    assert (sides.of_point == -1).all()
    assert len(sides.of_end) == 0
    before, after = weighed(coverage_picture(disc(), POSE, SIZE_WH), disc(), POSE)
    np.testing.assert_array_equal(after.evidence, before.evidence)


@pytest.mark.parametrize("turn", [0.0, 0.4])
def test_tiles_speak_for_no_part(turn):
    turned = PixelPose(POSE.u, POSE.v, turn, 1.0)
    before, after = weighed(checkered(turn), TILE, turned)
    assert mean(before)[0] > 0.5
    assert mean(after)[0] < 0.2


@pytest.mark.parametrize("part", [bracket(), plate(3), TILE], ids=lambda part: part.name)
@pytest.mark.parametrize("angle", [0.0, 0.7])
def test_a_part_on_a_table_keeps_its_evidence(part, angle):
    pose = PixelPose(120.3, 98.1, angle, 1.4)
    before, after = weighed(coverage_picture(part, pose, SIZE_WH, noise=2.0, rng=np.random.default_rng(2)), part, pose)
    assert mean(before)[0] > 0.8
    np.testing.assert_allclose(after.evidence, before.evidence)


def test_a_line_along_one_side_costs_that_side_alone():
    """The edge of a board runs along the lower long side."""
    picture = coverage_picture(TILE, POSE, SIZE_WH, (60, 190))
    picture[100 + TILE_PX // 2 :] = 125
    before, after = weighed(picture, TILE, POSE)
    lower = before.normals_px[0, :, 1] > 0.9
    assert before.evidence[0][lower].mean() > 0.5 * MOST_EVIDENCE
    assert after.evidence[0][lower].mean() < 0.2 * MOST_EVIDENCE
    np.testing.assert_array_equal(after.evidence[0][~lower], before.evidence[0][~lower])


def test_what_speaks_against_a_contour_stays():
    before, after = weighed(checkered(), TILE, PixelPose(POSE.u + 9, POSE.v + 12, 0.2, 1.0))
    against = before.evidence < 0
    assert against.any()
    np.testing.assert_array_equal(after.evidence[against], before.evidence[against])


def test_nothing_ahead_to_be_seen_costs_nothing():
    """Both ends of every side lie at the border of the picture."""
    pose = PixelPose(119.5, 99.5, 0.0, 2.85)
    before, after = weighed(coverage_picture(TILE, pose, SIZE_WH), TILE, pose)
    upright = np.abs(before.normals_px[0, :, 1]) > 0.9
    np.testing.assert_array_equal(after.evidence[0][upright], before.evidence[0][upright])


def test_several_parts_at_once_are_judged_as_each_by_itself():
    picture = checkered()
    beside = PixelPose(POSE.u - TILE_PX, POSE.v + TILE_PX, 0.0, 1.0)
    source, options = edge_picture(picture, 0.8), RegistrationOptions()
    parts = [TILE, bracket()]
    both = from_poses(SIZE_WH, [0, 1], [0.5, 0.5], [POSE, beside])
    found = point_evidence(source, model_batch(both, parts, options), both.matrix)
    together = without_passing_lines(source, found, both, parts, options).evidence
    for row, part in enumerate(parts):
        one = from_poses(SIZE_WH, [0], [0.5], [both.pose(row)])
        count = len(contour_model(part, 1.0).weight) // 2
        alone = point_evidence(source, model_batch(one, [part], options), one.matrix)
        ratio = (
            without_passing_lines(source, alone, one, [part], options).evidence[0, :count] / alone.evidence[0, :count]
        )
        np.testing.assert_allclose(together[row, :count] / found.evidence[row, :count], ratio, atol=1e-6)


@pytest.mark.parametrize("passing_lines", [True, False])
def test_the_decision_takes_tiles_for_a_part_only_if_told_to(passing_lines):
    hypotheses = from_poses(SIZE_WH, [0], [0.5], [POSE])
    found = decide(checkered(), hypotheses, [TILE], DecisionOptions(least_score=0.3, passing_lines=passing_lines))
    assert len(found) == int(passing_lines)

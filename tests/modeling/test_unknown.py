"""Things that no part explains: found with their outline, and nothing where there is nothing."""

import cv2
import numpy as np
import pytest
from modeling_shapes import bracket, coverage, disc, plate

from kontur.geometry import PixelPose
from kontur.modeling.detections import UNKNOWN, from_poses
from kontur.modeling.masks import UNKNOWN_SQUARE
from kontur.modeling.unknown import EXPLAINS_SCORE, report_unknown

SIZE_WH = (260, 190)
PARTS = (bracket(), plate(4), disc(20.0))
SCALES = (1.2, 1.6)
HERE = PixelPose(70.0, 100.0, 0.4, 1.4)


def scene(placed=((0, HERE),), noise=2.0, boxes=()):
    """Parts, and slabs (rectangles: centre, size, angle in degrees) that are no parts."""
    grey = np.full((SIZE_WH[1], SIZE_WH[0]), 70.0)
    for part, pose in placed:
        share = coverage(PARTS[part], pose, SIZE_WH)
        grey = grey * (1 - share) + 170 * share
    for box in boxes:
        cv2.fillPoly(grey, [np.round(cv2.boxPoints(box)).astype(np.int32)], 140.0)
    grey = cv2.GaussianBlur(grey, (0, 0), 0.7) + np.random.default_rng(0).normal(0, noise, grey.shape)
    return np.repeat(np.clip(np.round(grey), 0, 255).astype(np.uint8)[..., None], 3, 2)


def said(score=0.8, placed=((0, HERE),)):
    return from_poses(SIZE_WH, [part for part, _ in placed], [score] * len(placed), [pose for _, pose in placed])


@pytest.mark.parametrize("angle_deg", [0.0, 25.0, 70.0])
def test_a_foreign_slab_is_reported_with_its_outline(angle_deg):
    box = ((185.0, 90.0), (50.0, 34.0), angle_deg)
    found = report_unknown(scene(boxes=[box]), said(), PARTS, SCALES)
    assert found.part.tolist() == [0, UNKNOWN]
    corners = found.project(1, UNKNOWN_SQUARE).astype(np.float32)
    shared, _ = cv2.intersectConvexConvex(corners, cv2.boxPoints(box))
    union = cv2.contourArea(corners) + 50 * 34 - shared
    assert shared / union > 0.8
    assert 0.7 <= found.score[1] <= 1
    assert np.isnan(found.support[1])


def test_what_a_part_explains_is_not_unknown():
    placed = ((0, HERE), (1, PixelPose(180.0, 100.0, -0.3, 1.4)))
    found = report_unknown(scene(placed), said(placed=placed), PARTS, SCALES)
    assert found.part.tolist() == [0, 1]


def test_a_part_that_nobody_found_is_unknown():
    there = PixelPose(180.0, 100.0, -0.3, 1.4)
    found = report_unknown(scene(((0, HERE), (1, there))), said(), PARTS, SCALES)
    assert found.part.tolist() == [0, UNKNOWN]
    assert np.hypot(*(found.uv[1] - (there.u, there.v))) < 3


def test_a_doubtful_part_gives_way_to_a_thing_of_another_outline():
    box = ((185.0, 90.0), (60.0, 60.0), 10.0)
    doubtful = (2, PixelPose(185.0, 90.0, 0.0, 0.8))
    both = said(placed=((0, HERE), doubtful))
    low = from_poses(SIZE_WH, [0, 2], [0.8, EXPLAINS_SCORE / 2], [both.pose(0), both.pose(1)])
    found = report_unknown(scene(boxes=[box]), low, PARTS, SCALES)
    assert found.part.tolist() == [0, UNKNOWN]
    sure = report_unknown(scene(boxes=[box]), both, PARTS, SCALES)
    assert 2 in sure.part


def test_a_doubtful_part_that_fits_its_outline_stays():
    found = report_unknown(scene(((2, HERE),)), said(EXPLAINS_SCORE / 2, ((2, HERE),)), PARTS, SCALES)
    assert found.part.tolist() == [2]


@pytest.mark.parametrize("noise", [0.0, 3.0, 25.0])
def test_a_bare_table_holds_nothing(noise):
    assert len(report_unknown(scene((), noise), said(placed=()), PARTS, SCALES)) == 0


def test_texture_is_no_thing():
    v, u = np.mgrid[0 : SIZE_WH[1], 0 : SIZE_WH[0]]
    bricks = np.where(((u % 40) < 4) | ((v % 20) < 3), 60, 120).astype(np.uint8)
    wood = (100 + 30 * np.sin(v / 3 + np.sin(u / 25))).astype(np.uint8)
    for table in (bricks, wood):
        assert len(report_unknown(np.repeat(table[..., None], 3, 2), said(placed=()), PARTS, SCALES)) == 0


@pytest.mark.parametrize("size", [(6.0, 6.0), (200.0, 150.0), (70.0, 3.0)], ids=["speck", "frame", "wire"])
def test_what_is_too_small_too_large_or_too_thin_is_left_out(size):
    found = report_unknown(scene((), boxes=[((130.0, 95.0), size, 12.0)]), said(placed=()), PARTS, SCALES)
    assert len(found) == 0


def test_a_reduced_field_finds_the_same_place():
    """Large parts are sought on a reduced picture; the outline comes back in its px."""
    large = (plate(4), disc(40.0))
    box = ((150.0, 90.0), (90.0, 60.0), 15.0)
    found = report_unknown(scene((), boxes=[box]), said(placed=()), large, (1.4, 1.6))
    assert found.part.tolist() == [UNKNOWN]
    assert np.hypot(*(found.uv[0] - (150, 90))) < 2
    corners = found.project(0, UNKNOWN_SQUARE).astype(np.float32)
    assert cv2.contourArea(corners) == pytest.approx(90 * 60, rel=0.15)


@pytest.mark.parametrize("place", [(55.0, 60.0), (128.7, 97.3), (205.0, 131.0)])
def test_large_parts_explain_themselves_wherever_they_lie(place):
    """On a reduced picture a mask is cut to the field's px; what it explains is not unknown, a slab beside it is."""
    large = (plate(4), disc(40.0))
    pose = PixelPose(*place, 0.3, 1.5)
    grey = 70 + 100 * coverage(large[0], pose, SIZE_WH)
    picture = np.repeat(
        np.clip(np.round(cv2.GaussianBlur(grey, (0, 0), 0.7)), 0, 255).astype(np.uint8)[..., None], 3, 2
    )
    explained = report_unknown(picture, from_poses(SIZE_WH, [0], [0.9], [pose]), large, (1.45, 1.55))
    assert explained.part.tolist() == [0]
    nothing = report_unknown(picture, from_poses(SIZE_WH, [], [], []), large, (1.45, 1.55))
    assert nothing.part.tolist() == [UNKNOWN]
    assert np.hypot(*(nothing.uv[0] - place)) < 3

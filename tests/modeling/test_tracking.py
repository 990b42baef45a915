"""Tracking: from a few pixels and degrees away back to the pose that a picture was painted at."""

import cv2
import numpy as np
import pytest
from modeling_shapes import bracket, coverage_picture, disc, plate

from kontur.geometry import PixelPose, angle_difference
from kontur.modeling.contour_model import contour_model
from kontur.modeling.edge_field import edge_field
from kontur.modeling.tracking import POINTS, prominence, track, track_models

SIZE_WH = (210, 160)
PARTS = (bracket(), plate(4), disc())
ANY = np.array([[np.log(0.5), np.log(4.0)]])


def field_of(part, pose, sigma_px=1.0):
    return cv2.GaussianBlur(edge_field(coverage_picture(PARTS[part], pose, SIZE_WH)), (0, 0), sigma_px)


def tracked(field, part, start, limits=ANY, steps_px=(3.0, 1.5, 0.75, 0.3)):
    pose = np.array([[start.u, start.v, start.angle_rad, np.log(start.scale_px_per_mm)]])
    row, flipped = np.array([part]), np.array([start.flipped])
    moved, agreement = track(field, track_models(PARTS), row, flipped, pose, limits, steps_px)
    return PixelPose(*moved[0, :3], float(np.exp(moved[0, 3])), start.flipped), float(agreement[0])


def test_points_lie_on_the_contours_and_have_unit_directions():
    models = track_models(PARTS)
    assert models.points_mm.shape == models.directions.shape == (len(PARTS), POINTS, 2)
    np.testing.assert_allclose(np.linalg.norm(models.directions, axis=2), 1, atol=1e-9)
    np.testing.assert_allclose(np.linalg.norm(models.points_mm[2], axis=1), 15.0, atol=1e-6)


def test_points_share_out_the_contours_by_length():
    """The four holes of the plate get their share of the points, no more and no less than a point each."""
    part = PARTS[1]
    points = track_models(PARTS).points_mm[1]
    for hole in part.contours[1:]:
        middle = hole.points.mean(axis=0)
        radius = np.linalg.norm(hole.points - middle, axis=1).max()
        mine = np.count_nonzero(np.abs(np.linalg.norm(points - middle, axis=1) - radius) < 0.1)
        assert mine == pytest.approx(POINTS * hole.perimeter_mm / part.perimeter_mm, abs=1.01)


@pytest.mark.parametrize("part", [0, 1, 2])
@pytest.mark.parametrize("flipped", [False, True])
@pytest.mark.parametrize("off", [(4.0, -3.0, 0.06, 1.03), (-3.0, 2.0, -0.08, 0.96)])
def test_a_pose_nearby_is_brought_back(part, flipped, off):
    truth = PixelPose(101.3, 77.8, 0.9, 1.6, flipped)
    du, dv, turn, ratio = off
    start = PixelPose(truth.u + du, truth.v + dv, truth.angle_rad + turn, 1.6 * ratio, flipped)
    found, agreement = tracked(field_of(part, truth), part, start)
    assert np.hypot(found.u - truth.u, found.v - truth.v) < 0.7
    turned = angle_difference(found.angle_rad, truth.angle_rad, PARTS[part].symmetry)
    assert abs(turn) > 0
    assert abs(turned) * PARTS[part].radius_mm * 1.6 < 1.0
    assert abs(found.scale_px_per_mm / 1.6 - 1) * PARTS[part].radius_mm * 1.6 < 0.8
    assert agreement > 0.2


def test_agreement_is_the_mean_component_along_the_contours_directions():
    """On a field that is the same everywhere it has a closed form; the sign of v's direction counts."""
    part = PARTS[0]
    model = contour_model(part, part.perimeter_mm / 4000)
    for angle in (0.0, 0.7):
        c, s = np.cos(angle), np.sin(angle)
        x, y = (model.normals @ np.array([[c, s], [-s, c]])).T
        direction = np.array([x * x - y * y, -2 * x * y])  # v runs down
        expected = (direction * np.array([[0.3], [0.2]])).mean(axis=1).sum()
        field = np.zeros((160, 210, 3), np.float32)
        field[..., 1], field[..., 2] = 0.3, 0.2
        _, agreement = tracked(field, 0, PixelPose(100, 80, angle, 1.0), steps_px=())
        assert agreement == pytest.approx(expected, abs=0.02)


def test_the_true_pose_agrees_more_than_any_other_angle():
    truth = PixelPose(101.3, 77.8, 0.9, 1.6)
    field = field_of(0, truth)
    _, best = tracked(field, 0, truth, steps_px=())
    for turn in np.arange(1, 12) * np.pi / 6:
        _, other = tracked(field, 0, PixelPose(101.3, 77.8, 0.9 + turn, 1.6), steps_px=())
        assert other < 0.7 * best


def test_scales_stay_in_their_range():
    truth = PixelPose(101.3, 77.8, 0.9, 1.6)
    limits = np.log([[1.65, 1.7]])
    found, _ = tracked(field_of(0, truth), 0, PixelPose(101.3, 77.8, 0.9, 1.9), limits)
    assert 1.65 - 1e-9 <= found.scale_px_per_mm <= 1.7 + 1e-9


def test_what_lies_outside_the_picture_agrees_with_nothing():
    field = field_of(0, PixelPose(101.3, 77.8, 0.9, 1.6))
    _, agreement = tracked(field, 0, PixelPose(-200.0, -200.0, 0.0, 1.6))
    assert agreement == -1


def test_the_starts_are_left_as_they_are():
    pose = np.array([[100.0, 78.0, 0.8, np.log(1.6)]])
    before = pose.copy()
    track(
        field_of(0, PixelPose(101.3, 77.8, 0.9, 1.6)), track_models(PARTS), np.array([0]), np.array([False]), pose, ANY
    )
    np.testing.assert_array_equal(pose, before)


def prominence_at(field, part, *poses):
    rows = np.array([[p.u, p.v, p.angle_rad, np.log(p.scale_px_per_mm)] for p in poses])
    kind, flipped = np.full(len(poses), part), np.zeros(len(poses), bool)
    models = track_models(PARTS)
    still, agreement = track(field, models, kind, flipped, rows, np.tile(ANY, (len(poses), 1)), ())
    np.testing.assert_array_equal(still, rows)
    return agreement, prominence(field, models, kind, flipped, rows, agreement)


@pytest.mark.parametrize("part", [0, 1, 2])
def test_a_part_on_a_table_stands_out(part):
    truth = PixelPose(101.3, 77.8, 0.9, 1.6)
    agreement, above = prominence_at(field_of(part, truth), part, truth)
    assert above[0] > 0.6 * agreement[0] > 0.1


def test_a_contour_on_a_regular_texture_does_not():
    """Stripes 7 px apart: wherever the contour agrees with them, it does so 14 px further on too."""
    v = np.arange(160)
    stripes = np.repeat(((v // 7) % 2 * 90 + 60).astype(np.uint8)[:, None, None], 210, axis=1).repeat(3, axis=2)
    field = edge_field(stripes)
    poses = [PixelPose(105.0, 80.0 + shift, 0.0, 1.0) for shift in range(7)]
    agreement, above = prominence_at(field, 1, *poses)
    assert agreement.max() > 0.03
    assert above.max() < 0.01


def test_outside_the_picture_is_no_agreement():
    """A part at the border is compared with what lies inside alone."""
    truth = PixelPose(101.3, 6.0, 0.9, 1.6)
    agreement, above = prominence_at(field_of(0, truth), 0, truth)
    assert 0 < above[0] <= agreement[0]

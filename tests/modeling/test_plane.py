"""The shared plane against pinhole cameras, OpenCV's homographies and shapely's areas."""

import cv2
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from kontur.geometry.camera import tilted_camera
from kontur.modeling.plane import Plane, fit_plane, level_plane

SIZE_WH = (640, 480)
MIDDLE = np.array([319.5, 239.5])
PLACES = np.array(
    [[80, 70], [320, 60], [560, 90], [90, 240], [330, 250], [570, 230], [70, 410], [310, 400], [560, 420]]
)
PLACES = PLACES.astype(float)


def camera_and_plane(tilt_deg: float, towards_deg: float, px_per_mm: float = 1.5, distance_mm: float = 470.0):
    """A tilted pinhole camera, and the plane that should stand for it: nearer, so larger, on the camera's side."""
    tilt, towards = np.radians((tilt_deg, towards_deg))
    camera = tilted_camera(SIZE_WH, px_per_mm, distance_mm, tilt, towards)
    slope = np.tan(tilt) * np.array([np.cos(towards), -np.sin(towards)])
    return camera, Plane((slope[0], slope[1]), px_per_mm * distance_mm, tuple(MIDDLE), np.log(px_per_mm))


@pytest.mark.parametrize("towards_deg", [0, 90, 200, 315])
@pytest.mark.parametrize("tilt_deg", [0.0, 5.0, 20.0])
def test_the_homography_is_that_of_a_tilted_camera(tilt_deg, towards_deg):
    """OpenCV's homography from four points as a level camera sees them to what the tilted one sees."""
    camera, plane = camera_and_plane(tilt_deg, towards_deg)
    corners_mm = np.array([[-150, -100], [150, -100], [150, 100], [-150, 100]], float)
    level_px = MIDDLE + 1.5 * corners_mm * (1, -1)
    tilted_px = camera.project(corners_mm)
    expected = cv2.getPerspectiveTransform(level_px.astype(np.float32), tilted_px.astype(np.float32))
    ours = plane.homography / plane.homography[2, 2]
    test_px = np.array([[[10.0, 20.0], [600.0, 50.0], [400.0, 440.0]]])
    np.testing.assert_allclose(
        cv2.perspectiveTransform(test_px, ours), cv2.perspectiveTransform(test_px, expected), atol=2e-3
    )


def test_a_level_plane_changes_nothing():
    np.testing.assert_allclose(level_plane(SIZE_WH).homography, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(level_plane(SIZE_WH).log_scale_at(PLACES), 0, atol=1e-12)
    assert level_plane(SIZE_WH).middle_uv == tuple(MIDDLE)
    assert level_plane(SIZE_WH).log_scale is None


@settings(max_examples=15, deadline=None)
@given(st.floats(0, 25), st.floats(0, 360), st.floats(40, 600), st.floats(40, 440))
def test_the_local_scale_is_the_root_of_the_area_ratio(tilt_deg, towards_deg, u, v):
    """A small square of the picture, taken back to the rectified one; shapely says its area."""
    _, plane = camera_and_plane(tilt_deg, towards_deg)
    square = np.array([[u - 0.5, v - 0.5], [u + 0.5, v - 0.5], [u + 0.5, v + 0.5], [u - 0.5, v + 0.5]])
    back = cv2.perspectiveTransform(square[None], np.linalg.inv(plane.homography))[0]
    expected = -0.5 * np.log(shapely.Polygon(back).area)
    assert plane.log_scale_at(np.array([[u, v]]))[0] == pytest.approx(expected, abs=1e-4)


def test_parts_look_larger_towards_the_slope():
    plane = Plane((0.2, 0.0), 700.0, tuple(MIDDLE), None)
    left, middle, right = plane.log_scale_at(np.array([[100.0, 239.5], MIDDLE, [540.0, 239.5]]))
    assert left < middle < right
    assert middle == pytest.approx(0.5 * np.log(np.cos(np.arctan(0.2)))), "foreshortened along the tilt only"


def seen_scales(tilt_deg, towards_deg):
    """The scale at which a camera whose focal length is the nominal one sees small parts at PLACES: by differences."""
    level = level_plane(SIZE_WH)
    camera, _ = camera_and_plane(tilt_deg, towards_deg, 1.5, level.focal_px / 1.5)
    at = camera.unproject(PLACES)
    square = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * 0.05
    areas = [shapely.Polygon(camera.project(where + square)).area for where in at]
    return 0.5 * np.log(np.array(areas) / 0.01)


@pytest.mark.parametrize(("tilt_deg", "towards_deg"), [(0, 0), (3, 40), (6, 130), (8, 260)])
def test_tilt_and_scale_are_read_off_the_parts_scales(tilt_deg, towards_deg):
    fitted = fit_plane(SIZE_WH, PLACES, seen_scales(tilt_deg, towards_deg), np.ones(len(PLACES)))
    tilt, towards = np.radians((tilt_deg, towards_deg))
    slope = np.tan(tilt) * np.array([np.cos(towards), -np.sin(towards)])
    assert fitted.slope_uv == pytest.approx(slope, abs=0.012)
    assert fitted.log_scale == pytest.approx(np.log(1.5), abs=0.004)
    predicted = fitted.log_scale + fitted.log_scale_at(PLACES)
    np.testing.assert_allclose(predicted, seen_scales(tilt_deg, towards_deg), atol=0.006)


@pytest.mark.parametrize("wrong", [(), (2,), (0, 5)])
@pytest.mark.parametrize(("tilt_deg", "towards_deg"), [(11, 200), (14, 70)])
def test_a_strong_tilt_is_read_off_parts_that_a_level_plane_takes_for_misread(tilt_deg, towards_deg, wrong):
    scales = seen_scales(tilt_deg, towards_deg)
    assert np.ptp(scales) > 0.2
    scales[list(wrong)] += np.array([0.35, -0.3])[: len(wrong)]
    fitted = fit_plane(SIZE_WH, PLACES, scales, np.ones(len(PLACES)))
    tilt, towards = np.radians((tilt_deg, towards_deg))
    assert fitted.slope_uv == pytest.approx(np.tan(tilt) * np.array([np.cos(towards), -np.sin(towards)]), abs=0.03)
    assert fitted.log_scale == pytest.approx(np.log(1.5), abs=0.01)


@pytest.mark.parametrize("wrong", [(0,), (2, 6), (1, 4, 8)])
def test_misread_parts_do_not_take_part(wrong):
    scales = seen_scales(5, 70)
    scales[list(wrong)] += np.array([0.35, -0.3, 0.2])[: len(wrong)]
    fitted = fit_plane(SIZE_WH, PLACES, scales, np.ones(len(PLACES)))
    clean = fit_plane(SIZE_WH, PLACES, seen_scales(5, 70), np.ones(len(PLACES)))
    assert fitted.slope_uv == pytest.approx(clean.slope_uv, abs=0.03)
    assert fitted.log_scale == pytest.approx(clean.log_scale, abs=0.01)


def test_parts_without_weight_say_nothing():
    scales = seen_scales(4, 20)
    alone = fit_plane(SIZE_WH, PLACES[:5], scales[:5], np.ones(5))
    weight = np.concatenate([np.ones(5), np.zeros(4)])
    beside = fit_plane(SIZE_WH, PLACES, np.concatenate([scales[:5], scales[5:] + 0.04]), weight)
    assert beside.slope_uv == pytest.approx(alone.slope_uv)
    assert beside.log_scale == pytest.approx(alone.log_scale)


@pytest.mark.parametrize("count", [0, 1])
def test_one_part_has_no_common_scale(count):
    fitted = fit_plane(SIZE_WH, PLACES[:count], np.full(count, 0.4), np.ones(count))
    assert fitted == level_plane(SIZE_WH)


def test_two_parts_that_contradict_each_other_have_no_common_scale():
    fitted = fit_plane(SIZE_WH, PLACES[:2], np.array([0.1, 0.6]), np.ones(2))
    assert fitted == level_plane(SIZE_WH)


def test_two_parts_of_the_same_scale_share_it_on_a_level_plane():
    fitted = fit_plane(SIZE_WH, PLACES[[0, 8]], np.array([0.4, 0.4]), np.ones(2))
    assert fitted.log_scale == pytest.approx(0.4)
    assert fitted.slope_uv == pytest.approx((0, 0), abs=1e-9)


def test_two_parts_of_nearly_the_same_scale_share_it():
    fitted = fit_plane(SIZE_WH, PLACES[[0, 8]], np.array([0.4, 0.403]), np.ones(2))
    assert fitted.log_scale == pytest.approx(0.4015, abs=0.002)

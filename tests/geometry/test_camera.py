"""The camera: projection against OpenCV, against the pinhole's formula, and there and back."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from kontur.geometry import GeometryError, PixelPose, Pose
from kontur.geometry.camera import Camera, nominal_camera, tilted_camera

SIZE_WH = (640, 480)
GRID = np.stack(np.meshgrid(np.linspace(-90, 90, 7), np.linspace(-60, 60, 5)), axis=-1).reshape(-1, 2)


@st.composite
def cameras(draw, distortion=True):
    camera = tilted_camera(
        SIZE_WH, draw(st.floats(0.8, 3)), draw(st.floats(300, 1500)), draw(st.floats(0, 0.3)), draw(st.floats(0, 6.28))
    )
    coefficients = draw(st.tuples(st.floats(-0.1, 0.1), st.floats(-0.02, 0.02))) if distortion else (0.0, 0.0)
    bent = np.array([*coefficients, 1e-3, -1e-3, 0.0]) if any(coefficients) else np.zeros(5)
    return Camera(camera.size_wh, camera.matrix, camera.rotation, camera.translation_mm, bent)


def test_a_nominal_camera_is_a_ruler():
    """Untilted: (0, 0) mm is the middle of the picture, x goes right, y goes up, at the same scale everywhere."""
    projected = nominal_camera(SIZE_WH, 2.0).project([(0, 0), (10, 0), (0, 10), (-50, 30)])
    assert projected == pytest.approx(np.array([(319.5, 239.5), (339.5, 239.5), (319.5, 219.5), (219.5, 179.5)]))


@given(cameras(), st.floats(-5, 20))
def test_projection_is_that_of_opencv(camera, z_mm):
    world = np.column_stack([GRID, np.full(len(GRID), z_mm)])
    turn = Rotation.from_matrix(camera.rotation).as_rotvec()
    expected, _ = cv2.projectPoints(world, turn, camera.translation_mm, camera.matrix, camera.distortion)
    assert camera.project(GRID, z_mm) == pytest.approx(expected.reshape(-1, 2), abs=1e-6)


@given(cameras(), st.floats(-5, 20))
def test_there_and_back(camera, z_mm):
    assert camera.unproject(camera.project(GRID, z_mm), z_mm) == pytest.approx(GRID, abs=2e-3)


@given(cameras(distortion=False))
def test_the_homography_is_the_projection_of_the_plane(camera):
    mapped = np.column_stack([GRID, np.ones(len(GRID))]) @ camera.homography.T
    assert mapped[:, :2] / mapped[:, 2:] == pytest.approx(camera.project(GRID), abs=1e-8)


@given(cameras(distortion=False))
def test_the_world_origin_is_in_the_middle_at_the_stated_scale(camera):
    assert camera.project([(0, 0)])[0] == pytest.approx((319.5, 239.5), abs=1e-9)


@given(st.floats(0.02, 0.4), st.floats(0, 6.28), st.floats(300, 1500))
def test_the_camera_moves_towards_the_direction_of_the_tilt(tilt, towards, distance):
    camera = tilted_camera(SIZE_WH, 1.5, distance, tilt, towards)
    centre = -camera.rotation.T @ camera.translation_mm
    expected = distance * np.array([np.sin(tilt) * np.cos(towards), np.sin(tilt) * np.sin(towards), np.cos(tilt)])
    assert centre == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("towards_rad", [0.0, 1.0, 2.5, 4.0])
def test_what_is_nearer_to_a_tilted_camera_is_larger(towards_rad):
    camera = tilted_camera(SIZE_WH, 1.5, 400, 0.2, towards_rad)
    direction = 40 * np.array([np.cos(towards_rad), np.sin(towards_rad)])
    near = camera.pixel_pose(Pose(*direction, 0.0)).scale_px_per_mm
    far = camera.pixel_pose(Pose(*-direction, 0.0)).scale_px_per_mm
    assert near > camera.pixel_pose(Pose(0, 0, 0.0)).scale_px_per_mm > far


def test_a_higher_plane_is_nearer_and_larger():
    camera = nominal_camera(SIZE_WH, 2.0)
    assert camera.pixel_pose(Pose(0, 0, 0), z_mm=10).scale_px_per_mm == pytest.approx(2.0 * 500 / 490)


@given(st.floats(-100, 100), st.floats(-70, 70), st.floats(-3, 3), st.booleans(), st.floats(0.5, 4))
def test_untilted_the_pixel_pose_is_exact(x, y, theta, flipped, scale):
    camera, pose = nominal_camera(SIZE_WH, scale), Pose(x, y, theta, flipped)
    assert camera.pixel_pose(pose).apply(GRID) == pytest.approx(camera.project(pose.apply(GRID)), abs=1e-6)


@given(cameras(), st.floats(-60, 60), st.floats(-40, 40), st.floats(-3, 3), st.booleans())
def test_tilted_the_pixel_pose_has_the_x_axis_as_seen_and_the_scale_of_the_best_similarity(
    camera, x, y, theta, flipped
):
    """The scale is that of least squares over a small disc around the datum; the angle that of a short piece of x axis."""
    pose = Pose(x, y, theta, flipped)
    angle = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    disc = 0.5 * np.column_stack([np.cos(angle), np.sin(angle)])
    seen = camera.project(pose.apply(disc))
    found = camera.pixel_pose(pose)
    assert (found.u, found.v) == pytest.approx(tuple(camera.project([(x, y)])[0]))
    best = _fit_similarity(disc * (-1 if flipped else 1, 1), seen)
    assert found.scale_px_per_mm == pytest.approx(best.scale_px_per_mm, rel=1e-4)
    start, end = camera.project(pose.apply(np.array([[0.0, 0.0], [-1e-3 if flipped else 1e-3, 0.0]])))
    seen_rad = np.arctan2(start[1] - end[1], end[0] - start[0])
    assert np.cos(found.angle_rad - seen_rad) == pytest.approx(1, abs=1e-7)


def _fit_similarity(points_mm, seen_px):
    """Procrustes by complex numbers: w = c z + d with v turned up."""
    z, w = points_mm @ (1, 1j), seen_px @ (1, -1j)
    c = np.vdot(z - z.mean(), w - w.mean()) / np.vdot(z - z.mean(), z - z.mean())
    return PixelPose(0.0, 0.0, float(np.angle(c)), float(np.abs(c)))


def test_a_ray_that_misses_the_plane_is_refused():
    camera = tilted_camera(SIZE_WH, 1.0, 300, 1.3, 0.0)
    horizon = camera.project([(-1e7, 0)])[0]
    beyond = horizon + 2 * (horizon - camera.project([(0, 0)])[0])
    with pytest.raises(GeometryError, match="looks past the plane"):
        camera.unproject([beyond])


@pytest.mark.parametrize("scale", [0.0, -1.0])
def test_a_scale_must_be_positive(scale):
    with pytest.raises(GeometryError, match="must be positive"):
        nominal_camera(SIZE_WH, scale)

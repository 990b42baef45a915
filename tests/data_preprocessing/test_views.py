"""Views against the camera itself: points, windows, slices and the pose at the datum."""

import numpy as np
import pytest
import shapely
from generator_parts import PARTS, SIZE_WH, bracket, place, plate
from hypothesis import given, settings
from hypothesis import strategies as st

from kontur.data_preprocessing.views import view_things
from kontur.geometry import Pose
from kontur.geometry.camera import Camera, nominal_camera, tilted_camera

poses = st.builds(Pose, st.floats(-60, 60), st.floats(-45, 45), st.floats(0, 6.28), st.booleans())
cameras = st.builds(
    tilted_camera, st.just(SIZE_WH), st.floats(0.8, 3), st.floats(250, 800), st.floats(0, 0.4), st.floats(0, 6.28)
)


def through(homography: np.ndarray, points: np.ndarray) -> np.ndarray:
    mapped = np.column_stack([points, np.ones(len(points))]) @ homography.T
    return mapped[:, :2] / mapped[:, 2:]


@settings(max_examples=40, deadline=None)
@given(camera=cameras, pose=poses, which=st.integers(0, 3), base=st.floats(0, 8), thickness=st.floats(0.1, 6))
def test_every_slice_is_where_the_camera_sees_it(camera, pose, which, base, thickness):
    part = PARTS[which]
    (view,) = view_things(camera, [place(part, pose, base, thickness)])
    assert view.heights_mm[0] == pytest.approx(base + thickness)
    assert view.heights_mm[-1] == pytest.approx(base, abs=1e-9)
    assert len(view.homographies) == len(view.heights_mm)
    for height, homography in zip(view.heights_mm, view.homographies, strict=True):
        for contour in part.contours:
            expected = camera.project(pose.apply(contour.points), height)
            np.testing.assert_allclose(through(homography, contour.points), expected, atol=2e-3)


@settings(max_examples=40, deadline=None)
@given(camera=cameras, pose=poses, thickness=st.floats(0.1, 6))
def test_the_window_holds_the_whole_solid_and_not_much_more(camera, pose, thickness):
    part = bracket()
    (view,) = view_things(camera, [place(part, pose, thickness_mm=thickness)])
    seen = np.concatenate([camera.project(pose.apply(part.outer.points), z) for z in (0, thickness)])
    low, high = seen.min(axis=0), seen.max(axis=0)
    corner, size = np.array([view.left, view.top]), np.array(view.size)
    assert (corner <= low - 2).all()
    assert (corner + size - 1 >= high + 2).all()
    x0, y0, x1, y1 = part.outer.bounds_mm
    diagonal = np.hypot(x1 - x0, y1 - y0) * view.pose_px.scale_px_per_mm * 1.5 + 30
    assert (size <= diagonal).all()


@settings(max_examples=40, deadline=None)
@given(camera=cameras, pose=poses)
def test_side_walls_have_slices_close_together_and_no_more_than_needed(camera, pose):
    (view,) = view_things(camera, [place(plate(), pose, thickness_mm=5.0)])
    corners = shapely.box(*view.thing.shape.bounds_mm).exterior.coords[:4]
    rings = np.array([through(homography, np.array(corners)) for homography in view.homographies])
    steps = np.hypot(*np.moveaxis(np.diff(rings, axis=0), 2, 0))
    lean = np.hypot(*(rings[0] - rings[-1]).T).max()
    assert steps.max() <= 1.25
    assert len(rings) <= lean / 1.2 + 2.01


def test_a_thing_under_the_lens_has_a_top_and_a_bottom_alone():
    camera = nominal_camera(SIZE_WH, 1.0)
    (view,) = view_things(camera, [place(plate(), Pose(0, 0, 0.3), thickness_mm=0.001)])
    assert len(view.homographies) == 2
    np.testing.assert_allclose(view.homographies[0] / view.homographies[0][2, 2],
                               view.homographies[1] / view.homographies[1][2, 2], atol=1e-3)  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(camera=cameras, pose=poses, height=st.floats(0, 8))
def test_the_pose_touches_the_top_face_at_the_datum(camera, pose, height):
    (view,) = view_things(camera, [place(bracket(), pose, height - 0.001 if height > 0.001 else 0.0)])
    top = view.thing.top_mm
    at = camera.project([[pose.x_mm, pose.y_mm]], top)[0]
    np.testing.assert_allclose([view.pose_px.u, view.pose_px.v], at, atol=1e-6)
    assert view.pose_px.flipped == pose.flipped
    ring = 0.01 * np.array([[np.cos(a), np.sin(a)] for a in np.linspace(0, 2 * np.pi, 24, endpoint=False)])
    seen = camera.project(pose.apply(ring), top) - at
    guessed = view.pose_px.apply(ring) - at
    stretch = (seen**2).sum() / (guessed**2).sum()
    assert stretch == pytest.approx(1, abs=2e-2)
    axis = camera.project(pose.apply(np.array([[0.01, 0.0]])), top)[0] - at
    guessed_axis = view.pose_px.apply(np.array([[0.01, 0.0]]))[0] - at
    across = guessed_axis[1] * axis[0] - guessed_axis[0] * axis[1]
    assert across / (axis @ axis) == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize("flipped", [False, True])
def test_a_nominal_camera_makes_the_homography_the_pose_itself(flipped):
    camera = nominal_camera(SIZE_WH, 1.7)
    pose = Pose(12.0, -7.0, 0.8, flipped)
    (view,) = view_things(camera, [place(plate(), pose)])
    points = plate().outer.points
    np.testing.assert_allclose(through(view.homographies[0], points), view.pose_px.apply(points), atol=2e-3)
    assert view.pose_px.angle_rad == pytest.approx(0.8)
    assert view.pose_px.scale_px_per_mm == pytest.approx(1.7, rel=1e-4)


def test_distortion_is_followed_at_the_part():
    straight = nominal_camera(SIZE_WH, 1.4)
    bent = Camera(SIZE_WH, straight.matrix, straight.rotation, straight.translation_mm, np.array([-0.6, 0, 0, 0, 0]))
    pose = Pose(50.0, 35.0, 0.2)
    part = plate()
    (view,) = view_things(bent, [place(part, pose)])
    expected = bent.project(pose.apply(part.outer.points))
    moved = np.hypot(*(expected - straight.project(pose.apply(part.outer.points))).T).max()
    off = np.hypot(*(through(view.homographies[0], part.outer.points) - expected).T).max()
    assert moved > 0.3
    assert off < 0.25 * moved


def test_views_come_in_the_order_of_the_things():
    things = [place(plate(), Pose(x, 0, 0)) for x in (-30, 0, 30)]
    views = view_things(nominal_camera(SIZE_WH, 1.0), things)
    assert [view.thing for view in views] == things
    assert [view.left for view in views] == sorted(view.left for view in views)

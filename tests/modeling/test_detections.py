"""The struct of arrays that every detector returns."""

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kontur.errors import DetectionError
from kontur.geometry import PixelPose, Pose
from kontur.geometry.camera import tilted_camera
from kontur.modeling.detections import UNKNOWN, Detections, concatenate, from_poses, unregistered

SIZE_WH = (640, 480)
POINTS_MM = np.array([(0.0, 0.0), (10, 0), (0, 5), (-3, 8), (7, -6)])

poses = st.builds(
    PixelPose,
    u=st.floats(-100, 800), v=st.floats(-100, 600), angle_rad=st.floats(-3.1, 3.1),
    scale_px_per_mm=st.floats(0.1, 20), flipped=st.booleans(),
)  # fmt: skip


def some(count=4, size_wh=SIZE_WH, seed=0):
    """Registered detections with random but valid numbers."""
    rng = np.random.default_rng(seed)
    poses = [PixelPose(*rng.uniform(0, 400, 2), rng.uniform(-3, 3), 1.5, bool(rng.integers(2))) for _ in range(count)]
    found = from_poses(size_wh, rng.integers(0, 3, count), rng.uniform(0, 1, count), poses)
    return Detections(
        size_wh, found.part.copy(), found.score.copy(), found.matrix.copy(), found.flipped.copy(),
        rng.uniform(0, 1, count), rng.uniform(0, 2, count), rng.normal(size=(count, 4, 4)),
        rng.integers(0, 3, count),
    )  # fmt: skip


def arrays(found):
    return {item.name: getattr(found, item.name) for item in fields(found)[1:]}


def changed(found, **values):
    return Detections(found.size_wh, **({name: array.copy() for name, array in arrays(found).items()} | values))


@given(poses)
def test_a_pose_survives_the_way_through_the_matrix(pose):
    found = from_poses(SIZE_WH, [2], [0.5], [pose])
    back = found.pose(0)
    assert (back.u, back.v, back.scale_px_per_mm) == pytest.approx((pose.u, pose.v, pose.scale_px_per_mm))
    assert np.cos(back.angle_rad - pose.angle_rad) == pytest.approx(1)
    assert back.flipped == pose.flipped
    assert found.project(0, POINTS_MM) == pytest.approx(pose.apply(POINTS_MM), abs=1e-6)


@given(st.floats(-80, 80), st.floats(-50, 50), st.floats(-3, 3), st.booleans(), st.floats(0, 0.25), st.floats(0, 6))
def test_under_tilt_the_similarity_is_that_of_the_camera_at_the_datum(x, y, theta, flipped, tilt, towards):
    """The camera finds it by finite differences of its projection, the detections from the homography."""
    camera, pose = tilted_camera(SIZE_WH, 1.5, 500, tilt, towards), Pose(x, y, theta, flipped)
    place = np.eye(3)
    place[:2] = np.column_stack([pose.apply(np.eye(2)) - (x, y), (x, y)])
    place[:2, :2] = place[:2, :2].T
    matrix = camera.homography @ place
    found = unregistered(SIZE_WH, np.array([0]), np.array([1.0]), (matrix / matrix[2, 2])[None], np.array([flipped]))
    expected = camera.pixel_pose(pose)
    back = found.pose(0)
    assert found.project(0, POINTS_MM) == pytest.approx(camera.project(pose.apply(POINTS_MM)), abs=1e-6)
    assert (back.u, back.v) == pytest.approx((expected.u, expected.v), abs=1e-6)
    assert back.scale_px_per_mm == pytest.approx(expected.scale_px_per_mm, rel=1e-6)
    assert np.cos(back.angle_rad - expected.angle_rad) == pytest.approx(1, abs=1e-9)


def test_what_was_not_registered_is_nan():
    found = from_poses(SIZE_WH, [0], [1.0], [PixelPose(1, 2, 0, 1)])
    assert np.isnan(found.support).all()
    assert np.isnan(found.residual_px).all()
    assert np.isnan(found.covariance).all()


def test_nothing_found_is_valid():
    found = from_poses(SIZE_WH, [], [], [])
    assert len(found) == 0
    assert found.uv.shape == (0, 2)
    assert found.similarity[0].shape == (0,)


def test_unknown_is_no_part():
    assert UNKNOWN < 0
    assert from_poses(SIZE_WH, [UNKNOWN], [0.4], [PixelPose(1, 2, 0, 1)]).part.tolist() == [-1]


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        ({"score": np.zeros(3)}, r"score: expected \(4,\) float64, got \(3,\) float64"),
        ({"score": np.zeros(4, np.float32)}, r"score: expected \(4,\) float64, got \(4,\) float32"),
        ({"part": np.zeros(4, np.int32)}, r"part: expected \(4,\) int64, got \(4,\) int32"),
        ({"matrix": np.zeros((4, 2, 3))}, r"matrix: expected \(4, 3, 3\) float64, got \(4, 2, 3\) float64"),
        ({"covariance": np.zeros((4, 3, 3))}, r"covariance: expected \(4, 4, 4\) float64"),
        ({"flipped": np.zeros(4, np.uint8)}, r"flipped: expected \(4,\) bool, got \(4,\) uint8"),
        ({"score": np.full(4, 1.01)}, r"score: expected values in \[0, 1\]"),
        ({"score": np.full(4, -0.01)}, r"score: expected values in \[0, 1\]"),
        ({"score": np.full(4, np.nan)}, r"score: expected values in \[0, 1\]"),
        ({"matrix": np.full((4, 3, 3), np.inf)}, "matrix: expected finite values"),
    ],
)
def test_arrays_that_contradict_each_other_are_refused(values, fault):
    with pytest.raises(DetectionError, match=fault):
        changed(some(), **values)


@pytest.mark.parametrize("name", list(arrays(some())))
def test_arrays_are_read_only(name):
    array = getattr(some(), name)
    with pytest.raises(ValueError, match="read-only"):
        array[0] = 0


@given(st.lists(st.integers(0, 3), max_size=6))
def test_choosing_rows_chooses_them_in_every_array(rows):
    found = some()
    chosen = found[np.array(rows, np.int64)]
    assert chosen.size_wh == found.size_wh
    for name, array in arrays(found).items():
        assert np.array_equal(getattr(chosen, name), array[rows])


def test_choosing_by_mask_and_slice():
    found = some()
    assert len(found[found.score > 2]) == 0
    assert np.array_equal(found[1:3].matrix, found.matrix[1:3])


@pytest.mark.parametrize("asked_before", [False, True])
def test_chosen_rows_keep_their_similarity(asked_before):
    found, rows = some(), np.array([2, 0])
    expected = [values[rows] for values in some().similarity]
    if asked_before:
        assert len(found.similarity[0]) == 4
    for chosen in (found[rows], found[rows].scored(np.array([0.1, 0.2])), found.layered(np.arange(4))[rows]):
        np.testing.assert_array_equal(chosen.similarity, expected)


def test_other_scores_and_layers_leave_the_rest_as_it_is():
    found = some()
    score, layer = np.linspace(0, 1, 4), np.arange(4)
    other = found.scored(score).layered(layer)
    for name, array in arrays(found).items():
        assert np.array_equal(getattr(other, name), {"score": score, "layer": layer}.get(name, array))
        assert not getattr(other, name).flags.writeable
    assert np.array_equal(found.score, some().score)


def test_joined_detections_keep_their_order():
    first, second = some(3, seed=1), some(2, seed=2)
    joined = concatenate([first, second])
    assert len(joined) == 5
    for name, array in arrays(first).items():
        assert np.array_equal(getattr(joined, name)[:3], array)
    assert np.array_equal(joined[3:].score, second.score)
    assert concatenate([first[:0], first, second[:0]]) is first
    assert len(concatenate([first[:0], second[:0]])) == 0


@pytest.mark.parametrize("parts", [[], [some(1), some(1, size_wh=(480, 640))]], ids=["nothing", "two sizes"])
def test_only_detections_of_one_picture_can_be_joined(parts):
    with pytest.raises(DetectionError, match="expected detections of one picture"):
        concatenate(parts)


def test_detections_are_frozen():
    with pytest.raises(AttributeError):
        some().score = np.zeros(4)
    assert replace(some(), size_wh=(10, 20)).size_wh == (10, 20)

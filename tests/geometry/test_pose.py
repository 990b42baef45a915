"""Poses: which way things turn, mirror and map to pixels."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from kontur.geometry import PixelPose, Pose, angle_difference, turn_matrix, wrap_angle

X_AXIS = np.array([[1.0, 0.0]])
Y_AXIS = np.array([[0.0, 1.0]])

angles = st.floats(-20, 20)
orders = st.integers(1, 36)
points = np.random.default_rng(3).normal(size=(7, 2)) * 30


def test_angles_are_counter_clockwise_with_y_up():
    assert Pose(0, 0, np.pi / 2).apply(X_AXIS) == pytest.approx(np.array([[0, 1]]))


def test_flipped_is_mirrored_in_x_first_and_turned_then():
    pose = Pose(5, 7, np.pi / 2, flipped=True)
    assert pose.apply(X_AXIS) == pytest.approx(np.array([[5, 6]]))
    assert pose.apply(Y_AXIS) == pytest.approx(np.array([[4, 7]]))


def test_in_a_picture_the_same_turn_looks_counter_clockwise_though_v_goes_down():
    pose = PixelPose(100, 50, np.pi / 2, 2.0)
    assert pose.apply(X_AXIS) == pytest.approx(np.array([[100, 48]]))
    assert pose.apply(Y_AXIS) == pytest.approx(np.array([[98, 50]]))


def test_at_angle_zero_the_drawing_lies_as_it_was_drawn():
    pose = PixelPose(100, 50, 0.0, 2.0)
    assert pose.apply(X_AXIS) == pytest.approx(np.array([[102, 50]]))
    assert pose.apply(Y_AXIS) == pytest.approx(np.array([[100, 48]]))


def test_flipped_in_a_picture():
    pose = PixelPose(100, 50, 0.0, 2.0, flipped=True)
    assert pose.apply(X_AXIS) == pytest.approx(np.array([[98, 50]]))
    assert pose.apply(Y_AXIS) == pytest.approx(np.array([[100, 48]]))


@given(angles, st.booleans())
def test_turns_keep_lengths_and_flips_change_the_sense(theta, flipped):
    matrix = turn_matrix(theta, flipped)
    assert matrix @ matrix.T == pytest.approx(np.eye(2), abs=1e-12)
    assert np.linalg.det(matrix) == pytest.approx(-1 if flipped else 1)


@given(angles, st.booleans(), st.floats(0.1, 20), st.floats(-500, 500), st.floats(-500, 500))
def test_a_picture_shows_what_the_plane_does(theta, flipped, scale, u, v):
    """The map to pixels is the map to the plane, scaled, moved and with y turned down."""
    on_plane = Pose(0, 0, theta, flipped).apply(points)
    expected = on_plane * (scale, -scale) + (u, v)
    pose = PixelPose(u, v, theta, scale, flipped)
    assert pose.apply(points) == pytest.approx(expected, abs=1e-8)
    assert np.column_stack([points, np.ones(len(points))]) @ pose.matrix.T == pytest.approx(expected, abs=1e-8)


@given(angles, orders)
def test_wrapped_angles_look_the_same(theta, order):
    period = 2 * np.pi / order
    wrapped = wrap_angle(theta, order)
    assert 0 <= wrapped <= period
    turns = (theta - wrapped) / period
    assert turns == pytest.approx(round(turns), abs=1e-6)


@given(angles, angles, orders)
def test_a_difference_is_the_smallest_turn_between_equal_looks(a, b, order):
    period = 2 * np.pi / order
    difference = angle_difference(a, b, order)
    assert -period / 2 <= difference <= period / 2
    brute = min((a - b + k * period for k in range(-300, 301)), key=abs)
    assume(abs(abs(brute) - period / 2) > 1e-9)
    assert difference == pytest.approx(brute, abs=1e-6)


@given(angles, angles)
def test_without_a_preferred_angle_there_is_no_difference(a, b):
    assert wrap_angle(a, 0) == 0
    assert angle_difference(a, b, 0) == 0

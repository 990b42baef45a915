"""Contours moved from one plane to another, against the planes' own homographies."""

from dataclasses import replace

import numpy as np
import pytest

from kontur.geometry import PixelPose
from kontur.modeling.common_plane import best_of_places, log_scales_at_data, move_to_plane
from kontur.modeling.detections import from_poses
from kontur.modeling.placing import log_scale_at_datum
from kontur.modeling.plane import level_plane

SIZE_WH = (640, 480)
LEVEL = level_plane(SIZE_WH)
TILTED = replace(LEVEL, slope_uv=(0.12, -0.2))
POSES = [PixelPose(100, 90, 0.4, 1.3), PixelPose(500, 70, 2.5, 1.2, True), PixelPose(320, 400, -1.0, 0.8)]


def moved(matrix, old, new):
    out = np.empty_like(matrix)
    move_to_plane(matrix, new.both_ways[0] @ old.both_ways[1], out)
    return out


def derivative_at_datum(matrix):
    return matrix[:2, :2] - np.outer(matrix[:2, 2], matrix[2, :2])


def test_a_contour_takes_over_the_perspective_and_keeps_datum_angle_and_mean_scale():
    start = from_poses(SIZE_WH, [0] * 3, [1.0] * 3, POSES).matrix
    for before, after in zip(start, moved(start, LEVEL, TILTED), strict=True):
        np.testing.assert_allclose(after[:, 2], before[:, 2], atol=1e-9)
        correction = after @ np.linalg.inv(TILTED.homography @ np.linalg.inv(LEVEL.homography) @ before)
        correction /= correction[2, 2]
        np.testing.assert_allclose(correction[2], (0, 0, 1), atol=1e-9)
        np.testing.assert_allclose(correction[0, :2], correction[1, 1::-1] * (1, -1), atol=1e-9)
        turned = derivative_at_datum(before) @ np.linalg.inv(derivative_at_datum(after))
        assert (turned[0, 0] + turned[1, 1]) / 2 == pytest.approx(1, abs=1e-9)
        assert turned[0, 1] == pytest.approx(turned[1, 0], abs=1e-9)


def test_the_same_plane_changes_nothing():
    start = from_poses(SIZE_WH, [0] * 3, [1.0] * 3, POSES).matrix
    np.testing.assert_allclose(moved(start, TILTED, TILTED), start, atol=1e-9)


def test_of_those_in_one_place_the_first_is_chosen():
    centre = np.array([[0.0, 0], [5, 0], [30, 0], [33, 4], [60, 0]])
    chosen = np.zeros(5, bool)
    best_of_places(np.array([1, 0, 3, 2]), centre, np.full(5, 36.0), chosen)
    assert chosen.tolist() == [False, True, False, True, False]


@pytest.mark.parametrize("plane", [LEVEL, TILTED])
def test_scales_at_many_data_are_those_at_each(plane):
    matrix, out = from_poses(SIZE_WH, [0] * 3, [1.0] * 3, POSES).matrix, np.empty(3)
    log_scales_at_data(plane.both_ways[1], matrix, out)
    np.testing.assert_array_equal(out, [log_scale_at_datum(plane.both_ways[1], item) for item in matrix])
    if plane is LEVEL:
        np.testing.assert_allclose(np.exp(out), [1.3, 1.2, 0.8])

"""A point placed by a homography: its normal and the growth of areas against differences of mapped points."""

import numpy as np
import pytest
from numba import njit

from kontur.modeling.alignment import apply_homography
from kontur.modeling.placing import place_point

TILTED = np.array([[1.3, -0.4, 200.0], [-0.5, -1.2, 150.0], [4e-4, -2e-4, 1.0]])
MIRRORED = TILTED @ np.diag([-1.0, 1.0, 1.0])
STEP = 1e-4


@njit
def placed(matrix, point, normal):
    return place_point(matrix, point, normal)


def mapped(matrix, points):
    return apply_homography(matrix[None], np.asarray(points, float)[None])[0][0]


@pytest.mark.parametrize("matrix", [TILTED, MIRRORED])
@pytest.mark.parametrize("angle", [0.0, 0.7, 2.5, 4.0])
def test_a_normal_stays_square_to_the_contour_and_on_its_side(matrix, angle):
    point, normal = np.array([12.0, -7.0]), np.array([np.cos(angle), np.sin(angle)])
    along = np.array([-normal[1], normal[0]])
    there, turned, _ = placed(matrix, point, normal)
    before, after, outside = mapped(matrix, [point - STEP * along, point + STEP * along, point + STEP * normal])
    np.testing.assert_allclose(there, mapped(matrix, [point])[0], atol=1e-9)
    assert np.hypot(*turned) == pytest.approx(1)
    assert np.dot(turned, after - before) == pytest.approx(0, abs=1e-7)
    assert np.dot(turned, outside - there) > 0


@pytest.mark.parametrize("matrix", [TILTED, MIRRORED])
def test_areas_grow_as_that_of_a_small_square(matrix):
    point = np.array([-9.0, 20.0])
    corners = mapped(matrix, point + STEP * np.array([(0, 0), (1, 0), (0, 1)]))
    (a, b), (c, d) = (corners[1] - corners[0]) / STEP, (corners[2] - corners[0]) / STEP
    assert placed(matrix, point, np.array([1.0, 0.0]))[2] == pytest.approx(abs(a * d - b * c), rel=1e-3)

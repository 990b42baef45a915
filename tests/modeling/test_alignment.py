"""The algebra of registration against OpenCV, finite differences and NumPy's own least squares."""

import cv2
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from motion_oracle import motion_rows

from kontur.modeling.alignment import (
    apply_homography,
    motion_matrices,
    project_normals,
)

STEP = 1e-5
seeds = st.integers(0, 2**32 - 1)


def random_homographies(rng, count):
    """Similarity-like homographies, some mirrored, with a perspective that keeps the unit square's weight positive."""
    matrix = np.tile(np.eye(3), (count, 1, 1))
    angle, scale = rng.uniform(0, 2 * np.pi, count), rng.uniform(0.5, 3, count)
    c, s = scale * np.cos(angle), scale * np.sin(angle)
    mirror = rng.choice([-1, 1], count)
    matrix[:, :2, :2] = np.stack([np.stack([mirror * c, -s], 1), np.stack([mirror * s, c], 1)], 1)
    matrix[:, :2, 2] = rng.uniform(-50, 50, (count, 2))
    matrix[:, 2, :2] = rng.uniform(-0.02, 0.02, (count, 2))
    return matrix


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


@settings(max_examples=20, deadline=None)
@given(seeds)
def test_points_are_mapped_as_opencv_maps_them(seed):
    rng = np.random.default_rng(seed)
    matrix, points = random_homographies(rng, 3), rng.uniform(-8, 8, (3, 5, 2))
    mapped, _ = apply_homography(matrix, points)
    for k in range(3):
        np.testing.assert_allclose(mapped[k], cv2.perspectiveTransform(points[k][None], matrix[k])[0], atol=1e-9)


@settings(max_examples=20, deadline=None)
@given(seeds)
def test_the_derivative_is_that_of_finite_differences(seed):
    rng = np.random.default_rng(seed)
    matrix, points = random_homographies(rng, 3), rng.uniform(-8, 8, (3, 5, 2))
    _, derivative = apply_homography(matrix, points)
    for axis in range(2):
        shift = STEP * np.eye(2)[axis]
        ahead, behind = (apply_homography(matrix, points + sign * shift)[0] for sign in (1, -1))
        np.testing.assert_allclose(derivative[..., axis], (ahead - behind) / (2 * STEP), rtol=1e-5, atol=1e-6)


def test_one_matrix_serves_all():
    rng = np.random.default_rng(0)
    matrix, points = random_homographies(rng, 1)[0], rng.uniform(-8, 8, (4, 6, 2))
    shared, repeated = (apply_homography(item, points) for item in (matrix, np.stack([matrix] * 4)))
    np.testing.assert_array_equal(shared[0], repeated[0])
    np.testing.assert_array_equal(shared[1], repeated[1])


@settings(max_examples=20, deadline=None)
@given(seeds)
def test_normals_stay_at_right_angles_to_mapped_tangents_and_on_their_side(seed):
    """Also under mirrors: what pointed away from the material still does."""
    rng = np.random.default_rng(seed)
    matrix, points = random_homographies(rng, 4), rng.uniform(-8, 8, (4, 5, 2))
    normals = unit(rng.standard_normal((4, 5, 2)))
    tangents = np.stack([-normals[..., 1], normals[..., 0]], axis=-1)
    mapped, derivative = apply_homography(matrix, points)
    found = project_normals(derivative, normals)
    np.testing.assert_allclose(np.linalg.norm(found, axis=-1), 1)
    along = apply_homography(matrix, points + STEP * tangents)[0] - mapped
    outside = apply_homography(matrix, points + STEP * normals)[0] - mapped
    assert np.abs((unit(along) * found).sum(-1)).max() < 1e-4
    assert ((outside * found).sum(-1) > 0).all()


@settings(max_examples=20, deadline=None)
@given(seeds, st.booleans())
def test_motion_rows_foretell_how_far_a_small_motion_moves_points(seed, tilted):
    """Rows against differences of points that `motion_matrices` has really moved, with and without a shared homography."""
    rng = np.random.default_rng(seed)
    shared = random_homographies(rng, 1)[0] if tilted else np.eye(3)
    rectified, centre = rng.uniform(-8, 8, (3, 6, 2)), rng.uniform(-3, 3, (3, 2))
    normals = unit(rng.standard_normal((3, 6, 2)))
    before, derivative = apply_homography(shared, rectified)
    rows = motion_rows(rectified, centre, derivative if tilted else None, normals)
    for axis in range(4):
        motion = np.tile(STEP * np.eye(4)[axis], (3, 1))
        after, _ = apply_homography(shared @ motion_matrices(motion, centre), rectified)
        moved = ((after - before) * normals).sum(-1) / STEP
        np.testing.assert_allclose(rows[..., axis], moved, rtol=1e-3, atol=2e-3)


def test_a_motion_turns_counter_clockwise_as_seen_scales_and_shifts_about_the_centre():
    """A quarter turn, twice as large, about (10, 20), then 3 px right and 4 down; v points down."""
    matrix = motion_matrices(np.array([[3.0, 4.0, np.pi / 2, np.log(2)]]), np.array([[10.0, 20.0]]))[0]
    right_of_centre, above_centre = [11.0, 20.0, 1.0], [10.0, 19.0, 1.0]
    np.testing.assert_allclose(matrix @ [10, 20, 1], [13, 24, 1])
    np.testing.assert_allclose(matrix @ right_of_centre, [13, 22, 1])
    np.testing.assert_allclose(matrix @ above_centre, [11, 24, 1])

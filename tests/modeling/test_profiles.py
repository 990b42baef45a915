"""What is read across contours, against the same in plain NumPy and SciPy."""

import numpy as np
import pytest
from profile_oracle import features_at
from test_edges_more import step_picture

from kontur.modeling.edge_reader import FEATURES, FIRST_PX, SAMPLES, STEP_PX, Viewpoint, seeing
from kontur.modeling.edges import EdgePicture
from kontur.modeling.profiles import peaks_of, read_along

VIEW = Viewpoint(60.0, 45.0, 150.0)
LIMITS = 9.0, 3.25


def source(channels=3, noise=2.5):
    """A step edge on a rough surface."""
    rng = np.random.default_rng(7)
    edge = step_picture(0.4, 0.3, 1.0)[..., None] * rng.uniform(0.6, 1, channels)
    return EdgePicture((edge + rng.normal(0, 2, edge.shape)).astype(np.float32), 1, noise)


def read(picture, points, normals, weight, scaling=None):
    """Features and clearness of the points with a weight, and the edges near all of them."""
    scaling = scaling or (np.zeros(FEATURES, np.float32), np.ones(FEATURES, np.float32), np.float32(1e9))
    count, near = np.count_nonzero(weight), np.empty((2, *weight.shape, 3))
    features, clear = np.empty((count, FEATURES), np.float32), np.empty(count, np.float32)
    line, limits, seen = seeing(picture, VIEW, LIMITS)
    read_along(picture.pixels, (points, normals, weight), line, limits, seen, scaling, features, clear, *near)
    return features, clear, *near


def contours(seed, low, high, shape=(2, 15)):
    """Random points between two corners, with random normals; a quarter has no weight."""
    rng = np.random.default_rng(seed)
    angle = rng.uniform(0, 2 * np.pi, shape)
    weight = (rng.uniform(size=shape) < 0.75).astype(float)
    return rng.uniform(low, high, (*shape, 2)), np.stack([np.cos(angle), np.sin(angle)], -1), weight


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("low", "high"), [((15, 15), (100, 70)), ((-3, -3), (122, 92))])
def test_features_are_those_of_plain_numpy(channels, low, high):
    """Inside the picture, and where lines cross its border."""
    picture, (points, normals, weight) = source(channels), contours(channels, low, high)
    features, clear, _, strength = read(picture, points, normals, weight)
    offsets, kept = FIRST_PX + STEP_PX * np.arange(SAMPLES), weight > 0
    expected = features_at(picture, points[kept], normals[kept], offsets, VIEW)
    np.testing.assert_allclose(features, expected, atol=2e-3)
    np.testing.assert_allclose(clear, expected[:, 2 * SAMPLES - 1], atol=2e-3)
    assert (strength[~kept] == 0).all()


def test_features_are_scaled_and_limited():
    picture, (points, normals, weight) = source(), contours(5, (15, 15), (100, 70))
    rng = np.random.default_rng(8)
    mean, over = rng.normal(0, 1, FEATURES).astype(np.float32), rng.uniform(0.5, 9, FEATURES).astype(np.float32)
    plain, clear, *near = read(picture, points, normals, weight)
    scaled, same, *same_near = read(picture, points, normals, weight, (mean, over, np.float32(3)))
    np.testing.assert_allclose(scaled, np.clip((plain - mean) * over, -3, 3), atol=1e-4)
    np.testing.assert_array_equal(clear, same)
    np.testing.assert_array_equal(near, same_near)
    assert (np.abs(scaled) == 3).any()


def test_how_far_points_lie_from_each_other_does_not_matter():
    """The next point's px are asked for while one is looked at: the last of all has no next."""
    picture, (points, normals, weight) = source(), contours(9, (10, 10), (110, 80), (1, 20))
    together, *_ = read(picture, points, normals, np.ones_like(weight))
    for k in range(20):
        alone, *_ = read(picture, points[:, k : k + 1], normals[:, k : k + 1], np.ones((1, 1)))
        np.testing.assert_array_equal(alone[0], together[k])


@pytest.mark.parametrize("count", [5, 8, 9, 10, 11, 18, 19, 40])
@pytest.mark.parametrize("seed", range(4))
def test_peaks_are_the_strongest_tops_and_of_equal_ones_the_first(count, seed):
    row = np.random.default_rng(seed).integers(0, 5, count).astype(np.float32)
    at, height = np.empty(3), np.empty(3, np.float32)
    longer = np.append(row, [9, 0, 9]).astype(np.float32)  # what lies beyond the line counts nothing
    peaks_of(longer, count, 1, np.float32(0.5), at, height)
    tops = [k for k in range(1, count - 1) if row[k] > 0.5 and row[k] > row[k - 1] and row[k] >= row[k + 1]]
    strongest = sorted(tops, key=lambda k: -row[k])[:3]
    assert height.tolist() == [float(row[k]) for k in strongest] + [0.0] * (3 - len(strongest))
    assert (np.abs(at[: len(strongest)] - strongest) <= 1).all()
    assert (at[len(strongest) :] == count // 2).all()

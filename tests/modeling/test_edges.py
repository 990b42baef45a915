import numpy as np
import pytest
from profile_oracle import edges_at

from kontur.modeling.edges import edge_picture
from kontur.modeling.noise import noise_level


def half_plane(angle: float, position: float, size_wh=(81, 61), levels=(60.0, 180.0)) -> np.ndarray:
    """A picture whose right side of a line is bright, by the exact blur of a step with a unit box along its normal."""
    u, v = np.meshgrid(np.arange(size_wh[0]), np.arange(size_wh[1]))
    normal = np.array([np.cos(angle), np.sin(angle)])
    distance = (u - 40) * normal[0] + (v - 30) * normal[1] - position
    grey = levels[0] + (levels[1] - levels[0]) * np.clip(distance + 0.5, 0, 1)
    return np.repeat(grey.round().astype(np.uint8)[..., None], 3, 2), normal


@pytest.mark.parametrize("angle", [0.0, 0.4, 1.2, 3.0])
@pytest.mark.parametrize("position", [-0.7, 0.0, 0.35])
def test_a_step_is_found_where_it_is(angle, position):
    picture, normal = half_plane(angle, position)
    tangent = np.array([-normal[1], normal[0]])
    points = (np.array([40.0, 30.0]) + np.arange(-8, 9)[:, None] * tangent)[None]
    found, peak = edges_at(edge_picture(picture, 0.7), points, np.broadcast_to(normal, points.shape), 6.0, 0.5)
    assert abs(np.mean(found) - position) < 0.03
    assert (peak > 20).all()


def test_the_sign_of_an_edge_does_not_matter():
    bright, normal = half_plane(0.0, 0.2)
    point, facing = np.array([[[40.0, 30.0]]]), normal[None, None]
    both = [edges_at(edge_picture(p, 0.7), point, facing, 4.0, 0.5) for p in (bright, 255 - bright)]
    assert both[0][1] > 20
    np.testing.assert_allclose(both[0], both[1], atol=1e-3)


def test_outside_the_picture_there_are_no_edges():
    picture, normal = half_plane(0.0, 0.0)
    far = np.array([[[-50.0, 30.0], [300.0, 30.0]]])
    _, strength = edges_at(edge_picture(picture, 0.7), far, np.broadcast_to(normal, far.shape), 3.0, 0.5)
    assert (strength == 0).all()


def test_a_reduced_picture_keeps_its_pixel_frame():
    picture, normal = half_plane(0.0, 1.0)
    at, _ = edges_at(edge_picture(picture, 0.7, 2), np.array([[[40.0, 30.0]]]), normal[None, None], 8.0, 1.0)
    assert at[0, 0, 0] == pytest.approx(1.0, abs=0.2)


def test_noise_is_told_from_edges():
    rng = np.random.default_rng(2)
    picture, _ = half_plane(0.3, 0.0, size_wh=(201, 151))
    noisy = (picture + rng.normal(0, 6, picture.shape)).astype(np.float32)
    assert noise_level(noisy) == pytest.approx(6 / np.sqrt(2), rel=0.4)
    assert noise_level(picture.astype(np.float32)) < 1

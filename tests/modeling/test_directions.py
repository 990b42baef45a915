"""The compiled field of edge directions against OpenCV's filters, one after the other, and what it must be blind to."""

import cv2
import numpy as np
import pytest

from kontur.modeling.coarse_pose import direction_field
from kontur.modeling.views import Views


def grains(shape, seed=3):
    """A picture of soft grains."""
    noise = np.random.default_rng(seed).uniform(0, 255, (*shape, 3)).astype(np.float32)
    return cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 2), None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)


def field_of(half):
    """A Gaussian, Sobel's operator, the means around, and another Gaussian."""
    smooth = cv2.GaussianBlur(half.astype(np.float32), (3, 3), 0)
    across, down = (cv2.Sobel(smooth, cv2.CV_32F, dx, 1 - dx, scale=1 / 4) for dx in (1, 0))
    turn = ((across + 1j * down) ** 2).sum(axis=2)
    strength = np.sqrt(np.abs(turn))
    around = cv2.blur(strength, (33, 33))
    turn *= strength / (strength + 2 * around + 4) / np.maximum(np.abs(turn), 1e-6)
    return cv2.GaussianBlur(np.stack([turn.real, turn.imag], axis=-1).astype(np.float32), (0, 0), 1.5)


@pytest.mark.parametrize("shape", [(120, 164), (21, 50), (50, 13), (6, 4)])
def test_the_field_is_what_opencvs_filters_make_one_after_the_other(shape):
    picture = grains(shape)
    even = picture[: shape[0] // 2 * 2, : shape[1] // 2 * 2]
    half = cv2.resize(even, (shape[1] // 2, shape[0] // 2), interpolation=cv2.INTER_AREA)
    np.testing.assert_allclose(direction_field(picture), field_of(half), atol=1e-4)


def test_a_picture_without_edges_has_an_empty_field():
    assert not direction_field(np.full((40, 60, 3), 90, np.uint8)).any()


def test_a_negative_has_the_same_field():
    picture = grains((60, 80)) // 2 * 2  # the reduction rounds halves up
    np.testing.assert_allclose(direction_field(picture), direction_field(254 - picture), atol=0.02)


def test_it_does_not_matter_which_colour_is_which():
    picture = grains((60, 80))
    np.testing.assert_allclose(direction_field(picture), direction_field(picture[..., [2, 0, 1]].copy()), atol=1e-5)


def test_the_field_of_a_mirrored_picture_is_mirrored():
    picture = grains((60, 80))
    mirrored = direction_field(np.ascontiguousarray(picture[:, ::-1]))
    np.testing.assert_allclose(mirrored[:, ::-1] * (1, -1), direction_field(picture), atol=1e-5)


def test_the_field_of_a_picture_turned_by_a_quarter_is_turned_by_a_half():
    picture = grains((60, 80))
    turned = direction_field(np.ascontiguousarray(np.rot90(picture)))
    np.testing.assert_allclose(-np.rot90(turned, -1), direction_field(picture), atol=1e-5)


def test_weak_and_strong_contrast_count_nearly_alike():
    """An edge of 20 grey levels against one of 160: the gradient is eight times as strong, the field far less."""
    strengths = []
    for contrast in (20, 160):
        picture = np.full((120, 160, 3), 40, np.uint8)
        picture[:, 80:] += contrast
        strengths.append(np.linalg.norm(direction_field(picture)[30, 40]))
    assert strengths[0] > 0.5 * strengths[1]


def test_the_views_of_a_picture_have_its_field():
    picture = grains((60, 80))
    np.testing.assert_array_equal(direction_field(Views(picture)), direction_field(picture))

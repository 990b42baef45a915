"""The compiled field of edge directions against OpenCV's filters, applied one after the other."""

import cv2
import numpy as np
import pytest

from kontur.modeling.coarse_pose import direction_field


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
    grains = np.random.default_rng(3).uniform(0, 255, (*shape, 3)).astype(np.float32)
    picture = cv2.normalize(cv2.GaussianBlur(grains, (0, 0), 2), None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)
    even = picture[: shape[0] // 2 * 2, : shape[1] // 2 * 2]
    half = cv2.resize(even, (shape[1] // 2, shape[0] // 2), interpolation=cv2.INTER_AREA)
    np.testing.assert_allclose(direction_field(picture), field_of(half), atol=1e-4)


def test_a_picture_without_edges_has_an_empty_field():
    assert not direction_field(np.full((40, 60, 3), 90, np.uint8)).any()

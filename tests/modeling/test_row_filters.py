"""Filters that go row by row, against OpenCV's."""

import cv2
import numpy as np
import pytest

from kontur.modeling.row_filters import mirrored, smooth


def noise(shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (*shape, 3)).astype(np.uint8)


@pytest.mark.parametrize("shape", [(40, 57), (7, 30), (30, 4), (2, 3), (1, 9)])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_smooth_picture_is_opencvs(shape, channels):
    picture, kernel = noise(shape)[..., :channels].copy(), cv2.getGaussianKernel(7, 0.7, cv2.CV_32F)
    height, size = shape[0], shape[1] * channels
    out = np.empty((height, size), np.float32)
    smooth(picture.reshape(height, size), channels, kernel[3:, 0], out)
    expected = cv2.sepFilter2D(picture.astype(np.float32), -1, kernel, kernel)
    np.testing.assert_allclose(out.reshape(height, -1, channels), expected.reshape(height, -1, channels), atol=1e-4)


@pytest.mark.parametrize("count", [1, 2, 3, 9])
def test_what_lies_outside_is_mirrored_as_opencv_does(count):
    for index in range(-40, 40):
        assert mirrored(index, count) == cv2.borderInterpolate(index, count, cv2.BORDER_REFLECT_101)

"""Filters that go row by row, against OpenCV's and NumPy's."""

import cv2
import numpy as np
import pytest

from kontur.modeling.row_filters import continue_row, filter_along, filter_down, mirrored, smooth


def noise(shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (*shape, 3)).astype(np.uint8)


def symmetric(weights):
    """All weights of a filter, given from the middle on."""
    return np.concatenate([weights[:0:-1], weights])


@pytest.mark.parametrize("shape", [(40, 57), (7, 30), (30, 4), (2, 3), (1, 9)])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_smooth_picture_is_opencvs(shape, channels):
    picture, kernel = noise(shape)[..., :channels].copy(), cv2.getGaussianKernel(7, 0.7, cv2.CV_32F)
    height, size = shape[0], shape[1] * channels
    out = np.empty((height, size), np.float32)
    smooth(picture.reshape(height, size), channels, kernel[3:, 0], out)
    expected = cv2.sepFilter2D(picture.astype(np.float32), -1, kernel, kernel)
    np.testing.assert_allclose(out.reshape(height, -1, channels), expected.reshape(height, -1, channels), atol=1e-4)


def test_a_single_bright_pixel_becomes_the_product_of_the_weights():
    picture, weights = np.zeros((15, 15), np.uint8), np.array([0.4, 0.2, 0.07, 0.03], np.float32)
    picture[7, 7] = 200
    out = np.empty((15, 15), np.float32)
    smooth(picture, 1, weights, out)
    expected = np.zeros((15, 15))
    expected[4:11, 4:11] = 200 * np.outer(symmetric(weights), symmetric(weights))
    np.testing.assert_allclose(out, expected, atol=1e-4)


@pytest.mark.parametrize("count", [1, 2, 3, 9])
def test_what_lies_outside_is_mirrored_as_opencv_does(count):
    for index in range(-40, 40):
        assert mirrored(index, count) == cv2.borderInterpolate(index, count, cv2.BORDER_REFLECT_101)


@pytest.mark.parametrize(("width", "reach", "channels"), [(9, 3, 3), (20, 6, 2), (2, 4, 1), (1, 2, 3)])
def test_a_row_is_continued_by_its_mirror_image_channel_by_channel(width, reach, channels):
    row = np.arange(width * channels, dtype=np.float32).reshape(width, channels)
    line = np.full(((width + 2 * reach) * channels), np.nan, np.float32)
    line[reach * channels : (reach + width) * channels] = row.ravel()
    continue_row(line, reach, channels)
    places = [cv2.borderInterpolate(k, width, cv2.BORDER_REFLECT_101) for k in range(-reach, width + reach)]
    np.testing.assert_array_equal(line.reshape(-1, channels), row[places])


@pytest.mark.parametrize("reach", [1, 4, 6])
@pytest.mark.parametrize("channels", [1, 2])
def test_along_a_row_each_channel_is_filtered_by_itself(reach, channels):
    rng = np.random.default_rng(reach)
    weights, line = rng.uniform(0, 1, reach + 1), rng.normal(size=(30 + 2 * reach, channels))
    out = np.empty(30 * channels, np.float32)
    filter_along(line.astype(np.float32).ravel(), channels, weights.astype(np.float32), out)
    expected = [np.convolve(column, symmetric(weights), "valid") for column in line.T]
    np.testing.assert_allclose(out.reshape(30, channels), np.transpose(expected), atol=1e-5)


@pytest.mark.parametrize("height", [3, 8, 40])
def test_down_the_columns_the_latest_rows_are_enough(height):
    """Rows are kept in a ring as long as the filter, each put where the oldest one was."""
    rng, reach = np.random.default_rng(height), 2
    rows, weights = rng.normal(size=(height, 6)).astype(np.float32), np.array([0.5, 0.2, 0.05], np.float32)
    wide = np.pad(rows, ((reach, reach), (0, 0)), mode="reflect")
    expected = np.stack([np.convolve(column, symmetric(weights), "valid") for column in wide.T], axis=1)
    ring, out = np.full((2 * reach + 1, 6), np.nan, np.float32), np.empty(6, np.float32)
    for done in range(height + reach):
        if done < height:
            ring[done % len(ring)] = rows[done]
        if done >= reach:
            filter_down(ring, done - reach, height, weights, out)
            np.testing.assert_allclose(out, expected[done - reach], atol=1e-5)

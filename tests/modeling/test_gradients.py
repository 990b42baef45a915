"""The compiled gradients against OpenCV's filters, applied one after the other."""

import cv2
import numpy as np
import pytest

from kontur.modeling.gradients import BLUR_PX, planes_of, relate, strongest_gradients


def picture_of(shape, seed=0):
    noise = np.random.default_rng(seed).uniform(0, 255, (*shape, 3)).astype(np.float32)
    return cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 1.5), None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)


def gradients(picture, bands=None):
    """Lengths and double angles of a picture, computed in the bands given."""
    planes = planes_of(picture)
    height, width = planes.shape[1:]
    length, turn = np.full((height, width), np.nan, np.float32), np.full((2, height, width), np.nan, np.float32)
    for top, bottom in bands or [(0, height)]:
        strongest_gradients(planes, top, bottom, length, turn)
    return length, turn


def filtered(picture):
    """Gradients (h, w, 3, 2) of every colour: a Gaussian, then Sobel's operator, both mirrored at the border."""
    smooth = cv2.GaussianBlur(picture.astype(np.float64), (0, 0), BLUR_PX)
    return np.stack([cv2.Sobel(smooth, cv2.CV_64F, dx, 1 - dx, scale=1 / 8) for dx in (1, 0)], axis=-1)


@pytest.mark.parametrize("shape", [(40, 57), (7, 30), (30, 6)])
def test_gradients_are_those_of_a_gaussian_and_sobels_operator(shape):
    picture = picture_of(shape)
    every = filtered(picture)
    lengths = np.linalg.norm(every, axis=-1)
    strongest = np.take_along_axis(every, lengths.argmax(axis=2)[..., None, None], axis=2)[:, :, 0]
    length, turn = gradients(picture)
    np.testing.assert_allclose(length, lengths.max(axis=2), atol=2e-3)
    second = np.sort(lengths, axis=2)[..., -2]
    clear = lengths.max(axis=2) > second + 1e-2
    assert clear.mean() > 0.9
    square = (strongest[..., 0] + 1j * strongest[..., 1]) ** 2
    np.testing.assert_allclose((turn[0] + 1j * turn[1])[clear], square[clear], atol=0.05)


def test_bands_are_pieces_of_the_whole():
    picture = picture_of((50, 33))
    for whole, pieced in zip(gradients(picture), gradients(picture, [(31, 50), (0, 13), (13, 31)]), strict=True):
        np.testing.assert_array_equal(whole, pieced)


def test_a_grey_picture_is_one_plane_and_gives_what_three_give():
    grey = cv2.merge([picture_of((40, 30))[..., 1]] * 3)
    assert planes_of(grey).shape == (1, 40, 30)
    one, three = planes_of(grey), np.repeat(planes_of(grey), 3, axis=0)
    results = []
    for planes in (one, three):
        length, turn = np.empty((40, 30), np.float32), np.empty((2, 40, 30), np.float32)
        strongest_gradients(planes, 0, 40, length, turn)
        results.append((length, turn))
    np.testing.assert_array_equal(results[0][0], results[1][0])
    np.testing.assert_array_equal(results[0][1], results[1][1])


@pytest.mark.parametrize("channel", [0, 1, 2])
def test_one_pixel_of_colour_is_seen(channel):
    picture = np.full((20, 24, 3), 90, np.uint8)
    picture[19, 23, channel] += 1
    planes = planes_of(picture)
    np.testing.assert_array_equal(planes, np.moveaxis(picture, 2, 0))


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (5, 40), (3, 2)])
def test_pictures_smaller_than_the_filters_have_finite_gradients(shape):
    flat = np.full((*shape, 3), 120, np.uint8)
    length, turn = gradients(flat)
    assert np.abs(length).max() < 1e-3
    assert np.abs(turn).max() < 1e-3
    assert all(np.isfinite(values).all() for values in gradients(picture_of(shape)))


def test_related_strength_is_the_squared_share_of_the_length():
    rng = np.random.default_rng(4)
    length, around = (rng.uniform(0.5, 30, (9, 13)).astype(np.float32) for _ in range(2))
    angle = rng.uniform(0, 2 * np.pi, (9, 13))
    turn = np.stack([length**2 * np.cos(angle), length**2 * np.sin(angle)]).astype(np.float32)
    field = np.full((9, 13, 3), -1, np.float32)
    relate(length, around, turn, np.float32(2), np.float32(1.5), 2, 9, field)
    strength = (length / (length + 2 * around + 1.5)) ** 2
    expected = np.stack([strength, strength * np.cos(angle), strength * np.sin(angle)], axis=-1)
    np.testing.assert_allclose(field[2:], expected[2:], rtol=1e-5, atol=1e-6)
    assert (field[:2] == -1).all()

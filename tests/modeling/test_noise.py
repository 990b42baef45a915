"""Noise is told from texture: pictures whose noise is known because it was added."""

import numpy as np
import pytest

from kontur.modeling.edges import edge_picture
from kontur.modeling.noise import noise_at, noise_level
from kontur.modeling.smoothing import smoothed

SIZE_WH = (640, 480)


def noisy(picture, deviation, channels=3, seed=0):
    """A picture with noise, of each colour or of all alike."""
    noise = np.random.default_rng(seed).normal(0, deviation, (*picture.shape[:2], channels))
    return np.clip(picture + noise, 0, 255).round().astype(np.uint8)


def change_of(deviation, channels=3):
    """The change over 1 px in a flat picture with that noise, smoothed as for edges."""
    flat = smoothed(noisy(np.full((*SIZE_WH[::-1], 3), 128.0), deviation, channels, 7), 0.7)
    return float(np.sqrt(np.square(flat[:, 2:] - flat[:, :-2]).mean())) / 2


def striped(angle, period=6.0, strength=50.0):
    """Stripes over half of a picture; the other half is flat."""
    rows, columns = np.mgrid[: SIZE_WH[1], : SIZE_WH[0]]
    wave = np.sin(2 * np.pi / period * (columns * np.cos(angle) + rows * np.sin(angle)))
    picture = 128 + strength * wave
    picture[:, :320] = 90
    return np.repeat(picture[..., None], 3, axis=2)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("deviation", [3.0, 10.0])
def test_even_noise_is_measured(deviation, channels):
    flat = noisy(np.full((*SIZE_WH[::-1], 3), 128.0), deviation, channels)
    assert noise_level(smoothed(flat, 0.7)) == pytest.approx(change_of(deviation, channels), rel=0.1)


@pytest.mark.parametrize("angle", [0.0, 0.5, np.pi / 4, np.pi / 2])
def test_texture_is_not_noise(angle):
    """The stripes change by up to 50 grey levels per px; a median over the picture would take them for noise."""
    found = noise_level(smoothed(noisy(striped(angle), 4.0), 0.7))
    assert found == pytest.approx(change_of(4.0), rel=0.2)


@pytest.mark.parametrize("angle", [0.0, np.pi / 2])
def test_stripes_along_rows_or_columns_are_not_noise_where_they_cover_all(angle):
    rows, columns = np.mgrid[: SIZE_WH[1], : SIZE_WH[0]]
    picture = 128 + 50 * np.sin(columns * np.cos(angle) + rows * np.sin(angle))
    found = noise_level(smoothed(noisy(np.repeat(picture[..., None], 3, axis=2), 4.0), 0.7))
    assert found == pytest.approx(change_of(4.0), rel=0.2)


def test_a_large_picture_is_told_by_its_windows_as_by_the_whole():
    large = np.tile(noisy(striped(0.5), 4.0), (3, 3, 1))
    assert edge_picture(large, 0.7).noise == pytest.approx(noise_level(smoothed(large, 0.7)), rel=0.1)


@pytest.mark.parametrize("shape", [(5, 5, 3), (9, 200, 3), (1, 1, 1)])
def test_a_picture_too_small_for_a_block_has_no_noise_to_tell(shape):
    assert noise_level(np.zeros(shape, np.float32)) == 0


def test_blocks_are_looked_at_where_they_are_asked_for():
    pixels = np.zeros((40, 80, 3), np.float32)
    pixels[:, 40:] = np.random.default_rng(0).normal(0, 5, (40, 40, 3))
    rows = np.array([4, 20])
    assert noise_at(pixels, rows, np.array([4, 20])) == 0
    assert noise_at(pixels, rows, np.array([48, 60])) == pytest.approx(5 / np.sqrt(2), rel=0.2)

import numpy as np
import pytest
from generator_parts import SIZE_WH, context, small_config

from kontur.data_preprocessing.augmentations import augment_picture, augment_sample
from kontur.data_preprocessing.render import render_sample


@pytest.fixture
def picture():
    x = np.linspace(0, 255, SIZE_WH[0])
    return np.repeat(np.tile(x, (SIZE_WH[1], 1))[:, :, None], 3, axis=2).astype(np.uint8)


def test_it_is_another_picture_of_the_same_thing(picture):
    before = picture.copy()
    got = augment_picture(picture, small_config(), np.random.default_rng(0))
    assert np.array_equal(picture, before)
    assert got.shape == picture.shape
    assert got.dtype == np.uint8
    assert not np.array_equal(got, picture)
    assert np.corrcoef(got.ravel(), picture.ravel())[0, 1] > 0.8


def test_the_stream_decides(picture):
    first, again, other = (augment_picture(picture, small_config(), np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_nothing_moves():
    picture = np.zeros((SIZE_WH[1], SIZE_WH[0], 3), np.uint8)
    picture[60:100, 90:150] = 200
    config = small_config(lens={"motion": 0.0, "chromatic": 0.0}, sensor={"grey": 0.0})
    for seed in range(5):
        got = augment_picture(picture, config, np.random.default_rng(seed)).mean(axis=2)
        bright = got > (got.max() + got.min()) / 2
        rows, columns = np.nonzero(bright)
        assert abs(rows.mean() - 79.5) < 0.6
        assert abs(columns.mean() - 119.5) < 0.6


def test_a_grey_camera_sees_no_colour(picture):
    config = small_config(sensor={"grey": 1.0})
    got = augment_picture(picture, config, np.random.default_rng(0))
    assert np.ptp(got, axis=2).max() == 0


def test_the_truth_stays():
    sample = render_sample(context(), 0, 1)
    got = augment_sample(sample, small_config(), np.random.default_rng(0))
    assert got.ids is sample.ids
    assert got.instances is sample.instances
    assert not np.array_equal(got.image, sample.image)

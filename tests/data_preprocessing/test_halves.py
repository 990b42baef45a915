"""Packed light against the definition of its format: no more than a rounding away, over all that light can be."""

import numba
import numpy as np
import pytest

from kontur.data_preprocessing.halves import unpacked, write_line

F = np.float32


@numba.njit
def _write(out, light):
    for c in range(len(light)):
        for y in range(light.shape[1]):
            write_line(out[c, y], light[c, y])


def packed(light: np.ndarray) -> np.ndarray:
    out = np.zeros(light.shape, np.uint16)
    _write(out, light)
    return out


def test_light_comes_back_to_an_eleventh_bit():
    light = np.exp2(np.random.default_rng(3).uniform(-16.9, 13.9, (3, 50, 70))).astype(F)
    back = unpacked(packed(light))
    assert back.dtype == np.float32
    assert np.abs(back / light - 1).max() <= 2.0**-12
    assert np.abs(np.mean(back / light - 1)) < 5e-6


@pytest.mark.parametrize(
    ("value", "expected"), [(0.0, 2.0**-17), (-1.0, 2.0**-17), (1.0, 1.0), (0.75, 0.75), (1e9, 2.0**14)]
)
def test_what_is_beyond_the_format_becomes_the_nearest_that_is_not(value, expected):
    assert unpacked(packed(np.full((1, 2, 9), value, F)))[0, 1, 8] == expected


def test_more_light_is_never_a_smaller_number():
    light = np.linspace(0, 3, 4000, dtype=F).reshape(1, 40, 100)
    assert (np.diff(packed(light).ravel().astype(int)) >= 0).all()


def test_light_that_is_not_packed_stays_as_it_is():
    light = np.random.default_rng(4).uniform(0, 9, (3, 5, 7)).astype(F)
    out = np.zeros_like(light)
    _write(out, light)
    assert np.array_equal(out, light)
    assert np.array_equal(unpacked(light), light)

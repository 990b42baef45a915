"""Pools: sizes, levels, and that each tile goes on where it ends."""

from typing import get_args

import numpy as np
import pytest
from scipy import stats

from kontur.data_preprocessing.data_config import BackgroundKind
from kontur.data_preprocessing.textures import (
    DETAIL_SIZE,
    GRAIN,
    GRUNGE,
    NOISE_LENGTH,
    PATTERN_SIZE,
    SCRATCHES,
    SPANGLE,
    VARIANTS,
    endless_pattern,
    fractal,
    noise_pool,
    pattern,
    streak_pool,
    texel_pool,
    worn,
)  # fmt: skip

KINDS = get_args(BackgroundKind)


def seam(tile: np.ndarray) -> float:
    """Mean step over the seam of a tile, relative to the greatest mean step between two of its lines."""
    signed = tile.astype(float)
    ratios = []
    for axis in (0, 1):
        inner = np.abs(np.diff(signed, axis=axis)).mean(axis=1 - axis).max()
        across = np.abs(np.take(signed, 0, axis) - np.take(signed, -1, axis)).mean()
        ratios.append(across / max(inner, 1e-9))
    return max(ratios)


@pytest.mark.parametrize("kind", KINDS)
def test_patterns_are_bytes_of_middling_grey(kind):
    tile = pattern(kind, 0)
    assert tile.shape == (PATTERN_SIZE, PATTERN_SIZE)
    assert tile.dtype == np.uint8
    assert 90 < tile.mean() < 165
    if kind == "plain":
        assert np.ptp(tile) == 0
    else:
        assert tile.std() > 5


def test_wear_leaves_a_new_table_alone_and_grows():
    new = np.full((256, 256), 128, np.uint8)
    little, much = (worn(new, np.random.default_rng(3), amount).astype(int) for amount in (0.3, 1.0))
    assert worn(new, np.random.default_rng(3), 0.0) is new
    assert 0 < np.abs(little - 128).mean() < np.abs(much - 128).mean() / 2
    assert much.max() > 150  # bright scratches
    assert much.min() < 80  # dark ones, and stains
    assert 0.3 < (much == 128).mean() < 0.95  # most of the table is as it was


def test_the_variants_of_a_table_are_worn_by_degrees():
    plain = [pattern("plain", variant).astype(int) for variant in range(VARIANTS)]
    wear = [np.abs(tile - 128).mean() for tile in plain]
    assert wear[0] == 0
    assert wear[0] < wear[1] < wear[2]


def test_variants_differ_and_the_pool_is_made_once():
    tiles = [endless_pattern("stripes", variant) for variant in range(VARIANTS)]
    assert len({tile.tobytes() for tile in tiles}) == VARIANTS
    assert endless_pattern("stripes", 1) is tiles[1]


def test_an_endless_pattern_begins_again_after_its_end():
    tile, endless = pattern("bricks", 2), endless_pattern("bricks", 2)
    assert endless.shape == (PATTERN_SIZE + 1, PATTERN_SIZE + 1)
    np.testing.assert_array_equal(endless[:-1, :-1], tile)
    np.testing.assert_array_equal(endless[-1, :-1], tile[0])
    np.testing.assert_array_equal(endless[:, -1], endless[:, 0])


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("clutter", "plain")])
def test_patterns_go_on_where_they_end(kind):
    limit = 2.2 if kind == "cells" else 1.2  # cells are enlarged twofold, their seam steps over two pixels at once
    assert seam(pattern(kind, 0)) < limit


def layer(byte: int) -> np.ndarray:
    return texel_pool().view(np.uint8).reshape(DETAIL_SIZE, DETAIL_SIZE, 4)[..., byte]


@pytest.mark.parametrize("byte", [GRUNGE, GRAIN, SPANGLE])
def test_details_go_on_where_they_end(byte):
    assert seam(layer(byte)) < 1.2


def test_streaks_go_on_where_they_end():
    assert seam(streak_pool().reshape(DETAIL_SIZE, DETAIL_SIZE)) < 1.2


def test_details_are_what_they_are_called():
    pool = [layer(byte).astype(float) for byte in range(4)]
    streaks = streak_pool().reshape(DETAIL_SIZE, DETAIL_SIZE).astype(float)
    along, across = (np.abs(np.diff(streaks, axis=axis)).mean() for axis in (1, 0))
    assert across > 8 * along
    grain = pool[GRAIN] - pool[GRAIN].mean()
    assert abs((grain[:, 1:] * grain[:, :-1]).mean() / grain.var()) < 0.02
    grunge = pool[GRUNGE] - pool[GRUNGE].mean()
    assert (grunge[:, 1:] * grunge[:, :-1]).mean() / grunge.var() > 0.9
    assert np.median(pool[SCRATCHES]) == 0
    assert 0.01 < (pool[SCRATCHES] > 40).mean() < 0.3
    flat = (np.diff(pool[SPANGLE], axis=1) == 0).mean()
    assert flat > 0.9
    assert 60 < len(np.unique(pool[SPANGLE])) <= 176


def test_sensor_noise_is_standard_normal_and_white():
    noise = noise_pool()
    assert noise.shape == (NOISE_LENGTH,)
    assert noise.dtype == np.float32
    assert stats.kstest(noise[::16], "norm").pvalue > 0.001
    assert abs(np.corrcoef(noise[1:], noise[:-1])[0, 1]) < 0.01


@pytest.mark.parametrize("exponent", [0.3, 1.0])
def test_fractal_noise_falls_off_as_asked(exponent):
    size = 256
    field = fractal(np.random.default_rng(0), size, exponent)
    assert field.shape == (size, size)
    assert abs(field.mean()) < 1e-6 + 1e-3 * field.std()
    amplitude = np.abs(np.fft.rfft2(field))
    frequency = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size)[None])
    inside = (frequency > 0.02) & (frequency < 0.4)
    inside[:, [0, -1]] = False
    slope = np.polyfit(np.log(frequency[inside]), np.log(amplitude[inside]), 1)[0]
    assert slope == pytest.approx(-(1 + exponent), abs=0.05)
    assert seam(field) < 1.2


def test_the_seam_of_a_tile_that_ends_is_seen():
    ramp = np.tile(np.arange(64.0), (48, 1))
    assert seam(ramp) > 10

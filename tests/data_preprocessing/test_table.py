"""The table's light against plain numpy, and patterns that never end against numpy's own wrapping."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from generator_parts import TABLE

from kontur.data_preprocessing.blocks import BLOCK, ROWS, WHOLES
from kontur.data_preprocessing.scene import PICTURE
from kontur.data_preprocessing.table import fill_ground, fill_pattern, fill_picture, ground_of
from kontur.data_preprocessing.textures import PATTERN_SIZE, pattern
from kontur.pictures import write_picture

F = np.float32
WIDTH, HEIGHT = 23, 14
ROOM = np.empty(ROWS * BLOCK, F), np.empty(WHOLES * BLOCK, np.int32)


def between_rows(light: np.ndarray) -> np.ndarray:
    """(3, H, W) from (h, 3, W): linear from the first row of light to beyond the last."""
    rows = np.arange(HEIGHT) * (len(light) - 1) / HEIGHT
    upper = np.floor(rows).astype(int)
    share = (rows - upper)[:, None, None]
    return (light[upper] * (1 - share) + light[upper + 1] * share).transpose(1, 0, 2)


def fill_table(out, table, picture, field) -> None:
    """Write the whole of a bare table, in two bands."""
    height, width = out.shape[1:]
    ground = ground_of(table, picture, field, (width, height))
    for first, last in ((0, 24), (24, height)):
        band = np.empty((3, last - first, width), F)
        fill_ground(band, ground, first, height, *ROOM)
        out[:, first:last] = band


@pytest.mark.parametrize("shift", [(0, 0), (5, 30), (-3, -70), (1000, 31)])
def test_a_patterns_light_is_tone_times_light_and_the_pattern_goes_on_for_ever(shift):
    rng = np.random.default_rng(5)
    tile, light = rng.integers(0, 256, (16, 16), dtype=np.uint8), rng.uniform(0, 2, (4, 3, WIDTH)).astype(F)
    tones = rng.uniform(0, 0.01, (3, 2)).astype(F)
    out = np.empty((3, HEIGHT, WIDTH), F)
    endless = np.pad(tile, ((0, 1), (0, 1)), mode="wrap")
    fill_pattern(out, endless, np.array([[1, 0, shift[0]], [0, 1, shift[1]]], F), tones, light, 0, HEIGHT)
    rows, columns = np.arange(HEIGHT) + shift[1], np.arange(WIDTH) + shift[0]
    levels = np.take(np.take(tile, rows, 0, mode="wrap"), columns, 1, mode="wrap")
    expected = (tones[:, 0, None, None] + tones[:, 1, None, None] * levels) * between_rows(light)
    np.testing.assert_allclose(out, expected, rtol=1e-4)


def test_a_pictures_light_is_each_channels_tone_times_light():
    rng = np.random.default_rng(6)
    picture = rng.integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    tones, light = rng.uniform(0, 1, 256).astype(F), rng.uniform(0, 2, (3, 3, WIDTH)).astype(F)
    out = np.empty((3, HEIGHT, WIDTH), F)
    fill_picture(out, picture, tones, light, 0, HEIGHT)
    np.testing.assert_allclose(out, tones[picture].transpose(2, 0, 1) * between_rows(light), rtol=1e-4)


@pytest.mark.parametrize("turn", [0.0, 0.6, 3.9])
def test_the_pattern_is_cut_where_the_table_says(turn):
    """Against OpenCV's own wrapping of the whole tile."""
    table = replace(
        TABLE, kind="concrete", turn_rad=turn, zoom=1.3, shift=(900.0, 40.0), dark=(0.0,) * 3, bright=(1.0,) * 3
    )
    out = np.empty((3, 90, 130), F)
    fill_table(out, table, None, np.ones((3, 4, 3), F))
    c, s = 1.3 * np.cos(turn), 1.3 * np.sin(turn)
    v, u = np.mgrid[0:90, 0:130]
    x, y = c * u - s * v + 900, s * u + c * v + 40
    tile = pattern("concrete", 0)
    expected = cv2.remap(
        np.pad(tile, ((0, 1), (0, 1)), mode="wrap"), (x % PATTERN_SIZE).astype(F), (y % PATTERN_SIZE).astype(F),
        cv2.INTER_LINEAR,
    )  # fmt: skip
    difference = np.abs(out[1] * 255 - expected)
    assert difference.mean() < 0.5
    assert np.percentile(difference, 99) < 4


def test_a_picture_is_a_table_with_its_own_colours(tmp_path):
    path = tmp_path / "bench.png"
    write_picture(path, np.full((60, 80, 3), (40, 120, 220), np.uint8))
    out = np.empty((3, 50, 70), F)
    fill_table(out, replace(TABLE, kind=PICTURE), path, np.full((3, 4, 3), 2.0, F))
    expected = 2 * (np.array([40, 120, 220]) / 255) ** 2.2
    np.testing.assert_allclose(out, np.broadcast_to(expected[:, None, None], out.shape), rtol=1e-4)


def test_light_between_the_coarse_grids_points_is_linear():
    field = np.random.default_rng(8).uniform(0.5, 1, (3, 4, 3)).astype(F)
    out = np.empty((3, 60, 90), F)
    fill_table(out, replace(TABLE, dark=(1.0,) * 3, bright=(1.0,) * 3), None, field)
    columns, rows = np.arange(90) * 3 / 90, np.arange(60) * 2 / 60
    for c in range(3):
        along = np.array([np.interp(columns, range(4), line) for line in field[:, :, c]])
        expected = np.array([np.interp(rows, range(3), column) for column in along.T]).T
        np.testing.assert_allclose(out[c], expected, rtol=1e-4)

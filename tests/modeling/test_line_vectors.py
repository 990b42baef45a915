"""Lines of samples, many numbers at a time, against the same in plain NumPy and SciPy."""

import numba
import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from kontur.modeling.line_vectors import (
    EXPECTED,
    LANES,
    LONGEST,
    WAVES,
    add_eight,
    change_eight,
    describe_line,
    expect_line,
    join_waves,
    lowest_bit,
    sample_eight,
    scale_eight,
    tops_of_eight,
)

WIDTH, HEIGHT = 37, 29
STRIDE = 48


@numba.njit
def sampled(pixels, way, first, last, values):
    sample_eight(
        pixels.reshape(-1), pixels.shape[1], way[0], way[1], way[2], way[3], first, last, values, values.shape[1]
    )


@numba.njit
def expected(pixels, way):
    expect_line(pixels.reshape(-1), pixels.shape[1], way[0], way[1], way[2], way[3])


@numba.njit
def changed(values, at, apart, scale, out, to):
    change_eight(values, values.shape[1], at, apart, scale, out, to)


@numba.njit
def tops(row, at, least):
    return tops_of_eight(row, at, least)


@numba.njit
def lowest(bits):
    return lowest_bit(bits)


@numba.njit
def described(values, samples, share, scale, out):
    return describe_line(values, values.shape[1], samples, share, scale, out)


@numba.njit
def scaled(values, at, factor, mean, over, limit, out, to):
    scale_eight(values, at, factor, mean, over, limit, out, to)


@numba.njit
def with_more(values, at, factor, out, to):
    add_eight(values, at, factor, out, to)


@numba.njit
def joined(own, at, wave, spread, last):
    return join_waves(own, at, wave, spread, last)


def picture(seed=0):
    return np.random.default_rng(seed).uniform(0, 255, (HEIGHT, WIDTH, 3)).astype(np.float32)


def line(seed=0, samples=STRIDE):
    """Random samples of three channels."""
    return np.random.default_rng(seed).uniform(0, 255, (3, samples)).astype(np.float32)


def bilinear(pixels, u, v):
    """(3, K) what SciPy says at places."""
    return np.stack([map_coordinates(pixels[..., c], [v, u], order=1, output=float) for c in range(3)])


WAYS = [
    (5.0, 6.0, 0.5, 0.0),
    (20.25, 6.5, 0.0, 0.75),
    (25.3, 20.9, -0.45, -0.31),
    (3.7, 24.2, 0.6, -0.55),
    (0.0, 0.0, 0.3, 0.3),
]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("first", [0, 8, 16])
def test_samples_are_those_of_bilinear_interpolation(way, first):
    pixels, values = picture(), np.full((3, STRIDE), -1, np.float32)
    sampled(pixels, way, first, STRIDE, values)
    steps = first + np.arange(LANES)
    there = bilinear(pixels, way[0] + steps * way[2], way[1] + steps * way[3])
    np.testing.assert_allclose(values[:, first : first + LANES], there, atol=2e-4 * 255)
    untouched = np.delete(values, steps, axis=1)
    assert (untouched == -1).all()


def test_beyond_the_last_sample_it_is_sampled_again():
    pixels, values, way = picture(1), np.zeros((3, STRIDE), np.float32), (4.2, 5.1, 0.5, 0.4)
    sampled(pixels, way, 8, 10, values)
    np.testing.assert_array_equal(values[:, 10:16], np.repeat(values[:, 10:11], 6, axis=1))
    there = bilinear(pixels, np.array([4.2 + 10 * 0.5]), np.array([5.1 + 10 * 0.4]))
    np.testing.assert_allclose(values[:, 10:11], there, atol=0.05)


def test_the_last_px_that_may_be_sampled_are():
    """Two px from the right border, one from the lower: the last numbers of the picture are read, none beyond."""
    pixels, values = picture(2), np.zeros((3, STRIDE), np.float32)
    way = WIDTH - 2 - 1e-9 - 7 * 0.5, HEIGHT - 1 - 1e-9, 0.5, 0.0
    sampled(pixels, way, 0, 7, values)
    u = way[0] + 0.5 * np.arange(LANES)
    np.testing.assert_allclose(values[:, :LANES], bilinear(pixels, u, np.full(LANES, way[1])), atol=0.05)


@pytest.mark.parametrize("way", [*WAYS, (-50.0, 3.0, 1.0, 0.0), (1e6, -1e6, 5.0, 5.0)])
def test_what_is_expected_is_not_changed_wherever_it_lies(way):
    pixels = picture(3)
    before = pixels.copy()
    expected(pixels, way)
    np.testing.assert_array_equal(pixels, before)
    assert EXPECTED >= LANES


@pytest.mark.parametrize("apart", [1, 2, 4])
@pytest.mark.parametrize("at", [0, 3])
def test_changes_are_norms_of_differences(apart, at):
    values, out = line(4), np.full(STRIDE, -1, np.float32)
    changed(values, at, apart, np.float32(0.25), out, 5)
    difference = values[:, at + apart : at + apart + LANES] - values[:, at : at + LANES]
    np.testing.assert_allclose(out[5 : 5 + LANES], np.linalg.norm(difference, axis=0) / 4, rtol=1e-5)
    assert (np.delete(out, 5 + np.arange(LANES)) == -1).all()


def test_where_nothing_changes_the_change_is_nothing():
    out = np.full(LANES, np.nan, np.float32)
    changed(np.full((3, STRIDE), 77, np.float32), 0, 2, np.float32(0.5), out, 0)
    assert (out == 0).all()


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("least", [0.0, 3.0])
def test_tops_exceed_the_one_before_and_are_no_less_than_the_next(seed, least):
    row = np.random.default_rng(seed).integers(0, 6, 20).astype(np.float32)  # many are equal
    for at in range(1, 20 - LANES):
        bits = tops(row, at, np.float32(least))
        found = [k for k in range(at, at + LANES) if bits >> (k - at) & 1]
        expected_tops = [
            k for k in range(at, at + LANES) if row[k] > least and row[k] > row[k - 1] and row[k] >= row[k + 1]
        ]
        assert found == expected_tops
        assert bits < 1 << LANES


@pytest.mark.parametrize("bits", [1, 2, 12, 0b1010_0000, 1 << 40])
def test_the_lowest_bit_is_the_number_of_zeros_below(bits):
    assert lowest(bits) == (bits & -bits).bit_length() - 1


@pytest.mark.parametrize("samples", [9, 17, 25, LONGEST])
def test_a_line_is_described_by_its_grey_levels_and_changes(samples):
    values, out = line(samples), np.full(samples + 2 * LONGEST, np.nan, np.float32)
    mean, square, most = described(values, samples, np.float32(1 / 3), np.float32(0.2), out)
    grey = values[:, :samples].mean(axis=0)
    change = 0.2 * np.linalg.norm(values[:, 2:samples] - values[:, : samples - 2], axis=0)
    assert mean == pytest.approx(grey.mean(), rel=1e-5)
    assert square == pytest.approx(((grey - grey.mean()) ** 2).sum(), rel=1e-4)
    assert most == pytest.approx(change.max(), rel=1e-5)
    np.testing.assert_allclose(out[:samples], grey - grey.mean(), atol=1e-3)
    np.testing.assert_allclose(out[samples : 2 * samples - 2], change, rtol=1e-5)


def test_what_lies_beyond_a_line_does_not_describe_it():
    values = line(5)
    other = values.copy()
    other[:, 25:] = np.nan
    said = []
    for item in (values, other):
        out = np.zeros(25 + 2 * LONGEST, np.float32)
        said.append((*described(item, 25, np.float32(1 / 3), np.float32(0.2), out), *out[:48]))
    np.testing.assert_array_equal(*said)


@pytest.mark.parametrize("limit", [0.7, 6.0, np.finfo(np.float32).max])
def test_numbers_are_scaled_and_limited(limit):
    rng = np.random.default_rng(6)
    values, mean = (rng.normal(0, 2, 20).astype(np.float32) for _ in range(2))
    over, out = rng.uniform(0.5, 2, 20).astype(np.float32), np.full((3, 20), -99, np.float32)
    scaled(values, 7, np.float32(1.5), mean, over, np.float32(limit), out.reshape(-1), 20)
    there = np.clip((1.5 * values - mean) * over, -limit, limit)[7 : 7 + LANES]
    np.testing.assert_allclose(out[1, 7 : 7 + LANES], there, rtol=1e-5, atol=1e-6)
    assert (out[[0, 2]] == -99).all()
    assert (np.delete(out[1], 7 + np.arange(LANES)) == -99).all()


def test_numbers_are_added_by_their_factor():
    rng = np.random.default_rng(10)
    values, out = (rng.normal(size=30).astype(np.float32) for _ in range(2))
    before = out.copy()
    with_more(values, 3, np.float32(-1.5), out, 11)
    before[11 : 11 + LANES] += np.float32(-1.5) * values[3 : 3 + LANES]
    np.testing.assert_allclose(out, before, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("line_of_many", [0, 2])
def test_waves_are_joined_as_a_layer_with_three_answers(line_of_many):
    rng = np.random.default_rng(11)
    own, spread, last = (rng.normal(size=(rows, LONGEST)).astype(np.float32) for rows in (3, WAVES, 3))
    wave = rng.normal(size=WAVES).astype(np.float32)
    found = joined(own, line_of_many * LONGEST, wave, spread, last)
    np.testing.assert_allclose(found, last @ np.maximum(own[line_of_many] + wave @ spread, 0), rtol=1e-4, atol=1e-4)

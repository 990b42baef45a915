"""Lens and sensor: closed forms on flat fields and single edges, statistics of noise."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from generator_parts import SHARP, small_config

from kontur.data_preprocessing.sensor import Look, draw_look, photograph
from kontur.data_preprocessing.textures import noise_pool

SIZE_HW = (96, 144)
GREY = 0.2
"""An exposure that is a whole number of 12-bit and of 8-bit steps, so that even fields come out even."""


def flat(level=(0.4, 0.4, 0.4)) -> np.ndarray:
    return np.broadcast_to(np.array(level, np.float32), (*SIZE_HW, 3)).copy()


def photo(light: np.ndarray, **changes) -> np.ndarray:
    return photograph(light.transpose(2, 0, 1).copy(), replace(SHARP, **changes), noise_pool())


def written(linear: float, gamma: float, shoulder: float = 0.0) -> float:
    return 255 * (linear * (1 + shoulder) / (1 + shoulder * linear)) ** (1 / gamma)


@pytest.mark.parametrize("exposure", [0.05, 0.3, 0.8])
@pytest.mark.parametrize("gamma", [1.0, 1.8, 2.4])
@pytest.mark.parametrize("level", [0.01, 30.0])
def test_the_meter_brings_a_flat_field_to_the_exposure_whatever_the_light(exposure, gamma, level):
    image = photo(flat((level,) * 3), exposure=exposure, gamma=gamma)
    assert np.ptp(image) <= 1
    assert image.mean() == pytest.approx(written(exposure, gamma), abs=1.0)


@pytest.mark.parametrize("shoulder", [0.0, 0.5, 1.5])
def test_the_shoulder_lifts_and_keeps_black_and_white(shoulder):
    ramp = np.repeat(np.linspace(0, 1, SIZE_HW[1], dtype=np.float32)[None, :, None], SIZE_HW[0], 0).repeat(3, 2)
    image = photo(ramp, exposure=0.5, shoulder=shoulder, gamma=2.0)[40, :, 1].astype(float)
    gain = 0.5 / np.median(ramp[::8, ::8])
    expected = [written(min(1.0, gain * level), 2.0, shoulder) for level in ramp[0, :, 0].astype(float)]
    np.testing.assert_allclose(image, expected, atol=4)
    assert image[0] == 0
    assert (np.diff(image) >= 0).all()


def test_brightness_rises_with_exposure():
    means = [photo(flat(), exposure=exposure).mean() for exposure in (0.03, 0.1, 0.3, 0.6, 0.95)]
    assert all(a < b for a, b in pairwise(means))


def test_the_highlights_limit_holds_the_exposure_back():
    light = flat((0.1,) * 3)
    light[:, :40] = 10.0
    held, free = photo(light, exposure=0.3, highlights=0.8, gamma=1.0), photo(light, exposure=0.3, gamma=1.0)
    assert held[50, 10].tolist() == [204] * 3
    assert held[50, 100, 0] == pytest.approx(0.8 / 100 * 255, abs=1)
    assert free[50, 10].tolist() == [255] * 3
    assert free[50, 100, 0] == pytest.approx(0.3 * 255, abs=1)


def test_the_white_balance_is_a_gain_of_blue_and_red():
    image = photo(flat(), exposure=0.5, gamma=1.0, balance=(0.9, 1.0, 1.15)).astype(float)
    np.testing.assert_allclose(image[30, 50], 255 * 0.5 * np.array([0.9, 1.0, 1.15]), atol=1)


@pytest.mark.parametrize("bayer", [False, True])
def test_a_grey_camera_has_one_channel_even_with_noise_and_colour(bayer):
    light = flat((0.2, 0.4, 0.9))
    light[:, 60:] = (0.9, 0.1, 0.2)
    image = photo(light, grey=True, well_e=2000.0, read_e=10.0, balance=(0.9, 1.0, 1.2), bayer=bayer)
    assert np.ptp(image, axis=2).max() == 0
    assert np.ptp(image) > 10


def test_vignetting_is_what_it_says_at_the_corners_and_nothing_in_the_middle():
    image = photo(flat(), exposure=0.5, vignetting=0.3, gamma=1.0).astype(float)
    full = photo(flat(), exposure=0.5, gamma=1.0).astype(float)
    height, width = SIZE_HW
    assert image[0, 0, 1] / full[0, 0, 1] == pytest.approx(0.7, abs=0.01)
    assert image[-1, -1, 1] / full[-1, -1, 1] == pytest.approx(0.7, abs=0.01)
    assert image[height // 2, width // 2, 1] / full[0, 0, 1] == pytest.approx(1.0, abs=0.01)
    edge = (width - 1) ** 2 / ((width - 1) ** 2 + (height - 1) ** 2)
    assert image[height // 2, 0, 1] / full[0, 0, 1] == pytest.approx(1 - 0.3 * edge, abs=0.01)


@pytest.mark.parametrize("well", [500.0, 2000.0, 8000.0])
def test_the_noise_of_a_flat_field_follows_the_full_well(well):
    image = photo(flat(), exposure=0.5, gamma=1.0, well_e=well).astype(float)
    expected = 255 * np.sqrt(0.5 / well)
    rounding = 1 / 12
    assert image.std() == pytest.approx(np.sqrt(expected**2 + rounding), rel=0.06)


def test_read_noise_stays_in_the_dark():
    """Half of it, because nothing is darker than no light."""
    light = flat((0.0, 0.0, 0.0))
    light[:, :100] = 1.0
    quiet, loud = (photo(light, exposure=0.5, gamma=1.0, well_e=2000.0, read_e=e) for e in (0.0, 60.0))
    assert quiet[:, 110:].max() == 0
    dark = loud[:, 110:].astype(float)
    assert (dark > 0).mean() == pytest.approx(0.5, abs=0.1)
    assert np.sqrt((dark**2).mean() * 2) == pytest.approx(255 * 60 / 2000, rel=0.1)


def test_another_noise_seed_is_another_picture():
    first, again, other = (photo(flat(), well_e=1000.0, noise_seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_mosaic_keeps_an_even_colour():
    light = flat((0.2, 0.4, 0.6))
    plain, mosaic = photo(light, gamma=1.0), photo(light, gamma=1.0, bayer=True)
    assert np.abs(plain.astype(int) - mosaic).max() <= 1
    assert mosaic[20, 30, 0] < mosaic[20, 30, 1] < mosaic[20, 30, 2]


def dot() -> np.ndarray:
    """A bright dot on grey; the grey keeps the meter steady."""
    light = flat((0.1,) * 3)
    light[48, 72] = 0.4
    return light


def spread_of(image: np.ndarray) -> tuple[float, float, float]:
    """Total, standard deviation along v, along u of what stands out of the grey."""
    excess = image[..., 1].astype(float) - np.median(image[..., 1])
    v, u = np.mgrid[0 : SIZE_HW[0], 0 : SIZE_HW[1]]
    total = excess.sum()
    return total, np.sqrt((excess * (v - 48) ** 2).sum() / total), np.sqrt((excess * (u - 72) ** 2).sum() / total)


def test_blur_has_its_standard_deviation_and_loses_no_light():
    light = flat((0.1,) * 3)
    light[44:53, 68:77] = 0.4
    total, down, across = spread_of(photo(light, exposure=GREY, gamma=1.0, blur_px=2.0))
    sharp_total, sharp_down, _ = spread_of(photo(light, exposure=GREY, gamma=1.0))
    assert total == pytest.approx(sharp_total, rel=0.03)
    assert np.sqrt(down**2 - sharp_down**2) == pytest.approx(2.0, abs=0.3)
    assert across == pytest.approx(down, rel=0.02)


def test_motion_smears_along_its_direction_alone():
    total, down, across = spread_of(photo(dot(), exposure=GREY, gamma=1.0, motion_px=(9.0, 0.0)))
    still_total, *_ = spread_of(photo(dot(), exposure=GREY, gamma=1.0))
    assert total == pytest.approx(still_total, rel=0.12)
    assert across == pytest.approx(9 / np.sqrt(12), rel=0.12)
    assert down < 0.2
    _, down, across = spread_of(photo(dot(), exposure=GREY, gamma=1.0, motion_px=(0.0, 9.0)))
    assert down == pytest.approx(9 / np.sqrt(12), rel=0.12)
    assert across < 0.2


def test_fringes_push_red_outwards_and_blue_inwards():
    light = flat((0.1,) * 3)
    light[:, :20] = 0.4
    shift = 3.0
    image = photo(light, exposure=GREY, gamma=1.0, chromatic_px=shift)[48].astype(float)
    low, high = image[100], image[2]
    widths = ((image - low) / (high - low)).sum(axis=0)
    middle = (np.array(SIZE_HW[::-1]) - 1) / 2
    at_edge = shift / np.hypot(*middle) * (middle[0] - 19.5)
    assert widths[1] == pytest.approx(20, abs=0.1)
    assert widths[2] - 20 == pytest.approx(-at_edge, abs=0.3)
    assert widths[0] - 20 == pytest.approx(at_edge, abs=0.3)


def looks(count: int = 300, **sections) -> list[Look]:
    config = small_config(**sections)
    return [draw_look(config, np.random.default_rng(seed)) for seed in range(count)]


def test_looks_keep_to_the_configured_ranges_and_fill_them():
    config = small_config()
    drawn = looks()
    ranges = {
        "blur_px": config.lens.blur_px, "vignetting": config.lens.vignetting, "exposure": config.sensor.exposure,
        "highlights": config.sensor.highlights, "well_e": config.sensor.full_well_e, "gamma": config.sensor.gamma,
        "read_e": config.sensor.read_noise_e, "shoulder": config.sensor.shoulder,
        "jpeg_quality": config.sensor.jpeg_quality,
    }  # fmt: skip
    for name, (low, high) in ranges.items():
        values = np.array([getattr(look, name) for look in drawn], float)
        slack = 1e-9 * high
        assert low - slack <= values.min() <= low + 0.15 * (high - low), name
        assert high - 0.15 * (high - low) <= values.max() <= high + slack, name
    errors = np.array([look.balance for look in drawn]) - 1
    assert np.abs(errors).max() <= config.sensor.white_balance[1]
    assert (errors[:, 1] == 0).all()
    assert {tuple(np.sign(row[[0, 2]])) for row in errors} == {(-1, -1), (-1, 1), (1, -1), (1, 1)}


def test_shares_of_grey_mosaic_motion_and_fringes_are_probabilities():
    drawn = looks(600, lens={"motion": 0.3, "chromatic": 0.6}, sensor={"grey": 0.2, "bayer": 0.7})
    shares = {
        0.3: [look.motion_px != (0.0, 0.0) for look in drawn], 0.6: [look.chromatic_px > 0 for look in drawn],
        0.2: [look.grey for look in drawn], 0.7: [look.bayer for look in drawn],
    }  # fmt: skip
    for expected, hits in shares.items():
        assert np.mean(hits) == pytest.approx(expected, abs=4 * np.sqrt(expected * (1 - expected) / len(drawn)))
    lengths = [np.hypot(*look.motion_px) for look in drawn]
    assert max(lengths) <= small_config().lens.motion_px[1]


def test_a_look_is_its_streams():
    assert looks(3) == looks(3)
    assert len(set(looks(20))) == 20


@pytest.mark.parametrize(("low", "high"), [(0, 0), (90, 90), (20, 50)])
def test_a_conveyor_moves_one_way(low, high):
    drawn = looks(60, lens={"motion": 1.0, "motion_px": (1.0, 4.0), "motion_deg": (low, high)})
    turns = np.degrees([np.arctan2(look.motion_px[1], look.motion_px[0]) for look in drawn])
    assert turns.min() >= low - 1e-6
    assert turns.max() <= high + 1e-6

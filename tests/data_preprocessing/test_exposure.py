"""The sensor's loops against plain numpy and OpenCV's blur."""

import cv2
import numpy as np
import pytest

from kontur.data_preprocessing import exposure

F = np.float32
WIDTH, HEIGHT = 23, 14
NO_NOISE = np.zeros(4000, F)
CODES = np.arange(4096, dtype=np.uint16)
"""A curve that writes sensor values as they are."""


def random_light(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0, 1.2, (3, HEIGHT, WIDTH)).astype(F)


def exposed(light, gains=(1, 1, 1), fall=0.0, well=1e9, read=0.0, noise=NO_NOISE, seed=0, weights=(1,)):
    """(C, H, W) 12-bit sensor values."""
    out = np.empty((*light.shape[1:], len(light)), np.uint16)
    exposure.photograph(light, half_of(weights), np.array(gains, F), F(fall), F(well), F(read), noise, seed, CODES, out)
    return out.transpose(2, 0, 1)


def half_of(weights) -> np.ndarray:
    half = np.zeros(max(2, len(weights)), F)
    half[: len(weights)] = weights
    return half


def test_exposure_is_gain_times_vignetting_rounded_to_twelve_bits():
    light, gains, fall = random_light(), (0.9, 1.0, 1.3), 0.3
    v, u = np.mgrid[0:HEIGHT, 0:WIDTH]
    middle = np.array([(WIDTH - 1) / 2, (HEIGHT - 1) / 2])
    squared = ((u - middle[0]) ** 2 + (v - middle[1]) ** 2) / (middle**2).sum()
    expected = np.clip(light * np.array(gains)[:, None, None] * (1 - fall * squared), 0, 1) * 4095
    assert np.abs(exposed(light, gains, fall).astype(float) - expected).max() <= 0.52


def test_light_beyond_the_full_well_is_clipped_and_darkness_stays_dark():
    light = np.zeros((3, HEIGHT, WIDTH), F)
    light[..., : WIDTH // 2] = 7.0
    codes = exposed(light)
    assert (codes[..., : WIDTH // 2] == 4095).all()
    assert (codes[..., WIDTH // 2 :] == 0).all()


@pytest.mark.parametrize(("well", "read"), [(1000.0, 0.0), (8000.0, 0.0), (2000.0, 40.0)])
def test_noise_is_that_of_counted_electrons(well, read):
    level = 0.4
    noise = np.random.default_rng(1).standard_normal(1 << 16).astype(F)
    light = np.full((3, 120, 170), level, F)
    got = exposed(light, well=well, read=read, noise=noise, seed=77) / 4095
    electrons = level * well
    expected_e = np.sqrt(electrons + read**2)
    assert got.mean() * well == pytest.approx(electrons, rel=0.01)
    assert got.std() * well == pytest.approx(expected_e, rel=0.04)


def test_another_seed_is_other_noise_and_the_same_seed_the_same():
    noise = np.random.default_rng(1).standard_normal(1 << 16).astype(F)
    light = np.full((3, HEIGHT, WIDTH), 0.5, F)
    first, again, other = (exposed(light, well=500.0, noise=noise, seed=seed) for seed in (5, 5, 6))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert len({row.tobytes() for plane in first for row in plane}) == 3 * HEIGHT


def mosaic_of(planes: np.ndarray) -> np.ndarray:
    """(H, W) in the order RG/GB from (3, H, W) B, G, R."""
    out = planes[1].copy()
    out[0::2, 0::2], out[1::2, 1::2] = planes[2, 0::2, 0::2], planes[0, 1::2, 1::2]
    return out


@pytest.mark.parametrize("radius", [0, 1, 2, 3, 5])
def test_a_mosaic_is_red_green_green_blue(radius):
    """Each value is what that place of its own plane gets: light, blur, gain, vignetting."""
    light, gains, fall = random_light(2), (0.9, 1.0, 1.3), 0.3
    weights = cv2.getGaussianKernel(2 * radius + 1, 0.5 * radius + 0.1)[radius:, 0]
    got = np.zeros((HEIGHT, WIDTH), np.uint16)
    exposure.photograph_mosaic(
        light, half_of(weights), np.array(gains, F), F(fall), F(1e9), F(0), NO_NOISE, 0, got
    )  # fmt: skip
    expected = mosaic_of(exposed(light, gains, fall, weights=weights))
    assert np.abs(got.astype(int) - expected).max() <= 1


def test_the_noise_of_a_mosaic_is_that_of_counted_electrons():
    level, well, read = 0.4, 2000.0, 40.0
    noise = np.random.default_rng(1).standard_normal(1 << 16).astype(F)
    got = np.zeros((240, 340), np.uint16)
    light, gains = np.full((3, 240, 340), level, F), np.ones(3, F)
    exposure.photograph_mosaic(light, half_of([1]), gains, F(0), F(well), F(read), noise, 77, got)
    assert got.mean() / 4095 == pytest.approx(level, rel=0.01)
    assert got.std() / 4095 * well == pytest.approx(np.sqrt(level * well + read**2), rel=0.04)


def test_developing_is_a_lookup_that_clips_at_the_top():
    raw = np.random.default_rng(3).integers(0, 9000, (HEIGHT, WIDTH, 3), dtype=np.uint16)
    curve = np.random.default_rng(4).integers(0, 256, 4096, dtype=np.uint8)
    got = np.empty((HEIGHT, WIDTH, 3), np.uint8)
    exposure.develop(raw, curve, got)
    assert np.array_equal(got, curve[np.minimum(raw, 4095)])


@pytest.mark.parametrize("width", [20, 21, 22, 23])
@pytest.mark.parametrize("planes", [1, 3])
def test_a_photograph_is_exposure_and_development(planes, width):
    light, noise = random_light(9)[:planes, :, :width].copy(), np.random.default_rng(1).standard_normal(4000).astype(F)
    curve = np.random.default_rng(4).integers(0, 256, 4096, dtype=np.uint8)
    weights, gains = np.array([0.5, 0.2, 0.05, 0.0], F), np.array([0.9, 1.0, 1.1], F)[:planes]
    got = np.empty((HEIGHT, width, planes), np.uint8)
    exposure.photograph(light, weights, gains, F(0.2), F(900), F(5), noise, 3, curve, got)
    raw = exposed(light, gains, 0.2, 900, 5, noise, 3, weights)
    assert np.array_equal(got, curve[raw].transpose(1, 2, 0))


@pytest.mark.parametrize("radius", [1, 2, 3, 4, 6])
def test_the_blur_is_separable_and_the_border_goes_on(radius):
    weights = cv2.getGaussianKernel(2 * radius + 1, 0.5 * radius)[:, 0]
    light = random_light(6) * F(0.7)
    codes = exposed(light, weights=weights[radius:]).astype(float)
    for plane, got in zip(light, codes, strict=True):
        expected = cv2.sepFilter2D(plane.astype(float), -1, weights, weights, borderType=cv2.BORDER_REPLICATE)
        assert np.abs(got - 4095 * expected).max() <= 0.52


@pytest.mark.parametrize("factor", [0.97, 1.0, 1.06])
def test_a_plane_is_enlarged_about_its_middle(factor):
    plane = random_light(7)[0]
    got = np.empty_like(plane)
    exposure.zoom(plane, factor, got)
    v, u = np.mgrid[0:HEIGHT, 0:WIDTH].astype(F)
    x, y = (WIDTH - 1) / 2 + (u - (WIDTH - 1) / 2) / factor, (HEIGHT - 1) / 2 + (v - (HEIGHT - 1) / 2) / factor
    expected = cv2.remap(plane, x.astype(F), y.astype(F), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    assert np.abs(got - expected).max() < 0.03  # OpenCV rounds places to 1/32 px

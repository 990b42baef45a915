"""Sub-pixel edges: pictures whose edges are known in closed form."""

import math

import cv2
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from profile_oracle import edges_at, profiles, strongest_peaks

from kontur.modeling.edges import EdgePicture, edge_picture
from kontur.modeling.noise import noise_level
from kontur.modeling.profiles import peaks_of

WIDTH, HEIGHT = 120, 90
RANGE_PX, STEP_PX = 6.0, 0.5


def step_picture(offset_px: float, angle_rad: float, sigma_px: float, levels=(40.0, 200.0), about=(60.0, 45.0)):
    """A step edge blurred by a Gaussian, as its integral says: at `offset_px` from `about` along the normal."""
    u, v = np.meshgrid(np.arange(WIDTH), np.arange(HEIGHT))
    distance = (u - about[0]) * math.cos(angle_rad) + (v - about[1]) * math.sin(angle_rad) - offset_px
    share = 0.5 * (1 + np.vectorize(math.erf)(distance / (sigma_px * math.sqrt(2))))
    return levels[0] + (levels[1] - levels[0]) * share


def as_picture(grey: np.ndarray) -> np.ndarray:
    return np.repeat(np.clip(np.round(grey), 0, 255).astype(np.uint8)[..., None], 3, axis=2)


def measured(source: EdgePicture, angle_rad: float, about=(60.0, 45.0), range_px=RANGE_PX, step_px=STEP_PX, count=1):
    """Offsets and strengths of the edges across one point, `about`."""
    normal = np.array([[[math.cos(angle_rad), math.sin(angle_rad)]]])
    at, height = edges_at(source, np.array([[about]]), normal, range_px, step_px, count)
    return at[0, 0], height[0, 0]


@settings(max_examples=25, deadline=None)
@given(offset=st.floats(-2, 2), angle=st.floats(0, 2 * math.pi), sigma=st.floats(0.7, 1.6), bright_first=st.booleans())
def test_a_blurred_step_is_found_where_it_is(offset, angle, sigma, bright_first):
    """The mean over a stretch of contour, as the registration uses it: points at all phases of the pixel grid."""
    assume(min(angle % (math.pi / 2), -angle % (math.pi / 2)) > 0.05)
    levels = (200.0, 40.0) if bright_first else (40.0, 200.0)
    source = edge_picture(as_picture(step_picture(offset, angle, sigma, levels)), 0.7)
    normal = np.array([math.cos(angle), math.sin(angle)])
    points = np.array([60.0, 45.0]) + np.linspace(-21, 21, 60)[:, None] * (-normal[1], normal[0])
    at, height = edges_at(source, points[None], np.broadcast_to(normal, (1, 60, 2)), RANGE_PX, STEP_PX)
    assert (height > 0).all()
    assert at.mean() == pytest.approx(offset, abs=0.05)


@pytest.mark.parametrize("sigma", [0.7, 1.0, 1.5])
@pytest.mark.parametrize("offset", [-0.375, -0.25, 0.0, 0.125, 0.25, 0.4375])
def test_one_profile_between_pixel_centres_is_exact_to_hundredths(offset, sigma):
    about = (60.25, 45.0)
    source = edge_picture(as_picture(step_picture(offset, 0.0, sigma, about=about)), 0.7)
    assert measured(source, 0.0, about)[0][0] == pytest.approx(offset, abs=0.07)


@pytest.mark.parametrize("sigma", [0.7, 1.0, 1.5])
def test_one_profile_through_pixel_centres_is_as_exact(sigma):
    offsets = np.array([-0.375, -0.25, 0.25, 0.375, 0.5])
    sources = [edge_picture(as_picture(step_picture(offset, 0.0, sigma)), 0.7) for offset in offsets]
    found = np.array([measured(source, 0.0)[0][0] for source in sources])
    assert np.abs(found - offsets).max() < 0.07


@pytest.mark.parametrize("offset", [-2.3, 0.6, 1.75])
def test_a_reduced_picture_measures_in_px_of_the_whole_one(offset):
    reduction = 2  # the only one that the registration uses
    source = edge_picture(as_picture(step_picture(offset, 0.0, 2.0)), 0.7, reduction)
    assert source.pixels.shape[:2] == (HEIGHT // reduction, WIDTH // reduction)
    at, _ = measured(source, 0.0, range_px=12.0, step_px=1.0)
    assert at[0] == pytest.approx(offset, abs=0.1)


@pytest.mark.parametrize("step_px", [0.25, 0.5, 1.0])
@pytest.mark.parametrize("sigma", [0.8, 1.5])
def test_the_strength_of_an_edge_is_its_slope_per_px(step_px, sigma):
    """Over 2 px about its middle a blurred step of height 160 rises by 160 erf(1 / (sigma sqrt 2)), in three channels."""
    source = EdgePicture(np.repeat(step_picture(0.0, 0.0, sigma)[..., None], 3, axis=2).astype(np.float32), 1, 1.0)
    _, height = measured(source, 0.0, step_px=step_px)
    assert height[0] == pytest.approx(160 * math.erf(1 / (sigma * math.sqrt(2))) / 2 * math.sqrt(3), rel=1e-4)


def test_along_an_edge_nothing_changes():
    source = edge_picture(as_picture(step_picture(0.0, 0.0, 1.0)), 0.7)
    assert measured(source, math.pi / 2)[1][0] == 0


def test_equal_grey_with_different_colours_is_as_strong_as_the_colour_distance():
    """Blue falls as red rises: the change is the length of the colour's way, not the sum of the channels."""
    grey = step_picture(0.0, 0.0, 1.0, (0, 1))
    colours = np.stack([100 + 60 * grey, np.full_like(grey, 90.0), 160 - 60 * grey], axis=2)
    _, height = measured(EdgePicture(colours.astype(np.float32), 1, 1.0), 0.0)
    _, one_channel = measured(EdgePicture((60 * grey[..., None]).astype(np.float32), 1, 1.0), 0.0)
    assert height[0] == pytest.approx(one_channel[0] * math.sqrt(2), rel=1e-4)


@pytest.mark.parametrize("reduction", [1, 2])
@pytest.mark.parametrize(("range_px", "step_px"), [(3.25, 0.5), (5.0, 1.0), (9.0, 1.0)])
def test_edges_are_those_of_the_steps_one_after_the_other(reduction, range_px, step_px):
    """On noise, everywhere, near the border and beyond it."""
    rng = np.random.default_rng(reduction)
    source = edge_picture(rng.integers(0, 255, (HEIGHT, WIDTH, 3)).astype(np.uint8), 0.7, reduction)
    points, angle = rng.uniform((-3, -3), (WIDTH + 2, HEIGHT + 2), (3, 50, 2)), rng.uniform(0, 2 * np.pi, (3, 50))
    normals = np.stack([np.cos(angle), np.sin(angle)], -1)
    steps = math.ceil(range_px / step_px) + 2
    offsets = np.arange(-steps, steps + 1) * step_px
    at, height = strongest_peaks(profiles(source, points, normals, offsets), offsets, 3)
    kept = (np.abs(at) <= range_px) & (height > 0)
    found, strength = edges_at(source, points, normals, range_px, step_px, 3)
    np.testing.assert_allclose(strength, np.where(kept, height, 0), rtol=1e-4, atol=1e-2)
    np.testing.assert_allclose(found, np.where(kept, at, 0), atol=2e-3)


def peaks(row, offsets, count):
    """What the compiled search for peaks says of one profile."""
    at, height = np.empty(count), np.empty(count, np.float32)
    step = offsets[1] - offsets[0]
    peaks_of(row.astype(np.float32), len(row), max(1, round(1 / step)), np.float32(0), at, height)
    return offsets[0] + step * at, height


@settings(max_examples=40, deadline=None)
@given(st.floats(-4.4, 4.4), st.floats(0.1, 5), st.sampled_from([0.25, 0.5, 1.0]))
def test_a_sampled_parabola_has_its_peak_where_algebra_says(top, bend, step):
    offsets = np.arange(-5, 5 + step / 2, step)
    strength = (200 - bend * (offsets - top) ** 2).astype(np.float32)
    at, height = peaks(strength, offsets, 2)
    assert at[0] == pytest.approx(top, abs=0.02)
    assert height[0] == strength.max()
    assert height[1] == 0, "there is no second peak"


def test_peaks_come_strongest_first_and_borders_are_no_peaks():
    at, height = peaks(np.array([9, 1, 4, 1, 0, 6, 0, 2, 3]), np.arange(-4.0, 5.0), 4)
    assert height.tolist() == [6, 4, 0, 0]
    assert at[:2] == pytest.approx([1.0, -2.0], abs=0.51)
    assert at[0] == 1.0, "a symmetric peak lies on its sample"


def test_two_edges_of_a_band_are_both_found():
    about = (60.25, 45.0)
    falling = step_picture(3.0, 0.0, 0.8, (0, 90), about)
    band = step_picture(-2.5, 0.0, 0.8, (0, 150), about) - falling
    at, height = measured(edge_picture(as_picture(50 + band), 0.5), 0.0, about, count=2)
    assert at == pytest.approx([-2.5, 3.0], abs=0.05)
    assert height[0] / height[1] == pytest.approx(150 / 90, rel=0.05)


@pytest.mark.parametrize("sigma", [3.0, 8.0, 20.0])
@pytest.mark.parametrize("size_wh", [(150, 90), (640, 480)])
def test_white_noise_is_measured_as_what_differences_of_two_samples_have(sigma, size_wh):
    """Independent samples two px apart differ by sqrt(2) sigma, that is sigma / sqrt(2) per px and channel."""
    noise = np.random.default_rng(3).normal(120, sigma, (size_wh[1], size_wh[0], 3)).astype(np.float32)
    assert noise_level(noise) == pytest.approx(sigma / math.sqrt(2), rel=0.15)


def test_a_few_edges_are_not_noise():
    flat = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
    with_parts = flat.copy()
    cv2.rectangle(with_parts, (20, 15), (90, 70), (220, 210, 200), -1)
    assert edge_picture(with_parts, 0.7).noise == edge_picture(flat, 0.7).noise == pytest.approx(1 / 3)

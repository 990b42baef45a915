"""The edge field: symmetries it must have, and closed forms."""

import cv2
import numpy as np
import pytest

from kontur.modeling.edge_field import edge_field, field_tiles, pool, reduce_picture, smoothed_field

SIZE_WH = (90, 64)


def grey(levels):
    return np.repeat(np.clip(np.round(levels), 0, 255).astype(np.uint8)[..., None], 3, 2)


def step(direction_deg, low=80.0, high=120.0):
    """A picture with one straight edge through its middle, anti-aliased over a pixel."""
    direction = np.radians(direction_deg)
    v, u = np.mgrid[0 : SIZE_WH[1], 0 : SIZE_WH[0]]
    across = (u - (SIZE_WH[0] - 1) / 2) * np.cos(direction) + (v - (SIZE_WH[1] - 1) / 2) * np.sin(direction)
    return grey(low + (high - low) * np.clip(across + 0.5, 0, 1))


@pytest.fixture
def picture():
    """A smooth random picture in three colours."""
    noise = np.random.default_rng(0).uniform(0, 255, (SIZE_WH[1], SIZE_WH[0], 3)).astype(np.float32)
    return cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 2.0), None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)


def test_the_field_does_not_depend_on_the_sign_of_edges(picture):
    np.testing.assert_allclose(edge_field(picture), edge_field(255 - picture), atol=1e-4)


def test_turned_and_mirrored_pictures_have_turned_and_mirrored_fields(picture):
    """The direction is doubled: a quarter turn negates both of its channels, a mirror the second one."""
    strength, cosine, sine = np.moveaxis(edge_field(picture), 2, 0)
    turned = np.moveaxis(edge_field(np.ascontiguousarray(np.rot90(picture))), 2, 0)
    np.testing.assert_allclose(turned, [np.rot90(strength), -np.rot90(cosine), -np.rot90(sine)], atol=2e-3)
    mirrored = np.moveaxis(edge_field(np.ascontiguousarray(picture[:, ::-1])), 2, 0)
    np.testing.assert_allclose(mirrored, [strength[:, ::-1], cosine[:, ::-1], -sine[:, ::-1]], atol=2e-3)


def test_strength_lies_between_0_and_1_and_is_the_directions_length(picture):
    strength, cosine, sine = np.moveaxis(edge_field(picture), 2, 0)
    assert strength.min() >= 0
    assert strength.max() < 1
    np.testing.assert_allclose(np.hypot(cosine, sine), strength, atol=1e-5)


def test_a_flat_picture_has_no_edges():
    assert np.abs(edge_field(grey(np.full((40, 60), 140.0)))).max() < 1e-6


@pytest.mark.parametrize("direction_deg", [0, 30, 45, 110])
def test_the_direction_across_an_edge_is_doubled(direction_deg):
    field = edge_field(step(direction_deg))
    row, column = SIZE_WH[1] // 2, SIZE_WH[0] // 2
    strength, cosine, sine = field[row, column]
    direction = np.radians(direction_deg)
    assert [cosine / strength, sine / strength] == pytest.approx(
        [np.cos(2 * direction), np.sin(2 * direction)], abs=0.03
    )


def test_a_weak_edge_that_stands_alone_is_nearly_as_strong_as_a_strong_one():
    strong, weak = (edge_field(step(20, 60, 60 + height))[32, 45, 0] for height in (160, 40))
    assert weak > 0.6 * strong
    assert strong > 0.4


def test_an_edge_among_many_is_weak():
    alone = step(0)
    rng = np.random.default_rng(3)
    texture = cv2.GaussianBlur(rng.standard_normal(SIZE_WH[::-1]), (0, 0), 1.0)
    busy = grey(alone[..., 0] + 60 * texture / texture.std())
    assert edge_field(busy)[20:44, 45, 0].mean() < 0.5 * edge_field(alone)[20:44, 45, 0].mean()


def test_a_soft_highlight_is_weaker_than_an_edge_of_the_same_height():
    v, u = np.mgrid[0 : SIZE_WH[1], 0 : SIZE_WH[0]]
    soft = grey(80 + 100 / (1 + np.exp(-(u - 45.0) / 6)) + 0 * v)
    assert edge_field(soft)[..., 0].max() < 0.5 * edge_field(step(0, 80, 180))[..., 0].max()


def test_the_colour_that_changes_most_speaks():
    """A weaker change of another colour, in another direction, is not heard."""
    v, u = np.mgrid[0 : SIZE_WH[1], 0 : SIZE_WH[0]]
    both = np.zeros((SIZE_WH[1], SIZE_WH[0], 3), np.uint8)
    both[..., 1] = np.clip(3 * (u - 20), 0, 150)
    only = both.copy()
    both[..., 2] = np.clip(2 * (v - 10), 0, 100)
    middle = np.s_[28:36, 40:50]
    np.testing.assert_allclose(edge_field(both)[middle], edge_field(only)[middle], atol=1e-4)


@pytest.mark.parametrize("size_wh", [(130, 90), (131, 92)])
def test_one_cell_per_square_of_px_the_rest_is_dropped(size_wh):
    field = np.random.default_rng(1).uniform(0, 1, (size_wh[1], size_wh[0], 3)).astype(np.float32)
    cells = pool(field, 5)
    assert cells.shape == (3, 18, 26)
    np.testing.assert_array_equal(cells, pool(field[:90, :130], 5))
    means = field[:90, :130].reshape(18, 5, 26, 5, 3).mean(axis=(1, 3))
    np.testing.assert_allclose(cells, np.moveaxis(cv2.GaussianBlur(means, (0, 0), 0.5), 2, 0), atol=1e-5)


def test_a_reduced_picture_is_the_mean_of_its_pixels(picture):
    means = picture[:64, :90].reshape(32, 2, 45, 2, 3).mean(axis=(1, 3))
    assert np.abs(reduce_picture(picture, 2) - means).max() <= 0.5
    assert reduce_picture(picture, 1) is picture


def test_smoothing_keeps_the_mean():
    field = np.zeros((41, 51, 3), np.float32)
    field[20, 25] = 1
    tiles = smoothed_field(field, 2.0)
    tiles.fill_around(np.array([[25.0, 20.0]]), np.array([30.0]))
    assert tiles.pixels.sum(axis=(0, 1)) == pytest.approx([1, 1, 1], abs=1e-3)


@pytest.mark.parametrize("reduction", [1, 2])
def test_tiles_are_pieces_of_the_whole_field_and_only_those_that_are_asked_for(reduction):
    picture = np.random.default_rng(1).integers(0, 255, (420, 500, 3)).astype(np.uint8)
    tiles, whole = field_tiles(picture, reduction), edge_field(picture, reduction)
    tiles.fill_around(np.array([[200.0, 150.0]]), np.array([20.0]))
    filled = tiles.pixels.any(axis=2)
    np.testing.assert_allclose(tiles.pixels[filled], whole[filled], atol=1e-6)
    assert filled[130:170, 180:205].all()
    assert not filled[:, :100].any()
    smooth = smoothed_field(tiles, 1.0)
    smooth.fill_around(np.array([[200.0, 150.0]]), np.array([20.0]))
    expected = cv2.GaussianBlur(whole, (0, 0), 1.0)
    np.testing.assert_allclose(smooth.pixels[130:170, 180:205], expected[130:170, 180:205], atol=1e-6)

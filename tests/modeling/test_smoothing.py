"""Large pictures, smoothed where they are needed, against smoothing them as a whole."""

from concurrent.futures import ThreadPoolExecutor, wait
from threading import Event

import cv2
import numpy as np
import pytest
from evidence_oracle import between_cells
from profile_oracle import edges_at

from kontur.modeling.edges import EdgePicture, edge_picture
from kontur.modeling.evidence import background_of
from kontur.modeling.noise import noise_level
from kontur.modeling.smoothing import LEAST_LARGE_PX, is_large, reduced, smoothed, survey
from kontur.modeling.tiles_on_demand import Tiles, with_margin

SIZE_WH = (1203, 905)


@pytest.fixture(scope="module")
def picture():
    rng = np.random.default_rng(2)
    grey = 110 + 40 * np.sin(np.arange(SIZE_WH[0]) / 9.0)[None, :, None] + rng.normal(0, 7, (*SIZE_WH[::-1], 3))
    return np.clip(np.round(grey), 0, 255).astype(np.uint8)


def whole(picture, sigma, reduction):
    width, height = (side // reduction for side in SIZE_WH)
    even = picture[: height * reduction, : width * reduction]
    small = cv2.resize(even, (width, height), interpolation=cv2.INTER_AREA)
    return cv2.GaussianBlur(small.astype(np.float32), (0, 0), sigma)


def lines(count=60, seed=0):
    rng = np.random.default_rng(seed)
    points, angle = rng.uniform((0, 0), SIZE_WH, (1, count, 2)), rng.uniform(0, 2 * np.pi, (1, count))
    return points, np.stack([np.cos(angle), np.sin(angle)], axis=-1)


@pytest.mark.parametrize(("sigma", "reduction"), [(0.7, 1), (2.5, 1)])
def test_edges_are_those_of_the_picture_smoothed_as_a_whole(picture, sigma, reduction):
    source = edge_picture(picture, sigma, reduction)
    plain = EdgePicture(whole(picture, sigma, reduction), reduction, source.noise)
    np.testing.assert_allclose(
        edges_at(source, *lines(), 6.0, 0.5, 3), edges_at(plain, *lines(), 6.0, 0.5, 3), atol=2e-3
    )


def test_only_what_is_looked_at_is_smoothed(picture):
    source = edge_picture(picture, 0.7)
    assert not source.pixels.any()
    edges_at(source, np.array([[[300.0, 300.0]]]), np.array([[[1.0, 0.0]]]), 3.0, 0.5)
    assert source.pixels[300, 295:305].all()
    assert np.count_nonzero(source.pixels[..., 0]) <= 4 * 64**2


def test_noise_of_windows_is_the_noise_of_the_whole(picture):
    assert edge_picture(picture, 0.7).noise == pytest.approx(noise_level(whole(picture, 0.7, 1)), rel=0.05)


def test_windows_lie_where_they_say(picture):
    seen = survey(picture, 0.7, 1)
    (width, height), expected = seen.window_wh, whole(picture, 0.7, 1)
    for row, top in enumerate(seen.top.tolist()):
        left = int(seen.left[row])
        inner = seen.windows[row, :, row]
        seam = seen.seam_px
        there = expected[top + seam : top + height - seam, left + seam : left + width - seam]
        np.testing.assert_allclose(inner, there, atol=1e-3)


def test_chance_is_the_same_from_windows_as_from_the_whole(picture):
    from_windows = background_of(edge_picture(picture, 0.8))
    from_whole = background_of(EdgePicture(whole(picture, 0.8, 1), 1, edge_picture(picture, 0.8).noise))
    shares = [0.5, 0.9, 0.98]
    np.testing.assert_allclose(
        np.quantile(from_windows.relative, shares), np.quantile(from_whole.relative, shares), rtol=0.08
    )
    middle = np.array([[[600.0, 450.0]]])
    windows, picture = (between_cells(known.typical, known.cell_px, middle) for known in (from_windows, from_whole))
    assert windows == pytest.approx(picture, rel=0.2)


def test_what_is_large():
    side = int(np.sqrt(LEAST_LARGE_PX)) + 1
    assert is_large(np.empty((side, side, 3), np.uint8))
    assert not is_large(np.empty((side, side, 3), np.uint8), 2)


def test_tiles_are_computed_once_in_rectangles_that_cover_what_is_wanted():
    asked = []

    def compute(top, bottom, left, right):
        asked.append((top, bottom, left, right))
        return np.ones((bottom - top, right - left, 1), np.float32)

    tiles = Tiles((95, 130, 1), compute, 20)
    tiles.fill_around(np.array([[50.0, 50.0], [125.0, 90.0]]), np.array([15.0, 2.0]))
    tiles.fill_around(np.array([[50.0, 50.0]]), np.array([15.0]))
    rows, columns = np.nonzero(tiles.pixels[..., 0])
    assert sum((bottom - top) * (right - left) for top, bottom, left, right in asked) == len(rows)
    assert tiles.pixels[35:66, 35:66].all()
    assert tiles.pixels[80:95, 120:130].all()
    assert (0, 0) not in set(zip(rows.tolist(), columns.tolist(), strict=True))


def test_tiles_below_are_filled_before_they_are_read():
    def ones(top, bottom, left, right):
        return np.ones((bottom - top, right - left, 1), np.float32)

    below = Tiles((100, 100, 1), ones, 10)

    def compute(top, bottom, left, right):
        (rows, _), (columns, _) = with_margin(top, bottom, 4, 100), with_margin(left, right, 4, 100)
        assert below.pixels[rows, columns].all()
        return below.pixels[top:bottom, left:right]

    tiles = Tiles((100, 100, 1), compute, 10, (below, 4))
    tiles.fill_around(np.array([[50.0, 50.0], [10.0, 90.0]]), np.array([12.0, 3.0]))
    assert tiles.pixels[40:60, 40:60].all()


def test_what_one_thread_is_computing_is_not_taken_for_done_by_another():
    begun, release = Event(), Event()

    def compute(top, bottom, left, right):
        begun.set()
        release.wait(5)
        return np.ones((bottom - top, right - left, 1), np.float32)

    tiles, corner = Tiles((8, 8, 1), compute, 8), (np.zeros((1, 2)), np.full((1, 2), 7.0))
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(tiles.fill, *corner)
        assert begun.wait(5)
        second = pool.submit(lambda: (tiles.fill(*corner), float(tiles.pixels.min()))[1])
        wait([second], timeout=0.1)
        assert not second.done()
        release.set()
        first.result()
        assert second.result() == 1.0


def test_windows_of_a_very_low_picture_are_as_high_as_it_is():
    picture = np.random.default_rng(5).integers(0, 255, (21, LEAST_LARGE_PX // 21 + 1, 3)).astype(np.uint8)
    seen = survey(picture, 0.7, 1)
    assert seen.window_wh == (32, 21)
    smooth, left = cv2.GaussianBlur(picture.astype(np.float32), (0, 0), 0.7), int(seen.left[3])
    np.testing.assert_allclose(seen.windows[0, :, 3], smooth[5:16, left + 5 : left + 27], atol=1e-3)


@pytest.mark.parametrize("height", [40, 3000])
def test_tiles_of_small_and_large_images_are_alike(height):
    """Large ones are kept in another kind of memory."""
    tiles = Tiles((height, 1000, 3), _coordinates, 64)
    tiles.fill_around(np.array([[500.0, 20.0]]), np.array([10.0]))
    expected = _coordinates(0, 40, 0, 1000)
    filled = tiles.pixels[:40].any(axis=2)
    np.testing.assert_array_equal(tiles.pixels[:40][filled], expected[filled])
    assert filled[10:31, 490:511].all()
    assert not filled[:, :400].any()
    assert not tiles.pixels[64:].any()


def _coordinates(top, bottom, left, right):
    row, column = np.mgrid[top:bottom, left:right]
    return np.stack([row + 1, column + 1, row * column], axis=-1).astype(np.float32)


@pytest.mark.parametrize("sigma", [0.4, 0.7, 0.8, 1.5, 2.5])
def test_a_picture_is_smoothed_as_opencv_smooths_it(picture, sigma):
    small = picture[:70, :101].copy()
    np.testing.assert_allclose(
        smoothed(small, sigma), cv2.GaussianBlur(small.astype(np.float32), (0, 0), sigma), atol=1e-3
    )
    grey = smoothed(small[..., 0].copy(), sigma)
    np.testing.assert_allclose(grey[..., 0], smoothed(small, sigma)[..., 0], atol=1e-4)


def test_without_a_deviation_a_picture_stays_as_it_is(picture):
    np.testing.assert_array_equal(smoothed(picture, 0.0), picture)


def test_what_reduction_leaves_over_is_left_out():
    picture = np.full((7, 9, 3), 50, np.uint8)
    picture[6], picture[:, 8] = 255, 255
    assert (reduced(picture, 2) == 50).all()
    assert reduced(picture, 2).shape == (3, 4, 3)
    assert reduced(picture, 1) is picture

"""Shadows against plain numpy, element by element of a coarse grid that OpenCV spreads over the pixels."""

import cv2
import numpy as np
from generator_parts import disc_mm
from hypothesis import given, settings
from hypothesis import strategies as st

from kontur.data_preprocessing.blocks import TILE
from kontur.data_preprocessing.sampling import PER_MM, pack
from kontur.data_preprocessing.shadows import cast_shadows, distances_of

F = np.float32
WIDTH, HEIGHT = 61, 44
IDS = np.zeros((HEIGHT, WIDTH), np.uint8)
EVERYTHING = np.empty(0, F)
COLUMNS, ROWS = 3 * TILE, 2 * TILE
SCALE = 1.0
DISC = disc_mm(COLUMNS, ROWS, 5.0, SCALE)
SAME = np.eye(3, dtype=F).ravel()


def shadow_factor(mm, shifts, softness, shares) -> np.ndarray:
    """What cast_shadows documents, element by element."""
    height, width = mm.shape
    factor = np.ones((height, width, 3))
    for row in range(height):
        for column in range(width):
            for (dx, dy), soft, share in zip(shifts, softness, shares, strict=True):
                hidden = 0.0
                copies = (1.0,) if dx == 0 == dy else (0.5, 1.0)
                for reach in copies:
                    i, j = column - round(dx * reach), row - round(dy * reach)
                    if 0 <= i < width and 0 <= j < height:
                        hidden = max(hidden, min(1.0, mm[j, i] * SCALE / max(1.0, soft * reach) + 0.5))
                factor[row, column] -= np.array(share) * hidden
    return factor


def cast(out, left, top, shifts, softness, shares, mm=DISC, ids=IDS, catches=EVERYTHING) -> None:
    cast_shadows(
        out,
        mm,
        left,
        top,
        F(SCALE),
        np.array(shifts, np.int64),
        np.array(softness, F),
        np.array(shares, F),
        ids,
        catches,
    )


def test_distances_are_looked_up_element_by_element():
    got = np.empty((ROWS, COLUMNS), F)
    distances_of(got, pack(DISC), SAME)
    inner = (slice(ROWS - 1), slice(COLUMNS - 1))
    np.testing.assert_allclose(got[inner], DISC[inner], atol=1 / PER_MM)


def test_a_picture_may_be_darkened_in_bands():
    shifts, softness, shares = [[4, -6], [0, 0]], [3.0, 5.0], [[0.3, 0.4, 0.5], [0.2, 0.1, 0.05]]
    whole = np.random.default_rng(9).uniform(0.1, 1.3, (3, HEIGHT, WIDTH)).astype(F)
    banded = whole.copy()
    cast(whole, 5, -7, shifts, softness, shares)
    for first, last in ((0, 11), (11, 20), (20, HEIGHT)):
        band = banded[:, first:last].copy()
        cast(band, 5, -7 - first, shifts, softness, shares, ids=IDS[first:last])
        banded[:, first:last] = band
    assert np.array_equal(whole, banded)


@settings(max_examples=8, deadline=None)
@given(left=st.integers(-50, 40), top=st.integers(-40, 30), dx=st.integers(-4, 4), dy=st.integers(-4, 4))
def test_shadows_are_copies_of_the_thing_moved_from_the_lamp(left, top, dx, dy):
    shifts, softness, shares = [[2 * dx, 2 * dy], [0, 0]], [3.0, 5.0], [[0.3, 0.4, 0.5], [0.2, 0.1, 0.05]]
    before = np.random.default_rng(7).uniform(0.1, 1.3, (3, HEIGHT, WIDTH)).astype(F)
    out = before.copy()
    cast(out, left, top, shifts, softness, shares)
    coarse = shadow_factor(DISC, shifts, softness, shares)
    window = cv2.resize(coarse, None, fx=2, fy=2, interpolation=cv2.INTER_LINEAR)
    factor = np.ones((HEIGHT, WIDTH, 3))
    v, u = np.mgrid[0:HEIGHT, 0:WIDTH]
    within = (u >= left) & (v >= top) & (u < left + 2 * COLUMNS) & (v < top + 2 * ROWS)
    factor[within] = window[v[within] - top, u[within] - left]
    np.testing.assert_allclose(out, before * factor.transpose(2, 0, 1), rtol=1e-2)


def test_a_thing_out_of_sight_casts_no_shadow():
    out = np.random.default_rng(8).uniform(0, 1.2, (3, HEIGHT, WIDTH)).astype(F)
    before = out.copy()
    cast(out, WIDTH + 3, 0, [[0, 0]], [1.0], [[0.5] * 3])
    cast(out, 0, -2 * ROWS, [[0, 0]], [1.0], [[0.5] * 3])
    assert np.array_equal(out, before)


def test_only_what_lies_low_enough_catches_a_shadow():
    ids = np.arange(HEIGHT * WIDTH, dtype=np.uint8).reshape(HEIGHT, WIDTH) % 3
    catches = np.array([1.0, 0.0, 1.0] + [0.0] * 253, F)
    out = np.ones((3, HEIGHT, WIDTH), F)
    cast(out, 0, 0, [[0, 0]], [1.0], [[0.5] * 3], np.full((ROWS, COLUMNS), 9.0, F), ids, catches)
    expected = np.ones((HEIGHT, WIDTH))
    within = (slice(2 * ROWS), slice(2 * COLUMNS))
    expected[within] = np.where(ids == 1, 1.0, 0.5)[within]
    np.testing.assert_allclose(out, np.broadcast_to(expected, out.shape))

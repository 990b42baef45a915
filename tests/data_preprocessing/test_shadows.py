"""Shadows against plain numpy, pixel by pixel."""

import numpy as np
from generator_parts import disc_mm
from hypothesis import given, settings
from hypothesis import strategies as st

from kontur.data_preprocessing.shadows import cast_shadows

F = np.float32
WIDTH, HEIGHT = 23, 14
IDS = np.zeros((HEIGHT, WIDTH), np.uint8)
EVERYTHING = np.ones(256, F)


def shadow_factor(mm, scale, shifts, softness, shares, left, top, shape) -> np.ndarray:
    """What cast_shadows documents, pixel by pixel."""
    factor = np.ones((*shape, 3))
    height, width = mm.shape
    for y in range(shape[0]):
        for x in range(shape[1]):
            row, column = y - top, x - left
            if not (0 <= row < height and 0 <= column < width):
                continue
            for (dx, dy), soft, share in zip(shifts, softness, shares, strict=True):
                hidden = 0.0
                copies = (1.0,) if dx == 0 == dy else (0.5, 1.0)
                for reach in copies:
                    i, j = column - round(dx * reach), row - round(dy * reach)
                    if 0 <= i < width and 0 <= j < height:
                        hidden = max(hidden, min(1.0, mm[j, i] * scale / max(1.0, soft * reach) + 0.5))
                factor[y, x] -= np.array(share) * hidden
    return factor


@settings(max_examples=12, deadline=None)
@given(left=st.integers(-9, 15), top=st.integers(-9, 10), dx=st.integers(-4, 4), dy=st.integers(-4, 4))
def test_shadows_are_copies_of_the_thing_moved_from_the_lamp(left, top, dx, dy):
    mm = disc_mm(16, 13, 2.0, 2.0)
    shifts = np.array([[2 * dx, 2 * dy], [0, 0]], np.int64)
    softness, shares = np.array([3.0, 5.0], F), np.array([[0.3, 0.4, 0.5], [0.2, 0.1, 0.05]], F)
    out = np.random.default_rng(7).uniform(0.1, 1.3, (3, HEIGHT, WIDTH)).astype(F)
    before = out.copy()
    cast_shadows(out, mm, F(2.0), shifts, softness, shares, left, top, IDS, EVERYTHING)
    expected = before * shadow_factor(mm, 2.0, shifts, softness, shares, left, top, out.shape[1:]).transpose(2, 0, 1)
    np.testing.assert_allclose(out, expected, rtol=1e-4, atol=1e-5)


def test_a_thing_out_of_sight_casts_no_shadow():
    out = np.random.default_rng(8).uniform(0, 1.2, (3, HEIGHT, WIDTH)).astype(F)
    before = out.copy()
    shifts, shares = np.array([[0, 0]], np.int64), np.full((1, 3), 0.5, F)
    cast_shadows(out, disc_mm(9, 7, 1.0, 2.0), F(2.0), shifts, np.ones(1, F), shares, WIDTH + 3, 0, IDS, EVERYTHING)
    assert np.array_equal(out, before)


def test_only_what_lies_low_enough_catches_a_shadow():
    ids = np.arange(HEIGHT * WIDTH, dtype=np.uint8).reshape(HEIGHT, WIDTH) % 3
    catches = np.array([1.0, 0.0, 1.0] + [0.0] * 253, F)
    shifts, shares = np.array([[0, 0]], np.int64), np.full((1, 3), 0.5, F)
    mm = np.full((HEIGHT, WIDTH), 9.0, F)
    out = np.ones((3, HEIGHT, WIDTH), F)
    cast_shadows(out, mm, F(2.0), shifts, np.ones(1, F), shares, 0, 0, ids, catches)
    np.testing.assert_allclose(out, np.broadcast_to(np.where(ids == 1, 1.0, 0.5), out.shape))

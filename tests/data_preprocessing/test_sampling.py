"""Looking distances up against SciPy's linear interpolation."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import map_coordinates

from kontur.data_preprocessing.blocks import BLOCK, MM, ROWS, TILE, WHOLES
from kontur.data_preprocessing.sampling import PER_MM, pack, sample_block, sample_one

F = np.float32
GRID = np.random.default_rng(3).uniform(-6, 20, (17, 29)).astype(F)


def sampled(homography: np.ndarray, column: float, row: float) -> np.ndarray:
    """(3, TILE, TILE) distance and its two changes."""
    work, whole = np.zeros(ROWS * BLOCK, F), np.zeros(WHOLES * BLOCK, np.int32)
    sample_block(work, whole, MM, pack(GRID), homography.astype(F).ravel(), F(column), F(row))
    return work[MM : MM + 3 * BLOCK].reshape(3, TILE, TILE)


@settings(max_examples=40, deadline=None)
@given(
    turn=st.floats(0, 6.3), scale=st.floats(0.2, 1.5), shift=st.tuples(st.floats(-20, 40), st.floats(-20, 30)),
    lean=st.floats(-2e-3, 2e-3), corner=st.tuples(st.integers(0, 60), st.integers(0, 60)),
)  # fmt: skip
def test_distances_are_interpolated_and_go_on_beyond_the_border(turn, scale, shift, lean, corner):
    c, s = scale * np.cos(turn), scale * np.sin(turn)
    homography = np.array([[c, -s, shift[0]], [s, c, shift[1]], [lean, -lean, 1.0]])
    v, u = np.mgrid[corner[1] : corner[1] + TILE, corner[0] : corner[0] + TILE]
    x, y, w = np.tensordot(homography, np.stack([u, v, np.ones_like(u)]), 1)
    expected = map_coordinates(GRID.astype(float), [y / w, x / w], order=1, mode="nearest")
    np.testing.assert_allclose(sampled(homography, *corner)[0], expected, atol=0.04)


def test_changes_are_those_between_elements():
    _, right, down = sampled(np.eye(3), 4, 3)
    np.testing.assert_allclose(right, np.diff(GRID, axis=1)[3 : 3 + TILE, 4 : 4 + TILE], atol=2 / PER_MM)
    np.testing.assert_allclose(down, np.diff(GRID, axis=0)[3 : 3 + TILE, 4 : 4 + TILE], atol=2 / PER_MM)


def test_packing_holds_a_256th_of_a_millimetre_and_clips_what_is_far():
    grid = np.array([[-6.0, 0.001], [300.0, -300.0]], F)
    halves = pack(grid).view("<i2").reshape(2, 2, 2) / PER_MM
    np.testing.assert_allclose(halves[..., 0], [[-6, 0], [127, -127]], atol=0.5 / PER_MM)
    np.testing.assert_allclose(halves[0, :, 1], [127, -127], atol=0.5 / PER_MM)


def test_one_place_is_the_nearest_element():
    packed, eye = pack(GRID), np.eye(3, dtype=F).ravel()
    for u, v in ((3.4, 5.6), (-9.0, 2.0), (99.0, 99.0)):
        row, column = np.clip(np.rint([v, u]), 0, np.array(GRID.shape) - 1).astype(int)
        assert abs(sample_one(packed, eye, F(u), F(v)) - GRID[row, column]) <= 1 / PER_MM

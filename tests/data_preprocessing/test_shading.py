"""Faces, walls and edges against closed forms on small arrays."""

import numpy as np
import pytest
from generator_parts import PLAIN, disc_mm
from hypothesis import given, settings
from hypothesis import strategies as st

from kontur.data_preprocessing.sampling import pack
from kontur.data_preprocessing.surfaces import NONE, TURNED, Texture, packed, texture_of
from kontur.data_preprocessing.textures import DETAIL_SIZE
from kontur.data_preprocessing.tiles import draw_thing

F = np.float32
WIDTH, HEIGHT = 23, 14
FLAT_TEXELS = np.full(DETAIL_SIZE**2, 0x80808080, np.uint32).view(np.int32)
FLAT_STREAKS = np.full(DETAIL_SIZE**2, 128, np.uint8)
NO_LAMPS = np.empty((0, 13), F)


def laid(out, ids, key, mm, left, top, scale, tints, texture, lamps, sky, texels=FLAT_TEXELS, streaks=FLAT_STREAKS,
         bevel=1.0, walls=()):  # fmt: skip
    """Draw a thing whose distances (mm) are known at every pixel of a window; `walls`: shifts (px) of its lower slices."""
    beyond = np.pad(mm, 2, constant_values=F(-1))
    maps = np.array([[1, 0, 2 - dx, 0, 1, 2 - dy, 0, 0, 1] for dx, dy in ((0, 0), *walls)], F)
    to_mm = np.array([[1 / scale, 0, 0], [0, -1 / scale, 0]], F)
    lean = max((float(np.hypot(*shift)) for shift in walls), default=0.0)
    turn = np.array([[scale, 0], [0, scale]], F)  # the template's rows run down the picture here
    return draw_thing(
        out, ids, key, pack(beyond), maps, (left, top, mm.shape[1], 0, mm.shape[0]),
        np.array(mm.shape[::-1], F) / 2, F(lean), to_mm, F(scale), turn, tints,
        texture, lamps, sky, texels, streaks, F(bevel),
    )  # fmt: skip


def painted(mm, texture_changes=None, lamps=NO_LAMPS, tints=None, left=4, top=2, bevel=1.0, scale=2.0, texels=FLAT_TEXELS,
            streaks=FLAT_STREAKS, sky=((0.5, 0.6, 0.7), (0.1, 0.2, 0.3), (0.4, 0.4, 0.4)), key=1, background=0.0,
            walls=()):  # fmt: skip
    """Draw one thing over an even picture; returns light (H, W, 3), ids and the returned number."""
    own_tints, rows = packed([PLAIN])
    texture: Texture = texture_of.py_func(rows[0])._replace(**(texture_changes or {}))
    out, ids = np.full((3, HEIGHT, WIDTH), background, F), np.zeros((HEIGHT, WIDTH), np.uint8)
    skies = np.concatenate([np.array(sky, F), np.zeros((7 - len(sky), 3), F)])
    count = laid(
        out, ids, key, mm, left, top, scale, own_tints[0] if tints is None else np.array(tints, F), texture, lamps, skies,
        texels, streaks, bevel, walls,
    )  # fmt: skip
    return out.transpose(1, 2, 0), ids, count


DEEP = np.full((8, 11), 5.0, F)
INNER = (slice(2, 10), slice(4, 15))
"""Where DEEP lands in the picture."""


def test_a_level_face_sends_the_sky_back():
    tints = [[0.3, 0.4, 0.5], [0.9, 0.8, 0.7]]
    out, ids, count = painted(DEEP, tints=tints)
    expected = np.array(tints[0]) * (0.5, 0.6, 0.7) + np.array(tints[1]) * (0.1, 0.2, 0.3)
    np.testing.assert_allclose(out[INNER], np.broadcast_to(expected, out[INNER].shape), rtol=1e-5)
    assert (ids[INNER] == 1).all()
    assert count == ids.sum() == 8 * 11
    untouched = np.ones(ids.shape, bool)
    untouched[INNER] = False
    assert (out[untouched] == 0).all()


@settings(max_examples=20, deadline=None)
@given(
    along=st.floats(0.05, 0.9), across=st.floats(0.05, 0.9), brush=st.floats(0, np.pi),
    hx=st.floats(-0.5, 0.5), hy=st.floats(-0.5, 0.5), size=st.floats(0, 0.2),
)  # fmt: skip
def test_a_highlight_is_the_ggx_distribution_of_slopes(along, across, brush, hx, hy, size):
    changes = {"along": F(along), "across": F(across), "brush_x": F(np.cos(brush)), "brush_y": F(np.sin(brush))}
    lamp = np.array([[1.0, 2.0, 0.5, 0.3, 0.2, 0.8, hx, hy, 0, 0, 0, 0, size]], F)
    tints = [[0.2, 0.2, 0.2], [0.6, 0.6, 0.6]]
    out, *_ = painted(DEEP, changes, lamp, tints, sky=np.zeros((3, 3)))
    a, b = along + size, across + size
    t = hx * np.cos(brush) + hy * np.sin(brush)
    n = -hx * np.sin(brush) + hy * np.cos(brush)
    density = 1 / (np.pi * a * b * (1 + (t / a) ** 2 + (n / b) ** 2) ** 2)
    expected = np.array([1.0, 2.0, 0.5]) * (0.2 * 0.8 + 0.6 * np.pi * density / 4)
    np.testing.assert_allclose(out[5, 9], expected, rtol=2e-3)


def test_turned_brushing_shines_where_the_circles_run_across_the_light():
    lamp = np.array([[1, 1, 1, 0, 0, 1, 0.5, 0.0, 0, 0, 0, 0, 0]], F)
    mm = np.full((13, 21), 9.0, F)
    changes = {"brushing": TURNED, "along": F(0.05), "across": F(0.5), "centre_x": F(5.1), "centre_y": F(-3.1)}
    out, *_ = painted(mm, changes, lamp, [[0, 0, 0], [1, 1, 1]], left=0, top=0, sky=np.zeros((3, 3)))
    light = out[:, :, 0]
    beside, above = light[6, 16], light[1, 10]  # the centre lies at column 10, row 6
    assert beside > 10 * above


def test_a_pixel_on_the_centre_of_turning_is_drawn():
    out, *_ = painted(DEEP, {"brushing": TURNED, "centre_x": F(2), "centre_y": F(-1.5)})
    assert np.isfinite(out).all()
    assert out[INNER].min() > 0


def test_coverage_blends_and_half_of_it_makes_a_pixel_the_parts():
    scale = 2.0
    mm = np.tile(np.linspace(-1, 1, 17, dtype=F), (8, 1))
    out, ids, _ = painted(mm, tints=[[1, 1, 1], [0, 0, 0]], left=3, sky=np.ones((3, 3)), background=0.25, scale=scale)
    cover = np.clip(mm[4] * scale + 0.5, 0, 1)
    inner = slice(1, -1)
    level = out[6, 3 : 3 + 17, 1][inner]
    np.testing.assert_allclose(ids[6, 3 : 3 + 17][inner], cover[inner] >= 0.5)
    assert (np.diff(level) >= -1e-6).all()
    full = cover[inner] == 1
    assert level[full][-1] == pytest.approx(1.0, abs=0.1)
    np.testing.assert_allclose(level[cover[inner] == 0], 0.25)


@settings(max_examples=20, deadline=None)
@given(left=st.integers(-14, 26), top=st.integers(-12, 16))
def test_the_whole_is_counted_beyond_the_border(left, top):
    mm = disc_mm(16, 13, 2.0, 2.0)
    out, ids, count = painted(mm, left=left, top=top, key=9)
    assert set(np.unique(ids)) <= {0, 9}
    assert count == (mm >= 0).sum()
    assert np.isfinite(out).all()


def test_a_part_over_another_takes_its_pixels():
    mm = disc_mm(16, 13, 2.0, 2.0)
    texture = texture_of.py_func(packed([PLAIN])[1][0])
    out, ids = np.zeros((3, HEIGHT, WIDTH), F), np.zeros((HEIGHT, WIDTH), np.uint8)
    for key, left in ((1, 0), (2, 4), (3, 8)):
        laid(
            out,
            ids,
            key,
            mm,
            left,
            0,
            2.0,
            np.ones((2, 3), F),
            texture,
            NO_LAMPS,
            np.concatenate([np.ones((5, 3)), np.zeros((2, 3))]).astype(F),
        )
    assert set(np.unique(ids)) == {0, 1, 2, 3}
    assert (ids == 3).sum() == (mm >= 0).sum()


def test_heat_tints_the_edge_blue_and_leaves_the_middle():
    near = np.full_like(DEEP, 0.25)  # half a pixel from the edge: the top face alone
    plain, heated = (painted(near, {"heat": F(amount)})[0][5, 9] for amount in (0, 1))
    share = 1 - 0.25 / 1.5
    np.testing.assert_allclose(heated / plain, 1 + share * np.array([0.25, -0.15, -0.25]), rtol=1e-4)
    plain, heated = (painted(DEEP, {"heat": F(amount)})[0][5, 9] for amount in (0, 1))
    np.testing.assert_allclose(heated, plain, rtol=1e-6)


def test_grain_is_a_texel_of_the_pool():
    grain = np.random.default_rng(9).integers(0, 256, (DETAIL_SIZE, DETAIL_SIZE))
    texels = (FLAT_TEXELS & ~0xFF) | grain.ravel().astype(np.int32)
    plain, grained = painted(DEEP, {"grain": F(0)})[0], painted(DEEP, {"grain": F(0.5)}, texels=texels)[0]
    factor = (grained[INNER] / plain[INNER])[..., 0]
    rows, columns = np.mgrid[0:8, 0:11]
    x, y = columns / 2 * 3, -rows / 2 * 3  # three texels a millimetre, two pixels a millimetre, y up
    texel = grain[np.floor(y).astype(int) % DETAIL_SIZE, np.floor(x).astype(int) % DETAIL_SIZE]
    np.testing.assert_allclose(factor, 1 + 0.5 * (texel / 128 - 1), rtol=1e-3)


def test_streaks_need_brushing():
    streaks = np.random.default_rng(9).integers(0, 256, DETAIL_SIZE**2, dtype=np.uint8)
    plain = painted(DEEP)[0]
    assert np.array_equal(painted(DEEP, {"streaks": F(0.4), "brushing": NONE}, streaks=streaks)[0], plain)
    assert not np.array_equal(painted(DEEP, {"streaks": F(0.4), "brushing": TURNED}, streaks=streaks)[0], plain)


def test_rust_is_brown_whatever_lies_under_it():
    rusty = painted(DEEP, {"rust": F(1.0)})[0][5, 9]
    np.testing.assert_allclose(rusty, np.array([0.02, 0.06, 0.16]) * (0.5, 0.6, 0.7), rtol=1e-4)
    assert rusty[0] < rusty[1] < rusty[2]


def test_a_wall_faces_the_lamp_or_is_dark():
    """The lower slice lies 4 px to the right of a top face that ends at column 4: columns 5 to 8 are wall."""
    ramp = np.tile((4 - np.arange(16, dtype=F)) / 2, (8, 1))
    light = {}
    for side in (-1, 1):
        lamp = np.array([[1, 1, 1, side * 0.6, 0, 0.8, 0, 0, 0, 0, 0, 0, 0]], F)
        out, ids, _ = painted(ramp, lamps=lamp, tints=[[1, 1, 1], [0, 0, 0]], walls=[(4, 0)])
        assert (ids[5, 4:13] == 1).all()
        light[side] = out[5, 11, 0]
    down = 3 / 4  # column 7 lies 3 px beyond the top edge, on a wall of 4 px
    assert light[1] == pytest.approx((0.35 * 0.5 + 0.6) * (1 - down / 2), rel=1e-3)
    assert light[-1] == pytest.approx(0.35 * 0.5 * (1 - down / 2), rel=1e-3)


def test_a_flat_mirror_shows_more_of_the_horizon_farther_from_where_it_mirrors_what_is_overhead():
    sky = np.zeros((7, 3))
    sky[2], sky[5] = 1.0, (0.0, 0.02, 0.0)
    out, *_ = painted(DEEP, tints=[[0, 0, 0], [1, 1, 1]], sky=sky)
    away = np.abs(np.arange(11) - 5.5) * 0.02
    np.testing.assert_allclose(out[5, 4:15, 0], 2 * away, rtol=1e-3)


def test_a_bevel_mirrors_the_side_that_it_faces():
    """A neighbour on the right tints the right bevel of a mirror and leaves the left one."""
    sky = np.zeros((7, 3))
    sky[2], sky[3] = 0.5, (0.0, 0.4, 0.0)
    mm = disc_mm(19, 12, 2.2, 2.0)
    out, ids, _ = painted(mm, tints=[[0, 0, 0], [1, 1, 1]], sky=sky, left=2, top=1)
    row = np.flatnonzero(ids[6])
    left, right = out[6, row[1]], out[6, row[-2]]
    assert right[1] > right[0] + 0.02
    assert left[1] < left[0] - 0.02
    assert right[0] == pytest.approx(left[0], rel=0.05)


def test_a_burr_makes_an_edge_uneven_and_leaves_the_face():
    noisy = np.random.default_rng(4).integers(0, 256, DETAIL_SIZE**2).astype(np.int32) << 16
    lamp = np.array([[1, 1, 1, 0.6, 0, 0.8, 0.3, 0, 0, 0, 0, 0, 0]], F)
    ramp = np.tile(np.linspace(4, 0.3, 15, dtype=F), (8, 1))
    smooth, burred = (painted(ramp, {"burr": F(amount)}, lamp, texels=noisy)[0] for amount in (0, 1))
    assert np.ptp(smooth[3:9, 17], axis=0).max() < 1e-5
    assert np.ptp(burred[3:9, 17], axis=0).max() > 0.01
    np.testing.assert_allclose(burred[3:9, 6], smooth[3:9, 6], rtol=1e-6)


def test_tiles_meet_without_a_seam():
    out, ids = np.zeros((3, 40, 700), F), np.zeros((40, 700), np.uint8)
    texture = texture_of.py_func(packed([PLAIN])[1][0])
    lamp = np.array([[1, 1, 1, 0, 0, 1, 0, 0, 1e-3, 0, 0, 0, 0]], F)
    laid(out, ids, 1, np.full((40, 700), 9, F), 0, 0, 2.0, np.ones((2, 3), F), texture, lamp, np.zeros((7, 3), F))
    assert (ids == 1).all()
    assert np.abs(np.diff(np.diff(out[1, 3, 1:-1]))).max() < 1e-4
    assert np.ptp(out[1], axis=0).max() < 1e-5


def test_an_oil_film_colours_the_mirror_in_bands_and_darkens_what_scatters():
    """White and grey outside, a rainbow where the film grows thicker: each channel has its own period."""
    ramp = np.broadcast_to(np.linspace(0, 255, DETAIL_SIZE).astype(np.int32), (DETAIL_SIZE, DETAIL_SIZE))
    texels = (ramp.ravel() << 16) | 0x80
    mm = np.full((6, 20), 9.0, F)
    changes = {"oil": F(1), "shift_x": F(300)}
    sky = np.ones((3, 3))
    mirror = painted(mm, changes, tints=[[0, 0, 0], [1, 1, 1]], sky=sky, texels=texels, left=1, top=1)[0][3, 2:18]
    dirt = (np.floor((np.arange(1, 17) / 2 * 3) + 300).astype(int) % DETAIL_SIZE) * 255 // (DETAIL_SIZE - 1) / 128 - 1
    for c, per_film in enumerate((1.2, 1.0, 0.86)):
        expected = 1 + 0.6 * np.clip(0.5 + dirt, 0, 1) * np.cos(2 * np.pi * (1.6 + dirt) * per_film)
        np.testing.assert_allclose(mirror[:, c], expected, atol=0.04)
    assert np.ptp(mirror, axis=1).max() > 0.2
    matt = painted(mm, changes, tints=[[1, 1, 1], [0, 0, 0]], sky=sky, texels=texels, left=1, top=1)[0][3, 2:18]
    np.testing.assert_allclose(matt, np.repeat(1 - 0.25 * np.clip(0.5 + dirt, 0, 1)[:, None], 3, 1), atol=0.01)

"""The compiled loops against plain numpy on small arrays."""

import numpy as np
import pytest
from generator_parts import PLAIN
from hypothesis import given, settings
from hypothesis import strategies as st

from kontur.data_preprocessing import kernels
from kontur.data_preprocessing.surfaces import NONE, TURNED, Texture, packed
from kontur.data_preprocessing.textures import DETAIL_SIZE, GRAIN, STREAKS

F = np.float32
WIDTH, HEIGHT = 23, 14
NO_NOISE = np.zeros(4000, F)
STRAIGHT_CURVE = np.arange(4096, dtype=np.uint16)
FLAT_DETAIL = np.full((5, DETAIL_SIZE, DETAIL_SIZE), 128, np.uint8)
NO_LAMPS = np.empty((0, 13), F)


def random_light(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0, 1.2, (HEIGHT, WIDTH, 3)).astype(F)


def exposed(light, gains=(1, 1, 1), fall=0.0, well=1e9, read=0.0, noise=NO_NOISE, seed=0):
    out = np.empty(light.shape, np.uint16)
    kernels.expose(light, np.array(gains, F), F(fall), F(well), F(read), noise, seed, STRAIGHT_CURVE, out)
    return out


def test_exposure_is_gain_times_vignetting_rounded_to_twelve_bits():
    light, gains, fall = random_light(), (0.9, 1.0, 1.3), 0.3
    v, u = np.mgrid[0:HEIGHT, 0:WIDTH]
    middle = np.array([(WIDTH - 1) / 2, (HEIGHT - 1) / 2])
    squared = ((u - middle[0]) ** 2 + (v - middle[1]) ** 2) / (middle**2).sum()
    expected = np.clip(light * np.array(gains) * (1 - fall * squared)[..., None], 0, 1) * 4095
    assert np.abs(exposed(light, gains, fall).astype(float) - expected).max() <= 0.52


def test_light_beyond_the_full_well_is_clipped_and_darkness_stays_dark():
    light = np.zeros((HEIGHT, WIDTH, 3), F)
    light[:, : WIDTH // 2] = 7.0
    codes = exposed(light)
    assert (codes[:, : WIDTH // 2] == 4095).all()
    assert (codes[:, WIDTH // 2 :] == 0).all()


@pytest.mark.parametrize(("well", "read"), [(1000.0, 0.0), (8000.0, 0.0), (2000.0, 40.0)])
def test_noise_is_that_of_counted_electrons(well, read):
    level = 0.4
    noise = np.random.default_rng(1).standard_normal(1 << 16).astype(F)
    light = np.full((120, 170, 3), level, F)
    got = exposed(light, well=well, read=read, noise=noise, seed=77) / 4095
    electrons = level * well
    expected_e = np.sqrt(electrons + read**2)
    assert got.mean() * well == pytest.approx(electrons, rel=0.01)
    assert got.std() * well == pytest.approx(expected_e, rel=0.04)


def test_another_seed_is_other_noise_and_the_same_seed_the_same():
    noise = np.random.default_rng(1).standard_normal(1 << 16).astype(F)
    light = np.full((HEIGHT, WIDTH, 3), 0.5, F)
    first, again, other = (exposed(light, well=500.0, noise=noise, seed=seed) for seed in (5, 5, 6))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert len({row.tobytes() for row in first}) == HEIGHT


def test_a_mosaic_is_red_green_green_blue():
    raw = np.random.default_rng(2).integers(0, 4096, (HEIGHT, WIDTH, 3), dtype=np.uint16)
    got = np.zeros((HEIGHT, WIDTH), np.uint16)
    kernels.mosaic(raw, got)
    assert np.array_equal(got[0::2, 0::2], raw[0::2, 0::2, 2])
    assert np.array_equal(got[0::2, 1::2], raw[0::2, 1::2, 1])
    assert np.array_equal(got[1::2, 0::2], raw[1::2, 0::2, 1])
    assert np.array_equal(got[1::2, 1::2], raw[1::2, 1::2, 0])


def test_developing_is_a_lookup_that_clips_at_the_top():
    raw = np.random.default_rng(3).integers(0, 9000, (HEIGHT, WIDTH, 3), dtype=np.uint16)
    curve = np.random.default_rng(4).integers(0, 256, 4096, dtype=np.uint8)
    got = np.empty(raw.shape, np.uint8)
    kernels.develop(raw, curve, got)
    assert np.array_equal(got, curve[np.minimum(raw, 4095)])


@pytest.mark.parametrize("channels", [1, 3])
def test_the_tables_light_is_tone_times_interpolated_light(channels):
    rng = np.random.default_rng(5)
    pattern = rng.integers(0, 256, (HEIGHT, WIDTH, channels), dtype=np.uint8)
    tones, field = rng.uniform(0, 1, (3, 256)).astype(F), rng.uniform(0, 2, (3, 4, 3)).astype(F)
    out = np.empty((HEIGHT, WIDTH, 3), F)
    kernels.light_table(out, pattern, tones, field)
    rows, columns = np.arange(HEIGHT) * 2 / HEIGHT, np.arange(WIDTH) * 3 / WIDTH
    for c in range(3):
        along = np.array([np.interp(columns, range(4), line) for line in field[:, :, c]])
        level = np.array([np.interp(rows, range(3), column) for column in along.T]).T
        expected = tones[c][pattern[:, :, c if channels == 3 else 0]] * level
        np.testing.assert_allclose(out[:, :, c], expected, rtol=1e-4, atol=1e-6)


def disc_mm(width: int, height: int, radius_mm: float, px_per_mm: float) -> np.ndarray:
    v, u = np.mgrid[0:height, 0:width]
    away = np.hypot(u - (width - 1) / 2, v - (height - 1) / 2)
    return (radius_mm - away / px_per_mm).astype(F)


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
    out = random_light(7) + F(0.1)
    before = out.copy()
    kernels.cast_shadows(out, mm, F(2.0), shifts, softness, shares, left, top)
    expected = before * shadow_factor(mm, 2.0, shifts, softness, shares, left, top, out.shape[:2])
    np.testing.assert_allclose(out, expected, rtol=1e-4, atol=1e-5)


def test_a_thing_out_of_sight_casts_no_shadow():
    out = random_light(8)
    before = out.copy()
    shifts, shares = np.array([[0, 0]], np.int64), np.full((1, 3), 0.5, F)
    kernels.cast_shadows(out, disc_mm(9, 7, 1.0, 2.0), F(2.0), shifts, np.ones(1, F), shares, WIDTH + 3, 0)
    assert np.array_equal(out, before)


def painted(mm, texture_changes=None, lamps=NO_LAMPS, tints=None, left=4, top=2, bevel=1.0, scale=2.0, detail=FLAT_DETAIL,
            sky=((0.5, 0.6, 0.7), (0.1, 0.2, 0.3), (0.4, 0.4, 0.4)), key=1, background=0.0, all_mm=None):  # fmt: skip
    """Draw one part over an even picture; returns light, ids, visible counts and the returned number."""
    own_tints, texture = packed(PLAIN)
    texture: Texture = texture._replace(**(texture_changes or {}))
    out, ids = np.full((HEIGHT, WIDTH, 3), background, F), np.zeros((HEIGHT, WIDTH), np.uint8)
    visible = np.zeros(256, np.int64)
    visible[0] = ids.size
    to_mm = np.array([[1 / scale, 0, 0], [0, -1 / scale, 0]], F)
    count = kernels.draw_part(
        out, ids, key, visible, mm, mm if all_mm is None else all_mm, left, top, to_mm, F(scale),
        own_tints if tints is None else np.array(tints, F), texture, lamps, np.array(sky, F), detail, F(bevel),
    )  # fmt: skip
    return out, ids, visible, count


DEEP = np.full((8, 11), 5.0, F)
INNER = (slice(3, 9), slice(5, 14))
"""Where DEEP lands in the picture: its rim of one pixel is never drawn."""


def test_a_level_face_sends_the_sky_back():
    tints = [[0.3, 0.4, 0.5], [0.9, 0.8, 0.7]]
    out, ids, _, count = painted(DEEP, tints=tints)
    expected = np.array(tints[0]) * (0.5, 0.6, 0.7) + np.array(tints[1]) * (0.1, 0.2, 0.3)
    np.testing.assert_allclose(out[INNER], np.broadcast_to(expected, out[INNER].shape), rtol=1e-5)
    assert (ids[INNER] == 1).all()
    assert count == ids.sum() == 6 * 9
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
    out, ids, _, _ = painted(
        mm, tints=[[1, 1, 1], [0, 0, 0]], left=3, sky=np.ones((3, 3)), background=0.25, scale=scale
    )
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
def test_visible_counts_follow_the_id_map_and_the_whole_is_counted_beyond_the_border(left, top):
    mm = disc_mm(16, 13, 2.0, 2.0)
    out, ids, visible, count = painted(mm, left=left, top=top, key=9)
    np.testing.assert_array_equal(visible, np.bincount(ids.ravel(), minlength=256))
    assert count == (mm >= 0).sum()
    assert np.isfinite(out).all()


def test_a_part_over_another_takes_its_pixels():
    mm = disc_mm(16, 13, 2.0, 2.0)
    _, texture = packed(PLAIN)
    out, ids, visible = np.zeros((HEIGHT, WIDTH, 3), F), np.zeros((HEIGHT, WIDTH), np.uint8), np.zeros(256, np.int64)
    visible[0] = ids.size
    to_mm, tints, sky = np.array([[0.5, 0, 0], [0, -0.5, 0]], F), np.ones((2, 3), F), np.ones((3, 3), F)
    for key, left in ((1, 0), (2, 4), (3, 8)):
        kernels.draw_part(
            out, ids, key, visible, mm, mm, left, 0, to_mm, F(2), tints, texture, NO_LAMPS, sky, FLAT_DETAIL, F(1)
        )
        np.testing.assert_array_equal(visible, np.bincount(ids.ravel(), minlength=256))
    assert set(np.unique(ids)) == {0, 1, 2, 3}
    assert visible[3] == (mm >= 0).sum()


def test_heat_tints_the_edge_blue_and_leaves_the_middle():
    near = np.full_like(DEEP, 0.25)  # half a pixel from the edge: the top face alone
    plain, heated = (painted(near, {"heat": F(amount)})[0][5, 9] for amount in (0, 1))
    share = 1 - 0.25 * 0.67
    np.testing.assert_allclose(heated / plain, 1 + share * np.array([0.25, -0.15, -0.25]), rtol=1e-4)
    plain, heated = (painted(DEEP, {"heat": F(amount)})[0][5, 9] for amount in (0, 1))
    np.testing.assert_allclose(heated, plain, rtol=1e-6)


def test_grain_is_a_texel_of_the_pool():
    detail = FLAT_DETAIL.copy()
    detail[GRAIN] = np.random.default_rng(9).integers(0, 256, detail[GRAIN].shape)
    plain, grained = painted(DEEP, {"grain": F(0)})[0], painted(DEEP, {"grain": F(0.5)}, detail=detail)[0]
    factor = (grained[INNER] / plain[INNER])[..., 0]
    rows, columns = np.mgrid[1:7, 1:10]
    x, y = columns / 2 * 3, -rows / 2 * 3  # three texels a millimetre, two pixels a millimetre, y up
    texel = detail[GRAIN][np.floor(y).astype(int) % DETAIL_SIZE, np.floor(x).astype(int) % DETAIL_SIZE]
    np.testing.assert_allclose(factor, 1 + 0.5 * (texel / 128 - 1), rtol=1e-3)


def test_streaks_need_brushing():
    detail = FLAT_DETAIL.copy()
    detail[STREAKS] = np.random.default_rng(9).integers(0, 256, detail[STREAKS].shape)
    plain = painted(DEEP)[0]
    assert np.array_equal(painted(DEEP, {"streaks": F(0.4), "brushing": NONE}, detail=detail)[0], plain)
    assert not np.array_equal(painted(DEEP, {"streaks": F(0.4), "brushing": TURNED}, detail=detail)[0], plain)


def test_rust_is_brown_whatever_lies_under_it():
    detail = FLAT_DETAIL.copy()
    rusty = painted(DEEP, {"rust": F(1.0)}, detail=detail)[0][5, 9]
    np.testing.assert_allclose(rusty, np.array([0.02, 0.06, 0.16]) * (0.5, 0.6, 0.7), rtol=1e-4)
    assert rusty[0] < rusty[1] < rusty[2]


def test_a_wall_faces_the_lamp_or_is_dark():
    """A silhouette far wider than the top face: all of the window's middle is wall, sloping to the right."""
    ramp = np.tile(np.linspace(8, 2, 11, dtype=F), (8, 1))
    off_top = np.full_like(ramp, -5)
    light = {}
    for side in (-1, 1):
        lamp = np.array([[1, 1, 1, side * 0.6, 0, 0.8, 0, 0, 0, 0, 0, 0, 0]], F)
        out, *_ = painted(off_top, lamps=lamp, tints=[[1, 1, 1], [0, 0, 0]], all_mm=ramp)
        light[side] = out[5, 9, 0]
    assert light[1] == pytest.approx(0.35 * 0.5 + 0.6, rel=1e-4)
    assert light[-1] == pytest.approx(0.35 * 0.5, rel=1e-4)

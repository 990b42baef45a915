"""Scenes: every number within its configured range, shares as configured, the camera by its own matrices."""

from dataclasses import fields

import numpy as np
import pytest
from generator_parts import PARTS, PLAIN, SIZE_WH, context, small_config
from hypothesis import given
from hypothesis import strategies as st

from kontur.data_preprocessing.scene import Scene, draw_scene, lamp_colour
from kontur.data_preprocessing.textures import VARIANTS


class StillStream:
    """A random stream without chance: every deviation is 0."""

    def normal(self, _mean, _spread, count):
        return np.zeros(count)


def scenes(count: int = 60, pictures: int = 0, **sections) -> list[Scene]:
    made = context()
    config = small_config(**{"scene": {"parts": (0, 0), "distractors": 0.0}, **sections})
    return [
        draw_scene(config, PARTS, made.shapes, made.clutter, pictures, np.random.default_rng(seed))
        for seed in range(count)
    ]


@given(st.floats(1500, 12000), st.floats(1.01, 2))
def test_a_hotter_lamp_is_bluer_and_less_red(kelvin, factor):
    (b0, _, r0), (b1, _, r1) = (lamp_colour(k, 0.1, StillStream()) for k in (kelvin, kelvin * factor))
    assert b1 >= b0
    assert r1 <= r0
    assert b1 / r1 > b0 / r0 or (b0, r1) == (b1, r0)


def test_a_lamp_of_5000_kelvin_is_white():
    assert lamp_colour(5000, 0.0, StillStream()) == pytest.approx((1, 1, 1))
    warm, cold = lamp_colour(2700, 0.0, StillStream()), lamp_colour(8000, 0.0, StillStream())
    assert warm[0] < warm[1] < warm[2]
    assert cold[0] > cold[1] > cold[2]


def test_a_tint_spreads_colours_as_much_as_it_says():
    colours = np.array([lamp_colour(5000, 0.08, np.random.default_rng(seed)) for seed in range(800)])
    np.testing.assert_allclose(colours.std(axis=0), 0.08, rtol=0.12)
    np.testing.assert_allclose(colours.mean(axis=0), 1.0, atol=0.02)


def test_the_camera_is_within_its_ranges_and_its_rotation_is_one():
    section = {
        "tilt_deg": (2.0, 9.0),
        "mm_per_px": (0.4, 0.8),
        "distance_mm": (300.0, 600.0),
        "distortion": (-0.1, 0.1),
    }
    tilts, scales, towards, bends = [], [], [], []
    for scene in scenes(150, camera=section):
        camera = scene.camera
        assert camera.size_wh == SIZE_WH
        np.testing.assert_allclose(camera.rotation @ camera.rotation.T, np.eye(3), atol=1e-12)
        assert np.linalg.det(camera.rotation) == pytest.approx(1)
        axis = camera.rotation[2]  # the optical axis in the plane's frame
        tilts.append(np.degrees(np.arccos(-axis[2])))
        towards.append(np.arctan2(axis[1], axis[0]))
        distance = np.linalg.norm(camera.rotation.T @ camera.translation_mm)
        assert 300 <= distance <= 600
        scales.append(distance / camera.matrix[0, 0])
        bends.append(camera.distortion[0])
        np.testing.assert_allclose(camera.project([[0.0, 0.0]])[0], (np.array(SIZE_WH) - 1) / 2, atol=1e-6)
    for values, (low, high) in ((tilts, (2, 9)), (scales, (0.4, 0.8)), (bends, (-0.1, 0.1))):
        assert low - 1e-9 <= min(values) < low + 0.1 * (high - low)
        assert high - 0.1 * (high - low) < max(values) <= high + 1e-9
    assert np.median(scales) == pytest.approx(np.sqrt(0.4 * 0.8), rel=0.1)  # each doubling equally likely
    counts, _ = np.histogram(towards, 4, (-np.pi, np.pi))
    assert counts.min() > 20


def test_an_untilted_camera_looks_straight_down():
    for scene in scenes(10, camera={"tilt_deg": (0.0, 0.0), "distortion": (0.0, 0.0)}):
        np.testing.assert_allclose(scene.camera.rotation, np.diag([1, -1, -1]), atol=1e-12)
        a, b, c = scene.camera.project([[0, 0], [10, 0], [0, 10]])
        assert b[1] == pytest.approx(a[1])
        assert b[0] > a[0]
        assert c[1] < a[1]


def test_lamps_stand_where_they_may():
    light = {"lamps": (1, 3), "elevation_deg": (30.0, 60.0), "distance_mm": (400.0, 900.0), "size_deg": (2.0, 20.0)}
    drawn = [scene.lamps for scene in scenes(150, light=light)]
    assert {len(lamps) for lamps in drawn} == {1, 2, 3}
    lamps = [lamp for group in drawn for lamp in group]
    places = np.array([lamp.position_mm for lamp in lamps])
    distance = np.linalg.norm(places, axis=1)
    elevation = np.degrees(np.arcsin(places[:, 2] / distance))
    assert 400 - 1e-6 <= distance.min() < 430
    assert 870 < distance.max() <= 900 + 1e-6
    assert 30 - 1e-9 <= elevation.min() < 32
    assert 58 < elevation.max() <= 60 + 1e-9
    counts, _ = np.histogram(np.arctan2(places[:, 1], places[:, 0]), 4, (-np.pi, np.pi))
    assert counts.min() > len(lamps) / 8
    radii = np.degrees([lamp.radius_rad for lamp in lamps])
    assert 2 - 1e-9 <= radii.min() <= radii.max() <= 20 + 1e-9
    assert np.median(radii) == pytest.approx(np.sqrt(2 * 20), rel=0.25)
    assert all(0 < channel <= 3 for lamp in lamps for channel in lamp.colour)


def test_without_lamps_the_sky_lights_the_table_fully():
    for scene in scenes(20, light={"lamps": (0, 0), "tint": (0.0, 0.0), "colour_k": (5000.0, 5000.0)}):
        assert scene.lamps == ()
        assert scene.sky[0] == pytest.approx((1, 1, 1), rel=0.3)


def test_the_reflected_sky_is_a_share_of_the_sky_without_a_colour_of_its_own():
    for scene in scenes(60, light={"reflected_sky": (0.1, 0.4)}):
        base, overhead, horizon = (np.array(row) for row in scene.sky)
        assert np.ptp(overhead / base) < 1e-9
        assert 0.1 - 1e-9 <= (overhead / base)[0] <= 0.4 + 1e-9
        assert np.ptp(horizon / overhead) < 1e-9
        assert 0.5 <= (horizon / overhead)[0] <= 2.5


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_light_from_below_is_as_frequent_as_configured(share):
    below = np.array([scene.below for scene in scenes(150, light={"from_below": share})])
    assert np.mean(below > 0) == pytest.approx(share, abs=0.15 if 0 < share < 1 else 0)
    assert ((below == 0) | ((below >= 3) & (below <= 12))).all()


def test_tables_are_of_the_weighted_kinds():
    drawn = [scene.table for scene in scenes(300, background={"kinds": {"wood": 3.0, "felt": 1.0}, "pictures": 1.0})]
    kinds = [table.kind for table in drawn]
    assert set(kinds) == {"wood", "felt"}  # no pictures, however much they are wanted
    assert kinds.count("wood") / len(kinds) == pytest.approx(0.75, abs=0.1)
    assert {table.variant for table in drawn} == set(range(VARIANTS))
    assert all(0.6 <= table.zoom <= 1.8 and 0 <= table.turn_rad < 2 * np.pi for table in drawn)


def test_the_users_pictures_take_their_share():
    tables = [scene.table for scene in scenes(200, pictures=2, background={"pictures": 0.4})]
    pictures = [table for table in tables if table.kind == "picture"]
    assert len(pictures) / len(tables) == pytest.approx(0.4, abs=0.13)
    assert {table.variant for table in pictures} == {0, 1}


def test_a_table_without_contrast_is_one_colour_and_with_it_dark_is_darker():
    background = {"contrast": (0.0, 0.0), "camouflage": 0.0, "saturation": (0.0, 0.0), "albedo": (0.3, 0.3)}
    for scene in scenes(20, background=background):
        assert scene.table.dark == pytest.approx((0.3, 0.3, 0.3))
        assert scene.table.bright == pytest.approx((0.3, 0.3, 0.3))
    strong = scenes(40, background={**background, "contrast": (0.5, 0.6)})
    assert all(np.mean(scene.table.dark) < 0.3 < np.mean(scene.table.bright) for scene in strong)
    colours = np.array([[scene.table.dark, scene.table.bright] for scene in scenes(100)])
    assert (colours > 0).all()
    assert (colours <= 1).all()


def test_camouflage_gives_the_table_the_first_parts_colour():
    sections = {
        "scene": {"parts": (1, 1), "distractors": 0.0}, "materials": {"kinds": {"paint": 1.0}},
        "background": {"camouflage": 1.0, "contrast": (0.0, 0.0)},
    }  # fmt: skip
    for scene in scenes(25, **sections):
        surface = scene.placements[0].surface
        extra = np.array(scene.table.dark) - np.clip(surface.diffuse, 0.002, 1.0)
        assert (extra >= -1e-9).all()
        assert extra.max() <= 0.25 * 0.04 * 1.5 + 1e-9
    assert PLAIN.specular == surface.specular  # paint is no metal: the bound above holds


def test_a_scene_is_its_stream():
    first, again = (scenes(3, scene={"parts": (2, 3)}) for _ in range(2))
    for a, b in zip(first, again, strict=True):
        for field in fields(Scene):
            if field.name == "camera":
                assert np.array_equal(a.camera.matrix, b.camera.matrix)
                assert np.array_equal(a.camera.rotation, b.camera.rotation)
            else:
                assert getattr(a, field.name) == getattr(b, field.name)
    assert first[0].table != first[1].table

"""Materials keep to what they are."""

import colorsys
from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kontur.data_preprocessing.data_config import MaterialKind, MaterialSection
from kontur.data_preprocessing.surfaces import NONE, STRAIGHT, TURNED, draw_surface, packed, random_colour, texture_of

KINDS = get_args(MaterialKind)
METALS = ("brushed", "turned", "raw_steel", "galvanised", "anodised")
SECTION = MaterialSection()


def many(kind, count=120, section=SECTION):
    return [draw_surface(kind, section, np.random.default_rng(seed)) for seed in range(count)]


@pytest.mark.parametrize("kind", KINDS)
def test_no_surface_sends_back_more_than_it_gets(kind):
    for surface in many(kind):
        colours = np.array([surface.diffuse, surface.specular])
        assert colours.shape == (2, 3)
        assert ((colours >= 0) & (colours <= 1)).all()
        amounts = (surface.streaks, surface.grain, surface.spangle, surface.scratches, surface.stains, surface.rust)
        assert all(0 <= amount <= 1 for amount in (*amounts, surface.heat, surface.burr, surface.oil))
        assert 0 < surface.along <= 1
        assert 0 < surface.across <= 1
        assert all(0 <= texel < 512 for texel in surface.offset)


@pytest.mark.parametrize("kind", KINDS)
def test_the_stream_decides(kind):
    assert many(kind, 4) == many(kind, 4)
    assert len(set(many(kind, 12))) == 12


@pytest.mark.parametrize("kind", KINDS)
def test_metals_mirror_and_the_rest_scatters(kind):
    surfaces = many(kind)
    mirror = np.mean([surface.specular for surface in surfaces])
    scatter = np.mean([surface.diffuse for surface in surfaces])
    if kind in METALS:
        assert mirror > 2 * scatter
    else:
        assert mirror <= 0.05
        assert scatter > 0


@pytest.mark.parametrize(
    ("kind", "brushing"), [("brushed", STRAIGHT), ("turned", TURNED), ("anodised", STRAIGHT), ("raw_steel", NONE)]
)
def test_brushed_metals_are_smoother_along_the_brushing(kind, brushing):
    for surface in many(kind, 40):
        assert surface.brushing == brushing
        if brushing == NONE:
            assert surface.along == surface.across
        else:
            assert surface.along < surface.across


def test_roughness_and_anisotropy_come_from_the_configuration():
    section = MaterialSection(roughness=(0.4, 0.4), anisotropy=(0.5, 0.5))
    for surface in many("brushed", 10, section):
        assert surface.across == pytest.approx(0.4)
        assert surface.along == pytest.approx(0.2)


@pytest.mark.parametrize("name", ["scratches", "stains", "rust", "edge_heat", "oil"])
def test_dirt_is_the_exception_and_within_its_range(name):
    section = MaterialSection.model_validate({name: (0.1, 0.9)})
    amounts = np.array([getattr(surface, name.removeprefix("edge_")) for surface in many("brushed", 400, section)])
    assert amounts.min() == pytest.approx(0.1)
    assert 0.7 < amounts.max() <= 0.9
    assert np.mean(amounts == amounts.min()) == pytest.approx(0.5, abs=0.1)
    clean = MaterialSection.model_validate({name: (0.0, 0.0)})
    assert all(getattr(surface, name.removeprefix("edge_")) == 0 for surface in many("brushed", 20, clean))


def test_only_what_rusts_is_rusty_and_only_zinc_has_crystals():
    section = MaterialSection(rust=(0.5, 0.5), edge_heat=(0.5, 0.5))
    for kind in KINDS:
        drawn = many(kind, 10, section)
        assert all((surface.rust > 0) == (kind in ("brushed", "turned", "raw_steel", "dark_oxide", "galvanised"))
                   for surface in drawn)  # fmt: skip
        assert all((surface.spangle > 0) == (kind == "galvanised") for surface in drawn)


def test_oxide_and_rubber_are_dark_and_zinc_is_bright():
    level = {kind: np.mean([np.add(s.diffuse, s.specular) for s in many(kind)]) for kind in KINDS}
    assert max(level["dark_oxide"], level["rubber"]) < 0.15
    assert min(level["galvanised"], level["brushed"]) > 0.4


@given(seed=st.integers(0, 9999), saturation=st.floats(0, 1), value=st.floats(0.01, 1))
def test_a_random_colour_has_the_value_and_saturation_asked_for(seed, saturation, value):
    b, g, r = random_colour(np.random.default_rng(seed), saturation, value)
    _, got_saturation, got_value = colorsys.rgb_to_hsv(r, g, b)
    assert got_value == pytest.approx(value)
    assert got_saturation == pytest.approx(saturation, abs=1e-9)


def test_random_colours_have_every_hue():
    rng = np.random.default_rng(0)
    hues = [colorsys.rgb_to_hsv(*random_colour(rng, 1.0, 1.0)[::-1])[0] for _ in range(600)]
    counts, _ = np.histogram(hues, 6, (0, 1))
    assert counts.min() > 60


def test_what_the_kernels_get_is_the_surface():
    surface = many("turned", 1)[0]._replace(brush_rad=0.7, centre_mm=(1.5, -2.5), offset=(100.0, 7.0), streaks=0.4)
    (tints,), rows = packed([surface])
    texture = texture_of.py_func(rows[0])
    assert tints.dtype == np.float32
    np.testing.assert_allclose(tints, [surface.diffuse, surface.specular], rtol=1e-6)
    for name in ("along", "across", "grain", "spangle", "scratches", "stains", "rust", "heat", "burr", "oil"):
        assert getattr(texture, name) == np.float32(getattr(surface, name))
    assert np.arctan2(texture.brush_y, texture.brush_x) == pytest.approx(0.7)
    assert (texture.centre_x, texture.centre_y, texture.shift_x, texture.shift_y) == (1.5, -2.5, 100.0, 7.0)
    assert texture.brushing == TURNED
    assert all(isinstance(value, np.float32) for name, value in texture._asdict().items() if name != "brushing")

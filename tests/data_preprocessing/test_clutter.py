"""What lies about is of a believable size and never a whole part."""

from typing import get_args

import numpy as np
import pytest
import shapely
from generator_parts import PARTS, bracket

from kontur.data_preprocessing.clutter import clutter_pool
from kontur.data_preprocessing.data_config import DistractorKind
from kontur.data_preprocessing.shapes import MARGIN_MM

KINDS = get_args(DistractorKind)


@pytest.fixture(scope="module")
def pool():
    return clutter_pool(PARTS, 0.4)


def areas(shapes) -> list[float]:
    """By the even-odd rule of the rings, as the templates have it."""
    found = []
    for shape in shapes:
        area = shapely.Polygon()
        for ring in shape.rings_mm:
            area = area.symmetric_difference(shapely.make_valid(shapely.Polygon(ring)))
        found.append(area.area)
    return found


def test_every_kind_has_its_templates(pool):
    assert set(pool) == set(get_args(DistractorKind))
    for kind, shapes in pool.items():
        assert len(shapes) == 4, kind
        assert len({shape.distance_mm.tobytes() for shape in shapes}) == 4, kind


@pytest.mark.parametrize("kind", KINDS)
def test_templates_hold_the_area_of_their_rings(pool, kind):
    for shape, area in zip(pool[kind], areas(pool[kind]), strict=True):
        covered = np.clip(shape.distance_mm / shape.step_mm + 0.5, 0, 1).sum() * shape.step_mm**2
        assert area > 0.5
        rim = sum(shapely.LinearRing(ring).length for ring in shape.rings_mm) * shape.step_mm
        assert covered == pytest.approx(area, abs=0.03 * area + 0.2 * rim)


@pytest.mark.parametrize("kind", KINDS)
def test_clutter_is_centred_and_smaller_than_a_hand(pool, kind):
    for shape in pool[kind]:
        x0, y0, x1, y1 = shape.bounds_mm
        assert x0 <= 0 <= x1
        assert y0 <= 0 <= y1
        assert max(x1 - x0, y1 - y0) < 120
        grid_wh = np.array(shape.distance_mm.shape[::-1]) * shape.step_mm
        assert (grid_wh >= np.array([x1 - x0, y1 - y0]) + 2 * MARGIN_MM - 1e-9).all()


def test_a_coin_is_round_and_a_nut_is_a_hexagon_with_a_thread(pool):
    for shape in pool["coin"]:
        radii = np.hypot(*shape.rings_mm[0].T)
        assert 7 <= radii.min() <= radii.max() <= 13
        assert np.ptp(radii) < 1e-9
    for shape in pool["nut"]:
        outer, hole = shape.rings_mm
        assert len(outer) == 6
        sides = np.hypot(*(outer - np.roll(outer, 1, axis=0)).T)
        np.testing.assert_allclose(sides, sides[0])
        assert np.hypot(*hole.T) == pytest.approx(0.55 * sides[0], abs=0.01)


def test_wires_and_swarf_are_thin(pool):
    for kind, widest in (("wire", 1.6), ("swarf", 1.2)):
        for shape in pool[kind]:
            assert shape.distance_mm.max() <= widest / 2 + 0.1
            assert shape.reach_mm > 3 * widest


def test_a_fragment_is_a_piece_of_a_part():
    part = bracket()
    for shape, area in zip(
        clutter_pool([part], 0.4)["fragment"], areas(clutter_pool([part], 0.4)["fragment"]), strict=True
    ):
        assert 0.02 * part.polygon.area < area < 0.98 * part.polygon.area
        assert shape.reach_mm < 2 * part.radius_mm


def test_the_same_parts_have_the_same_clutter(pool):
    again = clutter_pool(PARTS, 0.4)
    other = clutter_pool([bracket()], 0.4)
    for kind, shapes in pool.items():
        for mine, theirs in zip(shapes, again[kind], strict=True):
            assert np.array_equal(mine.distance_mm, theirs.distance_mm)
        same = all(np.array_equal(m.distance_mm, t.distance_mm) for m, t in zip(shapes, other[kind], strict=True)
                   if m.distance_mm.shape == t.distance_mm.shape)  # fmt: skip
        assert same or kind == "fragment"

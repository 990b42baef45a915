"""Rectangles, webs, smallest features and look-alikes, against shapes known by construction."""

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from outlines import ell, rectangle, saw

from kontur.geometry import Contour, circle_contour, make_part
from kontur.geometry.features import least_rectangle, smallest_feature, thinnest_web
from kontur.geometry.likeness import look_alikes
from kontur.geometry.units import MM_PER_UNIT, UNIT_NAMES, mm_per


def turned(points, angle):
    c, s = np.cos(angle), np.sin(angle)
    return np.asarray(points) @ np.array([[c, s], [-s, c]])


def plate(name, holes, angle=0.0, mirror=False):
    """A plate 80 x 50 with round holes (x, y, radius), turned and mirrored."""
    sign = np.array([-1.0 if mirror else 1.0, 1.0])
    rings = [circle_contour(*turned([np.array([x, y]) * sign], angle)[0], r) for x, y, r in holes]
    return make_part(name, Contour(turned(rectangle(80, 50) * sign, angle)), tuple(rings))


@given(st.floats(0, 3.1), st.floats(1, 50), st.floats(51, 90))
def test_the_least_rectangle_of_a_turned_rectangle_is_itself(angle, width, length):
    part = make_part("r", Contour(turned(rectangle(length, width), angle)))
    found_length, found_width, found_angle = least_rectangle(part)
    assert (found_length, found_width) == pytest.approx((length, width), rel=1e-6)
    turn = (found_angle - np.degrees(angle)) % 180
    assert min(turn, 180 - turn) < 1e-3


def test_the_thinnest_web_is_between_holes_or_to_the_edge():
    assert thinnest_web(plate("a", [(20, 25, 5), (34, 25, 6)])) == pytest.approx(3, abs=0.02)
    assert thinnest_web(plate("b", [(20, 6, 5), (60, 25, 6)])) == pytest.approx(1, abs=0.02)
    assert thinnest_web(plate("c", [])) is None


def test_the_smallest_feature_is_the_smallest_of_hole_web_and_width():
    assert smallest_feature(plate("a", [(20, 25, 1.5), (60, 25, 6)])) == pytest.approx(3, abs=0.02)
    assert smallest_feature(plate("b", [(20, 25, 5), (31, 25, 5.5)])) == pytest.approx(0.5, abs=0.02)
    assert smallest_feature(plate("c", [])) == pytest.approx(50)


def test_one_hole_more_is_found_with_its_size_in_pixels():
    parts = [plate("a", [(10, 10, 3)]), plate("b", [(10, 10, 3), (55, 30, 4)], angle=1.1)]
    pairs = [pair for pair in look_alikes(parts) if not pair.mirrored]
    assert [(pair.a, pair.b) for pair in pairs] == [(0, 1)]
    assert pairs[0].difference.area == pytest.approx(16 * np.pi, rel=0.05)
    assert pairs[0].difference_px(0.5) == pytest.approx(pairs[0].difference.area / 0.25)


@given(st.floats(-3, 3))
def test_a_mirror_image_is_told_whatever_its_turn(angle):
    holes = [(10, 10, 3), (55, 34, 5)]
    (best, *_) = look_alikes([plate("a", holes), plate("b", holes, angle, mirror=True)])
    assert best.mirrored and best.overlap > 0.995


def test_the_same_part_twice_does_not_differ():
    (pair,) = look_alikes([make_part("a", Contour(ell())), make_part("b", Contour(turned(ell(), 2.0)))])
    assert not pair.mirrored and pair.difference.area < 0.01 * shapely.Polygon(ell()).area


def test_different_parts_are_no_look_alikes():
    parts = [make_part("a", Contour(ell())), make_part("b", Contour(saw(9))), make_part("c", Contour(rectangle(70, 9)))]
    assert look_alikes(parts) == []


@pytest.mark.parametrize("unit", UNIT_NAMES)
def test_units_by_their_definition(unit):
    metres = {
        "um": 1e-6,
        "mm": 1e-3,
        "cm": 1e-2,
        "m": 1,
        "mil": 0.0254e-3,
        "inch": 0.0254,
        "foot": 0.3048,
        "yard": 0.9144,
    }
    assert mm_per(unit) == MM_PER_UNIT[unit] == pytest.approx(1000 * metres[unit], rel=1e-15)

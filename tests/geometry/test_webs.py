"""The thinnest web or neck of shapes whose narrowest place is known by construction."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from outlines import ell, rectangle

from kontur.geometry import Contour, circle_contour, make_part
from kontur.geometry.features import smallest_feature, thinnest_web


def part(points, *holes):
    return make_part("p", Contour(np.asarray(points, float)), holes)


def dumbbell(neck, left=20.0, right=20.0, angle=0.0):
    """Two squares joined by a bar 10 long and `neck` wide, turned by `angle`."""
    half = neck / 2
    points = np.array([
        (0, -left / 2), (left, -left / 2), (left, -half), (left + 10, -half), (left + 10, -right / 2),
        (left + 10 + right, -right / 2), (left + 10 + right, right / 2), (left + 10, right / 2), (left + 10, half),
        (left, half), (left, left / 2), (0, left / 2),
    ])  # fmt: skip
    c, s = np.cos(angle), np.sin(angle)
    return points @ np.array([[c, s], [-s, c]])


@settings(max_examples=30)
@given(st.floats(0.2, 10), st.floats(-3, 3))
def test_the_neck_of_a_dumbbell(neck, angle):
    assert thinnest_web(part(dumbbell(neck, angle=angle))) == pytest.approx(neck, rel=2e-3)


def test_the_thinner_of_two_necks():
    first, second = dumbbell(3.0), dumbbell(1.2) + (30, 0)
    joined = shapely.union(shapely.Polygon(first), shapely.Polygon(second))
    assert thinnest_web(part(shapely.get_coordinates(joined)[:-1])) == pytest.approx(1.2, rel=2e-3)


def test_a_neck_to_a_small_lobe():
    """A tab of 4 mm on a plate, held by a bar of 1.5 mm: the tab vanishes soon after the bar breaks."""
    assert thinnest_web(part(dumbbell(1.5, left=60, right=4))) == pytest.approx(1.5, rel=2e-3)


def test_two_overlapping_discs():
    """The waist of two discs of radius 10 whose centres are 16 apart: 2 sqrt(100 - 64) = 12."""
    discs = [shapely.Polygon(circle_contour(x, 0, 10, 0.001).points) for x in (0, 16)]
    outline = shapely.get_coordinates(shapely.union_all(discs).exterior)[:-1]
    assert thinnest_web(part(outline)) == pytest.approx(12, rel=2e-3)


@pytest.mark.parametrize("outline", [rectangle(80, 50), rectangle(80, 0.5), ell(), circle_contour(0, 0, 5).points])
def test_no_neck_where_nothing_is_thinner_than_the_rest(outline):
    assert thinnest_web(part(outline)) is None


def test_a_pointed_corner_is_no_neck():
    assert thinnest_web(part([(0, 0), (100, 0), (100, 5), (60, 40)])) is None


def test_a_neck_beside_a_hole():
    holed = part(dumbbell(2.0), circle_contour(10, 0, 4))
    assert thinnest_web(holed) == pytest.approx(2.0, rel=2e-3)


def test_a_web_beside_a_wider_neck():
    holed = part(dumbbell(5.0), circle_contour(10, 4.2, 5))
    assert thinnest_web(holed) == pytest.approx(0.8, abs=0.02)


def test_a_bar_of_a_window():
    """Two windows side by side: the bar between them is a web between contours."""
    windows = [Contour(rectangle(20, 30) + (x, 10)) for x in (10, 31.5)]
    assert thinnest_web(part(rectangle(80, 50), *windows)) == pytest.approx(1.5, rel=1e-9)


def test_the_smallest_feature_knows_necks():
    assert smallest_feature(part(dumbbell(0.7))) == pytest.approx(0.7, rel=2e-3)

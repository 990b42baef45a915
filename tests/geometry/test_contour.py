"""Closed rings: areas and lengths against shapely and formulas."""

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from outlines import ell, rectangle, regular, stars_about_a_point

from kontur.geometry import Circle, Contour, GeometryError, circle_contour, resample


@given(stars_about_a_point())
def test_area_length_centroid_and_bounds_are_those_of_shapely(points):
    contour, polygon = Contour(points), shapely.Polygon(points)
    assert contour.area_mm2 == pytest.approx(polygon.area, rel=1e-9)
    assert contour.perimeter_mm == pytest.approx(polygon.exterior.length)
    assert contour.centroid_mm == pytest.approx((polygon.centroid.x, polygon.centroid.y))
    assert contour.bounds_mm == pytest.approx(polygon.bounds)


@given(stars_about_a_point(), st.booleans())
def test_orientation_turns_the_ring_and_nothing_else(points, counter_clockwise):
    contour = Contour(points).oriented(counter_clockwise)
    assert shapely.LinearRing(contour.points).is_ccw == counter_clockwise
    assert contour.area_mm2 == pytest.approx(Contour(points).area_mm2)
    assert {tuple(point) for point in contour.points} == {tuple(point) for point in points}
    assert contour.oriented(counter_clockwise) is contour


def test_the_sign_of_the_area_is_the_sense_of_the_ring():
    assert Contour(rectangle(4, 3)).signed_area_mm2 == 12
    assert Contour(rectangle(4, 3)[::-1]).signed_area_mm2 == -12


def test_far_from_the_origin_the_area_keeps_its_digits():
    assert Contour(rectangle(4, 3, 1e8, -1e8)).area_mm2 == 12


@given(stars_about_a_point(), st.floats(-1e3, 1e3), st.floats(-1e3, 1e3))
def test_shifting_moves_the_centroid_and_keeps_the_area(points, dx, dy):
    contour = Contour(points)
    moved = contour.shifted(dx, dy)
    assert moved.area_mm2 == pytest.approx(contour.area_mm2)
    assert np.subtract(moved.centroid_mm, contour.centroid_mm) == pytest.approx((dx, dy), abs=1e-9)


def test_a_repeated_last_point_is_dropped():
    points = rectangle(4, 3)
    assert len(Contour(np.vstack([points, points[:1]]))) == 4


def test_points_are_a_read_only_copy():
    points = rectangle(4, 3)
    contour = Contour(points)
    points[0] = 99
    assert contour.points[0].tolist() == [0, 0]
    with pytest.raises(ValueError, match="read-only"):
        contour.points[0] = 1


@pytest.mark.parametrize(
    ("points", "fault"),
    [
        (np.zeros((4, 3)), r"shape \(N, 2\), got \(4, 3\)"),
        (np.zeros(8), r"shape \(N, 2\), got \(8,\)"),
        ([(0, 0), (1, 1)], "at least 3 different points, got 2"),
        ([(0, 0), (1, 1), (0, 0)], "at least 3 different points, got 2"),
        (np.zeros((0, 2)), "at least 3 different points, got 0"),
        ([(0, 0), (1, 1), (np.nan, 0)], "not finite"),
        ([(0, 0), (1, 1), (np.inf, 0)], "not finite"),
    ],
)
def test_what_is_no_ring_is_refused(points, fault):
    with pytest.raises(GeometryError, match=fault):
        Contour(points)


@given(st.floats(0.2, 500), st.floats(-1e3, 1e3), st.floats(-1e3, 1e3), st.floats(0.001, 0.5))
def test_a_circle_is_exact_and_its_polygon_near_it(radius, x, y, sagitta):
    contour = circle_contour(x, y, radius, sagitta)
    assert contour.circle == Circle(x, y, radius)
    assert contour.area_mm2 == pytest.approx(np.pi * radius**2)
    assert contour.perimeter_mm == pytest.approx(2 * np.pi * radius)
    assert contour.signed_area_mm2 == pytest.approx(np.pi * radius**2, rel=1e-6)
    ring = np.vstack([contour.points, contour.points[:1]])
    middles = (ring[1:] + ring[:-1]) / 2
    distance = np.hypot(*(np.vstack([ring, middles]) - (x, y)).T)
    assert np.abs(distance - radius).max() <= max(sagitta, 1e-9 * abs(x) + 1e-9 * abs(y)) + 1e-9


def test_a_shifted_circle_stays_exact():
    moved = circle_contour(1, 2, 5).shifted(10, -20)
    assert moved.circle == Circle(11, -18, 5)
    assert moved.oriented(False).circle == moved.circle


@given(stars_about_a_point(), st.floats(0.3, 20))
def test_resampled_points_lie_on_the_ring_at_equal_distances(points, spacing):
    ring = shapely.LinearRing(points)
    placed, _ = resample(points, spacing)
    assert len(placed) == max(3, int(np.ceil(ring.length / spacing)))
    assert shapely.distance(ring, shapely.points(placed)).max() < 1e-9
    along = np.array([ring.project(shapely.Point(point)) for point in placed])
    steps = np.diff(np.append(along, along[0] + ring.length))
    assert np.allclose(steps, ring.length / len(placed), atol=1e-6)


@given(stars_about_a_point())
def test_normals_of_a_counter_clockwise_ring_point_outwards(points):
    polygon = shapely.Polygon(points)
    placed, normals = resample(points, polygon.length / 50)
    assert np.allclose(np.hypot(*normals.T), 1)
    step = 1e-4
    assert not shapely.contains_xy(polygon, placed + step * normals).any()
    assert shapely.contains_xy(polygon, placed - step * normals).mean() > 0.9


def test_resampling_ignores_corners_that_are_given_twice():
    points = np.repeat(ell(), 2, axis=0)
    assert np.allclose(resample(points, 2.0)[0], resample(ell(), 2.0)[0])


def test_a_coarse_spacing_still_gives_a_ring():
    assert len(resample(regular(5), 1e6)[0]) == 3

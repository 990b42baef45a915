"""Parts: datum, areas, symmetry and chirality of shapes whose answers are known."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from outlines import ell, rectangle, regular, saw, star, stars_about_a_point

from kontur.geometry import Contour, GeometryError, circle_contour, make_part, turn_matrix


def part_of(points, *holes, name="part"):
    return make_part(name, Contour(points), tuple(holes))


@given(stars_about_a_point())
def test_the_datum_is_the_centroid_of_the_material(points):
    part = part_of(points)
    polygon = shapely.Polygon(points)
    assert part.origin_mm == pytest.approx((polygon.centroid.x, polygon.centroid.y))
    assert (part.polygon.centroid.x, part.polygon.centroid.y) == pytest.approx((0, 0), abs=1e-7)
    assert part.area_mm2 == pytest.approx(polygon.area)


def test_a_hole_moves_the_datum_away_from_it():
    part = part_of(rectangle(40, 20), circle_contour(30, 10, 5))
    hole = np.pi * 25
    expected_x = (800 * 20 - hole * 30) / (800 - hole)
    assert part.origin_mm == pytest.approx((expected_x, 10), abs=1e-6)
    assert part.area_mm2 == pytest.approx(800 - hole)
    assert part.perimeter_mm == pytest.approx(120 + 10 * np.pi)


def test_outline_and_holes_run_in_opposite_senses():
    part = part_of(rectangle(40, 20)[::-1], circle_contour(10, 10, 3))
    assert part.outer.signed_area_mm2 > 0
    assert all(hole.signed_area_mm2 < 0 for hole in part.holes)
    assert part.contours == (part.outer, *part.holes)


def test_measures_of_a_rectangle():
    part = part_of(rectangle(40, 30, 100, -50))
    assert part.bbox_mm == pytest.approx((40, 30))
    assert part.radius_mm == pytest.approx(25)


@pytest.mark.parametrize(
    ("points", "holes", "fault"),
    [
        ([(0, 0), (10, 10), (10, 0), (0, 10)], (), "Self-intersection"),
        (rectangle(40, 20), (circle_contour(100, 10, 3),), "Hole lies outside shell"),
        (rectangle(40, 20), (circle_contour(40, 10, 3),), "Self-intersection"),
        (rectangle(40, 20), (circle_contour(10, 10, 3), circle_contour(12, 10, 3)), "Self-intersection"),
    ],
)
def test_contours_that_bound_no_area_are_refused_with_the_part_and_the_reason(points, holes, fault):
    with pytest.raises(GeometryError, match=rf"part 'plate7': .*{fault}"):
        part_of(points, *holes, name="plate7")


@pytest.mark.parametrize("order", [2, 3, 4, 5, 6, 8, 12, 16, 24, 60])
def test_the_order_of_a_star(order):
    part = part_of(star(order))
    assert (part.symmetry, part.chiral) == (order, False)


@pytest.mark.parametrize("order", [3, 5, 8, 16, 36])
def test_slanted_teeth_are_chiral(order):
    part = part_of(saw(order))
    assert (part.symmetry, part.chiral) == (order, True)


@pytest.mark.parametrize("order", [3, 4, 5, 7])
def test_the_order_of_a_regular_polygon(order):
    part = part_of(regular(order))
    assert (part.symmetry, part.chiral) == (order, False)


def test_a_rectangle_a_square_and_an_l():
    assert (part_of(rectangle(40, 20)).symmetry, part_of(rectangle(40, 20)).chiral) == (2, False)
    assert part_of(rectangle(20, 20)).symmetry == 4
    assert (part_of(ell()).symmetry, part_of(ell()).chiral) == (1, True)
    assert (part_of(ell(30, 30)).symmetry, part_of(ell(30, 30)).chiral) == (1, False)


def test_discs_and_rings_look_the_same_at_every_angle():
    disc = make_part("disc", circle_contour(3, 4, 15))
    ring = make_part("ring", circle_contour(3, 4, 15), (circle_contour(3, 4, 9),))
    assert [(part.symmetry, part.chiral) for part in (disc, ring)] == [(0, False), (0, False)]


def test_an_off_centre_hole_ends_the_symmetry_of_a_disc():
    part = make_part("cam", circle_contour(0, 0, 15), (circle_contour(6, 0, 3),))
    assert (part.symmetry, part.chiral) == (1, False)


@pytest.mark.parametrize(("count", "radius"), [(3, 2.0), (6, 1.0), (5, 0.5)])
def test_holes_on_a_circle_give_a_disc_its_order(count, radius):
    angle = np.arange(count) * 2 * np.pi / count
    holes = tuple(circle_contour(10 * np.cos(a), 10 * np.sin(a), radius) for a in angle)
    part = make_part("flange", circle_contour(0, 0, 15), holes)
    assert (part.symmetry, part.chiral) == (count, False)
    assert make_part("flange", circle_contour(0, 0, 15), holes[1:]).symmetry == 1


@settings(max_examples=40)
@given(stars_about_a_point(), st.floats(0, 6.28))
def test_turning_a_drawing_changes_neither_order_nor_chirality(points, theta):
    part, turned = part_of(points), part_of(points @ turn_matrix(theta).T)
    assert part.symmetry == turned.symmetry
    assert part.chiral == turned.chiral


@settings(max_examples=40)
@given(stars_about_a_point())
def test_the_order_found_is_a_symmetry_and_a_mirror_image_that_was_promised_exists(points):
    """Checked by area: what does not overlap after the turn is thin against the part."""
    part = part_of(points)
    if part.symmetry > 1:
        turned = shapely.affinity.rotate(part.polygon, 360 / part.symmetry, origin=(0, 0))
        assert part.polygon.symmetric_difference(turned).area < 0.01 * part.perimeter_mm * part.radius_mm
    if not part.chiral:
        mirror = shapely.affinity.scale(part.polygon, -1, 1, origin=(0, 0))
        turns = (shapely.affinity.rotate(mirror, angle, origin=(0, 0)) for angle in np.arange(0, 360, 0.25))
        assert min(part.polygon.symmetric_difference(turn).area for turn in turns) < 0.02 * part.area_mm2


def test_the_hash_is_of_the_geometry_and_not_of_name_or_place():
    part = part_of(ell(), name="a")
    assert part_of(ell(), name="b").sha256 == part.sha256
    assert part_of(ell() + (100, 50)).sha256 == part.sha256
    assert part_of(ell(40.1)).sha256 != part.sha256
    assert part_of(rectangle(40, 20), circle_contour(10, 10, 3)).sha256 != part_of(rectangle(40, 20)).sha256

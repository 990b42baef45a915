"""Simplified outlines against shapely: as close as promised, and with the area they had."""

import gc
import weakref
from itertools import pairwise

import numpy as np
import pytest
import shapely
from generator_parts import PARTS, bracket, star, washer
from hypothesis import given
from hypothesis import strategies as st

from kontur.data_preprocessing.outlines import TOLERANCE_PX, corners_of, simplified
from kontur.data_preprocessing.shapes import part_shape, ring_shape
from kontur.geometry import circle_contour

SQUARE = np.array([[0, 0], [10, 0], [10, 10], [5, 10], [0, 10]], float)


@given(radius=st.floats(1, 60), tolerance=st.floats(0.02, 0.3), turn=st.booleans())
def test_a_disc_keeps_its_area(radius, tolerance, turn):
    ring = circle_contour(3, -4, radius, 1e-4).points[:: -1 if turn else 1]
    disc, simple = shapely.Polygon(ring), shapely.Polygon(simplified(ring, tolerance))
    plain = disc.simplify(tolerance)
    assert len(simple.exterior.coords) <= len(plain.exterior.coords)
    assert simple.hausdorff_distance(disc) <= tolerance + 1e-9
    assert abs(simple.area - disc.area) <= 0.35 * abs(plain.area - disc.area) + 1e-9
    assert simple.symmetric_difference(disc).area <= 0.75 * plain.symmetric_difference(disc).area + 1e-9


def test_straight_edges_and_corners_stay():
    assert simplified(SQUARE, 0.1).tolist() == SQUARE[[0, 1, 2, 4]].tolist()


@pytest.mark.parametrize("tolerance", [0.0, 1e-6])
def test_without_tolerance_nothing_changes(tolerance):
    ring = star().outer.points
    assert np.array_equal(simplified(ring, tolerance), ring)


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)
@pytest.mark.parametrize("scale", [0.4, 1.3, 5.0])
def test_a_part_is_as_it_was_within_a_tenth_of_a_pixel(part, scale):
    corners, ends = corners_of(part_shape(part, 0.5), scale)
    rings = [corners[a:b, :2] for a, b in pairwise(ends)]
    assert (corners[:, 2] == 1).all()
    assert len(rings) == len(part.contours)
    simple = shapely.Polygon(rings[0], rings[1:])
    assert simple.is_valid
    assert simple.exterior.is_ccw
    assert not any(ring.is_ccw for ring in simple.interiors)
    assert simple.hausdorff_distance(part.polygon) * scale <= TOLERANCE_PX
    assert simple.area == pytest.approx(part.polygon.area, rel=4e-3)


def test_small_pictures_need_fewer_corners():
    shape = part_shape(washer(), 0.5)
    numbers = [len(corners_of(shape, scale)[0]) for scale in (0.25, 1.0, 4.0)]
    assert numbers == sorted(numbers)
    assert numbers[0] < numbers[-1]


def test_rings_may_run_either_way():
    outline, hole = bracket().outer.points, circle_contour(33.0, 6.0, 3.0).points
    areas = set()
    for rings in ([outline, hole], [outline[::-1], hole], [outline, hole[::-1]]):
        corners, ends = corners_of(ring_shape(list(rings), 0.5), 1.0)
        areas.add(round(shapely.Polygon(corners[: ends[1], :2], [corners[ends[1] :, :2]]).area, 6))
    assert len(areas) == 1


def test_templates_that_are_used_once_are_forgotten():
    shape = part_shape(washer(), 1.0)
    corners_of(shape, 1.0)
    gone = weakref.ref(shape)
    del shape
    gc.collect()
    assert gone() is None

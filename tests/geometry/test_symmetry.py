"""Symmetry and chirality of shapes whose answers follow from how they are made, and of all their turns and sizes."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from outlines import ell, rectangle, regular, saw, star, stars_about_a_point

from kontur.geometry import circle_contour, turn_matrix
from kontur.geometry.symmetry import (
    CONTINUOUS,
    MAX_ORDER,
    TOLERANCE_MIN_MM,
    TOLERANCE_RELATIVE,
    angular_spectrum,
    is_chiral,
    rotational_order,
    tolerance_mm,
)

MIRROR = np.array([-1.0, 1.0])


def centred(rings):
    """Move rings so that the centroid of their area (outline less holes) is the origin."""
    centre = shapely.Polygon(rings[0], rings[1:]).centroid
    return [np.asarray(ring, float) - (centre.x, centre.y) for ring in rings]


def hole_circle(count, at_mm, radius_mm, start_rad=0.0):
    angle = start_rad + np.arange(count) * 2 * np.pi / count
    return [circle_contour(at_mm * np.cos(a), at_mm * np.sin(a), radius_mm).points for a in angle]


def gear(teeth, root_mm=18.0, tip_mm=21.0, share=0.5):
    """A wheel with radial-sided teeth on an arc-shaped root: symmetric of order `teeth`, the same mirrored."""
    pitch = 2 * np.pi / teeth
    tooth = np.linspace(-share / 2, share / 2, 5) * pitch
    gap = np.linspace(share / 2, 1 - share / 2, 5) * pitch
    angle = np.concatenate([np.concatenate([tooth, gap]) + k * pitch for k in range(teeth)])
    radius = np.tile(np.repeat([tip_mm, root_mm], 5), teeth)
    return np.column_stack([radius * np.cos(angle), radius * np.sin(angle)])


def lens(count=120):
    """Two equal arcs: the shape of order 2 with two corners only."""
    angle = np.linspace(-1.0, 1.0, count // 2)
    arc = np.column_stack([30 * np.cos(angle) - 30 * np.cos(1.0), 30 * np.sin(angle)])
    return np.concatenate([arc[:-1], -arc[:-1]])


@pytest.mark.parametrize("order", range(3, 25))
def test_regular_polygons(order):
    ring = [regular(order, start_rad=0.37)]
    assert (rotational_order(ring), is_chiral(ring)) == (order, False)


@pytest.mark.parametrize("order", range(2, 25))
def test_regular_polygons_of_holes(order):
    """A disc with `order` equal holes about its middle: of order 2 as well, which no polygon of corners is."""
    rings = [circle_contour(0, 0, 20).points, *hole_circle(order, 14, 1.2)]
    assert (rotational_order(rings), is_chiral(rings)) == (order, False)


@pytest.mark.parametrize("order", range(3, 25))
@pytest.mark.parametrize("missing", [0, 1])
def test_one_hole_missing_leaves_only_the_mirror(order, missing):
    holes = hole_circle(order, 14, 1.2)
    rings = centred([circle_contour(0, 0, 20).points, *(hole for k, hole in enumerate(holes) if k != missing)])
    assert (rotational_order(rings), is_chiral(rings)) == (1, False)


@pytest.mark.parametrize("order", [4, 6, 8, 12])
def test_two_holes_missing_opposite_each_other_halve_the_turn(order):
    holes = hole_circle(order, 14, 1.2)
    kept = [hole for k, hole in enumerate(holes) if k not in (0, order // 2)]
    rings = [circle_contour(0, 0, 20).points, *kept]
    assert (rotational_order(rings), is_chiral(rings)) == (2, False)


@pytest.mark.parametrize("teeth", [5, 8, 13, 16, 24, 48, 97])
def test_gears(teeth):
    assert (rotational_order([gear(teeth)]), is_chiral([gear(teeth)])) == (teeth, False)


@pytest.mark.parametrize(("teeth", "spokes", "order"), [(16, 4, 4), (24, 5, 1), (24, 3, 3), (18, 12, 6), (36, 9, 9)])
def test_a_gear_with_holes_keeps_the_common_divisor(teeth, spokes, order):
    rings = [gear(teeth), *hole_circle(spokes, 10, 2.5)]
    assert (rotational_order(rings), is_chiral(rings)) == (order, False)


@pytest.mark.parametrize("teeth", [6, 10, 16])
def test_holes_off_the_axes_of_a_gear_make_it_chiral(teeth):
    """Both have mirror axes every half pitch; shifted by a quarter of it, none is common."""
    rings = [gear(teeth), *hole_circle(teeth, 12, 1.5, start_rad=2 * np.pi / teeth * 0.25)]
    assert (rotational_order(rings), is_chiral(rings)) == (teeth, True)
    aligned = [gear(teeth), *hole_circle(teeth, 12, 1.5, start_rad=2 * np.pi / teeth * 0.5)]
    assert is_chiral(aligned) is False


@pytest.mark.parametrize("teeth", [2, 3, 4, 7, 12, 24, 60])
def test_ratchets_are_chiral(teeth):
    ring = [saw(teeth)] if teeth > 2 else [np.array([(30, 0), (8, 9), (-30, 0), (-8, -9)], float)]
    assert (rotational_order(ring), is_chiral(ring)) == (teeth, True)


@pytest.mark.parametrize("teeth", [3, 7, 12])
def test_one_tooth_missing_ends_the_order_of_a_ratchet(teeth):
    worn = np.delete(saw(teeth), 1, axis=0)
    assert (rotational_order(centred([worn])), is_chiral(centred([worn]))) == (1, True)


@pytest.mark.parametrize("radii", [(10,), (10, 4), (10, 9.5)])
def test_rings_are_continuous(radii):
    rings = [circle_contour(0, 0, radius).points for radius in radii]
    assert rotational_order(rings) == CONTINUOUS == 0
    assert is_chiral(rings) is False


@pytest.mark.parametrize("offset", [0.2, 1.0, 4.0])
def test_an_eccentric_bore_has_no_order(offset):
    rings = centred([circle_contour(0, 0, 20).points, circle_contour(offset, 0, 9).points])
    assert (rotational_order(rings), is_chiral(rings)) == (1, False)


def test_a_bore_off_by_less_than_the_tolerance_is_in_the_middle():
    rings = centred([circle_contour(0, 0, 20).points, circle_contour(0.001, 0, 9).points])
    assert rotational_order(rings) == CONTINUOUS


@pytest.mark.parametrize(
    ("ring", "order", "chiral"),
    [
        (rectangle(40, 20), 2, False),
        (rectangle(20, 20), 4, False),
        (rectangle(20, 20.1), 2, False),
        (np.array([(0, 0), (40, 0), (50, 20), (10, 20)], float), 2, True),
        (np.array([(0, 0), (40, 0), (30, 20), (10, 20)], float), 1, False),
        (np.array([(0, 0), (40, 0), (20, 30)], float), 1, False),
        (np.array([(0, 0), (40, 0), (10, 30)], float), 1, True),
        (np.array([(0, 0), (30, 20), (60, 0), (30, -45)], float), 1, False),
        (ell(), 1, True),
        (ell(30, 30), 1, False),
        (lens(), 2, False),
    ],
    ids=[
        "rectangle", "square", "nearly a square", "parallelogram", "isosceles trapezium", "isosceles triangle",
        "scalene triangle", "kite", "ell", "ell with equal legs", "lens",
    ],
)  # fmt: skip
@pytest.mark.parametrize("turn", [0.0, 0.61, 2.9])
def test_shapes_from_the_school_book(ring, order, chiral, turn):
    rings = [points @ turn_matrix(turn).T for points in centred([ring])]
    assert (rotational_order(rings), is_chiral(rings)) == (order, chiral)


def test_an_s_of_two_holes_is_chiral_and_of_order_two():
    """Holes at opposite corners of a rectangle turn into each other but have no mirror axis."""
    holes = [circle_contour(x, y, 3).points for x, y in ((-14, -5), (14, 5))]
    rings = [rectangle(40, 20, -20, -10), *holes]
    assert (rotational_order(rings), is_chiral(rings)) == (2, True)
    both = [rings[0], *(circle_contour(x, y, 3).points for x in (-14, 14) for y in (-5, 5))]
    assert (rotational_order(both), is_chiral(both)) == (2, False)


@pytest.mark.parametrize(("order", "expected"), [(MAX_ORDER, MAX_ORDER), (2 * MAX_ORDER, MAX_ORDER), (130, 65)])
def test_above_the_greatest_order_its_greatest_divisor_is_given(order, expected):
    assert rotational_order([star(order, 60, 40)]) == expected


MADE = {
    "triangle": lambda: [regular(3)],
    "gear": lambda: [gear(9)],
    "ratchet": lambda: [saw(5)],
    "flange": lambda: [circle_contour(0, 0, 20).points, *hole_circle(6, 14, 2)],
    "flange with a hole missing": lambda: centred([circle_contour(0, 0, 20).points, *hole_circle(6, 14, 2)[1:]]),
    "ell": lambda: centred([ell()]),
    "chiral plate": lambda: centred([rectangle(50, 30), circle_contour(9, 9, 3).points]),
    "ring": lambda: [circle_contour(0, 0, 20).points, circle_contour(0, 0, 8).points],
}


@settings(max_examples=25)
@given(st.sampled_from(sorted(MADE)), st.floats(0, 6.28), st.floats(0.5, 20), st.booleans())
def test_turning_scaling_and_mirroring_change_nothing(name, turn, scale, mirrored):
    rings = MADE[name]()
    moved = [scale * ring @ turn_matrix(turn, mirrored).T for ring in rings]
    assert rotational_order(moved) == rotational_order(rings)
    assert is_chiral(moved) == is_chiral(rings)


@settings(max_examples=25)
@given(stars_about_a_point(), st.floats(0, 6.28), st.integers(0, 13))
def test_neither_does_the_first_corner_nor_the_sense_of_travel(points, turn, first):
    ring = centred([points])[0] @ turn_matrix(turn).T
    other = np.roll(ring, first, axis=0)[::-1]
    assert rotational_order([ring]) == rotational_order([other])
    assert is_chiral([ring]) == is_chiral([other])


@settings(max_examples=20)
@given(st.integers(2, 9), st.lists(st.floats(8, 30), min_size=3, max_size=5))
def test_what_is_put_together_from_equal_sectors_has_at_least_their_order(count, radii):
    """Whatever the sector holds: its order is a multiple of the number of sectors (or the shape is round)."""
    angle = np.arange(count * len(radii)) * 2 * np.pi / (count * len(radii))
    radius = np.tile(radii, count)
    order = rotational_order([np.column_stack([radius * np.cos(angle), radius * np.sin(angle)])])
    assert order % count == 0


@settings(max_examples=20)
@given(st.lists(st.floats(8, 30), min_size=3, max_size=6))
def test_what_is_put_together_from_mirrored_halves_is_not_chiral(radii):
    angle = np.linspace(0.2, np.pi - 0.2, len(radii))
    half = np.column_stack([np.multiply(radii, np.cos(angle)), np.multiply(radii, np.sin(angle))])
    rings = centred([np.concatenate([half, (half * (1, -1))[::-1]])])
    assert is_chiral(rings) is False


def test_the_limit_grows_with_the_shape_and_has_a_floor():
    assert tolerance_mm(1000.0) == pytest.approx(1000 * TOLERANCE_RELATIVE)
    assert tolerance_mm(0.1) == TOLERANCE_MIN_MM


@pytest.mark.parametrize(("share", "order"), [(0.3, 4), (4.0, 2)])
def test_a_deviation_counts_from_the_tolerance_on(share, order):
    """A square whose width is off by `share` of the tolerance for its size."""
    off = share * tolerance_mm(20 * np.sqrt(2))
    assert rotational_order(centred([rectangle(40, 40 + 2 * off)])) == order


@pytest.mark.parametrize("order", [3, 5, 8])
def test_only_multiples_of_the_order_are_in_the_spectrum(order):
    power = (np.abs(angular_spectrum([star(order)])) ** 2).sum(axis=0)[1:200]
    kept = power[order - 1 :: order].sum()
    assert kept > 0.999 * power.sum()


@settings(max_examples=20)
@given(st.floats(0, 6.28))
def test_turning_shifts_the_phases_of_the_spectrum(turn):
    """F_k of the turned shape is F_k exp(i k turn)."""
    ring = centred([ell()])[0]
    plain, turned = (angular_spectrum([points])[:, :20] for points in (ring, ring @ turn_matrix(turn).T))
    assert turned == pytest.approx(plain * np.exp(1j * turn * np.arange(20)), abs=5e-3)


def test_mirroring_conjugates_the_spectrum():
    ring = centred([ell()])[0]
    plain, mirrored = (angular_spectrum([points])[:, :20] for points in (ring, ring * MIRROR))
    assert mirrored == pytest.approx(np.conj(plain) * np.exp(1j * np.pi * np.arange(20)), abs=5e-3)

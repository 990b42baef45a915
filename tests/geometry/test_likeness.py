"""Look-alikes against a brute search by shapely over all turns, and differences known by construction."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from outlines import ell, rectangle, regular, saw, star
from shapely import affinity

from kontur.geometry import Contour, circle_contour, make_part, turn_matrix
from kontur.geometry.likeness import ALIKE_OVERLAP, LookAlike, look_alikes
from kontur.geometry.part import Part

SOME_MM = 3.0


def part_of(points, *holes, name="part", turn_rad=0.0, mirrored=False):
    """A part of a ring and of circles (x, y, radius), mirrored and then turned as a whole."""
    matrix = turn_matrix(turn_rad, mirrored).T
    circles = [circle_contour(*(np.array([x, y]) @ matrix), radius) for x, y, radius in holes]
    return make_part(name, Contour(np.asarray(points, float) @ matrix), tuple(circles))


def overlap(a, b):
    common = a.intersection(b).area
    return common / (a.area + b.area - common)


def brute_overlap(a: Part, b: Part, mirrored: bool, step_deg: float = 1.0) -> float:
    """The best overlap over all turns about the datum, to the step, then finely around the best turn."""
    other = affinity.scale(b.polygon, -1, 1, origin=(0, 0)) if mirrored else b.polygon

    def best(angles):
        values = [overlap(a.polygon, affinity.rotate(other, angle, origin=(0, 0))) for angle in angles]
        top = int(np.argmax(values))
        return values[top], angles[top]

    _, angle = best(np.arange(0, 360, step_deg))
    return best(angle + np.linspace(-step_deg, step_deg, 41))[0]


def one_side(pairs: list[LookAlike], mirrored: bool) -> list[LookAlike]:
    return [pair for pair in pairs if pair.mirrored == mirrored]


SHAPES = {
    "ell": lambda **turn: part_of(ell(), **turn),
    "ell with a hole": lambda **turn: part_of(ell(), (4, 30, 2), **turn),
    "longer ell": lambda **turn: part_of(ell(42, 25), **turn),
    "ratchet": lambda **turn: part_of(saw(7), **turn),
    "plate": lambda **turn: part_of(rectangle(44, 30), (9, 9, 3), **turn),
    "wider plate": lambda **turn: part_of(rectangle(45.5, 30), (9, 9, 3), (36, 22, 2), **turn),
}
PAIRS = [("ell", "ell with a hole"), ("ell", "longer ell"), ("ratchet", "ratchet"), ("plate", "wider plate")]


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_the_overlap_is_at_least_what_a_search_over_all_turns_finds(first, second, mirrored):
    """To 1 %: turns are tried to 0.1 degrees and not refined. It may find more: shifts are tried as well."""
    a, b = SHAPES[first](), SHAPES[second](turn_rad=0.83, mirrored=mirrored)
    (pair,) = one_side(look_alikes([a, b], least_overlap=0.5), mirrored)
    expected = brute_overlap(a, b, mirrored)
    assert pair.overlap >= expected - 0.01
    assert pair.overlap <= min(1.0, expected + 0.06)


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_the_overlap_agrees_with_the_reported_difference(first, second):
    """|A xor B| = |A| + |B| - 2 |A and B|, and the overlap is |A and B| / |A or B|."""
    a, b = SHAPES[first](), SHAPES[second](turn_rad=2.1)
    for pair in look_alikes([a, b], least_overlap=0.5):
        total = a.polygon.area + b.polygon.area
        common = (total - pair.difference.area) / 2
        assert pair.overlap == pytest.approx(common / (total - common), rel=1e-9)


@settings(max_examples=15)
@given(st.sampled_from(sorted(SHAPES)), st.floats(0, 6.28), st.booleans())
def test_a_turned_copy_is_the_same_part(name, turn, mirrored):
    pairs = look_alikes([SHAPES[name](), SHAPES[name](turn_rad=turn, mirrored=mirrored)])
    best = one_side(pairs, mirrored)[0]
    assert best.overlap == pytest.approx(max(pair.overlap for pair in pairs))
    assert best.overlap > 0.99


@settings(max_examples=10)
@given(st.floats(0, 6.28), st.floats(-300, 300), st.floats(-300, 300))
def test_the_place_in_the_drawing_does_not_matter(turn, x, y):
    a = part_of(ell(), (4, 30, 2))
    near = part_of(ell(), (4, 30, 2.5), turn_rad=turn)
    points = near.outer.points + (x, y)
    far = make_part("far", Contour(points), tuple(hole.shifted(x, y) for hole in near.holes))
    assert look_alikes([a, far])[0].overlap == pytest.approx(look_alikes([a, near])[0].overlap, abs=1e-6)


@pytest.mark.parametrize("radius", [1.0, 2.0, 4.0])
def test_a_hole_more_differs_by_that_hole_alone(radius):
    a, b = part_of(rectangle(80, 50), (12, 12, 4)), part_of(rectangle(80, 50), (12, 12, 4), (61, 33, radius))
    (pair,) = one_side(look_alikes([a, b]), mirrored=False)
    assert pair.difference.area == pytest.approx(np.pi * radius**2, rel=0.02)
    hole = np.array([61, 33]) - a.origin_mm
    assert pair.difference.centroid.coords[0] == pytest.approx(tuple(hole), abs=0.1)


def test_a_hole_more_differs_by_that_hole_wherever_the_second_part_is_turned():
    a = part_of(rectangle(80, 50), (12, 12, 4))
    for turn in (0.4, 1.9, 3.3, 5.0):
        b = part_of(rectangle(80, 50), (12, 12, 4), (61, 33, 4), turn_rad=turn)
        (pair,) = one_side(look_alikes([a, b]), mirrored=False)
        assert pair.difference.area == pytest.approx(16 * np.pi, rel=0.15)


def test_a_hole_that_moved_differs_by_both_places():
    a, b = part_of(rectangle(80, 50), (12, 12, 4)), part_of(rectangle(80, 50), (24, 12, 4))
    (pair,) = one_side(look_alikes([a, b]), mirrored=False)
    assert pair.difference.area == pytest.approx(32 * np.pi, rel=0.2)


def test_a_mirrored_pair_is_told_as_such_and_differs_by_nothing():
    holes = [(10, 12, 4), (61, 33, 3)]
    pairs = look_alikes([part_of(rectangle(80, 50), *holes), part_of(rectangle(80, 50), *holes, mirrored=True)])
    assert pairs[0].mirrored
    assert pairs[0].difference.area < 0.01 * 80 * 50
    plain = one_side(pairs, mirrored=False)[0]
    assert plain.difference.area == pytest.approx(2 * np.pi * (16 + 9), rel=0.05)


@pytest.mark.parametrize("mirrored", [False, True])
def test_where_nothing_differs_there_is_nothing_to_resolve(mirrored):
    """The difference of parts that agree to the last bit is an empty polygon."""
    one, other = part_of(rectangle(40, 20)), part_of(rectangle(40, 20), mirrored=mirrored)
    assert [pair.mirrored for pair in look_alikes([one, other])] == [False, True]
    for pair in look_alikes([one, other]):
        assert (pair.overlap, pair.width_px(0.5), pair.difference_px(0.5)) == pytest.approx((1, 0, 0), abs=1e-6)


def test_a_part_that_equals_its_mirror_image_looks_like_it_on_both_sides():
    a, b = part_of(star(5), (0, 0, 4)), part_of(star(5), (0, 0, 4.5), turn_rad=1.0)
    same, turned_over = one_side(look_alikes([a, b]), False)[0], one_side(look_alikes([a, b]), True)[0]
    assert same.overlap == pytest.approx(turned_over.overlap, abs=1e-3)
    assert same.difference.area == pytest.approx(np.pi * (4.5**2 - 4**2), rel=0.1)


@pytest.mark.parametrize(("teeth", "expected"), [(12, True), (24, True)])
def test_turns_of_wheels_are_found_to_the_tooth(teeth, expected):
    a, b = part_of(saw(teeth)), part_of(saw(teeth), turn_rad=np.pi / teeth)
    pairs = one_side(look_alikes([a, b]), mirrored=False)
    assert (len(pairs) == 1 and pairs[0].overlap > 0.99) == expected


def test_pairs_come_most_alike_first_with_the_smaller_index_first():
    parts = [part_of(rectangle(80, 50), (12, 12, radius), name=str(radius)) for radius in (3, 4, 6, 9)]
    pairs = one_side(look_alikes(parts), mirrored=False)
    assert [(pair.a, pair.b) for pair in pairs] == [(0, 1), (1, 2), (0, 2), (2, 3), (1, 3), (0, 3)]
    assert [pair.overlap for pair in pairs] == sorted((pair.overlap for pair in pairs), reverse=True)


@pytest.mark.parametrize(
    ("height", "expected"), [(50 * 0.91, True), (50 * 0.89, False)], ids=["just alike", "just not alike"]
)
def test_the_limit_is_the_share_of_the_overlap(height, expected):
    pairs = one_side(look_alikes([part_of(rectangle(80, 50)), part_of(rectangle(80, height))]), mirrored=False)
    assert bool(pairs) == expected
    assert all(pair.overlap >= ALIKE_OVERLAP for pair in pairs)


def test_the_overlap_of_two_centred_rectangles_is_their_ratio():
    (pair,) = one_side(look_alikes([part_of(rectangle(80, 50)), part_of(rectangle(80, 47))]), mirrored=False)
    assert pair.overlap == pytest.approx(47 / 50, abs=1e-6)


@pytest.mark.parametrize(
    "parts",
    [[], [part_of(ell())], [part_of(rectangle(80, 50)), part_of(rectangle(40, 25))]],
    ids=["none", "one", "another size"],
)
def test_no_pairs(parts):
    assert look_alikes(parts) == []


@pytest.mark.parametrize("inner", [4.0, 4.4])
def test_rings_without_any_angle_are_compared(inner):
    ring = make_part("ring", circle_contour(0, 0, 12), (circle_contour(0, 0, 4),))
    other = make_part("other", circle_contour(50, 9, 12), (circle_contour(50, 9, inner),))
    pair = one_side(look_alikes([ring, other]), mirrored=False)[0]
    assert pair.overlap == pytest.approx((144 - inner**2) / (144 - 16), abs=2e-3)


def test_a_polygon_of_many_corners_and_a_disc_of_its_area_are_alike():
    ring = regular(24)
    area = shapely.Polygon(ring).area
    disc = make_part("disc", circle_contour(0, 0, float(np.sqrt(area / np.pi))))
    assert one_side(look_alikes([part_of(ring), disc]), False)[0].overlap > 0.98


@pytest.mark.parametrize(("mm_per_px", "factor"), [(1.0, 1), (0.5, 4), (2.0, 0.25)])
def test_the_difference_in_pixels_goes_with_the_square_of_the_scale(mm_per_px, factor):
    square = shapely.box(0, 0, SOME_MM, 2 * SOME_MM)
    assert LookAlike(0, 1, False, 0.95, square).difference_px(mm_per_px) == pytest.approx(2 * SOME_MM**2 * factor)

"""Loose lines to contours: gaps, repeats, overlaps, crossings and spurs, each said where it is and how large."""

import numpy as np
import pytest
import shapely
from dxf_making import (
    ELL,
    ELL_AREA,
    areas,
    box,
    codes,
    diameters,
    difference,
    drawn,
    issue,
    lines,
    only,
    rectangle,
    ring,
    severities,
)
from hypothesis import given, settings
from hypothesis import strategies as st


def gapped(gap):
    """A plate 100 x 60 whose left edge ends `gap` above its lower left corner."""

    def draw(msp):
        lines(msp, [(0, 0), (100, 0), (100, 60), (0, 60), (0, gap)], closed=False)

    return draw


class TestGaps:
    @pytest.mark.parametrize("gap", [1e-9, 1e-7, 1e-5, 1e-3, 5e-3])
    def test_tiny_gaps_are_joined_without_a_warning(self, gap):
        drawing = drawn(gapped(gap))
        assert areas(drawing) == [pytest.approx(6000, abs=100 * gap + 1e-6)]
        assert severities(drawing) <= {"info"}

    @pytest.mark.parametrize("gap", [0.05, 0.25])
    def test_small_gaps_are_closed_with_a_warning_there(self, gap):
        drawing = drawn(gapped(gap))
        found = issue(drawing, "gap_closed")
        assert areas(drawing) == [pytest.approx(6000, abs=gap)]
        assert found.severity in ("warning", "ambiguous") and f"{gap:.3g} mm" in found.text
        assert np.hypot(found.x_mm, found.y_mm) <= gap + 1e-9

    @pytest.mark.parametrize(("gap", "severity"), [(0.08, "warning"), (0.3, "ambiguous"), (0.9, "ambiguous")])
    def test_gaps_wider_than_a_thousandth_are_closed_in_doubt(self, gap, severity):
        assert issue(drawn(gapped(gap)), "gap_closed").severity == severity

    def test_a_contour_of_several_pieces_with_gaps_of_half_a_per_cent_is_one(self):
        """As some plotters' files are: each piece stops 0.4 short of the next; none alone is nearly closed."""

        def draw(msp):
            corners = [(0, 0), (100, 0), (100, 60), (0, 60)]
            for (x, y), (u, v) in zip(corners, corners[1:] + corners[:1], strict=True):
                length = np.hypot(u - x, v - y)
                msp.add_line((x, y), (x + (u - x) * (1 - 0.4 / length), y + (v - y) * (1 - 0.4 / length)))
            msp.add_circle((50, 30), 5)

        drawing = drawn(draw)
        assert areas(drawing) == [pytest.approx(6000 - 25 * np.pi, rel=1e-3)]
        assert len(only(drawing).holes) == 1 and drawing.in_doubt

    @pytest.mark.parametrize("gap", [3, 20])
    def test_wide_gaps_stay_open_and_are_reported_there(self, gap):
        drawing = drawn(gapped(gap))
        found = issue(drawing, "open_contour")
        assert drawing.parts == () and found.severity == "ambiguous"
        assert f"{gap:.4g} mm" in found.text
        assert (found.x_mm, found.y_mm) in [(0, 0), (0, gap)]
        assert issue(drawing, "no_parts").severity == "error"

    def test_the_closing_tolerance_can_be_set(self):
        assert areas(drawn(gapped(3), close_mm=3.5)) == [pytest.approx(6000, abs=1)]
        assert drawn(gapped(0.25), close_mm=0.1).parts == ()

    def test_the_joining_tolerance_can_be_set(self):
        drawing = drawn(gapped(0.25), join_mm=0.3)
        assert areas(drawing) == [pytest.approx(6000, abs=20)]
        assert "gap_closed" not in codes(drawing)

    def test_gaps_do_not_bridge_neighbouring_holes(self):
        """Two slits 0.05 mm apart stay two holes though their ends are nearer than the closing tolerance."""

        def draw(msp):
            box(msp, 0, 0, 100, 60)
            lines(msp, rectangle(20, 20, 10, 3))
            lines(msp, rectangle(30.05, 20, 10, 3))

        part = only(drawn(draw))
        assert len(part.holes) == 2 and part.area_mm2 == pytest.approx(6000 - 60)

    def test_an_open_line_inside_a_part_is_reported_and_harmless(self):
        def draw(msp):
            box(msp, 0, 0, 100, 60)
            msp.add_line((20, 30), (40, 35))

        drawing = drawn(draw)
        found = issue(drawing, "open_contour")
        assert areas(drawing) == [pytest.approx(6000)] and found.severity == "warning"
        assert drawing.entities["LINE"].not_cut == 1
        assert (found.x_mm, found.y_mm) in [(20, 30), (40, 35)]


class TestRepeats:
    @pytest.mark.parametrize("reverse", [False, True])
    def test_every_line_twice(self, reverse):
        def draw(msp):
            lines(msp, ELL)
            lines(msp, ELL[::-1] if reverse else ELL)

        drawing = drawn(draw)
        assert difference(only(drawing), shapely.Polygon(ELL)) < 1e-9
        assert issue(drawing, "duplicate_line").severity == "info"

    def test_one_line_three_times(self):
        def draw(msp):
            lines(msp, ELL)
            msp.add_line((0, 0), (60, 0))
            msp.add_line((60, 0), (0, 0))

        assert "2 lines" in issue(drawn(draw), "duplicate_line").text

    def test_an_arc_twice(self):
        def draw(msp):
            for _ in range(2):
                msp.add_arc((0, 0), 20, 0, 180)
            msp.add_line((-20, 0), (20, 0))

        assert areas(drawn(draw)) == [pytest.approx(200 * np.pi, rel=1e-9)]

    def test_two_arcs_between_the_same_ends_are_not_a_repeat(self):
        def draw(msp):
            msp.add_lwpolyline([(0, 0, 0.2), (50, 0, 0)], format="xyb")
            msp.add_lwpolyline([(0, 0, -0.3), (50, 0, 0)], format="xyb")

        drawing = drawn(draw)
        assert len(drawing.parts) == 1 and "duplicate_line" not in codes(drawing)

    def test_contours_twice(self):
        def draw(msp):
            for _ in range(2):
                ring(msp, ELL)
                msp.add_circle((10, 50), 5)
            msp.add_arc((10, 50), 5, 0, 360)

        drawing = drawn(draw)
        assert only(drawing).area_mm2 == pytest.approx(ELL_AREA - 25 * np.pi, rel=1e-9)
        assert "3 contours" in issue(drawing, "duplicate_contour").text

    def test_a_circle_over_its_polygon_stays_exact(self):
        def draw(msp):
            box(msp, 0, 0, 80, 50)
            angle = np.linspace(0, 2 * np.pi, 256, endpoint=False)
            ring(msp, np.column_stack([40 + 10 * np.cos(angle), 25 + 10 * np.sin(angle)]))
            msp.add_circle((40, 25), 10)

        assert diameters(only(drawn(draw))) == [pytest.approx(20)]

    def test_a_polyline_over_its_lines(self):
        def draw(msp):
            lines(msp, ELL)
            ring(msp, ELL)

        assert areas(drawn(draw)) == [pytest.approx(ELL_AREA)]

    @pytest.mark.parametrize("piece", [(10, 50), (0, 40), (-0.0, 60)])
    def test_a_line_over_a_piece_of_an_edge(self, piece):
        def draw(msp):
            lines(msp, ELL)
            msp.add_line((piece[0], 0), (piece[1], 0))

        drawing = drawn(draw)
        assert areas(drawing) == [pytest.approx(ELL_AREA, rel=1e-6)]

    def test_small_holes_side_by_side_are_not_repeats(self):
        def draw(msp):
            box(msp, 0, 0, 80, 50)
            for i in range(20):
                msp.add_circle((10 + 1.2 * i, 25), 0.5)

        assert len(only(drawn(draw)).holes) == 20


class TestMissingHoles:
    @pytest.mark.parametrize(("open_deg", "severity"), [(25, "ambiguous"), (150, "warning")])
    def test_a_small_round_hole_that_is_not_quite_closed(self, open_deg, severity):
        """A gap of 7 % of the hole is no accident of drawing; half a circle may be a mark."""

        def draw(msp):
            box(msp, 0, 0, 400, 300)
            msp.add_arc((100, 100), 15, open_deg, 360)

        drawing = drawn(draw)
        assert only(drawing).holes == () and issue(drawing, "open_contour").severity == severity


class TestMeetingLines:
    def test_a_lattice_knows_which_lines_it_is_made_of(self):
        """Three lines each way with overlong ends, and one that meets nothing."""

        def draw(msp):
            for k in (0, 30, 60):
                msp.add_line((k, -5), (k, 65))
                msp.add_line((-5, k), (65, k))
            msp.add_line((100, 0), (120, 0))

        drawing = drawn(draw)
        assert drawing.ambiguous and sum(areas(drawing)) == pytest.approx(3600, rel=1e-4)
        assert (drawing.entities["LINE"].used, drawing.entities["LINE"].not_cut) == (4, 3)

    def test_overlong_lines_bound_the_area_between_them(self):
        def draw(msp):
            for x in (0, 100):
                msp.add_line((x, -5), (x, 65))
            for y in (0, 60):
                msp.add_line((-5, y), (105, y))

        drawing = drawn(draw)
        assert only(drawing).bbox_mm == pytest.approx((100, 60), abs=1e-2)
        assert areas(drawing) == [pytest.approx(6000, rel=1e-4)]
        assert issue(drawing, "crossing_lines").severity in ("warning", "ambiguous")

    def test_a_spur_on_a_corner_is_pruned(self):
        def draw(msp):
            lines(msp, ELL)
            msp.add_line((60, 15), (61, 16))

        drawing = drawn(draw)
        assert difference(only(drawing), shapely.Polygon(ELL)) < 1e-6
        assert drawing.entities["LINE"].used == 6 and drawing.entities["LINE"].not_cut == 1

    def test_a_line_across_a_part_is_said_to_be_ambiguous(self):
        def draw(msp):
            box(msp, 0, 0, 100, 60)
            msp.add_line((40, 0), (40, 60))

        drawing = drawn(draw)
        assert sum(areas(drawing)) == pytest.approx(6000)
        assert drawing.ambiguous and "dividing_line" in codes(drawing)

    def test_a_line_that_overshoots_a_part_on_both_sides(self):
        def draw(msp):
            box(msp, 0, 0, 100, 60)
            msp.add_line((40, -10), (40, 70))

        drawing = drawn(draw)
        assert sum(areas(drawing)) == pytest.approx(6000, rel=1e-6) and drawing.ambiguous

    def test_two_parts_with_a_common_cut(self):
        """Seven lines, the middle one shared: all of the material is found and the doubt is said."""

        def draw(msp):
            lines(msp, [(40, 0), (0, 0), (0, 60), (40, 60), (100, 60), (100, 0), (40, 0), (40, 60)], closed=False)

        drawing = drawn(draw)
        assert sum(areas(drawing)) == pytest.approx(6000, rel=1e-4) and drawing.ambiguous

    def test_a_contour_that_crosses_itself(self):
        """A bow tie: two triangles of 50 x 25 / 2 each, meeting in a point."""
        drawing = drawn(lambda msp: ring(msp, [(0, 0), (50, 50), (50, 0), (0, 50)]))
        assert sum(areas(drawing)) == pytest.approx(1250, rel=1e-4)
        assert issue(drawing, "self_crossing").severity == "ambiguous"

    def test_overlapping_rectangles_are_ambiguous(self):
        def draw(msp):
            box(msp, 0, 0, 60, 60)
            box(msp, 40, 20, 60, 20)

        drawing = drawn(draw)
        assert issue(drawing, "overlapping_contours").severity == "ambiguous"
        assert sum(areas(drawing)) in [pytest.approx(a, rel=1e-4) for a in (3600 + 1200 - 400, 3600 + 1200 - 800)]

    def test_a_hole_that_touches_the_outline_in_a_point(self):
        def draw(msp):
            box(msp, 0, 0, 60, 60)
            ring(msp, [(0, 30), (20, 20), (20, 40)])

        drawing = drawn(draw)
        assert sum(areas(drawing)) == pytest.approx(3600 - 200, rel=1e-4)

    def test_holes_that_share_an_edge(self):
        def draw(msp):
            box(msp, 0, 0, 100, 60)
            box(msp, 20, 20, 10, 20)
            box(msp, 30, 20, 10, 20)

        drawing = drawn(draw)
        assert sum(areas(drawing)) == pytest.approx(6000 - 400, rel=1e-4)

    def test_parts_that_share_an_edge_stay_two(self):
        def draw(msp):
            box(msp, 0, 0, 40, 60)
            box(msp, 40, 0, 60, 60)

        assert areas(drawn(draw)) == pytest.approx([2400, 3600])

    def test_parts_that_touch_in_a_corner_stay_two(self):
        def draw(msp):
            box(msp, 0, 0, 40, 30)
            box(msp, 40, 30, 20, 30)

        assert areas(drawn(draw)) == pytest.approx([600, 1200])

    def test_lines_of_two_squares_that_share_a_corner(self):
        """Four ends in one node: the walk must not run from one square into the other."""

        def draw(msp):
            lines(msp, rectangle(0, 0, 40, 30))
            lines(msp, rectangle(40, 30, 20, 30))

        assert sum(areas(drawn(draw))) == pytest.approx(1800, rel=1e-4)


@st.composite
def star_shaped(draw):
    """Corners of a simple polygon about a point: rising angles, any radii."""
    count = draw(st.integers(3, 14))
    steps = np.array(draw(st.lists(st.floats(0.6, 1.4), min_size=count, max_size=count)))
    radii = np.array(draw(st.lists(st.floats(15, 60), min_size=count, max_size=count)))
    angles = np.cumsum(steps) / steps.sum() * 2 * np.pi
    centre = draw(st.tuples(st.floats(-500, 500), st.floats(-500, 500)))
    return np.round(radii[:, None] * np.column_stack([np.cos(angles), np.sin(angles)]) + centre, 6)


@settings(max_examples=40)
@given(corners=star_shaped(), data=st.data())
def test_any_polygon_taken_apart(corners, data):
    """Its edges as lines, some cut in two, shuffled and reversed, with some of them repeated."""
    pieces = []
    for a, b in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        middle = a + (b - a) * data.draw(st.floats(0.2, 0.8))
        pieces += data.draw(st.sampled_from([[(a, b)], [(b, a)], [(a, middle), (b, middle)], [(a, b), (b, a)]]))

    def draw(msp):
        for a, b in data.draw(st.permutations(pieces)):
            msp.add_line(a, b)

    drawing = drawn(draw)
    assert difference(only(drawing), shapely.Polygon(corners)) < 1e-6
    assert severities(drawing) <= {"info"}
    assert drawing.entities["LINE"].total == len(pieces)


@settings(max_examples=25)
@given(corners=star_shaped(), jitter=st.integers(0, 2**32 - 1))
def test_ends_that_miss_each_other_by_a_micrometre(corners, jitter):
    rng = np.random.default_rng(jitter)

    def draw(msp):
        for a, b in zip(corners, np.roll(corners, -1, axis=0), strict=True):
            msp.add_line(a + rng.uniform(-7e-4, 7e-4, 2), b + rng.uniform(-7e-4, 7e-4, 2))

    drawing = drawn(draw)
    assert difference(only(drawing), shapely.Polygon(corners)) < 1e-3
    assert severities(drawing) <= {"info", "warning"}

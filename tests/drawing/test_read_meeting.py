"""Lines that meet where they should not, or stop short: one chain that touches itself, overlaps, gaps at corners."""

import numpy as np
import pytest
import shapely
from dxf_making import areas, box, codes, difference, drawn, issue, lines, only, rectangle, severities

PLATE = rectangle(0, 0, 100, 60)


def segments(*pairs):
    """Draw LINEs between pairs of points."""
    return lambda msp: [msp.add_line(a, b) for a, b in pairs]


class TestChainsThatMeetThemselves:
    def test_an_overlong_line_ends_beyond_the_corner(self):
        drawing = drawn(segments(((0, 0), (130, 0)), ((100, 0), (100, 60)), ((100, 60), (0, 60)), ((0, 60), (0, 0))))
        assert difference(only(drawing), shapely.Polygon(PLATE)) < 1e-5
        assert issue(drawing, "crossing_lines").severity == "warning" and not drawing.ambiguous

    def test_all_lines_used_are_counted_so(self):
        drawing = drawn(segments(((0, 0), (130, 0)), ((100, 0), (100, 60)), ((100, 60), (0, 60)), ((0, 60), (0, 0))))
        assert drawing.entities["LINE"].used == 4

    def test_an_overlong_line_inwards(self):
        """The last edge is missing its corner: it starts inside the plate, 10 mm below the upper edge's line."""
        drawing = drawn(segments(((0, 0), (100, 0)), ((100, 0), (100, 60)), ((100, 60), (0, 60)), ((0, 70), (0, 0))))
        assert areas(drawing) == [pytest.approx(6000, rel=1e-5)]

    @pytest.mark.parametrize("overlap", [0.001, 0.1, 1, 20, 39])
    def test_collinear_lines_that_overlap_are_one_edge(self, overlap):
        middle = 40.0
        drawing = drawn(
            segments(((0, 0), (middle, 0)), ((middle - overlap, 0), (100, 0)), ((100, 0), (100, 60)),
                     ((100, 60), (0, 60)), ((0, 60), (0, 0)))
        )  # fmt: skip
        assert difference(only(drawing), shapely.Polygon(PLATE)) < 1e-5
        assert not drawing.ambiguous

    def test_arcs_of_one_circle_that_overlap_are_that_circle(self):
        def draw(msp):
            msp.add_arc((0, 0), 10, 0, 200)
            msp.add_arc((0, 0), 10, 150, 0)

        drawing = drawn(draw)
        assert areas(drawing) == [pytest.approx(100 * np.pi, rel=1e-3)]

    def test_a_stroked_letter_is_doubtful(self):
        """A P drawn by one stroke closes a bowl, but most of a stem stays: writing, or a part?"""

        def draw(msp):
            box(msp, 0, 0, 100, 60)
            lines(msp, [(20, 10), (20, 40), (35, 40), (35, 25), (20, 25)], closed=False)

        assert drawn(draw).ambiguous

    def test_an_open_line_that_comes_near_itself_stays_open(self):
        """A C whose jaws are 2 mm apart touches nothing."""
        drawing = drawn(
            lambda msp: lines(msp, [(0, 10), (0, 0), (20, 0), (20, 22), (0, 22), (0, 20)], closed=False),
        )
        assert drawing.parts == () and "crossing_lines" not in codes(drawing)


class TestCovered:
    def test_a_line_on_a_closed_contour_is_a_repeat(self):
        def draw(msp):
            box(msp, 0, 0, 100, 60)
            msp.add_line((20, 0), (70, 0))

        drawing = drawn(draw)
        assert areas(drawing) == [pytest.approx(6000)]
        assert issue(drawing, "duplicate_line").severity == "info" and severities(drawing) == {"info"}

    def test_an_arc_on_a_circle_is_a_repeat(self):
        def draw(msp):
            box(msp, 0, 0, 100, 60)
            msp.add_circle((50, 30), 10)
            msp.add_arc((50, 30), 10, 20, 50)

        drawing = drawn(draw)
        (hole,) = only(drawing).holes
        assert hole.circle is not None and hole.circle.radius_mm == pytest.approx(10)
        assert severities(drawing) == {"info"}

    def test_a_line_that_leaves_the_contour_is_not(self):
        def draw(msp):
            box(msp, 0, 0, 100, 60)
            lines(msp, [(20, 0), (70, 0), (70, 10)], closed=False)

        assert "duplicate_line" not in codes(drawn(draw))

    def test_a_bump_that_hardly_matters_is_no_doubt(self):
        """A cap of 0.05 mm2 over a plate of 6000: whether it belongs to the plate or not, the reading stands."""

        def draw(msp):
            box(msp, 0, 0, 100, 60)
            lines(msp, [(50, 60), (50.5, 60.1), (51, 60)], closed=False)

        drawing = drawn(draw)
        assert areas(drawing) == [pytest.approx(6000, rel=1e-4)]
        assert issue(drawing, "crossing_lines").severity == "warning" and not drawing.in_doubt

    def test_a_large_cap_is_a_doubt(self):
        def draw(msp):
            box(msp, 0, 0, 100, 60)
            lines(msp, [(20, 60), (50, 90), (80, 60)], closed=False)

        assert drawn(draw).in_doubt


@pytest.mark.parametrize("angle", [0.0, 0.3, 0.77, 2.0])
@pytest.mark.parametrize("scale", [1.0, 0.037, 41.0])
def test_dividing_lines_stay_a_doubt_however_the_plate_lies(angle, scale):
    """Fold lines or common cuts at any angle and size: noding on a grid must not make them seem to matter less."""
    c, s = scale * np.cos(angle), scale * np.sin(angle)

    def draw(msp):
        for a, b in [((0, 0), (100, 0)), ((100, 0), (100, 60)), ((100, 60), (0, 60)), ((0, 60), (0, 0)), ((30, 0), (30, 60)),
                     ((30, 20), (100, 20))]:  # fmt: skip
            msp.add_line(*(np.array(p) @ np.array([[c, s], [-s, c]]) + (1234.5, -777.7) for p in (a, b)))

    drawing = drawn(draw)
    assert drawing.ambiguous and sum(areas(drawing)) == pytest.approx(6000 * scale**2, rel=1e-3)


class TestCommonCuts:
    """Nested parts that share an edge: drawn by each of them it parts them, drawn once it may be a fold."""

    @staticmethod
    def tiles(columns, rows, width=30.0, height=20.0):
        return [rectangle(width * i, height * j, width, height) for i in range(columns) for j in range(rows)]

    @pytest.mark.parametrize(("columns", "rows"), [(2, 1), (3, 3), (4, 2)])
    def test_tiles_of_lines_are_as_many_parts(self, columns, rows):
        tiles = self.tiles(columns, rows)
        drawing = drawn(lambda msp: [lines(msp, tile) for tile in tiles])
        assert areas(drawing) == [pytest.approx(600, rel=1e-4)] * len(tiles)
        assert "drawn twice" in issue(drawing, "crossing_lines").text and drawing.in_doubt

    def test_parts_of_different_size_share_a_corner_and_half_an_edge(self):
        drawing = drawn(lambda msp: [lines(msp, rectangle(0, 0, 60, 40)), lines(msp, rectangle(60, 0, 20, 20))])
        assert areas(drawing) == [pytest.approx(400, rel=1e-4), pytest.approx(2400, rel=1e-4)]

    def test_an_edge_drawn_once_does_not_part(self):
        drawing = drawn(segments(*_sides(rectangle(0, 0, 30, 20)), *_sides(rectangle(30, 0, 30, 20))[:3]))
        assert areas(drawing) == [pytest.approx(1200, rel=1e-4)] and drawing.in_doubt

    def test_a_fold_does_not_part_where_everything_is_drawn_twice(self):
        once = [*_sides(rectangle(0, 0, 30, 20)), *_sides(rectangle(30, 0, 30, 20))[:3]]
        drawing = drawn(segments(*once, *once))
        assert areas(drawing) == [pytest.approx(1200, rel=1e-4)]

    def test_holes_of_nested_parts_stay_theirs(self):
        def draw(msp):
            for k, tile in enumerate(self.tiles(2, 1)):
                lines(msp, tile)
                msp.add_circle((15 + 30 * k, 10), 4)

        assert [len(part.holes) for part in drawn(draw).parts] == [1, 1]


def _sides(corners):
    return list(zip(corners, [*corners[1:], corners[0]], strict=True))


class TestCorners:
    """Closing a gap must not turn the edges beside it."""

    @pytest.mark.parametrize(("short", "late"), [(0.0, 0.1), (0.1, 0.1), (0.05, 0.02), (0.12, 0.0)])
    def test_edges_that_stop_short_are_led_on_to_their_corner(self, short, late):
        drawing = drawn(
            segments(((0, 0), (100 - short, 0)), ((100, late), (100, 60)), ((100, 60), (0, 60)), ((0, 60), (0, 0)))
        )
        assert difference(only(drawing), shapely.Polygon(PLATE)) < 1e-9
        assert "gap_closed" in codes(drawing)

    def test_edges_that_cross_are_trimmed_to_their_corner(self):
        drawing = drawn(
            segments(((0, 0), (100.004, 0)), ((100, -0.003), (100, 60)), ((100, 60), (0, 60)), ((0, 60), (0, 0)))
        )
        assert difference(only(drawing), shapely.Polygon(PLATE)) < 1e-9

    def test_a_gap_in_the_middle_of_an_edge_becomes_an_edge(self):
        drawing = drawn(
            segments(
                ((0, 0), (50, 0)), ((50.1, 0), (100, 0)), ((100, 0), (100, 60)), ((100, 60), (0, 60)), ((0, 60), (0, 0))
            )
        )
        assert difference(only(drawing), shapely.Polygon(PLATE)) < 1e-12

    def test_a_step_between_parallel_edges_stays_a_step(self):
        drawing = drawn(
            segments(
                ((0, 0), (50, 0)),
                ((50, 0.1), (100, 0.1)),
                ((100, 0.1), (100, 60)),
                ((100, 60), (0, 60)),
                ((0, 60), (0, 0)),
            )
        )
        stepped = shapely.Polygon([(0, 0), (50, 0), (50, 0.1), (100, 0.1), (100, 60), (0, 60)])
        assert difference(only(drawing), stepped) < 1e-12

    def test_two_nearly_equal_curves_are_not_one_thin_contour(self):
        """The same curve twice, by different fits 10 mm apart at the ends of 5 m: no part 10 mm wide."""

        def draw(msp):
            x = np.linspace(0, 5000, 60)
            for offset in (0.0, 10.0):
                bow = 400 * np.sin(np.pi * x / 5000) + offset
                lines(msp, np.column_stack([x, bow]), closed=False)

        drawing = drawn(draw)
        assert drawing.parts == () and "gap_closed" not in codes(drawing)


class TestRoundHoles:
    def test_a_washer_is_plain(self):
        """Its hole lies in the middle of its own outline: that is no countersink."""

        def draw(msp):
            msp.add_circle((0, 0), 20)
            msp.add_circle((0, 0), 10)

        drawing = drawn(draw)
        assert areas(drawing) == [pytest.approx(300 * np.pi)] and drawing.issues == ()

    def test_a_plate_with_a_countersunk_hole_is_no_sheet_frame(self):
        def draw(msp):
            box(msp, 0, 0, 100, 60)
            msp.add_circle((50, 30), 10)
            msp.add_circle((50, 30), 5)

        drawing = drawn(draw)
        assert len(drawing.parts) == 2 and max(areas(drawing)) == pytest.approx(6000 - 100 * np.pi)
        assert codes(drawing) == {"concentric_circles"}

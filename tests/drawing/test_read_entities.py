"""Every kind of entity that can bound material, against areas and lengths known by formula or by ezdxf."""

import numpy as np
import pytest
import shapely
from dxf_making import (
    ELL,
    ELL_AREA,
    ELL_PERIMETER,
    areas,
    box,
    codes,
    diameters,
    difference,
    document,
    drawn,
    ezdxf_polygons,
    hole_centres,
    lines,
    only,
    read,
    rectangle,
    ring,
    segment_area,
    severities,
    shoelace,
)
from ezdxf.math import BSpline, ConstructionArc, rational_bspline_from_arc
from ezdxf.render import forms
from hypothesis import given
from hypothesis import strategies as st

POLYLINE_AND_LWPOLYLINE = ["add_lwpolyline", "add_polyline2d"]


def test_lines_in_any_order_and_direction_make_one_outline():
    def draw(msp):
        corners = [tuple(c) for c in ELL.tolist()]
        edges = list(zip(corners, corners[1:] + corners[:1], strict=True))
        for index in (3, 0, 5, 1, 4, 2):
            msp.add_line(*edges[index][:: 1 if index % 2 else -1])

    drawing = drawn(draw)
    part = only(drawing)
    assert part.area_mm2 == pytest.approx(ELL_AREA, rel=1e-12)
    assert part.perimeter_mm == pytest.approx(ELL_PERIMETER, rel=1e-12)
    assert difference(part, shapely.Polygon(ELL)) < 1e-12
    assert len(part.outer) == 6 and drawing.issues == ()


def test_arcs_and_lines_make_a_slot():
    def draw(msp):
        msp.add_line((0, 10), (70, 10))
        msp.add_arc((70, 0), 10, 270, 90)
        msp.add_line((70, -10), (0, -10))
        msp.add_arc((0, 0), 10, 90, 270)

    part = only(drawn(draw))
    assert part.area_mm2 == pytest.approx(1400 + 100 * np.pi, rel=1e-9)
    assert part.perimeter_mm == pytest.approx(140 + 20 * np.pi, rel=1e-3)
    assert part.origin_mm == pytest.approx((35, 0), abs=1e-6)
    assert part.symmetry == 2 and not part.chiral


def test_an_arc_that_passes_zero_degrees():
    def draw(msp):
        msp.add_arc((5, 5), 20, 300, 30)
        msp.add_line((5, 5), (5 + 20 * np.cos(np.pi / 6), 15))
        msp.add_line((5, 5), (15, 5 - 20 * np.sin(np.pi / 3)))

    assert only(drawn(draw)).area_mm2 == pytest.approx(400 * np.pi / 4, rel=1e-9)


@pytest.mark.parametrize(("start", "end"), [(0, 0), (30, 30), (360, 360)])
def test_an_arc_without_sweep_is_not_a_circle(start, end):
    def draw(msp):
        box(msp, 0, 0, 80, 50)
        msp.add_arc((40, 25), 10, start, end)

    part = only(drawn(draw))
    assert part.holes == () and part.area_mm2 == pytest.approx(4000)


@pytest.mark.parametrize(("start", "end"), [(0, 360), (90, 450), (-180, 180)])
def test_an_arc_of_a_full_turn_is_an_exact_circle(start, end):
    def draw(msp):
        box(msp, 0, 0, 80, 50)
        msp.add_arc((40, 25), 10, start, end)

    assert diameters(only(drawn(draw))) == [pytest.approx(20, rel=1e-12)]


def test_circles_are_exact_features():
    def draw(msp):
        msp.add_circle((100, 50), 40)
        msp.add_circle((90, 50), 3.25)
        msp.add_circle((115, 40), 6)

    part = only(drawn(draw))
    assert part.area_mm2 == pytest.approx(np.pi * (1600 - 3.25**2 - 36), rel=1e-12)
    assert part.perimeter_mm == pytest.approx(2 * np.pi * (40 + 3.25 + 6), rel=1e-12)
    assert diameters(part) == pytest.approx([6.5, 12], rel=1e-12)
    assert np.array(hole_centres(part)) == pytest.approx(np.array([(90, 50), (115, 40)]), abs=1e-9)
    assert part.outer.circle.radius_mm == pytest.approx(40, rel=1e-12)


@pytest.mark.parametrize("cuts", [(0, 180), (10, 130, 250), (0, 5, 6, 200)])
def test_arcs_that_go_round_make_an_exact_hole(cuts):
    def draw(msp):
        box(msp, 0, 0, 80, 50)
        for start, end in zip(cuts, cuts[1:] + cuts[:1], strict=True):
            msp.add_arc((30, 20), 7.5, start, end)

    part = only(drawn(draw))
    assert diameters(part) == [pytest.approx(15, rel=1e-9)]
    assert hole_centres(part)[0] == pytest.approx((30, 20), abs=1e-9)


def test_arcs_of_one_circle_that_leave_a_flat_are_not_a_circle():
    def draw(msp):
        box(msp, 0, 0, 80, 50)
        msp.add_arc((40, 25), 10, 30, 330)
        msp.add_line((40 + 10 * np.cos(np.pi / 6), 30), (40 + 10 * np.cos(np.pi / 6), 20))

    part = only(drawn(draw))
    segment = 50 * (np.pi / 3 - np.sin(np.pi / 3))
    assert part.holes[0].circle is None
    assert part.area_mm2 == pytest.approx(4000 - (100 * np.pi - segment), rel=1e-8)


@pytest.mark.parametrize(("ratio", "angle"), [(0.5, 0), (0.2, 37), (0.9, -100), (1e-2, 12)])
def test_a_full_ellipse(ratio, angle):
    def draw(msp):
        major = 45 * np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle))])
        msp.add_ellipse((12, -7), (*major, 0), ratio)

    part = only(drawn(draw))
    assert part.area_mm2 == pytest.approx(np.pi * 45 * 45 * ratio, rel=1e-9)
    assert part.outer.circle is None and part.symmetry == 2
    assert part.origin_mm == pytest.approx((12, -7), abs=1e-3)


@pytest.mark.parametrize(("start", "end"), [(0, np.pi), (0.4, 2.0), (5.0, 8.0), (-1.0, 3.5)])
def test_a_partial_ellipse_closed_by_its_chord(start, end):
    """Area of an ellipse's segment: a b (t - sin t) / 2 for the sweep t of the parameter."""
    a, b = 40.0, 15.0

    def draw(msp):
        msp.add_ellipse((0, 0), (a, 0, 0), b / a, start, end)
        ends = [(a * np.cos(t), b * np.sin(t)) for t in (start, end)]
        msp.add_line(*ends)

    sweep = end - start
    assert only(drawn(draw)).area_mm2 == pytest.approx(a * b * (sweep - np.sin(sweep)) / 2, rel=1e-7)


@pytest.mark.parametrize("kind", POLYLINE_AND_LWPOLYLINE)
@pytest.mark.parametrize("turn", [1, -1], ids=["counter-clockwise", "clockwise"])
def test_bulges_add_and_take_away_segments(kind, turn):
    corners, bulges = rectangle(0, 0, 60, 40), [0.5, 0.0, -0.3, 1.0]
    if turn < 0:
        corners, bulges = corners[::-1], [-b for b in (-0.3, 0.0, 0.5, 1.0)]
        bulges[3] = -1.0

    def draw(msp):
        getattr(msp, kind)([(*c, b) for c, b in zip(corners, bulges, strict=True)], format="xyb", close=True)

    chords = np.linalg.norm(np.roll(corners, -1, axis=0) - np.array(corners), axis=1)
    expected = abs(shoelace(corners) + sum(segment_area(c, b) for c, b in zip(chords, bulges, strict=True) if b))
    assert only(drawn(draw)).area_mm2 == pytest.approx(expected, rel=1e-9)


@given(st.lists(st.floats(-0.4, 1.5), min_size=4, max_size=4))
def test_any_bulges_on_a_square(bulges):
    bulges = [b if abs(b) > 1e-3 else 0.0 for b in bulges]
    corners = rectangle(-50, -50, 100, 100)

    def draw(msp):
        msp.add_lwpolyline([(*c, b) for c, b in zip(corners, bulges, strict=True)], format="xyb", close=True)

    expected = 10_000 + sum(segment_area(100, b) for b in bulges if b)
    boundary = [100 * (abs(4 * np.arctan(b)) / (2 * np.sin(2 * np.arctan(abs(b))))) if b else 100.0 for b in bulges]
    drawing = drawn(draw)
    if "self_crossing" in codes(drawing):  # wide arcs of neighbouring sides may meet
        return
    part = only(drawing)
    assert part.area_mm2 == pytest.approx(expected, rel=1e-8)
    assert part.perimeter_mm == pytest.approx(sum(boundary), rel=2e-3)


@pytest.mark.parametrize("kind", POLYLINE_AND_LWPOLYLINE)
@pytest.mark.parametrize("bulges", [(1, 1), (-1, -1), (np.tan(np.pi / 12), np.tan(5 * np.pi / 12))])
def test_two_bulges_that_close_are_an_exact_circle(kind, bulges):
    sweep = 4 * np.arctan(bulges[0])
    first, second = (40 + 9, 25), (40 + 9 * np.cos(sweep), 25 + 9 * np.sin(sweep))

    def draw(msp):
        box(msp, 0, 0, 80, 50)
        points = [(*first, bulges[0]), (*second, bulges[1])]
        getattr(msp, kind)(points, format="xyb", close=True)

    part = only(drawn(draw))
    assert diameters(part) == [pytest.approx(18, rel=1e-9)]
    assert hole_centres(part)[0] == pytest.approx((40, 25), abs=1e-7)


@pytest.mark.parametrize("kind", POLYLINE_AND_LWPOLYLINE)
def test_a_polyline_that_repeats_its_first_point_is_closed(kind):
    corners = rectangle(0, 0, 30, 20)

    def draw(msp):
        getattr(msp, kind)([*corners, corners[0]])

    drawing = drawn(draw)
    assert only(drawing).area_mm2 == pytest.approx(600) and severities(drawing) <= {"info"}


def test_repeated_vertices_change_nothing():
    def draw(msp):
        msp.add_lwpolyline([(0, 0), (0, 0), (50, 0), (50, 0), (50, 20), (0, 20), (0, 20), (0, 0)], close=True)

    part = only(drawn(draw))
    assert part.area_mm2 == pytest.approx(1000) and len(part.outer) == 4


def test_a_spline_fit_polyline_is_its_curve_and_not_its_frame():
    def draw(msp):
        curve = [(30 * np.cos(t), 20 * np.sin(t)) for t in np.linspace(0, 2 * np.pi, 24, endpoint=False)]
        polyline = msp.add_polyline2d(curve, close=True, dxfattribs={"flags": 1 | 4})
        for vertex in polyline.vertices:
            vertex.dxf.flags = 8
        polyline.append_vertices(rectangle(-45, -45, 90, 90), dxfattribs={"flags": 16})

    expected = 12 * 600 * np.sin(2 * np.pi / 24)
    assert only(drawn(draw)).area_mm2 == pytest.approx(expected, rel=1e-9)


def test_a_curve_fit_polyline_uses_the_added_vertices():
    def draw(msp):
        polyline = msp.add_polyline2d(
            [(0, 0, 0.4), (25, -12, 0.4), (50, 0, 0), (50, 30, 0), (0, 30, 0)], format="xyb", close=True
        )
        polyline.dxf.flags |= 2
        polyline.vertices[1].dxf.flags = 1

    chord = np.hypot(25, 12)
    expected = shoelace([(0, 0), (25, -12), (50, 0), (50, 30), (0, 30)]) + 2 * segment_area(chord, 0.4)
    assert only(drawn(draw)).area_mm2 == pytest.approx(expected, rel=1e-9)


def test_a_three_dimensional_polyline_at_one_height():
    drawing = drawn(lambda msp: msp.add_polyline3d([(*c, 7.0) for c in ELL.tolist()], close=True))
    assert difference(only(drawing), shapely.Polygon(ELL)) < 1e-12


class TestSplines:
    def test_a_rational_circle(self):
        spline = rational_bspline_from_arc(center=(3, 4), radius=25, start_angle=0, end_angle=360)

        def draw(msp):
            msp.add_rational_spline(spline.control_points, spline.weights(), degree=2, knots=spline.knots())

        part = only(drawn(draw))
        assert part.area_mm2 == pytest.approx(625 * np.pi, rel=1e-3)
        centre = part.outer.points + part.origin_mm
        assert np.abs(np.hypot(*(centre - (3, 4)).T) - 25).max() < 0.0101

    def test_a_closed_uniform_spline(self):
        """The cubic periodic B-spline by its basis polynomials on each of the spans."""
        frame = [(40 * np.cos(t), 25 * np.sin(t), 0) for t in np.linspace(0, 2 * np.pi, 9, endpoint=False)]
        t = np.linspace(0, 1, 200, endpoint=False)
        basis = np.stack([(1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3]) / 6
        spans = [np.roll(frame, -i, axis=0)[:4, :2] for i in range(9)]
        expected = shapely.Polygon(np.concatenate([basis.T @ span for span in spans]))
        part = only(drawn(lambda msp: msp.add_spline().set_closed(frame, degree=3)))
        assert difference(part, expected) < 5e-4

    def test_a_clamped_spline_through_given_ends_and_a_line(self):
        doc, msp = document()
        msp.add_open_spline([(0, 0), (10, 50), (40, -30), (70, 60), (90, 0)])
        msp.add_line((90, 0), (90, -50))
        msp.add_line((90, -50), (0, -50))
        msp.add_line((0, -50), (0, 0))
        self._as_ezdxf(doc)

    def test_fit_points_only(self):
        doc, msp = document()
        msp.add_spline(fit_points=[(0, 0), (20, 30), (50, 35), (80, 0)])
        msp.add_line((80, 0), (0, 0))
        self._as_ezdxf(doc)

    @pytest.mark.parametrize("scale", [1e-9, 1e6, 1e12])
    def test_the_scale_of_the_knots_is_of_no_account(self, scale):
        frame = [(0, 0), (10, 50), (40, -30), (70, 60), (90, 0)]
        plain = BSpline(frame, order=4)

        def draw(msp):
            msp.add_spline(dxfattribs={"degree": 3}).set_open_rational(frame, [1.0] * 5, degree=3)
            spline = msp[-1]
            spline.knots = [k * scale for k in plain.knots()]
            spline.weights = []
            msp.add_line((90, 0), (90, -50))
            msp.add_line((90, -50), (0, -50))
            msp.add_line((0, -50), (0, 0))

        points = [(p.x, p.y) for p in plain.flattening(1e-4, segments=32)]
        expected = shapely.Polygon([*points, (90, -50), (0, -50)])
        assert difference(only(drawn(draw)), expected) < 1e-3

    def test_one_knot_span_a_million_times_the_others(self):
        frame, knots = [(0, 0), (30, 60), (60, -20), (90, 40), (100, 0)], [0, 0, 0, 0, 1, 1e6, 1e6, 1e6, 1e6]

        def draw(msp):
            spline = msp.add_spline(dxfattribs={"degree": 3})
            spline.control_points, spline.knots = frame, knots
            lines(msp, [(100, 0), (100, -40), (0, -40), (0, 0)], closed=False)

        curve = BSpline(frame, order=4, knots=knots)
        times = np.unique(np.concatenate([np.linspace(0, 1, 4001), np.linspace(1, 1e6, 20001)]))
        points = [(p.x, p.y) for p in curve.points(times)]
        expected = shapely.make_valid(shapely.Polygon([*points, (100, -40), (0, -40)]))
        assert difference(only(drawn(draw)), expected) < 1e-3

    def test_linear_splines_are_polylines(self):
        def draw(msp):
            msp.add_open_spline([*map(tuple, ELL.tolist()), (0, 0)], degree=1)

        part = only(drawn(draw))
        assert difference(part, shapely.Polygon(ELL)) < 1e-9

    @staticmethod
    def _as_ezdxf(doc):
        (expected,) = ezdxf_polygons(doc)
        assert difference(only(read(doc)), expected) < 1e-3


class TestFilledAreas:
    """Areas count where a drawing has no lines; where it has, they are taken for shading."""

    def test_hatch_with_polyline_paths_and_bulges(self):
        def draw(msp):
            hatch = msp.add_hatch()
            hatch.paths.add_polyline_path([(0, 0, 0), (80, 0, 1), (80, 40, 0), (0, 40, 0)], is_closed=True)
            hatch.paths.add_polyline_path([(20, 15), (30, 15), (30, 25), (20, 25)], is_closed=True, flags=16)

        part = only(drawn(draw))
        assert part.area_mm2 == pytest.approx(3200 + 200 * np.pi - 100, rel=1e-3)
        assert len(part.holes) == 1

    def test_hatch_with_edge_paths(self):
        def draw(msp):
            edges = msp.add_hatch().paths.add_edge_path()
            edges.add_line((0, 0), (60, 0))
            edges.add_arc((60, 15), 15, 270, 90)
            edges.add_line((60, 30), (0, 30))
            edges.add_ellipse((0, 15), (0, 15), 0.5, 0, 180)

        expected = 1800 + 225 * np.pi / 2 + 15 * 7.5 * np.pi / 2
        assert only(drawn(draw)).area_mm2 == pytest.approx(expected, rel=1e-3)

    def test_hatch_over_lines_is_shading(self):
        def draw(msp):
            box(msp, 0, 0, 80, 40)
            msp.add_circle((40, 20), 8)
            hatch = msp.add_hatch()
            hatch.paths.add_polyline_path(rectangle(5, 5, 70, 30), is_closed=True)

        drawing = drawn(draw)
        part = only(drawing)
        assert part.area_mm2 == pytest.approx(3200 - 64 * np.pi, rel=1e-12)
        assert drawing.entities["HATCH"].not_cut == 1 and drawing.entities["HATCH"].used == 0

    @pytest.mark.parametrize("kind", ["add_solid", "add_trace"])
    def test_the_last_two_corners_of_solids_are_swapped(self, kind):
        drawing = drawn(lambda msp: getattr(msp, kind)([(0, 0), (50, 0), (0, 20), (50, 20)]))
        assert only(drawing).area_mm2 == pytest.approx(1000) and severities(drawing) <= {"info"}

    def test_a_triangular_solid(self):
        assert areas(drawn(lambda msp: msp.add_solid([(0, 0), (50, 0), (0, 20)]))) == [pytest.approx(500)]

    def test_one_face(self):
        assert areas(drawn(lambda msp: msp.add_3dface([(0, 0), (50, 0), (50, 20), (0, 20)]))) == [pytest.approx(1000)]

    def test_a_solid_body_of_faces_is_not_flat(self):
        drawing = drawn(lambda msp: forms.cube().scale_uniform(50).render_3dfaces(msp))
        assert drawing.parts == () and "not_flat" in codes(drawing)


def test_a_closed_mline_is_a_frame():
    """The standard style has two lines at +-0.5 of the scale about its path (middle justification)."""

    def draw(msp):
        msp.add_mline(rectangle(0, 0, 100, 60), close=True, dxfattribs={"scale_factor": 8, "justification": 1})

    part = only(drawn(draw))
    assert part.area_mm2 == pytest.approx(108 * 68 - 92 * 52, rel=1e-9)
    assert len(part.holes) == 1


def test_a_helix_seen_as_a_spline_is_not_flat_and_said_to_be_left_out():
    def draw(msp):
        box(msp, 0, 0, 100, 60)
        msp.add_helix(radius=10, pitch=5, turns=3)

    drawing = drawn(draw)
    assert only(drawing).area_mm2 == pytest.approx(6000)
    assert "not_flat" in codes(drawing)


def test_an_arc_from_three_points_by_ezdxf():
    arc = ConstructionArc.from_3p(start_point=(50, 0), end_point=(0, 0), def_point=(25, 10))

    def draw(msp):
        msp.add_arc(arc.center, arc.radius, arc.start_angle, arc.end_angle)
        msp.add_lwpolyline([(0, 0), (0, -30), (50, -30), (50, 0)])

    sagitta_bulge = 10 / 25
    assert only(drawn(draw)).area_mm2 == pytest.approx(1500 + segment_area(50, sagitta_bulge), rel=1e-9)


def test_mixed_kinds_make_one_outline():
    """A spline, an elliptic arc, a bulged polyline and a line in a row; the area by ezdxf's own paths."""
    doc, msp = document()
    msp.add_open_spline([(0, 0), (15, -20), (30, 15), (50, 0)])
    msp.add_ellipse((50, 20), (0, 20, 0), 0.5, np.pi, 2 * np.pi)
    msp.add_lwpolyline([(50, 40, 0.3), (20, 45, 0), (0, 40, 0)], format="xyb")
    msp.add_line((0, 40), (0, 0))
    (expected,) = ezdxf_polygons(doc)
    part = only(read(doc))
    assert difference(part, expected) < 1e-3


def test_a_polyline_of_one_vertex_is_nothing():
    def draw(msp):
        ring(msp, ELL)
        msp.add_lwpolyline([(5, 5)])
        msp.add_polyline2d([(3, 3)])

    drawing = drawn(draw)
    assert only(drawing).area_mm2 == pytest.approx(ELL_AREA)
    assert drawing.entities["LWPOLYLINE"].total == 2

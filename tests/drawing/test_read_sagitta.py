"""How far the polylines are from the exact curves, measured on the curves' formulas and not by the reader."""

import numpy as np
import pytest
import shapely
from dxf_making import box, document, drawn, only, placed, read
from ezdxf.math import BSpline
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.interpolate import BSpline as SciPySpline

from kontur.drawing.flatten import spline_points

SAGITTAS = [0.2, 0.01, 0.001]


def departure(part, curve):
    """Greatest distance of dense points (N, 2) on the exact curve from the outline, and of the outline from them, mm."""
    outline = shapely.get_coordinates(shapely.get_exterior_ring(placed(part)))[:-1]
    dense = shapely.get_coordinates(shapely.segmentize(shapely.LinearRing(outline), 0.3))
    return max(farthest(curve, outline), farthest(dense, curve))


def farthest(points, ring):
    """Greatest distance of points from a closed ring."""
    edges = shapely.linestrings(np.stack([ring, np.roll(ring, -1, axis=0)], axis=1))
    return (
        shapely.STRtree(edges).query_nearest(shapely.points(points), return_distance=True, all_matches=False)[1].max()
    )


@pytest.mark.parametrize("sagitta", SAGITTAS)
@pytest.mark.parametrize("radius", [0.8, 25.0, 900.0])
def test_circles_hold_the_sagitta(sagitta, radius):
    part = only(drawn(lambda msp: msp.add_circle((5, -3), radius), sagitta_mm=sagitta, unit=4))
    distance = np.hypot(*(part.outer.points + part.origin_mm - (5, -3)).T)
    chord_middles = (part.outer.points + np.roll(part.outer.points, 1, axis=0)) / 2
    middle = np.hypot(*(chord_middles + part.origin_mm - (5, -3)).T)
    assert distance.max() - radius <= 1.001 * sagitta
    assert radius - middle.min() <= 1.001 * sagitta
    assert len(part.outer) <= 4 + max(12, 2 * np.pi / np.sqrt(sagitta / radius))  # no more points than it takes


@pytest.mark.parametrize("sagitta", SAGITTAS)
@pytest.mark.parametrize("bulge", [0.05, 0.4142, 1.0, 3.0, -0.2])
def test_bulges_hold_the_sagitta(sagitta, bulge):
    """Every point of the outline's first edge lies on the arc of its chord or nearer than the sagitta to it."""

    def draw(msp):
        msp.add_lwpolyline([(0, 0, bulge), (80, 0, 0), (80, 300, 0), (0, 300, 0)], format="xyb", close=True)

    sweep = 4 * np.arctan(bulge)
    radius = 40 / np.sin(abs(sweep) / 2)
    centre = np.array([40, np.sign(bulge) * radius * np.cos(sweep / 2)])
    start = np.arctan2(*(-centre)[::-1])
    angles = start + np.linspace(0, sweep, 3001)
    arc = centre + radius * np.column_stack([np.cos(angles), np.sin(angles)])
    assert np.hypot(*(arc[-1] - (80, 0))) < 1e-9  # the test's own formula ends where the arc must
    curve = np.vstack([arc, [(80, 300), (0, 300)]])
    assert departure(only(drawn(draw, sagitta_mm=sagitta)), curve) <= 1.01 * sagitta


@pytest.mark.parametrize("sagitta", SAGITTAS)
@pytest.mark.parametrize("ratio", [1.0, 0.5, 0.03])
def test_ellipses_hold_the_sagitta(sagitta, ratio):
    part = only(drawn(lambda msp: msp.add_ellipse((0, 0), (60, 0), ratio), sagitta_mm=sagitta))
    t = np.linspace(0, 2 * np.pi, 8_001)[:-1]
    assert departure(part, np.column_stack([60 * np.cos(t), 60 * ratio * np.sin(t)])) <= 1.01 * sagitta


@pytest.mark.parametrize("sagitta", SAGITTAS)
def test_splines_hold_the_sagitta(sagitta):
    frame = [(0, 0), (10, 80), (15, -60), (60, 90), (90, -10), (100, 0)]

    def draw(msp):
        msp.add_open_spline(frame)
        msp.add_lwpolyline([(100, 0), (100, -90), (0, -90), (0, 0)])

    exact = [(p.x, p.y) for p in BSpline(frame, order=4).approximate(4_000)]
    part = only(drawn(draw, sagitta_mm=sagitta))
    assert departure(part, np.array([*exact, (100, -90), (0, -90)])) <= 1.01 * sagitta


def test_pieces_whose_middle_lies_on_their_chord():
    """Control points and weights of a curve that swings through its chords' middles; against SciPy's rational curve."""
    control = np.array([(0, 0), (2, -60), (8.98, 43.35), (14.59, 0.9)])
    weights = np.array([2.326, 0.7, 2.255, 3.915])
    knots = np.array([0, 0, 0, 0, 1, 1, 1, 1.0])
    points = spline_points(control, 3, knots, weights, 0.01)
    exact = SciPySpline(knots, np.column_stack([control * weights[:, None], weights]), 3)(np.linspace(0, 1, 20_001))
    distance = shapely.distance(shapely.linestrings(points), shapely.points(exact[:, :2] / exact[:, 2:]))
    assert distance.max() <= 0.01 and len(points) < 200


@settings(max_examples=25)
@given(
    xs=st.lists(st.integers(0, 100), min_size=4, max_size=9, unique=True),
    weights=st.lists(st.floats(0.2, 5), min_size=9, max_size=9),
)
def test_any_convex_rational_spline_holds_the_sagitta(xs, weights):
    """Control points on a parabola, so that no piece of the curve crosses its chord."""
    frame = [(x, x * x / 50) for x in sorted(xs)]
    corners = [(frame[-1][0], -100), (frame[0][0], -100)]

    def draw(msp):
        msp.add_rational_spline(frame, weights[: len(frame)], degree=3)
        msp.add_lwpolyline([frame[-1], *corners, frame[0]])

    exact = BSpline(frame, order=4, weights=weights[: len(frame)]).approximate(10_000)
    curve = np.array([*((p.x, p.y) for p in exact), *corners])
    assert departure(only(drawn(draw, sagitta_mm=0.02)), curve) <= 0.0205


def test_the_sagitta_is_in_millimetres_whatever_the_unit():
    """A circle of 2 inches needs as many points as one of 50.8 mm."""
    inch = only(drawn(lambda msp: msp.add_circle((0, 0), 2), unit=1))
    mm = only(drawn(lambda msp: msp.add_circle((0, 0), 50.8), unit=4))
    assert len(inch.outer) == len(mm.outer)
    assert inch.area_mm2 == pytest.approx(mm.area_mm2, rel=1e-12)


def test_ellipses_in_inches_hold_the_sagitta_in_millimetres():
    part = only(drawn(lambda msp: msp.add_ellipse((0, 0), (4, 0), 0.5), unit=1))
    t = np.linspace(0, 2 * np.pi, 8_001)[:-1]
    assert departure(part, 25.4 * np.column_stack([4 * np.cos(t), 2 * np.sin(t)])) <= 0.0101


@pytest.mark.parametrize("scale", [0.01, 30.0])
def test_blocks_hold_the_sagitta_at_the_scale_of_their_insertion(scale):
    doc, msp = document()
    block = doc.blocks.new("OVAL")
    block.add_ellipse((0, 0), (50 / scale, 0), 0.5)
    msp.add_blockref("OVAL", (0, 0), dxfattribs={"xscale": scale, "yscale": scale})
    t = np.linspace(0, 2 * np.pi, 8_001)[:-1]
    part = only(read(doc, sagitta_mm=0.01))
    assert departure(part, np.column_stack([50 * np.cos(t), 25 * np.sin(t)])) <= 0.0101
    assert len(part.outer) < 800


def test_a_finer_sagitta_brings_the_perimeter_nearer():
    def draw(msp):
        box(msp, 0, 0, 10, 10)
        msp.add_ellipse((100, 0), (40, 0), 0.5)

    h = (0.5 / 1.5) ** 2
    exact = np.pi * 60 * (1 + h / 4 + h**2 / 64 + h**3 / 256 + 25 * h**4 / 16384 + 49 * h**5 / 65536)
    errors = [abs(drawn(draw, sagitta_mm=s).parts[1].perimeter_mm - exact) for s in (1.0, 0.1, 0.01)]
    assert errors[0] > errors[1] > errors[2] and errors[2] < 2e-4 * exact

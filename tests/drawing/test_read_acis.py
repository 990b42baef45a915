"""REGION and BODY: planar ACIS faces, written here as SAT text record by record (ACIS 4.0)."""

from math import cos, pi, sin

import numpy as np
import pytest
import shapely
from dxf_making import areas, box, codes, diameters, difference, document, hole_centres, issue, only, read
from ezdxf.math import BSpline

ELL = [(0, 0), (60, 0), (60, 15), (20, 15), (20, 90), (0, 90)]


class Sat:
    """SAT records with their numbers; `#k` in a record's text is replaced by the number of record k's name."""

    def __init__(self):
        self.records, self.names = [], {}

    def add(self, name, text):
        self.names[name] = len(self.records)
        self.records.append(text)

    def text(self, version="400"):
        lines = [f"{version} {len(self.records)} 1 0", "6 kontur 8 ACIS 4.0 0 ", "1 1e-06 1e-10"]
        for record in self.records:
            words = [f"${self.names[word[1:]]}" if word.startswith("&") else word for word in record.split()]
            lines.append(" ".join(words) + " #")
        return lines


def line(a, b):
    """An edge along a straight curve."""
    direction = np.subtract(b, a) / np.linalg.norm(np.subtract(b, a))
    return a, b, f"straight-curve $-1 {a[0]} {a[1]} 0 {direction[0]} {direction[1]} 0 I I", "forward"


def arc(centre, radius, start, end, clockwise=False):
    """An edge along a circle from one angle to another; the curve itself always runs counter-clockwise."""
    a, b = [(centre[0] + radius * cos(t), centre[1] + radius * sin(t)) for t in (start, end)]
    curve = f"ellipse-curve $-1 {centre[0]} {centre[1]} 0 0 0 1 {radius} 0 0 1 I I"
    return a, b, curve, "reversed" if clockwise else "forward"


def ellipse(centre, major, ratio):
    """A closed edge around an ellipse."""
    at = (centre[0] + major[0], centre[1] + major[1])
    curve = f"ellipse-curve $-1 {centre[0]} {centre[1]} 0 0 0 1 {major[0]} {major[1]} 0 {ratio} I I"
    return at, at, curve, "forward"


def spline(control, degree=3, weights=None, sense="forward", start=None):
    """An edge along a whole clamped B-spline; its outer knots are stored `degree` times."""
    inner = len(control) - degree - 1
    knots = " ".join(f"{k} {degree if k in (0, inner + 1) else 1}" for k in range(inner + 2))
    rows = [
        (*point, 0) if weights is None else (*point, 0, w) for point, w in zip(control, weights or control, strict=True)
    ]
    points = " ".join(str(value) for row in rows for value in row)
    name = "nubs" if weights is None else "nurbs"
    curve = (
        f"intcurve-curve $-1 {sense} {{ exactcur full {name} {degree} open {inner + 2} {knots} {points} 0 null_surface "
        "null_surface nullbs nullbs I I } I I"
    )
    ends = (control[0], control[-1]) if sense == "forward" else (control[-1], control[0])
    return start or ends[0], ends[1], curve, "forward"


def polygon(corners):
    return [line(a, b) for a, b in zip(corners, corners[1:] + corners[:1], strict=True)]


def sat(loops, transform="", surface="plane-surface $-1 0 0 0 0 0 1 1 0 0 forward_v I I I I", backwards=False):
    """SAT text of one body with one face bounded by `loops` of edges."""
    out = Sat()
    out.add("body", f"body $-1 &lump $-1 {'&transform' if transform else '$-1'}")
    out.add("lump", "lump $-1 $-1 &shell &body")
    out.add("shell", "shell $-1 $-1 $-1 &face $-1 &lump")
    out.add("face", "face $-1 $-1 &loop0 &shell $-1 &surface forward double out")
    out.add("surface", surface)
    if transform:
        out.add("transform", transform)
    for n, edges in enumerate(loops):
        following = f"&loop{n + 1}" if n + 1 < len(loops) else "$-1"
        out.add(f"loop{n}", f"loop $-1 {following} &coedge{n}.0 &face")
        _edges(out, n, edges[::-1] if backwards else edges, backwards)
    return out.text()


def _edges(out, n, edges, backwards):
    count = len(edges)
    for k, (a, b, curve, sense) in enumerate(edges):
        one = f"{n}.{k}"
        nearby = f"&coedge{n}.{(k + 1) % count} &coedge{n}.{(k - 1) % count}"
        out.add(
            f"coedge{one}", f"coedge $-1 {nearby} $-1 &edge{one} {'reversed' if backwards else 'forward'} &loop{n} $-1"
        )
        ends = (f"&start{one}", f"&start{one}" if a == b else f"&end{one}")
        out.add(f"edge{one}", f"edge $-1 {ends[0]} {ends[1]} &coedge{one} &curve{one} {sense}")
        out.add(f"curve{one}", curve)
        for name, point in (("start", a), ("end", b)):
            out.add(f"{name}{one}", f"vertex $-1 &edge{one} &{name}point{one}")
            out.add(f"{name}point{one}", f"point $-1 {point[0]} {point[1]} 0")


def region(text, kind="REGION", version="R2000"):
    """Read a document that holds one ACIS entity."""
    doc, msp = document(version=version)
    entity = msp.add_region() if kind == "REGION" else msp.add_body()
    entity.sat = text
    return read(doc)


@pytest.mark.parametrize("kind", ["REGION", "BODY"])
@pytest.mark.parametrize("backwards", [False, True])
def test_straight_edges(kind, backwards):
    drawing = region(sat([polygon(ELL)], backwards=backwards), kind)
    assert difference(only(drawing), shapely.Polygon(ELL)) < 1e-9
    assert drawing.entities[kind].used == 1 and drawing.issues == ()


def test_holes_are_the_face_s_other_loops():
    drawing = region(sat([polygon(ELL), [ellipse((10, 50), (4, 0), 1)], polygon([(5, 5), (12, 5), (12, 10)])]))
    part = only(drawing)
    assert part.area_mm2 == pytest.approx(2400 - 16 * pi - 17.5, rel=1e-9)
    assert diameters(part) == [pytest.approx(8)] and hole_centres(part) == [pytest.approx((10, 50))]


@pytest.mark.parametrize("backwards", [False, True])
def test_a_slot_of_lines_and_arcs(backwards):
    edges = [
        line((0, -5), (30, -5)),
        arc((30, 0), 5, -pi / 2, pi / 2),
        line((30, 5), (0, 5)),
        arc((0, 0), 5, pi / 2, 3 * pi / 2),
    ]
    assert areas(region(sat([edges], backwards=backwards))) == [pytest.approx(300 + 25 * pi, rel=1e-9)]


def test_an_arc_against_its_curve_bends_inwards():
    edges = [
        line((0, 0), (40, 0)), line((40, 0), (40, 30)), arc((20, 30), 20, 0, pi, clockwise=True), line((0, 30), (0, 0))
    ]  # fmt: skip
    assert areas(region(sat([edges]))) == [pytest.approx(1200 - 200 * pi, rel=1e-9)]


WAVE = [(40, 30), (38, 44), (22, 10), (16, 47), (9, 21), (0, 30)]


@pytest.mark.parametrize("sense", ["forward", "reversed"])
@pytest.mark.parametrize("backwards", [False, True])
def test_a_side_along_a_spline(sense, backwards):
    control = WAVE if sense == "forward" else WAVE[::-1]
    edges = [line((0, 0), (40, 0)), line((40, 0), (40, 30)), spline(control, sense=sense), line((0, 30), (0, 0))]
    drawing = region(sat([edges], backwards=backwards))
    curve = [(p.x, p.y) for p in BSpline(WAVE, order=4).approximate(4000)]
    assert drawing.issues == ()
    assert (
        difference(only(drawing), shapely.Polygon([(0, 0), (40, 0), *curve])) < 0.02 * shapely.LineString(curve).length
    )


def test_a_quarter_of_a_circle_as_a_rational_spline():
    edges = [line((0, 0), (20, 0)), spline([(20, 0), (20, 20), (0, 20)], 2, (1, 0.5**0.5, 1)), line((0, 20), (0, 0))]
    assert areas(region(sat([edges]))) == [pytest.approx(100 * pi, rel=1e-3)]


@pytest.mark.parametrize(
    "damage", [("nubs 3", "nubs 99"), (" 0 3 ", " 0 300000000 "), (" 0 3 1 1 ", " 0 3 x 1 "), ("40 30 0", "40 30")]
)
def test_a_spline_whose_numbers_do_not_fit_is_said_to_be_broken(damage):
    start, end, curve, sense = spline(WAVE)
    edges = [line((0, 0), (40, 0)), line((40, 0), (40, 30)), (start, end, curve.replace(*damage, 1), sense)]
    drawing = region(sat([[*edges, line((0, 30), (0, 0))]]))
    assert drawing.parts == () and drawing.in_doubt and drawing.entities["REGION"].unsupported == 1


def test_an_edge_on_a_piece_of_a_spline_is_not_guessed():
    edges = [line((0, 0), (40, 0)), line((40, 0), (30, 28)), spline(WAVE, start=(30, 28)), line((0, 30), (0, 0))]
    drawing = region(sat([edges]))
    assert drawing.parts == () and issue(drawing, "unsupported_entity").severity == "ambiguous"


def test_an_ellipse():
    drawing = region(sat([[ellipse((3, 4), (12, 16), 0.5)]]))
    assert areas(drawing) == [pytest.approx(200 * pi, rel=1e-6)]
    box_mm = only(drawing).bbox_mm  # sqrt(12^2 + 8^2) and sqrt(16^2 + 6^2), twice
    assert box_mm == pytest.approx((2 * np.hypot(12, 8), 2 * np.hypot(16, 6)), abs=0.02)


def test_the_body_s_transform_turns_scales_and_shifts():
    turn = "transform $-1 0 1 0 -1 0 0 0 0 1 100 50 0 2 rotate no_reflect no_shear"
    drawing = region(sat([polygon(ELL), [ellipse((10, 50), (4, 0), 1)]], turn))
    part = only(drawing)
    assert part.area_mm2 == pytest.approx(4 * (2400 - 16 * pi), rel=1e-9) and part.bbox_mm == pytest.approx((180, 120))
    assert hole_centres(part) == [pytest.approx((100 - 2 * 50, 50 + 2 * 10))] and diameters(part) == [pytest.approx(16)]


@pytest.mark.parametrize(
    "text",
    [
        sat([polygon(ELL)], surface="cone-surface $-1 0 0 0 0 0 1 1 0 0 1 I I 0 1 1 forward I I I I"),
        sat([[*polygon(ELL)[:-1], ((0, 90), (0, 0), "intcurve-curve $-1 forward { ref 0 } I I", "forward")]]),
        sat([polygon(ELL)])[:12],
        ["400 0 1 0", "6 kontur 8 ACIS 4.0 0 ", "1 1e-06 1e-10"],
        ["rubbish"],
    ],
    ids=["curved surface", "spline edge", "cut off", "empty", "rubbish"],
)
def test_what_cannot_be_read_is_counted_and_said(text):
    drawing = region(text)
    assert drawing.parts == () and drawing.entities["REGION"].unsupported == 1
    assert codes(drawing) >= {"no_parts"} and {"unsupported_entity", "broken_entity"} & codes(drawing)


def test_a_knot_in_the_edges_ends():
    """The second edge's follower is itself: a list that never comes back to its first."""
    text = sat([polygon(ELL)])
    knot = next(k for k, record in enumerate(text) if record.startswith("coedge") and k > 10)
    words = text[knot].split()
    words[2] = f"${knot - 3}"
    text[knot] = " ".join(words)
    assert len(region(text).parts) <= 1


def test_a_region_on_its_own_outline_counts_once():
    doc, msp = document(version="R2000")
    msp.add_lwpolyline(ELL, close=True)
    msp.add_region().sat = sat([polygon(ELL)])
    drawing = read(doc)
    assert areas(drawing) == [pytest.approx(2400)] and issue(drawing, "duplicate_contour").severity == "info"


def test_solids_are_not_flat_parts():
    doc, msp = document(version="R2000")
    box(msp, 0, 0, 10, 10)
    msp.add_3dsolid().sat = sat([polygon(ELL)])
    drawing = read(doc)
    assert areas(drawing) == [pytest.approx(100)] and issue(drawing, "unsupported_entity").severity == "ambiguous"

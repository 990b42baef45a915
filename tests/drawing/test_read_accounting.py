"""Every entity of the file is accounted for, whatever it is."""

from collections import Counter

import numpy as np
import pytest
from dxf_making import ELL, ELL_AREA, areas, box, document, drawn, issue, lines, only, plate, read, ring
from hypothesis import given, settings
from hypothesis import strategies as st

from kontur.drawing import EntityCount


def mixed(msp, kind, x, y):
    """Draw one entity of a kind near (x, y)."""
    draw = {
        "LINE": lambda: msp.add_line((x, y), (x + 7, y + 2)),
        "CIRCLE": lambda: msp.add_circle((x, y), 3),
        "ARC": lambda: msp.add_arc((x, y), 4, 10, 200),
        "ELLIPSE": lambda: msp.add_ellipse((x, y), (5, 0), 0.4),
        "LWPOLYLINE": lambda: msp.add_lwpolyline([(x, y), (x + 5, y), (x, y + 5)], close=True),
        "POLYLINE": lambda: msp.add_polyline2d([(x, y), (x + 5, y), (x, y + 5)]),
        "SPLINE": lambda: msp.add_open_spline([(x, y), (x + 3, y + 9), (x + 6, y), (x + 9, y)]),
        "HATCH": lambda: msp.add_hatch().paths.add_polyline_path([(x, y), (x + 5, y), (x, y + 5)]),
        "SOLID": lambda: msp.add_solid([(x, y), (x + 5, y), (x, y + 5)]),
        "3DFACE": lambda: msp.add_3dface([(x, y), (x + 5, y), (x, y + 5)]),
        "TEXT": lambda: msp.add_text("12", dxfattribs={"insert": (x, y)}),
        "MTEXT": lambda: msp.add_mtext("words", dxfattribs={"insert": (x, y)}),
        "POINT": lambda: msp.add_point((x, y)),
        "LEADER": lambda: msp.add_leader([(x, y), (x + 3, y + 3), (x + 6, y + 3)]),
        "XLINE": lambda: msp.add_xline((x, y), (1, 0)),
        "RAY": lambda: msp.add_ray((x, y), (0, 1)),
        "DIMENSION": lambda: msp.add_linear_dim(base=(x, y + 5), p1=(x, y), p2=(x + 8, y)).render(),
        "INSERT": lambda: msp.add_blockref("B", (x, y)),
        "MLINE": lambda: msp.add_mline([(x, y), (x + 5, y), (x + 5, y + 5)]),
    }
    draw[kind]()


CURVES = ("LINE", "CIRCLE", "ARC", "ELLIPSE", "LWPOLYLINE", "POLYLINE", "SPLINE", "INSERT", "MLINE")
AREAS = ("HATCH", "SOLID", "3DFACE")
NOT_GEOMETRY = ("TEXT", "MTEXT", "POINT", "LEADER", "XLINE", "RAY", "DIMENSION")
COORDINATE = st.integers(-200, 200)


def add_up(drawing, made):
    """The account names every type that was made, with its number, and each line of it adds up."""
    assert {kind: count.total for kind, count in drawing.entities.items()} == dict(made)
    for kind, count in drawing.entities.items():
        fates = (count.used, count.not_geometry, count.not_cut, count.unsupported)
        assert sum(fates) == count.total and min(fates) >= 0, kind
        if kind in NOT_GEOMETRY:
            assert count.not_geometry == count.total, kind


@settings(max_examples=50)
@given(
    st.lists(st.tuples(st.sampled_from(CURVES + AREAS + NOT_GEOMETRY), COORDINATE, COORDINATE), min_size=1, max_size=25)
)
def test_any_mixture_adds_up(entities):
    doc, msp = document()
    box(doc.blocks.new("B"), 0, 0, 4, 4)
    for kind, x, y in entities:
        mixed(msp, kind, x, y)
    add_up(read(doc), Counter(kind for kind, _, _ in entities))


@settings(max_examples=20)
@given(st.lists(st.tuples(st.sampled_from(CURVES), st.sampled_from(["0", "CUT", "BEND", "TEXT"])), max_size=20))
def test_layers_that_are_not_cut_add_up(entities):
    doc, msp = document()
    box(doc.blocks.new("B"), 0, 0, 4, 4)
    ring(msp, ELL, layer="CUT")
    for index, (kind, layer) in enumerate(entities):
        mixed(msp, kind, 100 + 20 * index, 0)
        msp[-1].dxf.layer = layer
    drawing = read(doc)
    add_up(drawing, Counter(["LWPOLYLINE", *(kind for kind, _ in entities)]))
    assert sum(count.used for count in drawing.entities.values()) >= 1


@pytest.mark.parametrize("kind", NOT_GEOMETRY)
def test_what_is_not_geometry_bounds_nothing(kind):
    """Dimensions' and leaders' own lines never become contours."""

    def draw(msp):
        plate(msp)
        for i in range(12):
            mixed(msp, kind, 8 * i, 20)

    drawing = drawn(draw)
    part = only(drawing)
    assert len(part.holes) == 2 and drawing.entities[kind] == EntityCount(12, 0, 12, 0, 0)


def test_an_image_frame_is_no_outline():
    doc, msp = document()
    ring(msp, ELL)
    definition = doc.add_image_def("picture.png", (640, 480))
    msp.add_image(definition, (-50, -50), (300, 200))
    drawing = read(doc)
    assert areas(drawing) == [pytest.approx(ELL_AREA)]
    assert drawing.entities["IMAGE"].not_geometry == 1


@pytest.mark.parametrize("add", ["add_region", "add_body", "add_3dsolid"])
def test_bodies_of_a_geometry_kernel_are_unsupported_and_said_to_be(add):
    doc, msp = document(version="R2000")
    ring(msp, ELL)
    getattr(msp, add)().sat = ["400 0 1 0", "End-of-ACIS-data"]
    drawing = read(doc)
    kind = {"add_region": "REGION", "add_body": "BODY", "add_3dsolid": "3DSOLID"}[add]
    assert drawing.entities[kind] == EntityCount(1, 0, 0, 0, 1)
    assert kind in issue(drawing, "unsupported_entity").text
    assert areas(drawing) == [pytest.approx(ELL_AREA)]


def test_broken_entities_are_unsupported_and_said_to_be():
    def draw(msp):
        ring(msp, ELL)
        spline = msp.add_open_spline([(0, 0), (5, 9), (9, 0), (12, 0)])
        spline.knots = [0, 0, 0, 0, 1, 1]

    drawing = drawn(draw)
    assert areas(drawing) == [pytest.approx(ELL_AREA)]
    count = drawing.entities.get("SPLINE")
    assert count is not None and count.total == 1 and count.used == 0


def test_an_insertion_counts_as_one_whatever_it_holds():
    doc, msp = document()
    plate(doc.blocks.new("B"))
    msp.add_blockref("B", (0, 0), dxfattribs={"column_count": 4, "column_spacing": 200})
    assert read(doc).entities == {"INSERT": EntityCount(1, 1, 0, 0, 0)}


def test_lines_are_used_one_by_one():
    def draw(msp):
        lines(msp, ELL)
        msp.add_line((200, 0), (230, 10))
        msp.add_line((210, 30), (230, 40))

    assert drawn(draw).entities == {"LINE": EntityCount(8, 6, 0, 2, 0)}


def test_issues_come_gravest_first():
    def draw(msp):
        lines(msp, ELL)
        lines(msp, ELL)
        msp.add_line((200, 0), (230, 10))
        ring(msp, [(300, 0), (350, 50), (350, 0), (300, 50)])

    grades = [("error", "ambiguous", "warning", "info").index(i.severity) for i in drawn(draw).issues]
    assert len(set(grades)) >= 3 and grades == sorted(grades)


def test_all_fates_are_counted_as_numbers():
    drawing = drawn(plate)
    assert all(isinstance(v, int) for c in drawing.entities.values() for v in (c.total, c.used, c.not_cut))
    assert np.isclose(drawing.parts[0].area_mm2, 6000 - 89 * np.pi)

"""Insertions: nested, arrayed, mirrored, stretched, turned; against matrices, ezdxf's own explosion and shapely."""

import numpy as np
import pytest
import shapely
import shapely.affinity
from dxf_making import (
    ELL,
    ELL_AREA,
    PLATE_AREA,
    areas,
    box,
    codes,
    diameters,
    difference,
    document,
    ezdxf_polygons,
    hole_centres,
    issue,
    only,
    placed,
    plate,
    read,
    ring,
    severities,
)
from ezdxf.enums import InsertUnits
from hypothesis import given, settings
from hypothesis import strategies as st


def inserted(draw, **attribs):
    """Read a drawing whose model space holds one insertion of a block that `draw` fills."""
    doc, msp = document()
    draw(doc.blocks.new("B", base_point=attribs.pop("base_point", (0, 0))))
    msp.add_blockref("B", attribs.pop("insert", (0, 0)), dxfattribs=attribs)
    return read(doc)


def ell(layout):
    ring(layout, ELL)


def test_an_insertion_is_scaled_then_turned_then_moved():
    part = only(inserted(ell, insert=(100, 20), xscale=2, yscale=2, rotation=30))
    expected = shapely.affinity.scale(shapely.Polygon(ELL), 2, 2, origin=(0, 0))
    expected = shapely.affinity.translate(shapely.affinity.rotate(expected, 30, origin=(0, 0)), 100, 20)
    assert difference(part, expected) < 1e-9


def test_the_base_point_comes_to_the_insertion_point():
    part = only(inserted(ell, insert=(100, 20), base_point=(60, 90), rotation=90))
    moved = shapely.affinity.translate(shapely.Polygon(ELL), -60, -90)
    expected = shapely.affinity.translate(shapely.affinity.rotate(moved, 90, origin=(0, 0)), 100, 20)
    assert difference(part, expected) < 1e-9


@pytest.mark.parametrize(("x", "y"), [(-1, 1), (1, -1), (-1, -1)])
def test_mirrored_insertions(x, y):
    part = only(inserted(ell, xscale=x, yscale=y))
    assert difference(part, shapely.Polygon(ELL * (x, y))) < 1e-12
    assert part.chiral


def test_an_insertion_extruded_down_is_mirrored():
    part = only(inserted(ell, insert=(10, 20), extrusion=(0, 0, -1)))
    assert difference(part, shapely.Polygon((ELL + (10, 20)) * (-1, 1))) < 1e-12


@pytest.mark.parametrize(("scale", "rotation"), [(3, 0), (0.5, 77), (-2, 10)])
def test_round_holes_stay_exact_through_insertions(scale, rotation):
    part = only(inserted(plate, xscale=scale, yscale=scale, rotation=rotation))
    assert diameters(part) == pytest.approx([10 * abs(scale), 16 * abs(scale)], rel=1e-12)
    assert part.area_mm2 == pytest.approx(PLATE_AREA * scale**2, rel=1e-9)
    turn = np.radians(rotation)
    x, y = 20 * scale, 20 * scale
    centre = (x * np.cos(turn) - y * np.sin(turn), x * np.sin(turn) + y * np.cos(turn))
    assert hole_centres(part)[0] == pytest.approx(centre, abs=1e-9)


def test_one_mirrored_axis_keeps_circles():
    part = only(inserted(plate, xscale=-2, yscale=2))
    assert diameters(part) == pytest.approx([20, 32])
    assert hole_centres(part)[0] == pytest.approx((-40, 40))


def test_a_stretched_circle_is_an_ellipse_and_not_a_circle():
    part = only(inserted(plate, xscale=3, yscale=1))
    assert part.area_mm2 == pytest.approx(3 * PLATE_AREA, rel=1e-6)
    assert diameters(part) == [] and len(part.holes) == 2


def test_stretched_arcs_and_bulges_are_elliptic():
    doc, msp = document()
    block = doc.blocks.new("B")
    block.add_lwpolyline([(0, 0, 0), (50, 0, 1), (50, 30, 0), (0, 30, -0.3)], format="xyb", close=True)
    block.add_arc((25, 15), 6, 0, 180)
    block.add_line((19, 15), (31, 15))
    msp.add_blockref("B", (5, 5), dxfattribs={"xscale": 1.5, "yscale": 0.7, "rotation": 20})
    outer, inner = sorted(ezdxf_polygons(doc), key=lambda p: -p.area)
    part = only(read(doc))
    assert difference(part, shapely.Polygon(outer.exterior, [inner.exterior])) < 1e-3
    assert len(part.holes) == 1


def test_an_array_of_insertions():
    attribs = {"column_count": 3, "row_count": 2, "column_spacing": 120, "row_spacing": 80}
    drawing = inserted(plate, **attribs)
    assert areas(drawing) == pytest.approx([PLATE_AREA] * 6, rel=1e-9)
    lower_left = sorted(tuple(np.round(placed(part).bounds[:2], 6)) for part in drawing.parts)
    assert lower_left == [(x, y) for x in (0, 120, 240) for y in (0, 80)]
    assert drawing.entities["INSERT"].total == 1 and drawing.entities["INSERT"].used == 1


def test_a_turned_array_turns_its_grid_and_keeps_its_spacing():
    attribs = {"column_count": 2, "row_count": 2, "column_spacing": 150, "row_spacing": 100, "rotation": 90}
    drawing = inserted(ell, xscale=0.5, yscale=0.5, **attribs)
    half = shapely.affinity.rotate(shapely.Polygon(ELL / 2), 90, origin=(0, 0))
    expected = shapely.union_all(
        [shapely.affinity.translate(half, -100.0 * j, 150.0 * i) for i in (0, 1) for j in (0, 1)]
    )
    found = shapely.union_all([placed(part) for part in drawing.parts])
    assert len(drawing.parts) == 4
    assert found.symmetric_difference(expected).area < 1e-6


@pytest.mark.parametrize("extrusion", [(0, 0, 1), (0, 0, -1)])
def test_arrays_as_ezdxf_explodes_them(extrusion):
    doc, msp = document()
    ell(doc.blocks.new("B"))
    attribs = {"column_count": 3, "row_count": 2, "column_spacing": 150, "row_spacing": -120, "rotation": 35}
    msp.add_blockref("B", (7, 8), dxfattribs={**attribs, "xscale": -1, "extrusion": extrusion})
    expected = shapely.union_all(ezdxf_polygons(doc))
    drawing = read(doc)
    assert len(drawing.parts) == 6
    assert shapely.union_all([placed(p) for p in drawing.parts]).symmetric_difference(expected).area < 1e-3


transform = st.fixed_dictionaries(
    {
        "insert": st.tuples(st.floats(-200, 200), st.floats(-200, 200)),
        "xscale": st.sampled_from([-2.0, -1.0, -0.5, 0.7, 1.0, 3.0]),
        "yscale": st.sampled_from([-1.5, -1.0, 0.5, 1.0, 2.0]),
        "rotation": st.floats(-360, 360),
        "extrusion": st.sampled_from([(0, 0, 1), (0, 0, -1)]),
    }
)


@settings(max_examples=30)
@given(st.lists(transform, min_size=1, max_size=4))
def test_any_chain_of_insertions(chain):
    """Mirrored, stretched and turned insertions in each other, which together shear (ezdxf cannot explode those)."""
    doc, msp = document()
    inner = doc.blocks.new("B0")
    ell(inner)
    inner.add_circle((10, 50), 4)
    for level, attribs in enumerate(chain):
        layout = msp if level == len(chain) - 1 else doc.blocks.new(f"B{level + 1}")
        at = attribs["insert"]
        layout.add_blockref(f"B{level}", at, dxfattribs={k: v for k, v in attribs.items() if k != "insert"})
    corners, scale = ELL, 1.0
    for attribs in chain:
        corners, scale = mapped(corners, **attribs), scale * abs(attribs["xscale"] * attribs["yscale"])
    part = only(read(doc))
    assert part.area_mm2 == pytest.approx(scale * (ELL_AREA - 16 * np.pi), rel=1e-6)
    outline = shapely.Polygon(shapely.get_exterior_ring(placed(part)))
    assert outline.symmetric_difference(shapely.Polygon(corners)).area < 1e-6 * scale * ELL_AREA


def mapped(points, insert, xscale, yscale, rotation, extrusion):
    """Scaled, turned and moved in the insertion's plane, which a downward extrusion sees from behind."""
    c, s = np.cos(np.radians(rotation)), np.sin(np.radians(rotation))
    placed_points = (points * (xscale, yscale)) @ np.array([(c, s), (-s, c)]) + insert
    return placed_points * (extrusion[2], 1)


def test_a_block_within_a_block_within_a_block():
    doc, msp = document()
    plate(doc.blocks.new("PLATE"))
    row = doc.blocks.new("ROW")
    for i in range(3):
        row.add_blockref("PLATE", (110 * i, 0))
    sheet = doc.blocks.new("SHEET")
    for j in range(2):
        sheet.add_blockref("ROW", (0, 70 * j))
    msp.add_blockref("SHEET", (1000, 1000), dxfattribs={"rotation": 180})
    msp.add_blockref("PLATE", (0, 0))
    drawing = read(doc)
    assert areas(drawing) == pytest.approx([PLATE_AREA] * 7, rel=1e-9)
    assert len({part.sha256 for part in drawing.parts}) == 2  # as drawn, and turned by 180 degrees


def test_an_outline_made_of_lines_and_insertions():
    doc, msp = document()
    half = doc.blocks.new("HALF")
    half.add_lwpolyline([(0, 0), (30, 0), (30, 50), (0, 50)])
    msp.add_blockref("HALF", (0, 0))
    msp.add_line((0, 0), (0, 50))
    drawing = read(doc)
    assert areas(drawing) == [pytest.approx(1500)]
    assert drawing.entities["INSERT"].used == drawing.entities["LINE"].used == 1


def test_blocks_that_nothing_inserts_are_not_read_beside_others():
    doc, msp = document()
    plate(doc.blocks.new("SPARE"))
    ell(msp)
    assert areas(read(doc)) == [pytest.approx(ELL_AREA)]


def test_blocks_that_nothing_inserts_are_read_when_there_is_nothing_else():
    doc, _ = document()
    plate(doc.blocks.new("SPARE"))
    assert areas(read(doc)) == [pytest.approx(PLATE_AREA)]


def test_paper_space_is_read_when_the_model_space_is_empty():
    doc, msp = document()
    plate(doc.paperspace())
    assert areas(read(doc)) == [pytest.approx(PLATE_AREA)]
    ell(msp)
    assert areas(read(doc)) == [pytest.approx(ELL_AREA)]


def test_a_missing_block_is_said_to_be_missing():
    doc, msp = document()
    ell(msp)
    msp.add_blockref("NOWHERE", (0, 0))
    drawing = read(doc)
    assert areas(drawing) == [pytest.approx(ELL_AREA)]
    assert codes(drawing) & {"missing_block", "damaged_file", "lost_entities"}
    assert severities(drawing) & {"warning", "ambiguous", "error"}


def test_a_block_that_inserts_itself_ends():
    doc, msp = document()
    block = doc.blocks.new("SELF")
    ell(block)
    block.add_blockref("SELF", (100, 0))
    msp.add_blockref("SELF", (0, 0))
    drawing = read(doc)
    assert areas(drawing) == [pytest.approx(ELL_AREA)]
    assert severities(drawing) & {"warning", "ambiguous", "error"}


def test_blocks_that_insert_each_other_end():
    doc, msp = document()
    a, b = doc.blocks.new("A"), doc.blocks.new("B")
    ell(a)
    a.add_blockref("B", (100, 0))
    ell(b)
    b.add_blockref("A", (0, 100))
    msp.add_blockref("A", (0, 0))
    drawing = read(doc)
    assert areas(drawing) == pytest.approx([ELL_AREA] * 2)
    assert severities(drawing) & {"warning", "ambiguous", "error"}


def test_an_insertion_at_scale_zero_harms_nothing_else():
    doc, msp = document()
    ell(msp)
    plate(doc.blocks.new("B"))
    msp.add_blockref("B", (1000, 0), dxfattribs={"xscale": 0.0, "yscale": 0.0})
    drawing = read(doc)
    assert areas(drawing)[0] == pytest.approx(ELL_AREA)
    assert drawing.entities["INSERT"].total == 1


def test_an_unreadable_entity_within_a_block_is_reported():
    doc, msp = document(version="R2000")
    block = doc.blocks.new("B")
    ell(block)
    block.add_region().sat = ["400 0 1 0", "End-of-ACIS-data"]
    msp.add_blockref("B", (0, 0))
    drawing = read(doc)
    assert areas(drawing) == [pytest.approx(ELL_AREA)]
    assert "REGION" in issue(drawing, "unsupported_entity").text


def test_the_unit_of_a_block_does_not_scale_it():
    """AutoCAD scales by block units when the user inserts; the file already holds the resulting scale."""
    doc, msp = document()
    block = doc.blocks.new("B")
    block.block_record.dxf.units = InsertUnits.Inches
    box(block, 0, 0, 40, 30)
    msp.add_blockref("B", (0, 0))
    assert areas(read(doc)) == [pytest.approx(1200)]

"""Sheets with copies: the drawing lists every part, a run gets one class with a count."""

import math
from itertools import pairwise

import pytest
from dxf_making import ELL, box, document

from kontur.drawing import read_drawing, read_parts


def ell_block(doc):
    block = doc.blocks.new("ell")
    block.add_lwpolyline(ELL, close=True)
    block.add_circle((10, 70), 4)


@pytest.fixture
def sheet(tmp_path):
    """Six Ls: an array of four, one turned, one mirrored; and a rectangle."""
    doc, msp = document()
    ell_block(doc)
    msp.add_blockref("ell", (0, 0), {"column_count": 2, "row_count": 2, "column_spacing": 100, "row_spacing": 120})
    msp.add_blockref("ell", (400, 0), {"rotation": 37.5})
    msp.add_blockref("ell", (600, 0), {"xscale": -1})
    box(msp, 700, 0, 30, 20)
    path = tmp_path / "sheet.dxf"
    doc.saveas(path)
    return path


def test_the_drawing_lists_every_copy(sheet):
    drawing = read_drawing(sheet)
    assert [part.name for part in drawing.parts] == [f"sheet-{k}" for k in range(1, 8)]
    assert all(part.copies == 1 for part in drawing.parts)


def test_a_run_gets_one_class_per_shape(sheet):
    """The mirrored L is another class: it is the same part only if it may lie face down."""
    parts, _ = read_parts([sheet])
    assert [part.copies for part in parts] == [5, 1, 1]
    assert parts[0].name == "sheet-1" and [part.chiral for part in parts] == [True, True, False]


def test_places_do_not_change_names(sheet, tmp_path):
    """The class is named for its leftmost copy; the names of a second file with the same stem are told apart."""
    (tmp_path / "more").mkdir()
    other = tmp_path / "more" / "sheet.dxf"
    other.write_bytes(sheet.read_bytes())
    names = [part.name for part in read_parts([sheet, other])[0]]
    assert names == ["sheet-1", "sheet-6", "sheet-7", "sheet-1~2", "sheet-6~2", "sheet-7~2"]


def test_copies_drawn_anew_are_found(tmp_path):
    """The same plate drawn three times by other means: a polyline, lines and arcs from another corner, turned."""
    doc, msp = document()
    msp.add_lwpolyline([(0, 0), (40, 0), (40, 20), (0, 20, -0.5)], format="xyb", close=True)
    bulge_line = [(100, 0), (140, 0), (140, 20), (100, 20)]
    for a, b in pairwise(bulge_line):
        msp.add_line(a, b)
    msp.add_lwpolyline([(100, 20, -0.5), (100, 0)], format="xyb")
    turned = [(200 - y, x) for x, y in [(40, 0), (40, 20), (0, 20), (0, 0)]]
    msp.add_lwpolyline(
        [(*turned[0], 0), (*turned[1], 0), (*turned[2], -0.5), (*turned[3], 0)], format="xyb", close=True
    )
    path = tmp_path / "three.dxf"
    doc.saveas(path)
    (part,), (drawing,) = read_parts([path])
    assert part.copies == 3 and len(drawing.parts) == 3
    assert math.isclose(part.area_mm2, drawing.parts[1].area_mm2, rel_tol=1e-9)

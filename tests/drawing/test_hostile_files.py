"""Files made to break the reader, and small remakes of what fuzzing found: a clear error or a result, never a crash."""

import gzip

import ezdxf
import numpy as np
import pytest
from dxf_making import box_tags, entities_section, line_tags, only, read, read_text, tags

from kontur.drawing import DrawingRules, read_drawing
from kontur.errors import DrawingError

SQUARE = box_tags(0, 0, 40, 25)


def bomb(levels, copies):
    doc = ezdxf.new("R2000", units=4)
    doc.blocks.new("L0").add_circle((0, 0), 1)
    for level in range(1, levels):
        array = {"column_count": copies, "row_count": copies, "column_spacing": 3.0**level, "row_spacing": 3.0**level}
        doc.blocks.new(f"L{level}").add_blockref(f"L{level - 1}", (0, 0), array)
    doc.modelspace().add_blockref(f"L{levels - 1}", (0, 0))
    return doc


def test_a_bomb_of_nested_arrays_is_refused_before_it_is_exploded():
    with pytest.raises(DrawingError, match="4096000000 entities once its blocks are inserted"):
        read(bomb(4, 40))


def test_blocks_that_insert_each_other_end():
    doc = ezdxf.new("R2000", units=4)
    a, b = doc.blocks.new("A"), doc.blocks.new("B")
    a.add_circle((0, 0), 5)
    a.add_blockref("B", (20, 0))
    b.add_blockref("A", (20, 0))
    doc.modelspace().add_blockref("A", (0, 0))
    drawing = read(doc)
    assert len(drawing.parts) == 1 and any(issue.code == "missing_block" for issue in drawing.issues)


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "1e400"])
def test_values_that_are_not_finite_are_left_out_and_told(value):
    drawing = read_text(entities_section(SQUARE, tags((0, "LINE"), (8, "0"), (10, value), (20, 0), (11, 5), (21, 5))))
    assert only(drawing).area_mm2 == pytest.approx(1000)
    assert drawing.entities["LINE"].unsupported == 1
    assert any(issue.severity == "error" for issue in drawing.issues)


def test_coordinates_at_a_thousand_million():
    drawing = read_text(entities_section(box_tags(1e9, -1e9, 40, 25)), unit="mm")
    assert only(drawing).area_mm2 == pytest.approx(1000, rel=1e-5)


def test_a_point_far_away_does_not_swallow_the_part():
    drawing = read_text(entities_section(SQUARE, tags((0, "POINT"), (8, "0"), (10, 1e12), (20, 0))))
    assert only(drawing).area_mm2 == pytest.approx(1000)


def test_entities_without_length_are_not_cut():
    drawing = read_text(
        entities_section(SQUARE, line_tags(3, 3, 3, 3), tags((0, "CIRCLE"), (8, "0"), (10, 9), (20, 9), (40, 0)))
    )
    assert only(drawing).holes == ()
    assert drawing.entities["CIRCLE"].not_cut == 1 and drawing.entities["LINE"].not_cut == 1


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"", "is empty"),
        (b" \n\r\n ", "is empty"),
        (b"\x00\xff" * 500_000, "not a DXF"),
        (b"lorem ipsum\n" * 100_000, "not a DXF"),
        (b"AC1032\x00" + b"\x01" * 1000, "a DWG file"),
        (b"\x1f\x8b\x08garbage", "cannot be read"),
        (b"%PDF-1.7 ...", "not a DXF"),
    ],
)
def test_what_is_no_drawing_gets_one_clear_error(data, fault):
    with pytest.raises(DrawingError, match=fault) as caught:
        read_text(data)
    assert "\n" not in str(caught.value)


def test_a_file_over_the_limit_is_not_read(tmp_path):
    path = tmp_path / "big.dxf.gz"
    path.write_bytes(gzip.compress(b"0\nLINE\n" * 2_000_000))
    with pytest.raises(DrawingError, match="larger than 8 MB"):
        read_drawing(path, DrawingRules(max_megabytes=8))


def test_a_time_limit_ends_reading():
    text = entities_section(*(box_tags(k * 50, 0, 40, 25) for k in range(2000)))
    with pytest.raises(DrawingError, match="not read within"):
        read_text(text, max_seconds=1e-6)


def test_found_an_unknown_type_has_no_common_attributes():
    drawing = read_text(entities_section(SQUARE, tags((0, "-39.8"), (8, "0"), (10, 1.0)), tags((0, "PLINE"), (8, "0"))))
    assert only(drawing).area_mm2 == pytest.approx(1000)
    assert drawing.entities["PLINE"].unsupported == 1


def test_found_a_hatch_edge_with_a_huge_control_point_needs_little_memory():
    doc = ezdxf.new("R2010", units=4)
    msp = doc.modelspace()
    msp.add_lwpolyline([(0, 0), (40, 0), (40, 25), (0, 25)], close=True)
    edges = msp.add_hatch().paths.add_edge_path()
    edges.add_spline(
        control_points=[(0, 0), (1e150, 1e150), (40, 25), (0, 25)], knot_values=[0, 0, 0, 0, 1, 1, 1, 1], degree=3
    )
    edges.add_line((0, 25), (0, 0))
    assert only(read(doc)).area_mm2 == pytest.approx(1000)


def test_found_a_mesh_with_fewer_vertices_than_it_says():
    """ezdxf's generator then ends in a RuntimeError."""
    vertex = tags((0, "VERTEX"), (8, "0"), (10, 5), (20, 5), (30, 0), (70, 64))
    mesh = tags((0, "POLYLINE"), (8, "0"), (66, 1), (70, 16), (71, 3), (72, 3)) + vertex + tags((0, "SEQEND"), (8, "0"))
    face = tags((0, "POLYLINE"), (8, "0"), (66, 1), (70, 64), (71, 4), (72, 1)) + vertex + tags((0, "SEQEND"), (8, "0"))
    drawing = read_text(entities_section(SQUARE, mesh, face))
    assert only(drawing).area_mm2 == pytest.approx(1000)
    assert drawing.entities["POLYLINE"].used == 0 and drawing.entities["POLYLINE"].total == 2


@pytest.mark.parametrize("number", ["-", "+", "e5", ".", ",", "1,2,3", "1e", "0x1F", "1.#QNAN"])
def test_values_that_only_look_like_numbers_lose_their_entity(number):
    drawing = read_text(entities_section(SQUARE, tags((0, "CIRCLE"), (8, "0"), (10, 9), (20, 9), (40, number))))
    assert only(drawing).area_mm2 == pytest.approx(1000)
    assert drawing.entities["CIRCLE"].unsupported == 1


def test_garbage_is_quoted_in_a_few_characters_that_print():
    with pytest.raises(DrawingError, match="Invalid group code") as caught:
        read_text(b"0\nSECTION\n2\nENTITIES\n" + np.random.default_rng(0).bytes(2_000_000))
    assert len(str(caught.value)) < 300 and str(caught.value).isascii() and str(caught.value).isprintable()


def test_a_folder_is_no_drawing(tmp_path):
    with pytest.raises(DrawingError, match="not a file"):
        read_drawing(tmp_path)


def test_the_memory_that_a_file_will_need_is_limited():
    with pytest.raises(DrawingError, match="max_memory_mb"):
        read_text(entities_section(SQUARE * 2000), max_memory_mb=20)

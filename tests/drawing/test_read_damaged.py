"""Old, odd, damaged and hopeless files."""

import gzip
import re

import ezdxf
import numpy as np
import pytest
import shapely
from dxf_making import (
    ELL,
    ELL_AREA,
    PLATE_AREA,
    areas,
    box_tags,
    difference,
    document,
    entities_section,
    issue,
    line_tags,
    only,
    plate,
    read,
    read_text,
    ring,
    severities,
    tags,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from kontur.drawing import Drawing, read_drawing
from kontur.errors import DrawingError


@pytest.fixture(scope="module")
def plate_text(tmp_path_factory):
    doc, msp = document(version="R2000")
    plate(msp)
    path = tmp_path_factory.mktemp("plate") / "plate.dxf"
    doc.saveas(path)
    return path.read_text()


@pytest.mark.parametrize("version", ["R12", "R2000", "R2004", "R2007", "R2010", "R2013", "R2018"])
@pytest.mark.parametrize("fmt", ["asc", "bin"])
def test_every_version_as_text_and_binary(version, fmt, tmp_path):
    doc = ezdxf.new(version)
    msp = doc.modelspace()
    msp.add_polyline2d([(0, 0), (100, 0), (100, 60), (0, 60)], close=True)
    msp.add_circle((20, 20), 5)
    msp.add_circle((70, 35), 8)
    doc.saveas(tmp_path / "part.dxf", fmt=fmt)
    drawing = read_drawing(tmp_path / "part.dxf")
    assert only(drawing).area_mm2 == pytest.approx(PLATE_AREA, rel=1e-9)
    assert drawing.entities["CIRCLE"].used == 2


def test_gzip(plate_text):
    drawing = read_text(gzip.compress(plate_text.encode()), "plate.dxf.gz")
    part = only(drawing)
    assert part.area_mm2 == pytest.approx(PLATE_AREA) and part.name == "plate"


def test_cut_off_gzip_is_refused(plate_text):
    with pytest.raises(DrawingError, match="cannot be read"):
        read_text(gzip.compress(plate_text.encode())[:-2000], "plate.dxf.gz")


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_line_ends(plate_text, newline):
    assert areas(read_text(plate_text.replace("\n", newline).encode())) == [pytest.approx(PLATE_AREA)]


def test_blanks_around_values(plate_text):
    padded = "\n".join(f"  {line}  " for line in plate_text.splitlines()) + "\n"
    assert areas(read_text(padded)) == [pytest.approx(PLATE_AREA)]


def test_comments(plate_text):
    commented = "999\nmade by hand\n" + plate_text
    assert areas(read_text(commented)) == [pytest.approx(PLATE_AREA)]


@pytest.mark.parametrize("end", ["", "0\nENDSEC\n", "0\nEOF\n", "0"])
def test_a_file_without_its_end(end):
    drawing = read_text(entities_section(box_tags(0, 0, 100, 60), end=end))
    assert areas(drawing) == [pytest.approx(6000)]


@pytest.mark.parametrize("order", [(10, 11, 20, 21), (11, 21, 10, 20), (21, 11, 20, 10)])
def test_line_codes_in_any_order(order):
    drawing = read_text(entities_section(box_tags(0, 0, 100, 60, order)))
    assert areas(drawing) == [pytest.approx(6000)]
    assert drawing.entities["LINE"].used == 4


def test_no_header_no_tables_no_blocks():
    drawing = read_text(entities_section(box_tags(0, 0, 100, 60), tags((0, "CIRCLE"), (10, 50), (20, 30), (40, 10))))
    assert areas(drawing) == [pytest.approx(6000 - 100 * np.pi)]


def test_a_file_that_starts_at_its_blocks():
    text = "0\nSECTION\n2\nBLOCKS\n" + tags((0, "BLOCK"), (8, "0"), (2, "B"), (70, 0), (10, 0), (20, 0), (30, 0))
    text += box_tags(0, 0, 100, 60) + "0\nENDBLK\n0\nENDSEC\n"
    text += entities_section(tags((0, "INSERT"), (8, "0"), (2, "B"), (10, 5), (20, 5)))
    assert areas(read_text(text)) == [pytest.approx(6000)]


@pytest.mark.parametrize("marker", ["AcDbEntity", "AcDbPolyline", "AcDbCircle", "AcDb"])
def test_missing_subclass_markers(plate_text, marker):
    head, entities = plate_text.split("ENTITIES\n")
    body, tail = entities.split("ENDSEC", 1)
    stripped = re.sub(rf"100\n{marker}\w*\n", "", body)
    assert stripped != body
    drawing = read_text(f"{head}ENTITIES\n{stripped}ENDSEC{tail}")
    assert areas(drawing) == [pytest.approx(PLATE_AREA)]


def test_a_polyline_with_the_handle_of_its_vertex():
    """Audits delete one of the two; a real laser shop's program writes this."""
    doc, msp = document(version="R2000")
    polyline = msp.add_polyline2d(ELL.tolist(), close=True)
    text = _saved(doc)
    handle, first = polyline.dxf.handle, polyline.vertices[0].dxf.handle
    text = text.replace(f"VERTEX\n  5\n{first}\n", f"VERTEX\n  5\n{handle}\n")
    assert text.count(f"\n  5\n{handle}\n") == 2
    drawing = read_text(text)
    assert difference(only(drawing), shapely.Polygon(ELL)) < 1e-9


def test_every_entity_with_one_handle(plate_text):
    head, entities = plate_text.split("ENTITIES\n")
    body, tail = entities.split("ENDSEC", 1)
    same = re.sub(r"(\n  5\n)[0-9A-F]+\n", r"\g<1>AA\n", body)
    assert same.count("\n  5\nAA\n") == 3
    assert areas(read_text(f"{head}ENTITIES\n{same}ENDSEC{tail}")) == [pytest.approx(PLATE_AREA)]


@pytest.mark.parametrize("encoding", ["utf-8", "cp1251", "gbk", "latin-1", "utf-8-sig"])
def test_layer_names_in_any_encoding(plate_text, encoding):
    """The declared code page is that of western Europe; the bytes are not."""
    name = {"cp1251": "Контур", "gbk": "轮廓"}.get(encoding, "Außen")
    text = plate_text.replace("AcDbEntity\n  8\n0\n", f"AcDbEntity\n  8\n{name}\n")
    assert name in text
    assert areas(read_text(text.encode(encoding))) == [pytest.approx(PLATE_AREA)]


def test_cut_off_in_the_middle_is_said_or_refused(plate_text):
    middle = plate_text.index("CIRCLE", plate_text.index("ENTITIES"))
    drawing = read_text(plate_text[: middle + 100])
    assert drawing.parts == () or severities(drawing) & {"info", "warning", "ambiguous", "error"}


@pytest.mark.parametrize(
    "data", [b"", b"   \n\r\n ", b"\x00" * 100, b"hello world\n" * 50, b"AC1015\x00\x00\x00", b"%PDF-1.7"]
)
def test_what_is_no_dxf_is_refused_with_its_name(data):
    with pytest.raises(DrawingError, match=r"odd\.dxf"):
        read_text(data, "odd.dxf")


def test_a_dwg_is_called_one():
    with pytest.raises(DrawingError, match="DWG"):
        read_text(b"AC1032\x00\x00\x00" + bytes(range(256)) * 8)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(DrawingError, match=r"nowhere\.dxf"):
        read_drawing(tmp_path / "nowhere.dxf")


def test_an_empty_drawing_has_no_parts_and_says_so():
    doc, _ = document()
    drawing = read(doc)
    assert drawing.parts == () and issue(drawing, "no_parts").severity == "error"


BAD = ["nan", "inf", "-inf", "1e400", "1e308"]


@pytest.mark.parametrize("value", BAD)
def test_a_coordinate_that_is_not_finite(value):
    text = entities_section(box_tags(0, 0, 100, 60), line_tags(0, 0, value, 5))
    try:
        drawing = read_text(text)
    except DrawingError:
        return
    assert all(np.isfinite(part.area_mm2) for part in drawing.parts)
    assert severities(drawing) - {"info"}


@pytest.mark.parametrize("value", BAD)
@pytest.mark.parametrize("code", [10, 40, 50])
def test_an_arc_that_is_not_finite(value, code):
    arc = {10: 50, 20: 30, 40: 10, 50: 0, 51: 90, code: value}
    text = entities_section(box_tags(0, 0, 100, 60), tags((0, "ARC"), (8, "0"), *arc.items()))
    try:
        drawing = read_text(text)
    except DrawingError:
        return
    assert all(np.isfinite(part.area_mm2) for part in drawing.parts)


@settings(max_examples=60)
@given(data=st.data())
def test_any_damage_ends_in_a_drawing_or_a_clear_error(plate_text, data):
    """Bytes changed, lines dropped, repeated or swapped in the entities of a real file."""
    start = plate_text.index("ENTITIES")
    rows = plate_text[start:].splitlines()
    for _ in range(data.draw(st.integers(1, 4))):
        i, j = data.draw(st.integers(0, len(rows) - 1)), data.draw(st.integers(0, len(rows) - 1))
        kind = data.draw(st.sampled_from(["drop", "repeat", "swap", "noise", "minus", "huge"]))
        if kind == "drop":
            rows[i] = ""
        elif kind == "repeat":
            rows.insert(i, rows[j])
        elif kind == "swap":
            rows[i], rows[j] = rows[j], rows[i]
        elif kind == "noise":
            rows[i] = data.draw(st.text(max_size=8))
        else:
            rows[i] = {"minus": "-1", "huge": "99999999999"}[kind]
    try:
        drawing = read_text((plate_text[:start] + "\n".join(rows)).encode("utf-8", "surrogatepass"))
    except DrawingError as error:
        assert "part.dxf" in str(error)
        return
    assert isinstance(drawing, Drawing)
    assert all(np.isfinite(part.area_mm2) and part.area_mm2 > 0 for part in drawing.parts)


@settings(max_examples=60)
@given(data=st.binary(max_size=400))
def test_any_bytes_end_in_a_clear_error_or_nothing(data):
    try:
        drawing = read_text(b"0\nSECTION\n2\nENTITIES\n" + data)
    except DrawingError:
        return
    assert drawing.parts == ()


def test_the_hash_is_that_of_the_file(tmp_path):
    import hashlib

    doc, msp = document()
    ring(msp, ELL)
    doc.saveas(tmp_path / "a.dxf")
    drawing = read_drawing(tmp_path / "a.dxf")
    assert drawing.sha256 == hashlib.sha256((tmp_path / "a.dxf").read_bytes()).hexdigest()
    assert drawing.file == tmp_path / "a.dxf" and areas(drawing) == [pytest.approx(ELL_AREA)]


def _saved(doc):
    from io import StringIO

    stream = StringIO()
    doc.write(stream)
    return stream.getvalue()

"""Good drawings of every version, damaged in each way that was seen in the wild, read as they were before the damage.

The areas are known in closed form, so the undamaged reading is no witness in its own cause.
"""

import gzip
import random
from io import StringIO

import ezdxf
import numpy as np
import pytest
from damaging import BYTES, HARMLESS, in_entities, pairs_of, text_of
from dxf_making import areas, box, box_tags, codes, entities_section, issue, lines, only, read_text, tags

from kontur.drawing import read_drawing
from kontur.errors import DrawingError

SLOT = 50 * 20 + np.pi * 10**2
PLATE = 120 * 80 - np.pi * 7.25**2 - SLOT
DEE = 30 * 40 + np.pi * 20**2 / 2
INSERTED = 12.5 * 16
AREAS = sorted([PLATE, DEE, INSERTED, INSERTED])
DAMAGES = [pytest.param(damage, id=name) for name, damage in HARMLESS.items()]


def rich(version):
    """A plate of lines with a round hole and a slot of lines and arcs, a D with a bulge, and a block inserted twice."""
    doc = ezdxf.new(version, units=4)
    msp = doc.modelspace()
    lines(msp, [(0.5, 0), (120.5, 0), (120.5, 80), (0.5, 80)])
    msp.add_circle((20.25, 20), 7.25)
    msp.add_line((40.5, 30), (90.5, 30))
    msp.add_arc((90.5, 40), 10, 270, 90)
    msp.add_line((90.5, 50), (40.5, 50))
    msp.add_arc((40.5, 40), 10, 90, 270)
    vertices = [(200.5, 0, 0), (230.5, 0, 1), (230.5, 40, 0), (200.5, 40, 0)]
    if version == "R12":
        msp.add_polyline2d(vertices, format="xyb", close=True)
        block = doc.blocks.new("TAB")
        block.add_polyline2d([(0, 0), (12.5, 0), (12.5, 16), (0, 16)], close=True)
    else:
        msp.add_lwpolyline(vertices, format="xyb", close=True)
        box(doc.blocks.new("TAB"), 0, 0, 12.5, 16)
    for x in (300.5, 340.5):
        msp.add_blockref("TAB", (x, 5))
    return doc


def written(doc):
    stream = StringIO()
    doc.write(stream)
    return stream.getvalue()


@pytest.fixture(scope="module", params=["R12", "R2000", "R2018"])
def good(request):
    return written(rich(request.param))


def needs_blocks(text):
    return "\nTAB\n" in text and "BLOCKS" not in text


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_that_loses_nothing_changes_nothing(good, damage):
    damaged = damage(good)
    drawing = read_text(damaged, unit="mm")
    expected = [PLATE, DEE] if needs_blocks(damaged) else AREAS
    assert areas(drawing) == pytest.approx(sorted(expected), rel=1e-6)
    assert len(drawing.parts[0].holes) == 2
    if not needs_blocks(damaged):
        assert all(count.unsupported == 0 for count in drawing.entities.values())


@pytest.mark.parametrize("pack", BYTES.values(), ids=BYTES)
@pytest.mark.parametrize("zipped", [False, True], ids=["plain", "gzip"])
def test_the_bytes_do_not_matter(good, pack, zipped):
    data = pack(good)
    assert areas(read_text(gzip.compress(data) if zipped else data, unit="mm")) == pytest.approx(AREAS, rel=1e-6)


@pytest.mark.parametrize("version", ["R12", "R2000", "R2004", "R2007", "R2010", "R2013", "R2018"])
def test_two_damages_at_once(version):
    """Commas and no markers and no end: neither ezdxf's reading nor its recovery gets through this."""
    text = written(rich(version))
    for name in ("decimal commas", "no subclass markers", "no end of the section"):
        text = HARMLESS[name](text)
    drawing = read_text(text, unit="mm")
    assert areas(drawing) == pytest.approx(AREAS, rel=1e-6)
    assert {"damaged_file", "no_end"} <= codes(drawing)


@pytest.mark.parametrize("version", ["R12", "R2000", "R2018"])
def test_a_binary_file_that_is_cut_off_is_read_as_far_as_it_goes(version, tmp_path):
    path = tmp_path / "plate.dxf"
    doc = rich(version)
    doc.saveas(path, fmt="bin")
    data = path.read_bytes()
    whole = read_drawing(path)
    assert areas(whole) == pytest.approx(AREAS, rel=1e-6)
    path.write_bytes(data[: data.rindex(b"INSERT\x00") - 1])
    drawing = read_drawing(path)
    assert areas(drawing) == pytest.approx(sorted([PLATE, DEE, INSERTED]), rel=1e-6)
    assert {"damaged_file", "no_end"} <= codes(drawing)


# --- what cannot be read is lost alone, and loudly

STRAY = tags((0, "LINE"), (8, "0"), (10, "abc"), (20, 0), (11, 5), (21, 5))


@pytest.mark.parametrize("value", ["abc", "", "1.2.3", "--5", "#", "1e", "0x10", "12 5"])
def test_one_number_that_is_none_loses_its_entity_and_nothing_else(value):
    """Recovery would make it 0, or whatever digits it finds, and keep the entity."""
    stray = tags((0, "CIRCLE"), (8, "0"), (10, 50), (20, value), (40, 10))
    drawing = read_text(entities_section(box_tags(0, 0, 100, 60), stray))
    assert areas(drawing) == [pytest.approx(6000)]
    assert issue(drawing, "lost_entities").severity in ("error", "ambiguous")
    assert drawing.entities["CIRCLE"].unsupported == drawing.entities["CIRCLE"].total == 1


def test_one_line_without_sense_does_not_refuse_the_file():
    drawing = read_text(entities_section(box_tags(0, 0, 100, 60), STRAY))
    assert only(drawing).area_mm2 == pytest.approx(6000)
    assert drawing.entities["LINE"].total == 5 and drawing.entities["LINE"].unsupported == 1


def test_decimal_commas_are_not_cut_at_the_comma():
    text = entities_section(box_tags(0, 0, 60.75, 40.25)).replace("60.75", "60,75").replace("40.25", "40,25")
    assert only(read_text(text)).area_mm2 == pytest.approx(60.75 * 40.25)


@pytest.mark.parametrize("lacking", ["10", "21"])
def test_a_line_without_an_end_is_not_drawn_to_the_origin(lacking):
    line = "".join(f"{c}\n{v}\n" for c, v in (("0", "LINE"), ("8", "0"), ("10", "200"), ("20", "9"), ("11", "250"),
                                              ("21", "9")) if c != lacking)  # fmt: skip
    drawing = read_text(entities_section(box_tags(0, 0, 100, 60), line))
    assert areas(drawing) == [pytest.approx(6000)]
    assert drawing.entities["LINE"].unsupported == 1
    assert issue(drawing, "lost_entities")


def test_a_circle_without_a_radius_is_no_circle_of_radius_one():
    circle = tags((0, "CIRCLE"), (8, "0"), (10, 50), (20, 30))
    drawing = read_text(entities_section(box_tags(0, 0, 100, 60), circle))
    assert only(drawing).holes == () and drawing.entities["CIRCLE"].unsupported == 1


def test_a_polyline_loses_all_of_itself_with_one_vertex():
    """The contour without the vertex would close just as well."""
    vertices = [(0, 0), (100, 0), (100, 60), ("oops", 60), (0, 30)]
    rows = tags((0, "POLYLINE"), (8, "0"), (66, 1), (70, 1))
    rows += "".join(tags((0, "VERTEX"), (8, "0"), (10, x), (20, y)) for x, y in vertices) + tags((0, "SEQEND"))
    drawing = read_text(entities_section(box_tags(200, 0, 50, 50), rows))
    assert areas(drawing) == [pytest.approx(2500)]
    assert drawing.entities["POLYLINE"].unsupported == 1


@pytest.mark.parametrize("cut", [3, 9, 30])
def test_a_light_polyline_that_is_cut_off_is_not_closed_early(cut):
    corners = [(0, 0), (100, 0), (100, 60), (50, 90), (0, 60)]
    rows = tags(
        (0, "LWPOLYLINE"),
        (8, "0"),
        (90, 5),
        (70, 1),
        *((c, v) for p in corners for c, v in zip((10, 20), p, strict=True)),
    )
    text = entities_section(box_tags(200, 0, 50, 50), rows, end="")
    drawing = read_text(text[: len(text) - cut])
    assert areas(drawing) == [pytest.approx(2500)]
    assert {"lost_entities", "no_end"} <= codes(drawing)


@pytest.mark.parametrize("seed", range(40))
def test_a_line_lost_anywhere_in_the_entities_is_never_silent(good, seed):
    """The rest of an entity is then out of step by one: its numbers must not be taken for others."""
    rng = random.Random(seed)
    pairs = pairs_of(good)
    start = next(i for i, pair in enumerate(pairs) if pair[1].strip() == "ENTITIES") + 1
    end = next(i for i in range(start, len(pairs)) if pairs[i][1].strip() == "ENDSEC")
    geometry = [i for i in range(start, end) if pairs[i][0].strip() in ("10", "20", "11", "21", "40", "50", "51")]
    rows = text_of(pairs).splitlines()
    del rows[2 * rng.choice(geometry) + rng.randrange(2)]
    drawing = read_text("\n".join(rows) + "\n", unit="mm")
    if areas(drawing) != pytest.approx(AREAS, rel=1e-6):
        assert issue(drawing, "lost_entities")


@pytest.mark.parametrize("seed", range(15))
def test_a_file_cut_off_anywhere_in_its_entities_says_so(good, seed):
    start = good.index("ENTITIES") + 10
    end = good.index("ENDSEC", start)
    cut = good[: random.Random(seed).randrange(start, end)]
    try:
        drawing = read_text(cut, unit="mm")
    except DrawingError:
        return
    assert issue(drawing, "no_end").severity == ("warning" if cut.endswith("\n") else "ambiguous")
    assert all(min(abs(area - known) for known in (*AREAS, 120 * 80, PLATE + SLOT)) < 0.1 for area in areas(drawing))


def test_what_is_not_geometry_may_be_damaged():
    """A text's bad number costs nothing that bounds material."""
    words = tags((0, "TEXT"), (8, "0"), (10, "here"), (20, 3), (40, "big"), (1, "scrap"))
    drawing = read_text(entities_section(box_tags(0, 0, 100, 60), words))
    assert areas(drawing) == [pytest.approx(6000)]
    assert "lost_entities" not in codes(drawing) and drawing.entities["TEXT"].not_geometry == 1


def test_damage_in_a_block_is_as_loud_as_elsewhere():
    text = "0\nSECTION\n2\nBLOCKS\n" + tags((0, "BLOCK"), (8, "0"), (2, "B"), (70, 0), (10, 0), (20, 0), (30, 0))
    text += box_tags(0, 0, 100, 60) + STRAY + "0\nENDBLK\n0\nENDSEC\n"
    drawing = read_text(text + entities_section(tags((0, "INSERT"), (8, "0"), (2, "B"), (10, 5), (20, 5))))
    assert areas(drawing) == [pytest.approx(6000)]
    assert issue(drawing, "lost_entities").text.startswith("1 of 6")


def test_tags_survive_the_way_there_and_back(good):
    assert pairs_of(text_of(pairs_of(good))) == pairs_of(good)
    assert in_entities(lambda pairs: pairs)(good) == good

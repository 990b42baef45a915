"""Notes and dimensions that tell the unit of the geometry, where the file declares none or another."""

import pytest
from dxf_making import document, issue, only, plate, read, ring

from kontur.drawing.unit_evidence import evidence_of
from kontur.drawing.unit_guess import guess_unit

SQUARE = [(0, 0), (2, 0), (2, 2), (0, 2)]


def noted(text, kind="TEXT", unit=0):
    """A square of side 2 without a unit, and a note."""
    doc, msp = document(unit)
    ring(msp, SQUARE)
    msp.add_text(text) if kind == "TEXT" else msp.add_mtext(text)
    return doc


def dimensioned(text="<>", unit=0, length=2.0, count=3, **style):
    doc, msp = document(unit)
    ring(msp, [(0, 0), (length, 0), (length, length), (0, length)])
    for _ in range(count):
        msp.add_linear_dim((0, 3), (0, 0), (length, 0), text=text, override=style).render()
    return doc


@pytest.mark.parametrize("kind", ["TEXT", "MTEXT"])
@pytest.mark.parametrize(
    ("note", "unit"),
    [
        ("ALL DIMENSIONS IN MM", "mm"),
        ("All dimensions are in millimeters unless noted", "mm"),
        ("UNITS: INCHES", "inch"),
        ("dims in inch", "inch"),
        ("Units: cm", "cm"),
        ("Alle Maße in mm", "mm"),
        ("Размеры в мм", "mm"),
        ("Dimensions en millimètres", "mm"),
    ],
)
def test_a_note_is_believed(note, unit, kind):
    drawing = read(noted(note, kind))
    assert drawing.unit == unit and drawing.unit_confidence > 0.7
    assert only(drawing).bbox_mm[0] == pytest.approx(2 * {"mm": 1, "cm": 10, "inch": 25.4}[unit])


@pytest.mark.parametrize(
    "note", ["cut in 3 mm steel", "made in Italy", "dimension of the main part", "see unit 7", "10 mm"]
)
def test_a_text_that_says_nothing_of_dimensions_is_no_evidence(note):
    assert evidence_of(noted(note)) == {}


@pytest.mark.parametrize(
    ("text", "unit"),
    [("50.8", "inch"), ("50,8", "inch"), ("2 mm", "mm"), ('2.00"', "inch"), ("20 mm", "cm"), ("R2 mm", "mm")],
)
def test_numbers_written_over_dimensions_against_the_geometry(text, unit):
    assert set(evidence_of(dimensioned(text))) == {unit}
    assert read(dimensioned(text)).unit == unit


@pytest.mark.parametrize("text", ["<>", "2.0", "2", "see note", "M3", ""])
def test_dimensions_that_say_what_they_measure_leave_the_unit_open(text):
    assert evidence_of(dimensioned(text)) == {}


@pytest.mark.parametrize(("factor", "unit"), [(25.4, "inch"), (1 / 25.4, "mm"), (1000.0, "m")])
def test_a_factor_of_the_dimension_style(factor, unit):
    assert set(evidence_of(dimensioned(dimlfac=factor))) == {unit}


def test_a_suffix_of_the_dimension_style():
    assert set(evidence_of(dimensioned(dimpost="<> mm"))) == {"mm"}


def test_angles_say_nothing():
    doc, msp = document(0)
    ring(msp, SQUARE)
    msp.add_angular_dim_2l((1, 1), ((0, 0), (1, 0)), ((0, 0), (0, 1)), text="50.8").render()
    assert evidence_of(doc) == {}


def test_a_contradiction_with_the_declaration_is_told():
    """Declared millimetres, dimensioned as 25.4 times what is drawn."""
    drawing = read(dimensioned("50.8", unit=4))
    assert drawing.unit == "inch"
    assert "the file declares mm" in issue(drawing, "unit_guessed").text


def test_dimensions_that_contradict_each_other_are_no_evidence():
    doc, msp = document(0)
    ring(msp, SQUARE)
    for text in ("50.8", "2 mm", "20 mm", '2"'):
        msp.add_linear_dim((0, 3), (0, 0), (2, 0), text=text).render()
    assert set(evidence_of(doc)) <= {"inch"}


@pytest.mark.parametrize("size", [1e5, 3e6, 0.1])
def test_a_declared_size_that_no_flat_part_has_is_never_certain(size):
    guess = guess_unit(4, 1, size, [])
    assert guess.confidence < 0.9 and "size of a flat part" in guess.reason


def test_a_broken_dimension_does_not_stop_the_reading():
    doc, msp = document()
    plate(msp)
    dimension = msp.add_linear_dim((0, 3), (0, 0), (2, 0), text="50.8").render().dimension
    dimension.dxf.defpoint2, dimension.dxf.defpoint3 = (0, 0), (0, 0)
    assert only(read(doc)).area_mm2 > 0

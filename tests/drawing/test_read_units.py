"""The unit: declared, missing, wrong, given."""

import numpy as np
import pytest
from dxf_making import (
    PLATE_AREA,
    areas,
    box,
    box_tags,
    codes,
    diameters,
    document,
    drawn,
    entities_section,
    only,
    plate,
    read,
    read_text,
)
from pydantic import ValidationError

from kontur.drawing import DrawingRules, read_parts
from kontur.errors import DrawingError

MM = {1: 25.4, 2: 304.8, 4: 1.0, 5: 10.0, 6: 1000.0, 9: 0.0254, 10: 914.4, 13: 1e-3}
NAMES = {"um": 1e-3, "mm": 1.0, "cm": 10.0, "m": 1000.0, "mil": 0.0254, "inch": 25.4, "foot": 304.8, "yard": 914.4}


def plate_in(mm_per_unit):
    """The plate 100 x 60 mm with holes of 10 and 16 mm, drawn in another unit."""

    def draw(msp):
        box(msp, 0, 0, 100 / mm_per_unit, 60 / mm_per_unit)
        msp.add_circle((20 / mm_per_unit, 20 / mm_per_unit), 5 / mm_per_unit)
        msp.add_circle((70 / mm_per_unit, 35 / mm_per_unit), 8 / mm_per_unit)

    return draw


@pytest.mark.parametrize("code", [1, 4, 5])
def test_a_declared_unit_of_a_plausible_size_is_believed(code):
    drawing = drawn(plate_in(MM[code]), unit=code)
    assert only(drawing).area_mm2 == pytest.approx(PLATE_AREA, rel=1e-9)
    assert diameters(only(drawing)) == pytest.approx([10, 16])
    assert NAMES[drawing.unit] == MM[code] and drawing.unit_confidence > 0.5


@pytest.mark.parametrize("name", sorted(NAMES))
@pytest.mark.parametrize("declared", [0, 1, 4])
def test_the_given_unit_overrides_what_the_file_says(name, declared):
    drawing = _given(name, declared)
    assert drawing.unit == name and drawing.unit_confidence == 1
    assert only(drawing).area_mm2 == pytest.approx(PLATE_AREA, rel=1e-6)
    assert "unit_guessed" not in codes(drawing)


def _given(name, declared):
    doc, msp = document(declared)
    plate_in(NAMES[name])(msp)
    return read(doc, unit=name)


def test_an_unknown_unit_is_refused():
    with pytest.raises(ValidationError):
        DrawingRules(unit="furlong")


def test_a_missing_unit_is_inferred_and_said():
    drawing = read_text(entities_section(box_tags(0, 0, 100, 60)))
    assert drawing.unit == "mm" and drawing.unit_confidence < 1
    assert areas(drawing) == [pytest.approx(6000)]


def test_round_holes_in_inches_are_recognised_without_a_declaration():
    def draw(msp):
        box(msp, 0, 0, 6, 4)
        for x in (1, 2, 3, 4, 5):
            msp.add_circle((x, 2), 0.125)

    drawing = drawn(draw, unit=0)
    assert drawing.unit == "inch"
    assert only(drawing).bbox_mm == pytest.approx((152.4, 101.6))


def test_metres_declared_by_mistake_are_not_believed_blindly():
    """A plate of 100 'metres' with holes of 10: the file's word alone is worth little."""
    drawing = drawn(plate, unit=6)
    assert drawing.unit == "mm" or drawing.unit_confidence < 0.5
    assert "unit_guessed" in codes(drawing) or drawing.unit_confidence > 0.9


def test_the_unit_never_changes_what_is_found():
    """Parts and holes are the same in every unit, only the scale differs."""
    found = [only(_read_as(name)) for name in sorted(NAMES)]
    for name, part in zip(sorted(NAMES), found, strict=True):
        assert part.area_mm2 == pytest.approx(PLATE_AREA * NAMES[name] ** 2, rel=1e-6)
        assert len(part.holes) == 2


def _read_as(name):
    doc, msp = document(0)
    plate(msp)
    return read(doc, unit=name, sagitta_mm=0.01 if NAMES[name] >= 1 else 1e-5)


@pytest.fixture
def doubtful(tmp_path):
    """An undeclared square of side 2: inches, centimetres, metres or a very small part in mm."""
    doc, msp = document(0)
    box(msp, 0, 0, 2, 2)
    doc.saveas(tmp_path / "square.dxf")
    return tmp_path / "square.dxf"


def test_a_doubtful_unit_is_refused_until_it_is_given(doubtful):
    with pytest.raises(DrawingError, match=r"square\.dxf.*unit"):
        read_parts([doubtful], DrawingRules(min_unit_confidence=0.9))
    parts, drawings = read_parts([doubtful], DrawingRules(unit="inch", min_unit_confidence=0.9))
    assert parts[0].area_mm2 == pytest.approx((2 * 25.4) ** 2) and drawings[0].unit == "inch"


def test_units_of_single_files_go_before_the_unit_of_all(doubtful):
    doc, msp = document(4)
    plate(msp)
    doc.saveas(doubtful.with_name("plate.dxf"))
    files = [doubtful, doubtful.with_name("plate.dxf")]
    for rules in (DrawingRules(units={"sq*.dxf": "in"}), DrawingRules(units={"sq*": "inch", "*": "cm"}, unit="m")):
        (square, _), drawings = read_parts(files, rules)
        assert square.area_mm2 == pytest.approx((2 * 25.4) ** 2) and drawings[0].unit_confidence == 1
        assert drawings[1].unit == ("cm" if rules.unit else "mm")


def test_the_refusal_says_what_to_write(doubtful):
    with pytest.raises(DrawingError, match=r"set units: \{'square\.dxf': mm\}"):
        read_parts([doubtful], DrawingRules(min_unit_confidence=0.9))


@pytest.mark.parametrize("units", [{"a.dxf": "furlong"}, {"a.dxf": None}, ["mm"]])
def test_wrong_units_of_single_files_are_refused(units):
    with pytest.raises(ValidationError):
        DrawingRules(units=units)


def test_the_user_is_told_what_was_assumed(doubtful):
    from kontur.drawing import read_drawing

    drawing = read_drawing(doubtful)
    (issue,) = [i for i in drawing.issues if i.code == "unit_guessed"]
    assert drawing.unit in issue.text and f"{drawing.unit_confidence:.2f}" in issue.text


@pytest.mark.parametrize(("size", "best", "least", "most"), [(2, "inch", 0.6, 0.85), (12, "mm", 0.3, 0.5),
                                                             (60, "mm", 0.6, 0.9), (300, "mm", 0.9, 1)])  # fmt: skip
def test_the_size_alone_tells_the_unit_the_better_the_larger_it_is(size, best, least, most):
    """Twelve may be millimetres or inches: runs refuse it, and the drawing is in doubt."""
    drawing = read_text(entities_section(box_tags(0, 0, size, size / 2)))
    assert drawing.unit == best and least < drawing.unit_confidence < most
    assert drawing.in_doubt == (drawing.unit_confidence < 0.5)


def test_fillets_of_round_inches_tell_the_unit_where_there_is_no_circle():
    """An outline 16 x 8 with corners of 1/8; in millimetres its fillets would measure 0.125."""
    bulge = np.tan(np.pi / 8)

    def draw(msp):
        x, y, r = 16, 8, 0.125
        msp.add_lwpolyline([(r, 0, 0), (x - r, 0, bulge), (x, r, 0), (x, y - r, bulge), (x - r, y, 0), (r, y, bulge),
                            (0, y - r, 0), (0, r, bulge)], format="xyb", close=True)  # fmt: skip
        msp.add_lwpolyline([(1, 1, 0), (3, 1, 1), (3, 1.5, 0), (1, 1.5, 1)], format="xyb", close=True)

    def lines_and_arcs(msp):
        draw(msp)
        for entity in list(msp):
            entity.explode()

    assert drawn(lines_and_arcs, unit=0).unit == "inch"


def test_confidence_is_a_probability():
    for unit in (0, 1, 4, 6):
        for scale in (1e-4, 1, 1e4):
            drawing = drawn(plate_in(1 / scale), unit=unit)
            assert 0 < drawing.unit_confidence <= 1 and np.isfinite(drawing.unit_confidence)


def test_a_declaration_that_fits_raises_the_confidence():
    declared, silent = (drawn(plate, unit=code).unit_confidence for code in (4, 0))
    assert declared > silent

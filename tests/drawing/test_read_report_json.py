"""The JSON document of a drawing and the exports, against what was drawn."""

import json

import numpy as np
import pytest
import shapely
from dxf_making import ELL, PLATE_AREA, document, drawn, placed, plate, ring

from kontur.drawing import DrawingRules, read_drawing
from kontur.drawing.export import geojson_of
from kontur.drawing.report import document_of, inspect_drawing


@pytest.fixture(scope="module")
def report():
    """A plate with holes and an L, through JSON and back."""

    def draw(msp):
        plate(msp)
        ring(msp, ELL + (200, 0))
        msp.add_text("note")

    return json.loads(json.dumps(document_of(drawn(draw), 0.5), allow_nan=False))


def test_measures_of_the_part(report):
    part = report["parts"][0]
    assert part["area_mm2"] == pytest.approx(PLATE_AREA)
    assert part["perimeter_mm"] == pytest.approx(320 + 26 * np.pi)
    assert part["bbox_mm"] == pytest.approx([100, 60])
    assert sorted(part["least_rectangle_mm"]) == pytest.approx([60, 100])
    moment = np.array([6000 * 50 - 25 * np.pi * 20 - 64 * np.pi * 70, 6000 * 30 - 25 * np.pi * 20 - 64 * np.pi * 35])
    assert part["datum_mm"] == pytest.approx((moment / PLATE_AREA).tolist(), rel=1e-6)


def test_holes_are_where_they_were_drawn(report):
    holes = sorted(report["parts"][0]["holes"], key=lambda hole: hole["diameter_mm"])
    assert [hole["diameter_mm"] for hole in holes] == pytest.approx([10, 16])
    assert [(hole["x_mm"], hole["y_mm"]) for hole in holes] == [pytest.approx((20, 20)), pytest.approx((70, 35))]
    assert [hole["area_mm2"] for hole in holes] == pytest.approx([25 * np.pi, 64 * np.pi])


def test_symmetry_is_told_both_ways(report):
    for part in report["parts"]:
        assert part["symmetry"] == 1 and part["chiral"] and not part["mirror_symmetric"]


def test_the_account_and_the_unit(report):
    assert report["readable"] and report["error"] is None and report["unit"] == "mm"
    assert report["entities"]["TEXT"] == {"total": 1, "used": 0, "not_geometry": 1, "not_cut": 0, "unsupported": 0}
    assert report["entities"]["CIRCLE"]["used"] == 2


@pytest.mark.parametrize(("unit", "mm"), [(4, 1.0), (1, 25.4), (None, 1.0)])
def test_the_whole_area_can_be_had_in_drawing_units(unit, mm):
    report = document_of(drawn(plate, unit), 0.5)
    assert report["mm_per_unit"] == mm and not report["in_doubt"]
    assert report["area_mm2"] / mm**2 == pytest.approx(PLATE_AREA)
    assert (len(report["parts"]), len(report["parts"][0]["holes"])) == (1, 2)


def test_doubt_is_told():
    report = document_of(drawn(lambda msp: (ring(msp, ELL), ring(msp, ELL + 10))), 0.5)
    assert report["in_doubt"] and "overlapping_contours" in {issue["code"] for issue in report["issues"]}


def test_a_file_that_cannot_be_read_is_reported_and_not_raised(tmp_path):
    (tmp_path / "bad.dxf").write_text("nothing")
    drawing, report = inspect_drawing(tmp_path / "bad.dxf", DrawingRules(), 0.5, read_drawing)
    assert drawing is None and not report["readable"] and "bad.dxf" in report["error"]
    assert report["in_doubt"] and report["area_mm2"] == 0
    doc, msp = document()
    plate(msp)
    doc.saveas(tmp_path / "good.dxf")
    assert set(inspect_drawing(tmp_path / "good.dxf", DrawingRules(), 0.5, read_drawing)[1]) >= set(report)


def test_geojson_holds_the_material_in_its_place():
    drawing = drawn(plate)
    (feature,) = json.loads(geojson_of(drawing))["features"]
    polygon = shapely.geometry.shape(feature["geometry"])
    assert polygon.area == pytest.approx(PLATE_AREA, rel=1e-6)
    assert polygon.symmetric_difference(placed(drawing.parts[0])).area < 1e-3

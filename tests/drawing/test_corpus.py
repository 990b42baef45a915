"""A regression table over real drawings, and their areas by an independent route.

The drawings are not part of the project: KONTUR_SHARED names the folder that holds dxf_corpus (default ../shared). Run with
--update-golden to write corpus.json anew, and look at what changed.
"""

import json
import os
from pathlib import Path

import pytest
from ezdxf_raster import raster_area

from kontur.drawing import DrawingRules, read_drawing
from kontur.drawing.limits import Limits
from kontur.drawing.reader import load, read_bytes
from kontur.errors import DrawingError
from kontur.geometry.units import mm_per

ROOT = Path(__file__).resolve().parents[2]
CORPUS = Path(os.environ.get("KONTUR_SHARED", ROOT.parent / "shared")) / "dxf_corpus"
TABLE = Path(__file__).parent / "corpus.json"

RASTERED = (
    "VoronDesign__Voron-Hardware/Toolhead_PCB_Outline.DXF",
    "benbeezy__Dollo/gear.dxf",
    "m112521__bots/platform_patch_v2.dxf",
    "m112521__bots/platform_w_penholder_v3.dxf",
    "maxicozy__micro-challenge-01/half-card.dxf",
    "maxicozy__micro-challenge-01/management-board-card.dxf",
    "openscad__openscad/arc.dxf",
    "openscad__openscad/ellipse.dxf",
    "openscad__openscad/polygon-riser.dxf",
    "reprappro__Ormerod/1044.1.DXF",
    "reprappro__Ormerod/561.1.DXF",
    "reprappro__Ormerod/Duet-enclosure-base-expansion.DXF",
    "stephen-huan__plaid/guard.dxf",
    "trebb__untouch/keycaps.dxf",
    "spacether__pycalculix/import-dxf-1.dxf",
    "technomancy__atreus/keys.dxf",
    "pobot__Delta-Robot/59_tooth.dxf",
    "yichengtsai__2025WRO_FE_Team_WeMakerLTL/Braking_Arm.DXF",
    "yichengtsai__2025WRO_FE_Team_WeMakerLTL/Plate_3.DXF",
    "UnfinishedBusiness__ProfileCAD/0.dxf",
    "peej__lumberjack-keyboard/lumberjack-split.dxf",
    "hugs__tapsterbot/tapster.dxf",
)

NOT_RASTERED = {
    "jscad__sample-files/2Dcircles.dxf": "the raster knows no layer rules: a frame",
    "jscad__sample-files/2Dellipses.dxf": "the raster knows no layer rules: a frame",
    "mikedh__trimesh/tray-easy1.dxf": "all geometry is in the paper space",
    "qcad__qcad/visibility_003_11_10.dxf": "all geometry is on a frozen layer",
    "skymakerolof__dxf/arrayed-holes.dxf": "ezdxf's frontend fails: an insertion scaled by 0 in z",
    "skymakerolof__dxf/testHatch.dxf": "the raster draws no hatches",
    "willdickson__nema34_mount_plate/plate.dxf": "the raster draws the lines of dimensions across the holes",
}

corpus_needed = pytest.mark.skipif(not CORPUS.is_dir(), reason=f"no drawings in {CORPUS}; set KONTUR_SHARED")


def files():
    return sorted(p for p in CORPUS.rglob("*") if p.suffix.lower() == ".dxf") if CORPUS.is_dir() else []


def summary(path):
    try:
        drawing = read_drawing(path)
    except DrawingError:
        return {"error": True}
    for kind, count in drawing.entities.items():
        assert count.total == count.used + count.not_geometry + count.not_cut + count.unsupported, kind
    return {
        "parts": len(drawing.parts),
        "holes": sum(len(part.holes) for part in drawing.parts),
        "area_mm2": float(f"{sum(part.area_mm2 for part in drawing.parts):.6g}"),
        "unit": drawing.unit,
        "issues": sorted({f"{issue.severity}:{issue.code}" for issue in drawing.issues}),
    }


@corpus_needed
@pytest.mark.slow
def test_real_drawings_read_as_the_table_says(request):
    found = {str(path.relative_to(CORPUS)): summary(path) for path in files()}
    if request.config.getoption("--update-golden"):
        rows = ",\n".join(f" {json.dumps(name)}: {json.dumps(row)}" for name, row in found.items())
        TABLE.write_text("{\n" + rows + "\n}\n", encoding="utf-8")
    expected = json.loads(TABLE.read_text(encoding="utf-8"))
    changed = {name: (row, found.get(name)) for name, row in expected.items() if not _same(row, found.get(name))}
    assert not changed and set(found) == set(expected)


def _same(expected, found):
    if found is None or expected.keys() != found.keys():
        return False
    return all(
        found[key] == pytest.approx(value, rel=1e-4) if key == "area_mm2" else found[key] == value
        for key, value in expected.items()
    )


@corpus_needed
@pytest.mark.parametrize("name", RASTERED)
def test_areas_agree_with_ezdxf_drawn_and_flood_filled(name):
    assert _raster_share(name) == pytest.approx(1, abs=0.01)


@corpus_needed
@pytest.mark.slow
def test_every_plain_reading_agrees_with_ezdxf_drawn_and_flood_filled():
    """All drawings of the table with parts and without doubt, but those that the raster cannot show."""
    table = json.loads(TABLE.read_text(encoding="utf-8"))
    plain = [name for name, row in table.items() if row.get("parts") and not _in_doubt(row)]
    shares = {name: _raster_share(name) for name in plain if name not in NOT_RASTERED}
    wrong = {name: share for name, share in shares.items() if share != pytest.approx(1, abs=0.01)}
    assert not wrong and set(NOT_RASTERED) <= set(plain) and set(RASTERED) <= set(shares)


def _in_doubt(row):
    return any(issue.startswith(("ambiguous:", "error:")) for issue in row["issues"])


def _raster_share(name):
    """Area of the parts over the raster's."""
    drawing = read_drawing(CORPUS / name)
    loaded = load(read_bytes(CORPUS / name, 1 << 30), name, Limits(name, 60, 10**6))
    area = sum(part.area_mm2 for part in drawing.parts) / mm_per(drawing.unit) ** 2
    return area / raster_area(loaded.document)


@corpus_needed
def test_the_unit_can_be_given_for_any_file():
    path = CORPUS / RASTERED[0]
    one, other = (read_drawing(path, DrawingRules(unit=unit)) for unit in ("mm", "inch"))
    assert other.parts[0].area_mm2 == pytest.approx(one.parts[0].area_mm2 * 25.4**2, rel=1e-4)
    assert one.unit_confidence == other.unit_confidence == 1

"""`kontur inspect`: the JSON document, the tables, pictures and page, and bad files among good ones."""

import json
import os
import re
import xml.etree.ElementTree as ElementTree
from numbers import Real

import cv2
import ezdxf
import numpy as np
import pytest
import shapely

from kontur.scaffold import create_workspace

PLATE = [(0, 0), (60, 0), (60, 40), (0, 40)]
ELL = [(100, 0), (140, 0), (140, 12), (113, 12), (113, 28), (100, 28)]
FILE_KEYS = {"file", "readable", "error", "unit", "unit_confidence", "entities", "parts", "issues"}
COUNT_KEYS = {"total", "used", "not_geometry", "not_cut", "unsupported"}
PART_KEYS = {"name", "area_mm2", "perimeter_mm", "bbox_mm", "holes", "symmetry", "chiral"}
HOLE_KEYS = {"diameter_mm", "area_mm2", "x_mm", "y_mm"}
ISSUE_KEYS = {"code", "severity", "x_mm", "y_mm", "text"}
SEVERITIES = {"error", "ambiguous", "warning", "info"}


def draw(path, rings=(), circles=(), unit=4, dimension=False, open_line=False):
    """Write a drawing of closed polylines and circles (x, y, radius); `unit` as DXF counts them, 0 for none."""
    document = ezdxf.new("R2010", units=unit)
    space = document.modelspace()
    for ring in rings:
        space.add_lwpolyline(ring, close=True)
    for x, y, radius in circles:
        space.add_circle((x, y), radius)
    if dimension:
        space.add_text("scrap rate 3 %").set_placement((0, -20))
    if open_line:
        space.add_lwpolyline([(200, 0), (230, 0), (230, 25)])
    document.saveas(path)
    return path


@pytest.fixture(scope="module")
def drawings(tmp_path_factory):
    """Plates with a text and an open line, a ring, and a plate in inches."""
    folder = tmp_path_factory.mktemp("inspected") / "drawings"
    folder.mkdir()
    draw(folder / "sheet.dxf", [PLATE, ELL], [(10, 8, 4), (48, 30, 5)], dimension=True, open_line=True)
    draw(folder / "ring.dxf", circles=[(5, 5, 16), (5, 5, 9)])
    draw(folder / "inches.dxf", [np.array(PLATE) / 25.4], [(10 / 25.4, 8 / 25.4, 4 / 25.4)], unit=1)
    return folder


@pytest.fixture
def inspected(run_kontur, drawings):
    """The files of the JSON document by name."""

    def run(*words, code=0):
        said = run_kontur("inspect", *(words or (drawings,)), "--json")
        assert said.code == code, said.err
        return {entry["file"].rpartition("/")[2]: entry for entry in json.loads(said.out)["files"]}

    return run


def test_the_document_has_every_key_of_the_contract_with_its_type(inspected):
    for file in inspected().values():
        assert set(file) >= FILE_KEYS
        assert file["readable"] is True and file["error"] is None
        assert isinstance(file["unit"], str) and 0 <= file["unit_confidence"] <= 1
        for kind, count in file["entities"].items():
            assert kind == kind.upper() and set(count) == COUNT_KEYS
            assert all(type(number) is int and number >= 0 for number in count.values())
        for part in file["parts"]:
            assert set(part) >= PART_KEYS
            assert type(part["symmetry"]) is int and type(part["chiral"]) is bool
            assert len(part["bbox_mm"]) == 2 and all(isinstance(side, Real) for side in part["bbox_mm"])
            assert all(set(hole) == HOLE_KEYS for hole in part["holes"])
        for issue in file["issues"]:
            assert set(issue) == ISSUE_KEYS and issue["severity"] in SEVERITIES
            assert (issue["x_mm"] is None) == (issue["y_mm"] is None)


def test_the_counts_of_entities_add_up_to_what_was_drawn(inspected):
    entities = inspected()["sheet.dxf"]["entities"]
    drawn = {"LWPOLYLINE": 3, "CIRCLE": 2, "TEXT": 1}
    assert {kind: count["total"] for kind, count in entities.items()} == drawn
    for count in entities.values():
        assert count["total"] == sum(count[key] for key in COUNT_KEYS - {"total"})
    assert entities["CIRCLE"]["used"] == 2 and entities["TEXT"]["not_geometry"] == 1


def test_the_parts_are_those_drawn_with_shapelys_areas(inspected):
    plate, bracket = inspected()["sheet.dxf"]["parts"]
    circles = [(10, 8, 4), (48, 30, 5)]
    holes = np.pi * 16 + np.pi * 25
    assert plate["area_mm2"] == pytest.approx(shapely.Polygon(PLATE).area - holes)
    assert plate["perimeter_mm"] == pytest.approx(200 + 2 * np.pi * 9)
    assert plate["bbox_mm"] == pytest.approx([60, 40])
    found = sorted((hole["x_mm"], hole["y_mm"], hole["diameter_mm"] / 2) for hole in plate["holes"])
    assert np.array(found) == pytest.approx(np.array(circles))
    assert bracket["area_mm2"] == pytest.approx(shapely.Polygon(ELL).area)
    assert (bracket["holes"], bracket["symmetry"], bracket["chiral"]) == ([], 1, True)


def test_the_datum_and_the_least_rectangle_are_shapelys(inspected):
    bracket = inspected()["sheet.dxf"]["parts"][1]
    centre = shapely.Polygon(ELL).centroid
    assert bracket["datum_mm"] == pytest.approx([centre.x, centre.y])
    box = shapely.minimum_rotated_rectangle(shapely.Polygon(ELL))
    assert np.prod(bracket["least_rectangle_mm"]) == pytest.approx(box.area)


def test_a_ring_is_round_and_its_bore_no_part(inspected):
    (ring,) = inspected()["ring.dxf"]["parts"]
    assert (ring["symmetry"], ring["chiral"], len(ring["holes"])) == (0, False, 1)
    assert ring["area_mm2"] == pytest.approx(np.pi * (256 - 81))
    assert ring["thinnest_web_mm"] == pytest.approx(7, abs=0.05)


def test_a_drawing_in_inches_is_told_in_millimetres(inspected):
    file = inspected()["inches.dxf"]
    assert (file["unit"], file["unit_confidence"]) == ("inch", pytest.approx(1, abs=0.2))
    (plate,) = file["parts"]
    assert plate["bbox_mm"] == pytest.approx([60, 40])
    assert plate["holes"][0]["diameter_mm"] == pytest.approx(8)


@pytest.mark.parametrize(("unit", "factor"), [("mm", 1), ("cm", 10), ("inch", 25.4), ("mil", 0.0254)])
def test_the_unit_that_is_given_is_taken_and_certain(inspected, tmp_path, unit, factor):
    path = draw(tmp_path / "a.dxf", [PLATE], unit=0)
    file = inspected(path, "--unit", unit)["a.dxf"]
    assert (file["unit"], file["unit_confidence"]) == (unit, 1)
    assert file["parts"][0]["bbox_mm"] == pytest.approx([60 * factor, 40 * factor])


def test_a_unit_that_does_not_exist_is_refused_before_anything_is_read(run_kontur, drawings):
    said = run_kontur("inspect", drawings, "--unit", "furlong")
    assert said.code == 2 and said.out == ""
    assert "furlong" in said.err and "inch" in said.err


def test_the_unit_of_the_workspace_is_taken(run_kontur, tmp_path):
    path = draw(tmp_path / "a.dxf", [PLATE], unit=0)
    space = create_workspace(tmp_path / "w", [path])
    config = space.data_config.read_text()
    space.data_config.write_text(re.sub(r"(\n  unit: )\S+", r"\1cm", config, count=1))
    file = json.loads(run_kontur("inspect", "--json", "-C", space.root).out)["files"][0]
    assert (file["unit"], file["parts"][0]["bbox_mm"]) == ("cm", pytest.approx([600, 400]))


def test_file_folder_and_glob_are_sources_and_named_once(inspected, drawings):
    every = ["inches.dxf", "ring.dxf", "sheet.dxf"]
    assert list(inspected(drawings)) == every
    assert list(inspected(f"{drawings}/*n*.dxf")) == ["inches.dxf", "ring.dxf"]
    assert list(inspected(drawings / "sheet.dxf", drawings)) == ["sheet.dxf", "inches.dxf", "ring.dxf"]


@pytest.mark.parametrize("source", ["empty", "nothing-*.dxf"])
def test_a_source_without_drawings_is_one_line(run_kontur, tmp_path, source):
    (tmp_path / "empty").mkdir()
    said = run_kontur("inspect", tmp_path / source)
    assert said.code == 2 and said.out == ""
    assert re.fullmatch(r"error: .*no drawings there; .*\n", said.err)


BAD = {
    "nothing.dxf": b"",
    "picture.dxf": b"\x89PNG\r\n\x1a\n" + bytes(range(200)),
    "prose.dxf": b"this is not a drawing\nat all\n",
    "cut.dxf.gz": b"\x1f\x8b\x08\x00broken",
}


@pytest.mark.parametrize("name", sorted(BAD))
def test_a_bad_file_is_told_among_good_ones(inspected, drawings, tmp_path, name):
    (tmp_path / name).write_bytes(BAD[name])
    files = inspected(drawings, tmp_path / name, code=2)
    assert list(files) == ["inches.dxf", "ring.dxf", "sheet.dxf", name]
    bad = files.pop(name)
    assert set(bad) >= FILE_KEYS
    assert (bad["readable"], bad["unit"], bad["parts"], bad["entities"]) == (False, None, [], {})
    assert name in bad["error"] and "\n" not in bad["error"]
    assert all(file["readable"] and file["parts"] for file in files.values())


def test_a_missing_file_is_told_among_good_ones(run_kontur, drawings, tmp_path):
    said = run_kontur("inspect", tmp_path / "none.dxf", drawings / "ring.dxf")
    assert said.code == 2
    assert "none.dxf" in said.out and "cannot be read" in said.out
    assert "ring" in said.out and "round" in said.out
    assert said.err.splitlines()[-1].startswith("error: 1 of 2 files cannot be read: ")


def test_the_table_has_a_row_for_every_part(run_kontur, drawings):
    said = run_kontur("inspect", drawings)
    rows = [line.split() for line in said.out.splitlines()]
    ring = next(row for row in rows if row[:1] == ["ring"])
    assert [float(ring[1]), float(ring[3])] == pytest.approx([32, 32], abs=0.011)
    assert ring[4:10] == [f"{np.pi * 175:.1f}", "1", "1", "x", "18.00", "round"]
    assert any("another part" in line and "40.00 x 28.00" in line for line in said.out.splitlines())
    assert "unit inch (confidence" in said.out


def test_an_open_outline_is_an_issue_with_its_place_in_table_and_document(run_kontur, inspected, drawings):
    issues = inspected()["sheet.dxf"]["issues"]
    placed = [issue for issue in issues if issue["x_mm"] is not None and 195 < issue["x_mm"] < 235]
    assert placed
    said = run_kontur("inspect", drawings / "sheet.dxf")
    for issue in placed:
        assert f"{issue['code']} at ({issue['x_mm']:.2f}, {issue['y_mm']:.2f})" in " ".join(said.out.split())


@pytest.mark.parametrize("name", ["clip [red]2[bold].dxf", "a[/b].dxf"])
def test_a_file_whose_name_looks_like_markup_is_shown_as_it_is(run_kontur, tmp_path, name):
    if "/" in name:
        (tmp_path / name).parent.mkdir()
    said = run_kontur("inspect", draw(tmp_path / name, [PLATE]))
    assert said.code == 0
    assert name in said.out


def test_look_alikes_are_in_document_and_table(run_kontur, tmp_path):
    draw(tmp_path / "one.dxf", [PLATE], [(10, 8, 4)])
    draw(tmp_path / "two.dxf", [PLATE], [(10, 8, 4), (48, 30, 3)])
    document = json.loads(run_kontur("inspect", tmp_path, "--json", "--mm-per-px", "0.4", "0.5").out)
    pair = next(like for like in document["look_alikes"] if not like["mirrored"])
    assert sorted(pair["parts"]) == ["one", "two"]
    assert pair["difference_mm2"] == pytest.approx(9 * np.pi, rel=0.05)
    assert pair["mm_per_px"] == 0.5
    assert pair["difference_px"] == pytest.approx(pair["difference_mm2"] / 0.25)
    said = run_kontur("inspect", tmp_path, "--mm-per-px", "0.4", "0.5")
    assert f"look-alikes one and two: differ by {pair['difference_px']:.0f} px at 0.5 mm/px" in said.out


def test_pictures_of_each_drawing_are_written(run_kontur, drawings, tmp_path):
    said = run_kontur("inspect", drawings, "--draw", tmp_path / "drawn")
    assert said.code == 0
    names = {f"{stem}{suffix}" for stem in ("inches", "ring", "sheet") for suffix in (".png", ".svg", ".geojson")}
    assert {path.name for path in (tmp_path / "drawn").iterdir()} == names
    assert (tmp_path / "drawn" / "ring.png").read_bytes()[:4] == b"\x89PNG"
    assert len(list(ElementTree.parse(tmp_path / "drawn" / "sheet.svg").iter("{http://www.w3.org/2000/svg}path"))) == 2


def test_pictures_and_page_are_written_for_the_good_files_beside_a_bad_one(run_kontur, drawings, tmp_path):
    (tmp_path / "bad.dxf").write_bytes(BAD["prose.dxf"])
    page = tmp_path / "parts.html"
    said = run_kontur(
        "inspect", drawings / "ring.dxf", tmp_path / "bad.dxf", "--draw", tmp_path / "drawn", "--html", page
    )
    assert said.code == 2
    assert {path.stem for path in (tmp_path / "drawn").iterdir()} == {"ring"}
    text = page.read_text()
    assert text.count("<svg ") == 1 and "bad.dxf" in text


def test_json_beside_page_and_pictures_stays_alone_on_standard_output(run_kontur, drawings, tmp_path):
    said = run_kontur(
        "inspect", drawings / "ring.dxf", "--json", "--html", tmp_path / "a.html", "--draw", tmp_path / "d"
    )
    assert said.code == 0
    assert len(json.loads(said.out)["files"]) == 1
    assert (tmp_path / "a.html").is_file() and len(list((tmp_path / "d").iterdir())) == 3


def test_a_page_that_cannot_be_written_is_one_line(run_kontur, drawings, tmp_path):
    (tmp_path / "file").write_text("in the way")
    said = run_kontur("inspect", drawings / "ring.dxf", "--html", tmp_path / "file" / "a.html")
    assert said.code == 2
    assert "error: " in said.err and "Traceback" not in said.err


def test_the_drawings_are_not_written_to(run_kontur, drawings, tmp_path):
    before = {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in drawings.iterdir()}
    run_kontur("inspect", drawings, "--html", tmp_path / "a.html")
    assert {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in drawings.iterdir()} == before


def test_masks_are_written_at_the_scale_that_is_asked_for(run_kontur, drawings, tmp_path):
    """The pixels' sum and their mean against the polygon's area and centroid in closed form, to 0.1 %."""
    said = run_kontur("inspect", drawings / "ring.dxf", drawings / "sheet.dxf", "--masks", tmp_path, "--px-per-mm", 3)
    assert said.code == 0
    assert {path.name for path in tmp_path.iterdir()} == {"ring.png", "sheet-1.png", "sheet-2.png"}
    ring = cv2.imread(str(tmp_path / "ring.png"), cv2.IMREAD_UNCHANGED) / 255
    assert ring.ndim == 2 and ring.sum() / 9 == pytest.approx(np.pi * 175, rel=1e-3)
    bracket = cv2.imread(str(tmp_path / "sheet-2.png"), cv2.IMREAD_UNCHANGED) / 255
    assert bracket.shape == (28 * 3 + 4, 40 * 3 + 4)
    assert bracket.sum() / 9 == pytest.approx(shapely.Polygon(ELL).area, rel=1e-3)
    v, u = np.mgrid[: bracket.shape[0], : bracket.shape[1]]
    x, y = ((u * bracket).sum() / bracket.sum() - 2) / 3, (28 * 3 + 2 - (v * bracket).sum() / bracket.sum()) / 3
    centre = shapely.Polygon(ELL).centroid
    assert (100 + x, y) == pytest.approx((centre.x, centre.y), rel=1e-3)


def test_masks_take_the_pixels_of_the_camera_by_default(run_kontur, drawings, tmp_path):
    run_kontur("inspect", drawings / "ring.dxf", "--masks", tmp_path, "--mm-per-px", "0.4", "0.5")
    assert cv2.imread(str(tmp_path / "ring.png")).shape[:2] == (32 * 2 + 5, 32 * 2 + 5)  # a hair wider than the circle


def test_masks_of_parts_with_one_name_do_not_overwrite_each_other(run_kontur, tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        draw(tmp_path / folder / "plate.dxf", [PLATE])
    run_kontur("inspect", tmp_path / "a", tmp_path / "b", "--masks", tmp_path / "m", "--px-per-mm", 1)
    assert {path.name for path in (tmp_path / "m").iterdir()} == {"plate.png", "plate~2.png"}


@pytest.mark.parametrize("scale", ["0", "-2", "x", "1e9"])
def test_a_scale_of_masks_that_makes_no_sense_is_one_line(run_kontur, drawings, tmp_path, scale):
    said = run_kontur("inspect", drawings / "ring.dxf", "--masks", tmp_path, "--px-per-mm", scale)
    assert said.code == 2 and said.err.splitlines()[-1].startswith("error: ")


def test_the_smallest_feature_is_told_in_pixels_and_whether_it_shows(run_kontur, drawings):
    def ring(mm_per_px):
        said = run_kontur("inspect", drawings / "ring.dxf", "--json", "--mm-per-px", mm_per_px, mm_per_px)
        return json.loads(said.out)["files"][0]["parts"][0]

    fine, coarse = ring("0.5"), ring("4")
    assert fine["smallest_feature_px"] == pytest.approx(7 / 0.5, abs=0.1) and fine["smallest_feature_seen"]
    assert coarse["smallest_feature_px"] == pytest.approx(7 / 4, abs=0.02) and not coarse["smallest_feature_seen"]
    assert "not seen" in run_kontur("inspect", drawings / "ring.dxf", "--mm-per-px", 4, 4).out


def test_copies_on_a_sheet_are_one_kind_and_no_look_alikes(run_kontur, tmp_path):
    """Two turned copies of the bracket, and its mirror image, which is a look-alike of both but given once."""
    turn = np.array([[0, 1], [-1, 0]])
    rings = [ELL, np.array(ELL) @ turn + (300, 300), np.array(ELL) * (-1, 1) + (500, 0)]
    path = draw(tmp_path / "sheet.dxf", rings)
    document = json.loads(run_kontur("inspect", path, "--json").out)
    assert [len(names) for names in document["copies"]] == [2]
    mirrored = [like for like in document["look_alikes"] if like["mirrored"] and len(set(like["parts"])) == 2]
    assert len(mirrored) == 1 and mirrored[0]["difference_px"] < 1
    assert "copies of one part, 2: " in run_kontur("inspect", path).out


def test_a_part_that_is_hard_to_tell_from_its_own_back_is_told(run_kontur, tmp_path):
    draw(tmp_path / "plate.dxf", [PLATE], [(10, 8, 2)])
    (like,) = json.loads(run_kontur("inspect", tmp_path, "--json", "--mm-per-px", 1, 1).out)["look_alikes"]
    assert like["parts"] == ["plate", "plate"] and like["mirrored"]
    assert like["difference_px"] == pytest.approx(8 * np.pi, rel=0.02)
    assert like["difference_width_px"] == pytest.approx(4, rel=0.02)
    assert "plate face up and face down" in run_kontur("inspect", tmp_path).out


def test_a_file_that_is_no_file_is_told_among_good_ones(inspected, drawings, tmp_path):
    """A named pipe would wait for ever."""
    os.mkfifo(tmp_path / "pipe.dxf")
    files = inspected(tmp_path / "pipe.dxf", drawings / "ring.dxf", code=2)
    assert "not a file" in files["pipe.dxf"]["error"] and files["ring.dxf"]["parts"]


def test_a_bomb_does_not_stop_the_rest(inspected, drawings, tmp_path):
    document = ezdxf.new("R2010", units=4)
    document.blocks.new("B0").add_circle((0, 0), 1)
    grid = {"column_count": 1000, "row_count": 1000, "column_spacing": 3, "row_spacing": 3}
    document.blocks.new("B1").add_blockref("B0", (0, 0), grid)
    document.modelspace().add_blockref("B1", (0, 0), grid)
    document.saveas(tmp_path / "bomb.dxf")
    files = inspected(tmp_path / "bomb.dxf", drawings / "ring.dxf", code=2)
    assert "1000000000000 entities" in files["bomb.dxf"]["error"] and files["ring.dxf"]["parts"]


def test_a_file_name_that_is_no_text_is_shown(run_kontur, tmp_path):
    draw(tmp_path / os.fsdecode(b"a\xff.dxf"), [PLATE])
    said = run_kontur("inspect", tmp_path, "--html", tmp_path / "a.html")
    assert said.code == 0 and "60.00 x 40.00" in said.out

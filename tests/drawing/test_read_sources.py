"""Finding drawings and reading many of them for use."""

import gzip
from pathlib import Path

import pytest
from dxf_making import ELL, ELL_AREA, PLATE_AREA, document, plate, ring

from kontur.drawing import DrawingRules, find_drawings, read_parts
from kontur.errors import DrawingError


@pytest.fixture
def folder(tmp_path):
    """a.dxf (plate), B.DXF (a small L and a large one), c.dxf.gz (plate), notes.txt, and sub/d.dxf."""
    doc, msp = document()
    plate(msp)
    doc.saveas(tmp_path / "a.dxf")
    (tmp_path / "c.dxf.gz").write_bytes(gzip.compress((tmp_path / "a.dxf").read_bytes()))
    (tmp_path / "sub").mkdir()
    doc.saveas(tmp_path / "sub" / "a.dxf")
    doc, msp = document()
    ring(msp, ELL)
    ring(msp, ELL * 1.5 + (100, 0))
    doc.saveas(tmp_path / "B.DXF")
    (tmp_path / "notes.txt").write_text("no drawing")
    return tmp_path


def names(paths: list[Path]) -> list[str]:
    return [path.name for path in paths]


def test_a_folder_gives_its_drawings_sorted(folder):
    assert names(find_drawings([folder])) == ["B.DXF", "a.dxf", "c.dxf.gz"]


def test_globs_and_files_and_no_file_twice(folder):
    assert names(find_drawings([f"{folder}/*.dxf"])) == ["a.dxf"]
    assert len(find_drawings([f"{folder}/**/*.dxf"])) == 2
    assert names(find_drawings([folder / "a.dxf", folder, str(folder / "a.dxf")])) == ["a.dxf", "B.DXF", "c.dxf.gz"]


@pytest.mark.parametrize("source", ["*.dwg", "sub/none*"])
def test_a_source_that_matches_nothing_is_refused(folder, source):
    with pytest.raises(DrawingError, match="no drawings"):
        find_drawings([f"{folder}/{source}"])


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(DrawingError, match="no drawings"):
        find_drawings([tmp_path])


def test_parts_of_all_files_have_names_of_their_own(folder):
    parts, drawings = read_parts([*find_drawings([folder]), folder / "sub" / "a.dxf"])
    assert [part.name for part in parts] == ["B-1", "B-2", "a", "c", "a~2"]
    assert [part.area_mm2 for part in parts] == pytest.approx([ELL_AREA, 2.25 * ELL_AREA] + [PLATE_AREA] * 3)
    assert [len(drawing.parts) for drawing in drawings] == [2, 1, 1, 1]


def test_all_faults_are_told_at_once(folder):
    (folder / "bad.dxf").write_text("nothing")
    doc, msp = document()
    msp.add_line((0, 0), (50, 0))
    doc.saveas(folder / "line.dxf")
    with pytest.raises(DrawingError) as caught:
        read_parts([folder / "a.dxf", folder / "bad.dxf", folder / "line.dxf"])
    assert "bad.dxf" in str(caught.value) and "line.dxf" in str(caught.value)
    assert "/a.dxf" not in str(caught.value)


def test_reading_twice_gives_the_same(folder):
    first, second = (read_parts([folder / "B.DXF"], DrawingRules())[0] for _ in range(2))
    assert [part.sha256 for part in first] == [part.sha256 for part in second]

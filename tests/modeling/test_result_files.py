"""Results written picture by picture: what is read back is what was said."""

import csv
import json

import pytest
from modeling_shapes import bracket, disc, plate

from kontur.errors import WorkspaceError
from kontur.geometry import PixelPose
from kontur.modeling.detections import from_poses
from kontur.modeling.result_files import CSV_COLUMNS, coco_document, csv_table, detections_document, json_lines
from kontur.modeling.results import coco_results, picture_result, write_detections

PARTS = (bracket(), plate(4), disc())
POSES = [PixelPose(60.25, 50.5, 0.4, 1.5, flipped=True), PixelPose(130.0, 60.0, 2.0, 1.0)]


@pytest.fixture(scope="module")
def entries():
    """Three pictures: two parts, none, a disc, which has no angle; a name that needs quoting."""
    found = [
        from_poses((200, 130), [0, 1], [0.9, 0.8], POSES),
        from_poses((200, 130), [], [], []),
        from_poses((200, 130), [2], [0.7], POSES[1:]),
    ]
    return [
        picture_result(name, item, PARTS) for name, item in zip(('a "1", x.png', "b.png", "c.png"), found, strict=True)
    ]


def put(manager, entries):
    with manager as add:
        for entry in entries:
            add(entry)


@pytest.mark.parametrize("count", [0, 1, 3])
def test_the_document_is_that_of_all_pictures_at_once(tmp_path, entries, count):
    put(detections_document(tmp_path / "one.json"), entries[:count])
    write_detections(tmp_path / "two.json", entries[:count])
    assert json.loads((tmp_path / "one.json").read_text()) == json.loads((tmp_path / "two.json").read_text())


@pytest.mark.parametrize("count", [0, 1, 3])
def test_the_coco_document_is_that_of_all_pictures_at_once(tmp_path, entries, count):
    put(coco_document(tmp_path / "c.json", PARTS), entries[:count])
    assert json.loads((tmp_path / "c.json").read_text()) == coco_results(entries[:count], PARTS)


def test_lines_can_be_followed_while_they_are_written(tmp_path, entries):
    with json_lines(tmp_path / "d.jsonl") as add:
        for number, entry in enumerate(entries, 1):
            add(entry)
            lines = (tmp_path / "d.jsonl").read_text().splitlines()
            assert [json.loads(line) for line in lines] == entries[:number]


def test_a_table_has_a_row_for_each_detection(tmp_path, entries):
    put(csv_table(tmp_path / "d.csv"), entries)
    with (tmp_path / "d.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert tuple(rows[0]) == CSV_COLUMNS
    assert [(row["file"], row["part"]) for row in rows] == [
        ('a "1", x.png', "bracket"), ('a "1", x.png', "plate4"), ("c.png", "disc"),
    ]  # fmt: skip
    assert float(rows[0]["u_px"]) == 60.25
    assert (rows[0]["flipped"], rows[1]["flipped"]) == ("1", "0")
    assert rows[2]["angle_deg"] == ""


@pytest.mark.parametrize("manager", [detections_document, json_lines, csv_table])
def test_a_folder_that_cannot_be_made_is_one_clear_error(tmp_path, entries, manager):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(WorkspaceError, match="cannot be written"):
        put(manager(tmp_path / "file" / "d"), entries)


def test_an_interrupted_document_leaves_nothing(tmp_path, entries):
    with pytest.raises(KeyboardInterrupt), detections_document(tmp_path / "d.json") as add:
        add(entries[0])
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []

"""Folders that somebody annotated, in both formats, good and bad."""

import json

import cv2
import numpy as np
import pytest
from modeling_scenes import bracket, triangle, washer
from pycocotools import mask as coco_mask

from kontur.errors import DatasetError
from kontur.modeling.annotated import id_map, read_annotated

PARTS = (bracket(), washer(), triangle())
WIDTH, HEIGHT = 160, 100


def picture(path, grey=90):
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full((HEIGHT, WIDTH, 3), grey, np.uint8))


def coco_folder(folder, **changes):
    picture(folder / "images" / "a.png")
    document = {
        "images": [{"id": 7, "file_name": "a.png", "width": WIDTH, "height": HEIGHT}],
        "categories": [{"id": 3, "name": "washer"}, {"id": 9, "name": "triangle"}],
        "annotations": [
            {"id": 1, "image_id": 7, "category_id": 3, "segmentation": [[10, 20, 50, 20, 50, 60, 10, 60]]},
            {"id": 2, "image_id": 7, "category_id": 9, "segmentation": [[100, 10, 140, 10, 120, 40]]},
        ],
    } | changes
    (folder / "instances.json").write_text(json.dumps(document))
    return folder


def yolo_folder(folder, rows=("1 0.0625 0.2 0.3125 0.2 0.3125 0.6 0.0625 0.6",), names="[bracket, washer]"):
    picture(folder / "images" / "one" / "a.png")
    picture(folder / "images" / "one" / "empty.png")
    (folder / "labels" / "one").mkdir(parents=True)
    (folder / "labels" / "one" / "a.txt").write_text("\n".join(rows))
    (folder / "data.yaml").write_text(f"path: .\nnames: {names}\n")
    return folder


def test_coco_polygons(tmp_path):
    truth = read_annotated(coco_folder(tmp_path), PARTS)
    (content,) = truth.pictures
    assert content.size_wh == (WIDTH, HEIGHT)
    assert [PARTS[item.part].name for item in content.instances] == ["washer", "triangle"]
    expected = np.zeros((HEIGHT, WIDTH), np.uint8)
    expected[20:60, 10:50] = 1
    np.testing.assert_array_equal(coco_mask.decode(content.instances[0].mask), expected)
    assert content.instances[1].area_px == pytest.approx(40 * 30 / 2, rel=0.05)
    assert content.instances[0].pose is None
    assert truth.load(0).shape == (HEIGHT, WIDTH, 3)


def test_yolo_outlines_and_a_picture_without_labels(tmp_path):
    truth = read_annotated(yolo_folder(tmp_path), PARTS)
    labelled, empty = truth.pictures
    assert (labelled.file, empty.file) == ("one/a.png", "one/empty.png")
    assert empty.instances == ()
    (item,) = labelled.instances
    assert PARTS[item.part].name == "washer"
    rows, columns = np.nonzero(coco_mask.decode(item.mask))
    assert (columns.min(), columns.max(), rows.min(), rows.max()) == (10, 49, 20, 59)


def test_both_formats_say_the_same(tmp_path):
    """The same square in COCO's pixels and in YOLO's fractions."""
    first = read_annotated(coco_folder(tmp_path / "coco"), PARTS).pictures[0].instances[0]
    second = read_annotated(yolo_folder(tmp_path / "yolo"), PARTS).pictures[0].instances[0]
    np.testing.assert_array_equal(coco_mask.decode(first.mask), coco_mask.decode(second.mask))


def test_names_may_be_numbered(tmp_path):
    truth = read_annotated(yolo_folder(tmp_path, names="{0: triangle, 1: washer}"), PARTS)
    assert PARTS[truth.pictures[0].instances[0].part].name == "washer"


def test_where_masks_overlap_the_smaller_is_seen(tmp_path):
    rows = ("0 0.1 0.1 0.9 0.1 0.9 0.9 0.1 0.9", "1 0.3 0.3 0.5 0.3 0.5 0.5 0.3 0.5")
    ids = id_map(read_annotated(yolo_folder(tmp_path, rows), PARTS).pictures[0])
    assert ids[40, 64] == 2
    assert ids[15, 30] == 1
    assert ids[2, 2] == 0
    assert (ids == 2).sum() == 32 * 20


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (["1 0.5 0.5 0.2 0.2"], "a box"),
        (["1 0.5 0.5 0.2 0.2 0.3"], "three corners"),
        (["8 0.1 0.1 0.2 0.1 0.2 0.2"], "class number"),
        (["washer 0.1 0.1 0.2 0.1 0.2 0.2"], "class number"),
        (["1 0.1 nan 0.2 0.1 0.2 0.2"], "three corners"),
    ],
)
def test_bad_labels_are_named_with_their_line(tmp_path, rows, said):
    with pytest.raises(DatasetError, match=rf"a\.txt:1: .*{said}"):
        read_annotated(yolo_folder(tmp_path, rows), PARTS)


def test_classes_that_are_no_parts(tmp_path):
    with pytest.raises(DatasetError, match=r"data\.yaml: .*gasket"):
        read_annotated(yolo_folder(tmp_path, names="[gasket, washer]"), PARTS)
    strange = [{"id": 3, "name": "gasket"}, {"id": 9, "name": "triangle"}]
    with pytest.raises(DatasetError, match="gasket"):
        read_annotated(coco_folder(tmp_path / "coco", categories=strange), PARTS)


def test_what_is_missing_is_said(tmp_path):
    with pytest.raises(DatasetError, match="no such folder"):
        read_annotated(tmp_path / "nowhere", PARTS)
    with pytest.raises(DatasetError, match=r"neither a COCO file .* nor YOLO's"):
        read_annotated(tmp_path, PARTS)
    folder = coco_folder(tmp_path / "coco")
    (folder / "images" / "a.png").unlink()
    with pytest.raises(DatasetError, match=r"a\.png is neither beside it"):
        read_annotated(folder, PARTS)
    (folder / "again.json").write_text((folder / "instances.json").read_text())
    with pytest.raises(DatasetError, match="several annotation files"):
        read_annotated(folder, PARTS)


def test_no_pictures_listed(tmp_path):
    with pytest.raises(DatasetError, match="no pictures are listed"):
        read_annotated(coco_folder(tmp_path, images=[], annotations=[]), PARTS)
    (tmp_path / "yolo" / "images").mkdir(parents=True)
    (tmp_path / "yolo" / "data.yaml").write_text("names: [washer]\n")
    with pytest.raises(DatasetError, match="no pictures there"):
        read_annotated(tmp_path / "yolo", PARTS)
    (tmp_path / "yolo" / "data.yaml").write_text("names: 4\n")
    with pytest.raises(DatasetError, match="names"):
        read_annotated(tmp_path / "yolo", PARTS)

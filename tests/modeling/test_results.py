import json

import numpy as np
import pytest
from modeling_shapes import bracket, disc, plate
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from kontur.geometry import PixelPose
from kontur.modeling.detections import UNKNOWN, from_poses, unregistered
from kontur.modeling.masks import amodal_masks
from kontur.modeling.result_files import coco_document
from kontur.modeling.results import coco_results, picture_result, write_detections

SIZE_WH = (200, 130)
PARTS = (bracket(), plate(4), disc())
POSES = [
    PixelPose(60.25, 50.5, np.radians(-30), 1.5, flipped=True),
    PixelPose(130.0, 60.0, np.radians(200), 1.0),
    PixelPose(150.0, 100.0, 2.0, 1.25),
]


@pytest.fixture
def found():
    return from_poses(SIZE_WH, [0, 1, 2], [0.9, 0.8, 0.7], POSES)


def test_entries_say_part_pose_and_mask(found):
    entry = picture_result("a.png", found, PARTS)
    first, second, third = entry["detections"]
    assert entry["file"] == "a.png"
    assert (first["part"], first["flipped"], first["score"]) == ("bracket", True, 0.9)
    assert first["pose_px"] == pytest.approx({"u": 60.25, "v": 50.5, "angle_deg": 330.0, "scale_px_per_mm": 1.5})
    assert second["pose_px"]["angle_deg"] == pytest.approx(20.0), (
        "a plate with order 2 looks the same at 200 and 20 degrees"
    )
    assert third["pose_px"]["angle_deg"] is None, "a disc has no angle"
    assert first["support"] is None
    for item, window in zip(entry["detections"], amodal_masks(found, PARTS), strict=True):
        assert item["mask"]["size"] == [130, 200]
        np.testing.assert_array_equal(coco_mask.decode(item["mask"]).astype(bool), window.full(SIZE_WH))


def test_unknown_is_listed_apart():
    matrix = np.array([[[10.0, 0, 50], [0, 5, 40], [0, 0, 1]]])
    entry = picture_result(
        "a.png", unregistered(SIZE_WH, np.array([UNKNOWN]), np.array([0.5]), matrix, np.array([False])), PARTS
    )
    assert entry["detections"] == []
    assert entry["unknown"] == [{"score": 0.5, "outline_px": [[40, 35], [60, 35], [60, 45], [40, 45]]}]


def test_written_detections_read_back(tmp_path, found):
    write_detections(tmp_path / "out" / "detections.json", [picture_result("a.png", found, PARTS)])
    document = json.loads((tmp_path / "out" / "detections.json").read_text())
    assert document == {"images": [json.loads(json.dumps(picture_result("a.png", found, PARTS)))]}


def test_pycocotools_scores_the_truth_perfectly(tmp_path, found):
    pictures = [picture_result("a.png", found, PARTS), picture_result("b.png", found[np.array([1])], PARTS)]
    with coco_document(tmp_path / "results.json", PARTS) as add:
        for picture in pictures:
            add(picture)
    truth = COCO()
    annotations = [
        {"id": n, "image_id": row["image_id"], "category_id": row["category_id"], "bbox": row["bbox"], "iscrowd": 0,
         "segmentation": row["segmentation"], "area": float(coco_mask.area(row["segmentation"]))}
        for n, row in enumerate(coco_results(pictures, PARTS), 1)
    ]  # fmt: skip
    truth.dataset = {
        "images": [{"id": i, "width": 200, "height": 130} for i in (1, 2)],
        "categories": [{"id": i, "name": part.name} for i, part in enumerate(PARTS, 1)],
        "annotations": annotations,
    }
    truth.createIndex()
    for kind in ("segm", "bbox"):
        score = COCOeval(truth, truth.loadRes(str(tmp_path / "results.json")), kind)
        score.evaluate()
        score.accumulate()
        score.summarize()
        assert score.stats[0] == pytest.approx(1.0)

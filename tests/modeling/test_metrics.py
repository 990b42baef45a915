"""COCO's average precision: worked by hand, and by pycocotools on a data set written here."""

import contextlib
import io

import numpy as np
import pytest
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from kontur.modeling.ground_truth import TruthInstance, TruthPicture
from kontur.modeling.metrics import as_text, coco_scores, coco_truth

SIZE_WH = (200, 120)
NAMES = ("a", "b", "c")
PLACES = [(10, 10), (60, 10), (110, 10), (10, 60), (60, 60), (110, 60)]


def bitmap(left, top, width=40, height=40):
    mask = np.zeros((SIZE_WH[1], SIZE_WH[0]), np.uint8)
    mask[top : top + height, left : left + width] = 1
    return mask


def encoded(mask):
    return coco_mask.encode(np.asfortranarray(mask))


def truth_of(*rows):
    """(part, (left, top), ignored) for each instance."""
    instances = [TruthInstance(part, encoded(bitmap(*at)), 1600, ignored) for part, at, ignored in rows]
    return TruthPicture("p.png", SIZE_WH, tuple(instances))


def result_of(*rows):
    """(part, (left, top), score) for each detection."""
    return {"detections": [{"part": NAMES[p], "mask": encoded(bitmap(*at)), "score": s} for p, at, s in rows]}


def interpolated(hits, instances):
    """COCO's mean over 101 recalls of the best precision at that recall or beyond; `hits` by falling score."""
    recall = np.cumsum(hits) / instances
    precision = np.cumsum(hits) / np.arange(1, len(hits) + 1)
    return np.mean([max(precision[recall >= r - 1e-12], default=0) for r in np.linspace(0, 1, 101)])


@pytest.mark.parametrize(
    ("hits", "instances"),
    [((1, 0, 1), 2), ((0, 1), 1), ((1, 1, 0, 1), 4), ((0, 0), 3), ((1, 0, 0, 1, 1), 3), ((1,), 1)],
)
def test_precision_by_hand(hits, instances):
    """Right detections lie on instances, wrong ones below them where nothing is; scores fall."""
    truth = truth_of(*((0, PLACES[k], False) for k in range(instances)))
    at = iter(PLACES[:instances])
    rows = [(0, next(at) if hit else (155, 75), 0.9 - 0.1 * k) for k, hit in enumerate(hits)]
    scores = coco_scores(NAMES, [truth], [result_of(*rows)])
    expected = pytest.approx(interpolated(np.array(hits), instances), abs=1e-5)
    assert scores.overall().ap50 == scores.overall().ap75 == scores.overall().ap == expected


@pytest.mark.parametrize("shift", [0, 2, 5, 8, 12, 14])
def test_ap_counts_the_thresholds_that_a_shift_survives(shift):
    """40 px wide: the overlap is (40 - s) / (40 + s)."""
    iou = (40 - shift) / (40 + shift)
    scores = coco_scores(NAMES, [truth_of((0, (10, 10), False))], [result_of((0, (10 + shift, 10), 0.5))])
    survived = sum(iou >= 0.5 + 0.05 * k - 1e-9 for k in range(10))
    assert scores.overall().ap == pytest.approx(survived / 10)
    assert scores.overall().ap50 == float(iou >= 0.5)
    assert scores.overall().ap75 == float(iou >= 0.75)


def test_parts_that_do_not_occur_have_no_precision_and_do_not_lower_the_mean():
    """Part a half found, b not at all, c not there: the mean is over a and b."""
    truth = truth_of((0, PLACES[0], False), (0, PLACES[1], False), (1, PLACES[2], False))
    scores = coco_scores(NAMES, [truth], [result_of((0, PLACES[0], 0.9), (2, PLACES[4], 0.9))])
    half = pytest.approx(51 / 101, abs=1e-5)
    assert (scores.part(0).ap, scores.part(1).ap, scores.part(2).ap) == (half, 0.0, None)
    assert scores.overall().ap == pytest.approx(51 / 202, abs=1e-5)
    curve = scores.curve(0.5)
    assert set(curve.parts) == {"a", "b"}
    assert curve.parts["a"] == (1.0,) * 51 + (0.0,) * 50
    assert curve.mean == (0.5,) * 51 + (0.0,) * 50


def test_detections_of_ignored_instances_cost_nothing():
    """The ignored instance takes any number of detections, with a higher score than the right one."""
    truth = truth_of((0, PLACES[0], False), (0, PLACES[1], True))
    rows = [(0, PLACES[1], 0.95), (0, PLACES[1], 0.94), (0, PLACES[0], 0.5)]
    assert coco_scores(NAMES, [truth], [result_of(*rows)]).overall().ap == 1.0
    as_false = truth_of((0, PLACES[0], False))
    assert coco_scores(NAMES, [as_false], [result_of(*rows)]).overall().ap < 0.5


def test_a_wrong_name_is_wrong_for_both_parts():
    scores = coco_scores(NAMES, [truth_of((0, PLACES[0], False))], [result_of((1, PLACES[0], 0.9))])
    assert scores.part(0).ap == 0
    assert scores.part(1).ap is None


def random_scenes(seed):
    """Rows of (picture, part, place, ignored), and of (picture, part, place, score) that resemble them."""
    rng = np.random.default_rng(seed)
    truth, said = [], []
    for picture in range(4):
        for place in PLACES[: rng.integers(1, 7)]:
            part = int(rng.integers(3))
            truth.append((picture, part, place, bool(rng.uniform() < 0.2)))
            for _ in range(rng.integers(0, 3)):
                near = tuple(int(x) for x in np.array(place) + rng.integers(-9, 10, 2))
                said.append((picture, part if rng.uniform() < 0.8 else int(rng.integers(3)), near, rng.uniform()))
    return truth, said


@pytest.mark.parametrize("seed", range(5))
def test_precision_is_what_cocoeval_says_of_a_data_set_written_here(seed):
    """The same scenes as raw, uncompressed COCO documents with other ids, read by pycocotools alone."""
    truth, said = random_scenes(seed)
    document = {
        "images": [{"id": 100 + k, "width": SIZE_WH[0], "height": SIZE_WH[1]} for k in range(4)],
        "categories": [{"id": 7 * (k + 1), "name": name} for k, name in enumerate(NAMES)],
        "annotations": [
            {"id": 1 + n, "image_id": 100 + picture, "category_id": 7 * (part + 1), "iscrowd": int(ignored),
             "area": 1600, "segmentation": encoded(bitmap(*place))}
            for n, (picture, part, place, ignored) in enumerate(truth)
        ],
    }  # fmt: skip
    rows = [
        {"image_id": 100 + picture, "category_id": 7 * (part + 1), "segmentation": encoded(bitmap(*place)), "score": s}
        for picture, part, place, s in said
    ]
    with contextlib.redirect_stdout(io.StringIO()):
        reference = COCO()
        reference.dataset = document
        reference.createIndex()
        evaluator = COCOeval(reference, reference.loadRes(rows), "segm")
        evaluator.evaluate()
        evaluator.accumulate()
        evaluator.summarize()
    pictures = [truth_of(*(row[1:] for row in truth if row[0] == k)) for k in range(4)]
    results = [result_of(*(row[1:] for row in said if row[0] == k)) for k in range(4)]
    found = coco_scores(NAMES, pictures, results).overall()
    assert (found.ap, found.ap50, found.ap75) == pytest.approx(evaluator.stats[:3], abs=1e-6)


def test_nothing_is_printed(capsys):
    coco_scores(NAMES, [truth_of((0, PLACES[0], False))], [result_of()])
    assert capsys.readouterr().out == ""


def test_the_truth_as_coco_is_json_and_decodes_to_its_masks():
    document = coco_truth(NAMES, [truth_of(), truth_of((2, PLACES[3], True), (0, PLACES[0], False))])
    assert [row["id"] for row in document["images"]] == [0, 1]
    assert [(row["image_id"], row["category_id"], row["iscrowd"]) for row in document["annotations"]] == [
        (1, 3, 1), (1, 1, 0),
    ]  # fmt: skip
    for row, place in zip(document["annotations"], (PLACES[3], PLACES[0]), strict=True):
        assert isinstance(row["segmentation"]["counts"], str)
        np.testing.assert_array_equal(coco_mask.decode(row["segmentation"]), bitmap(*place))
    assert as_text(document["annotations"][0]["segmentation"]) == document["annotations"][0]["segmentation"]

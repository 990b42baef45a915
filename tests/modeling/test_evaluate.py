"""Evaluation against the truth itself, hand-made cases, and an independent scorer."""

import json
import math
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import shapely.affinity
from evaluation_truth import (
    BRACKET,
    MIRRORED,
    PARTS,
    PLACED,
    SIZE_WH,
    TRIANGLE,
    WASHER,
    Scripted,
    oracle,
    pose,
    said,
    samples,
    truth_of,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from modeling_scenes import paint, triangle
from pycocotools import mask as coco_mask

from kontur.errors import DatasetError, WorkspaceError
from kontur.geometry import Contour, PixelPose, circle_contour, make_part
from kontur.modeling.confusion import pair_up
from kontur.modeling.evaluate import Run, evaluate, run_detector
from kontur.modeling.evaluation import Evaluation, read_evaluation, write_evaluation
from kontur.modeling.ground_truth import GroundTruth, read_coco
from kontur.modeling.metrics import coco_truth
from kontur.modeling.other_face import other_face_turn_rad
from kontur.modeling.pose_errors import pose_difference, spread
from kontur.modeling.reliability import reliability
from kontur.modeling.results import write_detections

SHARED = Path(os.environ.get("KONTUR_SHARED", Path(__file__).parents[2].parent / "shared"))


def run_on(truth: GroundTruth, answers) -> Run:
    return run_detector(Scripted(answers), truth, lambda *_: None)


def evaluated(answers, scenes=None) -> Evaluation:
    truth = truth_of(samples() if scenes is None else scenes)
    return evaluate(truth, run_on(truth, answers), "scripted")


def moved(where: PixelPose, du: float = 0.0, dv: float = 0.0, turn_deg: float = 0.0, zoom: float = 1.0) -> PixelPose:
    return replace(
        where, u=where.u + du, v=where.v + dv, angle_rad=where.angle_rad + math.radians(turn_deg),
        scale_px_per_mm=where.scale_px_per_mm * zoom,
    )  # fmt: skip


def test_the_truth_as_detections_is_perfect():
    found = evaluated(oracle())
    assert (found.precision.ap, found.precision.ap50, found.precision.ap75) == (1.0, 1.0, 1.0)
    assert (found.pictures, found.instances, found.ignored, found.detections) == (3, 10, 0, 10)
    assert all(row.found == row.instances and row.precision.ap == 1.0 for row in found.rows)
    assert found.look_alikes == ()
    assert found.pose.position_px.worst == pytest.approx(0, abs=1e-3)
    assert found.pose.angle_deg.worst == pytest.approx(0, abs=1e-3)
    assert found.pose.scale.worst == pytest.approx(0, abs=1e-5)
    assert all(match.flipped_right in (True, None) for match in found.matches)
    assert all(case.faults == () for case in found.worst)
    np.testing.assert_array_equal(found.confusion.counts, np.diag([3, 4, 2, 1, 0]))
    assert found.curves[0].mean == (1.0,) * 101


def test_no_detections_at_all():
    found = evaluated([said() for _ in PLACED])
    assert found.precision.ap == 0.0
    assert found.detections == 0
    assert sum(row.missed for row in found.rows) == found.instances == 10
    assert found.pose.position_px.count == 0
    assert found.reliability.expected_error is None
    assert found.worst[0].file == "0.png"
    assert "washer missed" in found.worst[0].faults


def test_no_parts_at_all_has_no_precision():
    scene = paint(PARTS, (), SIZE_WH)
    found = evaluated([said((WASHER, 0.4, pose(100, 100)))], [scene])
    assert found.precision.ap is None
    assert found.curves[0].parts == {}
    assert found.rows[WASHER].false == 1
    assert found.worst[0].detections == ("false",)


def test_a_shift_lowers_precision_as_its_overlap_says():
    """Precision at each IoU is 1 up to the overlap that shapely finds between the parts, and 0 beyond."""
    scenes = [paint(PARTS, ((BRACKET, pose(150, 100, 30, 2.0)),), SIZE_WH)]
    here = PARTS[BRACKET].polygon
    for shift_mm in (0.5, 1.0, 2.0, 3.5):
        c, s = np.cos(np.radians(30)), np.sin(np.radians(30))
        there = np.array([[c, s], [-s, c]]) @ (shift_mm, 0.0)
        other = shapely.affinity.translate(here, *there)
        iou = here.intersection(other).area / here.union(other).area
        found = evaluated([said((BRACKET, 0.8, pose(150 + 2.0 * shift_mm, 100, 30, 2.0)))], scenes)
        thresholds = np.arange(0.5, 0.96, 0.05)
        near = np.abs(thresholds - iou) < 0.02
        low, high = ((thresholds < iou) & ~near).mean(), ((thresholds < iou) | near).mean()
        assert low <= (found.precision.ap or 0.0) + 1e-6
        assert (found.precision.ap or 0.0) <= high + 1e-6
        if iou > 0.55:
            assert found.matches[0].iou == pytest.approx(iou, abs=0.02)
            assert found.matches[0].position_px == pytest.approx(2.0 * shift_mm, abs=1e-3)
            assert found.matches[0].position_mm == pytest.approx(shift_mm, abs=1e-3)


def test_a_mirrored_part_is_found_but_flipped_wrong():
    """An L told to lie on its other face, in the pose that overlaps best, is not the same part."""
    where = pose(150, 100, 0, 2.0)
    wrong = replace(where, flipped=True, angle_rad=math.radians(-90))
    found = evaluated([said((BRACKET, 0.8, wrong))], [paint(PARTS, ((BRACKET, where),), SIZE_WH)])
    assert found.precision.ap75 == 0.0
    if found.matches:
        assert found.matches[0].flipped_right is False
        assert found.matches[0].angle_deg is None
        assert found.rows[BRACKET].flipped_wrong == 1


def test_a_wrong_name_is_a_confusion_not_a_miss():
    """The bracket and its mirror image face down cover the same pixels."""
    placed = ((BRACKET, pose(150, 100, 30, 2.0)),)
    flipped = replace(placed[0][1], flipped=True, angle_rad=math.radians(30))
    found = evaluated([said((MIRRORED, 0.8, flipped))], [paint(PARTS, placed, SIZE_WH)])
    assert found.matches[0].iou > 0.95
    assert found.matches[0].position_px is None
    row = found.rows[BRACKET]
    assert (row.found, row.confused, row.missed) == (0, 1, 0)
    assert found.rows[MIRRORED].false == 0
    assert [(pair.part, pair.taken_for, pair.count, pair.share) for pair in found.look_alikes] == [
        ("bracket", "mirrored", 1, 1.0)
    ]
    assert found.worst[0].faults == ("bracket taken for mirrored",)
    assert found.worst[0].instances == found.worst[0].detections == ("confused",)


def test_confusion_of_a_mixed_picture():
    placed = ((WASHER, pose(50, 50)), (TRIANGLE, pose(150, 60)), (BRACKET, pose(250, 120)), (WASHER, pose(60, 150)))
    answer = said(
        (WASHER, 0.9, pose(50, 50)),  # right
        (WASHER, 0.5, pose(51, 50)),  # the same again: false
        (TRIANGLE, 0.8, pose(152, 60)),  # right, off by 2 px
        (TRIANGLE, 0.3, pose(250, 30)),  # nothing there
    )  # the bracket and the other washer are missed
    found = evaluated([answer], [paint(PARTS, placed, SIZE_WH)])
    expected = np.zeros((5, 5), int)
    expected[WASHER, WASHER] = expected[TRIANGLE, TRIANGLE] = 1
    expected[WASHER, 4] = expected[BRACKET, 4] = 1
    expected[4, WASHER] = expected[4, TRIANGLE] = 1
    np.testing.assert_array_equal(found.confusion.counts, expected)
    assert found.worst[0].detections == ("right", "false", "right", "false")
    assert found.worst[0].instances == ("found", "found", "missed", "missed")
    assert found.worst[0].cost == pytest.approx(4 + sum(1 - match.iou for match in found.matches))
    assert (found.reliability.best_threshold, found.reliability.best_f1) == (0.8, pytest.approx(2 * 2 / (2 + 4)))


def test_the_better_score_takes_the_instance():
    placed = ((WASHER, pose(50, 50)),)
    scene = paint(PARTS, placed, SIZE_WH)
    answer = said((WASHER, 0.5, pose(50, 50)), (WASHER, 0.9, pose(51, 50)))
    pairing = pair_up(truth_of([scene]).pictures[0], run_on(truth_of([scene]), [answer]).results[0])
    assert pairing.taken.tolist() == [-1, 0]
    assert pairing.pairs == [(1, 0)]


def test_ignored_instances_are_neither_missed_nor_false():
    """A washer of which a corner peeps into the picture; saying it is there or not changes nothing."""
    placed = ((WASHER, pose(-13, 60)), (TRIANGLE, pose(150, 60)))
    scene = paint(PARTS, placed, SIZE_WH)
    right = (TRIANGLE, 0.8, pose(150, 60))
    for answer in (said(right), said(right, (WASHER, 0.9, pose(-13, 60)))):
        found = evaluated([answer], [scene])
        assert (found.instances, found.ignored) == (1, 1)
        assert found.precision.ap == 1.0
        assert sum(row.missed + row.false for row in found.rows) == 0
        assert found.reliability.bins[8].count == 1
        assert sum(row.count for row in found.reliability.bins) == 1
        assert found.worst[0].instances == ("ignored", "found")


@pytest.mark.parametrize(
    ("part", "truth_deg", "said_deg", "error_deg"),
    [
        (BRACKET, 10, 12.5, 2.5),
        (BRACKET, 359, 1, 2),
        (TRIANGLE, 5, 125, 0),
        (TRIANGLE, 1, 119, 2),
        (TRIANGLE, 0, 60, 60),
        (WASHER, 0, None, None),
    ],
)
def test_angles_are_compared_modulo_symmetry(part, truth_deg, said_deg, error_deg):
    entry = {
        "pose_px": {"u": 3.0, "v": 4.0, "angle_deg": said_deg, "scale_px_per_mm": 1.01},
        "flipped": False,
    }
    errors = pose_difference(PARTS[part], pose(0, 0, truth_deg, 1.0), entry)
    assert errors["angle_deg"] == (None if error_deg is None else pytest.approx(error_deg, abs=1e-9))
    assert errors["position_px"] == errors["position_mm"] == pytest.approx(5)
    assert errors["scale"] == pytest.approx(0.01)
    assert errors["flipped_right"] is (True if part == BRACKET else None)


def test_the_angle_of_a_chiral_part_on_the_wrong_face_is_not_compared():
    entry = {"pose_px": {"u": 0.0, "v": 0.0, "angle_deg": 10.0, "scale_px_per_mm": 1.0}, "flipped": True}
    errors = pose_difference(PARTS[BRACKET], pose(0, 0, 10, 1.0), entry)
    assert errors["angle_deg"] is None
    assert errors["flipped_right"] is False


def turned(part, angle_deg):
    """The same shape drawn at another angle."""
    c, s = math.cos(math.radians(angle_deg)), math.sin(math.radians(angle_deg))
    rings = [Contour(ring.points @ np.array([[c, s], [-s, c]])) for ring in part.contours]
    return make_part(part.name, rings[0], tuple(rings[1:]))


def link():
    """A bar with a small hole at one end and a large one at the other: one mirror axis, along x; no symmetry."""
    corners = np.array([[0, 0], [50, 0], [50, 14], [0, 14]], float)
    return make_part("link", Contour(corners), (circle_contour(8, 7, 2.5), circle_contour(40, 7, 4.5)))


@pytest.mark.parametrize(("make", "axis_deg", "order"), [(link, 0, 1), (triangle, 90, 3)])
@pytest.mark.parametrize("drawn_deg", [0.0, 17.3, 200.0])
def test_the_turn_to_the_other_face_follows_from_the_mirror_axis(make, axis_deg, order, drawn_deg):
    part = turned(make(), drawn_deg)
    expected = 180 - 2 * (axis_deg + drawn_deg)
    found = math.degrees(other_face_turn_rad(part))
    period = 360 / order
    assert (found - expected + period / 2) % period == pytest.approx(period / 2, abs=2e-3)


@pytest.mark.parametrize("faces", [(True, False), (False, True)])
def test_a_part_with_a_mirror_axis_may_be_told_on_either_face(faces):
    """A link turned 25 degrees covers the same pixels as the mirrored one turned 205 degrees."""
    true_face, said_face = faces
    part = link()
    true = pose(0, 0, 25 if not true_face else 205, 1.0, true_face)
    for error in (0.0, 1.5, -2.0):
        angle = (25 if not said_face else 205) + error
        entry = {"pose_px": {"u": 0.0, "v": 0.0, "angle_deg": angle, "scale_px_per_mm": 1.0}, "flipped": said_face}
        assert pose_difference(part, true, entry)["angle_deg"] == pytest.approx(abs(error), abs=2e-3)
    here = pose(100, 80, 25, 1.6)
    there = pose(100, 80, 205, 1.6, True)
    np.testing.assert_array_equal(*(paint((part,), ((0, where),), SIZE_WH).ids for where in (here, there)))


def test_spread_is_numpys():
    values = np.random.default_rng(0).exponential(size=50)
    found = spread([*values, None])
    assert found.count == 50
    assert found.median == pytest.approx(np.median(values), abs=1e-6)
    assert found.p95 == pytest.approx(np.percentile(values, 95), abs=1e-6)
    assert found.worst == pytest.approx(values.max(), abs=1e-6)


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=40), st.integers(0, 20))
@settings(max_examples=60, deadline=None)
def test_reliability_agrees_with_counting(rows, unfound):
    scores, right = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
    instances = int(right.sum()) + unfound
    table = reliability(scores, right, instances)
    assert sum(row.count for row in table.bins) == len(rows)
    for row in table.bins:
        last = row.high == 1.0
        inside = (scores * 10 >= row.low * 10 - 1e-9) & ((scores < row.high) | last)
        if row.count and not np.isclose(scores * 10, np.round(scores * 10)).any():
            assert row.right == pytest.approx(right[inside].mean())
    by_hand = [(2 * right[scores >= t].sum() / ((scores >= t).sum() + instances), t) for t in set(scores.tolist())]
    if right.any():
        assert table.best_f1 == pytest.approx(max(by_hand)[0])
        assert {t: f for f, t in by_hand}[table.best_threshold] == pytest.approx(table.best_f1)


def test_a_calibrated_score_has_no_expected_error():
    scores = np.repeat([0.25, 0.75], 400)
    right = np.arange(800) % 4 < np.repeat([1, 3], 400)
    assert reliability(scores, right, 800).expected_error == pytest.approx(0, abs=1e-12)


def test_bands_sort_instances_by_size_and_visibility():
    """A big triangle found, a small washer missed, a bracket half hidden by the border found."""
    placed = ((TRIANGLE, pose(200, 100, 0, 2.6)), (WASHER, pose(60, 40, 0, 1.0)), (BRACKET, pose(5, 150, 0, 2.0)))
    scene = paint(PARTS, placed, SIZE_WH)
    found = evaluated([said((TRIANGLE, 0.9, placed[0][1]), (BRACKET, 0.9, placed[2][1]))], [scene])
    sizes = [math.sqrt((scene.ids == key).sum()) for key in (1, 2, 3)]
    for size, recall in zip(sizes, (1.0, 0.0, None), strict=True):
        band = next(b for b in found.by_size if b.low <= size and (b.high is None or size < b.high))
        if recall is not None and band.instances == 1:
            assert band.recall == recall
    assert sum(band.instances for band in found.by_size) == 3
    fraction = scene.instances[2].visible_fraction
    hidden = next(band for band in found.by_visibility if band.low <= fraction < (band.high or 2))
    assert (hidden.instances, hidden.recall) == (1, 1.0)
    whole = found.by_visibility[-1]
    assert (whole.low, whole.high, whole.instances, whole.recall) == (0.95, 1.0, 2, 0.5)
    assert found.pose_clear.position_px.count == 1
    assert found.pose.position_px.count == 2


def test_the_result_survives_the_file(tmp_path):
    found = evaluated([said(*((p, 0.7, moved(w, 1.0, turn_deg=2)) for p, w in scene)) for scene in PLACED])
    path = write_evaluation(tmp_path / "reports", found)
    assert read_evaluation(tmp_path / "reports") == found
    assert json.loads(path.read_text())["precision"]["ap"] == found.precision.ap


def test_a_missing_or_foreign_file_says_what_to_do(tmp_path):
    with pytest.raises(WorkspaceError, match="run `kontur evaluate`"):
        read_evaluation(tmp_path)
    (tmp_path / "evaluation.json").write_text('{"format": 0}')
    with pytest.raises(WorkspaceError, match=r"run `kontur evaluate` again"):
        read_evaluation(tmp_path)


def test_detections_that_do_not_fit_are_refused():
    truth = truth_of(samples())
    run = run_on(truth, oracle())
    with pytest.raises(DatasetError, match="detections for 2"):
        evaluate(truth, Run(run.results[:2], None), "scripted")
    run.results[0]["detections"][0]["part"] = "sprocket"
    with pytest.raises(DatasetError, match="sprocket"):
        evaluate(truth, run, "scripted")


# --- truth from COCO files -------------------------------------------------------------------------------------------


def coco_file(folder: Path, change=lambda document: document) -> Path:
    """Write the painted scenes as a COCO file with pictures beside it, poses in kontur's own keys."""
    scenes = samples()
    document = coco_truth([part.name for part in PARTS], truth_of(scenes).pictures)
    items = [item for scene in scenes for item in scene.instances]
    for row, item in zip(document["annotations"], items, strict=True):
        row["kontur"] = {
            "u": item.pose.u, "v": item.pose.v, "angle_rad": item.pose.angle_rad, "flipped": item.pose.flipped,
            "scale_px_per_mm": item.pose.scale_px_per_mm, "visible_fraction": item.visible_fraction,
        }  # fmt: skip
    for number, scene in enumerate(scenes):
        cv2.imwrite(str(folder / f"{number}.png"), scene.image)
    path = folder / "instances.json"
    path.write_text(json.dumps(change(document)))
    return path


def test_truth_is_read_from_coco(tmp_path):
    truth = read_coco(coco_file(tmp_path), tmp_path, PARTS, "a folder")
    scenes = samples()
    for index, (picture, scene) in enumerate(zip(truth.pictures, scenes, strict=True)):
        assert picture.size_wh == SIZE_WH
        np.testing.assert_array_equal(truth.load(index), scene.image)
        for key, (instance, item) in enumerate(zip(picture.instances, scene.instances, strict=True), 1):
            np.testing.assert_array_equal(coco_mask.decode(instance.mask), scene.ids == key)
            assert (instance.part, instance.pose) == (item.part, item.pose)
            assert instance.visible_fraction == item.visible_fraction
    assert evaluate(truth, run_on(truth, oracle()), "scripted").precision.ap == 1.0


def test_a_users_own_coco_file_needs_no_poses_and_may_use_any_mask_format(tmp_path):
    def as_users_file(document):
        for row in document["annotations"]:
            del row["kontur"]
        square = {"id": 90, "image_id": 77, "category_id": 5, "iscrowd": 0, "area": 1}
        rows = [
            {**square, "id": 91, "segmentation": [[10.0, 20.0, 60.0, 20.0, 60.0, 50.0, 10.0, 50.0]]},
            {**square, "id": 92, "segmentation": {"size": [90, 120], "counts": [0, 90 * 120]}, "iscrowd": 1},
        ]
        return {
            "images": [{"id": 77, "file_name": "sub/a.png", "width": 120, "height": 90}],
            "annotations": rows,
            "categories": [{"id": 5, "name": "washer"}],
        }

    truth = read_coco(coco_file(tmp_path, as_users_file), tmp_path, PARTS, "a folder")
    (picture,) = truth.pictures
    polygon, crowd = picture.instances
    mask = coco_mask.decode(polygon.mask)
    assert mask.shape == (90, 120)
    assert mask[20:50, 10:60].all()
    assert mask.sum() == polygon.area_px == 30 * 50
    assert (polygon.part, polygon.ignored, polygon.pose, polygon.visible_fraction) == (WASHER, False, None, None)
    assert crowd.ignored
    assert crowd.area_px == 90 * 120


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: {**d, "categories": [{"id": 1, "name": "cog"}]}, "cog"),
        (lambda _: {"images": []}, "not COCO instances"),
        (lambda _: [], "not COCO instances"),
    ],
)
def test_a_foreign_coco_file_is_refused(tmp_path, change, message):
    with pytest.raises(DatasetError, match=message):
        read_coco(coco_file(tmp_path, change), tmp_path, PARTS, "a folder")


def test_a_missing_coco_file_is_refused(tmp_path):
    with pytest.raises(DatasetError, match=r"nowhere\.json"):
        read_coco(tmp_path / "nowhere.json", tmp_path, PARTS, "a folder")


# --- an independent scorer -------------------------------------------------------------------------------------------


def as_scored_folder(folder: Path, scenes) -> None:
    """Write painted scenes as the folder that the independent scorer reads."""
    pictures = []
    for number, scene in enumerate(scenes):
        cv2.imwrite(str(folder / f"{number}_id.png"), scene.ids * 8)
        instances = [
            {
                "part": PARTS[item.part].name, "u": item.pose.u, "v": item.pose.v,
                "angle_deg": math.degrees(item.pose.angle_rad), "scale_px_per_mm": item.pose.scale_px_per_mm,
            }
            for item in scene.instances
        ]  # fmt: skip
        pictures.append({"file": f"{number}.png", "id_file": f"{number}_id.png", "instances": instances})
    parts = {part.name: {"symmetry": part.symmetry, "area_mm2": part.area_mm2} for part in PARTS}
    (folder / "truth.json").write_text(json.dumps({"parts": parts, "images": pictures}))


def scattered(rng: np.random.Generator):
    """Detections of the placed parts: shifted, turned, misnamed, doubled, missed and invented at random."""
    answers = []
    for scene in PLACED:
        rows = []
        for part, where in scene:
            for _ in range(rng.choice(3, p=(0.15, 0.7, 0.15))):
                name = int(rng.integers(len(PARTS))) if rng.uniform() < 0.2 else part
                shift = rng.normal(0, 2.0, 2)
                near = moved(where, shift[0], shift[1], rng.normal(0, 3), rng.uniform(0.95, 1.05))
                rows.append((name, float(rng.uniform()), near))
        if rng.uniform() < 0.5:
            rows.append((int(rng.integers(4)), float(rng.uniform()), pose(*rng.uniform(30, 170, 2))))
        answers.append(said(*rows))
    return answers


@pytest.mark.parametrize("seed", range(4))
def test_precision_agrees_with_an_independent_scorer(tmp_path, seed):
    script = SHARED / "tools" / "score.py"
    if not script.is_file():
        pytest.skip(f"no independent scorer at {script}; set KONTUR_SHARED to the folder that has tools/score.py")
    scenes = samples()
    truth = truth_of(scenes)
    run = run_on(truth, scattered(np.random.default_rng(seed)))
    as_scored_folder(tmp_path, scenes)
    write_detections(tmp_path / "detections.json", run.results)
    command = [sys.executable, script, tmp_path, tmp_path / "detections.json", "--json"]
    scored = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    found = evaluate(truth, run, "scripted")
    assert found.precision.ap == pytest.approx(scored["mask_AP50_95"], abs=5.1e-5)  # it rounds to 4 decimals
    assert found.precision.ap50 == pytest.approx(scored["mask_AP50"], abs=5.1e-5)
    assert found.precision.ap75 == pytest.approx(scored["mask_AP75"], abs=5.1e-5)
    assert found.instances == scored["instances"]
    assert found.detections == scored["detections"]

"""COCO rows of hand-made scenes against pycocotools and closed forms; whole files against the reader."""

import json
from pathlib import Path

import numpy as np
import pytest
import shapely
from generator_parts import PARTS, SHARP, SIZE_WH, bracket, context, place, plate, scene_of, washer
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO

from kontur.data_preprocessing.coco import annotations_of, truth_text, write_coco
from kontur.data_preprocessing.dataset import Manifest, read_truth, sample_paths, truth_rows
from kontur.data_preprocessing.labels import outlines_of
from kontur.data_preprocessing.render import render_scene
from kontur.geometry import Pose
from kontur.workspace import Workspace

PX_PER_MM = 1.4
MIDDLE = (np.array(SIZE_WH) - 1) / 2


def rows_of(*things):
    rendered = render_scene(context(), scene_of(*things), SHARP)
    return [json.loads(row) for row in annotations_of(rendered, outlines_of(rendered))], rendered.sample


def ring(flat: list[float]) -> shapely.Polygon:
    return shapely.Polygon(np.reshape(flat, (-1, 2)))


def test_the_mask_is_the_id_map_with_its_hole():
    rows, sample = rows_of(place(washer(), Pose(0, 0, 0), index=2))
    (row,) = rows
    mask = coco_mask.decode(row["segmentation"]).astype(bool)
    assert mask.shape == (SIZE_WH[1], SIZE_WH[0])
    assert np.array_equal(mask, sample.ids == 1)
    assert not mask[int(MIDDLE[1]), int(MIDDLE[0])]
    area = np.pi * (14**2 - 7**2) * PX_PER_MM**2
    assert row["area"] == pytest.approx(area, rel=0.01)
    assert row["area"] == coco_mask.area(row["segmentation"])
    assert row["category_id"] == 3
    assert row["iscrowd"] == 0


def test_the_box_is_that_of_the_disc_in_continuous_coordinates():
    (row,), _ = rows_of(place(washer(), Pose(20, -10, 0), index=2))
    x, y, width, height = row["bbox"]
    centre = MIDDLE + 0.5 + np.array([20, 10]) * PX_PER_MM
    assert [x + width / 2, y + height / 2] == pytest.approx(centre, abs=0.6)
    assert [width, height] == pytest.approx([28 * PX_PER_MM] * 2, abs=1)
    assert row["bbox"] == coco_mask.toBbox(row["segmentation"]).tolist()


@pytest.mark.parametrize("flipped", [False, True])
def test_amodal_outlines_are_the_drawing_half_a_pixel_on(flipped):
    part, pose = bracket(), Pose(5.0, -8.0, 0.6, flipped)
    (row,), sample = rows_of(place(part, pose))
    outline, *holes = (ring(flat) for flat in row["kontur"]["amodal"])
    assert len(holes) == 2
    expected = shapely.Polygon(sample.instances[0].pose.apply(part.outer.points) + 0.5)
    assert outline.symmetric_difference(expected).area < 0.005 * expected.area
    pose_px = sample.instances[0].pose
    found = sorted(hole.area for hole in holes)
    assert found == pytest.approx([np.pi * r**2 * PX_PER_MM**2 for r in (2.0, 3.0)], rel=0.05)
    centres = {tuple(np.round([hole.centroid.x, hole.centroid.y], 0)) for hole in holes}
    wanted = pose_px.apply(np.array([contour.centroid_mm for contour in part.holes])) + 0.5
    assert centres == {tuple(np.round(spot, 0)) for spot in wanted} or all(
        min(np.hypot(*(spot - centre)) for centre in centres) < 0.8 for spot in wanted
    )


def test_the_pose_is_the_datum_with_pixel_centres_at_integers():
    (row,), _ = rows_of(place(plate(), Pose(12.0, 9.0, 0.7, True), index=1))
    about = row["kontur"]
    assert [about["u"], about["v"]] == pytest.approx(MIDDLE + np.array([12, -9]) * PX_PER_MM, abs=1e-2)
    assert about["angle_rad"] == pytest.approx(0.7)
    assert about["scale_px_per_mm"] == pytest.approx(PX_PER_MM, rel=1e-4)
    assert about["flipped"] is True
    assert about["visible_fraction"] == 1.0


def test_what_is_hidden_is_out_of_the_mask_and_in_the_amodal_outline():
    lower, upper = place(plate(0), Pose(0, 0, 0), index=1), place(plate(0), Pose(25, 0, 0), base_mm=0.01, index=1)
    (below, above), _ = rows_of(lower, upper)
    masks = [coco_mask.decode(row["segmentation"]).astype(bool) for row in (below, above)]
    assert not (masks[0] & masks[1]).any()
    assert below["kontur"]["visible_fraction"] == pytest.approx(0.5, abs=0.02)
    assert below["area"] == pytest.approx(above["area"] / 2, rel=0.04)
    assert ring(below["kontur"]["amodal"][0]).area == pytest.approx(50 * 34 * PX_PER_MM**2, rel=0.01)


def test_clutter_and_what_is_out_of_sight_have_no_row():
    things = [
        place(plate(), Pose(900, 0, 0)),
        place(washer(), Pose(0, 0, 0), index=None),
        place(plate(), Pose(-40, 0, 0), index=1),
    ]
    rows, sample = rows_of(*things)
    assert [row["category_id"] for row in rows] == [2]
    assert len(sample.instances) == 1


def test_the_truth_file_is_json_with_one_annotation_on_a_line():
    things = [place(washer(), Pose(0, 0, 0), index=2), place(plate(), Pose(-40, 0, 0), index=1)]
    rendered = render_scene(context(), scene_of(*things), SHARP)
    text = truth_text(rendered, outlines_of(rendered))
    document = json.loads(text)
    assert (document["width"], document["height"]) == SIZE_WH
    assert [row["category_id"] for row in document["annotations"]] == [3, 2]
    lines = text.splitlines()[1:-1]
    assert [json.loads(line.removesuffix(",")) for line in lines] == document["annotations"]


def test_nothing_on_the_table_is_a_truth_file_without_annotations(tmp_path):
    rendered = render_scene(context(), scene_of(), SHARP)
    path = tmp_path / "truth.json"
    path.write_text(truth_text(rendered, []))
    assert read_truth(path)["annotations"] == truth_rows(path) == []


@pytest.mark.parametrize("pose", [Pose(5, -8, 0.6), Pose(0, 0, 1.2, True)])
def test_the_oriented_box_is_the_smallest_around_what_is_seen(pose):
    (row,), sample = rows_of(place(bracket(), pose))
    box = ring(row["kontur"]["obb"])
    seen = shapely.Polygon(sample.instances[0].pose.apply(bracket().outer.points) + 0.5)
    assert box.buffer(0.05).contains(seen)
    assert box.area == pytest.approx(seen.minimum_rotated_rectangle.area, rel=2e-3)


def manifest_of(count: int, **dataset) -> Manifest:
    fractions = {"val_fraction": 0.25, "test_fraction": 0.25, **dataset}
    parts = [{"name": p.name, "sha256": p.sha256, "symmetry": p.symmetry, "chiral": p.chiral} for p in PARTS]
    config = {"camera": {"size_wh": list(SIZE_WH)}, "dataset": fractions}
    return Manifest(
        {"count": count, "fingerprint": "abc", "complete": True, "seed": 0, "config": config, "parts": parts}
    )


def written(root: Path, count: int) -> tuple[Workspace, Manifest, dict[int, int]]:
    """Truth files of a few rows each; returns how many rows each sample has."""
    space, manifest = Workspace(root), manifest_of(count)
    rows, _ = rows_of(place(washer(), Pose(0, 0, 0), index=2), place(plate(), Pose(-45, 0, 0), index=1))
    numbers = {}
    for split in ("train", "val", "test"):
        for index in manifest.split_indices(split):
            path = sample_paths(space, split, index).truth
            path.parent.mkdir(parents=True, exist_ok=True)
            numbers[index] = index % 3
            some = ",\n".join(json.dumps(row) for row in rows[: index % 3])
            path.write_text(f'{{"width": 1, "height": 1, "annotations": [\n{some}\n]}}\n')
    return space, manifest, numbers


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_a_file_holds_its_split_and_nothing_else(tmp_path, capsys, split):
    space, manifest, numbers = written(tmp_path, 24)
    coco = COCO(str(write_coco(space, manifest, split)))
    capsys.readouterr()
    indices = list(manifest.split_indices(split))
    assert sorted(coco.getImgIds()) == indices
    assert sorted(coco.getAnnIds()) == list(range(1, sum(numbers[index] for index in indices) + 1))
    for index in indices:
        (image,) = coco.loadImgs([index])
        assert (image["width"], image["height"]) == SIZE_WH
        assert image["file_name"] == f"{index:06d}.jpg"
        assert len(coco.getAnnIds(imgIds=[index])) == numbers[index]


def test_categories_carry_name_symmetry_and_chirality(tmp_path):
    space, manifest, _ = written(tmp_path, 8)
    document = json.loads(write_coco(space, manifest, "train").read_text())
    assert [(row["id"], row["name"]) for row in document["categories"]] == list(enumerate((p.name for p in PARTS), 1))
    about = {row["name"]: row["kontur"] for row in document["categories"]}
    assert about["washer"] == {"symmetry": 0, "chiral": False}
    assert about["bracket"] == {"symmetry": 1, "chiral": True}
    assert about["star"]["symmetry"] == 9
    assert document["info"]["kontur"]["fingerprint"] == "abc"


def test_an_empty_split_is_a_valid_file(tmp_path):
    space = Workspace(tmp_path)
    document = json.loads(write_coco(space, manifest_of(5, val_fraction=0.0, test_fraction=0.0), "val").read_text())
    assert document["images"] == document["annotations"] == []
    assert len(document["categories"]) == len(PARTS)

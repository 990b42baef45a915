"""YOLO lines of hand-made scenes: analytic boxes, polygons with holes rasterised by matplotlib, the half-pixel shift."""

import numpy as np
import pytest
import shapely
import yaml
from generator_parts import SHARP, SIZE_WH, bracket, context, iou, place, plate, scene_of, washer
from matplotlib.path import Path as Outline

from kontur.data_preprocessing.labels import outlines_of
from kontur.data_preprocessing.render import render_scene
from kontur.data_preprocessing.yolo import TASKS, label_path, label_texts, write_layout
from kontur.geometry import Pose
from kontur.geometry.camera import nominal_camera
from kontur.workspace import SPLITS, Workspace

CAMERA = nominal_camera(SIZE_WH, 1.4)


def labels(*things):
    rendered = render_scene(context(), scene_of(*things, camera=CAMERA), SHARP)
    texts = label_texts(rendered.sample, outlines_of(rendered))
    return {task: parse(text) for task, text in texts.items()}, rendered.sample


def parse(text: str) -> list[tuple[int, np.ndarray]]:
    rows = [line.split(" ") for line in text.splitlines()]
    return [(int(row[0]), np.array(row[1:], float).reshape(-1, 2)) for row in rows]


def raster(polygon: np.ndarray) -> np.ndarray:
    """(H, W) bool: pixels whose centre lies in a polygon of 0..1 coordinates."""
    v, u = np.mgrid[0 : SIZE_WH[1], 0 : SIZE_WH[0]] + 0.5
    inside = Outline(polygon * SIZE_WH, closed=False).contains_points(np.column_stack([u.ravel(), v.ravel()]))
    return inside.reshape(u.shape)


@pytest.mark.parametrize("turn", [0.0, 0.3, 1.2, 2.9])
@pytest.mark.parametrize("flipped", [False, True])
def test_the_oriented_box_of_a_plate_is_the_plate(turn, flipped):
    pose = Pose(4.0, -3.0, turn, flipped)
    found, _ = labels(place(plate(0), pose, index=1))
    ((number, box),) = found["obb"]
    corners = np.array([[-25, -17], [25, -17], [25, 17], [-25, 17]], float)
    expected = CAMERA.project(pose.apply(corners)) + 0.5
    assert number == 1
    assert box.shape == (4, 2)
    distance = np.hypot(*(box[:, None] * SIZE_WH - expected).transpose(2, 0, 1))
    assert distance.min(axis=1).max() < 0.02
    assert sorted(distance.argmin(axis=1)) == [0, 1, 2, 3]
    sides = np.hypot(*np.diff(np.vstack([box, box[:1]]) * SIZE_WH, axis=0).T)
    assert sorted(sides) == pytest.approx([34 * 1.4] * 2 + [50 * 1.4] * 2, rel=1e-3)


@pytest.mark.parametrize("part", [bracket(), plate(4), washer()], ids=lambda part: part.name)
@pytest.mark.parametrize("pose", [Pose(0, 0, 0.4), Pose(-12, 9, 2.2, True)], ids=["up", "down"])
def test_a_polygon_with_bridges_gives_the_mask_with_its_holes_back(part, pose):
    found, sample = labels(place(part, pose))
    ((_, polygon),) = found["seg"]
    mask = raster(polygon)
    exact = shapely.Polygon(CAMERA.project(pose.apply(part.outer.points)),
                            [CAMERA.project(pose.apply(hole.points)) for hole in part.holes])  # fmt: skip
    v, u = np.mgrid[0 : SIZE_WH[1], 0 : SIZE_WH[0]]
    assert iou(mask, shapely.contains_xy(exact, u, v)) >= 0.99
    assert iou(mask, sample.ids == 1) >= 0.99
    filled = shapely.contains_xy(shapely.Polygon(exact.exterior), u, v)
    assert iou(mask, filled) < 0.99


def test_the_shift_is_half_a_pixel_and_no_other():
    found, sample = labels(place(plate(0), Pose(0, 0, 0), index=1))
    polygon = found["seg"][0][1]
    centre = (polygon.min(axis=0) + polygon.max(axis=0)) / 2
    assert centre == pytest.approx([0.5, 0.5], abs=1e-4)  # the camera looks at the very middle of the picture
    rows, columns = np.nonzero(sample.ids)
    assert (columns.mean() + 0.5) / SIZE_WH[0] == pytest.approx(centre[0], abs=2e-3)
    assert (rows.mean() + 0.5) / SIZE_WH[1] == pytest.approx(centre[1], abs=2e-3)


def test_a_part_at_the_border_is_cut_there():
    found, sample = labels(place(plate(0), Pose(-75, 0, 0), index=1), place(plate(0), Pose(0, 55, 0.2), index=1))
    for (number, polygon), (_, box), key in zip(found["seg"], found["obb"], (1, 2), strict=True):
        assert number == 1
        for values in (polygon, box):
            assert values.min() >= 0
            assert values.max() <= 1
        assert iou(raster(polygon), sample.ids == key) >= 0.99
    assert found["seg"][0][1][:, 0].min() == 0
    assert found["seg"][1][1][:, 1].min() == 0


def test_a_part_cut_in_two_by_another_is_still_one_line():
    across = place(plate(0), Pose(0, 0, np.pi / 2), base_mm=0.01, index=0)
    found, sample = labels(place(plate(0), Pose(0, 0, 0), index=1), across)
    assert [number for number, _ in found["seg"]] == [1, 0]
    left, right = sample.ids[80, 80], sample.ids[80, 140]
    assert left == right == 1
    assert iou(raster(found["seg"][0][1]), sample.ids == 1) >= 0.99


def test_what_cannot_be_seen_and_clutter_have_no_line():
    hidden = place(washer(), Pose(0, 0, 0), index=2)
    cover = place(plate(0), Pose(0, 0, 0), base_mm=0.01, index=1)
    found, _ = labels(
        hidden, cover, place(washer(), Pose(45, 0, 0), index=None), place(washer(), Pose(900, 0, 0), index=2)
    )
    for task in TASKS:
        assert [number for number, _ in found[task]] == [1]


def test_nothing_on_the_table_is_an_empty_file():
    rendered = render_scene(context(), scene_of(), SHARP)
    assert label_texts(rendered.sample, []) == {"seg": "", "obb": ""}


def test_names_with_quotes_and_colons_survive_the_yaml(tmp_path):
    names = ['a "quoted" one', "back\\slash", "key: value", "- dash", "plain", "ключ", "# no comment", "no"]
    space = Workspace(tmp_path)
    write_layout(space, names)
    for task in TASKS:
        document = yaml.safe_load((space.yolo / task / "data.yaml").read_text(encoding="utf-8"))
        assert document["names"] == dict(enumerate(names))
        assert {split: document[split] for split in SPLITS} == {split: f"images/{split}" for split in SPLITS}


def test_pictures_are_linked_by_relative_paths_and_twice_is_no_harm(tmp_path):
    space = Workspace(tmp_path / "first")
    pictures = space.processed / "train" / "images"
    pictures.mkdir(parents=True)
    (pictures / "000000.jpg").write_bytes(b"x")
    write_layout(space, ["a"])
    write_layout(space, ["a", "b"])
    moved = Workspace((tmp_path / "first").rename(tmp_path / "second"))
    for task in TASKS:
        assert (moved.yolo / task / "images" / "train" / "000000.jpg").read_bytes() == b"x"
        assert "b" in (moved.yolo / task / "data.yaml").read_text()
        assert all((moved.yolo / task / "labels" / split).is_dir() for split in SPLITS)


def test_labels_lie_where_readers_look_for_them(tmp_path):
    space = Workspace(tmp_path)
    for task in TASKS:
        label = label_path(space, task, "val", 17)
        picture = space.yolo / task / "images" / "val" / "000017.jpg"
        assert label == type(label)(str(picture).replace("images", "labels")).with_suffix(".txt")

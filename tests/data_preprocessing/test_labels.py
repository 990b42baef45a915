"""Labels against readers and geometry that are not ours: pycocotools and shapely."""

import json
from pathlib import Path

import numpy as np
import pytest
import shapely
import yaml
from generator_parts import PARTS, SIZE_WH, iou, pixels_inside, small_config
from hypothesis import given
from hypothesis import strategies as st
from manifold3d import CrossSection, FillRule
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO

from kontur.data_preprocessing.dataset import open_dataset, split_of
from kontur.data_preprocessing.executors import Crew
from kontur.data_preprocessing.generate import generate
from kontur.data_preprocessing.labels import rings_of, visible_areas
from kontur.data_preprocessing.rings import bridged_rings, oriented_boxes
from kontur.workspace import SPLITS, Workspace

COUNT = 24


@pytest.fixture(scope="module")
def space(tmp_path_factory) -> Workspace:
    workspace = Workspace(tmp_path_factory.mktemp("labels"))
    config = small_config(
        dataset={"val_fraction": 0.1, "test_fraction": 0.1},
        scene={"parts": (2, 5), "pile": 0.5, "border": 0.5, "cover": 0.8},
        camera={"tilt_deg": (0, 8), "distance_mm": (200, 400)},
    )
    generate(workspace, config, PARTS, [], COUNT, 1, Crew("threads", 1))
    return workspace


def ring_mask(ring: np.ndarray) -> np.ndarray:
    """(H, W) bool pixels whose centre an evenly wound ring surrounds; continuous coordinates."""
    v, u = np.mgrid[0 : SIZE_WH[1], 0 : SIZE_WH[0]] + 0.5
    inside = np.zeros(u.shape, bool)
    ends = np.roll(ring, -1, axis=0)
    for (x0, y0), (x1, y1) in zip(ring, ends, strict=True):
        if y0 == y1:
            continue
        crosses = (y0 > v) != (y1 > v)
        inside ^= crosses & (u < x0 + (v - y0) / (y1 - y0) * (x1 - x0))
    return inside


@pytest.mark.parametrize("split", SPLITS)
def test_pycocotools_reads_masks_boxes_and_classes(space, split, capsys):
    dataset = open_dataset(space, split)
    coco = COCO(str(space.coco / f"{split}.json"))
    capsys.readouterr()
    assert sorted(coco.getImgIds()) == dataset.indices.tolist()
    assert [category["name"] for category in coco.loadCats(coco.getCatIds())] == [part.name for part in PARTS]
    for position, index in enumerate(dataset.indices.tolist()):
        sample = dataset[position]
        rows = coco.loadAnns(coco.getAnnIds(imgIds=[index]))
        assert len(rows) == len(sample.instances)
        for key, (row, instance) in enumerate(zip(rows, sample.instances, strict=True), 1):
            mask = coco.annToMask(row).astype(bool)
            assert np.array_equal(mask, sample.ids == key)
            assert row["area"] == mask.sum()
            assert row["category_id"] == instance.part + 1
            assert row["bbox"] == coco_mask.toBbox(row["segmentation"]).tolist()
            assert row["iscrowd"] == 0
            assert row["kontur"]["flipped"] == instance.pose.flipped


def test_annotation_ids_are_unique(space):
    for split in SPLITS:
        rows = json.loads((space.coco / f"{split}.json").read_text())["annotations"]
        assert [row["id"] for row in rows] == list(range(1, len(rows) + 1))


def test_amodal_outlines_cover_the_mask_and_go_on_where_it_is_hidden(space):
    rows = json.loads((space.coco / "train.json").read_text())["annotations"]
    hidden = [row for row in rows if row["kontur"]["visible_fraction"] < 0.8]
    assert hidden
    for row in rows:
        outer = shapely.Polygon(np.reshape(row["kontur"]["amodal"][0], (-1, 2)) - 0.5)
        mask = coco_mask.decode(row["segmentation"]).astype(bool)
        assert (mask & ~pixels_inside(outer.buffer(1.0))).sum() == 0
        assert row["area"] <= outer.area * row["kontur"]["visible_fraction"] * 1.05 + 8


def yolo_rows(space: Workspace, task: str, index: int) -> list[tuple[int, np.ndarray]]:
    split = split_of(index, 0.1, 0.1)
    text = (space.yolo / task / "labels" / split / f"{index:06d}.txt").read_text()
    rows = [line.split() for line in text.splitlines()]
    return [(int(row[0]), np.array(row[1:], float).reshape(-1, 2) * SIZE_WH) for row in rows]


def test_yolo_polygons_give_the_masks_back_holes_included(space):
    compared = 0
    for split in SPLITS:
        dataset = open_dataset(space, split)
        for position, index in enumerate(dataset.indices.tolist()):
            sample = dataset[position]
            rows = yolo_rows(space, "seg", index)
            for key, instance in enumerate(sample.instances, 1):
                mask = sample.ids == key
                if mask.sum() < 200:
                    continue
                best = max(iou(ring_mask(ring), mask) for number, ring in rows if number == instance.part)
                assert best >= 0.99
                compared += 1
    assert compared >= 30


def test_yolo_boxes_surround_the_polygons(space):
    for index in range(COUNT):
        boxes, polygons = yolo_rows(space, "obb", index), yolo_rows(space, "seg", index)
        assert [number for number, _ in boxes] == [number for number, _ in polygons]
        for (_, box), (_, ring) in zip(boxes, polygons, strict=True):
            assert box.shape == (4, 2)
            inside_picture = (box > 0.01).all() and (box < np.array(SIZE_WH) - 0.01).all()
            if inside_picture:
                assert shapely.Polygon(box).buffer(0.05).contains(shapely.MultiPoint(ring))


def test_yolo_coordinates_lie_in_the_picture(space):
    for task in ("seg", "obb"):
        for path in (space.yolo / task / "labels").rglob("*.txt"):
            for line in path.read_text().splitlines():
                values = [float(word) for word in line.split()[1:]]
                assert len(values) >= 6
                assert 0 <= min(values) <= max(values) <= 1


@pytest.mark.parametrize("task", ["seg", "obb"])
def test_data_yaml_leads_to_the_pictures(space, task):
    folder = space.yolo / task
    document = yaml.safe_load((folder / "data.yaml").read_text())
    assert document["names"] == dict(enumerate(part.name for part in PARTS))
    for split in SPLITS:
        pictures = sorted((folder / document[split]).glob("*.jpg"))
        labels = [Path(str(path).replace("/images/", "/labels/")).with_suffix(".txt") for path in pictures]
        assert pictures
        assert all(label.is_file() for label in labels)


holed = st.builds(
    lambda corners, spots: shapely.Polygon(
        [(r * np.cos(a), r * np.sin(a)) for r, a in zip(corners, np.linspace(0, 6.0, len(corners)), strict=True)]
    ).difference(shapely.union_all([shapely.Point(x, y).buffer(2.0) for x, y in spots])),
    st.lists(st.floats(20, 40), min_size=5, max_size=12),
    st.lists(st.tuples(st.floats(-25, 25), st.floats(-25, 25)), min_size=0, max_size=5),
)


def section_of(area: shapely.Geometry) -> CrossSection:
    """The same area as the labels hold it."""
    rings = [ring for piece in shapely.get_parts(area) for ring in (piece.exterior, *piece.interiors)]
    return CrossSection([np.array(ring.coords)[:-1] for ring in rings], FillRule.EvenOdd)


@given(area=holed)
def test_a_bridged_ring_covers_the_same_area(area):
    rings, *_ = groups = rings_of([section_of(area), section_of(shapely.box(0, 0, 2, 1))])
    ring, plain = bridged_rings(groups)
    assert plain.tolist() == groups[1][0].tolist()
    x, y = ring.T
    shoelace = 0.5 * abs(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y))
    assert len(ring) >= sum(map(len, rings))
    even_odd = pixels_inside(shapely.affinity.translate(area, 60.0123, 60.0345))
    got = ring_mask(ring + (60.5123, 60.5345))
    assert iou(even_odd, got) > 0.999
    assert shoelace == pytest.approx(area.area, rel=1e-6, abs=0.2)


@given(area=holed)
def test_rings_are_the_outlines_and_holes_of_the_area(area):
    (rings,) = rings_of([section_of(area)])
    signed = [float(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y)) / 2 for x, y in (ring.T for ring in rings)]
    assert np.diff(signed).max(initial=0) < 1e-6
    assert sum(signed) == pytest.approx(area.area, abs=0.2)
    outlines = [piece for piece in shapely.get_parts(area) if piece.area > 0.1]
    assert sum(size > 0.1 for size in signed) == len(outlines)


def test_no_area_has_no_ring_and_no_box():
    assert rings_of([CrossSection()]) == [()]
    assert [box.shape for box in oriented_boxes([()])] == [(0, 2)]
    assert rings_of([]) == bridged_rings([]) == oriented_boxes([]) == []


@given(st.lists(st.tuples(st.floats(-20, 50), st.floats(-20, 40), st.floats(4, 30), st.floats(4, 30)), max_size=6))
def test_what_lies_above_and_beyond_the_border_is_cut_away(boxes):
    plain = [shapely.box(x, y, x + width, y + height) for x, y, width, height in boxes]
    shown = visible_areas([section_of(box) for box in plain], (40, 30), range(len(plain)))
    frame = shapely.box(-0.5, -0.5, 39.5, 29.5)
    for number, (box, area) in enumerate(zip(plain, shown, strict=True)):
        above = shapely.union_all(plain[number + 1 :])
        assert area.area() == pytest.approx(box.difference(above).intersection(frame).area, abs=1e-3)


def test_what_is_not_asked_for_hides_all_the_same():
    areas = [section_of(shapely.box(0, 0, 10, 10)), section_of(shapely.box(5, 0, 15, 10))]
    assert [area.area() for area in visible_areas(areas, (40, 30), [0])] == pytest.approx([50])


def test_nothing_is_hidden_by_nothing():
    shown = visible_areas([CrossSection(), section_of(shapely.box(0, 0, 9, 9)), CrossSection()], (40, 30), range(3))
    assert [area.area() for area in shown] == pytest.approx([0, 81, 0])


@pytest.mark.parametrize("turn", [0, 33, 71.5])
def test_an_oriented_box_is_the_rectangle_itself(turn):
    rectangle = shapely.affinity.rotate(shapely.box(300, 200, 310, 204), turn)
    (box,) = oriented_boxes([(np.array(rectangle.exterior.coords)[:-1],)])
    assert shapely.Polygon(box).symmetric_difference(rectangle).area < 1e-3


@given(area=holed)
def test_no_smaller_box_surrounds_an_area(area):
    groups = rings_of([section_of(shapely.affinity.translate(area, 600, 400)), section_of(shapely.box(0, 0, 2, 1))])
    box, plain = (shapely.Polygon(corners) for corners in oriented_boxes(groups))
    assert box.buffer(1e-6).contains(shapely.MultiPoint(np.concatenate(groups[0])))
    assert box.area == pytest.approx(shapely.minimum_rotated_rectangle(area).area, rel=1e-5)
    assert plain.equals_exact(shapely.box(0, 0, 2, 1).normalize(), 1e-9) or plain.equals(shapely.box(0, 0, 2, 1))

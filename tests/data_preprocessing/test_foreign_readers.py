"""YOLO labels through supervision, a reader that is not ours.

It rounds the corners of a polygon to whole pixels of the picture it belongs to and fills its border too, which alone costs a
part of 300 pixels 15 per cent. So it is shown empty pictures of 32 times the size: the label files are the same, since their
coordinates are fractions, and the masks are looked up at the middles of the true pixels.
"""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import shapely
from generator_parts import PARTS, SIZE_WH, iou, small_config

from kontur.data_preprocessing.dataset import open_dataset
from kontur.data_preprocessing.executors import Crew
from kontur.data_preprocessing.generate import generate
from kontur.workspace import SPLITS, Workspace

sv = pytest.importorskip("supervision")
COUNT, SCALE, LEAST_PX = 16, 32, 200


@pytest.fixture(scope="module")
def space(tmp_path_factory) -> Workspace:
    workspace = Workspace(tmp_path_factory.mktemp("foreign"))
    config = small_config(
        dataset={"val_fraction": 0.25, "test_fraction": 0.125},
        scene={"parts": (2, 5), "pile": 0.5, "border": 0.5, "cover": 0.8},
        camera={"tilt_deg": (0, 8), "distance_mm": (200, 400)},
    )
    generate(workspace, config, PARTS, [], COUNT, 1, Crew("threads", 1))
    return workspace


def read(space: Workspace, task: str, split: str, pictures: Path, **options: Any) -> dict[int, Any]:
    folder = space.yolo / task
    found = sv.DetectionDataset.from_yolo(
        str(pictures), str(folder / "labels" / split), str(folder / "data.yaml"), **options
    )
    assert found.classes == [part.name for part in PARTS]
    return {int(Path(path).stem): detections for path, _, detections in found}


def at_middles(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return at which pixels' middles an enlarged mask is filled, and where it is so without the border of its edge.

    The reader fills the border too: an edge that runs through pixels' middles, to 1/32 px, claims all of them. There, and
    there alone, shapely decides.
    """
    inner = cv2.erode(mask.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    filled, sure = (one[SCALE // 2 :: SCALE, SCALE // 2 :: SCALE] for one in (mask.astype(bool), inner))
    return filled, sure


def segments(space: Workspace, split: str, index: int) -> list[shapely.Geometry]:
    """Return the segments of a sample as the label file has them, px."""
    text = (space.yolo / "seg" / "labels" / split / f"{index:06d}.txt").read_text()
    rings = [np.array(line.split()[1:], float).reshape(-1, 2) * SIZE_WH for line in text.splitlines()]
    return [shapely.make_valid(shapely.Polygon(ring)) for ring in rings]


@pytest.fixture(scope="module")
def enlarged(space, tmp_path_factory) -> Path:
    """An empty picture of 32 times the size for every sample of the splits val and test."""
    folder = tmp_path_factory.mktemp("enlarged")
    empty = np.zeros((SIZE_WH[1] * SCALE, SIZE_WH[0] * SCALE), np.uint8)
    for split in ("val", "test"):
        for index in open_dataset(space, split).indices.tolist():
            (folder / split).mkdir(exist_ok=True)
            cv2.imwrite(str(folder / split / f"{index:06d}.png"), empty)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("split", ["val", "test"])
def test_segments_are_the_masks_with_their_holes(space, enlarged, split):
    dataset, compared = open_dataset(space, split), 0
    middles = np.meshgrid(np.arange(SIZE_WH[0]) + 0.5, np.arange(SIZE_WH[1]) + 0.5)
    found = read(space, "seg", split, enlarged / split, force_masks=True)
    for position, index in enumerate(dataset.indices.tolist()):
        sample, rows = dataset[position], found[index]
        exact = [shapely.contains_xy(segment, *middles) for segment in segments(space, split, index)]
        masks = [
            sure | (filled & there) for (filled, sure), there in zip(map(at_middles, rows.mask), exact, strict=True)
        ]
        for key, instance in enumerate(sample.instances, 1):
            mask = sample.ids == key
            if mask.sum() >= LEAST_PX:
                same = [iou(got, mask) for got, part in zip(masks, rows.class_id, strict=True) if part == instance.part]
                assert max(same) >= 0.99
                compared += 1
    assert compared >= 3


@pytest.mark.parametrize("split", SPLITS)
def test_oriented_boxes_are_the_smallest_around_the_segments(space, split):
    pictures = space.processed / split / "images"
    boxes = read(space, "obb", split, pictures, is_obb=True)
    for index in open_dataset(space, split).indices.tolist():
        text = (space.yolo / "seg" / "labels" / split / f"{index:06d}.txt").read_text()
        segments = [np.array(line.split()[1:], float).reshape(-1, 2) * SIZE_WH for line in text.splitlines()]
        corners = boxes[index].data["xyxyxyxy"]
        assert len(corners) == len(segments)
        for box, segment in zip(corners, segments, strict=True):
            ours, smallest = shapely.Polygon(box), shapely.MultiPoint(segment).minimum_rotated_rectangle
            if ours.area >= LEAST_PX and ours.within(shapely.box(1, 1, SIZE_WH[0] - 1, SIZE_WH[1] - 1)):
                assert ours.area == pytest.approx(smallest.area, rel=5e-3)
                same = ours.intersection(smallest).area / ours.union(smallest).area >= 0.99
                assert same or ours.area < 1.0005 * smallest.area  # a toothed disc has several that are equally small

"""What really lies in pictures, wherever it comes from: the generated data set, or a folder annotated in COCO's format."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from pycocotools import mask as coco_mask

from kontur.data_preprocessing.data_config import DataConfig
from kontur.data_preprocessing.dataset import open_dataset
from kontur.data_preprocessing.fresh import FreshSamples
from kontur.data_preprocessing.render import background_pictures
from kontur.data_preprocessing.sample import Sample
from kontur.errors import DatasetError
from kontur.geometry import Part, PixelPose
from kontur.pictures import Picture, read_picture
from kontur.workspace import Workspace

TEST_SEED = 2_000_000_011
"""Of pictures that are rendered to measure on."""
LEAST_AREA_PX = 60
LEAST_VISIBLE_FRACTION = 0.25
"""Instances of which less can be seen are ignored: neither missed nor false."""

Rle = dict[str, Any]
"""COCO's compressed run lengths: {"size": [height, width], "counts": bytes or text}."""


@dataclass(frozen=True, eq=False)
class TruthInstance:
    """One part that is there.

    Attributes:
        part: index into the part list.
        mask: its visible pixels.
        area_px: their number.
        ignored: too little of it can be seen, or the annotation says so (iscrowd).
        pose: None where the annotation has none.
        visible_fraction: None where unknown.
    """

    part: int
    mask: Rle
    area_px: int
    ignored: bool
    pose: PixelPose | None = None
    visible_fraction: float | None = None


@dataclass(frozen=True, eq=False)
class TruthPicture:
    """The truth about one picture."""

    file: str
    size_wh: tuple[int, int]
    instances: tuple[TruthInstance, ...]


@dataclass(frozen=True, eq=False)
class GroundTruth:
    """Pictures whose content is known.

    Attributes:
        source: where it comes from, for people.
        parts: the part list that the instances index.
        pictures: the truth.
        load: returns picture `index`'s pixels, (H, W, 3) uint8 BGR.
    """

    source: str
    parts: tuple[Part, ...]
    pictures: tuple[TruthPicture, ...]
    load: Callable[[int], Picture]


def read_coco(annotations: Path, pictures: Path, parts: Sequence[Part], source: str) -> GroundTruth:
    """Read instances in COCO's format: masks as polygons or run lengths, classes named like the parts.

    What kontur's own data sets say beyond COCO (pose, visible fraction) is read where it is there.

    Args:
        annotations: the JSON file.
        pictures: the folder that its file names are relative to.
        parts: the part list; the file's categories may be fewer.
        source: where it comes from, for people.

    Raises:
        DatasetError: missing or damaged file, or a category that is no part.
    """
    try:
        document = json.loads(annotations.read_bytes())
        index = _part_of_category(document["categories"], parts, annotations)
        rows: dict[int, list[TruthInstance]] = {image["id"]: [] for image in document["images"]}
        sizes = {image["id"]: (int(image["width"]), int(image["height"])) for image in document["images"]}
        for row in document["annotations"]:
            rows[row["image_id"]].append(_instance(row, index[row["category_id"]], sizes[row["image_id"]]))
        files = {image["id"]: str(image["file_name"]) for image in document["images"]}
    except OSError as error:
        raise DatasetError(f"{annotations}: cannot be read ({error.strerror}); run `kontur generate`") from error
    except (ValueError, KeyError, TypeError) as error:
        raise DatasetError(f"{annotations}: not COCO instances ({error!r}); write or generate it again") from error
    truth = tuple(TruthPicture(files[key], sizes[key], tuple(found)) for key, found in rows.items())
    return GroundTruth(source, tuple(parts), truth, lambda at: read_picture(pictures / truth[at].file))


def read_split(workspace: Workspace, split: str, parts: Sequence[Part]) -> GroundTruth:
    """Read the truth of a split of the workspace's generated data set.

    Raises:
        DatasetError: no data set, an unfinished one, an empty split, or one made from other drawings than `parts`.
    """
    dataset = open_dataset(workspace, split)
    made_from = dict(zip(dataset.manifest.part_names, dataset.manifest.part_sha256s, strict=True))
    if made_from != {part.name: part.sha256 for part in parts}:
        raise DatasetError(
            f"{workspace.processed}: made from other drawings than the detector knows; run `kontur generate` again"
        )
    if not len(dataset):
        raise DatasetError(f"{workspace.processed / split}: no pictures in this split; generate more")
    pictures = dataset.paths(0).image.parent
    return read_coco(workspace.coco / f"{split}.json", pictures, parts, f"{split} split of the generated data set")


def render_truth(workspace: Workspace, config: DataConfig, parts: Sequence[Part], count: int) -> GroundTruth:
    """Render pictures that no training learns from, when a workspace has no data set.

    Args:
        workspace: whose pictures serve as tables.
        config: what to draw.
        parts: the part list.
        count: pictures.
    """
    samples = FreshSamples(config, tuple(parts), background_pictures(workspace.backgrounds), TEST_SEED, count)
    made = [samples[index] for index in range(count)]
    pictures = tuple(replace(truth_of(sample), file=f"{index:06d}") for index, sample in enumerate(made))
    return GroundTruth(f"{count} pictures rendered on the fly", tuple(parts), pictures, lambda at: made[at].image)


def truth_of(sample: Sample) -> TruthPicture:
    """Return a sample's truth in the form that evaluation reads."""
    items = []
    for number, instance in enumerate(sample.instances, 1):
        mask = np.asfortranarray((sample.ids == number).astype(np.uint8))
        area = int(mask.sum())
        ignored = too_little(area, instance.visible_fraction)
        items.append(
            TruthInstance(
                instance.part, coco_mask.encode(mask), area, ignored, instance.pose, instance.visible_fraction
            )
        )
    return TruthPicture("", (sample.ids.shape[1], sample.ids.shape[0]), tuple(items))


def _part_of_category(categories: list[dict[str, Any]], parts: Sequence[Part], path: Path) -> dict[int, int]:
    """Map category ids to indices of the part list."""
    names = {part.name: number for number, part in enumerate(parts)}
    strange = sorted({str(row["name"]) for row in categories} - names.keys())
    if strange:
        raise DatasetError(
            f"{path}: categories that are no parts of the drawings: {', '.join(strange)}; "
            "use the drawings it was made for, or generate again"
        )
    return {row["id"]: names[row["name"]] for row in categories}


def _instance(row: dict[str, Any], part: int, size_wh: tuple[int, int]) -> TruthInstance:
    mask = _run_lengths(row["segmentation"], size_wh)
    area = int(coco_mask.area(mask))
    about = row.get("kontur", {})
    visible = about.get("visible_fraction")
    pose = None
    if "angle_rad" in about:
        pose = PixelPose(about["u"], about["v"], about["angle_rad"], about["scale_px_per_mm"], about["flipped"])
    return TruthInstance(part, mask, area, bool(row.get("iscrowd")) or too_little(area, visible), pose, visible)


def _run_lengths(segmentation: Any, size_wh: tuple[int, int]) -> Rle:
    """Return compressed run lengths from any of COCO's three ways to write a mask."""
    width, height = size_wh
    if isinstance(segmentation, list):
        return coco_mask.merge(coco_mask.frPyObjects(segmentation, height, width))
    if isinstance(segmentation["counts"], list):
        return coco_mask.frPyObjects(segmentation, height, width)
    return segmentation


def too_little(area_px: int, visible_fraction: float | None) -> bool:
    """Return whether an instance is ignored because too little of it can be seen."""
    return area_px < LEAST_AREA_PX or (visible_fraction is not None and visible_fraction < LEAST_VISIBLE_FRACTION)

"""What really lies in pictures, wherever it comes from: the generated data set, or a folder annotated in COCO's format."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from pycocotools import mask as coco_mask

from kontur.data_preprocessing.sample import Instance, Sample
from kontur.geometry import Part, PixelPose
from kontur.pictures import Picture

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


def too_little(area_px: int, visible_fraction: float | None) -> bool:
    """Return whether an instance is ignored because too little of it can be seen."""
    return area_px < LEAST_AREA_PX or (visible_fraction is not None and visible_fraction < LEAST_VISIBLE_FRACTION)


def truth_of_sample(file: str, sample: Sample) -> TruthPicture:
    """Return the truth that a sample carries; instances without a visible pixel are ignored."""
    height, width = sample.ids.shape
    masks = [sample.ids == number for number in range(1, len(sample.instances) + 1)]
    rows = [_instance(item, mask) for item, mask in zip(sample.instances, masks, strict=True)]
    return TruthPicture(file, (width, height), tuple(rows))


def _instance(item: Instance, mask: Any) -> TruthInstance:
    area = int(mask.sum())
    code = coco_mask.encode(np.asfortranarray(mask.astype(np.uint8)))
    return TruthInstance(
        item.part, code, area, too_little(area, item.visible_fraction), item.pose, item.visible_fraction
    )


def truth_of_samples(
    source: str, parts: Sequence[Part], samples: Sequence[Sample], names: Sequence[str] | None = None
) -> GroundTruth:
    """Return the ground truth of samples; `names` are the pictures' file names, numbers by default.

    Args:
        source: where they come from, for people.
        parts: the part list.
        samples: a data set; each is read once here, and its picture again when asked for.
        names: one for each sample.
    """
    files = names if names is not None else [f"{index:06d}.png" for index in range(len(samples))]
    pictures = tuple(truth_of_sample(files[index], samples[index]) for index in range(len(samples)))
    return GroundTruth(source, tuple(parts), pictures, lambda index: samples[index].image)

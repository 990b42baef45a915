"""COCO instances: one annotation for each visible part, RLE with holes kept; whole files streamed sample by sample."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, TextIO

from kontur.data_preprocessing.dataset import Manifest, sample_paths, truth_rows
from kontur.data_preprocessing.decimals import decimals, ring_lists
from kontur.data_preprocessing.defects import Defect
from kontur.data_preprocessing.labels import Outline
from kontur.data_preprocessing.render import Rendered
from kontur.data_preprocessing.rle import MaskCode, encode_ids
from kontur.data_preprocessing.sample import Instance
from kontur.files import atomic_path
from kontur.workspace import Workspace

COCO_SHIFT_PX = 0.5
"""From pixel centres at integers to continuous coordinates with (0, 0) at the picture's corner."""


def truth_text(rendered: Rendered, outlines: Sequence[Outline]) -> str:
    """Return the truth file of a sample: a JSON object with the COCO annotations, bottom to top, without ids.

    Each annotation stands on a line of its own, so that `write_coco` can copy it without reading it.
    """
    width, height = rendered.scene.camera.size_wh
    rows = ",\n".join(annotations_of(rendered, outlines))
    return f'{{"width": {width}, "height": {height}, "annotations": [\n{rows}\n]}}\n'


def annotations_of(rendered: Rendered, outlines: Sequence[Outline]) -> list[str]:
    """Return the COCO annotation of each instance as a line of JSON, bottom to top, without ids."""
    sample = rendered.sample
    codes = encode_ids(sample.ids, len(sample.instances))
    defects = [view.thing.defect for key, view in zip(rendered.keys, rendered.views, strict=True) if key]
    items = zip(sample.instances, codes, outlines, defects, strict=True)
    return [_annotation(instance, code, outline, sample.ids.shape, defect) for instance, code, outline, defect in items]


def _annotation(
    instance: Instance, code: MaskCode, outline: Outline, size_hw: tuple[int, ...], defect: Defect | None
) -> str:
    pose = instance.pose
    about: dict[str, Any] = {
        "u": round(pose.u, 4), "v": round(pose.v, 4), "angle_rad": round(pose.angle_rad, 6),
        "scale_px_per_mm": round(pose.scale_px_per_mm, 6), "flipped": bool(pose.flipped),
        "visible_fraction": round(instance.visible_fraction, 5),
    }  # fmt: skip
    if defect is not None:
        about["defect"] = asdict(defect)
    row = {
        "category_id": instance.part + 1, "iscrowd": 0, "area": code.area, "bbox": list(code.bbox),
        "segmentation": {"size": list(size_hw), "counts": code.counts}, "kontur": about,
    }  # fmt: skip
    box = decimals(outline.box + COCO_SHIFT_PX, 2, ",")
    amodal = ring_lists([ring + COCO_SHIFT_PX for ring in outline.amodal], 2)
    return f'{json.dumps(row)[:-2]}, "obb": [{box}], "amodal": {amodal}}}}}'


def write_coco(workspace: Workspace, manifest: Manifest, split: str) -> Path:
    """Write `data/annotations/coco/SPLIT.json` from the truth files of a split; memory does not grow with their number."""
    path = workspace.coco / f"{split}.json"
    categories = [
        {"id": k, "name": name, "supercategory": "part", "kontur": {"symmetry": symmetry, "chiral": chiral}}
        for k, (name, symmetry, chiral) in enumerate(
            zip(manifest.part_names, manifest.symmetries, manifest.chirals, strict=True), 1
        )
    ]
    info = {"description": "kontur synthetic data set", "kontur": {"fingerprint": manifest.fingerprint}}
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8") as stream:
        stream.write(f'{{"info": {json.dumps(info)},\n"licenses": [],\n"categories": {json.dumps(categories)},\n')
        _write_list(stream, "images", _images(workspace, manifest, split))
        stream.write(",\n")
        _write_list(stream, "annotations", _annotations(workspace, manifest, split))
        stream.write("}\n")
    return path


def _write_list(stream: TextIO, name: str, rows: Iterator[str]) -> None:
    stream.write(f'"{name}": [')
    for number, row in enumerate(rows):
        stream.write((",\n" if number else "\n") + row)
    stream.write("]")


def _images(workspace: Workspace, manifest: Manifest, split: str) -> Iterator[str]:
    width, height = manifest.config["camera"]["size_wh"]
    for index in manifest.split_indices(split):
        name = sample_paths(workspace, split, index).image.name
        yield json.dumps({"id": index, "file_name": name, "width": width, "height": height})


def _annotations(workspace: Workspace, manifest: Manifest, split: str) -> Iterator[str]:
    number = 0
    for index in manifest.split_indices(split):
        for row in truth_rows(sample_paths(workspace, split, index).truth):
            number += 1
            yield f'{{"id": {number}, "image_id": {index}, {row[1:]}'

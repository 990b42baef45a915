"""COCO instances: one annotation for each visible part, RLE with holes kept; whole files streamed sample by sample."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TextIO

import numpy as np

from kontur.data_preprocessing.dataset import Manifest, sample_paths, truth_rows
from kontur.data_preprocessing.decimals import number_rows, ring_rows
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
    corners = np.concatenate([np.empty((0, 2)), *(outline.box for outline in outlines)]) + COCO_SHIFT_PX
    boxes = number_rows(corners, [outline.box.size for outline in outlines], 2, ",")
    amodals = ring_rows([outline.amodal for outline in outlines], 2, COCO_SHIFT_PX)
    height, width = sample.ids.shape
    size = f"[{height}, {width}]"
    items = zip(sample.instances, codes, defects, boxes, amodals, strict=True)
    return [_annotation(size, *item) for item in items]


def _annotation(size: str, instance: Instance, code: MaskCode, defect: Defect | None, box: str, amodal: str) -> str:
    pose = instance.pose
    counts = code.counts.replace("\\", "\\\\")
    fault = "" if defect is None else f'"defect": {json.dumps(asdict(defect))}, '
    return (
        f'{{"category_id": {instance.part + 1}, "iscrowd": 0, "area": {code.area}, "bbox": {list(code.bbox)}, '
        f'"segmentation": {{"size": {size}, "counts": "{counts}"}}, '
        f'"kontur": {{"u": {pose.u:.4f}, "v": {pose.v:.4f}, "angle_rad": {pose.angle_rad:.6f}, '
        f'"scale_px_per_mm": {pose.scale_px_per_mm:.6f}, "flipped": {"true" if pose.flipped else "false"}, '
        f'"visible_fraction": {instance.visible_fraction:.5f}, {fault}"obb": [{box}], "amodal": {amodal}}}}}'
    )


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

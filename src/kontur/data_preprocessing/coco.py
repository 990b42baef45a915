"""COCO instances: one annotation for each visible part, RLE with holes kept; whole files streamed sample by sample."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import shapely
from numpy.typing import NDArray

from kontur.data_preprocessing.dataset import Manifest, read_truth, sample_paths
from kontur.data_preprocessing.labels import polygons_of
from kontur.data_preprocessing.render import Rendered
from kontur.data_preprocessing.rle import encode_ids
from kontur.files import atomic_path
from kontur.geometry import Points
from kontur.workspace import Workspace

COCO_SHIFT_PX = 0.5
"""From pixel centres at integers to continuous coordinates with (0, 0) at the picture's corner."""


def annotations_of(rendered: Rendered, areas: Sequence[shapely.Geometry]) -> list[dict[str, Any]]:
    """Return the COCO annotations of a sample, bottom to top, without ids.

    Args:
        rendered: the sample and its scene.
        areas: silhouette of every placement, px.
    """
    rows: list[dict[str, Any]] = []
    whole = {key: area for key, area in zip(rendered.keys, areas, strict=True) if key}
    defects = {key: view.thing.defect for key, view in zip(rendered.keys, rendered.views, strict=True) if key}
    height, width = rendered.sample.ids.shape
    codes = encode_ids(rendered.sample.ids, len(rendered.sample.instances))
    for key, (code, instance) in enumerate(zip(codes, rendered.sample.instances, strict=True), 1):
        pose = instance.pose
        rows.append({
            "category_id": instance.part + 1,
            "iscrowd": 0,
            "area": code.area,
            "bbox": list(code.bbox),
            "segmentation": {"size": [height, width], "counts": code.counts},
            "kontur": {
                "u": round(pose.u, 4), "v": round(pose.v, 4), "angle_rad": round(pose.angle_rad, 6),
                "scale_px_per_mm": round(pose.scale_px_per_mm, 6), "flipped": bool(pose.flipped),
                "visible_fraction": round(instance.visible_fraction, 5),
                "amodal": [_flat(ring) for polygon in polygons_of(whole[key]) for ring in _rings(polygon)],
            },
        })  # fmt: skip
        if (defect := defects[key]) is not None:
            rows[-1]["kontur"]["defect"] = asdict(defect)
    return rows


def _rings(polygon: shapely.Polygon) -> list[NDArray[np.float64]]:
    return [np.asarray(ring.coords)[:-1] for ring in (polygon.exterior, *polygon.interiors)]


def _flat(ring: Points) -> list[float]:
    return np.round(ring + COCO_SHIFT_PX, 2).ravel().tolist()


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
        for row in read_truth(sample_paths(workspace, split, index).truth)["annotations"]:
            number += 1
            yield json.dumps({"id": number, "image_id": index, **row})

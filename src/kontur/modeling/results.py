"""Detections in files: detections.json and COCO results.

detections.json holds for each picture the detected parts; per detection the part's name, score, whether it lies face down,
its pose in px (the similarity at the datum; the angle counter-clockwise as seen, null for parts of continuous symmetry)
and its mask as COCO's compressed RLE: holes, and what higher parts of a pile cover, are left out. What no part
explains is listed apart, under `unknown`, as a quadrilateral.
"""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kontur.files import write_text
from kontur.geometry import Part, wrap_angle
from kontur.modeling.detections import UNKNOWN, Detections
from kontur.modeling.mask_codes import window_counts
from kontur.modeling.masks import UNKNOWN_SQUARE, Window, visible_masks

_DECIMALS_PX = 4
_DECIMALS_RELATIVE = 6

PictureResult = dict[str, Any]
"""The entry of one picture in detections.json."""


def encode_mask(window: Window, size_wh: tuple[int, int]) -> dict[str, Any]:
    """Return a mask as COCO's compressed run lengths: {"size": [height, width], "counts": text}."""
    counts = window_counts(window.pixels, window.left_top, size_wh)
    return {"size": [size_wh[1], size_wh[0]], "counts": counts}


def picture_result(file: str, detections: Detections, parts: Sequence[Part]) -> PictureResult:
    """Return the entry of one picture for detections.json.

    Args:
        file: the picture's file name.
        detections: what was found in it.
        parts: the part list.
    """
    masks = visible_masks(detections, parts)
    turns, scales = (values.tolist() for values in detections.similarity)
    known, unknown = (np.flatnonzero((detections.part == UNKNOWN) == which).tolist() for which in (False, True))
    return {
        "file": file,
        "size_wh": list(detections.size_wh),
        "detections": [_entry(detections, i, parts, masks[i], (turns[i], scales[i])) for i in known],
        "unknown": [_unknown_entry(detections, i) for i in unknown],
    }


def _entry(
    detections: Detections, index: int, parts: Sequence[Part], mask: Window, similarity: tuple[float, float]
) -> dict[str, Any]:
    part, (u, v), (angle_rad, scale) = parts[int(detections.part[index])], detections.uv[index].tolist(), similarity
    angle_deg = float(np.degrees(wrap_angle(angle_rad, part.symmetry))) if part.symmetry else None
    return {
        "part": part.name,
        "score": round(float(detections.score[index]), _DECIMALS_RELATIVE),
        "flipped": bool(detections.flipped[index]),
        "pose_px": {
            "u": round(u, _DECIMALS_PX),
            "v": round(v, _DECIMALS_PX),
            "angle_deg": None if angle_deg is None else round(angle_deg, _DECIMALS_PX),
            "scale_px_per_mm": round(scale, _DECIMALS_RELATIVE),
        },
        "mask": encode_mask(mask, detections.size_wh),
        "support": _number(detections.support[index]),
        "residual_px": _number(detections.residual_px[index]),
    }


def _unknown_entry(detections: Detections, index: int) -> dict[str, Any]:
    corners = detections.project(index, UNKNOWN_SQUARE).round(_DECIMALS_PX)
    return {"score": round(float(detections.score[index]), _DECIMALS_RELATIVE), "outline_px": corners.tolist()}


def _number(value: float) -> float | None:
    return round(float(value), _DECIMALS_RELATIVE) if np.isfinite(value) else None


def write_detections(path: Path, pictures: Iterable[PictureResult]) -> None:
    """Write detections.json.

    Raises:
        WorkspaceError: the file cannot be written.
    """
    write_text(path, json.dumps({"images": list(pictures)}, indent=1, allow_nan=False) + "\n")


def coco_results(pictures: Sequence[PictureResult], parts: Sequence[Part]) -> list[dict[str, Any]]:
    """Return COCO results: image_id counts pictures from 1 in the order given, category_id parts from 1.

    Masks and boxes are those of the pixels, so no half-pixel shift is needed: COCO's box of pixel (0, 0) is [0, 0, 1, 1].
    """
    from pycocotools import mask as coco_mask

    category = {part.name: number for number, part in enumerate(parts, 1)}
    return [
        {
            "image_id": image_id,
            "category_id": category[entry["part"]],
            "segmentation": entry["mask"],
            "bbox": coco_mask.toBbox(entry["mask"]).tolist(),
            "score": entry["score"],
        }
        for image_id, picture in enumerate(pictures, 1)
        for entry in picture["detections"]
    ]

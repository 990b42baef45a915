"""A drawing as a document for programs: what `kontur inspect --json` prints for one file."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from kontur.drawing.model import Drawing
from kontur.drawing.read import read_drawing
from kontur.drawing.rules import DrawingRules
from kontur.errors import DrawingError
from kontur.geometry import Contour, Part
from kontur.geometry.features import least_rectangle, smallest_feature, thinnest_web
from kontur.geometry.likeness import LookAlike

Document = dict[str, Any]


def inspect_drawing(path: Path, rules: DrawingRules) -> tuple[Drawing | None, Document]:
    """Read one file for inspection; an unreadable one is reported, not raised."""
    try:
        drawing = read_drawing(path, rules)
    except DrawingError as error:
        return None, {
            "file": str(path), "readable": False, "error": str(error), "unit": None, "unit_confidence": 0.0,
            "entities": {}, "parts": [], "issues": [],
        }  # fmt: skip
    return drawing, document_of(drawing)


def document_of(drawing: Drawing) -> Document:
    """Return the JSON document of a drawing; lengths in mm, areas in mm2, angles in degrees."""
    return {
        "file": str(drawing.file),
        "readable": True,
        "error": None,
        "sha256": drawing.sha256,
        "unit": drawing.unit,
        "unit_confidence": round(drawing.unit_confidence, 3),
        "entities": {kind: asdict(count) for kind, count in drawing.entities.items()},
        "parts": [part_document(part) for part in drawing.parts],
        "issues": [asdict(issue) for issue in drawing.issues],
    }


def part_document(part: Part) -> Document:
    """Return the JSON document of a part; positions are those of the drawing."""
    length, width, angle_deg = least_rectangle(part)
    return {
        "name": part.name,
        "area_mm2": part.area_mm2,
        "perimeter_mm": part.perimeter_mm,
        "bbox_mm": list(part.bbox_mm),
        "datum_mm": list(part.origin_mm),
        "holes": [_hole(hole, part.origin_mm) for hole in part.holes],
        "symmetry": part.symmetry,
        "chiral": part.chiral,
        "mirror_symmetric": not part.chiral,
        "least_rectangle_mm": [length, width],
        "least_rectangle_angle_deg": angle_deg,
        "thinnest_web_mm": thinnest_web(part),
        "smallest_feature_mm": smallest_feature(part),
        "sha256": part.sha256,
    }


def _hole(hole: Contour, origin_mm: tuple[float, float]) -> Document:
    if hole.circle is not None:
        x, y, diameter = hole.circle.x_mm, hole.circle.y_mm, 2 * hole.circle.radius_mm
    else:
        (x, y), diameter = hole.centroid_mm, None
    return {
        "diameter_mm": diameter,
        "area_mm2": hole.area_mm2,
        "x_mm": x + origin_mm[0],
        "y_mm": y + origin_mm[1],
    }


def look_alike_document(parts: Sequence[Part], pair: LookAlike, mm_per_px: float) -> Document:
    """Return the JSON document of two parts that are hard to tell apart at a scale."""
    return {
        "parts": [parts[pair.a].name, parts[pair.b].name],
        "mirrored": pair.mirrored,
        "overlap": pair.overlap,
        "difference_mm2": float(pair.difference.area),
        "difference_px": pair.difference_px(mm_per_px),
        "mm_per_px": mm_per_px,
    }

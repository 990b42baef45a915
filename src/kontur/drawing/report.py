"""A drawing as a document for programs: what `kontur inspect --json` prints for one file."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from kontur.drawing.guard import Reader
from kontur.drawing.model import Drawing
from kontur.drawing.rules import DrawingRules
from kontur.errors import DrawingError
from kontur.files import printable
from kontur.geometry import Contour, Part
from kontur.geometry.features import least_rectangle, smallest_feature, thinnest_web
from kontur.geometry.likeness import LookAlike
from kontur.geometry.units import mm_per

Document = dict[str, Any]
MOST_DIAMETERS = 4
SEEN_PX = 2.0
"""What is smaller than this many pixels cannot be relied on to show in a picture."""


def inspect_drawing(path: Path, rules: DrawingRules, mm_per_px: float, read: Reader) -> tuple[Drawing | None, Document]:
    """Read one file for inspection; an unreadable one is reported, not raised."""
    try:
        drawing = read(path, rules)
    except DrawingError as error:
        return None, {
            "file": printable(path), "readable": False, "error": printable(error), "in_doubt": True, "unit": None,
            "unit_confidence": 0.0, "mm_per_unit": None, "area_mm2": 0.0, "entities": {}, "parts": [], "issues": [],
        }  # fmt: skip
    return drawing, document_of(drawing, mm_per_px)


def document_of(drawing: Drawing, mm_per_px: float) -> Document:
    """Return the JSON document of a drawing; lengths in mm, areas in mm2, angles in degrees."""
    return {
        "file": printable(drawing.file),
        "readable": True,
        "error": None,
        "in_doubt": drawing.in_doubt,
        "sha256": drawing.sha256,
        "unit": drawing.unit,
        "unit_confidence": round(drawing.unit_confidence, 3),
        "mm_per_unit": mm_per(drawing.unit),
        "area_mm2": sum(part.area_mm2 for part in drawing.parts),
        "entities": {kind: asdict(count) for kind, count in drawing.entities.items()},
        "parts": [part_document(part, mm_per_px) for part in drawing.parts],
        "issues": [asdict(issue) for issue in drawing.issues],
    }


def part_document(part: Part, mm_per_px: float) -> Document:
    """Return the JSON document of a part; positions are those of the drawing."""
    (length, width, angle_deg), smallest = least_rectangle(part), smallest_feature(part)
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
        "smallest_feature_mm": smallest,
        "smallest_feature_px": smallest / mm_per_px,
        "smallest_feature_seen": smallest >= SEEN_PX * mm_per_px,
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
        "difference_width_px": pair.width_px(mm_per_px),
        "mm_per_px": mm_per_px,
    }


def holes_in_words(part: Document) -> str:
    """Return the holes of a part's document as a list of diameters, the most frequent first: `4 x 3.20, 1 x 8.00`."""
    diameters = Counter(f"{hole['diameter_mm']:.2f}" for hole in part["holes"] if hole["diameter_mm"] is not None)
    others = sum(hole["diameter_mm"] is None for hole in part["holes"])
    listed = [f"{count} x {size}" for size, count in diameters.most_common(MOST_DIAMETERS)]
    rest = len(diameters) - len(listed)
    listed += [f"{rest} more sizes"] if rest else []
    return ", ".join([*listed, *([f"{others} not round"] if others else [])])

"""Parts as they should not be: one fault cut into a part's shape, with a record of what and where.

Faults, in the part's frame: a hole missing, moved, of another size, or too many; an outline bent; a corner cut off; a burr;
a notch; the whole part too large or too small. Every fault keeps the part one valid piece; a part that cannot have a fault
(no holes to miss) gets a notch instead.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import shapely

from kontur.geometry import Part, Points, resample

DefectKind = Literal[
    "missing_hole", "moved_hole", "resized_hole", "extra_hole", "bent", "cut_corner", "burr", "notch", "wrong_scale"
]


@dataclass(frozen=True)
class Defect:
    """What is wrong with one part.

    Attributes:
        kind: which fault.
        x_mm, y_mm: where, in the part's frame.
        size_mm: how far it reaches: diameter, shift, depth, or change of the greatest radius.
    """

    kind: DefectKind
    x_mm: float
    y_mm: float
    size_mm: float


Faulty = tuple[shapely.Polygon, Defect]


def spoil(part: Part, kind: DefectKind, rng: np.random.Generator) -> tuple[tuple[Points, ...], Defect]:
    """Return the rings (outline, holes; mm) of a part with one fault, and its record."""
    made = _MAKERS[kind](part, rng)
    if made is None or not _is_one_piece(made[0]):
        made = _notch(part, rng)
    area, defect = made
    return tuple(np.asarray(ring.coords)[:-1] for ring in (area.exterior, *area.interiors)), defect


def _is_one_piece(area: shapely.Geometry) -> bool:
    return isinstance(area, shapely.Polygon) and area.is_valid and not area.is_empty


def _pick_hole(part: Part, rng: np.random.Generator) -> tuple[int, shapely.Polygon] | None:
    if not part.holes:
        return None
    index = int(rng.integers(len(part.holes)))
    return index, shapely.Polygon(part.holes[index].points)


def _without(part: Part, index: int, instead: Sequence[Points] = ()) -> shapely.Polygon:
    holes = [hole.points for k, hole in enumerate(part.holes) if k != index]
    return shapely.Polygon(part.outer.points, [*holes, *instead])


def _width(hole: shapely.Polygon) -> float:
    return float(2 * np.sqrt(hole.area / np.pi))


def _missing_hole(part: Part, rng: np.random.Generator) -> Faulty | None:
    if (found := _pick_hole(part, rng)) is None:
        return None
    index, hole = found
    return _without(part, index), Defect("missing_hole", hole.centroid.x, hole.centroid.y, _width(hole))


def _moved_hole(part: Part, rng: np.random.Generator) -> Faulty | None:
    if (found := _pick_hole(part, rng)) is None:
        return None
    index, hole = found
    turn, reach = rng.uniform(0, 2 * np.pi), float(rng.uniform(0.5, 2.5))
    moved = part.holes[index].points + reach * np.array([np.cos(turn), np.sin(turn)])
    return _without(part, index, [moved]), Defect("moved_hole", hole.centroid.x, hole.centroid.y, reach)


def _resized_hole(part: Part, rng: np.random.Generator) -> Faulty | None:
    if (found := _pick_hole(part, rng)) is None:
        return None
    index, hole = found
    factor = float(rng.choice([rng.uniform(0.5, 0.8), rng.uniform(1.25, 1.6)]))
    middle = np.array([hole.centroid.x, hole.centroid.y])
    grown = middle + factor * (part.holes[index].points - middle)
    change = abs(factor - 1) * _width(hole)
    return _without(part, index, [grown]), Defect("resized_hole", float(middle[0]), float(middle[1]), change)


def _extra_hole(part: Part, rng: np.random.Generator) -> Faulty | None:
    radius = float(rng.uniform(0.03, 0.08)) * part.radius_mm + 0.5
    room = part.polygon.buffer(-2 * radius)
    if room.is_empty:
        return None
    for _ in range(64):
        spot = shapely.Point(rng.uniform(room.bounds[:2], room.bounds[2:]))
        if room.contains(spot):
            drilled = part.polygon.difference(spot.buffer(radius))
            return drilled, Defect("extra_hole", spot.x, spot.y, 2 * radius)
    return None


def _on_outline(part: Part, rng: np.random.Generator) -> tuple[Points, Points]:
    """A random point of the outline and its outward normal."""
    points, normals = resample(part.outer.points, part.outer.perimeter_mm / 256)
    index = int(rng.integers(len(points)))
    return points[index], normals[index]


def _cut_corner(part: Part, rng: np.random.Generator) -> Faulty | None:
    corners = part.outer.points
    far = corners[int(rng.choice(np.argsort(-np.hypot(*corners.T))[: max(1, len(corners) // 3)]))]
    outward = far / max(1e-9, float(np.hypot(*far)))
    depth = float(rng.uniform(0.08, 0.2)) * part.radius_mm
    along, edge = np.array([-outward[1], outward[0]]), far - outward * depth
    reach = 3 * part.radius_mm
    saw = [edge + along * reach, edge - along * reach, edge - along * reach + outward * reach]
    knife = shapely.Polygon([*saw, edge + along * reach + outward * reach])
    return part.polygon.difference(knife), Defect("cut_corner", float(far[0]), float(far[1]), depth)


def _bent(part: Part, rng: np.random.Generator) -> Faulty:
    """One end bent sideways within the plane, holes included: shifted by the square of how far it lies beyond a line."""
    corners = part.outer.points
    far = corners[int(rng.choice(np.argsort(-np.hypot(*corners.T))[: max(1, len(corners) // 3)]))]
    reach = float(np.hypot(*far))
    outward = far / reach
    sideways = np.array([-outward[1], outward[0]]) * float(rng.choice([-1, 1]))
    begin, shift = float(rng.uniform(-0.3, 0.4)) * reach, float(rng.uniform(0.05, 0.12)) * part.radius_mm

    def bend(points: Points) -> Points:
        """Return points turned beyond the bending line."""
        beyond = np.maximum(0, points @ outward - begin) / (reach - begin)
        return points + shift * beyond[:, None] ** 2 * sideways

    fine = shapely.segmentize(part.polygon, part.radius_mm / 50)
    return shapely.transform(fine, bend), Defect("bent", float(far[0]), float(far[1]), shift)


def _burr(part: Part, rng: np.random.Generator) -> Faulty:
    spot, normal = _on_outline(part, rng)
    height, half = float(rng.uniform(0.5, 1.5)), float(rng.uniform(0.5, 1.5))
    along = np.array([-normal[1], normal[0]])
    spike = shapely.Polygon([spot - along * half - normal, spot + normal * height, spot + along * half - normal])
    return part.polygon.union(spike), Defect("burr", float(spot[0]), float(spot[1]), height)


def _notch(part: Part, rng: np.random.Generator) -> Faulty:
    spot, _ = _on_outline(part, rng)
    radius = float(rng.uniform(0.6, 1.6))
    for size in radius * np.array([1.0, 0.5, 0.25, 0.1, 0.02]):
        area = part.polygon.difference(shapely.Point(spot).buffer(size))
        if _is_one_piece(area):
            return area, Defect("notch", float(spot[0]), float(spot[1]), float(size))
    return part.polygon, Defect("notch", float(spot[0]), float(spot[1]), 0.0)


def _wrong_scale(part: Part, rng: np.random.Generator) -> Faulty:
    change = float(rng.uniform(0.015, 0.05)) * float(rng.choice([-1, 1]))
    rings = [contour.points * (1 + change) for contour in part.contours]
    return shapely.Polygon(rings[0], rings[1:]), Defect("wrong_scale", 0.0, 0.0, abs(change) * part.radius_mm)


_MAKERS: dict[DefectKind, Callable[[Part, np.random.Generator], Faulty | None]] = {
    "missing_hole": _missing_hole, "moved_hole": _moved_hole, "resized_hole": _resized_hole, "extra_hole": _extra_hole,
    "bent": _bent, "cut_corner": _cut_corner, "burr": _burr, "notch": _notch, "wrong_scale": _wrong_scale,
}  # fmt: skip

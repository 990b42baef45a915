"""Nested rings to parts with stable names, and the sheet's frame told from its parts."""

from collections import defaultdict
from pathlib import Path

import numpy as np
import shapely

from kontur.drawing.loops import Ring, rings_of
from kontur.drawing.model import Issue, counted
from kontur.drawing.nesting import Nest, parents_of
from kontur.files import printable
from kontur.geometry import Circle, Contour, GeometryError, Part, circle_contour, make_part
from kontur.geometry.part import SymmetryMemo

_FRAME_FILL = 0.98
_FRAME_SHARE, _MARGIN_SHARE = 0.5, 0.7
_ORDER_GRID_MM = 0.01


def without_frame(rings: list[Ring]) -> tuple[list[Ring], list[Issue]]:
    """Drop the frame of a sheet: two rectangles with a margin between, or one that holds mostly parts with holes.

    A plate with one large window in which other parts lie looks the same; the issue says so.
    """
    parents, depth = parents_of(rings)
    tops = [index for index, level in enumerate(depth) if level == 0]
    if len(tops) != 1 or max(depth) < 2 or not _is_rectangle(rings[tops[0]]):
        return rings, []
    inner = [index for index, level in enumerate(depth) if level == 1]
    areas = {index: shapely.Polygon(rings[index].points).area for index in [*tops, *inner]}
    margin = len(inner) == 1 and _is_rectangle(rings[inner[0]]) and areas[inner[0]] > _MARGIN_SHARE * areas[tops[0]]
    if margin and not all(_is_rectangle(ring) for ring in rings):
        return _left_out(rings, {*tops, *inner}, "two rectangles with a margin between hold everything")
    holding = {parents[index] for index, level in enumerate(depth) if level == 2}
    holding = {index for index in holding if rings[index].circle is None}  # round: a countersunk hole
    if max(depth) > 2 or sum(areas[i] for i in holding) < _FRAME_SHARE * sum(areas[i] for i in inner):
        return rings, []
    return _left_out(rings, set(tops), "a rectangle holds everything and what it holds has holes")


def _left_out(rings: list[Ring], frame: set[int], why: str) -> tuple[list[Ring], list[Issue]]:
    text = f"{why}: taken for the frame of a sheet, not for a part"
    place = rings[min(frame)].place
    return [ring for i, ring in enumerate(rings) if i not in frame], [Issue("sheet_frame", "ambiguous", text, *place)]


def concentric_issues(nests: list[Nest]) -> list[Issue]:
    """Say so where a round part lies in the middle of a round hole: a countersink or a step may be meant."""
    holes = defaultdict(list)
    for item in nests:
        for hole in item.holes:
            if hole.circle is not None:
                holes[_centre(hole.circle)].append(hole.circle.radius_mm)
    inside = [item.outer for item in nests if item.outer.circle is not None
              and max(holes[_centre(item.outer.circle)], default=0.0) > item.outer.circle.radius_mm]  # fmt: skip
    if not inside:
        return []
    text = f"{counted(len(inside), 'circle')} in the middle of round holes taken for parts; maybe countersinks or steps"
    return [Issue("concentric_circles", "ambiguous", text, *inside[0].place)]


def _centre(circle: Circle) -> tuple[int, int]:
    return round(circle.x_mm / _ORDER_GRID_MM), round(circle.y_mm / _ORDER_GRID_MM)


def build_parts(path: Path, nests: list[Nest], sagitta_mm: float) -> tuple[tuple[Part, ...], list[Issue]]:
    """Return the parts of a file, left to right then bottom to top, and what was wrong with their contours."""
    issues: list[Issue] = []
    shapes = [shape for item in nests for shape in _shapes(item, sagitta_mm, issues)]
    shapes.sort(key=lambda shape: tuple(round(value / _ORDER_GRID_MM) for value in shape[0].bounds_mm))
    stem = printable(path.name[: path.name.lower().rfind(".dxf")] if ".dxf" in path.name.lower() else path.stem)
    parts: list[Part] = []
    memo: SymmetryMemo = {}
    for number, (outer, holes) in enumerate(shapes, 1):
        try:
            parts.append(make_part(stem if len(shapes) == 1 else f"{stem}-{number}", outer, holes, memo))
        except GeometryError as error:
            issues.append(Issue("invalid_part", "error", f"{error}; left out", *map(float, outer.points[0])))
    return tuple(parts), issues


def _is_rectangle(ring: Ring) -> bool:
    polygon = shapely.Polygon(ring.points)
    x0, y0, x1, y1 = polygon.bounds
    return len(ring.points) <= 8 and polygon.area >= _FRAME_FILL * (x1 - x0) * (y1 - y0)


def _shapes(item: Nest, sagitta_mm: float, issues: list[Issue]) -> list[tuple[Contour, tuple[Contour, ...]]]:
    """Outline and holes of a nest; several when holes that touch the outline or each other cut it up."""
    outline, holes = _contour(item.outer, sagitta_mm), [_contour(hole, sagitta_mm) for hole in item.holes]
    polygon = shapely.Polygon(outline.points, [hole.points for hole in holes])
    if polygon.is_valid:
        return [(outline, tuple(holes))]
    inside = shapely.unary_union([shapely.Polygon(hole.points) for hole in holes])
    rest = shapely.difference(shapely.Polygon(outline.points), inside)
    pieces = [piece for piece in shapely.get_parts(rest).tolist() if piece.area > sagitta_mm * piece.length]
    text = f"holes touch the outline or each other; read as {len(pieces)} parts"
    issues.append(Issue("touching_contours", "ambiguous", text, *item.outer.place))
    known = [outline, *holes]
    shapes = []
    for piece in pieces:
        rings = [_known(ring, known, sagitta_mm) for ring in rings_of([piece], ())]
        shapes.append((rings[0], tuple(rings[1:])))
    return shapes


def _known(ring: Ring, known: list[Contour], sagitta_mm: float) -> Contour:
    """Return the contour that the ring repeats, with its exact circle, or the ring itself."""
    area = shapely.Polygon(ring.points).area
    for contour in known:
        if contour.circle is not None and abs(abs(contour.signed_area_mm2) - area) < 1e-9 * area:
            offset = np.abs(np.array(contour.bounds_mm) - np.array(shapely.Polygon(ring.points).bounds)).max()
            if offset < sagitta_mm:
                return contour
    return Contour(ring.points)


def _contour(ring: Ring, sagitta_mm: float) -> Contour:
    if ring.circle is not None:
        return circle_contour(ring.circle.x_mm, ring.circle.y_mm, ring.circle.radius_mm, sagitta_mm)
    return Contour(ring.points)

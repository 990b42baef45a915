"""What a camera must see of a part: its least rectangle, its thinnest web, its smallest feature. All in mm."""

from math import atan2, degrees, hypot, pi, sqrt

import numpy as np
import shapely

from kontur.geometry.part import Part

_CONVEX_SHARE = 1 - 1e-6
_INSCRIBED = 1e-3
_SIMPLE = 2e-4  # of the inscribed circle's radius: the polygon's detail that no neck hangs on
_FINEST_NECK, _NECK_STEPS = 5e-3, 32
_SLACK = 1e-3
_CRUMB = 1e-4


def least_rectangle(part: Part) -> tuple[float, float, float]:
    """Return (length, width, angle in degrees 0..180 of the length) of the smallest rectangle around a part."""
    corners = shapely.get_coordinates(shapely.minimum_rotated_rectangle(part.polygon))
    edges = corners[1:3] - corners[:2]
    (dx, dy), other = sorted(edges.tolist(), key=lambda edge: -hypot(*edge))
    return hypot(dx, dy), hypot(*other), degrees(atan2(dy, dx)) % 180


def thinnest_web(part: Part) -> float | None:
    """Return the width in mm of the thinnest web or neck; None where nothing is thinner than its surroundings.

    A web lies between two contours, a neck within one: where pulling the contour in by half its width first cuts the part
    in pieces (erosion, found to 0.1 %). A neck to a piece that is not a fifth wider than itself may be missed.
    """
    rings = [shapely.linearrings(contour.points) for contour in part.contours]
    web = float("inf")
    if len(rings) > 1:
        tree = shapely.STRtree(rings)
        _, distances = tree.query_nearest(rings, exclusive=True, return_distance=True, all_matches=False)
        web = float(distances.min())
    neck = _neck(part.polygon, web)
    return None if neck == float("inf") else neck


def _neck(polygon: shapely.Polygon, width: float) -> float:
    """Return the width of a neck thinner than `width`, or else `width`."""
    outline = shapely.Polygon(polygon.exterior)
    if outline.area > _CONVEX_SHARE * outline.convex_hull.area and width == float("inf"):
        return width
    reach = float(shapely.maximum_inscribed_circle(polygon, tolerance=_INSCRIBED * sqrt(polygon.area)).length)
    shape = polygon.simplify(_SIMPLE * reach)
    wide = min(width / 2, reach) * (1 - _SLACK)
    steps = (wide * np.geomspace(_FINEST_NECK, 1, _NECK_STEPS)).tolist()
    cut = next((k for k, depth in enumerate(steps) if _falls_apart(shape, depth)), None)
    if cut is None:
        return width
    low, high = steps[cut - 1] if cut else 0.0, steps[cut]
    while high - low > _SLACK * high:
        middle = (low + high) / 2
        low, high = (low, middle) if _falls_apart(shape, middle) else (middle, high)
    return low + high


def _falls_apart(shape: shapely.Polygon, depth: float) -> bool:
    """Whether pulling the contours in by `depth` leaves more than one piece that is no crumb."""
    pieces = shapely.get_parts(shapely.buffer(shape, -depth, quad_segs=16))
    return int((shapely.area(pieces) > _CRUMB * depth**2).sum()) > 1


def smallest_feature(part: Part) -> float:
    """Return the size of the smallest thing that tells the part apart: a hole's diameter, a web, or the part's width."""
    holes = [2 * sqrt(hole.area_mm2 / pi) for hole in part.holes]
    web = thinnest_web(part)
    return min([least_rectangle(part)[1], *holes, *([] if web is None else [web])])

"""What a camera must see of a part: its least rectangle, its thinnest web, its smallest feature. All in mm."""

from math import atan2, degrees, hypot, pi, sqrt

import shapely

from kontur.geometry.part import Part


def least_rectangle(part: Part) -> tuple[float, float, float]:
    """Return (length, width, angle in degrees 0..180 of the length) of the smallest rectangle around a part."""
    corners = shapely.get_coordinates(shapely.minimum_rotated_rectangle(part.polygon))
    edges = corners[1:3] - corners[:2]
    (dx, dy), other = sorted(edges.tolist(), key=lambda edge: -hypot(*edge))
    return hypot(dx, dy), hypot(*other), degrees(atan2(dy, dx)) % 180


def thinnest_web(part: Part) -> float | None:
    """Return the least distance between two of a part's contours; None for a part without holes.

    Necks of one contour with itself are not looked for.
    """
    rings = [shapely.linearrings(contour.points) for contour in part.contours]
    if len(rings) == 1:
        return None
    tree = shapely.STRtree(rings)
    _, distances = tree.query_nearest(rings, exclusive=True, return_distance=True, all_matches=False)
    return float(distances.min())


def smallest_feature(part: Part) -> float:
    """Return the size of the smallest thing that tells the part apart: a hole's diameter, a web, or the part's width."""
    holes = [2 * sqrt(hole.area_mm2 / pi) for hole in part.holes]
    web = thinnest_web(part)
    return min([least_rectangle(part)[1], *holes, *([] if web is None else [web])])

"""Rotational symmetry order and chirality of a flat shape about its centroid.

A shape has symmetry of order n when turning it by 360/n degrees about its centroid moves every boundary point to within
a tolerance of the boundary. The test is one-sided (turned points against the boundary), which suffices because turning
keeps lengths: a boundary that covers itself after turning is covered in return.

Where it fails: an order above MAX_ORDER is found as its greatest divisor up to MAX_ORDER; shapes whose deviation from
symmetry is smaller than the tolerance count as symmetric, because no camera would tell the difference either.
"""

import numpy as np
import shapely

from kontur.geometry.contour import Points

CONTINUOUS = 0
"""The symmetry order of shapes made of circles about one centre."""
MAX_ORDER = 120
TOLERANCE_RELATIVE = 1e-3
"""Allowed deviation as a fraction of the greatest radius about the centroid."""
TOLERANCE_MIN_MM = 0.01
_PROBES = 512
_MIRROR_STEPS = 720
_REFINEMENTS = 24


def tolerance_mm(radius_mm: float) -> float:
    """Return the deviation in mm up to which a shape of this greatest radius counts as symmetric."""
    return max(TOLERANCE_MIN_MM, TOLERANCE_RELATIVE * radius_mm)


def rotational_order(rings: list[Points]) -> int:
    """Return the rotational symmetry order about the origin; 0 (CONTINUOUS) when every ring is a circle about it.

    Args:
        rings: outer ring and holes, (N, 2) mm each, centroid of the area at the origin.
    """
    radii = [np.hypot(*ring.T) for ring in rings]
    limit = tolerance_mm(max(r.max() for r in radii))
    if all(np.ptp(_edge_radii(ring)) <= limit for ring in rings):
        return CONTINUOUS
    boundary, probes = _boundary(rings), _probes(rings)
    coarse = probes[:: max(1, len(probes) // 24)]
    for order in range(MAX_ORDER, 1, -1):
        angle = 2 * np.pi / order
        if _greatest_distance(boundary, _turn(coarse, angle)) <= limit and (
            _greatest_distance(boundary, _turn(probes, angle)) <= limit
        ):
            return order
    return 1


def is_chiral(rings: list[Points]) -> bool:
    """Return whether the shape differs from its mirror image however that is turned about the origin.

    Args:
        rings: outer ring and holes, (N, 2) mm each, centroid of the area at the origin.
    """
    limit = tolerance_mm(max(np.hypot(*ring.T).max() for ring in rings))
    boundary, probes = _boundary(rings), _probes(rings)
    coarse = probes[:: max(1, len(probes) // 48)]
    steps = np.linspace(0, 2 * np.pi, _MIRROR_STEPS, endpoint=False)
    mirrored = np.concatenate([_turn(coarse * (-1, 1), angle) for angle in steps])
    worst = shapely.distance(boundary, shapely.points(mirrored)).reshape(_MIRROR_STEPS, -1).max(axis=1)
    minima = np.flatnonzero((worst <= np.roll(worst, 1)) & (worst <= np.roll(worst, -1)))
    for index in minima[np.argsort(worst[minima])][:12]:
        angle = _refine(boundary, coarse * (-1, 1), steps[index], steps[1])
        if _greatest_distance(boundary, _turn(probes * (-1, 1), angle)) <= limit:
            return False
    return True


def _refine(boundary: shapely.Geometry, points: Points, angle: float, step: float) -> float:
    """Minimise the greatest distance near `angle` by ternary search within +-`step`."""
    low, high = angle - step, angle + step
    for _ in range(_REFINEMENTS):
        a, b = low + (high - low) / 3, high - (high - low) / 3
        if _greatest_distance(boundary, _turn(points, a)) < _greatest_distance(boundary, _turn(points, b)):
            high = b
        else:
            low = a
    return (low + high) / 2


def _edge_radii(ring: Points) -> Points:
    """Distances from the origin of the ring's corners and edge midpoints."""
    return np.hypot(*np.concatenate([ring, (ring + np.roll(ring, -1, axis=0)) / 2]).T)


def _boundary(rings: list[Points]) -> shapely.Geometry:
    boundary = shapely.multilinestrings([shapely.linearrings(ring) for ring in rings])
    shapely.prepare(boundary)
    return boundary


def _probes(rings: list[Points]) -> Points:
    """Corners, and points spread evenly along each ring, about _PROBES in all."""
    lengths = [np.linalg.norm(np.roll(ring, -1, axis=0) - ring, axis=1).sum() for ring in rings]
    probes = []
    for ring, length in zip(rings, lengths, strict=True):
        line = shapely.linearrings(ring)
        count = max(12, round(_PROBES * length / sum(lengths)))
        even = shapely.get_coordinates(line.interpolate(np.linspace(0, 1, count, endpoint=False), normalized=True))
        probes.append(np.concatenate([ring[:: max(1, len(ring) // count)], even]))
    return np.concatenate(probes)


def _turn(points: Points, angle_rad: float) -> Points:
    c, s = np.cos(angle_rad), np.sin(angle_rad)
    return points @ np.array([[c, s], [-s, c]])


def _greatest_distance(boundary: shapely.Geometry, points: Points) -> float:
    return float(shapely.distance(boundary, shapely.points(points)).max())

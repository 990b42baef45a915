"""Parts that cannot be told apart once they may lie face down."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import shapely

from kontur.geometry import Part, Points, resample, turn_matrix
from kontur.geometry.symmetry import tolerance_mm

_STEPS = 720
_PROBES = 160
_ALIKE = 1e-3


def mirror_conflicts(parts: Sequence[Part]) -> list[tuple[str, str]]:
    """Return the pairs of parts of which one, turned face down, looks like the other."""
    return [(a.name, b.name) for a, b in combinations(parts, 2) if _is_mirror_image(a, b)]


def _is_mirror_image(a: Part, b: Part) -> bool:
    if len(a.holes) != len(b.holes) or a.symmetry != b.symmetry:
        return False
    if (
        abs(a.area_mm2 - b.area_mm2) > _ALIKE * a.area_mm2
        or abs(a.perimeter_mm - b.perimeter_mm) > _ALIKE * a.perimeter_mm
    ):
        return False
    limit = 2 * tolerance_mm(a.radius_mm)
    boundary = shapely.boundary(b.polygon)
    shapely.prepare(boundary)
    probes = _probes(a)
    angles = np.linspace(0, 2 * np.pi, _STEPS, endpoint=False)
    worst = np.array([_distance(boundary, probes[::4], angle) for angle in angles])
    best = angles[np.argmin(worst)]
    step = angles[1]
    for _ in range(12):
        trials = best + step * np.array([-0.5, 0.0, 0.5])
        best = trials[np.argmin([_distance(boundary, probes, angle) for angle in trials])]
        step /= 2
    return _distance(boundary, probes, best) <= limit


def _probes(part: Part) -> Points:
    spacing = part.perimeter_mm / _PROBES
    return np.concatenate([resample(contour.points, spacing)[0] for contour in part.contours])


def _distance(boundary: shapely.Geometry, points: Points, angle_rad: float) -> float:
    turned = points @ turn_matrix(angle_rad, flipped=True).T
    return float(shapely.distance(boundary, shapely.points(turned)).max())

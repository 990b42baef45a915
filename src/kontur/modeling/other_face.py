"""Poses of parts that look the same from the back: on either face they can be told as lying on the other.

A shape with a mirror axis at angle a, mirrored (x to -x) and turned by t, covers the shape turned by t + 180 degrees - 2 a.
"""

from functools import lru_cache

import numpy as np
import shapely

from kontur.geometry import Part, resample, turn_matrix

_PROBES = 96
_STEPS = 720
_REFINEMENTS = 5
_FINER = 12


@lru_cache(maxsize=256)
def other_face_turn_rad(part: Part) -> float:
    """Return the turn, in [0, 2 pi), that makes a part cover its own mirror image (x to -x); for parts that are not chiral.

    Found by search: the mean distance of mirrored boundary points from the boundary, on a grid of angles that is refined
    around its minimum until steps are below a hundred thousandth of a degree.
    """
    boundary = shapely.multilinestrings([shapely.linearrings(contour.points) for contour in part.contours])
    shapely.prepare(boundary)
    spacing = part.perimeter_mm / _PROBES
    probes = np.concatenate([resample(contour.points, spacing)[0] for contour in part.contours]) * (-1, 1)

    def misfit(turn_rad: float) -> float:
        """Return how far the turned probes are from the contour."""
        turned = probes @ turn_matrix(-turn_rad).T
        return float(shapely.distance(boundary, shapely.points(turned)).mean())

    step = 2 * np.pi / _STEPS
    best = min(np.arange(_STEPS) * step, key=misfit)
    for _ in range(_REFINEMENTS):
        step /= _FINER
        best = min(best + step * np.arange(-_FINER, _FINER + 1), key=misfit)
    return float(best % (2 * np.pi))

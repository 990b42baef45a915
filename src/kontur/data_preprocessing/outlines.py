"""Outlines with no more corners than a picture's scale needs, and with the area they had.

A curve arrives as many short edges. Douglas-Peucker keeps the corners that matter; its chords lie inside a convex curve by
up to the tolerance, on average two thirds of it, and a small disc would lose a per cent of its area. So every chord is moved
to the mean distance of the edges it replaces. A straight edge and a sharp corner stay where they are.
"""

import math
from weakref import WeakKeyDictionary

import numpy as np
import shapely
from manifold3d import CrossSection, FillRule

from kontur.data_preprocessing.shapes import Shape
from kontur.geometry import Points

TOLERANCE_PX = 0.1
"""No point of an outline moves farther than this."""
_DAMPING = 0.05
"""Keeps corners between nearly parallel chords from running along them."""

Corners = tuple[Points, tuple[int, ...]]

_CORNERS: WeakKeyDictionary[Shape, dict[int, Corners]] = WeakKeyDictionary()
"""By template and octave of scale; a template of a spoilt part is used once and then forgotten with it."""


def corners_of(shape: Shape, scale_px_per_mm: float) -> Corners:
    """Return the corners of a template's rings, simplified for a scale, and where each ring begins and ends.

    Returns:
        (N, 3) homogeneous points (x, y, 1) in mm, and the ends of the rings in them, from 0 to N. Outlines run
        counter-clockwise, holes clockwise.
    """
    levels = _CORNERS.setdefault(shape, {})
    octave = math.ceil(2 * math.log2(scale_px_per_mm))
    if octave not in levels:
        levels[octave] = _corners(shape, TOLERANCE_PX / 2 ** (octave / 2))
    return levels[octave]


def _corners(shape: Shape, tolerance_mm: float) -> Corners:
    area = CrossSection([np.ascontiguousarray(ring, np.float64) for ring in shape.rings_mm], FillRule.EvenOdd)
    rings = [simplified(ring, tolerance_mm) for ring in area.to_polygons()]
    points = np.concatenate(rings)
    return np.column_stack([points, np.ones(len(points))]), tuple(np.cumsum([0, *map(len, rings)]).tolist())


def simplified(ring: Points, tolerance: float) -> Points:
    """Return a ring (N, 2) with fewer corners and the same area, nowhere farther from it than the tolerance."""
    kept = _kept(ring, tolerance)
    if len(kept) < 4 or len(kept) == len(ring):
        return ring
    corners = ring[kept]
    chords = np.roll(corners, -1, axis=0) - corners
    lengths = np.hypot(*chords.T)
    normals = np.column_stack([chords[:, 1], -chords[:, 0]]) / lengths[:, None]
    return corners + _shifts(normals, np.roll(normals, 1, axis=0), _bulges(ring, kept) / lengths, tolerance)


def _kept(ring: Points, tolerance: float) -> np.ndarray:
    """Indices of the corners that Douglas and Peucker keep."""
    simple = shapely.get_coordinates(shapely.simplify(shapely.LinearRing(ring), tolerance))
    return np.flatnonzero(np.isin(_complex(ring), _complex(simple)))


def _complex(points: Points) -> np.ndarray:
    return points[:, 0] + 1j * points[:, 1]


def _bulges(ring: Points, kept: np.ndarray) -> Points:
    """Signed area between each chord and the edges it replaces, positive where they lie to its right."""
    origin = ring[kept[0]]
    walk = np.roll(ring - origin, -kept[0], axis=0)
    following = np.roll(walk, -1, axis=0)
    sums = np.concatenate([[0.0], np.cumsum(walk[:, 0] * following[:, 1] - walk[:, 1] * following[:, 0])])
    begins = kept - kept[0]
    ends = np.append(begins[1:], len(ring))
    a, b = walk[begins], walk[ends % len(ring)]
    return (sums[ends] - sums[begins] - (a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0])) / 2


def _shifts(after: Points, before: Points, offsets: Points, tolerance: float) -> Points:
    """Shift of each corner that moves the chords after and before it by their offsets, in damped least squares."""
    both = np.stack([after, before], axis=1)
    wanted = np.stack([offsets, np.roll(offsets, 1)], axis=1)[:, :, None]
    turned = both.transpose(0, 2, 1)
    shifts = np.linalg.solve(turned @ both + _DAMPING * np.eye(2), turned @ wanted)[:, :, 0]
    far = np.maximum(1.0, np.hypot(*shifts.T) / tolerance)
    return shifts / far[:, None]

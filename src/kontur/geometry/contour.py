"""Closed rings in millimetres, y up."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

from kontur.errors import KonturError

Points = NDArray[np.float64]
"""(N, 2) float64 points: millimetres with y up, or pixels with v down where the name ends in `_px`."""


class GeometryError(KonturError):
    """A shape that cannot be: too few points, not finite, no area, holes outside their outline."""


@dataclass(frozen=True)
class Circle:
    """An exact circle: centre and radius in mm."""

    x_mm: float
    y_mm: float
    radius_mm: float


@dataclass(frozen=True, eq=False)
class Contour:
    """A closed ring, (N, 2) float64 mm, y up, read-only; the last point is not repeated.

    `circle` is set when the drawing says that the ring is an exact circle: the points then only approximate it.

    Raises:
        GeometryError: fewer than 3 points, wrong shape, or values that are not finite.
    """

    points: Points
    circle: Circle | None = None

    def __post_init__(self) -> None:
        points = np.array(self.points, dtype=np.float64)
        if points.ndim != 2 or points.shape[1] != 2:
            raise GeometryError(f"a contour needs points of shape (N, 2), got {points.shape}")
        if len(points) > 1 and np.array_equal(points[0], points[-1]):
            points = points[:-1].copy()
        if len(points) < 3:
            raise GeometryError(f"a contour needs at least 3 different points, got {len(points)}")
        if not np.isfinite(points).all():
            raise GeometryError("a contour has coordinates that are not finite")
        points.flags.writeable = False
        object.__setattr__(self, "points", points)

    def __len__(self) -> int:
        return len(self.points)

    def __reduce__(self) -> tuple[type["Contour"], tuple[Points, Circle | None]]:
        return Contour, (self.points, self.circle)  # made anew, so that it is read-only again and checked

    @cached_property
    def signed_area_mm2(self) -> float:
        """Shoelace area in mm2, positive when the ring runs counter-clockwise."""
        x, y = (self.points - self.points[0]).T
        return float(0.5 * np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y))

    @property
    def area_mm2(self) -> float:
        """Enclosed area in mm2; exact for circles."""
        if self.circle is not None:
            return float(np.pi * self.circle.radius_mm**2)
        return abs(self.signed_area_mm2)

    @cached_property
    def perimeter_mm(self) -> float:
        """Length of the ring in mm; exact for circles."""
        if self.circle is not None:
            return float(2 * np.pi * self.circle.radius_mm)
        return float(np.linalg.norm(np.roll(self.points, -1, axis=0) - self.points, axis=1).sum())

    @cached_property
    def centroid_mm(self) -> tuple[float, float]:
        """Centroid (x, y) of the enclosed area in mm."""
        centre = shapely.Polygon(self.points).centroid
        return float(centre.x), float(centre.y)

    @property
    def bounds_mm(self) -> tuple[float, float, float, float]:
        """Axis-parallel bounds (x_min, y_min, x_max, y_max) in mm."""
        low, high = self.points.min(axis=0), self.points.max(axis=0)
        return float(low[0]), float(low[1]), float(high[0]), float(high[1])

    def oriented(self, counter_clockwise: bool) -> "Contour":
        """Return the ring running in the given sense."""
        if (self.signed_area_mm2 > 0) == counter_clockwise:
            return self
        return Contour(self.points[::-1], self.circle)

    def shifted(self, dx_mm: float, dy_mm: float) -> "Contour":
        """Return the ring moved by (dx, dy) mm."""
        circle = self.circle and Circle(self.circle.x_mm + dx_mm, self.circle.y_mm + dy_mm, self.circle.radius_mm)
        return Contour(self.points + (dx_mm, dy_mm), circle)


def resample(ring: ArrayLike, spacing: float) -> tuple[Points, Points]:
    """Place points along a closed ring at equal arc length, `spacing` apart at most.

    Args:
        ring: (N, 2) points, last not repeated, any unit.
        spacing: the greatest distance between neighbours, in the same unit, > 0.

    Returns:
        points (M, 2) and unit normals (M, 2) that point to the right of the direction of travel, which is outwards for
        a counter-clockwise ring (y up). M >= 3.
    """
    corners = np.asarray(ring, np.float64)
    edges = np.roll(corners, -1, axis=0) - corners
    lengths = np.linalg.norm(edges, axis=1)
    keep = lengths > 0
    corners, edges, lengths = corners[keep], edges[keep], lengths[keep]
    start = np.concatenate([[0.0], np.cumsum(lengths)])
    count = max(3, int(np.ceil(start[-1] / spacing)))
    at = (np.arange(count) + 0.5) * (start[-1] / count)
    index = np.clip(np.searchsorted(start, at, side="right") - 1, 0, len(lengths) - 1)
    direction = edges[index] / lengths[index, None]
    points = corners[index] + direction * (at - start[index])[:, None]
    return points, np.column_stack([direction[:, 1], -direction[:, 0]])

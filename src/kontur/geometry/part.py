"""A flat part: outline, holes, datum, symmetry and chirality."""

import hashlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import shapely
from numpy.typing import NDArray

from kontur.geometry.contour import Circle, Contour, GeometryError, Points
from kontur.geometry.symmetry import is_chiral, rotational_order

_HASH_GRID_MM = 1e-3


@dataclass(frozen=True, eq=False)
class Part:
    """A flat part in its own frame: mm, y up, origin at the datum (the centroid of its area).

    Attributes:
        name: unique within a part list.
        outer: the outline, counter-clockwise.
        holes: the holes, clockwise; each lies inside the outline.
        origin_mm: where the datum lies in the drawing it was read from.
        symmetry: rotational symmetry order about the datum; 1 none, 0 continuous (rings and discs).
        chiral: whether its mirror image is a different part.
        copies: how many of it there are; 1 until copies are merged (see geometry.copies).
    """

    name: str
    outer: Contour
    holes: tuple[Contour, ...]
    origin_mm: tuple[float, float]
    symmetry: int
    chiral: bool
    copies: int = 1

    @property
    def contours(self) -> tuple[Contour, ...]:
        """Outline first, then the holes."""
        return (self.outer, *self.holes)

    @cached_property
    def outline(self) -> tuple[Points, NDArray[np.int64]]:
        """Corners (E, 2) of all contours, mm, and which corner follows each (E,)."""
        ends = np.cumsum([len(contour.points) for contour in self.contours])
        following = np.arange(1, ends[-1] + 1)
        following[ends - 1] = [0, *ends[:-1].tolist()]
        return np.concatenate([contour.points for contour in self.contours]), following

    @cached_property
    def polygon(self) -> shapely.Polygon:
        """The material as a shapely polygon with holes, mm."""
        return shapely.Polygon(self.outer.points, [hole.points for hole in self.holes])

    @cached_property
    def area_mm2(self) -> float:
        """Area of the material in mm2; exact where contours are circles."""
        return self.outer.area_mm2 - sum(hole.area_mm2 for hole in self.holes)

    @cached_property
    def perimeter_mm(self) -> float:
        """Length of all contours (what a laser cuts), mm."""
        return sum(contour.perimeter_mm for contour in self.contours)

    @cached_property
    def radius_mm(self) -> float:
        """Greatest distance of the outline from the datum, mm."""
        return float(np.hypot(*self.outer.points.T).max())

    @property
    def bbox_mm(self) -> tuple[float, float]:
        """Width and height in the drawing's orientation, mm."""
        x0, y0, x1, y1 = self.outer.bounds_mm
        return x1 - x0, y1 - y0

    @cached_property
    def sha256(self) -> str:
        """Hash of the geometry (not of the name), on a grid of 1 micrometre."""
        digest = hashlib.sha256()
        for contour in self.contours:
            digest.update(np.round(contour.points / _HASH_GRID_MM).astype("<i8").tobytes())
            digest.update(b"|")
        return digest.hexdigest()


SymmetryMemo = dict[bytes, tuple[int, bool]]
"""Symmetry order and chirality by geometry, so that the copies on a sheet are looked at once."""


def make_part(name: str, outer: Contour, holes: tuple[Contour, ...] = (), memo: SymmetryMemo | None = None) -> Part:
    """Build a part from contours in drawing coordinates (mm, y up): finds the datum and moves the contours to it.

    Args:
        name: unique within a part list.
        outer, holes: the contours; orientation does not matter.
        memo: shared by the parts of a sheet; filled here.

    Raises:
        GeometryError: the contours do not bound one valid area (self-crossing, a hole outside the outline).
    """
    outer = outer.oriented(counter_clockwise=True)
    holes = tuple(hole.oriented(counter_clockwise=False) for hole in holes)
    polygon = shapely.Polygon(outer.points, [hole.points for hole in holes])
    if not polygon.is_valid:
        raise GeometryError(f"part {name!r}: {shapely.is_valid_reason(polygon)}; mend the drawing there")
    if polygon.area <= 0:
        raise GeometryError(f"part {name!r} has no area")
    x, y = polygon.centroid.x, polygon.centroid.y
    outer, holes = outer.shifted(-x, -y), tuple(hole.shifted(-x, -y) for hole in holes)
    order, chiral = _symmetry([contour.points for contour in (outer, *holes)], {} if memo is None else memo)
    return Part(name, outer, holes, (x, y), order, chiral)


def _symmetry(rings: list[Points], memo: SymmetryMemo) -> tuple[int, bool]:
    key = b"|".join(np.round(ring / _HASH_GRID_MM).astype("<i8").tobytes() for ring in rings)
    if key not in memo:
        order = rotational_order(rings)
        memo[key] = order, order != 0 and is_chiral(rings)
    return memo[key]


def circle_contour(x_mm: float, y_mm: float, radius_mm: float, sagitta_mm: float = 0.01) -> Contour:
    """Return a counter-clockwise ring around an exact circle whose area it keeps (vertices slightly outside it)."""
    half_step = np.arccos(max(-1.0, 1 - min(sagitta_mm, radius_mm) / radius_mm))
    count = max(12, int(np.ceil(np.pi / half_step)))
    angle = np.arange(count) * (2 * np.pi / count)
    radius = radius_mm * np.sqrt(2 * np.pi / (count * np.sin(2 * np.pi / count)))
    points: Points = np.column_stack([x_mm + radius * np.cos(angle), y_mm + radius * np.sin(angle)])
    return Contour(points, Circle(x_mm, y_mm, radius_mm))

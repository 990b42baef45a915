"""Distance templates: what a flat shape needs to be drawn at any pose without touching its polygon again.

A template holds the signed distance to the shape's boundary (mm, positive inside the material) on a grid. Warped to the
picture it gives coverage with smooth edges, bevels (its slope is the direction to the edge) and holes, all from one array.
Distances are exact at grid points; between them they are interpolated, which rounds corners by about a tenth of a step.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from kontur.data_preprocessing.compiled import EntryCompiler
from kontur.data_preprocessing.sampling import pack
from kontur.geometry import Part, Points, resample

MARGIN_MM = 6.0
"""Distance is known up to this far outside the bounds; shadows and side walls reach no farther."""
_MAX_GRID = 640
LEVELS = 5
_OUTLINE_POINTS = 96

Floats = NDArray[np.float32]


class Level(NamedTuple):
    """A template for pictures of some scale.

    Attributes:
        packed: (H, W) int32, see `sampling.pack`.
        step_mm: grid step.
        address: of `packed` in memory.
    """

    packed: NDArray[np.int32]
    step_mm: float
    address: int


@dataclass(frozen=True, eq=False)
class Shape:
    """A signed distance template.

    Attributes:
        distance_mm: (H, W) float32; row 0 is the lowest y, because the drawing's y goes up.
        origin_mm: (x, y) of element [0, 0] in the part's frame.
        step_mm: grid step.
        bounds_mm: (x_min, y_min, x_max, y_max) of the material.
        outline_mm: (N, 2) points along the outer contour, for collision tests.
        rings_mm: the outline and the holes.
    """

    distance_mm: Floats
    origin_mm: tuple[float, float]
    step_mm: float
    bounds_mm: tuple[float, float, float, float]
    outline_mm: Points
    rings_mm: tuple[Points, ...]

    @property
    def grid_to_mm(self) -> NDArray[np.float64]:
        """(3, 3) from (column, row, 1) to (x, y, 1) in mm."""
        x, y = self.origin_mm
        return np.array([[self.step_mm, 0, x], [0, self.step_mm, y], [0, 0, 1]])

    @cached_property
    def reach_mm(self) -> float:
        """Greatest distance of the outline from the frame's origin."""
        return float(np.hypot(*self.outline_mm.T).max())

    @cached_property
    def trail_mm(self) -> Points:
        """(N, 3) the outline's points and how far it is to each along them."""
        return trail_of(self.outline_mm)

    @cached_property
    def body(self) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """What collision tests need: address and length of the outline's trail, address, rows and columns of the template;
        the template's origin (x, y) and step, and the reach, mm."""
        trail, distance = self.trail_mm, self.distance_mm
        places = [trail.ctypes.data, len(trail), distance.ctypes.data, *distance.shape]
        return np.array(places, np.int64), np.array([*self.origin_mm, self.step_mm, self.reach_mm])

    @cached_property
    def levels(self) -> tuple[Level, ...]:
        """The template, and every second, fourth ... row and column of it: what smaller pictures need."""
        return tuple(self._level(1 << k) for k in range(LEVELS))

    def _level(self, every: int) -> Level:
        packed = pack(self.distance_mm[::every, ::every])
        return Level(packed, self.step_mm * every, packed.ctypes.data)

    @cached_property
    def places(self) -> NDArray[np.int64]:
        """(levels, 3): address, rows and columns of each level."""
        return np.array([(level.address, *level.packed.shape) for level in self.levels], np.int64)


@numba.njit(nogil=True)
def level_number(step_mm, finest_mm):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Which level is the coarsest with a step of at most `step_mm`; the finest, whose step is `finest_mm`, where none is."""
    return min(LEVELS - 1, max(0, int(np.floor(np.log2(step_mm / finest_mm)))))


def part_shape(part: Part, step_mm: float) -> Shape:
    """Return the template of a part; `step_mm` is a wish, enlarged for parts of more than 640 steps."""
    return ring_shape([contour.points for contour in part.contours], step_mm)


def ring_shape(rings: list[Points], step_mm: float) -> Shape:
    """Return the template of the area inside an odd number of rings (mm, y up): an outline and its holes, or letters."""
    outer, corners = rings[0], np.concatenate(rings)
    low, high = corners.min(axis=0), corners.max(axis=0)
    step = max(step_mm, float((high - low).max() + 2 * MARGIN_MM) / _MAX_GRID)
    size = np.ceil((high - low + 2 * MARGIN_MM) / step).astype(int) + 1
    middle = (low + high) / 2
    origin = middle - (size - 1) * step / 2
    segments = np.concatenate([np.column_stack([ring, np.roll(ring, -1, axis=0)]) for ring in rings])
    distance = _distance_grid(segments, origin[0], origin[1], step, size[0], size[1])
    bounds = (float(low[0]), float(low[1]), float(high[0]), float(high[1]))
    return Shape(distance, (float(origin[0]), float(origin[1])), step, bounds, _spread(outer), tuple(rings))


def _spread(ring: Points) -> Points:
    """Points all along a ring, and its corners (not all of many)."""
    even, _ = resample(ring, float(np.hypot(*(np.roll(ring, -1, axis=0) - ring).T).sum()) / _OUTLINE_POINTS)
    return np.concatenate([even, ring[:: max(1, len(ring) // _OUTLINE_POINTS)]])


@numba.njit(cache=True, nogil=True, pipeline_class=EntryCompiler)
def _distance_grid(  # type: ignore[no-untyped-def]
    segments, x0, y0, step, columns, rows
):  # pragma: no cover
    """Signed distance to the nearest segment at every grid point; inside by the even-odd rule along the row."""
    out = np.empty((rows, columns), np.float32)
    count = len(segments)
    crossings = np.empty(count, np.float64)
    for row in range(rows):
        y = y0 + row * step
        found = 0
        for ax, ay, bx, by in segments:
            if (ay > y) != (by > y):
                crossings[found] = ax + (y - ay) / (by - ay) * (bx - ax)
                found += 1
        for column in range(columns):
            x = x0 + column * step
            inside = (crossings[:found] > x).sum() % 2 == 1
            distance = np.sqrt(_nearest_squared(segments, x, y))
            out[row, column] = distance if inside else -distance
    return out


@numba.njit(nogil=True, fastmath=True)
def _nearest_squared(segments, x, y):  # type: ignore[no-untyped-def]  # pragma: no cover
    best = 1e30
    for k in range(len(segments)):
        ax, ay = segments[k, 0], segments[k, 1]
        dx, dy = segments[k, 2] - ax, segments[k, 3] - ay
        length = dx * dx + dy * dy
        t = ((x - ax) * dx + (y - ay) * dy) / max(length, 1e-18)
        t = min(1.0, max(0.0, t))
        ex, ey = ax + t * dx - x, ay + t * dy - y
        best = min(best, ex * ex + ey * ey)
    return best


def trail_of(points: Points) -> Points:
    """Return (N, 3): points (N, 2) and how far it is to each along them."""
    steps = np.hypot(*np.diff(points, axis=0).T)
    return np.column_stack([points, np.append(0.0, np.cumsum(steps))])


@numba.njit(cache=True, nogil=True, error_model="numpy")
def deepest_mm(  # type: ignore[no-untyped-def]
    trail, pose, other_pose, distance_mm, origin_mm, step_mm, deep_mm
):  # pragma: no cover
    """Greatest signed distance (mm) of points to a shape, at the nearest grid point; beyond the grid a lower bound's guess.

    The search ends at the first point that is deeper than `deep_mm`, and passes over points that are too near one that lies
    outside to be the deepest.

    Args:
        trail: (N, 3) mm, see `trail_of`, in their own frame.
        pose, other_pose: (x_mm, y_mm, theta_rad, -1.0 for face down or 1.0) of the points and of the shape.
        distance_mm, origin_mm, step_mm: the shape's template.
    """
    rows, columns = distance_mm.shape
    x0, y0, theta, side = pose
    x1, y1, other_theta, other_side = other_pose
    turn, x_shift, y_shift = theta - other_theta, x0 - x1, y0 - y1
    c, s = np.cos(turn), np.sin(turn)
    co, so = np.cos(other_theta), np.sin(other_theta)
    deepest, passed = -1e9, -1.0
    for k in range(len(trail)):
        if trail[k, 2] < passed:
            continue
        px, py = trail[k, 0] * side, trail[k, 1]
        x = (c * px - s * py + x_shift * co + y_shift * so) * other_side
        y = s * px + c * py - x_shift * so + y_shift * co
        column, row = (x - origin_mm[0]) / step_mm, (y - origin_mm[1]) / step_mm
        i = min(columns - 1, max(0, int(np.rint(column))))
        j = min(rows - 1, max(0, int(np.rint(row))))
        right, down = column - i, row - j
        squared = right * right + down * down
        beyond = np.sqrt(squared) * step_mm if squared > 1.0 else 0.0
        deepest = max(deepest, distance_mm[j, i] - beyond)
        if deepest > deep_mm:
            break
        at_most = -beyond if beyond > 0 else distance_mm[j, i] + step_mm
        passed = trail[k, 2] + deepest - at_most - step_mm
    return deepest


@numba.njit(cache=True, nogil=True)
def apart_mm(a, pose, b, other_pose, near_mm):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Least distance between two shapes at poses (see `deepest_mm`), mm, not positive where they overlap.

    When it is less than `near_mm`, any number below that may be returned.

    Args:
        a, b: (trail of the outline, distance_mm, origin_mm, step_mm) of each.
    """
    deepest = deepest_mm(a[0], pose, other_pose, b[1], b[2], b[3], -near_mm)
    if deepest <= -near_mm:
        deepest = max(deepest, deepest_mm(b[0], other_pose, pose, a[1], a[2], a[3], -near_mm))
    return -deepest

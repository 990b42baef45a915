"""Whether a thing may lie at a place: how near it comes to what lies there, and how high it would lie on it."""

import math

import numba
import numpy as np

from kontur.data_preprocessing.addresses import pointer
from kontur.data_preprocessing.shapes import Shape, apart_mm
from kontur.geometry import Pose

_SLACK_MM = 0.05
"""Things that are moved against each other end up this close, or a little more."""
_STEPS_MM = (0.3, 0.1)
_STEPS = 12
_options = {"nogil": True, "error_model": "numpy"}

Stance = tuple[float, float, float, float]
"""x_mm, y_mm, theta_rad, and -1.0 for face down or 1.0."""


class Lying:
    """Things that lie on a table, in arrays that kernels read.

    Attributes:
        count: how many.
    """

    def __init__(self, most: int) -> None:
        self.count = 0
        self._bodies = np.empty((most, 5), np.int64)
        self._sizes = np.empty((most, 4))
        self._stances = np.empty((most, 5))

    def add(self, shape: Shape, pose: Pose, top_mm: float) -> None:
        """Lay one more thing, whose shape the caller keeps alive."""
        self._bodies[self.count], self._sizes[self.count] = shape.body
        self._stances[self.count] = (*stance_of(pose), top_mm)
        self.count += 1

    def settle(
        self, shape: Shape, stance: Stance, against: int | None, gap_mm: float, count: int
    ) -> tuple[float, float, float]:
        """Return (x, y, height) mm at which a thing may lie on the first `count` things; a height below 0 where it may not.

        Args:
            shape, stance: the thing and where to try it.
            against: the thing that it is first moved against; None leaves it where it is.
            gap_mm: the least gap to what lies there; negative infinity lets it lie on top.
        """
        x, y, height = _settle(
            *shape.body,
            stance,
            self._bodies[:count],
            self._sizes,
            self._stances,
            -1 if against is None else against,
            gap_mm,
        )
        return x, y, height


def stance_of(pose: Pose) -> Stance:
    """A pose in plain numbers."""
    return pose.x_mm, pose.y_mm, pose.theta_rad, -1.0 if pose.flipped else 1.0


def clearance_mm(shape: Shape, pose: Pose, other: Shape, other_pose: Pose, enough_mm: float = 12.0) -> float:
    """Return the least distance between outlines, mm; not positive where they overlap.

    What is farther apart than `enough_mm` may be reported as anything between that and the true distance.
    """
    return float(_clearance(*shape.body, stance_of(pose), *other.body, stance_of(other_pose), enough_mm, -math.inf))


@numba.njit(**_options, cache=True)
def _settle(body, size, stance, bodies, sizes, stances, against, gap_mm):  # type: ignore[no-untyped-def]  # pragma: no cover
    x, y, theta, side = stance
    if against >= 0:
        x, y = _move_against(
            body, size, x, y, theta, side, bodies[against], sizes[against], _first_four(stances[against])
        )
    height, near = 0.0, max(0.0, gap_mm)
    for k in range(len(bodies)):
        gap = _clearance(body, size, (x, y, theta, side), bodies[k], sizes[k], _first_four(stances[k]), near, near)
        if gap < gap_mm:
            return x, y, -1.0
        if gap <= 0:
            height = max(height, stances[k, 4])
    return x, y, height


@numba.njit(**_options)
def _move_against(body, size, x, y, theta, side, other, other_size, lying):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Move a thing straight towards another until they nearly touch; returns where it is then."""
    right, up = x - lying[0], y - lying[1]
    length, reach = max(1e-9, np.hypot(right, up)), 0.0
    for _ in range(_STEPS):
        x, y = lying[0] + right / length * reach, lying[1] + up / length * reach
        gap = _clearance(body, size, (x, y, theta, side), other, other_size, lying, _SLACK_MM, -np.inf)
        if gap > _SLACK_MM:
            break
        reach += max(_STEPS_MM[0], _STEPS_MM[1] - gap)
    return x, y


@numba.njit(**_options, cache=True)
def _clearance(body, size, stance, other, other_size, lying, enough, near):  # type: ignore[no-untyped-def]  # pragma: no cover
    """As `clearance_mm`; what is nearer than `near` may be reported as anything below that."""
    distance, reaches = np.hypot(stance[0] - lying[0], stance[1] - lying[1]), size[3] + other_size[3]
    if distance > reaches + enough:
        return distance - reaches
    return apart_mm(_material(body, size), stance, _material(other, other_size), lying, near)


@numba.njit(**_options)
def _material(body, size):  # type: ignore[no-untyped-def]  # pragma: no cover
    """What `apart_mm` wants to know of a shape."""
    trail = numba.carray(pointer(body[0]), (body[1], 3), np.float64)
    distance = numba.carray(pointer(body[2]), (body[3], body[4]), np.float32)
    return trail, distance, (size[0], size[1]), size[2]


@numba.njit(**_options)
def _first_four(row):  # type: ignore[no-untyped-def]  # pragma: no cover
    return row[0], row[1], row[2], row[3]

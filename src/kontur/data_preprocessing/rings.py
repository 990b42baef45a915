"""Many rings of corners at a time: their areas, bridges that make one ring of several, the smallest boxes around them.

A group of rings is what one part shows: its outlines and then its holes, which run against them.
"""

from collections.abc import Sequence
from itertools import chain, pairwise

import numba
import numpy as np
from numpy.typing import NDArray

from kontur.geometry import Points

Rings = tuple[Points, ...]
Whole = NDArray[np.int64]
_ASIDE = 1e-9
"""Points are sorted along x turned by this much, which tells those apart that lie above each other."""


def signed_areas(groups: Sequence[Sequence[Points]]) -> list[float]:
    """Return the area of each ring of each group, negative when it runs clockwise in a frame with y up."""
    points, ends, _ = _flat(groups)
    return _signed_areas(points, ends).tolist()


def _flat(groups: Sequence[Sequence[Points]]) -> tuple[Points, Whole, Whole]:
    """All points (N, 2) of groups of rings, where rings begin and the last ends, and the same of groups in the rings."""
    rings = list(chain.from_iterable(groups))
    points = np.concatenate([np.empty((0, 2)), *rings])
    return points, np.cumsum([0, *map(len, rings)]), np.cumsum([0, *map(len, groups)])


@numba.njit(cache=True, nogil=True)
def _signed_areas(points, ends):  # type: ignore[no-untyped-def]  # pragma: no cover
    out = np.zeros(len(ends) - 1)
    for ring in range(len(out)):
        out[ring] = _signed_area(points[ends[ring] : ends[ring + 1]])
    return out


@numba.njit(nogil=True)
def _signed_area(ring):  # type: ignore[no-untyped-def]  # pragma: no cover
    total, x0, y0 = 0.0, ring[0, 0], ring[0, 1]
    for k in range(1, len(ring) - 1):
        total += (ring[k, 0] - x0) * (ring[k + 1, 1] - y0) - (ring[k + 1, 0] - x0) * (ring[k, 1] - y0)
    return total / 2


def bridged_rings(groups: Sequence[Rings]) -> list[Points]:
    """Return for each group of rings one closed ring (N, 2) that covers the same area: holes and pieces hang on bridges of
    no width.

    Each runs from the nearest corner of the first ring. Walked there and back a bridge encloses nothing, wherever it runs.
    """
    points, ends = _bridge(*_flat(groups))
    return [points[begin:end] for begin, end in pairwise(ends.tolist())]


@numba.njit(cache=True, nogil=True)
def _bridge(points, rings, groups):  # type: ignore[no-untyped-def]  # pragma: no cover
    """The bridged rings, one after the other, and where each begins and the last ends."""
    out, ends, at = np.empty((len(points) + 2 * len(rings), 2)), np.zeros(len(groups), np.int64), 0
    for group in range(len(groups) - 1):
        first, count = groups[group], groups[group + 1] - groups[group] - 1
        ring = points[rings[first] : rings[first + 1]]
        corners, starts = np.empty(max(count, 0), np.int64), np.empty(max(count, 0), np.int64)
        order = np.empty(max(count, 0))
        for k in range(count):
            corners[k], starts[k] = _nearest(ring, points[rings[first + k + 1] : rings[first + k + 2]])
            order[k] = corners[k] * count + k
        walked = 0
        for k in np.argsort(order):
            loop = points[rings[first + k + 1] : rings[first + k + 2]]
            at = _copy(ring[walked : corners[k] + 1], out, at)
            at = _copy(loop[starts[k] :], out, at)
            at = _copy(loop[: starts[k] + 1], out, at)
            walked = corners[k]
        at = _copy(ring[walked:], out, at)
        ends[group + 1] = at
    return out[:at], ends


@numba.njit(nogil=True)
def _copy(points, out, at):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Write points from `at` on; returns where they end."""
    for k in range(len(points)):
        out[at + k, 0], out[at + k, 1] = points[k, 0], points[k, 1]
    return at + len(points)


@numba.njit(nogil=True)
def _nearest(ring, loop):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Index of a corner of the ring and of one of the loop with the least distance between them."""
    best, at, start = np.inf, 0, 0
    for j in range(len(loop)):
        for i in range(len(ring)):
            x, y = ring[i, 0] - loop[j, 0], ring[i, 1] - loop[j, 1]
            if x * x + y * y < best:
                best, at, start = x * x + y * y, i, j
    return at, start


def oriented_boxes(groups: Sequence[Rings]) -> list[Points]:
    """Return for each group of rings the (4, 2) corners of the smallest turned box around it; (0, 2) around nothing."""
    boxes = _boxes(*_flat(groups))
    return [box if rings else box[:0] for box, rings in zip(boxes, groups, strict=True)]


@numba.njit(cache=True, nogil=True)
def _boxes(points, rings, groups):  # type: ignore[no-untyped-def]  # pragma: no cover
    """(n, 4, 2) corners of the smallest box around each group; zeros for an empty one."""
    out = np.zeros((len(groups) - 1, 4, 2))
    hull = np.empty((2 * len(points) + 1, 2))
    for group in range(len(out)):
        first, last = groups[group], groups[group + 1]
        while last > first + 1 and _signed_area(points[rings[last - 1] : rings[last]]) < 0:
            last -= 1  # holes, which come last, lie within
        if last > first:
            count = _hull(points[rings[first] : rings[last]], hull)
            _smallest_box(hull[:count], out[group])
    return out


@numba.njit(nogil=True)
def _hull(points, out):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Write the corners of the convex hull, the first one again at the end; returns how many (Andrew's two chains)."""
    order, found = np.argsort(points[:, 0] + _ASIDE * points[:, 1]), 0
    for chain_of in range(2):
        least = found + 1
        for k in range(len(order)):
            point = points[order[k] if chain_of == 0 else order[len(order) - 1 - k]]
            while found > least and _turn(out[found - 2], out[found - 1], point) <= 0:
                found -= 1
            if found < least or point[0] != out[found - 1, 0] or point[1] != out[found - 1, 1]:
                out[found, 0], out[found, 1] = point[0], point[1]
                found += 1
        found -= chain_of == 0
    return found


@numba.njit(nogil=True)
def _turn(a, b, c):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Positive where c lies to the left of the way from a to b."""
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


@numba.njit(nogil=True)
def _smallest_box(hull, out):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Write the corners of the smallest box with a side along one of a closed hull's (Toussaint's rotating calipers)."""
    least, last = np.inf, len(hull) - 1
    ahead, above, behind = 1 % max(1, last), 0, 0
    for k in range(last):
        x, y = hull[k + 1, 0] - hull[k, 0], hull[k + 1, 1] - hull[k, 1]
        x, y = x / np.hypot(x, y), y / np.hypot(x, y)
        ahead = _climb(hull, ahead, x, y)
        above = _climb(hull, above if k else ahead, -y, x)
        behind = _climb(hull, behind if k else above, -x, -y)
        a0, a1 = hull[behind, 0] * x + hull[behind, 1] * y, hull[ahead, 0] * x + hull[ahead, 1] * y
        b0, b1 = hull[k, 1] * x - hull[k, 0] * y, hull[above, 1] * x - hull[above, 0] * y
        if (a1 - a0) * (b1 - b0) < least:
            least = (a1 - a0) * (b1 - b0)
            for corner, (a, b) in enumerate(((a0, b0), (a1, b0), (a1, b1), (a0, b1))):
                out[corner, 0], out[corner, 1] = a * x - b * y, a * y + b * x


@numba.njit(nogil=True)
def _climb(hull, at, x, y):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Go on round a closed hull from a corner as long as that leads farther in a direction; returns where it ends."""
    last = len(hull) - 1
    for _ in range(last):
        if (hull[at + 1, 0] - hull[at, 0]) * x + (hull[at + 1, 1] - hull[at, 1]) * y <= 0:
            break
        at = (at + 1) % last
    return at

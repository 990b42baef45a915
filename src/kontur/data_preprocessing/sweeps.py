"""What a flat thing of some thickness covers in a picture: its top face, swept along its walls down to its foot.

Where an edge faces the way of the sweep the foot's edge is on the outside, elsewhere the top's; where that changes, the way
of the corner between them is. These rings wind round all that the sweep covers, and nothing else, at least once (a
convolution curve: Guibas, Ramshaw, Stolfi 1983); they cross themselves in notches and in holes.
"""

from collections.abc import Sequence
from itertools import pairwise

import numba
import numpy as np

from kontur.data_preprocessing.outlines import corners_of
from kontur.data_preprocessing.views import View
from kontur.geometry import Points


def swept_rings(views: Sequence[View]) -> list[list[Points]]:
    """Return for each thing rings (N, 2) px whose positive winding numbers are what it covers, unbounded by the picture."""
    if not views:
        return []
    corners, ends = zip(*(corners_of(view.thing.shape, view.pose_px.scale_px_per_mm) for view in views), strict=True)
    rings_of_things = np.cumsum([0, *(len(each) - 1 for each in ends)])
    lengths = [end - begin for each in ends for begin, end in pairwise(each)]
    walls = np.array([(view.homographies[0], view.homographies[-1]) for view in views])
    mirrored = np.array([not view.thing.pose.flipped for view in views])  # the picture's y goes down
    points, found = _sweep(np.concatenate(corners), np.cumsum([0, *lengths]), rings_of_things, walls, mirrored)
    rings = [points[begin:end] for begin, end in pairwise(found.tolist())]
    return [rings[begin:end] for begin, end in pairwise(rings_of_things.tolist())]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _sweep(corners, ends, rings, walls, mirrored):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Sweep every ring of every thing.

    Args:
        corners: (N, 3) homogeneous mm; ends: (R + 1,) of the rings in them; rings: (n + 1,) of the things in those.
        walls: (n, 2, 3, 3) from mm to px, at the top and at the foot.
        mirrored: (n,) whether that turns a ring's direction round, in pixels with y up.

    Returns:
        (M, 2) px and (R + 1,) where each ring ends in them; outlines run counter-clockwise in a frame with y up.
    """
    out, out_ends = np.empty((2 * len(corners), 2)), np.zeros(len(ends), np.int64)
    faces, found = np.empty((2, len(corners), 2)), 0
    for thing in range(len(walls)):
        for ring in range(rings[thing], rings[thing + 1]):
            begin, end = ends[ring], ends[ring + 1]
            for level in range(2):
                _project(faces[level, begin:end], corners[begin:end], walls[thing, level])
            size = _sweep_ring(out[found:], faces[0, begin:end], faces[1, begin:end], mirrored[thing])
            if mirrored[thing]:
                _reverse(out[found : found + size])
            found += size
            out_ends[ring + 1] = found
    return out[:found], out_ends


@numba.njit(nogil=True, error_model="numpy")
def _project(out, corners, h):  # type: ignore[no-untyped-def]  # pragma: no cover
    for k in range(len(corners)):
        x, y = corners[k, 0], corners[k, 1]
        per = 1 / (h[2, 0] * x + h[2, 1] * y + h[2, 2])
        out[k, 0] = (h[0, 0] * x + h[0, 1] * y + h[0, 2]) * per
        out[k, 1] = (h[1, 0] * x + h[1, 1] * y + h[1, 2]) * per


@numba.njit(nogil=True, error_model="numpy")
def _sweep_ring(out, top, foot, mirrored):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Write the ring that a ring sweeps from top to foot; returns its length."""
    found, last = 0, len(top) - 1
    before = _leads(top, foot, last, 0, mirrored)
    for k in range(len(top)):
        after = _leads(top, foot, k, k + 1 if k < last else 0, mirrored)
        out[found, 0], out[found, 1] = _corner(top, foot, k, before)
        found += 1
        if before != after:
            out[found, 0], out[found, 1] = _corner(top, foot, k, after)
            found += 1
        before = after
    return found


@numba.njit(nogil=True)
def _corner(top, foot, k, leads):  # type: ignore[no-untyped-def]  # pragma: no cover
    return (foot[k, 0], foot[k, 1]) if leads else (top[k, 0], top[k, 1])


@numba.njit(nogil=True)
def _reverse(ring):  # type: ignore[no-untyped-def]  # pragma: no cover
    last = len(ring) - 1
    for k in range(len(ring) // 2):
        for axis in range(2):
            ring[k, axis], ring[last - k, axis] = ring[last - k, axis], ring[k, axis]


@numba.njit(nogil=True, error_model="numpy")
def _leads(top, foot, k, following, mirrored):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Whether the edge from corner `k` faces the way from top to foot."""
    along_x, along_y = top[following, 0] - top[k, 0], top[following, 1] - top[k, 1]
    x = foot[k, 0] - top[k, 0] + foot[following, 0] - top[following, 0]
    y = foot[k, 1] - top[k, 1] + foot[following, 1] - top[following, 1]
    facing = along_y * x - along_x * y
    return facing < 0 if mirrored else facing > 0

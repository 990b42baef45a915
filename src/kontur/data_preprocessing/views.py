"""How a camera sees things: the homographies of their slices, their window in the picture, their pose in pixels."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numba
import numpy as np
from numpy.typing import NDArray

from kontur.data_preprocessing.collisions import stance_of
from kontur.data_preprocessing.layout import Placement
from kontur.geometry import PixelPose
from kontur.geometry.camera import Camera

_SLICE_PX = 1.2
_BORDER_PX = 3
_FIT = 0.75
"""The homographies are exact at points this far from the middle of the thing's bounds towards its corners."""
_STEP_MM = 0.01
"""The projection's derivative is taken over this much to either side."""
_options = {"nogil": True, "error_model": "numpy"}

Matrix = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class View:
    """A thing as the camera sees it.

    Attributes:
        thing: what it is.
        pose_px: similarity at the datum of its top face.
        heights_mm: of its slices, top first: one for each 1.2 px of side wall that can be seen.
        homographies: (slices, 3, 3) from its frame (mm) to px.
        lean_px: greatest distance between the top edge and the foot of a wall.
        left, top, size: the window that holds all of it: its corner, and (width, height), px.
    """

    thing: Placement
    pose_px: PixelPose
    heights_mm: tuple[float, ...]
    homographies: Matrix
    lean_px: float
    left: int
    top: int
    size: tuple[int, int]


def view_things(camera: Camera, things: Sequence[Placement]) -> tuple[View, ...]:
    """Return the view of each thing."""
    rows = [(*stance_of(t.pose), t.base_mm, t.top_mm, *t.shape.bounds_mm) for t in things]
    heights, homographies, ends, poses, leans, windows = _view(
        np.array(rows).reshape(-1, 10), camera.matrix, camera.rotation, camera.translation_mm, camera.distortion
    )
    levels = heights.tolist()
    slices = [(tuple(levels[begin:end]), homographies[begin:end]) for begin, end in pairwise(ends.tolist())]
    return tuple(
        View(thing, PixelPose(u, v, angle, scale, thing.pose.flipped), *each, lean, left, top, (width, height))
        for thing, (u, v, angle, scale), each, lean, (left, top, width, height) in zip(
            things, poses.tolist(), slices, leans.tolist(), windows.tolist(), strict=True
        )
    )


@numba.njit(cache=True, **_options)
def _view(things, matrix, rotation, translation, distortion):  # type: ignore[no-untyped-def]  # pragma: no cover
    """View every thing.

    Args:
        things: (n, 10) x, y, theta, side (-1 face down), heights of foot and top, bounds in its frame, mm and radians.
        matrix, rotation, translation, distortion: of the camera.

    Returns:
        Heights of all slices, their homographies, (n + 1,) where each thing's begin and end, (n, 4) u, v, angle and scale at
        the datum, (n,) leans, (n, 4) windows: left, top, width, height.
    """
    count = len(things)
    ends, poses, leans, windows = (
        np.zeros(count + 1, np.int64),
        np.empty((count, 4)),
        np.empty(count),
        np.empty((count, 4), np.int64),
    )
    lens = (matrix, rotation, translation, distortion)
    plane, seen = np.empty((count, 4, 2)), np.empty((2, 4, 2))
    for k in range(count):
        _corners(plane[k], things[k])
        for level in range(2):
            _project(seen[level], plane[k], things[k, 5 - level], lens)
        leans[k] = _farthest(seen[0], seen[1])
        ends[k + 1] = ends[k] + max(1, int(np.ceil(leans[k] / _SLICE_PX))) + 1
        for axis in range(2):
            windows[k, axis] = int(np.floor(seen[:, :, axis].min())) - _BORDER_PX
            windows[k, 2 + axis] = int(np.ceil(seen[:, :, axis].max())) + _BORDER_PX + 1 - windows[k, axis]
        _pose(poses[k], things[k], lens)
    heights, homographies = np.empty(ends[count]), np.empty((ends[count], 3, 3))
    for k in range(count):
        spots = _drawn_in(plane[k])
        for each in range(ends[k], ends[k + 1]):
            share = (each - ends[k]) / (ends[k + 1] - ends[k] - 1)
            heights[each] = things[k, 5] + share * (things[k, 4] - things[k, 5])
            _project(seen[0], spots, heights[each], lens)
            _homography(homographies[each], things[k, 6:], seen[0])
    return heights, homographies, ends, poses, leans, windows


@numba.njit(**_options)
def _farthest(points, others):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Greatest distance between two points of the same number."""
    most = 0.0
    for k in range(len(points)):
        x, y = points[k, 0] - others[k, 0], points[k, 1] - others[k, 1]
        most = max(most, x * x + y * y)
    return np.sqrt(most)


@numba.njit(**_options)
def _drawn_in(corners):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Four corners, drawn in towards their middle by _FIT."""
    out = np.empty((4, 2))
    for axis in range(2):
        middle = (corners[0, axis] + corners[1, axis] + corners[2, axis] + corners[3, axis]) / 4
        for k in range(4):
            out[k, axis] = middle + _FIT * (corners[k, axis] - middle)
    return out


@numba.njit(**_options)
def _corners(out, thing):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Write where the corners of a thing's bounds lie on the plane, counter-clockwise in its own frame."""
    c, s = np.cos(thing[2]), np.sin(thing[2])
    for k in range(4):
        x, y = thing[8 if k in (1, 2) else 6] * thing[3], thing[9 if k > 1 else 7]
        out[k, 0], out[k, 1] = c * x - s * y + thing[0], s * x + c * y + thing[1]


@numba.njit(**_options)
def _project(out, points, height, lens):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Write the pixels of points (N, 2) mm at a height: what `Camera.project` does, OpenCV's distortion included."""
    matrix, rotation, translation, (k1, k2, p1, p2, k3) = lens[0], lens[1], lens[2], _five(lens[3])
    for n in range(len(points)):
        a, b = points[n, 0], points[n, 1]
        x = rotation[0, 0] * a + rotation[0, 1] * b + rotation[0, 2] * height + translation[0]
        y = rotation[1, 0] * a + rotation[1, 1] * b + rotation[1, 2] * height + translation[1]
        z = rotation[2, 0] * a + rotation[2, 1] * b + rotation[2, 2] * height + translation[2]
        x, y = x / z, y / z
        r2 = x * x + y * y
        radial = 1 + r2 * (k1 + r2 * (k2 + r2 * k3))
        bent_x = x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x * x)
        bent_y = y * radial + p1 * (r2 + 2 * y * y) + 2 * p2 * x * y
        out[n, 0] = matrix[0, 0] * bent_x + matrix[0, 1] * bent_y + matrix[0, 2]
        out[n, 1] = matrix[1, 0] * bent_x + matrix[1, 1] * bent_y + matrix[1, 2]


@numba.njit(**_options)
def _five(values):  # type: ignore[no-untyped-def]  # pragma: no cover
    return values[0], values[1], values[2], values[3], values[4]


@numba.njit(**_options)
def _pose(out, thing, lens):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Write u, v, angle and scale of the similarity at a thing's datum: what `Camera.pixel_pose` does."""
    spots, at = np.empty((5, 2)), np.empty((5, 2))
    for k in range(5):
        spots[k, 0] = thing[0] + (_STEP_MM if k == 1 else -_STEP_MM if k == 2 else 0.0)
        spots[k, 1] = thing[1] + (_STEP_MM if k == 3 else -_STEP_MM if k == 4 else 0.0)
    _project(at, spots, thing[5], lens)
    du, dv = (at[1] - at[2]) / (2 * _STEP_MM), (at[3] - at[4]) / (2 * _STEP_MM)
    right, down = du * np.cos(thing[2]) + dv * np.sin(thing[2])
    out[0], out[1], out[2] = at[0, 0], at[0, 1], np.arctan2(-down, right)
    out[3] = np.hypot(du[0] - dv[1], du[1] + dv[0]) / 2  # [[a, b], [b, -a]]: a turn, and y up to v down


@numba.njit(**_options)
def _homography(out, bounds, seen):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Write what maps the corners of the bounds, drawn in by _FIT, to four points (Heckbert 1989, from the unit square)."""
    (u0, v0), (u1, v1), (u2, v2), (u3, v3) = _pair(seen[0]), _pair(seen[1]), _pair(seen[2]), _pair(seen[3])
    a, b, c, d, x, y = u1 - u2, v1 - v2, u3 - u2, v3 - v2, u0 - u1 + u2 - u3, v0 - v1 + v2 - v3
    area = a * d - c * b
    g, h = (x * d - c * y) / area, (a * y - x * b) / area
    half_w, half_h = _FIT * (bounds[2] - bounds[0]) / 2, _FIT * (bounds[3] - bounds[1]) / 2
    left, low = (bounds[0] + bounds[2]) / 2 - half_w, (bounds[1] + bounds[3]) / 2 - half_h
    out[0, 0], out[0, 1], out[0, 2] = u1 - u0 + g * u1, u3 - u0 + h * u3, u0
    out[1, 0], out[1, 1], out[1, 2] = v1 - v0 + g * v1, v3 - v0 + h * v3, v0
    out[2, 0], out[2, 1], out[2, 2] = g, h, 1.0
    for row in range(3):
        out[row, 0] /= 2 * half_w
        out[row, 1] /= 2 * half_h
        out[row, 2] -= out[row, 0] * left + out[row, 1] * low
    out /= out[2, 2]


@numba.njit(**_options)
def _pair(row):  # type: ignore[no-untyped-def]  # pragma: no cover
    return row[0], row[1]

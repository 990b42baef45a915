"""How a camera sees things: the homographies of their slices, their window in the picture, their pose in pixels."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kontur.data_preprocessing.layout import Placement
from kontur.geometry import PixelPose
from kontur.geometry.camera import Camera

_SLICE_PX = 1.2
_BORDER_PX = 3
_FIT = 0.75
"""The homographies are exact at points this far from the middle of the thing's bounds towards its corners."""

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
    if not things:
        return ()
    corners = np.array([_corners(thing) for thing in things])
    plane = np.array([thing.pose.apply(box) for thing, box in zip(things, corners, strict=True)])
    tops, bases = np.array([(thing.top_mm, thing.base_mm) for thing in things]).T
    ends = _project(camera, np.stack([plane, plane], axis=1), np.column_stack([tops, bases]))
    lean = np.hypot(*np.moveaxis(ends[:, 0] - ends[:, 1], -1, 0)).max(axis=1)
    counts = np.maximum(1, np.ceil(lean / _SLICE_PX).astype(int)) + 1
    heights = [np.linspace(top, base, count) for top, base, count in zip(tops, bases, counts, strict=True)]
    near, spots = (box.mean(axis=1, keepdims=True) * (1 - _FIT) + _FIT * box for box in (corners, plane))
    seen = _project(camera, np.repeat(spots, counts, axis=0), np.concatenate(heights))
    homographies = np.split(_homographies(np.repeat(near, counts, axis=0), seen), np.cumsum(counts)[:-1])
    low = np.floor(ends.min(axis=(1, 2))).astype(int) - _BORDER_PX
    size = np.ceil(ends.max(axis=(1, 2))).astype(int) + _BORDER_PX + 1 - low
    poses = camera.pixel_poses([thing.pose for thing in things], tops.tolist())
    return tuple(
        View(thing, pose, tuple(slices.tolist()), maps, leans, left, top, (width, height))
        for thing, pose, slices, maps, leans, (left, top), (width, height) in zip(
            things, poses, heights, homographies, lean.tolist(), low.tolist(), size.tolist(), strict=True
        )
    )


def _corners(thing: Placement) -> list[tuple[float, float]]:
    x0, y0, x1, y1 = thing.shape.bounds_mm
    return [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]


def _project(camera: Camera, points_mm: Matrix, heights_mm: Matrix) -> Matrix:
    """Project groups of four points (..., 4, 2), each group at its height (...)."""
    return camera.project(points_mm.reshape(-1, 2), np.repeat(heights_mm.ravel(), 4)).reshape(points_mm.shape)


def _homographies(source: Matrix, target: Matrix) -> Matrix:
    """(N, 3, 3) homographies that map four points to four points: (N, 4, 2) each."""
    x, y = source[..., 0], source[..., 1]
    zero, one = np.zeros_like(x), np.ones_like(x)
    u, v = target[..., 0], target[..., 1]
    rows = np.concatenate([
        np.stack([x, y, one, zero, zero, zero, -u * x, -u * y], axis=-1),
        np.stack([zero, zero, zero, x, y, one, -v * x, -v * y], axis=-1),
    ], axis=1)  # fmt: skip
    found = np.linalg.solve(rows, np.concatenate([u, v], axis=1)[..., None])[..., 0]
    return np.concatenate([found, np.ones((len(found), 1))], axis=1).reshape(-1, 3, 3)

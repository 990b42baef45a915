"""How a camera sees things: the homographies of their slices, their window in the picture, their pose in pixels."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
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
        homographies: (3, 3) from its frame (mm) to px, one for each slice.
        left, top, size: the window that holds all of it: its corner, and (width, height), px.
    """

    thing: Placement
    pose_px: PixelPose
    heights_mm: tuple[float, ...]
    homographies: tuple[Matrix, ...]
    left: int
    top: int
    size: tuple[int, int]


def view_things(camera: Camera, things: Sequence[Placement]) -> tuple[View, ...]:
    """Return the view of each thing."""
    return tuple(_view(camera, thing) for thing in things)


def _view(camera: Camera, thing: Placement) -> View:
    x0, y0, x1, y1 = thing.shape.bounds_mm
    corners = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]])
    plane = thing.pose.apply(corners)
    ends = camera.project(np.concatenate([plane, plane]), np.repeat([thing.top_mm, thing.base_mm], 4))
    lean = float(np.hypot(*(ends[:4] - ends[4:]).T).max())
    count = max(1, int(np.ceil(lean / _SLICE_PX)))
    heights = tuple(thing.top_mm - thing.thickness_mm * k / count for k in range(count + 1))
    near = corners.mean(axis=0) + _FIT * (corners - corners.mean(axis=0))
    spots = np.tile(thing.pose.apply(near), (count + 1, 1))
    seen = camera.project(spots, np.repeat(heights, 4)).astype(np.float32).reshape(-1, 4, 2)
    source = near.astype(np.float32)
    low = np.floor(ends.min(axis=0)).astype(int) - _BORDER_PX
    high = np.ceil(ends.max(axis=0)).astype(int) + _BORDER_PX + 1
    return View(
        thing, camera.pixel_pose(thing.pose, thing.top_mm), heights,
        tuple(cv2.getPerspectiveTransform(source, target) for target in seen),
        int(low[0]), int(low[1]), (int(high[0] - low[0]), int(high[1] - low[1])),
    )  # fmt: skip

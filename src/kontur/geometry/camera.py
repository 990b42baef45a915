"""A pinhole camera over the plane: millimetres to pixels and back.

World frame: the plane is z = 0, x right and y up as seen by an untilted camera, z towards the camera. Camera frame: x right,
y down, z forward (OpenCV). Pixel centres lie at integer coordinates.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from kontur.geometry.contour import GeometryError, Points
from kontur.geometry.pose import PixelPose, Pose

_NOMINAL_DISTANCE_MM = 500.0
_LOOKING_DOWN = np.diag([1.0, -1.0, -1.0])
_DIFFERENCE_STEP_MM = 0.01

Matrix = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Camera:
    """Intrinsics, lens distortion and the pose of the plane.

    Attributes:
        size_wh: picture size in px.
        matrix: (3, 3) intrinsics, px.
        rotation: (3, 3) world to camera.
        translation_mm: (3,) world origin in the camera frame, mm.
        distortion: OpenCV's (k1, k2, p1, p2, k3).
    """

    size_wh: tuple[int, int]
    matrix: Matrix
    rotation: Matrix = field(default_factory=_LOOKING_DOWN.copy)
    translation_mm: Matrix = field(default_factory=lambda: np.array([0.0, 0.0, _NOMINAL_DISTANCE_MM]))
    distortion: Matrix = field(default_factory=lambda: np.zeros(5))

    @property
    def homography(self) -> Matrix:
        """(3, 3) plane (x, y, 1) in mm to undistorted pixels, up to scale."""
        return self.matrix @ np.column_stack([self.rotation[:, :2], self.translation_mm])

    def project(self, points_mm: ArrayLike, z_mm: ArrayLike = 0.0) -> Points:
        """Map (N, 2) mm on the plane z = `z_mm` (one height, or N of them) to (N, 2) px, lens distortion included."""
        flat = np.asarray(points_mm, np.float64)
        world = np.column_stack([flat, np.full(len(flat), z_mm)])
        rays = world @ self.rotation.T + self.translation_mm
        if self.distortion.any():
            # in the camera's frame already: OpenCV's rotation vectors are inexact near the half turn of looking down
            pixels, _ = cv2.projectPoints(rays, np.zeros(3), np.zeros(3), self.matrix, self.distortion)
            return pixels.reshape(-1, 2)
        pixels = rays @ self.matrix.T
        return pixels[:, :2] / pixels[:, 2:]

    def unproject(self, points_px: ArrayLike, z_mm: float = 0.0) -> Points:
        """Map (N, 2) px to (N, 2) mm on the plane z = `z_mm`; the inverse of `project`.

        Raises:
            GeometryError: a pixel's ray does not meet the plane in front of the camera.
        """
        pixels = np.asarray(points_px, np.float64).reshape(-1, 1, 2)
        rays = cv2.undistortPoints(pixels, self.matrix, self.distortion).reshape(-1, 2)
        directions = np.column_stack([rays, np.ones(len(rays))]) @ self.rotation
        centre = -self.rotation.T @ self.translation_mm
        steps = (z_mm - centre[2]) / directions[:, 2]
        if not (np.isfinite(steps) & (steps > 0)).all():
            raise GeometryError("a pixel looks past the plane; the camera is tilted too far")
        return (centre + directions * steps[:, None])[:, :2]

    def pixel_pose(self, pose: Pose, z_mm: float = 0.0) -> PixelPose:
        """Return what the projection looks like at the pose's datum, as a similarity.

        The angle is the direction in which the drawing's x axis (the mirrored one of a part that lies face down) is seen
        there. The scale is that of the similarity closest (Frobenius) to the projection's derivative.
        """
        return self.pixel_poses([pose], [z_mm])[0]

    def pixel_poses(self, poses: Sequence[Pose], z_mm: Sequence[float]) -> tuple[PixelPose, ...]:
        """Return `pixel_pose` of each pose at its height."""
        step = _DIFFERENCE_STEP_MM
        offsets = np.array([[0, 0], [step, 0], [-step, 0], [0, step], [0, -step]])
        spots = np.array([(pose.x_mm, pose.y_mm) for pose in poses]).reshape(-1, 1, 2) + offsets
        at = self.project(spots.reshape(-1, 2), np.repeat(z_mm, 5)).reshape(-1, 5, 2)
        du, dv = (at[:, 1] - at[:, 2]) / (2 * step), (at[:, 3] - at[:, 4]) / (2 * step)
        a, b = (du[:, 0] - dv[:, 1]) / 2, (du[:, 1] + dv[:, 0]) / 2  # [[a, b], [b, -a]]: a turn, and y up to v down
        thetas = np.array([pose.theta_rad for pose in poses])[:, None]
        axis = du * np.cos(thetas) + dv * np.sin(thetas)
        angles = np.arctan2(-axis[:, 1], axis[:, 0]).tolist()
        rows = zip(poses, at[:, 0].tolist(), angles, np.hypot(a, b).tolist(), strict=True)
        return tuple(PixelPose(u, v, angle, scale, pose.flipped) for pose, (u, v), angle, scale in rows)


def nominal_camera(size_wh: tuple[int, int], px_per_mm: float) -> Camera:
    """Return an untilted camera whose optical axis meets the world origin at the middle of the picture."""
    if px_per_mm <= 0:
        raise GeometryError(f"px_per_mm must be positive, got {px_per_mm}")
    return tilted_camera(size_wh, px_per_mm, _NOMINAL_DISTANCE_MM, 0.0, 0.0)


def tilted_camera(
    size_wh: tuple[int, int], px_per_mm: float, distance_mm: float, tilt_rad: float, tilt_towards_rad: float
) -> Camera:
    """Return a camera that looks at the world origin from `distance_mm`, tilted by `tilt_rad`.

    Args:
        size_wh: picture size in px.
        px_per_mm: scale at the world origin.
        distance_mm: from the camera's centre to the world origin.
        tilt_rad: angle between the optical axis and the plane's normal.
        tilt_towards_rad: direction on the plane, counter-clockwise from x, towards which the camera moves from overhead.
    """
    focal_px = px_per_mm * distance_mm
    middle = (np.array(size_wh) - 1) / 2
    matrix = np.array([[focal_px, 0, middle[0]], [0, focal_px, middle[1]], [0, 0, 1]])
    axis = np.array([-np.sin(tilt_towards_rad), np.cos(tilt_towards_rad), 0.0])
    tilt, _ = cv2.Rodrigues(-axis * tilt_rad)
    return Camera(size_wh, matrix, _LOOKING_DOWN @ tilt, np.array([0.0, 0.0, distance_mm]))

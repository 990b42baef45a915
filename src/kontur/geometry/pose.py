"""Where a part lies: on the plane in millimetres, and in a picture in pixels.

A part lies face down ("flipped") when it is seen from its back: its contour is mirrored first (x to -x in the part's own
frame) and then turned counter-clockwise by theta. Both frames are seen by the same eye: the plane has y up, the picture v
down, and a counter-clockwise turn looks counter-clockwise in both.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kontur.geometry.contour import Points


@dataclass(frozen=True)
class Pose:
    """Datum (x, y) in mm on the plane, angle in radians counter-clockwise, and whether the part lies face down."""

    x_mm: float
    y_mm: float
    theta_rad: float
    flipped: bool = False

    def apply(self, points: Points) -> Points:
        """Move (N, 2) points from the part's frame to the plane, mm."""
        return points @ turn_matrix(self.theta_rad, self.flipped).T + (self.x_mm, self.y_mm)


@dataclass(frozen=True)
class PixelPose:
    """A similarity from a part's frame (mm, y up) to a picture (px, centres at integers, v down).

    Attributes:
        u, v: the datum in px.
        angle_rad: counter-clockwise as seen in the picture; 0 where the drawing's x axis points right.
        scale_px_per_mm: scale at that place.
        flipped: the part lies face down.
    """

    u: float
    v: float
    angle_rad: float
    scale_px_per_mm: float
    flipped: bool = False

    @property
    def matrix(self) -> NDArray[np.float64]:
        """(2, 3) matrix from (x, y, 1) in mm to (u, v) in px."""
        turned = self.scale_px_per_mm * turn_matrix(self.angle_rad, self.flipped)
        return np.array([[*turned[0], self.u], [*-turned[1], self.v]])

    def apply(self, points: Points) -> Points:
        """Map (N, 2) points in mm of the part's frame to px."""
        matrix = self.matrix
        return points @ matrix[:, :2].T + matrix[:, 2]


def turn_matrix(theta_rad: float, flipped: bool = False) -> NDArray[np.float64]:
    """Return the (2, 2) matrix that mirrors x when flipped and then turns counter-clockwise, y up."""
    c, s = np.cos(theta_rad), np.sin(theta_rad)
    turn = np.array([[c, -s], [s, c]])
    return turn * (-1, 1) if flipped else turn


def wrap_angle(angle_rad: float, symmetry: int) -> float:
    """Return the angle in [0, 2 pi / symmetry); 0 for continuous symmetry (order 0), where angles mean nothing."""
    return float(angle_rad % (2 * np.pi / symmetry)) if symmetry else 0.0


def angle_difference(a_rad: float, b_rad: float, symmetry: int) -> float:
    """Return a - b in [-pi/n, pi/n), the smallest turn between equal looks; 0 for continuous symmetry."""
    if not symmetry:
        return 0.0
    period = 2 * np.pi / symmetry
    return float((a_rad - b_rad + period / 2) % period - period / 2)

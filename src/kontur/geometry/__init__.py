"""Shapes in millimetres, y up: contours, parts, poses and the camera. No files, no pictures."""

from kontur.geometry.contour import Circle, Contour, GeometryError, Points, resample
from kontur.geometry.part import Part, circle_contour, make_part
from kontur.geometry.pose import PixelPose, Pose, angle_difference, turn_matrix, wrap_angle

__all__ = [
    "Circle",
    "Contour",
    "GeometryError",
    "Part",
    "PixelPose",
    "Points",
    "Pose",
    "angle_difference",
    "circle_contour",
    "make_part",
    "resample",
    "turn_matrix",
    "wrap_angle",
]

"""The state of a registration, and the rows of its least squares: how motions move contour points along their normals."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from kontur.modeling.contour_model import ContourBatch
from kontur.modeling.edges import EdgePicture
from kontur.modeling.motion_fit import mean_square_arm, move_contours
from kontur.modeling.placing import place_points
from kontur.modeling.plane import Plane

Floats = NDArray[np.float64]

_BORDER_PX = 1.0


@dataclass(frozen=True, eq=False)
class Fit:
    """The state of a registration.

    Attributes:
        matrix: (N, 3, 3) part's frame to px.
        offset_px: (N,) how far outside the contour its edges lie (bevels, walls and contact shadows move all alike).
        plane: what the parts share.
    """

    matrix: Floats
    offset_px: Floats
    plane: Plane

    def __getitem__(self, index: NDArray[np.int64]) -> "Fit":
        """Return the state of some instances."""
        return Fit(self.matrix[index], self.offset_px[index], self.plane)


@dataclass(frozen=True, eq=False)
class Placed:
    """The contours of N detections in the picture, up to M points each.

    Attributes:
        points_px: (N, M, 2) where the contour is.
        normals_px: (N, M, 2) unit, away from the material.
        length_px: (N, M) contour length that a point stands for; 0 where padded or outside the picture.
        corner_weight: (N, M) 1 on smooth stretches, less next to corners.
        rows: (N, M, 4) px per unit of motion along the normal.
        centre: (N, 2) data in the rectified picture.
    """

    points_px: Floats
    normals_px: Floats
    length_px: Floats
    corner_weight: Floats
    rows: Floats
    centre: Floats

    @cached_property
    def weight(self) -> Floats:
        """(N, M) what a point counts for."""
        return self.length_px * self.corner_weight

    @cached_property
    def radius2(self) -> Floats:
        """(N,) mean squared distance of the contour from the datum, px2."""
        return np.array([mean_square_arm(*pair) for pair in zip(*self.reach, strict=True)])

    @property
    def reach(self) -> tuple[Floats, Floats]:
        """What the kernels of `motion_fit` take for `placed`: weights and rows."""
        return self.weight, self.rows


def place(source: EdgePicture, model: ContourBatch, fit: Fit) -> Placed:
    """Place contours by the matrices of a fit."""
    shape = model.points_mm.shape
    points, normals, length, rows = np.empty(shape), np.empty(shape), np.empty(shape[:2]), np.empty((*shape[:2], 4))
    centre = np.empty((len(points), 2))
    contours = (model.points_mm, model.normals, model.length_mm)
    place_points(
        fit.matrix, fit.plane.both_ways, contours, source.size_wh, _BORDER_PX, points, normals, length, rows, centre
    )
    return Placed(points, normals, length, model.weight, rows, centre)


def moved(fit: Fit, placed: Placed, solution: Floats, range_px: float) -> Fit:
    """Return the fit after solutions (N, 5) of `motion_fit`; motions beyond the range are shortened, in place."""
    matrix = np.empty_like(fit.matrix)
    move_contours(fit.matrix, fit.plane.both_ways, (*placed.reach, placed.centre), range_px, solution, matrix)
    return Fit(matrix, solution[:, 4].copy(), fit.plane)


def missing_scale(fit: Fit) -> Floats:
    """Return (N,) log of the scale that the shared plane has over the parts' own; 0 where it is not known."""
    if fit.plane.log_scale is None:
        return np.zeros(len(fit.matrix))
    return fit.plane.log_scale - rectified_log_scale(fit.matrix, fit.plane)


def rectified_log_scale(matrix: Floats, plane: Plane) -> Floats:
    """Return (N,) log of px per mm that the parts have in the rectified picture, at their data.

    A homography H stretches areas at a point by det H over the cube of the point's homogeneous weight.
    """
    rectified = plane.both_ways[1] @ matrix
    return np.asarray(0.5 * np.log(np.abs(np.linalg.det(rectified) / rectified[:, 2, 2] ** 3)), np.float64)

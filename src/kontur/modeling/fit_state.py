"""The state of a registration, and contours placed by it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kontur.modeling.contour_fit import BORDER_PX
from kontur.modeling.contour_model import ContourBatch
from kontur.modeling.edges import Crossing, EdgePicture
from kontur.modeling.placing import place_points
from kontur.modeling.plane import Plane
from kontur.modeling.reader_answer import CORNER_POOL_WEIGHT

Floats = NDArray[np.float64]


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

    def copy(self) -> "Fit":
        """Return a state that may be changed in place."""
        return Fit(self.matrix.copy(), self.offset_px.copy(), self.plane)

    def plane_in(self, source: EdgePicture) -> tuple[Floats, float, tuple[int, int]]:
        """Return the plane as the kernels of `contour_fit` take it."""
        scale = self.plane.log_scale
        return self.plane.both_ways, np.nan if scale is None else scale, source.size_wh


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

    @property
    def weight(self) -> Floats:
        """(N, M) what a point counts for."""
        return self.length_px * self.corner_weight

    @property
    def pooling(self) -> Floats:
        """(N, M) how much each point tells of its part, see `edge_reader.read_edges`."""
        return self.length_px * np.where(self.corner_weight == 1, 1, CORNER_POOL_WEIGHT)


def place(source: EdgePicture, model: ContourBatch, fit: Fit) -> Placed:
    """Place contours by the matrices of a fit."""
    shape = model.points_mm.shape
    points, normals, length, rows = np.empty(shape), np.empty(shape), np.empty(shape[:2]), np.empty((*shape[:2], 4))
    centre = np.empty((len(points), 2))
    contours = (model.points_mm, model.normals, model.length_mm)
    place_points(
        fit.matrix, fit.plane.both_ways, contours, source.size_wh, BORDER_PX, points, normals, length, rows, centre
    )
    return Placed(points, normals, length, model.weight, rows, centre)


def smooth_across(source: EdgePicture, model: ContourBatch, fit: Fit, line: Crossing) -> None:
    """Smooth a picture where contours will be crossed, if it is not smooth as a whole."""
    if source.tiles is not None:
        placed = place(source, model, fit)
        source.smooth_across((placed.points_px, placed.normals_px, placed.weight), line)

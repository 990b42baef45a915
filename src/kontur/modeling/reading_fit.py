"""The fine fit: contours move to where the edge reader says they are, each point as far as it is sure.

Least squares with the reader's own variances, Student's t weights against wrong readings, and two priors: the scale that
the picture's plane has, and that edges lie on the contour. Readings err together along a side (the same shadow, the same
wall), so they count as one measurement per `_CORRELATED_PX` of contour. A reading is moved to the peak of change that lies
where it says: of a clean edge the peak is the exacter of both.
"""

import numpy as np
from numpy.typing import NDArray

from kontur.modeling.contour_model import ContourBatch
from kontur.modeling.edge_reader import CORNER_POOL_WEIGHT, Near, Viewpoint, read_edges
from kontur.modeling.edges import EdgePicture
from kontur.modeling.fit_state import Fit, Placed, missing_scale, moved, place
from kontur.modeling.motion_fit import UNKNOWNS, fit_to_readings
from kontur.modeling.peak_fit import NOISE_FACTOR, no_edges
from kontur.modeling.plane import Plane
from kontur.modeling.support import SUPPORT_RANGE_PX, Support, judged

Floats = NDArray[np.float64]

_CORRELATED_PX = 20.0
_FLOOR_PX = 0.05
"""No reading is surer than this."""
_SCALE_DEVIATION = 0.006
"""Log scale: how far parts' top faces are from the plane's scale, by their thickness."""
_FREE_SCALE_DEVIATION = 0.02
"""The same where no plane is known: how far off the coarse fit's scale is."""
_OFFSET_DEVIATION_PX = 0.15
"""How far all edges of a part may lie outside its contour: bevels, another cutter's offset."""
_TURN_DEVIATION_RAD = 0.1
_MOVE_DEVIATION_PX = 10.0
_FREEDOM = 3.0
_INNER_STEPS = 4
_SAME_EDGE_PX = 0.15
"""A peak of change this near to the reading is the same edge."""
_PEAK_RANGE_PX = 2.5
_RANGE_PX = 3.0


def improve_by_reading(source: EdgePicture, model: ContourBatch, fit: Fit, tolerance_px: float) -> tuple[Fit, Support]:
    """Return the fit after one reading, and what supports it as far as the motion was foreseen."""
    placed = place(source, model, fit)
    edges = no_edges(placed)
    near = Near(SUPPORT_RANGE_PX, NOISE_FACTOR * source.noise, edges.offset_px, edges.strength)
    contours = placed.points_px, placed.normals_px, placed.weight
    reading = read_edges(source, contours, pooling_of(placed), viewpoint(fit.plane), near)
    scale = _FREE_SCALE_DEVIATION if fit.plane.log_scale is None else _SCALE_DEVIATION
    deviations = np.array([_MOVE_DEVIATION_PX, _MOVE_DEVIATION_PX, _TURN_DEVIATION_RAD, scale, _OFFSET_DEVIATION_PX])
    settings = _INNER_STEPS, _FREEDOM, _CORRELATED_PX, _FLOOR_PX, _SAME_EDGE_PX, _PEAK_RANGE_PX, deviations**-2.0
    solution = np.empty((len(fit.matrix), UNKNOWNS))
    fit_to_readings(placed.reach, edges.found, reading, missing_scale(fit), settings, solution)
    improved = moved(fit, placed, solution, _RANGE_PX)
    return improved, judged(edges, solution, tolerance_px)


def pooling_of(placed: Placed) -> Floats:
    """Return (N, M) how much each point tells of its part, see `edge_reader.read_edges`."""
    return placed.length_px * np.where(placed.corner_weight == 1, 1, CORNER_POOL_WEIGHT)


def viewpoint(plane: Plane) -> Viewpoint:
    """Return where the camera is over a plane."""
    nadir = np.array(plane.middle_uv) + plane.focal_px * np.array(plane.slope_uv)
    return Viewpoint(float(nadir[0]), float(nadir[1]), plane.focal_px)

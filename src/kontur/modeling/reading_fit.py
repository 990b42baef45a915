"""The fine fit: contours move to where the edge reader says they are, each point as far as it is sure.

Least squares with the reader's own variances, Student's t weights against wrong readings, and two priors: the scale that
the picture's plane has, and that edges lie on the contour. Readings err together along a side (the same shadow, the same
wall), so they count as one measurement per `CORRELATED_PX` of contour. A reading is moved to the peak of change that lies
where it says: of a clean edge the peak is the exacter of both.
"""

import numpy as np

from kontur.modeling.contour_fit import fit_readings, look_along, room_for
from kontur.modeling.contour_model import ContourBatch
from kontur.modeling.edge_reader import (
    FEATURES,
    LEAST_CLEAR,
    Viewpoint,
    answer_layers,
    point_layers,
    reading_line,
    scaling,
    seeing,
)
from kontur.modeling.edges import EdgePicture
from kontur.modeling.fit_state import Fit, smooth_across
from kontur.modeling.motion_fit import PEAKS_PER_POINT
from kontur.modeling.parallel import in_threads, pieces
from kontur.modeling.peak_fit import limits_of
from kontur.modeling.plane import Plane
from kontur.modeling.support import MOST_OFFSET_PX, SUPPORT_RANGE_PX, Support, new_support

CORRELATED_PX = 20.0
FLOOR_PX = 0.05
"""No reading is surer than this."""
SCALE_DEVIATION = 0.006
"""Log scale: how far parts' top faces are from the plane's scale, by their thickness."""
_FREE_SCALE_DEVIATION = 0.02
"""The same where no plane is known: how far off the coarse fit's scale is."""
OFFSET_DEVIATION_PX = 0.15
"""How far all edges of a part may lie outside its contour: bevels, another cutter's offset."""
_TURN_DEVIATION_RAD = 0.1
_MOVE_DEVIATION_PX = 10.0
FREEDOM = 3.0
_INNER_STEPS = 4
_SAME_EDGE_PX = 0.15
"""A peak of change this near to the reading is the same edge."""
_PEAK_RANGE_PX = 2.5
_RANGE_PX = 3.0
_LEAST_SHARED = 4
"""Threads share out no fewer contours than these."""


def improve_by_reading(source: EdgePicture, model: ContourBatch, fit: Fit, tolerance_px: float) -> tuple[Fit, Support]:
    """Return the fit after one reading, and what supports it as far as the motion was foreseen."""
    smooth_across(source, model, fit, reading_line(source))
    count, better = len(fit.matrix), fit.copy()
    support, plane = new_support(count), fit.plane_in(source)
    scale = _FREE_SCALE_DEVIATION if fit.plane.log_scale is None else SCALE_DEVIATION
    deviations = np.array([_MOVE_DEVIATION_PX, _MOVE_DEVIATION_PX, _TURN_DEVIATION_RAD, scale, OFFSET_DEVIATION_PX])
    fitting = _INNER_STEPS, FREEDOM, CORRELATED_PX, FLOOR_PX, _SAME_EDGE_PX, _PEAK_RANGE_PX, deviations**-2.0
    settings = fitting, _RANGE_PX, (tolerance_px, MOST_OFFSET_PX)
    seen, points = seeing(source, viewpoint(fit.plane), limits_of(source, SUPPORT_RANGE_PX)), model.weight.shape[1]

    def work(some: slice) -> None:
        """Read and move some of the contours."""
        rows, contours = (some.start, some.stop), some.stop - some.start
        features, clear = np.empty((contours * points, FEATURES), np.float32), np.empty(contours * points, np.float32)
        near = np.empty((contours, points, PEAKS_PER_POINT)), np.empty((contours, points, PEAKS_PER_POINT))
        columns, state = model.columns, (rows, better.matrix)
        placed = room_for(contours, points)
        count = look_along(source.pixels, columns, plane, seen, scaling(), *state, placed, features, clear, *near)
        said, where = (*point_layers(features[:count]), clear), (columns, placed, plane)
        fit_readings(said, answer_layers(), LEAST_CLEAR, near, *where, settings, *state, better.offset_px, support)

    in_threads(work, pieces(count, _LEAST_SHARED))
    return better, support


def viewpoint(plane: Plane) -> Viewpoint:
    """Return where the camera is over a plane."""
    nadir = np.array(plane.middle_uv) + plane.focal_px * np.array(plane.slope_uv)
    return Viewpoint(float(nadir[0]), float(nadir[1]), plane.focal_px)

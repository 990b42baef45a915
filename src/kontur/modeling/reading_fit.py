"""The fine fit: contours move to where the edge reader says they are, each point as far as it is sure.

Least squares with the reader's own variances, Student's t weights against wrong readings, and two priors: the scale that
the picture's plane has, and that edges lie on the contour. Readings err together along a side (the same shadow, the same
wall), so they count as one measurement per `_CORRELATED_PX` of contour.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from kontur.modeling.alignment import normal_equations, solve_damped
from kontur.modeling.contour_model import ContourBatch
from kontur.modeling.edge_reader import CORNER_POOL_WEIGHT, Reading, profiles_to_read, read_profiles, wall_lean
from kontur.modeling.edges import EdgePicture, Profiles
from kontur.modeling.fit_state import Fit, Placed, limited, missing_scale, moved, place, with_offset
from kontur.modeling.peak_fit import Evidence, gathered
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
    sampled = profiles_to_read(source, placed.points_px, placed.normals_px)
    evidence = gathered(source, placed, sampled, SUPPORT_RANGE_PX)
    motion, offset = _solve(placed, sharpened(read(source, placed, sampled, fit), evidence), fit)
    expected = np.einsum("nmp,np->nm", placed.rows, motion) + offset[:, None]
    return moved(fit, placed, motion, offset), judged(evidence, expected, tolerance_px)


def read(source: EdgePicture, placed: Placed, sampled: Profiles, fit: Fit) -> Reading:
    """Read the edges around placed contours."""
    pooling = placed.length_px * np.where(placed.corner_weight == 1, 1, CORNER_POOL_WEIGHT)
    nadir = np.array(fit.plane.middle_uv) + fit.plane.focal_px * np.array(fit.plane.slope_uv)
    lean = wall_lean(placed.points_px, placed.normals_px, nadir, fit.plane.focal_px)
    return read_profiles(source, sampled, placed.normals_px, pooling, lean)


def sharpened(reading: Reading, evidence: Evidence) -> Reading:
    """Return a reading moved to the peaks of change that lie where it says: a clean edge's peak is the exacter of both."""
    near = (evidence.strength > 0) & (np.abs(evidence.offset_px) <= _PEAK_RANGE_PX)
    away = np.where(near, evidence.offset_px - reading.offset_px[..., None], np.inf)
    nearest = np.take_along_axis(away, np.abs(away).argmin(axis=2)[..., None], axis=2)[..., 0]
    same = np.exp(-0.5 * (nearest / _SAME_EDGE_PX) ** 2)
    offset = reading.offset_px + same * np.where(np.isfinite(nearest), nearest, 0)
    return replace(reading, offset_px=offset.astype(np.float32))


def _solve(placed: Placed, reading: Reading, fit: Fit) -> tuple[Floats, Floats]:
    """Return the motion (N, 4) that moves the contours to where they are read, and the offset (N,) that stays."""
    rows = with_offset(placed.rows)
    variance = reading.sigma_px.astype(np.float64) ** 2 + _FLOOR_PX**2
    information = placed.weight * reading.visible / variance / _CORRELATED_PX
    known_scale = fit.plane.log_scale is not None
    scale_deviation = _SCALE_DEVIATION if known_scale else _FREE_SCALE_DEVIATION
    deviations = np.array(
        [_MOVE_DEVIATION_PX, _MOVE_DEVIATION_PX, _TURN_DEVIATION_RAD, scale_deviation, _OFFSET_DEVIATION_PX]
    )
    prior = np.broadcast_to(deviations**-2.0, (len(rows), 5))
    target_scale = missing_scale(fit, placed.centre)
    target = reading.offset_px.astype(np.float64)
    wrong = np.zeros_like(variance)
    solution = np.zeros((len(rows), 5))
    for _ in range(_INNER_STEPS):
        normal, right = normal_equations(rows, information / (1 + wrong / _FREEDOM), target)
        right[:, 3] += prior[:, 3] * target_scale
        solution = solve_damped(normal, right, prior)
        wrong = (target - np.einsum("nmp,np->nm", rows, solution)) ** 2 / variance
    return limited(solution[:, :4], _RANGE_PX, np.sqrt(placed.radius2)), solution[:, 4]

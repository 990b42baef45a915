"""The shared plane and all contours fitted together, to what the edge reader says along them.

The scales at which parts appear tell in which direction a plane is tilted, but tilt and focal length only together: half the
tilt through a lens of half the length looks alike. Foreshortening tells them apart: it is in the shape of every contour. So
slopes, focal length and scale of the plane are found with the similarities of all contours on it, by least squares; the
contours' own unknowns are eliminated one contour at a time (bundle adjustment, Schur complement: Triggs et al. 2000).

Where it fails: a plane that is nearly level foreshortens nothing, so those are left as they are.
"""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kontur.modeling.common_plane import TRUSTED_SUPPORT, best_of_places, move_to_plane, reach_of
from kontur.modeling.contour_fit import PEAKS_PER_POINT
from kontur.modeling.contour_model import ContourBatch
from kontur.modeling.edge_reader import read_edges
from kontur.modeling.edges import Contours, EdgePicture, crossing
from kontur.modeling.fit_state import Fit, Placed, place
from kontur.modeling.peak_fit import limits_of
from kontur.modeling.placing import log_scale_at_datum
from kontur.modeling.plane import Plane, level_plane
from kontur.modeling.profiles import edges_along
from kontur.modeling.reading_fit import (
    CORRELATED_PX,
    FLOOR_PX,
    FREEDOM,
    OFFSET_DEVIATION_PX,
    SCALE_DEVIATION,
    viewpoint,
)
from kontur.modeling.support import SUPPORT_RANGE_PX, SUPPORT_STEP_PX, Support

Floats = NDArray[np.float64]

_STEEP = 0.05
"""Slope from which foreshortening can be seen."""
_FEWEST = 3
_SLOPE_DEVIATION, _FOCAL_DEVIATION = 0.2, 0.35
"""Of slopes, and of the focal length's logarithm, before anything is seen."""
_MOST_CHANGE = 0.5
"""Of the focal length's logarithm at a time."""
_OUTLIER = 0.06
"""Log scale: parts that deviate more from the plane do not tell its scale."""
_HOLD = np.array([10.0, 10.0, 0.1, 3e4, OFFSET_DEVIATION_PX]) ** -2.0
"""Information that holds a contour's own unknowns: px, radians, log scale, px."""
_SAME_EDGE_PX = 0.4
"""Deviation of a reading from the edge that it is about: readings of contours that are off fall short."""
_FAR = 1e9
_STEP = 0.02
"""By which the plane is changed to see how contours change."""
_ROUNDS = 3


def is_steep(plane: Plane) -> bool:
    """Whether a plane is known, and tilted by so much that it can be seen in the parts' shapes."""
    return plane.log_scale is not None and bool(np.hypot(*plane.slope_uv) >= _STEEP)


def fit_together(source: EdgePicture, model: ContourBatch, fit: Fit, support: Support) -> Fit:
    """Fit a steep plane to the shapes and scales of the well supported contours, and give all of them its perspective.

    Args:
        source: the picture.
        model: the contours.
        fit: of N contours; their data, angles and mean scales stay.
        support: of the fit.
    """
    order = np.argsort(-support.score * support.length_px, kind="stable")
    chosen = np.zeros(len(order), bool)
    best_of_places(order[support.score[order] >= TRUSTED_SUPPORT], support.centre, reach_of(support), chosen)
    rows = np.flatnonzero(chosen)
    if len(rows) < _FEWEST:
        return fit
    change = _change_of(source, model[rows], fit[rows])
    plane = replace(_changed(fit.plane, change[:3]), log_scale=(fit.plane.log_scale or 0.0) + float(change[3]))
    return _moved(fit, plane)


class _Said(NamedTuple):
    """What is said of N contours.

    Attributes:
        target, sure, spread: (N, M) what the reader says of the points, its weight and its variance.
        moves: (N, M, 5) px along the normals per unit of a contour's own unknowns, see `motion_fit`.
        shapes: (N, M, 4) the same per unit of the plane's change, see `_changed`; the last, of its log scale, is 0.
        lacking: (N,) log scale that the plane has over the contours' own.
        scales: (N, 4) how that changes with the plane.
        tied: (N,) information that ties their scales to the plane's.
    """

    target: Floats
    sure: Floats
    spread: Floats
    moves: Floats
    shapes: Floats
    lacking: Floats
    scales: Floats
    tied: Floats


def _change_of(source: EdgePicture, model: ContourBatch, fit: Fit) -> Floats:
    """Return (4,) the change of the plane: see `_changed`, and of its log scale."""
    said, plane = _said(source, model, fit), fit.plane
    prior = np.array([_SLOPE_DEVIATION, _SLOPE_DEVIATION, _FOCAL_DEVIATION, 1.0]) ** -2.0
    away = np.array([*plane.slope_uv, np.log(plane.focal_px / level_plane(source.size_wh).focal_px), 0.0])
    weight, change = said.sure, np.zeros(4)
    for _ in range(_ROUNDS):
        change, wrong = _solved(said, weight, prior, away)
        weight = said.sure / (1 + wrong**2 / said.spread / FREEDOM)
    change[2] = np.clip(change[2], -_MOST_CHANGE, _MOST_CHANGE)
    return change


def _said(source: EdgePicture, model: ContourBatch, fit: Fit) -> _Said:
    """Return what is said of contours."""
    placed, plane = place(source, model, fit), fit.plane
    moves = np.concatenate([placed.rows, np.ones((*placed.weight.shape, 1))], axis=2)
    own = np.array([log_scale_at_datum(plane.both_ways[1], matrix) for matrix in fit.matrix])
    lacking = (plane.log_scale or 0.0) - own
    tied = np.maximum(0, 1 - (lacking / _OUTLIER) ** 2) ** 2 / SCALE_DEVIATION**2
    shapes, scales = _derivatives(source, model, fit, placed)
    return _Said(*_readings(source, placed, plane), moves, shapes, lacking, scales, tied)


def _solved(said: _Said, weight: Floats, prior: Floats, away: Floats) -> tuple[Floats, Floats]:
    """Return the change of the plane (4,), and what the readings differ by from it and the contours' own motions (N, M).

    Args:
        said: see there.
        weight: (N, M) of the readings.
        prior: (4,) information that holds the plane at where it is expected.
        away: (4,) how far it is from there.
    """
    weighted = (said.moves * weight[..., None]).transpose(0, 2, 1)
    normal, right = weighted @ said.moves + np.diag(_HOLD), weighted @ said.target[..., None]
    normal[:, 3, 3] += said.tied
    right[:, 3, 0] += said.tied * said.lacking
    cross = weighted @ said.shapes
    cross[:, 3] -= said.tied[:, None] * said.scales
    own = np.linalg.solve(normal, np.concatenate([cross, right], axis=2))
    less = (cross.transpose(0, 2, 1) @ own).sum(axis=0)
    tied = said.scales * said.tied[:, None]
    curvature = np.einsum("nm,nmi,nmj->ij", weight, said.shapes, said.shapes) + tied.T @ said.scales + np.diag(prior)
    slope = np.einsum("nm,nm,nmi->i", weight, said.target, said.shapes) - tied.T @ said.lacking - prior * away
    change = np.asarray(np.linalg.solve(curvature - less[:, :4], slope - less[:, 4]), np.float64)
    motion = own[..., 4:] - own[..., :4] @ change[:, None]
    return change, said.target - (said.moves @ motion)[..., 0] - said.shapes @ change


def _readings(source: EdgePicture, placed: Placed, plane: Plane) -> tuple[Floats, Floats, Floats]:
    """Return (N, M) what the reader says of the points, its weight and its variance."""
    contours = placed.points_px, placed.normals_px, placed.weight
    reading, seen = read_edges(source, contours, placed.pooling, viewpoint(plane)).astype(np.float64), placed.weight > 0
    target, sure, spread = np.zeros(seen.shape), np.zeros(seen.shape), np.ones(seen.shape)
    target[seen], spread[seen] = reading[:, 0], reading[:, 1] ** 2 + FLOOR_PX**2
    sure[seen] = placed.weight[seen] * reading[:, 2] / spread[seen] / CORRELATED_PX
    away = _edges(source, contours) - target[..., None]
    nearest = np.take_along_axis(away, np.abs(away).argmin(axis=2)[..., None], axis=2)[..., 0]
    return target + nearest * np.exp(-0.5 * np.minimum(np.abs(nearest) / _SAME_EDGE_PX, 30.0) ** 2), sure, spread


def _edges(source: EdgePicture, contours: Contours) -> Floats:
    """Return (N, M, P) how far along the normals of points edges lie, px; _FAR where there are none."""
    offset = np.empty((*contours[2].shape, PEAKS_PER_POINT))
    strength = np.empty_like(offset)
    line = crossing(source, SUPPORT_RANGE_PX, SUPPORT_STEP_PX)
    edges_along(source.pixels, contours, line, limits_of(source, SUPPORT_RANGE_PX), offset, strength)
    return np.where(strength > 0, offset, _FAR)


def _derivatives(source: EdgePicture, model: ContourBatch, fit: Fit, placed: Placed) -> tuple[Floats, Floats]:
    """Return how points move along their normals (N, M, 4), and local log scales change (N, 4), with the plane."""
    shapes, scales = np.zeros((*placed.weight.shape, 4)), np.ones((len(fit.matrix), 4))
    data = fit.matrix[:, :2, 2]
    for k in range(3):
        other = _changed(fit.plane, _STEP * np.eye(3)[k])
        moved = place(source, model, _moved(fit, other)).points_px - placed.points_px
        shapes[..., k] = (moved * placed.normals_px).sum(axis=2) / _STEP
        scales[:, k] = (other.log_scale_at(data) - fit.plane.log_scale_at(data)) / _STEP
    return shapes, scales


def _changed(plane: Plane, change: Floats) -> Plane:
    """Return a plane whose slopes were changed by so much each, and then with its focal length by a factor, told as log."""
    (u, v), (du, dv, grown) = plane.slope_uv, change.tolist()
    factor = float(np.exp(grown))
    return replace(plane, slope_uv=((u + du) * factor, (v + dv) * factor), focal_px=plane.focal_px * factor)


def _moved(fit: Fit, plane: Plane) -> Fit:
    """Return the fit with the perspective of another plane."""
    matrix = np.empty_like(fit.matrix)
    move_to_plane(fit.matrix, plane.both_ways[0] @ fit.plane.both_ways[1], matrix)
    return replace(fit, matrix=matrix, plane=plane)

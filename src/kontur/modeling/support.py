"""How well the edges of a picture support registered contours."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from kontur.modeling.contour_model import ContourBatch
from kontur.modeling.detections import Detections
from kontur.modeling.edges import EdgePicture
from kontur.modeling.fit_state import Fit, Placed, place
from kontur.modeling.motion_fit import UNKNOWNS, judge
from kontur.modeling.peak_fit import Evidence, gather

Floats = NDArray[np.float64]

MOST_OFFSET_PX = 1.5
"""Edges may lie this far outside or inside a contour, all alike."""
SUPPORT_RANGE_PX = 3.25
"""Edges farther away support nothing, whatever the offset and the tolerance."""
_CORRELATED_POINTS = 2.0
"""Neighbouring edges share pixels: that many of them count as one measurement in the covariance."""
_UNSEEN_VARIANCE = 1e6
_LEAST_RESIDUAL_PX = 0.02


@dataclass(frozen=True, eq=False)
class Support:
    """What supports N contours.

    Attributes:
        placed: the contours.
        score: (N,) 0..1 share of the contour with an edge within the tolerance; nearer ones count more.
        offset_px: (N, M) distance of the nearest edge from where the fit has it; 0 where there is none.
        supported: (N, M) whether that is within the tolerance.
    """

    placed: Placed
    score: Floats
    offset_px: Floats
    supported: NDArray[np.bool_]


def support_of(source: EdgePicture, model: ContourBatch, fit: Fit, tolerance_px: float) -> Support:
    """Find the edges that support contours."""
    expected = np.zeros((len(fit.matrix), UNKNOWNS))
    expected[:, -1] = fit.offset_px
    return judged(gather(source, place(source, model, fit), SUPPORT_RANGE_PX, 0.5), expected, tolerance_px)


def judged(evidence: Evidence, expected: Floats, tolerance_px: float) -> Support:
    """Return what edges say of contours that are about to move and have their own edges where (N, 5) `expected` says."""
    placed = evidence.placed
    shape = placed.weight.shape
    offset_px, supported, score = np.empty(shape), np.empty(shape, bool), np.empty(len(expected))
    settings = tolerance_px, MOST_OFFSET_PX
    judge(placed.reach, evidence.found, expected, settings, offset_px, supported, score)
    return Support(placed, score, offset_px, supported)


def described(detections: Detections, fit: Fit, support: Support) -> Detections:
    """Return the detections at the fitted poses, with support, residual and covariance."""
    total = support.placed.weight.sum(axis=1)
    weight = support.placed.weight * support.supported
    mass = weight.sum(axis=1)
    residual = np.sqrt((weight * support.offset_px**2).sum(axis=1) / np.maximum(mass, 1e-9))
    return replace(
        detections,
        matrix=fit.matrix.copy(),
        support=np.where(total > 0, mass / np.maximum(total, 1e-9), 0.0),
        residual_px=np.where(mass > 0, residual, np.nan),
        covariance=_covariance(support.placed.rows, weight > 0, residual),
    )


def _covariance(rows: Floats, used: NDArray[np.bool_], residual_px: Floats) -> Floats:
    """Return (N, 4, 4) of (u, v, angle, log scale); motions that no edge determines get a variance of `_UNSEEN_VARIANCE`."""
    information = (rows * used[..., None]).transpose(0, 2, 1) @ rows
    spread = np.maximum(residual_px, _LEAST_RESIDUAL_PX)[:, None, None]
    information = information / (_CORRELATED_POINTS * spread**2) + np.eye(4) / _UNSEEN_VARIANCE
    covariance = np.linalg.inv(information)
    return (covariance + covariance.transpose(0, 2, 1)) / 2

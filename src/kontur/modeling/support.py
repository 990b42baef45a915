"""How well the edges of a picture support registered contours."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kontur.modeling.contour_fit import find_support
from kontur.modeling.contour_model import ContourBatch
from kontur.modeling.detections import Detections
from kontur.modeling.edges import EdgePicture, crossing
from kontur.modeling.fit_state import Fit, smooth_across
from kontur.modeling.peak_fit import limits_of
from kontur.modeling.small_matrices import inverses

Floats = NDArray[np.float64]

MOST_OFFSET_PX = 1.5
"""Edges may lie this far outside or inside a contour, all alike."""
SUPPORT_RANGE_PX = 3.25
"""Edges farther away support nothing, whatever the offset and the tolerance."""
SUPPORT_STEP_PX = 0.5
_CORRELATED_POINTS = 2.0
"""Neighbouring edges share pixels: that many of them count as one measurement in the covariance."""
_UNSEEN_VARIANCE = 1e6
_LEAST_RESIDUAL_PX = 0.02


class Support(NamedTuple):
    """What supports N contours.

    Attributes:
        score: (N,) 0..1 share of the contour with an edge within the tolerance; nearer ones count more.
        share: (N,) of the contour that has an edge within the tolerance.
        sharp: (N,) the same, where edges count the less the farther they lie (half of it at half a pixel).
        length_px: (N,) of the contour inside the picture, less near corners.
        residual_px: (N,) root mean square distance of those edges; NaN where there is none.
        centre, radius_px: (N, 2) and (N,) where contours lie in the rectified picture, and how large they are.
        information: (N, 4, 4) sum over the supported points of the products of their rows, see `placing.place_points`.
    """

    score: Floats
    share: Floats
    sharp: Floats
    length_px: Floats
    residual_px: Floats
    centre: Floats
    radius_px: Floats
    information: Floats

    def chosen(self, index: NDArray[np.int64] | NDArray[np.bool_]) -> "Support":
        """Return what supports some of the contours."""
        return Support(*(values[index] for values in self))

    def put(self, index: NDArray[np.int64], others: "Support") -> None:
        """Write what supports others in the places of some of the contours."""
        for mine, theirs in zip(self, others, strict=True):
            mine[index] = theirs


def new_support(count: int) -> Support:
    """Return what supports so many contours, yet to be written."""
    shapes = (count,), (count,), (count,), (count,), (count,), (count, 2), (count,), (count, 4, 4)
    return Support(*(np.empty(shape) for shape in shapes))


def support_of(source: EdgePicture, model: ContourBatch, fit: Fit, tolerance_px: float) -> Support:
    """Find the edges that support contours."""
    support, line = new_support(len(fit.matrix)), crossing(source, SUPPORT_RANGE_PX, SUPPORT_STEP_PX)
    smooth_across(source, model, fit, line)
    limits, rows = limits_of(source, SUPPORT_RANGE_PX), (0, len(fit.matrix))
    settings, plane = (tolerance_px, MOST_OFFSET_PX), fit.plane_in(source)
    find_support(source.pixels, model.columns, plane, line, limits, settings, rows, fit.matrix, fit.offset_px, support)
    return support


def described(detections: Detections, fit: Fit, support: Support) -> Detections:
    """Return the detections at the fitted poses, with support, residual and covariance."""
    return replace(
        detections,
        matrix=fit.matrix.copy(),
        support=support.share.copy(),
        residual_px=support.residual_px.copy(),
        covariance=_covariance(support),
    )


def _covariance(support: Support) -> Floats:
    """Return (N, 4, 4) of (u, v, angle, log scale); motions that no edge determines get a variance of `_UNSEEN_VARIANCE`."""
    covariance = np.empty_like(support.information)
    spread = np.fmax(support.residual_px, _LEAST_RESIDUAL_PX)
    inverses(support.information, _CORRELATED_POINTS * spread**2, 1 / _UNSEEN_VARIANCE, covariance)
    return covariance

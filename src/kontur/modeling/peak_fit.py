"""The coarse fit: contours move towards the strongest changes along their normals.

Around each contour point the picture's change along the normal is sampled; its strongest peaks are candidate edges. A
similarity per instance is fitted to them by iteratively reweighted least squares (Tukey's biweight), over ranges that
shrink from round to round (an iterative closest point scheme along normals: Blake & Isard 1998; Drummond & Cipolla 2002).
The edge's sign does not matter.
"""

from dataclasses import dataclass

import numpy as np

from kontur.modeling.contour_fit import fit_peaks
from kontur.modeling.contour_model import ContourBatch
from kontur.modeling.edges import EdgePicture, crossing
from kontur.modeling.fit_state import Fit, smooth_across

NOISE_FACTOR = 3.0
"""An edge is stronger than this many standard deviations of the noise."""
_INNER_STEPS = 3
_HALF_SHARE = 0.35
"""Share of a contour's typical strength at which an edge counts half: shadows stronger than the edge gain little."""
_HOLD_PLACE = 1e-3


@dataclass(frozen=True)
class Round:
    """One round of the coarse fit.

    Attributes:
        range_px: edges are sought this far from the contour.
        step_px: spacing of the samples along the normal.
        reduction: the picture is reduced by this factor.
        hold_scale, hold_turn, hold_offset: how strongly scale and turn stay as they are and the edges on the contour
            (1: as strongly as all edges pull).
    """

    range_px: float
    step_px: float
    reduction: int
    hold_scale: float
    hold_turn: float
    hold_offset: float


def limits_of(source: EdgePicture, range_px: float) -> tuple[float, float]:
    """Return the least strength of an edge, and its largest distance, px."""
    return NOISE_FACTOR * source.noise, range_px


def improve(source: EdgePicture, model: ContourBatch, fit: Fit, step: Round) -> Fit:
    """Return the fit after one round."""
    line, better = crossing(source, step.range_px, step.step_px), fit.copy()
    smooth_across(source, model, fit, line)
    hold = np.array([_HOLD_PLACE, _HOLD_PLACE, step.hold_turn, step.hold_scale, step.hold_offset])
    limits, settings = limits_of(source, step.range_px), (_INNER_STEPS, _HALF_SHARE, hold)
    plane, rows = fit.plane_in(source), (0, len(fit.matrix))
    fit_peaks(source.pixels, model.columns, plane, line, limits, settings, rows, better.matrix, better.offset_px)
    return better

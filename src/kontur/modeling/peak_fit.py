"""The coarse fit: contours move towards the strongest changes along their normals.

Around each contour point the picture's change along the normal is sampled; its strongest peaks are candidate edges. A
similarity per instance is fitted to them by iteratively reweighted least squares (Tukey's biweight), over ranges that
shrink from round to round (an iterative closest point scheme along normals: Blake & Isard 1998; Drummond & Cipolla 2002).
The edge's sign does not matter.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kontur.modeling.contour_model import ContourBatch
from kontur.modeling.edges import EdgePicture, crossing, edges_across
from kontur.modeling.fit_state import Fit, Placed, missing_scale, moved, place
from kontur.modeling.motion_fit import UNKNOWNS, fit_to_peaks

Floats = NDArray[np.float64]

PEAKS_PER_POINT = 3
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


@dataclass(frozen=True, eq=False)
class Evidence:
    """Candidate edges along placed contours, up to P at each point.

    Attributes:
        placed: the contours.
        offset_px: (N, M, P) distances of the edges along the normal.
        strength: (N, M, P) their strengths in grey levels per px; 0 where there is none above the noise.
    """

    placed: Placed
    offset_px: Floats
    strength: Floats

    @property
    def found(self) -> tuple[Floats, Floats]:
        """What the kernels of `motion_fit` take for `found`."""
        return self.offset_px, self.strength


def no_edges(placed: Placed) -> Evidence:
    """Return evidence for placed contours that is yet to be written."""
    shape = (*placed.length_px.shape, PEAKS_PER_POINT)
    return Evidence(placed, np.empty(shape), np.empty(shape))


def gather(source: EdgePicture, placed: Placed, range_px: float, step_px: float) -> Evidence:
    """Find candidate edges within `range_px` of placed contours."""
    evidence = no_edges(placed)
    contours = placed.points_px, placed.normals_px, placed.weight
    limits = NOISE_FACTOR * source.noise, range_px
    edges_across(source, contours, crossing(source, range_px, step_px), limits, evidence.offset_px, evidence.strength)
    return evidence


def improve(source: EdgePicture, model: ContourBatch, fit: Fit, step: Round) -> Fit:
    """Return the fit after one round."""
    placed = place(source, model, fit)
    found = gather(source, placed, step.range_px, step.step_px).found
    start = np.column_stack([fit.offset_px, missing_scale(fit)])
    hold = np.array([_HOLD_PLACE, _HOLD_PLACE, step.hold_turn, step.hold_scale, step.hold_offset])
    solution = np.empty((len(start), UNKNOWNS))
    fit_to_peaks(placed.reach, found, start, (step.range_px, _INNER_STEPS, _HALF_SHARE, hold), solution)
    return moved(fit, placed, solution, step.range_px)

"""The coarse fit: contours move towards the strongest changes along their normals.

Around each contour point the picture's change along the normal is sampled; its strongest peaks are candidate edges. A
similarity per instance is fitted to them by iteratively reweighted least squares (Tukey's biweight), over ranges that
shrink from round to round (an iterative closest point scheme along normals: Blake & Isard 1998; Drummond & Cipolla 2002).
The edge's sign does not matter.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kontur.modeling.alignment import normal_equations, solve_damped, tukey
from kontur.modeling.contour_model import ContourBatch
from kontur.modeling.edges import EdgePicture, Profiles, changes, profiles, strongest_peaks
from kontur.modeling.fit_state import Fit, Placed, limited, missing_scale, moved, place, with_offset

Floats = NDArray[np.float64]

PEAKS_PER_POINT = 3
NOISE_FACTOR = 3.0
"""An edge is stronger than this many standard deviations of the noise."""
_INNER_STEPS = 3
_HALF_SHARE = 0.35
"""Share of a contour's typical strength at which an edge counts half: shadows stronger than the edge gain little."""


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


def gather(source: EdgePicture, placed: Placed, range_px: float, step_px: float) -> Evidence:
    """Find candidate edges within `range_px` of placed contours."""
    reach = _offsets(range_px, step_px)
    return _edges_in(source, placed, profiles(source, placed.points_px, placed.normals_px, reach), reach, range_px)


def gathered(source: EdgePicture, placed: Placed, sampled: Profiles, range_px: float) -> Evidence:
    """Find candidate edges within `range_px` of placed contours in profiles that were sampled along them."""
    reach = _offsets(range_px, sampled.step_px)
    return _edges_in(source, placed, changes(source, sampled, -float(reach[0])), reach, range_px)


def _offsets(range_px: float, step_px: float) -> Floats:
    """Return where changes are looked at for peaks within a range: a little beyond it, a peak has two sides."""
    steps = np.ceil(range_px / step_px) + 2
    return np.asarray(np.arange(-steps, steps + 1) * step_px, np.float64)


def _edges_in(
    source: EdgePicture, placed: Placed, strength: NDArray[np.float32], reach: Floats, range_px: float
) -> Evidence:
    """Return the strongest changes along profiles that are above the noise and within the range."""
    offset, peak = strongest_peaks(strength, reach, PEAKS_PER_POINT)
    peak = np.where((peak > NOISE_FACTOR * source.noise) & (np.abs(offset) <= range_px), peak, 0)
    return Evidence(placed, offset, peak)


def improve(source: EdgePicture, model: ContourBatch, fit: Fit, step: Round) -> Fit:
    """Return the fit after one round."""
    evidence = gather(source, place(source, model, fit), step.range_px, step.step_px)
    motion, offset = _solve(evidence, fit, step)
    return moved(fit, evidence.placed, motion, offset)


def _solve(evidence: Evidence, fit: Fit, step: Round) -> tuple[Floats, Floats]:
    """Return the motion (N, 4) that moves the contours onto their edges, and how far outside them the edges stay (N,)."""
    placed, share = evidence.placed, relative_strength(evidence)
    rows, weight, radius2 = with_offset(placed.rows), placed.weight, placed.radius2
    predicted = np.repeat(fit.offset_px[:, None], rows.shape[1], axis=1)
    target_scale = missing_scale(fit, placed.centre)
    solution = np.zeros((len(rows), 5))
    for _ in range(_INNER_STEPS):
        trust = share * tukey(evidence.offset_px - predicted[..., None], step.range_px)
        best = trust.argmax(axis=2)[..., None]
        trusted = weight * np.take_along_axis(trust, best, axis=2)[..., 0]
        target = np.take_along_axis(evidence.offset_px, best, axis=2)[..., 0]
        normal, right = normal_equations(rows, trusted, target)
        hold = np.array([1e-3, 1e-3, step.hold_turn, step.hold_scale, step.hold_offset])
        damping = hold * (trusted.sum(axis=1) + 1e-9)[:, None]
        damping[:, 2:4] *= radius2[:, None]
        right[:, 3] += damping[:, 3] * target_scale
        solution = solve_damped(normal, right, damping)
        predicted = np.einsum("nmp,np->nm", rows, solution)
    return limited(solution[:, :4], step.range_px, np.sqrt(radius2)), solution[:, 4]


def relative_strength(evidence: Evidence) -> Floats:
    """Return (N, M, P) in [0, 1): strength against the median of each contour's strongest edges; 0 where there is none."""
    strongest = evidence.strength[..., 0]
    seen = (strongest > 0) & (evidence.placed.weight > 0)
    ordered = np.sort(np.where(seen, strongest, np.inf), axis=1)
    middle = np.maximum(seen.sum(axis=1) - 1, 0) // 2
    typical = np.take_along_axis(ordered, middle[:, None], axis=1)[..., None]
    return evidence.strength / (evidence.strength + _HALF_SHARE * np.where(np.isfinite(typical), typical, 1.0))

"""Looks at the kin of what was accepted, at the scale that was told and, where that is doubted, at others."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from kontur.modeling.coarse_pose import settle
from kontur.modeling.decide import decide, shared_plane
from kontur.modeling.detections import Detections, concatenate, from_similarities
from kontur.modeling.hearsay import against_names
from kontur.modeling.inquiry import Inquiry
from kontur.modeling.kin import SAME_PLACE_PX, Beside
from kontur.modeling.misread import Look, looked_at, misread
from kontur.modeling.plane import Plane, level_plane
from kontur.modeling.refine import ROUNDS, RegistrationOptions

_NEAR = RegistrationOptions(rounds=ROUNDS[2:3], readings=(4, 2))
"""How kin are registered: they start near to where they may lie."""
_CLOSELY = RegistrationOptions(rounds=ROUNDS[2:3], readings=(4, 2, 2, 1))
"""The same for the last look, on the plane that is then known."""
_MOST_LOOKS = 3
"""How often kin are laid, each time at the scale that the last time told."""
_OTHER_SCALES = -0.03, 0.03
"""Log scale: steps by which parts are laid smaller and larger where the scale that was told is doubted, while that helps."""
_MOST_STEPS = 3
"""How many of them at most."""
_SAME_SCALE = 0.01
"""Log scales that differ less are one."""
_TOLD_BY_NETWORK, _LEAST_TOLD = 4.0, 1e-4
"""What the logarithm of the network's score is worth in units of evidence when kin compete, and the score of what it does
not name."""


def among_kin(inquiry: Inquiry, decided: Detections, offered: Detections) -> Detections:
    """Decide again, with the kin of what was accepted, and again where that moves the scale; the best look counts.

    Where much speaks even against the best kin, the scale is doubted, and others are tried. The last look is a close one.

    Args:
        inquiry: the picture, and what the network says.
        decided: what was accepted.
        offered: the registered hypotheses among which it was chosen.
    """
    plane = shared_plane(decided)
    best = with_kin(inquiry, decided, plane)
    if best is None or plane.log_scale is None:
        return decided
    if best.doubtful:
        best = _at_other_scales(inquiry, decided, best)
    last = best
    for _ in range(_MOST_LOOKS - 1):
        plane = shared_plane(last.decided)
        if _same_scale(last.laid_on, plane):
            break
        further = with_kin(inquiry, last.decided, plane)
        if further is None:
            break
        last = further
        best = _better(best, last)
    return _better(best, _closely(inquiry, best, offered)).decided


def with_kin(inquiry: Inquiry, decided: Detections, plane: Plane) -> Look | None:
    """Decide with the kin of what was accepted, laid on a plane; None when there are none.

    Where most parts have kin, they tell the plane anew.
    """
    beside = inquiry.relations.kin.beside(decided, inquiry.said.hypotheses, plane)
    if len(beside.rows) == 0:
        return None
    told = plane if 2 * len(beside.rows) < len(decided) else None
    return _chosen(inquiry, decided, beside, _settled(inquiry, beside), plane, told, _NEAR)


def _at_other_scales(inquiry: Inquiry, decided: Detections, best: Look) -> Look:
    """Return the best look around the plane that was told, and around a level one.

    Parts of a wrong size may have told a tilt that makes them fit. A part alone fits many scales about as well: its short
    sides say which, and its long ones hold it where it is. So all parts are laid again, and held on the plane.
    """
    scale = float(np.median(np.log(best.decided.similarity[1])))
    level = _laid_on(inquiry, decided, replace(level_plane(decided.size_wh), log_scale=scale))
    looks = [_best_along(inquiry, decided, start, step) for start in (best, level) for step in _OTHER_SCALES]
    return max(looks, key=lambda look: look.balance)


def _best_along(inquiry: Inquiry, decided: Detections, best: Look, step: float) -> Look:
    """Return the best look at scales that grow or shrink step by step, as far as each is better than the last."""
    for _ in range(_MOST_STEPS):
        scale = best.laid_on.log_scale
        if scale is None:
            break
        further = _laid_on(inquiry, decided, replace(best.laid_on, log_scale=scale + step))
        if further.balance <= best.balance:
            break
        best = further
    return best


def _laid_on(inquiry: Inquiry, decided: Detections, plane: Plane) -> Look:
    """Decide with all that was accepted laid again on a plane, and kin."""
    beside = inquiry.relations.kin.beside(decided, inquiry.said.hypotheses, plane, everyone=True)
    return _chosen(inquiry, decided, beside, _settled(inquiry, beside), plane, plane, _NEAR)


def _closely(inquiry: Inquiry, best: Look, offered: Detections) -> Look:
    """Decide on the plane that the best look told: with more kin of what much speaks against, and what was offered there.

    What was offered has found its pose by itself, which is the true one where what was accepted lies on wrong edges.
    """
    decided, plane = best.decided, shared_plane(best.decided)
    beside = inquiry.relations.kin.beside(decided, inquiry.said.hypotheses, plane, best.doubted)
    if len(beside.rows) == 0:
        return best
    begun = concatenate([_settled(inquiry, beside), _near_to(decided.uv[beside.rows], offered, plane)])
    return _chosen(inquiry, decided, beside, begun, plane, plane, _CLOSELY)


def _settled(inquiry: Inquiry, beside: Beside) -> Detections:
    """Move what was laid to where its contours meet most edges."""
    return settle(inquiry.field, beside.laid, inquiry.relations.parts)


def _near_to(uv: NDArray[np.float64], offered: Detections, plane: Plane) -> Detections:
    """Return what was offered near to (N, 2) px and registered itself, at the plane's scale."""
    apart = np.linalg.norm(offered.uv[:, None] - uv[None], axis=2).min(axis=1, initial=np.inf)
    near = offered[np.flatnonzero((apart <= SAME_PLACE_PX) & np.isfinite(offered.support))]
    turn, scale = near.similarity[0], plane.scale_at(near.uv)
    return from_similarities(near.size_wh, near.part, near.score, near.uv, turn, scale, near.flipped)


def _chosen(
    inquiry: Inquiry,
    decided: Detections,
    beside: Beside,
    begun: Detections,
    plane: Plane,
    told: Plane | None,
    options: RegistrationOptions,
) -> Look:
    """Choose among what was accepted and not laid again, and what begins elsewhere.

    Args:
        inquiry, decided: see `among_kin`.
        beside: which accepted ones were laid again.
        begun: hypotheses where registration begins.
        plane: on which they were laid.
        told: on which they are held; None where they tell it.
        options: how they are registered.
    """
    (parts, _, alike, _), views, said = inquiry.relations, inquiry.views, inquiry.said
    alone = np.delete(np.arange(len(decided)), beside.rows)
    offered = inquiry.offered(begun, told, options)
    pool = concatenate([decided[alone], offered])
    against = misread(views, pool, parts, plane, alike) + against_names(pool, said, alike)
    against[len(alone) :] -= _TOLD_BY_NETWORK * np.log(np.maximum(offered.score, _LEAST_TOLD))
    return looked_at(views, decide(views, pool, parts, against=against), parts, plane, alike)


def _better(one: Look, other: Look) -> Look:
    """Return the look that finds more, the first where they are equal."""
    return max((one, other), key=lambda look: look.balance)


def _same_scale(one: Plane, other: Plane) -> bool:
    """Whether the scales of two planes are about the same, or one is not known."""
    return one.log_scale is None or other.log_scale is None or abs(one.log_scale - other.log_scale) < _SAME_SCALE

"""Looks at the kin of what was accepted, at the scale that was told and, where that is doubted, at others."""

from dataclasses import replace

import numpy as np

from kontur.modeling.coarse_pose import settle
from kontur.modeling.decide import decide, shared_plane
from kontur.modeling.detections import Detections, concatenate
from kontur.modeling.hearsay import against_names
from kontur.modeling.inquiry import Inquiry
from kontur.modeling.misread import Look, looked_at, misread
from kontur.modeling.plane import Plane
from kontur.modeling.refine import ROUNDS, RegistrationOptions

_NEAR = RegistrationOptions(rounds=ROUNDS[2:3], readings=(4, 2))
"""How kin are registered: they start near to where they may lie."""
_CLOSELY = RegistrationOptions(rounds=ROUNDS[2:3], readings=(4, 2, 2, 1))
"""The same for the last look, on the plane that is then known."""
_MOST_LOOKS = 3
"""How often kin are laid, each time at the scale that the last time told."""
_OTHER_SCALES = -0.03, 0.03
"""Log scale: steps by which kin are laid smaller and larger where the scale that was told is doubted, while that helps."""
_MOST_STEPS = 3
"""How many of them at most."""
_SAME_SCALE = 0.01
"""Log scales that differ less are one."""
_TOLD_BY_NETWORK, _LEAST_TOLD = 4.0, 0.003
"""What the logarithm of the network's score is worth in units of evidence when kin compete, and the least score."""


def among_kin(inquiry: Inquiry, decided: Detections, plane: Plane) -> Detections:
    """Decide again, with the kin of what was accepted, and again where that moves the scale; the best look counts.

    Where much speaks even against the best kin, the scale is doubted, and others are tried. The last look is a close one.
    """
    best = with_kin(inquiry, decided, plane)
    if best is None or plane.log_scale is None:
        return decided
    if best.doubtful:
        best = max((_best_along(inquiry, decided, best, step) for step in _OTHER_SCALES), key=lambda look: look.balance)
    last = best
    for _ in range(_MOST_LOOKS - 1):
        plane = shared_plane(last.decided)
        if _same_scale(last.laid_on, plane):
            break
        further = with_kin(inquiry, last.decided, plane)
        if further is None:
            break
        last = further
        best = max((best, last), key=lambda look: look.balance)
    closer = with_kin(inquiry, best.decided, shared_plane(best.decided), closely=True)
    return max((best, closer or best), key=lambda look: look.balance).decided


def _best_along(inquiry: Inquiry, decided: Detections, best: Look, step: float) -> Look:
    """Return the best look at scales that grow or shrink step by step, as far as each is better than the last."""
    for _ in range(_MOST_STEPS):
        scale = best.laid_on.log_scale
        further = None if scale is None else with_kin(inquiry, decided, replace(best.laid_on, log_scale=scale + step))
        if further is None or further.balance <= best.balance:
            break
        best = further
    return best


def with_kin(inquiry: Inquiry, decided: Detections, plane: Plane, closely: bool = False) -> Look | None:
    """Decide with the kin of what was accepted, laid on a plane; None when there are none.

    Where most parts have kin, they tell the plane anew, unless they are looked at closely: then all of them lie on it.
    """
    (parts, _, alike, kin), views, said = inquiry.relations, inquiry.views, inquiry.said
    beside = kin.beside(decided, said.hypotheses, plane)
    if len(beside.rows) == 0:
        return None
    alone = np.delete(np.arange(len(decided)), beside.rows)
    told = plane if closely or 2 * len(beside.rows) < len(decided) else None
    offered = inquiry.offered(settle(inquiry.field, beside.laid, parts), told, _CLOSELY if closely else _NEAR)
    pool = concatenate([decided[alone], offered])
    against = misread(views, pool, parts, plane, alike) + against_names(pool, said, alike)
    against[len(alone) :] -= _TOLD_BY_NETWORK * np.log(np.maximum(offered.score, _LEAST_TOLD))
    return looked_at(views, decide(views, pool, parts, against=against), parts, plane, alike)


def _same_scale(one: Plane, other: Plane) -> bool:
    """Whether the scales of two planes are about the same, or one is not known."""
    return one.log_scale is None or other.log_scale is None or abs(one.log_scale - other.log_scale) < _SAME_SCALE

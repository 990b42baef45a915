"""Duels: which of several hypotheses in one place is true, told from the points where their contours differ alone.

Along an outline that look-alikes share, their evidence differs by chance only: by how well each was registered, and by
what passing lines take from either. A hole of 20 px must not be outvoted by that, so what two contours share is left out.
"""

from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

from kontur.modeling.evidence import PointEvidence

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_APART_PX = 1.2
"""Points farther than a few times this from the other contour differ from it, nearer ones less and less."""
_MARGIN, _LEAST_MARGIN = 0.3, 60.0
"""Only hypotheses that are behind by less than this share of the best one's evidence, or by this much, are heard."""
_DECISIVE = 8.0
"""Evidence that makes the better of two parts e times as likely: neighbouring points share pixels."""


@dataclass(frozen=True, eq=False)
class Outcome:
    """Which hypothesis holds a place.

    Attributes:
        winner: its row.
        certainty: in (0, 1], how likely its part is among the parts that were heard; 1/2 where the picture cannot tell two.
    """

    winner: int
    certainty: float


def heard(best: int, gain: Floats) -> NDArray[np.bool_]:
    """Return (N,) which hypotheses have so much evidence left that they may challenge the best one."""
    return (gain > 0) & (gain >= gain[best] - max(_LEAST_MARGIN, _MARGIN * float(gain[best])))


def settle(best: int, rivals: Ints, part: Ints, found: PointEvidence, counted: Floats) -> Outcome:
    """Let the rivals of one place challenge the best hypothesis, and each that wins be challenged by those that follow.

    Args:
        best: row of the hypothesis with the most evidence.
        rivals: (R,) rows of the others, those with more evidence first.
        part: (N,) parts of all hypotheses.
        found: evidence of all hypotheses.
        counted: (N, M) contour length that counts, px; rows of hypotheses that are not here do not matter.
    """
    winner = best
    for rival in rivals.tolist():
        if lead(winner, rival, found, counted) < 0:
            winner = rival
    ahead: dict[int, float] = {}
    for other in (best, *rivals.tolist()):
        if part[other] != part[winner]:
            by = max(lead(winner, other, found, counted), 0.0)
            ahead[int(part[other])] = min(by, ahead.get(int(part[other]), by))
    return Outcome(winner, 1 / (1 + sum(float(np.exp(-by / _DECISIVE)) for by in ahead.values())))


def lead(one: int, other: int, found: PointEvidence, counted: Floats) -> float:
    """Return the evidence for one hypothesis less that for another, where their contours differ."""
    return _own_evidence(one, other, found, counted) - _own_evidence(other, one, found, counted)


def _own_evidence(one: int, other: int, found: PointEvidence, counted: Floats) -> float:
    against = found.points_px[other], found.normals_px[other], found.length_px[other]
    apart = 1 - np.exp(-_squared_gaps(found.points_px[one], counted[one], *against) / _APART_PX**2)
    return float((counted[one] * found.evidence[one] * apart).sum())


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _squared_gaps(points, counted, others, normals, length):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Return (M,) the squared distance of each point that counts from the nearest piece of the other contour.

    A piece is as long as the distance between contour points, and half as much again, so that corners leave no gaps.
    """
    squared = np.zeros(len(points))
    for i in range(len(points)):
        if counted[i] == 0:
            continue
        least = np.inf
        for j in range(len(others)):
            if length[j] > 0:
                u, v = points[i, 0] - others[j, 0], points[i, 1] - others[j, 1]
                across = u * normals[j, 0] + v * normals[j, 1]
                along = max(abs(v * normals[j, 0] - u * normals[j, 1]) - 0.75 * length[j], 0.0)
                least = min(least, across * across + along * along)
        squared[i] = least if least < np.inf else 1e6
    return squared

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
_CLOSE_PX2 = 1.0
"""Squared distance from a piece of the other contour that is in front of it below which no nearer one is looked for."""
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


def settle(rows: Ints, part: Ints, found: PointEvidence, weighed: Floats) -> Outcome:
    """Let the rivals of one place challenge the best hypothesis, and each that wins be challenged by those that follow.

    Args:
        rows: (R,) hypotheses that claim the place, those with more evidence first.
        part: (N,) parts of all hypotheses.
        found: evidence of all hypotheses.
        weighed: (R, M) evidence of these along their contours times the length that counts, px.
    """
    winner, leads = 0, {}
    for rival in range(1, len(rows)):
        leads[rival] = lead(winner, rival, rows, found, weighed)
        if leads[rival] < 0:
            winner, leads = rival, {}
    ahead: dict[int, float] = {}
    for other, name in enumerate(part[rows].tolist()):
        if name != part[rows[winner]]:
            by = max(leads[other] if other in leads else lead(winner, other, rows, found, weighed), 0.0)
            ahead[name] = min(by, ahead.get(name, by))
    return Outcome(int(rows[winner]), 1 / (1 + sum(float(np.exp(-by / _DECISIVE)) for by in ahead.values())))


def lead(one: int, other: int, rows: Ints, found: PointEvidence, weighed: Floats) -> float:
    """Return the evidence for `one` of the rows less that for the `other`, where their contours differ."""
    return _own(one, other, rows, found, weighed) - _own(other, one, rows, found, weighed)


def _own(one: int, other: int, rows: Ints, found: PointEvidence, weighed: Floats) -> float:
    against = found.points_px[rows[other]], found.normals_px[rows[other]], found.length_px[rows[other]]
    return float(_apart(found.points_px[rows[one]], weighed[one], *against))


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _squared_gap(point, others, normals, length, start):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Return the squared distance of a point from a contour, and which of its pieces is the nearest.

    Pieces are as long as the distance between contour points, and half as much again, so that corners leave no gaps. The
    search begins at `start` and ends at the first piece that is close.
    """
    least, nearest = np.inf, start
    for k in range(start, start + len(others)):
        j = k if k < len(others) else k - len(others)
        if length[j] == 0:
            continue
        u, v = point[0] - others[j, 0], point[1] - others[j, 1]
        across = u * normals[j, 0] + v * normals[j, 1]
        along = max(abs(v * normals[j, 0] - u * normals[j, 1]) - 0.75 * length[j], 0.0)
        squared = across * across + along * along
        if squared < least:
            least, nearest = squared, j
        if along == 0 and least < _CLOSE_PX2:
            break
    return least, nearest


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _apart(points, values, others, normals, length):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Return the sum of the values of points, those near the other contour less, those on it not at all.

    Points follow each other along contours, so the piece that is the nearest to one is looked at first for the next.
    """
    total, nearest = 0.0, 0
    for i in range(len(points)):
        if values[i] != 0:
            squared, nearest = _squared_gap(points[i], others, normals, length, nearest)
            total += values[i] * (1 - np.exp(-squared / _APART_PX**2))
    return total

"""Kin of what was found: parts of nearly its outline, laid in its place at the scale that all parts of the picture share.

Where the network is not sure which of several outlines of nearly one shape and size it sees, all of them are registered,
each free to find its own scale, and some end on wrong edges. Once a first decision has told the scale and how the thing
lies, the others it may be are laid there anew, outline on outline, so that all of them start equal. Kin of kin are too: of a
part half hidden the outlines may be very different.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kontur.geometry import Part
from kontur.modeling.detections import Detections
from kontur.modeling.look_alikes import StandIn, StandIns, best_ways, laid
from kontur.modeling.plane import Plane

LEAST_OVERLAP, OF_DOUBTFUL = 0.82, 0.65
"""Intersection over union of outlines from which on one may be taken for the other, and for one that few edges support."""
SUPPORTED = 0.85
"""Support of a contour in its true place, mostly."""
_LEAST_OF_KINDRED = 0.5
"""The same for kin of kin."""
_MOST_UNNAMED = 12
"""Kin that the network does not name, tried in one place: long lists have more, and each is registered."""
SMALLER = 0.985
"""Of the shared scale, where they start: feet of walls and shadows lie outside the edge, and hold what is larger."""
SAME_PLACE_PX = 14.0
"""Hypotheses this near to a datum, or to each other, are about the same thing."""


class Beside(NamedTuple):
    """What else may lie where parts were accepted.

    Attributes:
        rows: of the accepted ones that are laid again, ascending.
        laid: these again and their kin, not registered; the score is the network's for the family, 0 where it names none.
    """

    rows: NDArray[np.int64]
    laid: Detections


class Kin:
    """Which parts are kin, one part for each family of look-alikes; found out when it is asked for."""

    def __init__(self, parts: Sequence[Part], stand_ins: StandIns, faces: str) -> None:
        """Take parts.

        Args:
            parts: the part list.
            stand_ins: see `look_alikes.find_stand_ins`.
            faces: "up", or "both" where parts may lie face down.
        """
        self._parts, self._faces = parts, faces
        self._leaders = [_leader(part, items) for part, items in enumerate(stand_ins)]
        self._families = np.array([leader.part for leader in self._leaders], np.int64)
        self._log_area = {leader: math.log(parts[leader].outer.area_mm2) for leader in self._families.tolist()}
        self._known: dict[tuple[int, int, float], list[StandIn]] = {}

    def beside(
        self,
        accepted: Detections,
        hypotheses: Detections,
        plane: Plane,
        doubted: NDArray[np.bool_] | None = None,
        everyone: bool = False,
    ) -> Beside:
        """Lay what else may lie where parts were accepted, and these again, at about the plane's scale.

        Args:
            accepted: of known parts.
            hypotheses: the network's: what it names in a place is tried there.
            plane: that the accepted share; nothing is tried when its scale is not known.
            doubted: (N,) accepted ones in whose place kin that are not named are tried too.
            everyone: whether those that have no kin are laid again as well.
        """
        nothing = Beside(np.zeros(0, np.int64), accepted[:0])
        if plane.log_scale is None:
            return nothing
        near = np.linalg.norm(accepted.uv[:, None] - hypotheses.uv[None], axis=2) <= SAME_PLACE_PX
        is_other = self._families[accepted.part][:, None] != self._families[hypotheses.part]
        doubted = np.zeros(len(accepted), bool) if doubted is None else doubted
        rows: list[tuple[int, StandIn]] = []
        scores: list[float] = []
        for row in np.flatnonzero((near & is_other).any(axis=1) | doubted | everyone).tolist():
            own, named = self._leaders[accepted.part[row]], self._named(hypotheses, near[row])
            is_sure = accepted.support[row] >= SUPPORTED and not doubted[row]
            least = LEAST_OVERLAP if is_sure else OF_DOUBTFUL
            others = self._kindred(own.part, set(named), least)
            if doubted[row]:
                others += self._unnamed(own.part, set(named), least)
            kin = [item for other in others for item in self._nearest_ways(own.part, other, least)]
            for item in [StandIn(own.part, False, np.eye(3)), *kin] if kin or everyone else []:
                rows.append((row, StandIn(item.part, own.mirrored ^ item.mirrored, own.placement @ item.placement)))
                scores.append(named.get(item.part, 0.0))
        if not rows:
            return nothing
        found = laid(accepted, rows)
        matrix, (_, scale) = found.matrix.copy(), found.similarity
        shared = SMALLER * plane.scale_at(found.uv)
        matrix[:, :2, :2] *= (shared / scale)[:, None, None]
        with_kin = np.unique([row for row, _ in rows])
        return Beside(with_kin, replace(found, matrix=matrix, score=np.array(scores)))

    def _named(self, hypotheses: Detections, here: NDArray[np.bool_]) -> dict[int, float]:
        """Return the leaders that the network names in a place, and its score for their families."""
        named: dict[int, float] = {}
        for part, score in zip(hypotheses.part[here].tolist(), hypotheses.score[here].tolist(), strict=True):
            leader = self._leaders[part].part
            named[leader] = max(named.get(leader, 0.0), score)
        return named

    def _kindred(self, leader: int, named: set[int], least_overlap: float) -> list[int]:
        """Return which of the leaders that are named are kin of one, or kin of its kin."""
        found, left = [leader], sorted(named - {leader})
        for one in found:
            near = [other for other in left if self._ways(one, other, least_overlap)]
            found += near
            left = [other for other in left if other not in near]
        return found[1:]

    def _unnamed(self, leader: int, named: set[int], least_overlap: float) -> list[int]:
        """Return the kin of a leader that nobody names, those whose area is most like its own."""
        area = self._log_area
        left = sorted(area.keys() - named - {leader}, key=lambda other: abs(area[other] - area[leader]))
        kin = (other for other in left if self._ways(leader, other, least_overlap))
        return list(islice(kin, _MOST_UNNAMED))

    def _nearest_ways(self, one: int, other: int, least_overlap: float) -> list[StandIn]:
        """Return the ways in which a leader lies on its kin, or on kin of its kin."""
        return self._ways(one, other, least_overlap) or self._ways(one, other, _LEAST_OF_KINDRED)

    def _ways(self, one: int, other: int, least_overlap: float) -> list[StandIn]:
        """Return the ways in which a leader lies on another one, none where their outlines overlap too little."""
        key = one, other, least_overlap
        if key not in self._known:
            a, b = self._parts[one], self._parts[other]
            small, large = sorted((a.outer.area_mm2, b.outer.area_mm2))
            sides = (False, True) if self._faces == "both" and b.chiral else (False,)
            tried = sides if small >= least_overlap * large else ()
            self._known[key] = [
                StandIn(other, side, way) for side in tried for way in best_ways(a, b, side, least_overlap)
            ]
        return self._known[key]


def _leader(part: int, items: Sequence[StandIn]) -> StandIn:
    """Return the first part of a family, as it lies on one of them."""
    return min([StandIn(part, False, np.eye(3)), *items], key=lambda item: item.part)

"""Kin of what was found: parts of nearly its outline, laid in its place at the scale that all parts of the picture share.

Where the network is not sure which of several outlines of nearly one shape and size it sees, all of them are registered,
each free to find its own scale, and some end on wrong edges. Once a first decision has told the scale and how the thing
lies, the others it may be are laid there anew, outline on outline, so that all of them start equal.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from kontur.geometry import Part
from kontur.modeling.detections import Detections
from kontur.modeling.look_alikes import StandIn, StandIns, best_ways, laid
from kontur.modeling.plane import Plane

LEAST_OVERLAP = 0.82
"""Intersection over union of outlines from which on one may be taken for the other."""
SAME_PLACE_PX = 14.0
"""Hypotheses this near to a datum, or to each other, are about the same thing."""


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
        self._known: dict[tuple[int, int], list[StandIn]] = {}

    def beside(self, accepted: Detections, hypotheses: Detections, plane: Plane) -> Detections:
        """Return what else may lie where parts were accepted, and these again, at the plane's scale; not registered.

        Args:
            accepted: of known parts.
            hypotheses: the network's: what it names in a place is tried there.
            plane: that the accepted share; nothing is tried when its scale is not known.
        """
        if plane.log_scale is None:
            return accepted[:0]
        apart = np.linalg.norm(accepted.uv[:, None] - hypotheses.uv[None], axis=2)
        rows = []
        for row, part in enumerate(accepted.part.tolist()):
            leader, own = self._leaders[part].part, self._leaders[part]
            named = {self._leaders[other].part for other in hypotheses.part[apart[row] <= SAME_PLACE_PX].tolist()}
            others = [item for other in sorted(named - {leader}) for item in self._ways(leader, other)]
            for item in [StandIn(leader, False, np.eye(3)), *others] if others else []:
                rows.append((row, StandIn(item.part, own.mirrored ^ item.mirrored, own.placement @ item.placement)))
        if not rows:
            return accepted[:0]
        found = laid(accepted, rows)
        matrix, (_, scale) = found.matrix.copy(), found.similarity
        shared = np.exp(plane.log_scale + plane.log_scale_at(found.uv))
        matrix[:, :2, :2] *= (shared / scale)[:, None, None]
        return replace(found, matrix=matrix)

    def _ways(self, one: int, other: int) -> list[StandIn]:
        """Return the ways in which a leader lies on another one."""
        if (one, other) not in self._known:
            a, b = self._parts[one], self._parts[other]
            small, large = sorted((a.outer.area_mm2, b.outer.area_mm2))
            sides = (False, True) if self._faces == "both" and b.chiral else (False,)
            tried = sides if small >= LEAST_OVERLAP * large else ()
            ways = [StandIn(other, side, way) for side in tried for way in best_ways(a, b, side, LEAST_OVERLAP)]
            self._known[one, other] = ways
        return self._known[one, other]


def _leader(part: int, items: Sequence[StandIn]) -> StandIn:
    """Return the first part of a family, as it lies on one of them."""
    return min([StandIn(part, False, np.eye(3)), *items], key=lambda item: item.part)

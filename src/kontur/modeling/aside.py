"""Copies of accepted rings, a little aside of them: a shadow has the outline of what casts it, and strong edges of its own.

A ring that was proposed nearer to its shadow is drawn there, and the ring itself is never looked at. It has edges along a
part of its contour only, so that is where copies are laid, for the decision to choose from. Other parts have corners, which
the search for their angle finds in the right place.
"""

from collections.abc import Sequence

import numpy as np

from kontur.geometry import Part
from kontur.modeling.detections import Detections, unregistered

_ENOUGH = 0.85
"""Support from which on nothing better is looked for."""
STEP_PX = 8.0
"""Within the reach of the registration, from where a shadow mostly lies."""
_WAYS = np.arange(8) * np.pi / 4
_SHIFTS_PX = STEP_PX * np.column_stack([np.cos(_WAYS), np.sin(_WAYS)])


def laid_aside(accepted: Detections, parts: Sequence[Part]) -> Detections:
    """Return copies, moved in 8 directions and not registered, of those accepted rings that few edges support.

    Args:
        accepted: registered, of known parts.
        parts: the part list.
    """
    is_ring = np.array([part.symmetry == 0 for part in parts])
    few = is_ring[accepted.part] & (np.nan_to_num(accepted.support) < _ENOUGH)
    rows = np.repeat(np.flatnonzero(few), len(_SHIFTS_PX))
    matrix = accepted.matrix[rows]
    matrix[:, :2] += np.resize(_SHIFTS_PX, (len(rows), 2))[:, :, None] * matrix[:, 2:]
    return unregistered(accepted.size_wh, accepted.part[rows], accepted.score[rows], matrix, accepted.flipped[rows])

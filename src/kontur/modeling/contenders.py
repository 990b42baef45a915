"""Which hypotheses are worth an exact fit: those that are not far behind a rival in the same place."""

import numpy as np
from numpy.typing import NDArray

from kontur.modeling.support import Support

Floats = NDArray[np.float64]

_LEAST_SUPPORT = 0.15
"""What a true part, half hidden or not, has at least after the rough fit."""
ROUGH_LAG, READ_LAG = 0.35, 0.3
"""By how much a true part's support may stay behind a rival's after the rough fit, and after two readings. Among
unlike parts none of 970 was 0.25 behind; with 12 much alike outlines in each place 10 of 86 were between 0.25 and 0.35."""
_SAME_PLACE = 0.7
_SAME_SIZE = 1.5
"""Rivals lie within this share of the smaller one's radius, and their radii differ by this factor at most: a washer that
lies on a plate does not compete with it."""


def contenders(support: Support, most_lag: float) -> NDArray[np.int64]:
    """Return which of N contours may still win, their support at most so much less than a rival's."""
    best = np.where(_rivals(support.centre, support.radius_px), support.share, 0).max(axis=1)
    return np.flatnonzero((support.share >= _LEAST_SUPPORT) & (support.share >= best - most_lag))


def _rivals(centre: Floats, radius: Floats) -> NDArray[np.bool_]:
    """Return (N, N) which claim the same place and size; each is its own rival."""
    apart = np.linalg.norm(centre[:, None] - centre[None], axis=2)
    smaller, larger = np.minimum.outer(radius, radius), np.maximum.outer(radius, radius)
    return np.asarray((apart < _SAME_PLACE * smaller) & (larger < _SAME_SIZE * smaller)) | np.eye(
        len(radius), dtype=bool
    )

"""Which hypotheses are worth an exact fit: those that are not far behind a rival in the same place."""

import numba
import numpy as np
from numpy.typing import NDArray

from kontur.modeling.support import Support

_LEAST_SUPPORT = 0.15
"""What a true part, half hidden or not, has at least after the rough fit."""
ROUGH_LAG, READ_LAG = 0.35, 0.45
"""By how much a true part's support may stay behind a rival's after the rough fit, and after two readings. Among unlike
parts none of 970 was 0.25 behind, but with 12 much alike outlines in each place 10 of 86 were, by up to 0.35; after the
readings more is left, since what is dropped there is never weighed."""
_SAME_PLACE = 0.7
_SAME_SIZE = 1.5
"""Rivals lie within this share of the smaller one's radius, and their radii differ by this factor at most: a washer that
lies on a plate does not compete with it."""


def contenders(support: Support, most_lag: float) -> NDArray[np.int64]:
    """Return which of N contours may still win, their support at most so much less than a rival's."""
    best = support.share.copy()
    _best_rivals(support.centre, support.radius_px, support.share, best)
    return np.flatnonzero((support.share >= _LEAST_SUPPORT) & (support.share >= best - most_lag))


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _best_rivals(centre, radius, share, best):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Raise what the best rival of each has, itself at first, to the shares of those that claim its place and size."""
    for n in range(len(radius)):
        for other in range(n):
            du, dv = centre[n, 0] - centre[other, 0], centre[n, 1] - centre[other, 1]
            smaller, larger = min(radius[n], radius[other]), max(radius[n], radius[other])
            if du * du + dv * dv < (_SAME_PLACE * smaller) ** 2 and larger < _SAME_SIZE * smaller:
                best[n], best[other] = max(best[n], share[other]), max(best[other], share[n])

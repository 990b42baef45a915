"""Duels between look-alikes: two hypotheses for one place are compared only where their contours differ.

On the contour that both share, the evidence of each depends on how well it happens to be placed, which can outweigh a hole.
So what counts is the evidence on the points of each contour that lie apart from the other one. A point counts as it was
judged: hidden points and points that something accepted explains say nothing.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from kontur.modeling.evidence import PointEvidence
from kontur.modeling.masks import Window

Floats = NDArray[np.float64]

APART_PX = 3.0
"""Contour points nearer than this to the rival's contour are shared with it."""
_ALIKE = 0.6
"""Look-alikes share at least this much of the union of their masks."""
_COMPARABLE = 0.5
"""A rival has at least this share of the evidence of the best hypothesis."""
_MOST_DUELS = 12
_DOUBT = 10.0
"""Evidence that decides a duel well: the odds are exp(evidence / _DOUBT), because neighbouring points are not independent."""


def settle_by_duels(
    best: int,
    gain: Floats,
    open_rows: NDArray[np.bool_],
    found: PointEvidence,
    counted: Floats,
    masks: Sequence[Window],
) -> tuple[int, float]:
    """Return the hypothesis that wins against its look-alikes, and how sure that is.

    Args:
        best: the hypothesis with the most evidence.
        gain: (N,) evidence of all.
        open_rows: (N,) which may still be chosen.
        found: evidence along the contours.
        counted: (N, M) contour length that each point counts for: 0 where hidden, explained or outside.
        masks: of all hypotheses.

    Returns:
        the winner, and its share of the odds against the rival that came closest, 0.5 to 1.
    """
    comparable = np.flatnonzero(open_rows & (gain >= _COMPARABLE * gain[best]))
    rivals = [int(row) for row in comparable if row != best and overlap_share(masks[best], masks[int(row)]) >= _ALIKE]
    rivals = sorted(rivals, key=lambda row: -gain[row])[:_MOST_DUELS]
    winner = best
    for row in rivals:
        if row != winner and difference(winner, row, found, counted) < 0:
            winner = row
    margins = [difference(winner, row, found, counted) for row in [best, *rivals] if row != winner]
    closest = min((margin for margin in margins if np.isfinite(margin)), default=np.inf)
    return winner, float(1 / (1 + np.exp(-max(closest, 0.0) / _DOUBT)))


def difference(a: int, b: int, found: PointEvidence, counted: Floats) -> float:
    """Return the evidence for `a` less that for `b` where their contours differ; infinite where they do not."""
    only_a, only_b = _apart(a, b, found), _apart(b, a, found)
    if not only_a.any() and not only_b.any():
        return float("inf")
    gains = [float((counted[row] * found.evidence[row])[only].sum()) for row, only in ((a, only_a), (b, only_b))]
    return gains[0] - gains[1]


def _apart(a: int, b: int, found: PointEvidence) -> NDArray[np.bool_]:
    """Return (M,) which points of contour `a` lie apart from contour `b`."""
    square = ((found.points_px[a][:, None] - found.points_px[b][None]) ** 2).sum(axis=2).min(axis=1)
    return np.asarray(square > APART_PX**2, np.bool_)


def overlap_share(a: Window, b: Window) -> float:
    """Return the intersection of two masks over their union."""
    low = np.maximum(a.left_top, b.left_top)
    high = np.minimum(np.add(a.left_top, a.pixels.shape[::-1]), np.add(b.left_top, b.pixels.shape[::-1]))
    if (high <= low).any():
        return 0.0
    cut = [
        w.pixels[low[1] - w.left_top[1] : high[1] - w.left_top[1], low[0] - w.left_top[0] : high[0] - w.left_top[0]]
        for w in (a, b)
    ]
    shared = int(np.count_nonzero(cut[0] & cut[1]))
    return shared / max(1, int(np.count_nonzero(a.pixels)) + int(np.count_nonzero(b.pixels)) - shared)

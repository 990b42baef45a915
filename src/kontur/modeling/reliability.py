"""Whether scores mean what they say: the fraction of right detections in each range of scores.

Method: Guo et al., On Calibration of Modern Neural Networks, ICML 2017 (reliability diagram, expected calibration error).
"""

import numpy as np
from numpy.typing import NDArray

from kontur.modeling.evaluation import Reliability, ScoreBin

BINS = 10


def reliability(scores: NDArray[np.float64], right: NDArray[np.bool_], instances: int) -> Reliability:
    """Tabulate scores against the truth, and find the threshold of the greatest F1.

    Args:
        scores: (N,) in [0, 1].
        right: (N,) whether each detection covers an instance and has its name.
        instances: how many there are to be found.
    """
    index = np.minimum((scores * BINS).astype(int), BINS - 1)
    bins = tuple(_bin(k, scores[index == k], right[index == k]) for k in range(BINS))
    gaps = [b.count * abs(b.score_mean - b.right) for b in bins if b.score_mean is not None and b.right is not None]
    threshold, f1 = _best_threshold(scores, right, instances)
    return Reliability(
        bins=bins,
        expected_error=float(sum(gaps) / len(scores)) if len(scores) else None,
        best_threshold=threshold,
        best_f1=f1,
    )


def _bin(index: int, scores: NDArray[np.float64], right: NDArray[np.bool_]) -> ScoreBin:
    some = len(scores) > 0
    return ScoreBin(
        low=index / BINS,
        high=(index + 1) / BINS,
        count=len(scores),
        score_mean=float(scores.mean()) if some else None,
        right=float(right.mean()) if some else None,
    )


def _best_threshold(
    scores: NDArray[np.float64], right: NDArray[np.bool_], instances: int
) -> tuple[float | None, float | None]:
    """Return the lowest score kept at the greatest F1, and that F1; thresholds lie between different scores only."""
    if not right.any():
        return None, None
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    f1 = 2 * np.cumsum(right[order]) / (np.arange(1, len(ranked) + 1) + instances)
    last_of_equals = np.append(ranked[1:] < ranked[:-1], True)
    best = int(np.argmax(np.where(last_of_equals, f1, -1.0)))
    return float(ranked[best]), float(f1[best])

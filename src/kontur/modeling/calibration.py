"""Scores that mean what they say: 0.9 is right nine times in ten.

What is known of a detection (its features) is joined to one probability by logistic regression, fitted on synthetic
validation pictures that the training has not learnt from. (Platt scaling of several features: Platt 1999.)

Every feature is made to speak for a detection. Where chance, or what is peculiar to synthetic pictures, has one speak
against it, it is left out: elsewhere that would rank the better seen detection lower.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_RIDGE = 5.0
"""Pull of the (standardised) coefficients towards zero, in units of one detection's evidence."""
_LEAST_SPREAD = 0.1
"""Standard deviation that a feature is taken to have at least: one that hardly varies here tells nothing elsewhere."""
_STEPS = 30
_ENOUGH = 10
"""Fewer right, or fewer wrong, detections calibrate nothing."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Calibration:
    """A logistic model of the probability that a detection is right.

    Attributes:
        names: of the features, in their order.
        coefficients, intercept: log odds per unit of each feature, and where all are 0.
        detections: how many it was fitted to.
    """

    names: tuple[str, ...]
    coefficients: tuple[float, ...]
    intercept: float
    detections: int

    def probability(self, features: Floats) -> Floats:
        """Return (N,) probabilities from (N, F) features."""
        return 1 / (1 + np.exp(-np.clip(features @ np.array(self.coefficients) + self.intercept, -30, 30)))


def fit_calibration(names: tuple[str, ...], features: Floats, right: NDArray[np.bool_]) -> Calibration | None:
    """Fit by penalised maximum likelihood, no coefficient being negative.

    Args:
        names: of the features.
        features: (N, F) of N detections; the more, the more probable.
        right: (N,) whether each covers an instance and has its name.

    Returns:
        the model; None when there are too few right or wrong detections to learn from.
    """
    if min(np.count_nonzero(right), np.count_nonzero(~right)) < _ENOUGH:
        return None
    centre, spread = features.mean(axis=0), np.maximum(features.std(axis=0), _LEAST_SPREAD)
    rows = (features - centre) / spread
    kept = list(range(len(names)))
    solution = _regression(rows, right)
    while kept and solution[:-1].min() < 0:
        del kept[int(solution[:-1].argmin())]
        solution = _regression(rows[:, kept], right)
    coefficients = np.zeros(len(names))
    coefficients[kept] = solution[:-1] / spread[kept]
    intercept = float(solution[-1] - coefficients @ centre)
    return Calibration(names, tuple(coefficients.tolist()), intercept, len(right))


def _regression(rows: Floats, right: NDArray[np.bool_]) -> Floats:
    """Return (F + 1,) coefficients of standardised features, and the intercept (Newton's method)."""
    rows = np.column_stack([rows, np.ones(len(rows))])
    pull = np.diag([_RIDGE] * (rows.shape[1] - 1) + [0.0])
    solution = np.zeros(rows.shape[1])
    for _ in range(_STEPS):
        said = 1 / (1 + np.exp(-np.clip(rows @ solution, -30, 30)))
        slope = rows.T @ (right - said) - pull @ solution
        curvature = rows.T @ (rows * np.maximum(said * (1 - said), 1e-6)[:, None]) + pull
        solution = solution + np.linalg.solve(curvature, slope)
    return solution

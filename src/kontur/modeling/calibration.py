"""Scores that mean what they say: 0.9 is right nine times in ten.

What is known of a detection (its features) is joined to one probability by logistic regression, fitted on synthetic
validation pictures that the training has not learnt from. (Platt scaling of several features: Platt 1999.)
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_RIDGE = 1.0
"""Pull of the (standardised) coefficients towards zero, in units of one detection's evidence."""
_LEAST_SPREAD = 0.02
"""Standard deviation that a feature is taken to have at least: one that hardly varies here tells nothing elsewhere."""
_STEPS = 30
_ENOUGH = 20
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
    """Fit by penalised maximum likelihood (Newton's method on standardised features).

    Args:
        names: of the features.
        features: (N, F) of N detections.
        right: (N,) whether each covers an instance and has its name.

    Returns:
        the model; None when there are too few right or wrong detections to learn from.
    """
    if min(np.count_nonzero(right), np.count_nonzero(~right)) < _ENOUGH:
        return None
    centre, spread = features.mean(axis=0), np.maximum(features.std(axis=0), _LEAST_SPREAD)
    rows = np.column_stack([(features - centre) / spread, np.ones(len(features))])
    pull = np.diag([_RIDGE] * len(names) + [0.0])
    solution = np.zeros(len(names) + 1)
    for _ in range(_STEPS):
        said = 1 / (1 + np.exp(-np.clip(rows @ solution, -30, 30)))
        slope = rows.T @ (right - said) - pull @ solution
        curvature = rows.T @ (rows * np.maximum(said * (1 - said), 1e-6)[:, None]) + pull
        solution = solution + np.linalg.solve(curvature, slope)
    coefficients = solution[:-1] / spread
    intercept = float(solution[-1] - coefficients @ centre)
    return Calibration(names, tuple(coefficients.tolist()), intercept, len(right))

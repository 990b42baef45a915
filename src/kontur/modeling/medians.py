"""Medians, compiled."""

import numba
import numpy as np

_fast = {"cache": True, "nogil": True, "error_model": "numpy"}


@numba.njit(**_fast)
def weighted_median(values, weight):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Return the first of the sorted values up to which half of the weight lies."""
    order = np.argsort(values)
    half, passed = weight.sum() / 2, 0.0
    for k in order:
        passed += weight[k]
        if passed >= half:
            return values[k]
    return values[order[-1]]


@numba.njit(**_fast)
def median_length(vectors):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Return the median length of vectors (N, C)."""
    squares = np.zeros(len(vectors), vectors.dtype)
    for n in range(len(vectors)):
        for c in range(vectors.shape[1]):
            squares[n] += vectors[n, c] * vectors[n, c]
    return np.sqrt(np.median(squares))

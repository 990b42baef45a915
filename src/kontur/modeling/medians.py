"""The weighted median, compiled."""

import numba
import numpy as np

_fast = {"cache": True, "nogil": True, "error_model": "numpy"}
_FEW, _BINS = 32, 256


@numba.njit(**_fast)
def weighted_median(values, weight):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Return the first of the sorted values up to which half of the weight lies.

    Of many values, those of one bin are sorted: the one in which half of the weight is passed.
    """
    low, high = values.min(), values.max()
    if len(values) <= _FEW or low == high:
        return _first_beyond(values, weight, weight.sum() / 2)
    per_unit, bins = _BINS / (high - low), np.zeros(_BINS + 1)
    for k in range(len(values)):
        bins[_bin(values[k] - low, per_unit)] += weight[k]
    left, which = bins.sum() / 2, 0
    while which < _BINS and bins[which] < left:
        left -= bins[which]
        which += 1
    near, weights, count = np.empty(len(values)), np.empty(len(values)), 0
    for k in range(len(values)):
        near[count], weights[count] = values[k], weight[k]
        count += _bin(values[k] - low, per_unit) == which
    return _first_beyond(near[:count], weights[:count], left)


@numba.njit(inline="always", **_fast)
def _bin(above, per_unit):  # type: ignore[no-untyped-def]  # pragma: no cover
    return min(max(int(above * per_unit), 0), _BINS)


@numba.njit(**_fast)
def _first_beyond(values, weight, least):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Return the first of the sorted values up to which so much weight lies; the last if there is less."""
    order, passed = np.argsort(values), 0.0
    for k in order:
        passed += weight[k]
        if passed >= least:
            return values[k]
    return values[order[-1]]

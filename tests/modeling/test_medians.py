"""The weighted median against NumPy's percentiles of repeated values."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kontur.modeling.medians import weighted_median


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(-20, 20), st.integers(1, 9)), min_size=1, max_size=12))
def test_the_weighted_median_is_the_median_of_repeated_values(rows):
    """A value of weight w stands for w copies of itself; NumPy says between which two the middle lies."""
    values, weight = np.array(rows, float).T
    repeated = np.repeat(values, weight.astype(int))
    low, high = np.percentile(repeated, 50, method="lower"), np.percentile(repeated, 50, method="higher")
    assert low <= weighted_median(values, weight) <= high


@pytest.mark.parametrize("count", [31, 33, 100, 5000])
@pytest.mark.parametrize("kind", ["even", "heaped", "whole", "equal", "far"])
def test_of_many_values_it_is_the_one_that_sorting_finds(count, kind):
    """Spread evenly, heaped in one bin, with many ties, all the same, and with one so far that all others share a bin."""
    rng = np.random.default_rng(count)
    values = {
        "even": rng.random(count),
        "heaped": np.append(rng.normal(5, 1e-6, count - 2), [0, 9]),
        "whole": rng.integers(0, 4, count).astype(float),
        "equal": np.full(count, 3.25),
        "far": np.append(rng.random(count - 1), -1e300),
    }[kind]
    weight = rng.random(count)
    order = np.argsort(values, kind="stable")
    passed = np.cumsum(weight[order])
    assert weighted_median(values, weight) == values[order][np.searchsorted(passed, weight.sum() / 2)]


@pytest.mark.parametrize("count", [5, 200])
def test_infinite_values_do_not_disturb_the_median(count):
    values = np.append(np.linspace(1, 2, count), [-np.inf, np.inf])
    assert weighted_median(values, np.ones(count + 2)) == values[(count - 1) // 2]

"""The weighted median against NumPy's percentiles of repeated values."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kontur.modeling.medians import median_length, weighted_median


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(-20, 20), st.integers(1, 9)), min_size=1, max_size=12))
def test_the_weighted_median_is_the_median_of_repeated_values(rows):
    """A value of weight w stands for w copies of itself; NumPy says between which two the middle lies."""
    values, weight = np.array(rows, float).T
    repeated = np.repeat(values, weight.astype(int))
    low, high = np.percentile(repeated, 50, method="lower"), np.percentile(repeated, 50, method="higher")
    assert low <= weighted_median(values, weight) <= high


@pytest.mark.parametrize("count", [1, 2, 7, 200])
@pytest.mark.parametrize("channels", [1, 3])
def test_the_median_length_is_that_of_numpys_lengths(count, channels):
    vectors = np.random.default_rng(count).normal(0, 9, (count, channels)).astype(np.float32)
    expected = np.sqrt(np.median(np.linalg.norm(vectors, axis=1) ** 2))
    assert median_length(vectors) == pytest.approx(expected, rel=1e-5)

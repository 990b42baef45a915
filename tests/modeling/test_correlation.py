"""Blocks in the frequency domain against direct correlation by SciPy."""

import numpy as np
import pytest
from scipy.signal import correlate

from kontur.modeling import correlation
from kontur.modeling.correlation import Correlator


@pytest.mark.parametrize(
    "shape", [(9, 14), (40, 33), (75, 220)], ids=["smaller than a block", "one block", "a wide one"]
)
@pytest.mark.parametrize("pad", [0, 3])
def test_correlations_are_direct_ones_in_a_sea_of_zeros(shape, pad):
    rng = np.random.default_rng(0)
    templates = rng.normal(size=(4, 3, 9, 9)).astype(np.float32)
    features = rng.normal(size=(3, *shape)).astype(np.float32)
    found = Correlator(templates).correlate(features, pad)
    wide = np.pad(features, ((0, 0), (4 + pad, 4 + pad), (4 + pad, 4 + pad)))
    expected = [sum(correlate(wide[c], t[c], "valid", method="direct") for c in range(3)) for t in templates]
    np.testing.assert_allclose(found, expected, atol=2e-4)


def test_one_correlator_serves_pictures_of_all_sizes():
    rng = np.random.default_rng(1)
    templates = rng.normal(size=(2, 3, 5, 5)).astype(np.float32)
    features = rng.normal(size=(3, 60, 50)).astype(np.float32)
    correlator = Correlator(templates)
    large, small = correlator.correlate(features, 0), correlator.correlate(features[:, :30, :30], 0)
    np.testing.assert_allclose(large[:, 2:26, 2:26], small[:, 2:26, 2:26], atol=1e-4)


def test_many_blocks_and_one_give_the_same(monkeypatch):
    rng = np.random.default_rng(2)
    templates = rng.normal(size=(3, 3, 7, 7)).astype(np.float32)
    features = rng.normal(size=(3, 130, 205)).astype(np.float32)
    once = Correlator(templates).correlate(features, 2)
    monkeypatch.setattr(correlation, "_MOST_SPECTRA", 0)
    np.testing.assert_allclose(Correlator(templates).correlate(features, 2), once, atol=2e-4)


def test_pictures_of_changing_size_are_correlated_as_if_they_came_alone():
    """Spectra are kept for the last sizes only."""
    rng = np.random.default_rng(3)
    templates = rng.normal(size=(2, 3, 5, 5)).astype(np.float32)
    correlator = Correlator(templates)
    for height in (20, 50, 90, 20, 50):
        features = rng.normal(size=(3, height, 60)).astype(np.float32)
        np.testing.assert_array_equal(correlator.correlate(features, 1), Correlator(templates).correlate(features, 1))

"""A sample's stream against NumPy's own generator."""

import numpy as np
import pytest

from kontur.data_preprocessing.streams import sample_stream, weighted


def plain(seed: int, index: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(index,)))


def draws(rng: np.random.Generator) -> list[float]:
    """Everything that a scene draws, by turns."""
    found: list[float] = []
    for _ in range(20):
        found += [rng.uniform(), rng.uniform(-2.0), rng.uniform(-3.5, 8.25), rng.uniform(0, 7), rng.uniform(5.0, 5.0)]
        found += [int(rng.integers(9)), *rng.normal(0, 1, 3), *rng.uniform(0, 512, 2), *rng.uniform((1, 2), (3, 4))]
        found += [rng.uniform(np.float64(1), np.float64(2)), int(rng.integers(3, 5)), *rng.random(2)]
    return found


@pytest.mark.parametrize(("seed", "index"), [(0, 0), (7, 123456)])
def test_a_stream_draws_what_numpy_draws(seed, index):
    assert draws(sample_stream(seed, index)) == draws(plain(seed, index))


def test_keys_are_drawn_by_weight():
    keys = weighted({"a": 1.0, "b": 0.0, "c": 3.0}, 4000, sample_stream(1, 0))
    assert len(keys) == 4000
    assert set(keys) == {"a", "c"}
    assert keys.count("c") == pytest.approx(3000, abs=120)
    assert weighted({"a": 1.0}, 0, sample_stream(1, 0)) == []

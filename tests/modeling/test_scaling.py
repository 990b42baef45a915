"""The models of scaling against their own formulas, and one real measurement of each kind of work."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kontur.modeling.scaling import Point, amdahl, fit_amdahl, fit_gustafson, training_rate, worker_counts
from kontur.visualization.plot_scaling import plot_scaling, speed_ups

WORKERS = [1, 2, 4, 8]


@given(st.floats(0, 1))
def test_the_fit_finds_the_share_that_made_the_points(share):
    assert fit_amdahl(WORKERS, [amdahl(share, n) for n in WORKERS]) == pytest.approx(share, abs=1e-6)
    assert fit_gustafson(WORKERS, [n - (n - 1) * share for n in WORKERS]) == pytest.approx(share, abs=1e-6)


def test_amdahl_in_numbers():
    assert amdahl(0.5, 2) == pytest.approx(4 / 3)
    assert amdahl(1.0, 8) == pytest.approx(8)
    assert amdahl(0.0, 8) == 1


@pytest.mark.parametrize(("gain", "share"), [([1.0, 2.5], 1.0), ([1.0, 0.8], 0.0)])
def test_points_beyond_the_models_give_their_limits(gain, share):
    assert fit_amdahl([1, 2], gain) == share


def test_one_point_says_nothing():
    assert fit_amdahl([1], [1.0]) == fit_gustafson([1], [1.0]) == 0


@pytest.mark.parametrize(("most", "counts"), [(1, [1]), (2, [1, 2]), (6, [1, 2, 4, 6]), (8, [1, 2, 4, 8])])
def test_worker_counts(most, counts):
    assert worker_counts(most) == counts


def test_speed_up_is_over_one_worker_of_the_same_kind_and_is_drawn():
    points = [Point("detect", "threads", n, 10.0 * n) for n in (1, 2)] + [
        Point("train", "threads", n, 4.0) for n in (1, 2)
    ]
    assert speed_ups(points) == {("detect", "threads"): ([1, 2], [1, 2]), ("train", "threads"): ([1, 2], [1, 1])}
    axes = plot_scaling(points).axes[0]
    assert axes.get_xlabel() == "workers"
    assert len(axes.get_legend().get_texts()) == 3


@pytest.mark.slow
def test_training_is_measured():
    import torch

    before = torch.get_num_threads()
    assert training_rate(1) > 0
    torch.set_num_threads(before)

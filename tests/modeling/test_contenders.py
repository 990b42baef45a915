"""Which hypotheses may still win, against all pairs in whole arrays."""

import numpy as np
import pytest

from kontur.modeling.contenders import READ_LAG, ROUGH_LAG, contenders
from kontur.modeling.support import new_support


def supported(share, centre, radius):
    support = new_support(len(share))
    support.share[:], support.centre[:], support.radius_px[:] = share, centre, radius
    return support


def of_all_pairs(support, most_lag):
    """The same as a table of who is whose rival."""
    apart = np.linalg.norm(support.centre[:, None] - support.centre[None], axis=2)
    smaller = np.minimum.outer(support.radius_px, support.radius_px)
    larger = np.maximum.outer(support.radius_px, support.radius_px)
    rivals = (apart < 0.7 * smaller) & (larger < 1.5 * smaller) | np.eye(len(apart), dtype=bool)
    best = np.where(rivals, support.share, 0).max(axis=1)
    return np.flatnonzero((support.share >= 0.15) & (support.share >= best - most_lag)).tolist()


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("lag", [ROUGH_LAG, READ_LAG, 0.05])
def test_they_are_those_of_all_pairs(seed, lag):
    rng = np.random.default_rng(seed)
    support = supported(rng.uniform(size=60), rng.uniform(0, 200, (60, 2)), rng.uniform(15, 60, 60))
    found = contenders(support, lag).tolist()
    assert found == of_all_pairs(support, lag)
    assert 0 < len(found) < 60


def test_one_alone_needs_some_support():
    for share, left in ((0.14, []), (0.16, [0])):
        assert contenders(supported([share], [[5.0, 5.0]], [20.0]), 0.3).tolist() == left


def test_what_is_far_smaller_is_no_rival():
    support = supported([0.9, 0.3], [[50.0, 50.0], [52.0, 50.0]], [40.0, 10.0])
    assert contenders(support, 0.3).tolist() == [0, 1]
    alike = supported([0.9, 0.3], [[50.0, 50.0], [52.0, 50.0]], [40.0, 35.0])
    assert contenders(alike, 0.3).tolist() == [0]


def test_nothing_contends_where_nothing_is_proposed():
    assert contenders(new_support(0), 0.3).tolist() == []

"""The compiled choice against a plain one, on random rectangles that lie over each other and beyond the picture."""

import numpy as np
import pytest
from choosing_oracle import choose_plainly

from kontur.modeling.choosing import choose
from kontur.modeling.masks import Window, packed

WIDTH, HEIGHT, POINTS = 90, 70, 24
LIMITS = (0.4, 0.2, 0.75, 4, 0.25, (30.0, 0.3))


def rectangles(rng, count):
    """Return windows, contour points (N, M, 2), and the share of the points that stand for a length."""
    corner = rng.integers((-10, -10), (WIDTH - 10, HEIGHT - 10), (count, 2))
    corner[1::3] = corner[::3][: len(corner[1::3])] + 2
    size = rng.integers(15, 45, (count, 2))
    low, high = np.maximum(corner, 0), np.minimum(corner + size, (WIDTH, HEIGHT))
    windows = [Window((int(a[0]), int(a[1])), rng.random((b - a)[::-1]) < 0.95) for a, b in zip(low, high, strict=True)]
    turn = np.linspace(0, 2 * np.pi, POINTS, endpoint=False)
    around = np.stack([np.clip(1.2 * np.cos(turn), -1, 1), np.clip(1.2 * np.sin(turn), -1, 1)], axis=-1) / 2
    points = corner[:, None] + size[:, None] * (around + 0.5)
    inside = ((points >= 0) & (points <= (WIDTH - 1, HEIGHT - 1))).all(axis=2)
    return windows, points, inside


@pytest.mark.parametrize("seed", range(12))
def test_the_same_are_accepted_with_the_same_scores(seed):
    rng = np.random.default_rng(seed)
    windows, points, inside = rectangles(rng, 9)
    length = inside * rng.uniform(2, 5, inside.shape)
    evidence = rng.normal(1.5, 1.5, inside.shape)
    found = points, length, evidence, length.sum(axis=1) + 20.0
    trust = rng.choice([1.0, 0.4], 9)
    rows, scores = np.empty(9, np.int64), np.empty(9)
    count = choose(found, packed(windows), trust, (HEIGHT, WIDTH), LIMITS, rows, scores)
    expected = choose_plainly(found, [window.full((WIDTH, HEIGHT)) for window in windows], trust, LIMITS)
    assert 2 <= count < 9
    assert rows[:count].tolist() == [index for index, _ in expected]
    np.testing.assert_allclose(scores[:count], [score for _, score in expected], rtol=1e-12)


def test_a_hypothesis_that_nothing_speaks_for_is_not_accepted():
    windows, points, inside = rectangles(np.random.default_rng(0), 3)
    found = points, inside * 3.0, np.full(inside.shape, -1.0), np.full(3, 100.0)
    rows, scores = np.empty(3, np.int64), np.empty(3)
    assert choose(found, packed(windows), np.ones(3), (HEIGHT, WIDTH), LIMITS, rows, scores) == 0

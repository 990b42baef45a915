"""The compiled choice against a plain one, on random rectangles that lie over each other and beyond the picture."""

import numpy as np
import pytest
from choosing_oracle import choose_plainly
from modeling_shapes import bracket
from window_packing import packed

from kontur.geometry import PixelPose
from kontur.modeling.choosing import claimants, crowded
from kontur.modeling.decide import DecisionOptions, _accept, _weigh
from kontur.modeling.detections import from_poses, unregistered
from kontur.modeling.evidence import MOST_EVIDENCE, PointEvidence
from kontur.modeling.filling import fill_masks
from kontur.modeling.masks import Window, placed_outlines

WIDTH, HEIGHT, POINTS = 90, 70, 24
OPTIONS = DecisionOptions(least_score=0.1, least_visible=0.2, most_overlap=0.75, explained_px=4.0)
LIMITS = (0.1 * MOST_EVIDENCE, 0.2, 0.75, 4, 0.25, (30.0, 0.3))


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


def weighed(found, windows):
    """What `decide` gathers before it chooses."""
    points, length, evidence, whole = found
    spoken = PointEvidence(points, np.zeros_like(points), length, evidence, whole, np.ones_like(length))
    no_rings = np.empty((0, 2)), np.empty(0, np.int64), np.zeros(1, np.int64)
    return _weigh(spoken, spoken, (no_rings, packed(windows)), np.zeros(len(points)), (WIDTH, HEIGHT))


def chosen(windows, found, trust):
    """Return rows and scores of what `decide` accepts when nobody is challenged."""
    count = len(windows)
    matrix, faces = np.tile(np.eye(3), (count, 1, 1)), np.zeros(count, bool)
    all_of_them = unregistered((WIDTH, HEIGHT), np.arange(count), np.ones(count), matrix, faces)
    rows, scores, _ = _accept(weighed(found, windows), trust, all_of_them, OPTIONS)
    return rows.tolist(), scores


@pytest.mark.parametrize("seed", range(12))
def test_the_same_are_accepted_with_the_same_scores(seed):
    rng = np.random.default_rng(seed)
    windows, points, inside = rectangles(rng, 9)
    length = inside * rng.uniform(2, 5, inside.shape)
    evidence = rng.normal(1.5, 1.5, inside.shape)
    found = points, length, evidence, length.sum(axis=1) + 20.0
    trust = rng.choice([1.0, 0.4], 9)
    rows, scores = chosen(windows, found, trust)
    expected = choose_plainly(found, [window.full((WIDTH, HEIGHT)) for window in windows], trust, LIMITS)
    assert 2 <= len(rows) < 9
    assert rows == [index for index, _ in expected]
    np.testing.assert_allclose(scores, [score / MOST_EVIDENCE for _, score in expected], rtol=1e-9)


def test_a_hypothesis_that_nothing_speaks_for_is_not_accepted():
    windows, points, inside = rectangles(np.random.default_rng(0), 3)
    found = points, inside * 3.0, np.full(inside.shape, -1.0), np.full(3, 100.0)
    assert chosen(windows, found, np.ones(3))[0] == []


def test_one_place_is_claimed_by_those_whose_masks_nearly_coincide():
    windows = [Window((10, 10), np.ones((20, 30), bool)), Window((12, 10), np.ones((20, 30), bool))]
    windows += [Window((20, 10), np.ones((20, 30), bool)), Window((10, 10), np.ones((20, 30), bool))]
    boxes = np.array([[left, top, left + 30, top + 20] for left, top in (w.left_top for w in windows)], np.int32)
    is_open = np.array([True, True, True, False])
    assert claimants(0, is_open, boxes, packed(windows), (0.75, 0.5)).tolist() == [False, True, False, False]


def test_the_shadow_of_a_thin_ring_is_no_second_ring():
    """The same ring a few pixels beside shares few pixels with it; another part in its hole may be there."""
    v, u = np.mgrid[:60, :60] - 29.5
    ring, disc = (np.hypot(u, v) < 29) & (np.hypot(u, v) > 25), np.hypot(u, v) < 24
    masks = packed([Window((10, 5), ring), Window((16, 7), ring), Window((10, 5), disc), Window((30, 10), ring)])
    part, limits = np.array([0, 0, 1, 0]), (0.75, 0.65)
    assert crowded(masks, part, 1, np.array([0]), limits)
    assert not crowded(masks, part, 1, np.array([0]), (0.75, 1.0)), "by pixels alone it would pass"
    assert not crowded(masks, part, 2, np.array([0]), limits)
    assert not crowded(masks, part, 3, np.array([0]), limits)


def test_masks_are_filled_once_they_are_needed():
    """Parts in random places with random evidence: the same are accepted as with all masks filled, and few are filled."""
    rng = np.random.default_rng(4)
    poses = [PixelPose(*rng.uniform((0, 0), (WIDTH, HEIGHT)), rng.uniform(0, 6), 0.7) for _ in range(40)]
    count = len(poses)
    found = from_poses((WIDTH, HEIGHT), [0] * count, [1.0] * count, poses)
    points = found.matrix[:, None, :2, 2] + 20 * rng.uniform(-1, 1, (count, POINTS, 2))
    length = np.full(points.shape[:2], 3.0) * ((points >= 0) & (points <= (WIDTH - 1, HEIGHT - 1))).all(axis=2)
    evidence = rng.normal(rng.uniform(-2, 2, (count, 1)), 1.0, length.shape)
    spoken = PointEvidence(points, points, length, evidence, length.sum(axis=1), length)
    results = []
    for filled in (False, True):
        rings, masks = placed_outlines(found, [bracket()])
        if filled:
            fill_masks(rings, masks, np.zeros(count, np.int64))
        both = _weigh(spoken, spoken, (rings, masks), np.zeros(count), (WIDTH, HEIGHT))
        rows, scores, _ = _accept(both, np.ones(count), found, OPTIONS)
        results.append((rows.tolist(), scores.tolist(), (masks[3] >= 0).sum()))
    needed, everything = results
    assert 2 <= len(needed[0]) < needed[2] < count
    assert needed[:2] == everything[:2]

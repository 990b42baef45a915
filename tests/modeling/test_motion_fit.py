"""The compiled fits against the same in plain NumPy, and by hand."""

import fit_oracle
import numpy as np
import pytest

from kontur.modeling.motion_fit import fit_to_peaks, fit_to_readings, judge, mean_square_arm, move_contours

RNG_SEEDS = (0, 1, 2)
HOLD = np.array([1e-3, 1e-3, 0.05, 0.5, 3.0])
PRIOR = np.array([10.0, 10.0, 0.1, 0.006, 0.15]) ** -2.0


def problem(seed, instances=4, points=40, peaks=3):
    """Random contours about their data, with edges roughly where one motion has them, some without any, some padded."""
    rng = np.random.default_rng(seed)
    angle = rng.uniform(0, 2 * np.pi, (instances, points))
    normal, arm = np.stack([np.cos(angle), np.sin(angle)], -1), rng.uniform(-40, 40, (instances, points, 2))
    turning = normal[..., 0] * arm[..., 1] - normal[..., 1] * arm[..., 0]
    rows = np.stack([normal[..., 0], normal[..., 1], turning, (normal * arm).sum(axis=2)], -1)
    weight = rng.uniform(0.3, 2, (instances, points)) * (rng.uniform(size=(instances, points)) < 0.85)
    motion = rng.normal(0, (1, 1, 0.01, 0.01), (instances, 4))
    true = np.einsum("nmp,np->nm", rows, motion)
    offset = true[..., None] + rng.normal(0, (0.1, 2, 4)[:peaks], (instances, points, peaks))
    strength = rng.uniform(5, 50, offset.shape) * (rng.uniform(size=offset.shape) < 0.9)
    return weight, rows, offset, strength, motion


@pytest.mark.parametrize("seed", RNG_SEEDS)
@pytest.mark.parametrize("range_px", [3.0, 9.0])
def test_the_fit_to_peaks_is_that_of_plain_numpy(seed, range_px):
    weight, rows, offset, strength, _ = problem(seed)
    start = np.random.default_rng(seed).normal(0, (0.5, 0.02), (len(rows), 2))
    solution = np.empty((len(rows), 5))
    fit_to_peaks((weight, rows), (offset, strength), start, (range_px, 3, 0.35, HOLD), solution)
    expected = fit_oracle.fit_to_peaks(weight, rows, offset, strength, start, range_px, 3, 0.35, HOLD)
    np.testing.assert_allclose(solution, expected, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("seed", RNG_SEEDS)
def test_the_fit_to_readings_is_that_of_plain_numpy(seed):
    weight, rows, offset, strength, motion = problem(seed)
    rng = np.random.default_rng(seed)
    true = np.einsum("nmp,np->nm", rows, motion)
    reading = np.stack(
        [true + rng.normal(0, 0.2, true.shape), rng.uniform(0.1, 1, true.shape), rng.uniform(size=true.shape)], -1
    )
    reading[:, ::7, 0] += 5  # wrong ones
    lacks, settings = rng.normal(0, 0.01, len(rows)), (4, 3.0, 20.0, 0.05, 0.15, 2.5, PRIOR)
    solution = np.empty((len(rows), 5))
    live = reading.astype(np.float32)[weight > 0]
    fit_to_readings((weight, rows), (offset, strength), live, lacks, settings, solution)
    exact = reading.astype(np.float32).astype(np.float64)
    expected = fit_oracle.fit_to_readings(weight, rows, offset, strength, exact, lacks, settings)
    np.testing.assert_allclose(solution, expected, rtol=1e-4, atol=1e-6)
    assert np.abs(solution[:, :2] - motion[:, :2]).max() < 0.6, "wrong readings do not carry it away"


def test_a_contour_without_edges_stays():
    weight, rows, offset, strength, _ = problem(0)
    solution = np.empty((len(rows), 5))
    start = np.zeros((len(rows), 2))
    fit_to_peaks((weight, rows), (offset, 0 * strength), start, (5.0, 3, 0.35, HOLD), solution)
    assert (solution == 0).all()
    nothing = np.zeros((np.count_nonzero(weight > 0), 3), np.float32)
    settings = (4, 3.0, 20.0, 0.05, 0.15, 2.5, PRIOR)
    fit_to_readings((weight, rows), (offset, strength), nothing, np.zeros(len(rows)), settings, solution)
    assert (solution == 0).all()


def test_long_motions_are_shortened_as_a_whole_and_short_ones_are_not():
    weight, rows, *_ = problem(3, instances=2)
    radius = np.sqrt(mean_square_arm(weight[1], rows[1]))
    solution = np.array([[30.0, 40.0, 0.0, 0.0, 0.3], [0.1, 0.0, 2.0 / radius, 0.0, -0.2]])
    matrix, out = np.tile(np.eye(3), (2, 1, 1)), np.empty((2, 3, 3))
    move_contours(matrix, np.stack([np.eye(3)] * 2), (weight, rows, np.zeros((2, 2))), 2.0, solution, out)
    np.testing.assert_allclose(solution[0], [2.4, 3.2, 0, 0, 0.3])
    np.testing.assert_allclose(out[0], [[1, 0, 2.4], [0, 1, 3.2], [0, 0, 1]])
    np.testing.assert_allclose(solution[1], [0.1, 0.0, 2.0 / radius, 0.0, -0.2])
    turn = 2.0 / radius
    np.testing.assert_allclose(out[1, :2, :2], [[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])


def test_support_by_hand():
    """Edges at 0, 1, and 3 px where the contour is expected 0.5 px outside; the fourth point has none."""
    weight, rows = np.ones((1, 4)), np.zeros((1, 4, 4))
    offset, strength = np.array([[[0.0], [1.0], [3.0], [0.0]]]), np.array([[[9.0], [9.0], [9.0], [0.0]]])
    away, supported, score = np.empty((1, 4)), np.empty((1, 4), bool), np.empty(1)
    expected = np.array([[0.0, 0, 0, 0, 0.5]])
    judge((weight, rows), (offset, strength), expected, (1.0, 1.5), away, supported, score)
    assert away.tolist() == [[-0.5, 0.5, 2.5, 0.0]]
    assert supported.tolist() == [[True, True, False, False]]
    assert score[0] == pytest.approx(2 * (1 - 0.25 * 0.25) / 4)

"""What the cells of a network's answer say of each place, against the same in plain NumPy."""

import cv2
import numpy as np
import pytest
from scipy.special import expit, softmax

from kontur.modeling.votes import cast_votes, count_votes, find_peaks, gather_votes

CELL = (4, 2, 32.0)
PEAKS = np.array([[20.0, 24.0], [70.0, 40.0], [300.0, 300.0]])
REACH = 14.0


@pytest.fixture
def answer():
    rng = np.random.default_rng(0)
    output = rng.normal(0, 2, (4 + 5, 24, 32)).astype(np.float32)
    rows, columns = np.indices((24, 32)) * CELL[0] + CELL[1]
    goal = PEAKS[rng.integers(0, 2, rows.shape)] + rng.normal(0, 6, (*rows.shape, 2))
    output[1], output[2] = (goal[..., 0] - columns) / CELL[2], (goal[..., 1] - rows) / CELL[2]
    return output


def cast(output, least=0.3):
    count = output[0].size
    at, votes, weight = np.empty(count, np.int64), np.empty((count, 2)), np.empty(count)
    number = cast_votes(output, least, CELL, at, votes, weight)
    return at[:number], votes[:number], weight[:number]


def test_cells_that_see_a_part_vote_for_its_datum(answer):
    at, votes, weight = cast(answer)
    rows, columns = np.nonzero(answer[0] >= 0.3)
    assert at.tolist() == (rows * 32 + columns).tolist()
    expected = np.column_stack([columns, rows]) * 4 + 2 + 32.0 * answer[1:3, rows, columns].T
    np.testing.assert_allclose(votes, expected, rtol=1e-6)
    np.testing.assert_allclose(weight, expit(answer[0, rows, columns].astype(float)), rtol=1e-9)


def test_nobody_votes_where_nothing_is_seen(answer):
    assert [len(column) for column in cast(answer, 1e3)] == [0, 0, 0]


def test_votes_are_counted_by_their_weights_in_the_nearest_cell_of_a_larger_grid():
    rng = np.random.default_rng(1)
    votes, weight = rng.uniform(-60, 160, (500, 2)), rng.uniform(0, 1, 500)
    density = np.zeros((24 + 10, 32 + 10), np.float32)
    count_votes(votes, weight, CELL, 5, density)
    column, row = np.round((votes - 2) / 4).astype(int).T + 5
    inside = (column >= 0) & (row >= 0) & (column < 42) & (row < 34)
    assert 100 < inside.sum() < 400
    expected = np.zeros_like(density)
    np.add.at(expected, (row[inside], column[inside]), weight[inside])
    np.testing.assert_allclose(density, expected, rtol=1e-5)


@pytest.mark.parametrize("least", [0.05, 0.5, 2.0])
def test_peaks_are_what_a_dilation_leaves(least):
    """Whole numbers among them, so that some are equal to a neighbour: both are peaks."""
    density = cv2.GaussianBlur(np.random.default_rng(2).random((30, 40)).astype(np.float32), (0, 0), 1.2)
    density[::2] = np.round(density[::2] * 20) / 20
    cells = np.empty((density.size, 2), np.int64)
    count = find_peaks(density, least, 2, cells)
    highest = cv2.dilate(density, np.ones((5, 5), np.uint8))
    expected = np.argwhere((density == highest) & (density > least))
    assert cells[:count].tolist() == expected.tolist()
    assert (count > 0) == (least < 1)


def test_a_place_says_what_the_cells_that_vote_for_it_say_on_average(answer):
    at, votes, weight = cast(answer)
    total, datum, face_down, probability = np.empty((3, 2)), np.empty((3, 2)), np.empty(3), np.empty((3, 5))
    said = answer.reshape(9, -1)
    gather_votes(said, at, votes, weight, PEAKS, REACH, total, datum, face_down, probability)
    distance = np.linalg.norm(votes[:, None] - PEAKS, axis=2)
    for n in range(2):
        mine = (distance.argmin(axis=1) == n) & (distance.min(axis=1) <= REACH)
        assert 20 < mine.sum() < len(mine)
        share, cells = weight[mine] / weight[mine].sum(), said[:, at[mine]].astype(float)
        np.testing.assert_allclose(total[n], [weight[mine].sum(), mine.sum()])
        np.testing.assert_allclose(face_down[n], expit(cells[3]) @ share)
        np.testing.assert_allclose(probability[n], softmax(cells[4:], axis=0) @ share, rtol=1e-6)
        for axis in range(2):
            below = share[votes[mine, axis] < datum[n, axis]].sum()
            assert below < 0.5 <= below + share[votes[mine, axis] == datum[n, axis]].sum()
    assert total[2].tolist() == [0, 0]
    assert np.isnan(datum[2]).all()


def test_parts_that_a_cell_denies_wholly_have_no_share():
    """Logits so far apart that their exponentials are no numbers of 32 bits."""
    output = np.zeros((4 + 3, 1, 1), np.float32)
    output[0], output[4:] = 1, np.array([1000.0, 999.0, -3e4])[:, None, None]
    at, votes, weight = cast(output)
    total, datum, face_down, probability = np.empty((1, 2)), np.empty((1, 2)), np.empty(1), np.empty((1, 3))
    gather_votes(output.reshape(7, 1), at, votes, weight, votes, REACH, total, datum, face_down, probability)
    np.testing.assert_allclose(probability[0], [expit(1.0), expit(-1.0), 0], rtol=1e-6, atol=1e-30)
    assert datum.tolist() == votes.tolist()


def gathered(output, peaks, least=0.3, reach=REACH):
    """What `gather_votes` writes of a whole answer."""
    at, votes, weight = cast(output, least)
    count, parts = len(peaks), len(output) - 4
    rows = np.empty((count, 2)), np.empty((count, 2)), np.empty(count), np.empty((count, parts))
    gather_votes(output.reshape(len(output), -1), at, votes, weight, peaks, reach, *rows)
    return votes, weight, *rows


def seeing(votes, logit=0.0, parts=2):
    """An answer whose cells, in one row, vote for places (V, 2) with a logit each."""
    votes = np.asarray(votes, float)
    output = np.zeros((4 + parts, 1, len(votes)), np.float32)
    output[0] = logit
    columns = np.arange(len(votes)) * CELL[0] + CELL[1]
    output[1:3, 0] = (votes - np.column_stack([columns, np.full(len(votes), CELL[1])])).T / CELL[2]
    return output


def median_of(values, weight):
    """The first of the sorted values up to which half of the weight lies."""
    order = np.argsort(values, kind="stable")
    passed = np.cumsum(weight[order])
    return values[order][np.searchsorted(passed, passed[-1] / 2)]


@pytest.mark.parametrize("count", [1, 2, 3, 10, 400])
@pytest.mark.parametrize("spread", [0.0, 1e-4, 0.3, 4.0, 9.0])
def test_a_datum_is_the_weighted_median_however_close_the_votes_lie(count, spread):
    """All in one bin, or over all that a place reaches over."""
    rng = np.random.default_rng(count)
    goal = np.clip(rng.normal(0, spread, (count, 2)), -9, 9) + [400, 300]
    output = seeing(goal, rng.normal(0, 2, count))
    votes, weight, total, datum, _, _ = gathered(output, np.array([[400.0, 300.0]]), -1e3)
    assert total[0, 1] == count
    assert datum[0].tolist() == [median_of(votes[:, axis], weight) for axis in range(2)]


def test_few_sure_votes_outweigh_many_unsure_ones():
    votes = [(50, 60)] * 9 + [(54, 57)] * 3
    output = seeing(votes, np.array([-2.0] * 9 + [4.0] * 3))
    _, _, total, datum, _, _ = gathered(output, np.array([[52.0, 58.0]]), -3)
    assert datum[0] == pytest.approx([54, 57], abs=1e-4)
    assert total[0] == pytest.approx([9 * expit(-2.0) + 3 * expit(4.0), 12])


def test_votes_beyond_the_reach_of_every_peak_count_nowhere():
    votes = [(50, 60), (50, 73.9), (50, 74.1), (900, 60)]
    _, _, total, datum, _, _ = gathered(seeing(votes), np.array([[50.0, 60.0], [-500.0, 0.0]]), -1)
    assert total[:, 1].tolist() == [2, 0]
    assert datum[0] == pytest.approx([50, 60], abs=1e-4)


def test_a_vote_between_two_peaks_belongs_to_the_nearer_one():
    peaks = np.array([[50.0, 60.0], [62.0, 60.0]])
    votes = [(55.9, 60), (56.1, 60), (60, 66), (48, 50)]
    _, _, total, _, _, _ = gathered(seeing(votes), peaks, -1)
    assert total[:, 1].tolist() == [2, 2]
    _, _, turned, _, _, _ = gathered(seeing(votes), peaks[::-1].copy(), -1)
    assert turned[:, 1].tolist() == [2, 2]


def test_without_peaks_nothing_is_gathered():
    _, _, total, datum, face_down, probability = gathered(seeing([(50, 60)]), np.empty((0, 2)), -1)
    assert [row.shape for row in (total, datum, face_down, probability)] == [(0, 2), (0, 2), (0,), (0, 2)]


@pytest.mark.parametrize("spread", [1e-3, 0.5, 3.0, 30.0, 3000.0])
@pytest.mark.parametrize("parts", [1, 12, 61])
def test_probabilities_are_a_softmax_of_any_logits(spread, parts):
    rng = np.random.default_rng(parts)
    output = seeing([(50, 60)] * 50, rng.normal(0, 2, 50), parts)
    output[4:, 0] = rng.normal(0, spread, (parts, 50))
    _, weight, _, _, _, probability = gathered(output, np.array([[50.0, 60.0]]), -1e3)
    expected = softmax(output[4:, 0].astype(float), axis=0) @ (weight / weight.sum())
    np.testing.assert_allclose(probability[0], expected, rtol=2e-6, atol=1e-30)
    assert probability[0].sum() == pytest.approx(1, abs=1e-6)

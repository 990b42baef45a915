"""What the cells of a network's answer say of each place, against the same in plain NumPy."""

import numpy as np
import pytest
from scipy.special import expit, softmax

from kontur.modeling.votes import cast_votes, gather_votes

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

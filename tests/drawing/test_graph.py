"""Linked things and their labels, against scipy's connected components."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from kontur.drawing.graph import connected_labels


def same_groups(labels, others):
    pairs = set(zip(labels.tolist(), others.tolist(), strict=True))
    return len(pairs) == len(set(labels.tolist())) == len(set(others.tolist()))


def by_scipy(count, pairs):
    links = coo_matrix((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), (count, count))
    return connected_components(links, directed=False)[1]


@given(st.integers(1, 60).flatmap(lambda n: st.tuples(
    st.just(n), st.lists(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)), max_size=90))))  # fmt: skip
def test_any_links(case):
    count, links = case
    pairs = np.array(links, np.intp).reshape(-1, 2)
    labels = connected_labels(count, pairs)
    assert same_groups(labels, by_scipy(count, pairs))
    assert set(labels.tolist()) == set(range(labels.max() + 1))


@pytest.mark.parametrize("order", ["rising", "falling", "mixed"])
def test_a_long_chain_and_a_star(order):
    count = 20_000
    names = np.arange(count)
    if order == "falling":
        names = names[::-1]
    elif order == "mixed":
        names = np.random.default_rng(4).permutation(count)
    chain = np.column_stack([names[:-1], names[1:]])
    star = np.column_stack([np.full(count - 1, names[-1]), names[:-1]])
    assert connected_labels(count, chain).max() == 0 and connected_labels(count, star).max() == 0
    assert same_groups(connected_labels(count, chain[::2]), by_scipy(count, chain[::2]))


def test_nothing_linked_is_as_many_groups():
    assert connected_labels(3, np.zeros((0, 2), np.intp)).tolist() == [0, 1, 2]

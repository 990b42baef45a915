"""Numbers as text against Python's own formatting."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kontur.data_preprocessing.decimals import number_rows, ring_rows

numbers = st.lists(st.floats(-1e6, 1e6, allow_nan=False), max_size=12)


@given(values=numbers, places=st.integers(1, 7))
def test_numbers_are_those_that_python_writes(values, places):
    words = number_rows(values, [len(values)], places, " ")[0].split(" ") if values else []
    assert [len(word.partition(".")[2]) for word in words] == [places] * len(values)
    assert [float(word) for word in words] == pytest.approx(values, abs=0.5000001 * 10.0**-places)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0.00"), (1, "1.00"), (-0.004, "0.00"), (-0.25, "-0.25"), (0.07, "0.07"), (-12.5, "-12.50"), (10, "10.00"),
     (99.999, "100.00"), (123456.78, "123456.78")],
)  # fmt: skip
def test_every_digit_is_written(value, text):
    assert number_rows([value], [1], 2, ",") == [text]


def test_arrays_are_flattened():
    assert number_rows(np.array([[1.5, 2], [3, -4]]), [4], 1, ",") == ["1.5,2.0,3.0,-4.0"]


def test_nothing_is_nothing():
    assert number_rows([], [0, 0], 3, ",") == ["", ""]
    assert number_rows([], [], 3, ",") == []
    assert ring_rows([], 2, 0.0) == []
    assert ring_rows([[], []], 2, 0.0) == ["[]", "[]"]
    assert ring_rows([[], [np.ones((1, 2))], []], 1, 0.5) == ["[]", "[[1.5,1.5]]", "[]"]


def test_rows_are_apart():
    assert number_rows([1, 2, 3], [2, 0, 1], 1, " ") == ["1.0 2.0", "", "3.0"]


ring_lists = st.lists(
    st.lists(st.tuples(st.floats(-900, 900), st.floats(-900, 900)), min_size=1, max_size=5), max_size=4
)


@given(st.lists(ring_lists, max_size=4))
def test_rings_are_json_lists(rows):
    texts = ring_rows([[np.array(ring) for ring in rings] for rings in rows], 2, 0.5)
    for text, rings in zip(texts, rows, strict=True):
        found = json.loads(text)
        assert [len(flat) for flat in found] == [2 * len(ring) for ring in rings]
        for flat, ring in zip(found, rings, strict=True):
            assert np.reshape(flat, (-1, 2)) == pytest.approx(np.array(ring) + 0.5, abs=0.0051)

"""Run lengths against pycocotools, which defines them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pycocotools import mask as coco_mask

from kontur.data_preprocessing.rle import count_ids, encode_ids


def check(ids: np.ndarray, count: int) -> None:
    codes = encode_ids(ids, count)
    assert len(codes) == count
    for key, code in enumerate(codes, 1):
        mask = np.asfortranarray(ids == key)
        theirs = coco_mask.encode(mask)
        assert code.counts == theirs["counts"].decode()
        assert code.area == mask.sum()
        assert list(code.bbox) == coco_mask.toBbox(theirs).tolist()
        back = coco_mask.decode({"size": list(ids.shape), "counts": code.counts})
        assert np.array_equal(back, mask)
    assert np.array_equal(count_ids(ids), np.bincount(ids.ravel(), minlength=256))


@settings(max_examples=60, deadline=None)
@given(arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 13)), elements=st.integers(0, 4)))
def test_any_small_map(ids):
    check(ids, 4)


def test_long_runs_and_ids_up_to_the_last():
    ids = np.zeros((301, 457), np.uint8)
    ids[10:290, 100:450] = 255
    ids[50:120, 150:400] = 7
    ids[:, 300:340] = 9
    check(ids, 255)


@pytest.mark.parametrize("value", [0, 1])
def test_maps_of_one_value(value):
    check(np.full((31, 17), value, np.uint8), 1)

"""Codes of masks in windows against pycocotools' own of the whole picture."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools import mask as coco_mask

from kontur.modeling.mask_codes import window_counts


def theirs(pixels, left_top, size_wh):
    whole = np.zeros(size_wh[::-1], np.uint8)
    whole[left_top[1] : left_top[1] + pixels.shape[0], left_top[0] : left_top[0] + pixels.shape[1]] = pixels
    return coco_mask.encode(np.asfortranarray(whole))["counts"].decode()


@settings(max_examples=300, deadline=None)
@given(st.data(), st.integers(1, 12), st.integers(1, 9), st.floats(0, 1), st.integers(0, 2**32 - 1))
def test_it_is_cocos_own_code(data, width, height, share, seed):
    x0, y0 = data.draw(st.integers(0, width)), data.draw(st.integers(0, height))
    w, h = data.draw(st.integers(0, width - x0)), data.draw(st.integers(0, height - y0))
    pixels = np.random.default_rng(seed).random((h, w)) < share
    assert window_counts(pixels, (x0, y0), (width, height)) == theirs(pixels, (x0, y0), (width, height))


@pytest.mark.parametrize("left_top", [(0, 0), (17, 0), (40, 30)])
def test_runs_that_go_on_in_the_next_column_stay_one(left_top):
    pixels = np.ones((48 - left_top[1], 64 - left_top[0]), bool)
    assert window_counts(pixels, left_top, (64, 48)) == theirs(pixels, left_top, (64, 48))


def test_long_runs_take_several_letters():
    pixels = np.zeros((1080, 1920), bool)
    pixels[3:900, 5:1800] = True
    pixels[100:200, 300:310] = False
    assert window_counts(pixels, (0, 0), (1920, 1080)) == theirs(pixels, (0, 0), (1920, 1080))


def test_a_mask_outside_the_picture_is_empty():
    assert window_counts(np.zeros((0, 0), bool), (0, 0), (64, 48)) == theirs(np.zeros((48, 64), bool), (0, 0), (64, 48))

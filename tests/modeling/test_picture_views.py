"""The views of a picture: what is made of it once for all who look at it."""

import cv2
import numpy as np
import pytest

from kontur.modeling.edges import edge_picture
from kontur.modeling.smoothing import LEAST_LARGE_PX
from kontur.modeling.views import Views, views_of


@pytest.fixture
def picture():
    noise = np.random.default_rng(4).uniform(0, 255, (91, 123, 3)).astype(np.float32)
    return cv2.GaussianBlur(noise, (0, 0), 1).astype(np.uint8)


def test_views_are_made_once(picture):
    views = views_of(picture)
    assert views_of(views) is views
    assert views.reduced(2) is views.reduced(2)
    assert views.edges(0.7, 2) is views.edges(0.7, 2)
    assert views.edges(0.7, 2) is not views.edges(0.7, 1)
    assert views.background(0.7) is views.background(0.7)


@pytest.mark.parametrize("reduction", [1, 2, 3])
def test_what_is_reduced_is_the_mean_of_whole_cells(picture, reduction):
    height, width = (side // reduction for side in picture.shape[:2])
    cells = picture[: height * reduction, : width * reduction].reshape(height, reduction, width, reduction, 3)
    np.testing.assert_allclose(Views(picture).reduced(reduction), cells.mean(axis=(1, 3)), atol=0.51)


@pytest.mark.parametrize("reduction", [1, 2])
def test_edges_are_those_of_the_picture_alone(picture, reduction):
    seen, alone = Views(picture).edges(0.7, reduction), edge_picture(picture, 0.7, reduction)
    np.testing.assert_array_equal(seen.pixels, alone.pixels)
    assert (seen.noise, seen.reduction, seen.size_wh) == (alone.noise, reduction, alone.size_wh)


def test_a_large_picture_is_not_reduced_for_its_edges():
    side = 2 * int(np.sqrt(LEAST_LARGE_PX)) + 2
    assert Views(np.zeros((side, side, 3), np.uint8)).edges(0.7, 2).tiles is not None

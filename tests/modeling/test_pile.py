"""Who lies above whom, told from painted piles whose order is known."""

from itertools import pairwise, permutations

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from modeling_scenes import bracket, triangle, washer

from kontur.geometry import PixelPose
from kontur.modeling.detections import UNKNOWN, concatenate, from_poses, unregistered
from kontur.modeling.masks import visible_masks
from kontur.modeling.pile import layers_of, stack_layers

SIZE_WH = (240, 180)
PARTS = (bracket(), washer(), triangle())


def shaded(placed: list[tuple[int, PixelPose]], greys: list[int], noise: float = 2.0) -> np.ndarray:
    """Paint parts, each in its own grey, later ones on top, by shapely's answer for every pixel centre."""
    columns, rows = np.meshgrid(np.arange(SIZE_WH[0]), np.arange(SIZE_WH[1]))
    picture = np.full(SIZE_WH[::-1], 60.0)
    for (part, pose), grey in zip(placed, greys, strict=True):
        rings = [pose.apply(contour.points) for contour in PARTS[part].contours]
        picture[shapely.contains_xy(shapely.Polygon(rings[0], rings[1:]), columns, rows)] = grey
    picture += np.random.default_rng(3).normal(0, noise, picture.shape)
    return np.repeat(np.clip(picture, 0, 255).astype(np.uint8)[..., None], 3, axis=2)


def detected(placed, order=None):
    rows = [placed[k] for k in order] if order is not None else placed
    return from_poses(SIZE_WH, [part for part, _ in rows], [0.9] * len(rows), [pose for _, pose in rows])


PAIR = [(0, PixelPose(100, 90, 0.4, 2.0)), (2, PixelPose(130, 105, 1.1, 2.0))]


@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("greys", [(200, 150), (150, 200), (90, 240)])
def test_of_two_parts_the_one_painted_last_is_above(flip, greys):
    placed = PAIR[::-1] if flip else PAIR
    found = stack_layers(shaded(placed, list(greys)), detected(placed), PARTS)
    assert found.layer[1] > found.layer[0]


def test_masks_are_what_was_painted():
    """The pixels of each grey are the visible masks: the lower part loses exactly what the upper one covers."""
    found = stack_layers(shaded(PAIR, [200, 150], noise=0.0), detected(PAIR), PARTS)
    clean = shaded(PAIR, [200, 150], noise=0.0)[..., 0]
    for mask, grey in zip(visible_masks(found, PARTS), (200, 150), strict=True):
        np.testing.assert_array_equal(mask.full(SIZE_WH), clean == grey)


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_a_pile_of_three_in_any_order_of_detections(order):
    """The washer lies on the bracket and the triangle on both: the order in which they are listed does not matter."""
    placed = [PAIR[0], (1, PixelPose(112, 88, 0.0, 2.2)), (2, PixelPose(138, 95, 0.3, 2.0))]
    found = stack_layers(shaded(placed, [210, 160, 110]), detected(placed, order), PARTS)
    layer = dict(zip(order, found.layer.tolist(), strict=True))
    assert layer[0] < layer[1] < layer[2]


def test_parts_apart_lie_in_one_layer_and_nothing_else_changes():
    placed = [(0, PixelPose(60, 60, 0.4, 1.5)), (2, PixelPose(170, 110, 1.1, 1.5))]
    before = detected(placed)
    found = stack_layers(shaded(placed, [200, 150]), before, PARTS)
    assert found.layer.tolist() == [0, 0]
    np.testing.assert_array_equal(found.matrix, before.matrix)


def test_nothing_and_the_unknown_have_no_order():
    picture = shaded(PAIR, [200, 150])
    assert len(stack_layers(picture, detected([]), PARTS)) == 0
    square = np.array([[[30.0, 0, 100], [0, 30, 90], [0, 0, 1]]])
    unknown = unregistered(SIZE_WH, np.array([UNKNOWN]), np.array([0.5]), square, np.array([False]))
    found = stack_layers(picture, concatenate([detected(PAIR), unknown]), PARTS)
    assert found.layer[1] > found.layer[0]
    assert found.layer[2] == 0


def test_the_weakest_of_three_that_contradict_each_other_gives_way():
    lead = np.array([[0, 5.0, -1.0], [0, 0, 4.0], [0, 0, 0]])  # 0 on 1 (5), 1 on 2 (4), 2 on 0 (1)
    layer = layers_of(lead, np.triu(np.ones((3, 3), bool), 1))
    assert layer[0] > layer[1] > layer[2]


@given(st.permutations(range(6)), st.integers(0, 2**15 - 1))
def test_a_consistent_order_is_kept_whatever_pairs_overlap(height, bits):
    """Leads that come from true heights: every overlapping pair must be in the order of the heights."""
    lead = np.triu(np.subtract.outer(np.array(height, float), np.array(height, float)), 1)
    related = np.zeros((6, 6), bool)
    related[np.triu_indices(6, 1)] = [bool(bits >> k & 1) for k in range(15)]
    layer = layers_of(lead, related)
    for i, j in np.argwhere(related):
        assert (layer[i] > layer[j]) == (height[i] > height[j])
    chain = layers_of(np.triu(lead, 1), np.triu(np.ones((6, 6), bool), 1))
    ordered = chain[np.argsort(height)]
    assert all(low < high for low, high in pairwise(ordered.tolist()))

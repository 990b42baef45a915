from dataclasses import replace

import numpy as np
import pytest
import shapely
from hypothesis import example, given, settings
from hypothesis import strategies as st
from modeling_shapes import bracket, plate

from kontur.geometry import PixelPose
from kontur.modeling.detections import UNKNOWN, from_poses, unregistered
from kontur.modeling.masks import amodal_masks, overlaps, placed_outlines, rings_px, visible_masks

SIZE_WH = (150, 110)


def inside(polygon: shapely.Polygon, size_wh: tuple[int, int]) -> np.ndarray:
    u, v = np.meshgrid(np.arange(size_wh[0]), np.arange(size_wh[1]))
    return shapely.contains_xy(polygon, u, v)


@settings(max_examples=40, deadline=None)
@given(
    u=st.floats(-20, 170),
    v=st.floats(-20, 130),
    angle=st.floats(0, 6.28),
    scale=st.floats(0.5, 3),
    flipped=st.booleans(),
)
@example(138.0, 0.0, 0.0, 0.5, False)
def test_mask_holds_exactly_the_pixels_whose_centres_lie_inside(u, v, angle, scale, flipped):
    part = bracket()
    found = from_poses(SIZE_WH, [0], [1.0], [PixelPose(u, v, angle, scale, flipped)])
    outer, *holes = rings_px(found, 0, [part])
    polygon, mask = shapely.Polygon(outer, holes), amodal_masks(found, [part])[0].full(SIZE_WH)
    on_outline = shapely.intersects_xy(polygon.boundary, *np.meshgrid(*map(np.arange, SIZE_WH)))
    np.testing.assert_array_equal(mask & ~on_outline, inside(polygon, SIZE_WH))


def test_mask_area_is_unbiased():
    part, rng = plate(4), np.random.default_rng(5)
    poses = [PixelPose(*(70, 50) + rng.uniform(-1, 1, 2), rng.uniform(0, 6), 1.0) for _ in range(60)]
    areas = [mask.pixels.sum() for mask in amodal_masks(from_poses(SIZE_WH, [0] * 60, [1.0] * 60, poses), [part])]
    assert abs(np.mean(areas) - part.area_mm2) < 0.002 * part.area_mm2


def test_what_lies_outside_the_picture_has_an_empty_mask():
    poses = [PixelPose(1e6, 50, 0.3, 1.0), PixelPose(70, 50, 0.3, 1.0), PixelPose(70, -1e15, 0.3, 1.0)]
    far, inside_it, above = amodal_masks(from_poses(SIZE_WH, [0] * 3, [1.0] * 3, poses), [plate(4)])
    assert inside_it.pixels.any()
    for window in (far, above):
        assert window.pixels.size == 0
        assert not window.full(SIZE_WH).any()


def test_no_detections_have_no_masks():
    assert amodal_masks(from_poses(SIZE_WH, [], [], []), [plate(4)]) == []


def test_upper_parts_cover_lower_ones_and_show_them_through_their_holes():
    part = plate(4)
    poses = [PixelPose(60, 50, 0.0, 1.0), PixelPose(75, 60, 0.5, 1.0)]
    found = from_poses(SIZE_WH, [0, 0], [1.0, 1.0], poses)
    whole = [mask.full(SIZE_WH) for mask in amodal_masks(found, [part])]
    below, above = (mask.full(SIZE_WH) for mask in visible_masks(replace(found, layer=np.array([0, 1])), [part]))
    np.testing.assert_array_equal(above, whole[1])
    np.testing.assert_array_equal(below, whole[0] & ~whole[1])
    other_way = visible_masks(replace(found, layer=np.array([5, 2])), [part])
    np.testing.assert_array_equal(other_way[0].full(SIZE_WH), whole[0])
    np.testing.assert_array_equal(other_way[1].full(SIZE_WH), whole[1] & ~whole[0])


def test_parts_of_one_layer_do_not_cover_each_other():
    part = plate(4)
    poses = [PixelPose(60, 50, 0.0, 1.0), PixelPose(75, 60, 0.5, 1.0), PixelPose(60, 58, 0.2, 0.6)]
    found = replace(from_poses(SIZE_WH, [0] * 3, [1.0] * 3, poses), layer=np.array([0, 0, 1]))
    whole = [mask.full(SIZE_WH) for mask in amodal_masks(found, [part])]
    for shown, alone in zip(visible_masks(found, [part])[:2], whole[:2], strict=True):
        np.testing.assert_array_equal(shown.full(SIZE_WH), alone & ~whole[2])


def test_overlaps_counts_shared_pixels():
    part = plate(4)
    poses = [PixelPose(60, 50, 0.0, 1.0), PixelPose(75, 60, 0.5, 1.0), PixelPose(140, 100, 0.1, 0.5)]
    found = from_poses(SIZE_WH, [0] * 3, [1.0] * 3, poses)
    full = np.array([window.full(SIZE_WH).ravel() for window in amodal_masks(found, [part])], int)
    rings, masks = placed_outlines(found, [part])
    np.testing.assert_array_equal(overlaps(rings, masks), full @ full.T * ~np.eye(3, dtype=bool))
    assert masks[3][:2].tolist() == full.sum(axis=1)[:2].tolist()
    assert masks[3][2] == -1, "what touches no other is not even filled"


def test_unknown_is_a_quadrilateral():
    matrix = np.array([[[10.0, 0, 50], [0, 5, 40], [0, 0, 1]]])
    found = unregistered(SIZE_WH, np.array([UNKNOWN]), np.array([0.5]), matrix, np.array([False]))
    assert amodal_masks(found, [])[0].pixels.sum() == pytest.approx(200, rel=0.12)

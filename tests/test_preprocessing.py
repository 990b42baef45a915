"""Masks of drawings: coverage exact to the pixel, against polygons' areas, moments, and OpenCV's filling."""

import cv2
import ezdxf
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from kontur.data_preprocessing.dxf_to_mask import coverage, part_mask, write_masks
from kontur.drawing import read_drawing
from kontur.errors import DrawingError
from kontur.geometry import Contour, circle_contour, make_part


def blob(seed, corners=9):
    rng = np.random.default_rng(seed)
    angle = (np.arange(corners) + rng.uniform(0, 0.9, corners)) * 2 * np.pi / corners
    radius = rng.uniform(8, 25, corners)
    return np.column_stack([40 + radius * np.cos(angle), 30 + radius * np.sin(angle)])


def moments(mask):
    v, u = np.mgrid[: mask.shape[0], : mask.shape[1]]
    total = mask.sum()
    mean = np.array([(u * mask).sum(), (v * mask).sum()]) / total
    spread = np.array([((u - mean[0]) ** 2 * mask).sum(), ((v - mean[1]) ** 2 * mask).sum()]) / total
    return total, mean, spread


@given(st.integers(0, 10_000))
def test_coverage_sums_to_the_area_and_keeps_the_centroid(seed):
    ring = blob(seed)
    polygon = shapely.Polygon(ring)
    share = coverage([ring], (80, 60))
    total, mean, _ = moments(share)
    assert total == pytest.approx(polygon.area, rel=1e-9)
    assert mean == pytest.approx([polygon.centroid.x, polygon.centroid.y], abs=0.02)
    assert share.min() >= 0 and share.max() <= 1


@given(st.integers(0, 10_000))
def test_each_pixel_has_the_area_that_shapely_cuts_out_of_it(seed):
    ring = blob(seed, 5)
    share = coverage([ring], (80, 60))
    v, u = np.unravel_index(np.argsort(-share * (1 - share), axis=None)[:20], share.shape)
    pixels = shapely.box(u - 0.5, v - 0.5, u + 0.5, v + 0.5)
    expected = shapely.area(shapely.intersection(pixels, shapely.Polygon(ring)))
    assert share[v, u] == pytest.approx(expected, abs=1e-9)


def test_what_lies_outside_the_picture_is_cut_off():
    ring = np.array([(-20, -20), (30, -20), (30, 25), (-20, 25)], float)
    share = coverage([ring], (50, 40))
    assert share.sum() == pytest.approx(30.5 * 25.5)
    assert share[:25, :30].min() == pytest.approx(1) and share[26:].max() == 0


def test_whole_pixels_are_those_that_opencv_fills():
    ring = blob(7)
    filled = cv2.fillPoly(np.zeros((60, 80), np.uint8), [np.round(ring * 256).astype(np.int32)], 1, cv2.LINE_8, 8)
    share = coverage([ring], (80, 60))
    assert filled[share == 1].all() and not filled[cv2.dilate((share > 0).astype(np.uint8), np.ones((3, 3))) == 0].any()


@pytest.mark.parametrize("px_per_mm", [0.8, 1.5, 4.0])
def test_a_parts_mask_has_its_area_datum_and_moments(px_per_mm):
    outline = Contour(np.array([(0, 0), (70, 0), (70, 20), (25, 20), (25, 55), (0, 55)], float))
    part = make_part("l", outline, (circle_contour(12, 12, 5), circle_contour(50, 10, 4.1)))
    mask, datum = part_mask(part, px_per_mm)
    total, mean, spread = moments(mask / 255)
    dense = 0.05
    grid = np.mgrid[-60:60:dense, -60:60:dense].reshape(2, -1).T
    inside = grid[shapely.contains_xy(part.polygon, grid)]
    assert total / px_per_mm**2 == pytest.approx(part.area_mm2, rel=1e-3)
    assert mean == pytest.approx(datum, abs=0.02)
    assert (spread - 1 / 12) / px_per_mm**2 == pytest.approx(inside.var(axis=0), rel=3e-3)


def test_up_in_the_drawing_is_up_in_the_mask():
    part = make_part("t", Contour(np.array([(0, 0), (30, 0), (15, 40)], float)))
    mask, _ = part_mask(part, 2)
    rows = (mask > 127).sum(axis=1)
    assert rows[4] < rows[-5] and mask.shape == (84, 64)


def test_a_mask_that_would_fill_the_memory_is_refused():
    with pytest.raises(DrawingError, match="no mask of"):
        part_mask(make_part("big", Contour(np.array([(0, 0), (3000, 0), (0, 2000)], float))), 1000)


PLATE = np.array([(0, 0), (70, 0), (70, 20), (25, 20), (25, 55), (0, 55)], float)


def material(part, px_per_mm, datum):
    """The part in the mask's pixels, y up turned to v down."""
    rings = [contour.points * (px_per_mm, -px_per_mm) + datum for contour in part.contours]
    return shapely.Polygon(rings[0], rings[1:])


@settings(max_examples=25)
@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 6.28))
def test_a_shift_by_less_than_a_pixel_moves_the_centroid_by_it(du, dv, turn):
    c, s = np.cos(turn), np.sin(turn)
    ring = (PLATE - (20, 20)) @ np.array([[c, s], [-s, c]]) * 0.4 + (40, 30)
    area, mean, _ = moments(coverage([ring], (80, 60)))
    moved_area, moved, _ = moments(coverage([ring + (du, dv)], (80, 60)))
    assert moved_area == pytest.approx(area, rel=1e-9)
    assert moved - mean == pytest.approx([du, dv], abs=0.02)


@given(st.integers(0, 10_000), st.integers(0, 8))
def test_neither_the_sense_nor_the_first_corner_matters(seed, first):
    ring = blob(seed)
    share = coverage([ring], (80, 60))
    assert coverage([np.roll(ring, first, axis=0)[::-1]], (80, 60)) == pytest.approx(share, abs=1e-9)


@given(st.integers(0, 10_000))
def test_a_hole_takes_away_what_it_covers(seed):
    outer = blob(seed)
    hole = (outer - (40, 30)) * 0.4 + (40, 30)
    expected = coverage([outer], (80, 60)) - coverage([hole], (80, 60))
    assert coverage([outer, hole[::-1]], (80, 60)) == pytest.approx(expected, abs=1e-9)


@given(st.integers(0, 10_000), st.integers(5, 70), st.integers(5, 50))
def test_a_smaller_picture_is_a_cut_of_the_larger(seed, width, height):
    ring = blob(seed)
    share = coverage([ring], (80, 60))
    assert coverage([ring], (width, height)) == pytest.approx(share[:height, :width], abs=1e-9)


def test_no_rings_cover_nothing_and_the_shape_is_height_by_width():
    assert coverage([], (7, 4)).shape == (4, 7) and not coverage([], (7, 4)).any()


@pytest.mark.parametrize("px_per_mm", [0.31, 0.8, 1.0, 2.7, 6.0])
def test_a_parts_mask_is_shapelys_polygon_at_every_scale(px_per_mm):
    part = make_part("l", Contour(PLATE + (13.3, -7.1)), (circle_contour(25, 5, 5), circle_contour(63, 3, 4.1)))
    mask, datum = part_mask(part, px_per_mm)
    shape = material(part, px_per_mm, datum)
    left, top, right, bottom = shape.bounds
    assert min(left, top) > -0.5 and right < mask.shape[1] - 0.5 and bottom < mask.shape[0] - 0.5
    assert (mask / 255).sum() == pytest.approx(shape.area, rel=1e-3)
    v, u = (np.ravel(grid) for grid in np.mgrid[: mask.shape[0], : mask.shape[1]])
    whole = shapely.contains_properly(shape, shapely.box(u - 0.5, v - 0.5, u + 0.5, v + 0.5))
    free = ~shapely.intersects(shape, shapely.box(u - 0.5, v - 0.5, u + 0.5, v + 0.5))
    assert (mask.ravel()[whole] == 255).all() and (mask.ravel()[free] == 0).all()


@pytest.mark.parametrize("scale", [0.0, -1.0])
def test_a_scale_must_be_positive(scale):
    with pytest.raises(DrawingError, match="no mask of"):
        part_mask(make_part("t", Contour(PLATE)), scale)


def test_a_drawing_is_written_as_masks_with_holes_the_right_way_up(tmp_path):
    document = ezdxf.new(units=4)
    document.modelspace().add_lwpolyline(PLATE.tolist(), close=True)
    document.modelspace().add_circle((10, 42), 6)
    document.saveas(tmp_path / "l.dxf")
    (path,) = write_masks(read_drawing(tmp_path / "l.dxf").parts, tmp_path / "masks", 2.0)
    mask = cv2.imread(str(path))
    assert path.name == "l.png" and (mask == mask[..., :1]).all()
    expected = shapely.Polygon(PLATE).area - 36 * np.pi
    assert (mask[..., 0] / 255).sum() / 4 == pytest.approx(expected, rel=1e-3)
    hole_v, hole_u = 2 + (55 - 42) * 2, 2 + 10 * 2
    assert mask[hole_v, hole_u, 0] == 0 and mask[hole_v + 16, hole_u, 0] == 255

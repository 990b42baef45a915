"""Contours as points: shapely says where they must lie, how long they are and which side is outside."""

import numpy as np
import pytest
import shapely
from contour_batches import stack_models
from hypothesis import given, settings
from hypothesis import strategies as st
from modeling_shapes import bar, bracket, disc, plate, rectangle

from kontur.geometry import Contour, PixelPose, circle_contour, make_part
from kontur.modeling.contour_model import CORNER_WEIGHT, contour_model, model_batch, spacing_for
from kontur.modeling.detections import from_poses
from kontur.modeling.refine import RegistrationOptions

PARTS = (bracket(), plate(3), disc(), bar(87.3, 7.9))


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)
@pytest.mark.parametrize("spacing", [0.4, 1.7, 5.3])
def test_points_lie_on_the_contour_and_normals_lead_out_of_the_material(part, spacing):
    model = contour_model(part, spacing)
    boundary = part.polygon.boundary
    assert shapely.distance(boundary, shapely.points(model.points_mm)).max() < 0.011  # a circle's chords: the sagitta
    np.testing.assert_allclose(np.hypot(*model.normals.T), 1)
    step = 0.05
    assert not shapely.contains_xy(part.polygon, *(model.points_mm + step * model.normals).T).any()
    assert shapely.contains_xy(part.polygon, *(model.points_mm - step * model.normals).T).all()


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)
@pytest.mark.parametrize("spacing", [0.4, 1.7, 5.3])
def test_the_lengths_add_up_to_the_perimeter(part, spacing):
    model = contour_model(part, spacing)
    assert model.length_mm.sum() == pytest.approx(part.polygon.length, rel=1e-3)
    assert model.length_mm.max() <= spacing + 1e-9


def test_every_ring_has_at_least_eight_points():
    part = make_part("pin hole", rectangle(60, 40), (circle_contour(5, 5, 0.6),))
    model = contour_model(part, 5.0)
    on_hole = np.hypot(*(model.points_mm - part.holes[0].centroid_mm).T) < 1
    assert on_hole.sum() in (8, 9)  # the drawn polygon is a little longer than its circle


def test_circles_are_exact_although_their_rings_are_polygons():
    rough = circle_contour(0, 0, 20, sagitta_mm=1.0)
    assert len(rough) < 20
    model = contour_model(make_part("rough disc", rough), 0.5)
    np.testing.assert_allclose(np.hypot(*model.points_mm.T), 20, atol=1e-9)
    np.testing.assert_allclose(model.normals, model.points_mm / 20, atol=1e-9)
    assert model.length_mm.sum() == pytest.approx(2 * np.pi * 20)
    assert (model.weight == 1).all()


def test_points_next_to_corners_count_less():
    part = make_part("sheet", rectangle(50, 30))
    model = contour_model(part, 1.0)
    from_corner = np.abs(np.abs(model.points_mm) - (25, 15)).sum(axis=1)
    light = model.weight == CORNER_WEIGHT
    assert set(model.weight.tolist()) == {1.0, CORNER_WEIGHT}
    assert 4 <= light.sum() <= 16
    assert from_corner[light].max() < 2.1
    assert from_corner[~light].min() > 0.4


def test_models_are_shared_by_geometry_not_by_name():
    assert contour_model(plate(3, "a"), 1.5) is contour_model(plate(3, "b"), 1.5)
    assert contour_model(plate(3), 1.5) is not contour_model(plate(4), 1.5)
    with pytest.raises(ValueError, match="read-only"):
        contour_model(plate(3), 1.5).points_mm[0] = 0


def test_a_gear_keeps_its_teeth():
    """No spacing may step over a ring's corners: the sampled polygon's area stays near the drawn one."""
    angle = np.arange(48) * 2 * np.pi / 48
    radius = np.where(np.arange(48) // 2 % 2 == 0, 20.0, 17.0)
    gear = make_part("gear", Contour(radius[:, None] * np.column_stack([np.cos(angle), np.sin(angle)])))
    model = contour_model(gear, 0.5)
    assert shapely.Polygon(model.points_mm).area == pytest.approx(gear.polygon.area, rel=2e-3)


@settings(max_examples=50, deadline=None)
@given(st.floats(0.1, 20), st.floats(0.5, 5), st.integers(20, 400))
def test_the_spacing_is_wide_enough_and_wider_by_less_than_a_fifth(scale, spacing_px, most):
    part = PARTS[0]
    found = spacing_for(part, scale, spacing_px, most)
    least = max(spacing_px / scale, part.polygon.length / most)
    assert least * (1 - 1e-9) <= found < least * 2**0.25 * (1 + 1e-9)
    assert 4 * np.log2(found) == pytest.approx(round(4 * np.log2(found)), abs=1e-6), "a power of 2 ** (1 / 4)"


def test_stacked_models_keep_their_points_and_padding_weighs_nothing():
    models = [contour_model(part, 2.0) for part in PARTS]
    batch = stack_models(models)
    most = max(len(model.weight) for model in models)
    assert batch.points_mm.shape == batch.normals.shape == (len(PARTS), most, 2)
    for row, model in enumerate(models):
        count = len(model.weight)
        for name in ("points_mm", "normals", "weight", "length_mm"):
            np.testing.assert_array_equal(getattr(batch, name)[row, :count], getattr(model, name))
        assert (batch.weight[row, count:] == 0).all()
        assert (batch.length_mm[row, count:] == 0).all()
        np.testing.assert_allclose(np.hypot(*batch.normals[row].T), 1)


def test_thinned_models_keep_the_length_of_the_contour():
    """Up to the one point too many of an odd ring."""
    batch = stack_models([contour_model(plate(4), 1.0), contour_model(disc(), 1.0)])
    thinned = batch.thinned()
    one_point = batch.length_mm.max(axis=1)
    assert (np.abs(thinned.length_mm.sum(axis=1) - batch.length_mm.sum(axis=1)) <= 6 * one_point).all()
    np.testing.assert_array_equal(thinned.points_mm, batch.points_mm[:, ::2])
    assert batch[np.array([1])].points_mm.shape == (1, len(contour_model(disc(), 1.0).weight), 2)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.floats(0.2, 8.0)), max_size=6), st.integers(40, 400))
def test_detections_have_the_models_of_their_parts_spaced_for_their_scale(rows, most_points):
    """By the models one by one; a second batch is taken from the table that the first one has begun."""
    poses = [PixelPose(50.0, 40.0, 0.3, scale) for _, scale in rows]
    found = from_poses((100, 80), [part for part, _ in rows], [0.5] * len(rows), poses)
    options = RegistrationOptions(spacing_px=1.5, most_points=most_points)
    for batch in (
        model_batch(found, PARTS, options),
        model_batch(found[::-1], PARTS, options)[np.arange(len(rows))[::-1]],
    ):
        for row, (part, scale) in enumerate(rows):
            model = contour_model(PARTS[part], spacing_for(PARTS[part], scale, 1.5, most_points))
            count = len(model.weight)
            for name in ("points_mm", "normals", "weight", "length_mm"):
                np.testing.assert_array_equal(getattr(batch, name)[row, :count], getattr(model, name))
            assert (batch.weight[row, count:] == 0).all()


def test_a_part_too_small_to_be_seen_has_its_fewest_points():
    found = from_poses((100, 80), [0], [0.5], [PixelPose(50.0, 40.0, 0.3, 1e-30)])
    model = model_batch(found, PARTS, RegistrationOptions())
    np.testing.assert_array_equal(model.points_mm[0], contour_model(PARTS[0], PARTS[0].perimeter_mm).points_mm)

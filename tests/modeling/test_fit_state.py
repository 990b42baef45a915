"""Placing contours, moving fits, and what supports them."""

from dataclasses import replace

import numpy as np
import pytest
from contour_batches import stack_models
from modeling_shapes import bracket, coverage_picture, disc, plate
from motion_oracle import motion_rows

from kontur.geometry import PixelPose
from kontur.modeling.alignment import apply_homography, project_normals
from kontur.modeling.contenders import contenders
from kontur.modeling.contour_model import ContourBatch, contour_model
from kontur.modeling.detections import from_poses
from kontur.modeling.edge_reader import FEATURES, seeing
from kontur.modeling.edges import crossing, edge_picture
from kontur.modeling.fit_state import Fit, place
from kontur.modeling.motion_fit import mean_square_arm, move_contours
from kontur.modeling.peak_fit import improve, limits_of
from kontur.modeling.placing import log_scale_at_datum
from kontur.modeling.plane import Plane, level_plane
from kontur.modeling.profiles import edges_along, read_along
from kontur.modeling.reading_fit import improve_by_reading, viewpoint
from kontur.modeling.refine import ROUNDS
from kontur.modeling.support import described, support_of

SIZE_WH = (250, 200)
POSE = PixelPose(121.0, 99.0, 0.6, 1.5)
LEVEL, TILTED = level_plane(SIZE_WH), Plane((0.1, -0.05), 300.0, (124.5, 99.5), None)


def state(poses, parts, plane=None):
    """Return the detections, the fit that they start from, and their contour points."""
    detections = from_poses(SIZE_WH, list(range(len(parts))), [0.5] * len(parts), poses)
    model = stack_models([contour_model(part, 1.0) for part in parts])
    fit = Fit(detections.matrix.copy(), np.zeros(len(parts)), plane or level_plane(SIZE_WH))
    return detections, fit, model


def blank():
    return edge_picture(np.full((*SIZE_WH[::-1], 3), 80, np.uint8), 0.7)


def test_placed_contours_have_their_length_and_face_outwards():
    _, fit, model = state([POSE], [disc(20.0)])
    placed = place(blank(), model, fit)
    assert placed.length_px.sum() == pytest.approx(2 * np.pi * 20 * POSE.scale_px_per_mm, rel=1e-6)
    out = placed.points_px[0] - (POSE.u, POSE.v)
    np.testing.assert_allclose(placed.normals_px[0], out / np.linalg.norm(out, axis=1, keepdims=True), atol=1e-9)
    assert mean_square_arm(placed.weight[0], placed.rows[0]) == pytest.approx(
        (20 * POSE.scale_px_per_mm) ** 2, rel=0.01
    )


def test_padding_and_what_lies_outside_the_picture_count_nothing():
    _, fit, model = state([POSE, PixelPose(-500.0, 0.0, 0.0, 1.5)], [plate(4), disc(5.0)])
    placed = place(blank(), model, fit)
    assert placed.weight[1].sum() == 0
    assert placed.length_px[0].sum() == pytest.approx(plate(4).perimeter_mm * POSE.scale_px_per_mm, rel=0.02)


def test_the_border_of_the_picture_is_outside():
    """A point counts from 1 px inside on; the model's points lie where the matrix, the identity, has them."""
    points = np.array([[0.5, 50.0], [1.0, 50.0], [248.0, 50.0], [248.5, 50.0], [50.0, 198.5]])
    rows = np.column_stack([points, np.tile([1.0, 0.0, 1.0, 1.0], (5, 1))])
    model = ContourBatch((rows, np.array([0, 5])), np.zeros(1, np.int64))
    placed = place(blank(), model, Fit(np.eye(3)[None], np.zeros(1), LEVEL))
    assert placed.length_px.tolist() == [[0.0, 1.0, 1.0, 0.0, 0.0]]


@pytest.mark.parametrize("flipped", [False, True])
def test_placing_agrees_with_the_algebra_of_alignment(flipped):
    """The compiled kernel against `alignment`'s arrays, under a tilted camera."""
    pose = PixelPose(POSE.u, POSE.v, POSE.angle_rad, POSE.scale_px_per_mm, flipped)
    _, fit, model = state([pose, POSE], [bracket(), plate(4)], TILTED)
    matrix = TILTED.homography @ fit.matrix
    placed = place(blank(), model, Fit(matrix, fit.offset_px, TILTED))
    points, derivative = apply_homography(matrix, model.points_mm)
    normals = project_normals(derivative, model.normals)
    back = np.linalg.inv(TILTED.homography)
    rectified, _ = apply_homography(back, points)
    centre, _ = apply_homography(back, matrix[:, None, :2, 2] / matrix[:, None, 2:, 2])
    _, lens = apply_homography(TILTED.homography, rectified)
    np.testing.assert_allclose(placed.points_px, points, atol=1e-9)
    np.testing.assert_allclose(placed.normals_px, normals, atol=1e-9)
    np.testing.assert_allclose(placed.centre, centre[:, 0], atol=1e-9)
    np.testing.assert_allclose(placed.rows, motion_rows(rectified, centre[:, 0], lens, normals), atol=1e-9)
    stretch = np.sqrt(np.abs(np.linalg.det(derivative)))
    seen = placed.length_px > 0
    np.testing.assert_allclose(placed.length_px[seen], (model.length_mm * stretch)[seen], rtol=1e-9)


@pytest.mark.parametrize("plane", [None, TILTED])
def test_a_small_motion_moves_points_by_their_rows(plane):
    _, fit, model = state([POSE], [bracket()], plane)
    placed = place(blank(), model, fit)
    motion = np.array([[0.02, -0.01, 3e-4, -2e-4]])
    matrix, reach = np.empty_like(fit.matrix), (placed.weight, placed.rows, placed.centre)
    move_contours(fit.matrix, fit.plane.both_ways, reach, 99.0, np.column_stack([motion, fit.offset_px]), matrix)
    after = place(blank(), model, Fit(matrix, fit.offset_px, fit.plane))
    along = ((after.points_px - placed.points_px) * placed.normals_px).sum(axis=2)
    np.testing.assert_allclose(along, np.einsum("nmp,np->nm", placed.rows, motion), atol=2e-4)


@pytest.mark.parametrize("plane", [LEVEL, TILTED])
def test_the_scale_at_the_datum_is_that_of_the_area_there(plane):
    _, fit, _ = state([POSE], [disc()], plane)
    assert log_scale_at_datum(LEVEL.both_ways[1], fit.matrix[0]) == pytest.approx(np.log(1.5))
    step = 1e-3
    corners = np.array([[[-step, -step], [step, -step], [step, step], [-step, step]]])
    seen, _ = apply_homography(plane.both_ways[1] @ fit.matrix, corners)
    across, down = seen[0, 2] - seen[0, 0], seen[0, 3] - seen[0, 1]
    area = abs(across[0] * down[1] - across[1] * down[0]) / 2
    assert log_scale_at_datum(plane.both_ways[1], fit.matrix[0]) == pytest.approx(0.5 * np.log(area / (2 * step) ** 2))


def test_without_edges_a_part_takes_the_scale_of_the_plane_where_that_is_known():
    for known, expected in ((float(np.log(1.53)), 1.53), (None, 1.5)):
        detections, fit, model = state([POSE], [disc()], Plane((0.0, 0.0), 300.0, (124.5, 99.5), known))
        fit = improve(blank(), model, fit, ROUNDS[0])
        assert replace(detections, matrix=fit.matrix).similarity[1][0] == pytest.approx(expected, rel=1e-3)


def test_the_coarse_round_moves_towards_the_edges():
    part = bracket()
    source = edge_picture(coverage_picture(part, POSE, SIZE_WH), 0.7, 2)
    _, fit, model = state([PixelPose(POSE.u + 3, POSE.v - 2, POSE.angle_rad + 0.02, 1.53)], [part])
    for step in ROUNDS[:2]:
        fit = improve(source, model, fit, step)
    assert np.hypot(*(fit.matrix[0, :2, 2] - (POSE.u, POSE.v))) < 0.7


def test_readings_move_a_contour_onto_its_edges():
    part = bracket()
    source = edge_picture(coverage_picture(part, POSE, SIZE_WH), 0.7)
    _, fit, model = state([PixelPose(POSE.u + 0.8, POSE.v - 0.6, POSE.angle_rad + 0.008, 1.51)], [part])
    for _ in range(3):
        fit, support = improve_by_reading(source, model, fit, 1.25)
    assert np.hypot(*(fit.matrix[0, :2, 2] - (POSE.u, POSE.v))) < 0.05
    assert support.score[0] == pytest.approx(support_of(source, model, fit, 1.25).score[0], abs=0.02), "as foreseen"


def test_support_is_the_share_of_the_contour_with_an_edge():
    part = plate(4)
    picture = coverage_picture(part, PixelPose(121.0, 99.0, 0.0, 1.5), SIZE_WH)
    picture[:, :121] = 120  # hides the left half; its own edge lies inside the part
    detections, fit, model = state([PixelPose(121.0, 99.0, 0.0, 1.5)], [part])
    support = support_of(edge_picture(picture, 0.7), model, fit, 1.25)
    told = described(detections, fit, support)
    assert told.support[0] == pytest.approx(0.5, abs=0.06)
    assert told.residual_px[0] < 0.3
    assert 0.4 < support.score[0] <= told.support[0]


def test_support_follows_the_offset_of_the_fit():
    """A part cut 1 mm too large has its edges 1.5 px outside; a fit that knows it is supported all the same."""
    large = disc(16.0)
    source = edge_picture(coverage_picture(large, POSE, SIZE_WH), 0.7)
    _, fit, model = state([POSE], [disc(15.0)])
    assert support_of(source, model, fit, 1.0).score[0] < 0.05
    knowing = Fit(fit.matrix, np.array([1.5]), fit.plane)
    assert support_of(source, model, knowing, 1.0).score[0] > 0.95


def test_edges_found_while_reading_are_those_found_alone():
    part = plate(4)
    source = edge_picture(coverage_picture(part, POSE, SIZE_WH), 0.7)
    _, fit, model = state([PixelPose(POSE.u + 0.8, POSE.v, POSE.angle_rad, 1.5)], [part])
    placed, limits = place(source, model, fit), limits_of(source, 3.25)
    contours, shape = (placed.points_px, placed.normals_px, placed.weight), (*placed.weight.shape, 3)
    (offset, strength), (alone_offset, alone) = (np.empty((2, *shape)) for _ in range(2))
    line, _, seen = seeing(source, viewpoint(fit.plane), limits)
    features, clear = np.empty((placed.weight.size, FEATURES), np.float32), np.empty(placed.weight.size, np.float32)
    scaling = np.zeros(FEATURES, np.float32), np.ones(FEATURES, np.float32), np.float32(9)
    read_along(source.pixels, contours, line, limits, seen, scaling, features, clear, offset, strength)
    edges_along(source.pixels, contours, crossing(source, 3.25, 0.5), limits, alone_offset, alone)
    np.testing.assert_allclose(strength, alone, atol=1e-3)
    np.testing.assert_allclose(offset, alone_offset, atol=1e-4)


def test_what_is_far_behind_in_its_place_is_no_contender_but_what_lies_on_another_part_is():
    """A plate and a disc upon it are seen; the plate turned by 50 degrees in the same place is not."""
    large, small = plate(4), disc(4.0)
    picture = coverage_picture(large, POSE, SIZE_WH)
    picture = np.where(coverage_picture(small, POSE, SIZE_WH, (0, 1)) > 0, 20, picture).astype(np.uint8)
    turned = PixelPose(POSE.u, POSE.v, POSE.angle_rad + 0.9, POSE.scale_px_per_mm)
    _, fit, model = state([POSE, POSE, turned], [large, small, large])
    support = support_of(edge_picture(picture, 0.7), model, fit, 1.25)
    assert support.score[2] < support.score[0] - 0.3
    assert contenders(support, 0.25).tolist() == [0, 1]


@pytest.mark.parametrize("step", [ROUNDS[0], ROUNDS[2], ROUNDS[3]])
def test_a_short_contour_among_long_ones_is_moved_as_alone(step):
    """What pads it counts nothing."""
    parts, poses = [disc(8.0), plate(4)], [PixelPose(60.5, 60.2, 0.0, 1.5), PixelPose(160.0, 110.0, 0.3, 1.5)]
    layers = [coverage_picture(part, pose, SIZE_WH, (0, 120)) for part, pose in zip(parts, poses, strict=True)]
    source = edge_picture(np.max(layers, axis=0), 0.7, step.reduction)
    _, fit, model = state([PixelPose(61.5, 59.2, 0.0, 1.5), poses[1]], parts)
    assert (model.length_mm[0] == 0).any()
    _, one_fit, one_model = state([PixelPose(61.5, 59.2, 0.0, 1.5)], parts[:1])
    both, alone = improve(source, model, fit, step), improve(source, one_model, one_fit, step)
    np.testing.assert_array_equal(both.matrix[0], alone.matrix[0])
    np.testing.assert_array_equal(both.offset_px[0], alone.offset_px[0])
    for name, theirs in support_of(source, one_model, one_fit, 1.25)._asdict().items():
        np.testing.assert_array_equal(getattr(support_of(source, model, fit, 1.25), name)[0], theirs[0])


def test_a_short_contour_among_long_ones_is_read_as_alone():
    parts, poses = [disc(8.0), plate(4)], [PixelPose(60.5, 60.2, 0.0, 1.5), PixelPose(160.0, 110.0, 0.3, 1.5)]
    layers = [coverage_picture(part, pose, SIZE_WH, (0, 120)) for part, pose in zip(parts, poses, strict=True)]
    source = edge_picture(np.max(layers, axis=0), 0.7)
    _, fit, model = state([PixelPose(61.1, 59.8, 0.0, 1.5), poses[1]], parts)
    _, one_fit, one_model = state([PixelPose(61.1, 59.8, 0.0, 1.5)], parts[:1])
    (both, support), (alone, one) = (
        improve_by_reading(source, *item, 1.25) for item in ((model, fit), (one_model, one_fit))
    )
    np.testing.assert_allclose(both.matrix[0], alone.matrix[0], atol=1e-5)
    assert support.share[0] == pytest.approx(one.share[0])

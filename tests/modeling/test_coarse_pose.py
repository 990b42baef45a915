"""Angle and scale from edges alone: painted scenes whose poses are known."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from modeling_scenes import bracket, paint, triangle, washer

from kontur.geometry import Contour, PixelPose, angle_difference, make_part, turn_matrix
from kontur.modeling.coarse_pose import AGAIN, align, direction_field, plane_told_by_edges, settle
from kontur.modeling.contour_model import contour_model
from kontur.modeling.detections import from_poses
from kontur.modeling.field_scores import ANGLE_STEP_RAD, lay_contour, likely_angles, score_scales, score_turns
from kontur.modeling.plane import Plane, level_plane

SIZE_WH = (320, 224)
PARTS = (bracket(), washer(), triangle())
RANGE = (1.2, 1.8)
CAPTURED_PX = 5.0
"""The registration finds the contour when it starts this near, see refine.COARSE_ROUNDS."""
PLACES = [(80.0, 70.0), (220.0, 80.0), (150.0, 160.0)]


def hypotheses(placed, shift=(0.0, 0.0)):
    """What a network would say: part, side and place, neither angle nor scale."""
    rows = [(part, PixelPose(p.u + shift[0], p.v + shift[1], 0.0, 1.5, p.flipped)) for part, p in placed]
    parts, poses = zip(*rows, strict=True)
    return from_poses(SIZE_WH, parts, [0.9] * len(rows), poses), np.arange(len(rows))


def level(scale):
    """A plane seen from straight above."""
    return replace(level_plane(SIZE_WH), log_scale=float(np.log(scale)))


def laid(field, start, places, parts=PARTS):
    """Hypotheses aligned on the plane that they themselves tell."""
    return align(field, start, parts, plane_told_by_edges(field, start, places, parts, RANGE))


def best_error(found, part: int, truth: PixelPose) -> tuple[float, float, float]:
    """Angle error in steps, scale ratio and distance in px of the nearest offered pose of this part and side."""
    offered = [found.pose(k) for k in range(len(found)) if found.part[k] == part and found.flipped[k] == truth.flipped]
    near = [pose for pose in offered if np.hypot(pose.u - truth.u, pose.v - truth.v) < 20]
    errors = [abs(angle_difference(pose.angle_rad, truth.angle_rad, PARTS[part].symmetry)) for pose in near]
    best = near[int(np.argmin(errors))]
    distance = float(np.hypot(best.u - truth.u, best.v - truth.v))
    return min(errors) / ANGLE_STEP_RAD, best.scale_px_per_mm / truth.scale_px_per_mm, distance


@settings(max_examples=10, deadline=None)
@given(
    angle=st.floats(0, 6.28),
    scale=st.floats(*RANGE),
    flipped=st.booleans(),
    shift=st.tuples(st.floats(-5, 5), st.floats(-5, 5)),
)
def test_the_right_angle_and_scale_are_among_those_offered(angle, scale, flipped, shift):
    placed = [(part, PixelPose(*place, angle + part, scale, flipped)) for part, place in enumerate(PLACES)]
    found = laid(direction_field(paint(PARTS, placed, SIZE_WH).image), *hypotheses(placed, shift))
    for part, truth in placed:
        steps, ratio, distance = best_error(found, part, truth)
        assert steps <= 1.6
        assert abs(ratio - 1) * PARTS[part].radius_mm * truth.scale_px_per_mm < CAPTURED_PX
        assert distance < 6


def test_the_sign_of_the_edges_does_not_matter():
    placed = [(part, PixelPose(*place, 0.8, 1.5)) for part, place in enumerate(PLACES)]
    picture = paint(PARTS, placed, SIZE_WH).image
    bright = laid(direction_field(picture), *hypotheses(placed))
    dark = laid(direction_field(255 - picture), *hypotheses(placed))
    np.testing.assert_allclose(bright.matrix, dark.matrix)


def test_a_part_cut_by_the_border_is_turned_rightly():
    placed = [(0, PixelPose(8.0, 100.0, 2.1, 1.5))]
    found = laid(direction_field(paint(PARTS, placed, SIZE_WH).image), *hypotheses(placed))
    assert best_error(found, *placed[0])[0] <= 1.6


def test_the_scale_is_found_where_parts_of_another_size_are_named_first():
    """By a hair, in every place: each alone would tell a wrong scale, but the true parts agree."""
    sizes = (1.12, 0.88, 1.18)
    others = tuple(
        make_part(f"{part.name} sized", *(rings[0], rings[1:]))
        for part, size in zip(PARTS, sizes, strict=True)
        for rings in [[Contour(size * contour.points) for contour in part.contours]]
    )
    scale = 1.5
    placed = [(part, PixelPose(*place, 0.3 + part, scale)) for part, place in enumerate(PLACES)]
    field = direction_field(paint(PARTS, placed, SIZE_WH).image)
    rows = [(part + 3 * other, 0.46 if other else 0.45, pose) for part, pose in placed for other in (False, True)]
    kinds, scores, poses = zip(*rows, strict=True)
    found = laid(field, from_poses(SIZE_WH, kinds, scores, poses), np.repeat(np.arange(3), 2), PARTS + others)
    assert found.similarity[1][found.part < 3] == pytest.approx(scale, rel=0.03)


def test_nothing_proposed_gives_nothing():
    field, empty = direction_field(np.zeros((224, 320, 3), np.uint8)), from_poses(SIZE_WH, [], [], [])
    plane = plane_told_by_edges(field, empty, np.zeros(0, np.int64), PARTS, RANGE)
    assert plane.slope_uv == (0, 0)
    assert RANGE[0] < plane.scale_at(np.zeros((1, 2))) < RANGE[1]
    assert len(align(field, empty, PARTS, plane)) == 0


def test_the_field_is_double_the_edges_angle():
    """An edge across x reads (1, 0), one across y (-1, 0), a diagonal one (0, +-1): the angle doubled."""
    rows, columns = np.mgrid[0:160, 0:200]
    for inside, expected in (
        (columns > 100, (1, 0)), (rows > 80, (-1, 0)), (columns + rows > 180, (0, 1)), (columns - rows > 20, (0, -1)),
    ):  # fmt: skip
        picture = np.repeat(np.where(inside, 200, 50).astype(np.uint8)[..., None], 3, axis=2)
        middle = direction_field(picture)[40, 50]
        assert middle / np.linalg.norm(middle) == pytest.approx(expected, abs=0.05)


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("corner", [(30.3, 24.7), (2.0, 3.0)])
def test_the_compiled_scores_are_the_mean_agreement_of_a_contour_with_the_field(corner, mirrored):
    """Against the same in NumPy, with a datum well inside the field and one near its corner."""
    rng = np.random.default_rng(0)
    field = rng.normal(size=(50, 70, 2)).astype(np.float32)
    angle = rng.uniform(0, 6.28, 40)
    model = np.column_stack([rng.uniform(-9, 9, (40, 2)), np.cos(angle), np.sin(angle), rng.uniform(0.2, 1, 40)])
    angles, scales, side = np.array([0.0, 1.1, 4.0]), np.array([1.3, 0.9]), -1 if mirrored else 1
    at, shifts = np.array(corner), np.array([(0, 0), (2, 0), (0, -3)])
    best, which = np.empty((2, 3)), np.empty((2, 3), np.int64)
    contour = np.ascontiguousarray(model.T, np.float32)
    score_turns(field, contour, (scales, angles, mirrored), at, shifts, 0.25, best, which)
    for (row, t), score in np.ndenumerate(best):
        shift, scale = which[row, t], scales[row]
        turn = scale * turn_matrix(angles[t]) * [(side, 1), (-side, -1)]
        normal = model[:, 2:4] @ turn.T / scale
        expected = np.column_stack([normal[:, 0] ** 2 - normal[:, 1] ** 2, 2 * normal[:, 0] * normal[:, 1]])
        means = []
        for place in at + shifts:
            u, v = np.floor(model[:, :2] @ turn.T + place + 0.5).astype(int).T
            inside = (u >= 0) & (v >= 0) & (u < 70) & (v < 50)
            agreement = (field[v * inside, u * inside] * expected).sum(axis=1)
            weight = model[:, 4] * inside
            means.append((weight @ agreement) / weight.sum() if weight.sum() >= 0.25 * model[:, 4].sum() else -np.inf)
        assert score == pytest.approx(max(means), abs=1e-5)
        assert shift == int(np.argmax(means))


def test_a_contour_beyond_the_field_scores_nothing():
    contour, best, which = np.array([[0], [0], [1], [0], [1]], np.float32), np.empty((1, 1)), np.empty((1, 1), np.int64)
    field, nowhere = np.ones((5, 7, 2), np.float32), np.array([99.0, 2.0])
    score_turns(
        field, contour, (np.ones(1), np.zeros(1), False), nowhere, np.zeros((1, 2), np.int64), 0.25, best, which
    )
    assert best == -np.inf


def test_at_a_known_scale_the_hypotheses_stay_near_their_data():
    placed = [(part, PixelPose(*place, 0.8, 1.5)) for part, place in enumerate(PLACES)]
    start, _ = hypotheses(placed, (2.0, -1.0))
    found = align(direction_field(paint(PARTS, placed, SIZE_WH).image), start, PARTS, level(1.5), AGAIN)
    assert np.abs(np.log(found.similarity[1] / 1.5)).max() < 0.013
    apart = np.linalg.norm(found.uv[:, None] - start.uv[None], axis=2).min(axis=1)
    assert apart.max() < 7.1, "one step of 5 px each way, no farther"


def test_what_lies_wholly_outside_offers_nothing():
    outside = [(0, PixelPose(-400.0, -400.0, 0.0, 1.5))]
    start, _ = hypotheses(outside)
    picture = paint(PARTS, [], SIZE_WH).image
    assert len(align(direction_field(picture), start, PARTS, level(1.5), AGAIN)) == 0


@settings(max_examples=40, deadline=None)
@given(st.lists(st.one_of(st.integers(-5, 9), st.just(-np.inf)), min_size=1, max_size=12))
def test_likely_angles_are_the_highest_peaks_round_the_circle(values):
    scores = np.array(values, float)
    least = scores.max() - 0.4 * abs(scores.max())
    turned = zip(np.roll(scores, 1), scores, np.roll(scores, -1), strict=True)
    peaks = [k for k, (a, b, c) in enumerate(turned) if b >= max(a, c) and np.isfinite(b) and b >= least]
    expected = sorted(peaks, key=lambda k: -scores[k])[:3]
    assert likely_angles(scores, 0.6, 3).tolist() == expected


def test_a_contour_is_laid_where_a_search_through_everything_finds_it_best():
    """All angles, scales and shifts one by one, on a smooth field: the kernel's best is as good."""
    part, truth = bracket(), PixelPose(80.0, 70.0, 0.7, 1.5)
    field = direction_field(paint(PARTS, [(0, truth)], (160, 140)).image)
    points = np.column_stack([c.points for c in part.contours][:1])
    edges = np.roll(points, -1, axis=0) - points
    middles, length = points + edges / 2, np.linalg.norm(edges, axis=1)
    normals = np.column_stack([edges[:, 1], -edges[:, 0]]) / length[:, None]
    contour = np.ascontiguousarray(np.column_stack([middles, normals, length]).T, np.float32)
    scales, angles = np.array([0.72, 0.75, 0.78]), 0.7 + np.arange(36) * np.pi / 18
    at, near = np.array([38.0, 36.0]), np.array([(u, v) for u in (-2, 0, 2) for v in (-2, 0, 2)])
    out, limits = np.empty((2, 4)), (0.25, 0.6, 6, 0.8)
    stay = np.zeros((1, 2), np.int64)
    count = lay_contour(field, contour, contour, (scales, angles, False), at, (near, stay), limits, out)
    best, which = np.empty((3, 36)), np.empty((3, 36), np.int64)
    score_turns(field, contour, (scales, angles, False), at, near, 0.25, best, which)
    alone, shift = np.empty((1, 1)), np.empty((1, 1), np.int64)
    ways = out[0, 3:], out[0, 2:3], False
    score_turns(field, contour, ways, out[0, :2], stay, 0.25, alone, shift)
    assert 1 <= count <= 2
    assert alone.item() == pytest.approx(best.max())
    assert abs(angle_difference(out[0, 2], truth.angle_rad, 1)) < 0.1
    assert np.hypot(*(out[0, :2] * 2 + 0.5 - (truth.u, truth.v))) < 4


def test_what_is_laid_beside_its_edges_is_moved_to_them_and_neither_turned_nor_scaled():
    placed = [(part, PixelPose(*place, 0.8, 1.5)) for part, place in enumerate(PLACES)]
    start = from_poses(
        SIZE_WH, range(3), [0.9, 0.5, 0.1], [PixelPose(p.u + 9, p.v - 6, 0.8, 1.5, False) for _, p in placed]
    )
    settled = settle(direction_field(paint(PARTS, placed, SIZE_WH).image), start, PARTS)
    assert np.abs(settled.uv - PLACES).max() < 3
    np.testing.assert_allclose(settled.matrix[:, :2, :2], start.matrix[:, :2, :2], atol=1e-9)
    assert settled.part.tolist() == [0, 1, 2]
    assert settled.score.tolist() == [0.9, 0.5, 0.1]


def test_what_lies_beyond_the_picture_stays_where_it_is():
    start = from_poses(SIZE_WH, [0], [0.5], [PixelPose(-900.0, 50.0, 0.8, 1.5)])
    settled = settle(direction_field(np.zeros((*SIZE_WH[::-1], 3), np.uint8)), start, PARTS)
    np.testing.assert_allclose(settled.matrix, start.matrix, atol=1e-9)


def test_hypotheses_are_laid_together_as_each_by_itself():
    """At a known scale none depends on another; parts, sides and symmetries are mixed."""
    placed = [(part, PixelPose(*place, 0.8 + part, 1.5, part == 2)) for part, place in enumerate(PLACES)]
    field = direction_field(paint(PARTS, placed, SIZE_WH).image)
    start, _ = hypotheses([*placed, *placed[::-1]], (1.0, 2.0))
    together = align(field, start, PARTS, level(1.5), AGAIN)
    alone = [align(field, start[k : k + 1], PARTS, level(1.5), AGAIN) for k in range(len(start))]
    np.testing.assert_array_equal(together.matrix, np.concatenate([found.matrix for found in alone]))
    np.testing.assert_array_equal(together.part, np.concatenate([found.part for found in alone]))


def test_scales_at_which_a_contour_does_not_lie_inside_score_nothing():
    model = contour_model(bracket(), 2.0)
    table = model.rows, np.array([0, len(model.rows)])
    field = direction_field(paint(PARTS, [(0, PixelPose(80.0, 70.0, 0.0, 1.5))], (160, 140)).image)
    starts = np.array([[39.8, 34.8], [-400.0, 0.0]]), np.zeros(2), np.zeros(2, bool), np.ones(2, np.int64)
    scales, out = np.geomspace(0.6, 0.95, 16), np.empty((2, 16))
    score_scales(
        (0, 2),
        field,
        (table, np.zeros(2, np.int64)),
        starts,
        scales,
        3,
        np.zeros((1, 2), np.int64),
        (0.25, 0.6, 6),
        out,
    )
    assert scales[out[0].argmax()] == pytest.approx(0.75, rel=0.03)
    assert not out[1].any()


@pytest.mark.parametrize("slope", [(0.2, 0.0), (-0.1, 0.15), (0.0, 0.0)])
def test_a_tilt_is_told_by_parts_of_different_scales(slope):
    """Nine brackets, each painted at the scale that it has on a plane of that tilt."""
    size_wh = (640, 480)
    true = Plane(slope, level_plane(size_wh).focal_px, (319.5, 239.5), float(np.log(1.5)))
    places = np.array([(u, v) for u in (70.0, 320.0, 570.0) for v in (70.0, 240.0, 410.0)])
    poses = [
        PixelPose(*at, float(k), scale) for k, (at, scale) in enumerate(zip(places, true.scale_at(places), strict=True))
    ]
    picture = paint(PARTS, [(0, pose) for pose in poses], size_wh).image
    start = from_poses(
        size_wh, [0] * 9, [0.9] * 9, [replace(pose, angle_rad=0.0, scale_px_per_mm=1.5) for pose in poses]
    )
    told = plane_told_by_edges(direction_field(picture), start, np.arange(9), PARTS, (1.0, 2.2))
    assert told.scale_at(places) == pytest.approx(true.scale_at(places), rel=0.05)
    assert told.slope_uv == pytest.approx(slope, abs=0.081), "to a step of those tried"

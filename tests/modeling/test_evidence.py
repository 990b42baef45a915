"""Evidence along contours: for what is there, against what is not, the same however weak the light."""

import numpy as np
import pytest
import shapely
from contour_batches import stack_models
from evidence_oracle import between_cells, by_cell, chance_of, evidence_of_points
from modeling_shapes import bracket, coverage_picture, disc, plate
from scipy import stats
from scipy.ndimage import map_coordinates

from kontur.geometry import PixelPose
from kontur.modeling.contour_model import contour_model
from kontur.modeling.detections import from_poses
from kontur.modeling.edges import edge_picture
from kontur.modeling.evidence import (
    BETA_ALPHA,
    LEAST_EVIDENCE,
    MOST_EVIDENCE,
    background_of,
    edge_statistic,
    point_evidence,
)
from kontur.modeling.weighing import compare_places

SIZE_WH = (260, 190)
POSE = PixelPose(122.3, 96.6, 0.6, 1.6)
NOISE = 3.0


def noise_picture(seed=0, sigma=8.0):
    grey = np.random.default_rng(seed).normal(110, sigma, (SIZE_WH[1], SIZE_WH[0], 3))
    return np.clip(np.round(grey), 0, 255).astype(np.uint8)


def evidence_of(picture, part, *poses):
    """Evidence for a part at each of the poses."""
    model = stack_models([contour_model(part, 1.0)] * len(poses))
    matrix = from_poses(SIZE_WH, [0] * len(poses), [0.5] * len(poses), poses).matrix
    return point_evidence(edge_picture(picture, 0.7), model, matrix)


def mean_evidence(found):
    return (found.evidence * found.length_px).sum(axis=1) / found.length_px.sum(axis=1)


def painted(levels=(60, 190), noise=NOISE, part=None):
    return coverage_picture(part or bracket(), POSE, SIZE_WH, levels, noise, np.random.default_rng(1))


def test_what_is_there_has_evidence_and_what_is_not_has_evidence_against_it():
    beside = PixelPose(POSE.u + 7, POSE.v - 6, POSE.angle_rad + 0.3, POSE.scale_px_per_mm)
    there, not_there = mean_evidence(evidence_of(painted(), bracket(), POSE, beside))
    assert there > 0.8 * MOST_EVIDENCE
    assert not_there < 0


@pytest.mark.parametrize("levels", [(60, 75), (190, 60), (20, 250)])
def test_contrast_and_its_sign_hardly_matter(levels):
    """A weak edge on a smooth table counts as much as a strong one."""
    (weak,) = mean_evidence(evidence_of(painted(levels, noise=1.0), bracket(), POSE))
    (usual,) = mean_evidence(evidence_of(painted(noise=1.0), bracket(), POSE))
    assert weak == pytest.approx(usual, abs=0.25)


def test_a_missing_hole_is_missed_at_its_place_only():
    """The picture shows three holes, the part sought has a fourth."""
    found = evidence_of(painted(part=plate(3)), plate(4), POSE)
    hole = plate(4).holes[3]
    at_hole = np.hypot(*(found.points_px[0] - POSE.apply(np.array([hole.centroid_mm]))).T) < 5.5
    assert found.evidence[0, at_hole].mean() < 0
    assert found.evidence[0, ~at_hole].mean() > 0.8 * MOST_EVIDENCE


def test_on_noise_alone_chance_is_not_taken_for_a_part():
    poses = [PixelPose(70 + 24 * k, 80 + 6 * k, k, 1.0) for k in range(6)]
    assert mean_evidence(evidence_of(noise_picture(), bracket(), *poses)).max() < 0


@pytest.mark.parametrize("picture", [noise_picture(), painted(), np.full((*SIZE_WH[::-1], 3), 77, np.uint8)])
def test_evidence_stays_within_its_bounds(picture):
    found = evidence_of(picture, bracket(), POSE, PixelPose(10, 10, 0, 2.0), PixelPose(-500, 40, 0, 1.0))
    assert found.evidence.min() >= LEAST_EVIDENCE - 1e-9
    assert found.evidence.max() <= MOST_EVIDENCE + 1e-9
    assert pytest.approx(np.log(0.25)) == LEAST_EVIDENCE, "the density of Beta(1/4, 1) at 1"
    assert pytest.approx(stats.beta(BETA_ALPHA, 1).logpdf(1 / 500)) == MOST_EVIDENCE


def test_a_blank_table_speaks_against_every_contour():
    found = evidence_of(np.full((*SIZE_WH[::-1], 3), 120, np.uint8), bracket(), POSE)
    np.testing.assert_allclose(found.evidence, LEAST_EVIDENCE)


def test_lengths_are_those_of_the_projected_contour_and_end_at_the_border():
    """shapely measures the contour's length in the picture, whole and cut by the border."""
    part, cut = bracket(), PixelPose(4.0, 60.0, 1.0, 1.6)
    found = evidence_of(painted(), part, POSE, cut)
    picture = shapely.box(2.5, 2.5, SIZE_WH[0] - 3.5, SIZE_WH[1] - 3.5)
    for row, pose in enumerate((POSE, cut)):
        rings = shapely.MultiLineString([shapely.LinearRing(pose.apply(c.points)) for c in part.contours])
        assert found.amodal_px[row] == pytest.approx(rings.length, rel=1e-3)
        assert found.length_px[row].sum() == pytest.approx(rings.intersection(picture).length, abs=4)


def test_padded_points_weigh_nothing():
    model = stack_models([contour_model(bracket(), 1.0), contour_model(disc(), 1.0)])
    matrix = from_poses(SIZE_WH, [0, 1], [0.5, 0.5], [POSE, POSE]).matrix
    found = point_evidence(edge_picture(painted(), 0.7), model, matrix)
    assert (found.length_px[model.length_mm == 0] == 0).all()


def test_the_same_picture_gives_the_same_evidence():
    first, second = (evidence_of(noise_picture(), bracket(), POSE).evidence for _ in range(2))
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("picture", [painted(), noise_picture()])
def test_the_evidence_of_points_is_what_is_written_plainly(picture):
    poses = POSE, PixelPose(20, 30, 0.2, 1.8), PixelPose(245, 180, 2.0, 1.2)
    found, background = evidence_of(picture, bracket(), *poses), background_of(edge_picture(picture, 0.7))
    expected = evidence_of_points(background, found.points_px, found.strength, found.length_px)
    seen = found.length_px > 0
    assert 0.3 < seen.mean() < 1
    np.testing.assert_allclose(found.evidence[seen], expected[seen], atol=1e-9)


def test_what_is_typical_is_measured_around_each_place():
    """Squares of mean roots in 3 x 3 cells, mirrored at the border; cells beyond the last places are empty."""
    rng = np.random.default_rng(8)
    points, strength = rng.uniform((-0.5, -0.5), (99.5, 59.5), (700, 2)), rng.exponential(9.0, 700)
    typical, relative = np.empty((6, 11)), np.empty(700)
    compare_places(points, strength, 10.0, 1.5, typical, relative)
    roots, counts = (by_cell((6, 11), 10.0, points, values) for values in (np.sqrt(strength), 1.0))
    np.testing.assert_allclose(typical, (roots / counts) ** 2 + 1.5, rtol=1e-9)
    np.testing.assert_allclose(relative, strength / between_cells(typical, 10.0, points), rtol=1e-9)


def test_places_in_a_picture_of_one_row_of_cells():
    points, strength = np.array([[0.0, 3.0], [30.0, 3.0], [31.0, 2.0]]), np.array([4.0, 9.0, 25.0])
    typical, relative = np.empty((1, 4)), np.empty(3)
    compare_places(points, strength, 10.0, 1.0, typical, relative)
    np.testing.assert_allclose(typical, [[5.0, 5.0, 17.0, 17.0]])


@pytest.mark.parametrize("textured_half", [False, True])
def test_chances_at_random_places_are_even(textured_half):
    """p-values: places drawn anew must reach a chance of q with frequency q. Also where half of the table is rough."""
    grey = np.random.default_rng(5).normal(0, 1, (SIZE_WH[1], SIZE_WH[0], 3)) * 8
    if textured_half:
        grey[:, : SIZE_WH[0] // 2] *= 4
    source = edge_picture(np.clip(np.round(110 + grey), 0, 255).astype(np.uint8), 0.7)
    background = background_of(source)
    rng = np.random.default_rng(99)
    points = rng.uniform((6, 6), (SIZE_WH[0] - 7, SIZE_WH[1] - 7), (1, 3000, 2))
    angle = rng.uniform(0, 2 * np.pi, (1, 3000))
    strength = edge_statistic(source, points, np.stack([np.cos(angle), np.sin(angle)], -1))
    chance = chance_of(background, points, strength)[0]
    seen = np.mean(strength > 0)  # where there is no edge at all the chance is 1
    for level in (0.02, 0.05, 0.1):
        assert level < seen
        assert np.mean(chance <= level) == pytest.approx(level, abs=0.02)
    assert (chance[strength[0] == 0] == 1).all()


def test_the_statistic_prefers_edges_in_the_contours_direction():
    """A point on a straight edge: strong across it, next to nothing along it, between the two at 45 degrees."""
    picture = np.full((*SIZE_WH[::-1], 3), 60, np.uint8)
    picture[:, 130:] = 180
    source = edge_picture(picture, 0.7)
    directions = np.array([[[1.0, 0.0], [0.5**0.5, 0.5**0.5], [0.0, 1.0]]])
    across, slanted, along = edge_statistic(source, np.full((1, 3, 2), (129.5, 90.0)), directions)[0]
    assert across > 1.4 * slanted > 0
    assert along == 0


def sampled(source, points):
    """Bilinear samples (N, channels) of a picture."""
    v, u = points[:, 1], points[:, 0]
    return np.stack([map_coordinates(source.pixels[..., c], [v, u], order=1, output=float) for c in range(3)], axis=-1)


@pytest.mark.parametrize("noise", [1.0, 12.0])
def test_the_statistic_is_what_is_written_plainly(noise):
    """The change across, best where it is great and near, times its share of all change there, noise among it."""
    source, rng = edge_picture(painted(noise=noise), 0.7), np.random.default_rng(6)
    points, angle = rng.uniform((6, 6), (SIZE_WH[0] - 7, SIZE_WH[1] - 7), (800, 2)), rng.uniform(0, 2 * np.pi, 800)
    normals = np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    tangents = np.stack([normals[:, 1], -normals[:, 0]], axis=-1)
    offsets, floor = np.arange(-1.5, 1.6, 0.75), 2 * source.noise
    ends = [sampled(source, points + offset * normals) for offset in np.arange(-2.25, 2.3, 0.75)]
    changes = np.stack([np.linalg.norm(b - a, axis=1) for a, b in zip(ends[:-2], ends[2:], strict=True)]) / 1.5
    near = np.exp(-0.5 * (offsets / 1.1) ** 2)
    best = (changes * near[:, None]).argmax(axis=0)
    change = changes[best, np.arange(800)]
    middle = points + offsets[best][:, None] * normals
    turned = np.linalg.norm(sampled(source, middle + tangents) - sampled(source, middle - tangents), axis=1) / 2
    expected = near[best] * change**2 / np.sqrt(change**2 + turned**2 + floor**2) * (change > floor)
    found = edge_statistic(source, points[None], normals[None])[0]
    assert 0.02 < np.mean(found > 0) < 0.98
    np.testing.assert_allclose(found, expected, atol=1e-3)

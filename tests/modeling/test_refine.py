import cv2
import numpy as np
import pytest
from modeling_shapes import bar, bracket, coverage_picture, disc, plate, polygon_coverage

from kontur.geometry import PixelPose, angle_difference
from kontur.modeling.detections import UNKNOWN, concatenate, from_poses, unregistered
from kontur.modeling.refine import RegistrationOptions, levelled, register

SIZE_WH = (250, 200)
TRIALS = 8


def moved(pose, rng, px=5.0, degrees=3.0, scale=0.03):
    return PixelPose(
        pose.u + rng.uniform(-px, px),
        pose.v + rng.uniform(-px, px),
        pose.angle_rad + np.radians(rng.uniform(-degrees, degrees)),
        pose.scale_px_per_mm * np.exp(rng.uniform(-scale, scale)),
        pose.flipped,
    )


def seen_at(matrix, points):
    """Map (N, 2) points by a homography."""
    mapped = points @ matrix[:, :2].T + matrix[:, 2]
    return mapped[:, :2] / mapped[:, 2:]


def errors(part, seed, noise=0.0, levels=(60, 190), flipped=False):
    """Return (TRIALS, 4) errors (u, v px, angle deg, log scale) and the predicted standard deviations."""
    rng = np.random.default_rng(seed)
    rows, predicted = [], []
    for _ in range(TRIALS):
        u, v = np.array(SIZE_WH) / 2 + rng.uniform(-4, 4, 2)
        pose = PixelPose(u, v, rng.uniform(0, 6.28), rng.uniform(1.3, 1.7), flipped)
        picture = coverage_picture(part, pose, SIZE_WH, levels, noise, rng)
        found = register(picture, from_poses(SIZE_WH, [0], [0.5], [moved(pose, rng)]), [part])
        got = found.pose(0)
        turn = np.degrees(angle_difference(got.angle_rad, pose.angle_rad, part.symmetry))
        rows.append([got.u - pose.u, got.v - pose.v, turn, np.log(got.scale_px_per_mm / pose.scale_px_per_mm)])
        predicted.append(np.sqrt(np.diag(found.covariance[0])))
        assert found.support[0] > 0.98
    return np.array(rows), np.array(predicted)


def rmse(values):
    return np.sqrt((values**2).mean(axis=0))


@pytest.mark.parametrize("part", [bracket(), plate(3), plate(4)], ids=lambda part: part.name)
def test_ideal_pictures_are_fitted_to_hundredths_of_a_pixel(part):
    error, _ = errors(part, seed=1)
    assert np.hypot(*rmse(error[:, :2])) < 0.03
    assert rmse(error[:, 2]) < 0.02
    assert rmse(error[:, 3]) < 2e-3


def test_dark_on_bright_fits_as_well():
    error, _ = errors(bracket(), seed=2, levels=(200, 40))
    assert np.hypot(*rmse(error[:, :2])) < 0.03


def test_flipped_parts_fit_as_well():
    error, _ = errors(bracket(), seed=3, flipped=True)
    assert np.hypot(*rmse(error[:, :2])) < 0.03
    assert rmse(error[:, 2]) < 0.02


def test_noise_is_averaged_and_foretold():
    error, predicted = errors(bracket(), seed=4, noise=10.0)
    assert np.hypot(*rmse(error[:, :2])) < 0.06
    spread = rmse(error[:, :2]).mean() / predicted[:, :2].mean()
    assert 0.25 < spread < 3, "the covariance says how far off the position is"


def test_equal_grey_but_different_colour_is_an_edge():
    part, pose = bracket(), PixelPose(120.3, 99.6, 0.7, 1.5)
    cover = coverage_picture(part, pose, SIZE_WH, (0, 200))[..., 0].astype(float)
    picture = np.stack([120 + cover * 0, 60 + cover * 0.4, 140 - cover * 0.4], axis=2).round().astype(np.uint8)
    start = moved(pose, np.random.default_rng(5))
    got = register(picture, from_poses(SIZE_WH, [0], [0.5], [start]), [part]).pose(0)
    assert np.hypot(got.u - pose.u, got.v - pose.v) < 0.03


def test_a_disc_has_no_angle_and_says_so():
    error, predicted = errors(disc(), seed=6)
    assert np.hypot(*rmse(error[:, :2])) < 0.03
    assert (predicted[:, 2] > np.pi).all(), "any turn is as good as any other"


def test_a_bar_whose_ends_lie_outside_is_uncertain_along_itself_only():
    part, pose = bar(length=400), PixelPose(125.0, 100.0, np.radians(30), 1.5)
    picture = coverage_picture(part, pose, SIZE_WH)
    start = PixelPose(128.0, 98.0, np.radians(31), 1.5)
    found = register(picture, from_poses(SIZE_WH, [0], [0.5], [start]), [part])
    along, across = np.array([np.cos(pose.angle_rad), -np.sin(pose.angle_rad)]), np.array([0.5, np.cos(np.radians(30))])
    position = found.covariance[0, :2, :2]
    assert along @ position @ along > 100
    assert across @ position @ across < 0.01
    error = np.array([found.pose(0).u - pose.u, found.pose(0).v - pose.v])
    assert abs(error @ across) < 0.05


def test_half_hidden_parts_are_fitted_by_what_is_seen():
    part, pose, rng = plate(4), PixelPose(120.0, 100.0, 0.4, 1.5), np.random.default_rng(7)
    for _ in range(4):
        picture = coverage_picture(part, pose, SIZE_WH).copy()
        picture[:, : int(pose.u)] = 120
        found = register(
            picture, from_poses(SIZE_WH, [0], [0.5], [moved(pose, rng, px=3, degrees=2, scale=0.02)]), [part]
        )
        got = found.pose(0)
        assert np.hypot(got.u - pose.u, got.v - pose.v) < 0.3
        assert 0.4 < found.support[0] < 0.75


def test_the_edge_of_what_hides_a_part_is_not_taken_for_the_parts_own():
    """A straight edge runs through the part, along one of its sides, nearer than the first rounds reach."""
    part, error = bracket(), []
    rng = np.random.default_rng(4)
    for turn in np.radians([-90.0, -92.0, -98.0, -106.0, 90.0, 81.0]):
        pose = PixelPose(125.0 + rng.uniform(-2, 2), 100.0 + rng.uniform(-2, 2), float(turn), 1.5)
        picture = coverage_picture(part, pose, SIZE_WH, (90, 210), 0.0, rng)
        columns = pose.apply(part.outer.points)[:, 0]
        picture[:, : int((columns.min() + columns.max()) / 2)] = 140
        got = register(picture, from_poses(SIZE_WH, [0], [0.5], [moved(pose, rng, 3.0, 2.0)]), [part]).pose(0)
        error.append(np.hypot(got.u - pose.u, got.v - pose.v))
    assert np.max(error) < 1.0
    assert np.median(error) < 0.3


def test_a_good_pose_on_a_blank_picture_stays():
    part, pose = bracket(), PixelPose(120.0, 100.0, 0.4, 1.5)
    picture = np.full((*SIZE_WH[::-1], 3), 90, np.uint8)
    found = register(picture, from_poses(SIZE_WH, [0], [0.5], [pose]), [part])
    assert found.support[0] == 0
    assert np.isnan(found.residual_px[0])
    got = found.pose(0)
    assert (got.u, got.v, got.angle_rad) == pytest.approx((pose.u, pose.v, pose.angle_rad))


def test_a_fit_that_loses_the_edges_is_not_used():
    part, rng = bracket(), np.random.default_rng(8)
    pose = PixelPose(120.0, 100.0, 0.4, 1.5)
    picture = coverage_picture(part, pose, SIZE_WH, noise=25, rng=rng)
    measured_only = RegistrationOptions(rounds=(), readings=())
    starts = from_poses(SIZE_WH, [0] * 20, [0.5] * 20, [moved(pose, rng, 12, 12, 0.1) for _ in range(20)])
    before = register(picture, starts, [part], measured_only).support
    after = register(picture, starts, [part]).support
    assert (after >= 0.5 * before - 1e-9).all()


def test_many_parts_in_one_pass_equal_each_alone():
    parts, rng = (bracket(), plate(4), disc()), np.random.default_rng(9)
    poses = [PixelPose(70, 60, 0.3, 1.2), PixelPose(180, 60, 1.0, 1.2), PixelPose(120, 150, 0.0, 1.2)]
    layers = [coverage_picture(part, pose, SIZE_WH, (0, 150)) for part, pose in zip(parts, poses, strict=True)]
    picture = (50 + np.max(layers, axis=0)).astype(np.uint8)
    starts = from_poses(SIZE_WH, [0, 1, 2], [0.9, 0.8, 0.7], [moved(pose, rng, 3, 2, 0.02) for pose in poses])
    together = register(picture, starts, parts)
    alone = concatenate([register(picture, starts[np.array([i])], parts) for i in range(3)])
    np.testing.assert_allclose(together.matrix, alone.matrix, atol=5e-3)
    np.testing.assert_array_equal(together.score, starts.score)
    for index, pose in enumerate(poses):
        assert np.hypot(*(together.uv[index] - (pose.u, pose.v))) < 0.03


def test_unknown_and_empty_pass_through():
    matrix = np.array([[[10.0, 0, 50], [0, 5, 40], [0, 0, 1]]])
    unknown = unregistered(SIZE_WH, np.array([UNKNOWN]), np.array([0.5]), matrix, np.array([False]))
    picture = np.zeros((*SIZE_WH[::-1], 3), np.uint8)
    assert register(picture, unknown, []) is unknown
    assert len(register(picture, from_poses(SIZE_WH, [], [], []), [])) == 0


def test_far_outside_the_picture_nothing_breaks():
    found = register(
        np.zeros((*SIZE_WH[::-1], 3), np.uint8),
        from_poses(SIZE_WH, [0], [0.5], [PixelPose(-500.0, 900.0, 0.0, 1.5)]),
        [bracket()],
    )
    assert found.support[0] == 0


def test_only_contenders_are_fitted_exactly_and_what_is_unknown_stays():
    part, pose = plate(4), PixelPose(120.0, 95.0, 0.4, 1.5)
    turned = PixelPose(pose.u, pose.v, pose.angle_rad + 0.9, 1.5)
    matrix = np.array([[[10.0, 0, 50], [0, 5, 40], [0, 0, 1]]])
    unknown = unregistered(SIZE_WH, np.array([UNKNOWN]), np.array([0.2]), matrix, np.array([False]))
    rivals = from_poses(SIZE_WH, [0, 0], [0.9, 0.8], [turned, PixelPose(pose.u + 3, pose.v - 2, 0.42, 1.52)])
    picture = coverage_picture(part, pose, SIZE_WH)
    found = register(picture, concatenate([unknown, rivals]), [part], RegistrationOptions(contenders_only=True))
    assert found.part.tolist() == [UNKNOWN, 0]
    assert found.score.tolist() == [0.2, 0.8]
    assert np.hypot(*(found.uv[1] - (pose.u, pose.v))) < 0.03
    assert len(register(picture, rivals, [part])) == 2
    assert len(register(np.zeros_like(picture), rivals, [part], RegistrationOptions(contenders_only=True))) == 0


@pytest.mark.parametrize("flipped", [False, True])
def test_the_level_of_a_tilted_pose_is_the_nearest_similarity_at_its_datum(flipped):
    """Nearest in the least squares sense: by the singular values of the derivative (Umeyama 1991)."""
    rng = np.random.default_rng(3)
    matrix = np.vstack([PixelPose(80.0, 60.0, 0.7, 1.5, flipped).matrix, [0, 0, 1]])
    tilted = np.eye(3) + np.array([[0.1, -0.05, 0], [0.04, -0.08, 0], [2e-4, -3e-4, 0]]) * rng.uniform(0.5, 1.5, (3, 3))
    placed = matrix @ tilted
    placed /= placed[2, 2]
    found = levelled(unregistered(SIZE_WH, np.zeros(1, np.int64), np.ones(1), placed[None], np.array([flipped])))[0]
    derivative = placed[:2, :2] - np.outer(placed[:2, 2], placed[2, :2])
    left, stretch, right = np.linalg.svd(derivative)
    np.testing.assert_allclose(found[:2, :2], stretch.mean() * left @ right, atol=1e-12)
    np.testing.assert_allclose(found[:2, 2], placed[:2, 2])
    assert found[2].tolist() == [0, 0, 1]


def test_what_was_registered_on_a_tilted_plane_stays_where_it_is_when_registered_again():
    """Perspective is not given to a pose twice."""
    parts = (bracket(), plate(4))
    turn, focal = cv2.Rodrigues(np.radians([7.0, -6.0, 0.0]))[0], 1.1 * SIZE_WH[0]
    shift = np.array([[1, 0, (SIZE_WH[0] - 1) / 2], [0, 1, (SIZE_WH[1] - 1) / 2], [0, 0, 1]])
    view = np.column_stack([turn[:, 0], turn[:, 1], [0, 0, 1]]) / np.array([[1], [1], [focal]])
    view[2, 2] = 1
    tilt = shift @ view @ np.linalg.inv(shift)
    poses = [
        PixelPose(70, 60, 0.3, 1.2),
        PixelPose(185, 60, 1.0, 1.2),
        PixelPose(70, 145, 2.0, 1.2),
        PixelPose(185, 140, 4.0, 1.2),
    ]
    kinds, picture = [0, 1, 1, 0], np.full((SIZE_WH[1], SIZE_WH[0], 3), 60.0)
    level = from_poses(SIZE_WH, kinds, [0.9] * 4, poses)
    true = tilt @ level.matrix
    true /= true[:, 2:, 2:]
    for kind, matrix in zip(kinds, true, strict=True):
        rings = [seen_at(matrix, contour.points) for contour in parts[kind].contours]
        picture += polygon_coverage(rings, SIZE_WH)[..., None] * 130
    first = register(picture.round().astype(np.uint8), level, parts)
    second = register(
        picture.round().astype(np.uint8), first, parts, RegistrationOptions(rounds=(), readings=(2, 2, 1))
    )
    corners = np.array([[20.0, 15.0], [-20.0, 15.0], [0.0, -20.0]])
    wrong = [
        max(np.abs(found.project(k, corners) - seen_at(true[k], corners)).max() for k in range(4))
        for found in (first, second)
    ]
    assert wrong[0] < 0.5
    assert wrong[1] < wrong[0] + 0.05

"""What is said about detections, with a network whose answer is the truth itself."""

import cv2
import numpy as np
import pytest
from modeling_scenes import paint
from test_targets import PARTS, POSES, SIZE_WH, perfect_output
from window_packing import packed

from kontur.geometry import PixelPose
from kontur.modeling.answer_means import mean_answers
from kontur.modeling.appearance import FEATURES, Answer, features_of
from kontur.modeling.detections import from_poses
from kontur.modeling.masks import Window

SCENE = paint(PARTS, POSES, SIZE_WH)
PERFECT = Answer(perfect_output(SCENE), (1.0, 1.0))


def features(rows, answer=PERFECT, size_wh=SIZE_WH):
    found = from_poses(size_wh, [part for part, _ in rows], [0.7] * len(rows), [pose for _, pose in rows])
    return [dict(zip(FEATURES, row, strict=True)) for row in features_of(found, PARTS, answer)]


def test_right_detections_have_everything_for_them():
    for row, (part, pose) in zip(features(POSES), POSES, strict=True):
        assert row["evidence"] == 0.7
        assert row["support"] == 0.0, "not registered"
        assert row["shown"] == pytest.approx(1, abs=0.02)
        for name in ("foreground", "named", "voted", "side"):
            assert row[name] > 0.9, name
        cells = PARTS[part].area_mm2 * pose.scale_px_per_mm**2 / 16
        assert np.expm1(row["log_cells"]) == pytest.approx(cells, rel=0.1)


def test_each_fault_shows_in_its_own_feature():
    part, pose = POSES[0]
    wrong_name, wrong_side, wrong_place, moved = features([
        (2, POSES[1][1]),
        (0, PixelPose(pose.u, pose.v, pose.angle_rad, pose.scale_px_per_mm, True)),
        (0, PixelPose(40, 190, 0.3, 1.6)),
        (part, PixelPose(pose.u + 14, pose.v, pose.angle_rad, pose.scale_px_per_mm)),
    ])  # fmt: skip
    assert wrong_name["named"] < 0.3, "the triangle reaches over cells of other parts and of none"
    assert wrong_side["side"] < 0.1
    assert wrong_place["foreground"] < 0.1
    assert moved["voted"] < 0.1 < moved["foreground"]


def test_what_lies_outside_the_picture_has_no_cells():
    (row,) = features([(0, PixelPose(-300, 50, 0.3, 1.6))])
    assert row["log_cells"] == 0
    assert row["foreground"] == 0
    assert np.isfinite(list(row.values())).all()


def test_a_resized_picture_is_read_at_the_right_cells():
    """The network saw the scene at half the size of the picture that the detections are in."""
    large = tuple(size * 2 for size in SIZE_WH)
    doubled = [
        (part, PixelPose(2 * p.u + 0.5, 2 * p.v + 0.5, p.angle_rad, 2 * p.scale_px_per_mm, p.flipped))
        for part, p in POSES
    ]
    assert cv2.resize(SCENE.image, large).shape[:2] == large[::-1]
    near = features(doubled, Answer(PERFECT.output, (0.5, 0.5)), large)
    for row, direct in zip(near, features(POSES), strict=True):
        for name in ("foreground", "named", "voted", "side"):
            assert row[name] == pytest.approx(direct[name], abs=0.08), f"{name}: only cells on the outline may differ"
        assert np.exp(row["log_cells"] - direct["log_cells"]) == pytest.approx(1, abs=0.05)


def test_no_detections():
    assert features_of(from_poses(SIZE_WH, [], [], []), PARTS, PERFECT).shape == (0, len(FEATURES))


def test_the_means_over_cells_are_numpys():
    """Random answers and masks at another zoom, against arrays of whole pictures."""
    rng = np.random.default_rng(3)
    output = rng.normal(size=(7, 12, 15)).astype(np.float32)
    zoom, datum = np.array([0.8, 1.25]), np.array([[20.0, 14.0], [44.0, 30.0]])
    windows = [Window((3, 2), rng.random((20, 31)) < 0.7), Window((40, 10), rng.random((25, 20)) < 0.5)]
    means = np.empty((2, 5))
    mean_answers(output, zoom, (4, 2, 32.0), packed(windows), np.array([0, 2]), (datum, 25.0), means)
    v, u = np.meshgrid(np.arange(12) * 4 + 2, np.arange(15) * 4 + 2, indexing="ij")
    at_v, at_u = (np.round((cells + 0.5) / factor - 0.5).astype(int) for cells, factor in ((v, zoom[1]), (u, zoom[0])))
    foreground, down = (1 / (1 + np.exp(-output[k].astype(float))) for k in (0, 3))
    share = np.exp(output[4:].astype(float))
    share /= share.sum(axis=0)
    for row, window, name, (x, y) in zip(means, windows, (0, 2), datum, strict=True):
        inside = window.full((100, 100))[at_v, at_u]
        voted = np.hypot(u + 32 * output[1] - x, v + 32 * output[2] - y) <= 25
        expected = [
            inside.sum(),
            *(mean[inside].mean() for mean in (foreground, share[name], foreground * voted, down)),
        ]
        np.testing.assert_allclose(row, expected, rtol=1e-6)

"""What the edge reader learns from: labels against closed forms, and a pass through sampling and training."""

import sys
from pathlib import Path

import numpy as np
import pytest

from kontur.geometry import PixelPose, circle_contour, make_part
from kontur.geometry.camera import tilted_camera
from kontur.modeling.edge_reader import FEATURES
from kontur.modeling.edges import edge_picture

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tools"))
edge_samples = pytest.importorskip("edge_samples")


def target_of(radius_mm=20.0, scale=1.5):
    part = make_part("disc", circle_contour(0, 0, radius_mm))
    matrix = np.vstack([PixelPose(60.0, 50.0, 0.3, scale).matrix, [0, 0, 1]])
    return edge_samples.Target(part, matrix, np.ones((100, 120), bool), np.array([59.5, 49.5]))


def test_distances_are_those_of_a_circle():
    points = np.array([[60.0, 50.0], [80.0, 50.0], [60.0, 95.0], [60.0 + 40.0, 50.0]])
    expected = 30 - np.hypot(points[:, 0] - 60, points[:, 1] - 50)
    np.testing.assert_allclose(edge_samples.signed_distance_px(target_of(), points), expected, atol=0.02)


def test_a_sample_says_how_far_off_each_point_is():
    source = edge_picture(np.random.default_rng(0).integers(0, 255, (100, 120, 3)).astype(np.uint8), 0.7)
    sample = edge_samples.disturbed(source, target_of(), np.random.default_rng(1))
    assert sample.features.shape == (edge_samples.POINTS, FEATURES)
    mean = (sample.offset_px[:, None] * sample.normals.astype(float)).mean(axis=0)
    assert np.abs(sample.offset_px).max() < 8
    assert np.hypot(*mean) > 0, "a moved disc is off towards one side"
    assert sample.seen.all()


def test_the_nadir_lies_where_a_plumb_line_does():
    camera = tilted_camera((640, 480), 1.5, 400, 0.2, 1.0)
    top = camera.project(np.array([[30.0, 20.0]]), 10.0)[0]
    foot = camera.project(np.array([[30.0, 20.0]]), 0.0)[0]
    towards = edge_samples.camera_nadir(camera) - top
    assert abs(np.linalg.det(np.stack([foot - top, towards]))) < 1e-6 * np.hypot(*towards)
    assert (foot - top) @ towards > 0


def test_random_parts_are_sound_and_repeatable():
    parts = [edge_samples.random_part(np.random.default_rng(seed), "p") for seed in range(8)]
    assert all(part.polygon.is_valid and part.area_mm2 > 100 for part in parts)
    assert edge_samples.random_part(np.random.default_rng(3), "p").sha256 == parts[3].sha256


def test_plain_pictures_show_the_part_where_the_matrix_says():
    part = make_part("disc", circle_contour(0, 0, 15.0))
    picture, target = edge_samples.plain_picture(part, np.random.default_rng(5))
    radius = 15.0 * np.sqrt(abs(np.linalg.det(target.matrix[:2, :2])))
    assert target.own.sum() <= np.pi * radius**2 * 1.02
    assert picture.shape[:2] == target.own.shape

"""The edge reader on edges whose place is known in closed form."""

import sys
from pathlib import Path

import numpy as np
import pytest
from modeling_shapes import bracket, coverage_picture, disc, plate

from kontur.data_preprocessing.data_config import DataConfig
from kontur.data_preprocessing.render import make_context, render_sample
from kontur.geometry import PixelPose
from kontur.modeling import edge_reader
from kontur.modeling.alignment import apply_homography, project_normals
from kontur.modeling.contour_model import contour_model
from kontur.modeling.detections import from_poses
from kontur.modeling.edge_reader import FEATURES, SAMPLES, Viewpoint, read_edges, reading_features
from kontur.modeling.edges import edge_picture
from kontur.modeling.reader_answer import answer_parts
from kontur.modeling.refine import ROUNDS, RegistrationOptions, register

SIZE_WH = (160, 120)
POSE = PixelPose(79.3, 59.8, 0.4, 1.2)
MIDDLE = np.array([79.5, 59.5])
OVERHEAD = Viewpoint(79.5, 59.5, 1e9)
"""A camera so far away that no wall shows."""


def bands(edges_px, levels, angle=0.3):
    """A picture of parallel bands: the level changes at each distance from the middle, by exact box coverage."""
    u, v = np.meshgrid(np.arange(SIZE_WH[0]), np.arange(SIZE_WH[1]))
    normal = np.array([np.cos(angle), np.sin(angle)])
    distance = (u - MIDDLE[0]) * normal[0] + (v - MIDDLE[1]) * normal[1]
    grey = np.full(distance.shape, float(levels[0]))
    for edge, before, after in zip(edges_px, levels[:-1], levels[1:], strict=True):
        grey += (after - before) * np.clip(distance - edge + 0.5, 0, 1)
    return np.repeat(grey.round().astype(np.uint8)[..., None], 3, axis=2), normal


def read(source, points, normals):
    """(M, 3) what is read at the points of one part that has nothing but them."""
    ones = np.ones(points.shape[:2])
    return read_edges(source, (points, normals, ones), ones, OVERHEAD)


def read_line(picture, normal):
    """Read 40 points on the line through the middle, across which the normal points."""
    along = np.array([-normal[1], normal[0]])
    points = (MIDDLE + np.linspace(-30, 30, 40)[:, None] * along)[None]
    normals = np.broadcast_to(normal, points.shape).copy()
    return read(edge_picture(picture, 0.7), points, normals)


def read_disc(picture, radius_mm=20.0, pose=POSE):
    """Read around the contour of a disc; returns the reading and its points."""
    model = contour_model(disc(radius_mm), 1.0)
    points, derivative = apply_homography(from_poses(SIZE_WH, [0], [1.0], [pose]).matrix, model.points_mm[None])
    normals = project_normals(derivative, model.normals[None])
    return read(edge_picture(picture, 0.7), points, normals)


@pytest.mark.parametrize("levels", [(60, 200), (210, 40), (110, 140)])
@pytest.mark.parametrize("away_px", [(0.0, 0.0), (0.6, -0.3), (-1.2, 0.8)])
def test_clean_edges_are_read_where_they_are_and_surely(levels, away_px):
    """A disc that lies a little beside the contour has its edge at away . normal."""
    there = PixelPose(POSE.u + away_px[0], POSE.v + away_px[1], POSE.angle_rad, POSE.scale_px_per_mm)
    reading = read_disc(coverage_picture(disc(20.0), there, SIZE_WH, levels))
    points = POSE.apply(contour_model(disc(20.0), 1.0).points_mm) - (POSE.u, POSE.v)
    expected = points @ away_px / np.linalg.norm(points, axis=1)
    assert np.abs(reading[:, 0] - expected).mean() < 0.2
    assert np.median(reading[:, 1]) < 0.4
    assert np.median(reading[:, 2]) > 0.8


def test_what_is_hidden_is_read_as_such():
    picture = coverage_picture(disc(20.0), POSE, SIZE_WH)
    picture[:, :75] = 130
    reading = read_disc(picture)
    model = contour_model(disc(20.0), 1.0)
    across = POSE.apply(model.points_mm)[:, 0]
    assert np.median(reading[across > 85, 2]) > 0.7
    assert np.median(reading[across < 65, 2]) < 0.3


def test_walls_and_shadows_are_not_taken_for_the_part():
    """Thick parts under a near camera and small lamps: the readings stay on the top face, where peaks follow walls."""
    parts = (bracket(), plate(4))
    scene = {"parts": (3, 5), "thickness_mm": (3.0, 4.0), "pile": 0, "distractors": 0, "border": 0, "gap_mm": (8, 12)}
    camera = {"size_wh": (320, 240), "mm_per_px": (0.6, 0.7), "distance_mm": (250, 300), "distortion": (0, 0)}
    light = {"size_deg": (1.0, 3.0), "elevation_deg": (45, 60), "lamps": (1, 1)}
    context = make_context(DataConfig.model_validate({"scene": scene, "camera": camera, "light": light}), parts)
    by_peaks, by_reading = [], []
    for index in range(20):
        sample = render_sample(context, 3, index)
        seen = [instance for instance in sample.instances if instance.visible_fraction > 0.95]
        starts = from_poses((320, 240), [i.part for i in seen], [0.5] * len(seen), [i.pose for i in seen])
        true = np.array([(i.pose.u, i.pose.v) for i in seen]).reshape(-1, 2)
        for errors, options in ((by_peaks, RegistrationOptions(rounds=ROUNDS, readings=())), (by_reading, None)):
            found = register(sample.image, starts, parts, options)
            errors += np.hypot(*(found.uv - true).T).tolist()
    assert len(by_reading) >= 40
    assert np.median(by_reading) < 0.25
    assert np.median(by_reading) < 0.6 * np.median(by_peaks)


def test_a_blank_picture_says_nothing():
    picture, normal = bands([0.0], (90, 90))
    assert (read_line(picture, normal)[:, 2] == 0).all()


def test_a_ring_of_readings_turns_with_the_picture():
    """The answer for a part depends on the normals' directions only relative to each other."""
    part, source = plate(4), np.random.default_rng(0).integers(0, 255, (120, 160, 3)).astype(np.uint8)
    model = contour_model(part, 2.0)
    answers = []
    for turns in range(2):
        picture = np.ascontiguousarray(np.rot90(source, turns))  # counter-clockwise
        size_wh = (picture.shape[1], picture.shape[0])
        pose = PixelPose((size_wh[0] - 1) / 2, (size_wh[1] - 1) / 2, 0.4 + turns * np.pi / 2, 1.2)
        matrix = from_poses(size_wh, [0], [1.0], [pose]).matrix
        points, derivative = apply_homography(matrix, model.points_mm[None])
        normals = project_normals(derivative, model.normals[None])
        answers.append(read(edge_picture(picture, 0.7), points, normals)[:, 0])
    np.testing.assert_allclose(answers[0], answers[1], atol=2e-2)


def test_features_do_not_change_with_brightness_or_contrast():
    first, normal = bands([0.4], (60, 160))
    second = (first * 0.5 + 40).round().astype(np.uint8)
    contours = MIDDLE[None, None], normal[None, None], np.ones((1, 1))
    rows = [reading_features(edge_picture(p, 0.7), contours, OVERHEAD)[0] for p in (first, second)]
    assert rows[0].shape == (FEATURES,)
    profile = slice(0, SAMPLES)
    np.testing.assert_allclose(rows[0][profile], rows[1][profile], atol=0.05)
    assert rows[0][2 * SAMPLES] != rows[1][2 * SAMPLES], "the brightness itself is told"


def test_walls_lean_towards_the_nadir():
    """Straight above its foot nothing leans; to the right of the nadir the left wall shows, by its distance over f."""
    points = np.array([[[100.0, 80.0], [150.0, 80.0], [150.0, 80.0], [150.0, 80.0]]])
    normals = np.array([[[1.0, 0.0], [-1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]])
    source = edge_picture(np.zeros((160, 220, 3), np.uint8), 0.7)
    features = reading_features(source, (points, normals, np.ones((1, 4))), Viewpoint(100.0, 80.0, 500.0))
    np.testing.assert_allclose(features[:, 2 * SAMPLES + 1], [0.0, 0.1, -0.1, 0.0], atol=1e-6)


def test_parts_are_read_alone():
    """What one instance sees does not change what is read for another."""
    picture, normal = bands([0.5], (180, 70))
    source = edge_picture(picture, 0.7)
    along = np.array([-normal[1], normal[0]])
    line = MIDDLE + np.linspace(-20, 20, 12)[:, None] * along
    points, normals = np.stack([line, line + 3 * normal]), np.broadcast_to(normal, (2, 12, 2)).copy()
    both, alone = read(source, points, normals), read(source, points[:1], normals[:1])
    np.testing.assert_allclose(both[:12], alone, atol=1e-5)


def test_points_without_weight_are_left_out():
    picture, normal = bands([0.5], (180, 70))
    source, along = edge_picture(picture, 0.7), np.array([-normal[1], normal[0]])
    points = (MIDDLE + np.linspace(-20, 20, 12)[:, None] * along)[None]
    normals, weight = np.broadcast_to(normal, (1, 12, 2)).copy(), np.ones((1, 12))
    weight[0, ::3] = 0
    some = read_edges(source, (points, normals, weight), weight, OVERHEAD)
    kept = weight[0] > 0
    np.testing.assert_allclose(some, read(source, points[:, kept], normals[:, kept]), atol=1e-5)


def test_the_forward_pass_is_that_of_the_trained_network():
    """Against the module in PyTorch that the weights were trained in, on random features of two parts."""
    torch = pytest.importorskip("torch")
    sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))
    from train_edge_reader import EdgeReader

    rng = np.random.default_rng(1)
    angle = rng.uniform(0, 6.28, (2, 30))
    normals, pooling = np.stack([np.cos(angle), np.sin(angle)], -1), rng.uniform(0.1, 1, (2, 30))
    features = rng.normal(0, 2, (2, 30, FEATURES)).astype(np.float32)
    network = EdgeReader(torch.zeros(1, 2, FEATURES))
    trained = np.load(Path(edge_reader.__file__).with_name("edge_reader.npz"))
    network.load_state_dict({name: torch.from_numpy(trained[name]) for name in trained.files})
    with torch.no_grad():
        said = network(
            torch.from_numpy(features), *(torch.from_numpy(a.astype(np.float32)) for a in (normals, pooling))
        )
    mean, scale, limit = edge_reader.scaling()
    scaled = np.clip((features.reshape(60, -1) - mean) * scale, -limit, limit)
    answer = np.empty((60, 3), np.float32)
    hidden, own = edge_reader.point_layers(scaled)
    answer_parts((normals, np.ones((2, 30))), pooling, hidden, own, edge_reader.answer_layers(), answer)
    expected = said.numpy().reshape(60, 3)
    np.testing.assert_allclose(answer[:, 0], expected[:, 0], atol=1e-4)
    np.testing.assert_allclose(answer[:, 1], np.exp(np.clip(expected[:, 1], -4.5, 2.0)), rtol=1e-3)
    np.testing.assert_allclose(answer[:, 2], 1 / (1 + np.exp(-expected[:, 2])), atol=1e-4)

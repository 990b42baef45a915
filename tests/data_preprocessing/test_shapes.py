import numpy as np
import pytest
import shapely
from generator_parts import PARTS, bracket, plate, washer
from hypothesis import given, settings
from hypothesis import strategies as st

from kontur.data_preprocessing.sampling import PER_MM
from kontur.data_preprocessing.shapes import MARGIN_MM, deepest_mm, level_number, part_shape, ring_shape, trail_of
from kontur.geometry import Pose, turn_matrix


def signed_distance(polygon: shapely.Polygon, points: np.ndarray) -> np.ndarray:
    distance = shapely.distance(polygon.boundary, shapely.points(points))
    return np.where(shapely.contains_xy(polygon, points), distance, -distance)


def grid_points(shape) -> np.ndarray:
    row, column = np.mgrid[0 : shape.distance_mm.shape[0] : 7, 0 : shape.distance_mm.shape[1] : 7]
    flat = np.column_stack([column.ravel(), row.ravel(), np.ones(row.size)])
    return row, column, (flat @ shape.grid_to_mm.T)[:, :2]


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)
def test_distances_are_those_of_shapely(part):
    shape = part_shape(part, 0.3)
    row, column, points = grid_points(shape)
    expected = signed_distance(part.polygon, points)
    assert np.abs(shape.distance_mm[row, column].ravel() - expected).max() < 1e-4


@settings(max_examples=25, deadline=None)
@given(
    radii=st.lists(st.floats(3, 30), min_size=5, max_size=24),
    step=st.floats(0.3, 1.5),
)
def test_any_star_shaped_polygon(radii, step):
    angle = np.linspace(0, 2 * np.pi, len(radii), endpoint=False)
    ring = np.array(radii)[:, None] * np.column_stack([np.cos(angle), np.sin(angle)])
    shape = ring_shape([ring], step)
    _, _, points = grid_points(shape)
    row, column, points = grid_points(shape)
    near = np.abs(signed_distance(shapely.Polygon(ring), points)) > 1e-6
    got, expected = shape.distance_mm[row, column].ravel(), signed_distance(shapely.Polygon(ring), points)
    assert np.abs(got - expected)[near].max() < 1e-3


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)
def test_coverage_adds_up_to_the_area(part):
    shape = part_shape(part, 0.2)
    cover = np.clip(0.5 + shape.distance_mm / shape.step_mm, 0, 1).sum() * shape.step_mm**2
    assert cover == pytest.approx(part.polygon.area, rel=1e-3)


def test_the_margin_surrounds_the_part():
    shape = part_shape(plate(), 0.3)
    edge = np.concatenate([shape.distance_mm[0], shape.distance_mm[-1], shape.distance_mm[:, 0]])
    assert edge.max() <= -MARGIN_MM + 1e-6


def test_a_large_part_gets_a_coarser_grid():
    shape = part_shape(plate(), 0.01)
    assert max(shape.distance_mm.shape) <= 641
    assert shape.step_mm > 0.01


@pytest.mark.parametrize("turn", [0.0, 0.7, 4.0])
def test_the_deepest_point_is_the_one_that_shapely_finds(turn):
    part, rng = bracket(), np.random.default_rng(3)
    shape = part_shape(part, 0.25)
    for _ in range(40):
        points, shift = rng.uniform(-6, 6, (7, 2)), rng.uniform((-18, -14), (26, 20))
        pose, other = (
            Pose(*shift, turn, flipped=bool(rng.integers(2))),
            Pose(3.0, -2.0, 1.9, flipped=bool(rng.integers(2))),
        )
        rows = [(p.x_mm, p.y_mm, p.theta_rad, -1.0 if p.flipped else 1.0) for p in (pose, other)]
        got = deepest_mm(trail_of(points), *rows, shape.distance_mm, shape.origin_mm, shape.step_mm, np.inf)
        inside = (pose.apply(points) - (3.0, -2.0)) @ turn_matrix(1.9, other.flipped)
        expected = signed_distance(part.polygon, inside).max()
        assert got == pytest.approx(expected, abs=0.25)


HOME = (0.0, 0.0, 0.0, 1.0)


def test_points_far_away_are_far_away():
    shape = part_shape(bracket(), 0.25)
    far = np.array([[200.0, 0.0]])
    got = deepest_mm(trail_of(far), HOME, HOME, shape.distance_mm, shape.origin_mm, shape.step_mm, np.inf)
    assert -190 < got < -160


def test_the_search_ends_at_the_first_point_that_is_deep_enough():
    shape = part_shape(washer(), 0.25)
    points = np.array([[200.0, 0.0], [0.0, 8.0], [0.0, 10.5]])
    template = (HOME, HOME, shape.distance_mm, shape.origin_mm, shape.step_mm)
    assert deepest_mm(trail_of(points), *template, np.inf) == pytest.approx(3.5, abs=0.2)
    assert deepest_mm(trail_of(points), *template, 0.5) == pytest.approx(1.0, abs=0.2)


@pytest.mark.parametrize("wish", [0.1, 0.3, 0.65, 1.3, 90.0])
def test_a_level_is_the_template_at_fewer_points(wish):
    shape = part_shape(bracket(), 0.3)
    level = shape.levels[level_number(wish, shape.step_mm)]
    row, column = level.packed.shape[0] // 2, level.packed.shape[1] // 3
    spot = np.array(shape.origin_mm) + level.step_mm * np.array([column, row])
    here, below = level.packed[row, column : column + 1].view("<i2") / PER_MM
    assert signed_distance(bracket().polygon, spot[None])[0] == pytest.approx(here, abs=1 / PER_MM)
    spot[1] += level.step_mm
    assert signed_distance(bracket().polygon, spot[None])[0] == pytest.approx(below, abs=1 / PER_MM)
    assert level.step_mm <= max(wish, shape.step_mm) + 1e-9
    assert level.step_mm > min(wish, 16 * shape.step_mm) / 2 - 1e-9

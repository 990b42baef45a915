"""Settling against shapely: refused where it is too near, moved until it nearly touches, as high as what lies below."""

import math

import numpy as np
import pytest
import shapely
from generator_parts import PARTS

from kontur.data_preprocessing.collisions import Lying, stance_of
from kontur.data_preprocessing.shapes import deepest_mm, part_shape, trail_of
from kontur.geometry import Pose

STEP_MM = 0.25
SHAPES = [part_shape(part, STEP_MM) for part in PARTS]
WITHIN_MM = STEP_MM + 0.6
"""Outlines are looked at in a few points, on the grid."""


def area(which: int, pose: Pose) -> shapely.Polygon:
    part = PARTS[which]
    return shapely.Polygon(pose.apply(part.outer.points), [pose.apply(hole.points) for hole in part.holes])


def scattered(rng: np.random.Generator) -> tuple[int, Pose]:
    x, y, turn = rng.uniform((-60, -60, 0), (60, 60, 6.28))
    return int(rng.integers(len(PARTS))), Pose(x, y, turn, bool(rng.integers(2)))


def table(things: list[tuple[int, Pose]]) -> Lying:
    lying = Lying(len(things))
    for height, (which, pose) in enumerate(things, 1):
        lying.add(SHAPES[which], pose, float(height))
    return lying


@pytest.mark.parametrize("gap_mm", [0.5, 4.0, 15.0])
def test_what_is_nearer_than_the_gap_is_refused(gap_mm):
    rng, answers = np.random.default_rng(5), set()
    for _ in range(150):
        things = [scattered(rng) for _ in range(3)]
        which, pose = scattered(rng)
        *place, height = table(things).settle(SHAPES[which], stance_of(pose), None, gap_mm, 3)
        least = min(area(which, pose).distance(area(*thing)) for thing in things)
        assert place == [pose.x_mm, pose.y_mm]
        overlap = max(area(which, pose).intersection(area(*thing)).area for thing in things)
        if abs(least - gap_mm) > WITHIN_MM or overlap > 3:
            assert (height == 0) == (least > gap_mm)
            answers.add(height)
    assert answers == {0.0, -1.0}


def test_a_pile_is_as_high_as_what_it_lies_on():
    rng, answers = np.random.default_rng(6), set()
    for _ in range(150):
        things = [scattered(rng) for _ in range(3)]
        which, pose = scattered(rng)
        *_, height = table(things).settle(SHAPES[which], stance_of(pose), None, -math.inf, 3)
        shared = [area(which, pose).intersection(area(*thing)).area for thing in things]
        if all(each == 0 or each > 3 for each in shared):
            surely = [number for number, each in enumerate(shared, 1) if each > 3]
            near = [number for number, thing in enumerate(things, 1)
                    if area(which, pose).distance(area(*thing)) < WITHIN_MM]  # fmt: skip
            assert height in {max([0, *surely]), max([0, *near])}
            answers.add(height)
    assert answers == {0.0, 1.0, 2.0, 3.0}


def test_things_are_moved_until_they_nearly_touch():
    rng, gaps = np.random.default_rng(7), []
    for _ in range(60):
        which, pose = scattered(rng)
        other = scattered(rng)
        x, y, height = table([other]).settle(SHAPES[which], stance_of(pose), 0, 0.02, 1)
        if height == 0:
            moved = Pose(x, y, pose.theta_rad, pose.flipped)
            gaps.append(area(which, moved).distance(area(*other)))
            towards = (x - other[1].x_mm) * (pose.y_mm - other[1].y_mm) - (y - other[1].y_mm) * (
                pose.x_mm - other[1].x_mm
            )
            assert towards == pytest.approx(0, abs=1e-6)
    assert len(gaps) > 30
    assert np.mean(np.array(gaps) < 1.0) > 0.8


def test_only_the_first_things_count():
    things = [(1, Pose(0, 0, 0)), (1, Pose(5, 0, 0))]
    lying = table(things)
    for count, height in ((0, 0.0), (1, 1.0), (2, 2.0)):
        assert lying.settle(SHAPES[2], (0.0, 0.0, 0.0, 1.0), None, -math.inf, count) == (0.0, 0.0, height)


@pytest.mark.parametrize("distance", [0.0, 20.0, 90.0])
def test_points_that_are_passed_over_were_not_the_deepest(distance):
    """Shuffled points are so far from each other that none can be passed over."""
    rng = np.random.default_rng(8)
    for _ in range(40):
        (which, pose), (other, _) = scattered(rng), scattered(rng)
        turn = rng.uniform(0, 2 * np.pi)
        lying = Pose(pose.x_mm + distance * np.cos(turn), pose.y_mm + distance * np.sin(turn), turn)
        shape, points = SHAPES[other], SHAPES[which].outline_mm
        template = (stance_of(pose), stance_of(lying), shape.distance_mm, shape.origin_mm, shape.step_mm, np.inf)
        every = trail_of(points)
        every[:, 2] = 1e6 * np.arange(len(points))
        assert deepest_mm(trail_of(points), *template) == deepest_mm(every, *template)

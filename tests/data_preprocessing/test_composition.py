"""The homographies that lead from a thing's window to its template, against numpy's own products."""

from dataclasses import replace

import numpy as np
import pytest
from generator_parts import PARTS, SIZE_WH, bracket, place, plate, scene_of

from kontur.data_preprocessing.arrangement import template_map
from kontur.data_preprocessing.collisions import clearance_mm
from kontur.data_preprocessing.composition import draw_things
from kontur.data_preprocessing.shapes import part_shape
from kontur.data_preprocessing.table import ground_of
from kontur.data_preprocessing.views import view_things
from kontur.geometry import Pose
from kontur.geometry.camera import nominal_camera


@pytest.mark.parametrize("every", [1, 2])
def test_a_windows_element_leads_to_the_template_through_picture_and_frame(every):
    rng = np.random.default_rng(every)
    homography = np.eye(3) + 0.01 * rng.normal(size=(3, 3))
    left, top = 31.5, -12.0
    shape, got = part_shape(bracket(), 0.4), np.empty(9, np.float32)
    template_map(got, homography, shape.body[1], 2 * shape.step_mm, float(every), left, top)
    window = np.array([[every, 0, left], [0, every, top], [0, 0, 1]])
    to_grid = np.linalg.inv(shape.grid_to_mm * (2, 2, 1))
    expected = (to_grid @ np.linalg.inv(homography) @ window).ravel()
    np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)
def test_the_clearance_of_two_things_does_not_depend_on_which_is_asked(part):
    lying, other = place(plate(), Pose(4.0, 3.0, 0.7)), place(part, Pose(21.0, -19.0, 2.1))
    there = clearance_mm(other.shape, other.pose, lying.shape, lying.pose)
    assert there == pytest.approx(clearance_mm(lying.shape, lying.pose, other.shape, other.pose), abs=1e-9)


@pytest.mark.parametrize("shift_px", [(-37, 0), (21, -29), (0, 43)])
def test_things_are_drawn_and_counted_alike_wherever_the_bands_cut_them(shift_px):
    """A camera moved by whole pixels sees the same light, moved."""
    still = nominal_camera(SIZE_WH, 2.0)
    matrix = still.matrix.copy()
    matrix[:2, 2] += shift_px
    moved = replace(still, matrix=matrix)
    scene = scene_of(place(plate(), Pose(2.0, 3.0, 0.4)), place(bracket(), Pose(6.0, -4.0, 1.9), base_mm=3.0))
    (ids, covered, light), (other_ids, other_covered, other_light) = (drawn(scene, camera) for camera in (still, moved))
    dx, dy = shift_px
    here = (slice(max(0, -dy), SIZE_WH[1] - max(0, dy)), slice(max(0, -dx), SIZE_WH[0] - max(0, dx)))
    there = (slice(max(0, dy), SIZE_WH[1] + min(0, dy)), slice(max(0, dx), SIZE_WH[0] + min(0, dx)))
    assert other_covered == pytest.approx(covered, rel=2e-3)
    assert (ids[here] == other_ids[there]).mean() > 0.999
    difference = np.abs(light[:, *here] - other_light[:, *there])
    assert difference.mean() < 2e-3
    assert len(np.unique(ids)) == 3


def drawn(scene, camera):
    """Ids, covered pixels and light of a scene on an even table under an even sky."""
    table = replace(scene.table, dark=(0.5,) * 3, bright=(0.5,) * 3)
    light = np.empty((3, SIZE_WH[1], SIZE_WH[0]), np.float32)
    ground = ground_of(table, None, np.ones((2, 2, 3), np.float32), SIZE_WH)
    seen = replace(scene, camera=camera)
    ids, covered = draw_things(seen, view_things(camera, seen.placements), ground, light)
    return ids, covered, light

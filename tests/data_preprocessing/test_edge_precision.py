"""Where a drawn edge lies, measured on the light itself, against the outline that the labels tell."""

from dataclasses import replace

import numpy as np
import pytest
from generator_parts import PLAIN, SIZE_WH, bracket, place, plate, scene_of
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import map_coordinates

from kontur.data_preprocessing.composition import draw_things
from kontur.data_preprocessing.table import ground_of
from kontur.data_preprocessing.views import view_things
from kontur.geometry import Part, Pose, resample
from kontur.geometry.camera import Camera, nominal_camera, tilted_camera

REACH_PX, STEP_PX = 3.0, 0.05
LEAST_PX = 0.05
"""What an edge may be off, px."""
LEAST_POINTS = 12


def light_of(part: Part, pose: Pose, camera: Camera) -> np.ndarray:
    """(H, W) light of a white part on a black table under an even sky."""
    white = PLAIN._replace(diffuse=(1.0, 1.0, 1.0), specular=(0.0, 0.0, 0.0))
    scene = scene_of(replace(place(part, pose), surface=white), camera=camera)
    black = replace(scene, table=replace(scene.table, dark=(0.0,) * 3, bright=(0.0,) * 3))
    light = np.zeros((3, SIZE_WH[1], SIZE_WH[0]), np.float32)
    ground = ground_of(black.table, None, np.ones((2, 2, 3), np.float32), SIZE_WH)
    draw_things(black, view_things(camera, scene.placements), ground, light)
    return light[1]


def edge_offsets(light: np.ndarray, points_px: np.ndarray, outward_px: np.ndarray) -> np.ndarray:
    """How far outside each point the edge lies, px: the light that an ideal edge would have, along the normal."""
    steps = np.arange(-REACH_PX, REACH_PX, STEP_PX) + STEP_PX / 2
    spots = points_px[:, None] + steps[:, None] * outward_px[:, None]
    profile = map_coordinates(light, [spots[..., 1], spots[..., 0]], order=1)
    return profile.sum(axis=1) * STEP_PX - REACH_PX


def straight_spots(part: Part, clear_mm: float) -> tuple[np.ndarray, np.ndarray]:
    """Points of the outline that are no nearer than `clear_mm` to a corner, and their outward normals, mm."""
    points, normals = resample(part.outer.points, 1.0)
    away = np.hypot(*(points[:, None] - part.outer.points).transpose(2, 0, 1)).min(axis=1)
    return points[away > clear_mm], normals[away > clear_mm]


def offsets(
    part: Part, pose: Pose, camera: Camera, points: np.ndarray, normals: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Offsets (px) at the points that lie well inside the picture, and which those are."""
    here, there = (camera.project(pose.apply(spots), 0.001) for spots in (points, points + 0.01 * normals))
    outward = (there - here) / np.hypot(*(there - here).T)[:, None]
    inside = ((here > 6) & (here < np.array(SIZE_WH) - 7)).all(axis=1)
    return edge_offsets(light_of(part, pose, camera), here[inside], outward[inside]), inside


@settings(max_examples=25, deadline=None)
@given(
    x=st.floats(-20, 20), y=st.floats(-15, 15), theta=st.floats(0, 6.28), flipped=st.booleans(), scale=st.floats(1.2, 3.0),
    tilt=st.floats(0, 0.15), which=st.integers(0, 1),
)  # fmt: skip
def test_straight_edges_lie_on_the_outline(x, y, theta, flipped, scale, tilt, which):
    part, pose = (bracket(), plate())[which], Pose(x, y, theta, flipped)
    camera = tilted_camera(SIZE_WH, scale, 500.0, tilt, 1.0)
    points, normals = straight_spots(part, 3.2)
    off, inside = offsets(part, pose, camera, points, normals)
    sides = np.round(np.arctan2(*normals[inside].T), 3)
    for side in np.unique(sides):
        along = off[sides == side]
        if len(along) >= LEAST_POINTS:
            assert abs(along.mean()) < LEAST_PX
            assert np.abs(along).max() < 3 * LEAST_PX  # the grid's own ripple along a slanted edge


@pytest.mark.parametrize("scale", [1.4, 2.0, 3.0])
@pytest.mark.parametrize("theta", [0.0, 0.4])
def test_small_holes_keep_their_size(scale, theta):
    """Holes of 3 mm radius: 4 to 9 px."""
    part, pose, camera = plate(), Pose(1.3, -0.6, theta), nominal_camera(SIZE_WH, scale)
    for hole in part.holes:
        points, normals = resample(hole.points, 0.5)
        off, _ = offsets(part, pose, camera, points, normals)
        if len(off):
            assert abs(off.mean()) < LEAST_PX
            assert np.abs(off).max() < 3 * LEAST_PX

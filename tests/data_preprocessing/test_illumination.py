"""Lamps, sky and shadows in numbers against vectors written out, and against the camera's own projection."""

from dataclasses import replace

import numpy as np
import pytest
from generator_parts import SIZE_WH, bracket, place, plate, scene_of, washer

from kontur.data_preprocessing.arrangement import arrange
from kontur.data_preprocessing.illumination import eye_of, half_slope, lamp_rows, table_field
from kontur.data_preprocessing.scene import Lamp, Scene
from kontur.data_preprocessing.views import view_things
from kontur.geometry import Pose
from kontur.geometry.camera import tilted_camera

CAMERA = tilted_camera(SIZE_WH, 1.5, 400.0, 0.08, 1.0)
LAMPS = (Lamp((300.0, -120.0, 500.0), (0.9, 1.0, 1.1), 0.1), Lamp((-200.0, 250.0, 300.0), (0.5, 0.4, 0.3), 0.2))


def lit(*things) -> Scene:
    sky = ((0.3, 0.3, 0.4), (0.5, 0.6, 0.7), (0.8, 0.7, 0.6))
    return replace(scene_of(*things, camera=CAMERA), lamps=LAMPS, sky=sky)


def arranged(scene: Scene):
    views = view_things(scene.camera, scene.placements)
    return (*arrange(scene, views, np.arange(1, len(views) + 1, dtype=np.uint8)), views)


def facing(spot: np.ndarray, lamp: Lamp, eye: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Unit vector to the lamp and the half vector."""
    to_lamp, to_eye = np.array(lamp.position_mm) - spot, eye - spot
    to_lamp = to_lamp / np.linalg.norm(to_lamp)
    return to_lamp, to_lamp + to_eye / np.linalg.norm(to_eye)


def test_a_facet_of_the_half_vectors_slope_mirrors_the_lamp_into_the_camera():
    scene, spot = lit(), np.array([20.0, -30.0, 4.0])
    eye = eye_of(scene)
    assert CAMERA.project(eye[None, :2] * 0.999, eye[2] * 0.999) == pytest.approx(CAMERA.project([[0, 0]]), abs=1e-6)
    for row, lamp in zip(lamp_rows(scene), LAMPS, strict=True):
        x, y, *to_lamp, fall = half_slope(eye, row, *spot)
        normal = np.array([x, y, 1.0]) / np.hypot(1.0, np.hypot(x, y))
        expected, _ = facing(spot, lamp, eye)
        mirrored = 2 * (normal @ expected) * normal - expected
        assert to_lamp == pytest.approx(expected)
        assert mirrored == pytest.approx((eye - spot) / np.linalg.norm(eye - spot))
        away = np.linalg.norm(np.array(lamp.position_mm) - spot)
        assert fall == pytest.approx(np.dot(lamp.position_mm, lamp.position_mm) / away**2)


def test_every_top_face_sees_the_lamps_from_where_it_is():
    scene = lit(place(plate(), Pose(-30, 10, 0.4), 0.0, 3.0), place(washer(), Pose(40, -5, 0), 1.0, 2.0))
    things, _, views = arranged(scene)
    for view, rows in zip(views, things.lamps, strict=True):
        spot = np.array([view.thing.pose.x_mm, view.thing.pose.y_mm, view.thing.top_mm])
        for lamp, row in zip(LAMPS, rows, strict=True):
            to_lamp, half = facing(spot, lamp, eye_of(scene))
            assert row[3:6] == pytest.approx(to_lamp, rel=1e-5)
            assert row[6:8] == pytest.approx(half[:2] / half[2], rel=1e-4)
            step = 8 / view.pose_px.scale_px_per_mm  # eight pixels to the right
            _, beside = facing(spot + (step, 0, 0), lamp, eye_of(scene))
            assert row[6:8] + 8 * row[8:10] == pytest.approx(beside[:2] / beside[2], abs=2e-4)


def test_a_shadow_falls_where_the_lamps_ray_meets_the_table():
    scene = lit(place(bracket(), Pose(10, 5, 0.3), 0.0, 6.0))
    _, casts, (view,) = arranged(scene)
    top = np.array([10.0, 5.0, 6.0])
    for k, lamp in enumerate(LAMPS):
        away = top - np.array(lamp.position_mm)
        foot = top + away * (top[2] / -away[2])
        shift = (foot - top)[:2] * (1, -1) * view.pose_px.scale_px_per_mm
        assert casts.shifts[0, 0, k] * 2 == pytest.approx(shift, abs=1.6)
    assert not casts.shifts[:, :, -1].any()
    assert not casts.falls_far.any()
    assert casts.shares.shape == (3, 3)


def test_a_thing_on_another_casts_on_what_lies_lower_too():
    scene = lit(place(plate(), Pose(0, 0, 0), 0.0, 2.0), place(washer(), Pose(0, 0, 0), 2.0, 2.0))
    _, casts, _ = arranged(scene)
    assert casts.falls_far.tolist() == [False, True]
    near, far = casts.catches
    assert (near + far == 1).all()
    assert (near[1, 1], near[1, 2], far[1, 0]) == (1, 1, 1)


def test_alone_a_thing_sees_sky_and_table_and_a_neighbour_on_its_side():
    bright = place(plate(), Pose(45, 0, 0))
    bright = replace(bright, surface=bright.surface._replace(diffuse=(0.9, 0.9, 0.9)))
    alone, beside = (arranged(lit(place(washer(), Pose(0, 0, 0)), *more))[0].skies[0] for more in ((), (bright,)))
    assert not alone[3:5].any()
    assert alone[:2] == pytest.approx(np.array([(0.3, 0.3, 0.4), (0.5, 0.6, 0.7)]))
    assert (beside[2] > alone[2]).all()
    assert (beside[3] > 0).all()
    assert beside[4] == pytest.approx(0, abs=1e-6)


def test_the_tables_light_is_the_cosine_law_and_the_sky():
    scene = lit()
    field = table_field(scene)
    rows, columns, _ = field.shape
    row, column = rows // 2, columns // 3
    pixel = [[column * SIZE_WH[0] / (columns - 1), row * SIZE_WH[1] / (rows - 1)]]
    spot = np.append(CAMERA.unproject(pixel)[0], 0.0)
    expected = np.array(scene.sky[0])
    for lamp in LAMPS:
        ray = np.array(lamp.position_mm) - spot
        fall = np.dot(lamp.position_mm, lamp.position_mm) / (ray @ ray)
        expected = expected + np.array(lamp.colour) * fall * ray[2] / np.linalg.norm(ray)
    assert field[row, column] == pytest.approx(expected, rel=1e-5)
    assert table_field(replace(scene, below=2.0)) == pytest.approx(field + 2.0, rel=1e-5)

from dataclasses import replace

import numpy as np
import pytest
import shapely
from generator_parts import (
    PARTS,
    PLAIN,
    SHARP,
    SIZE_WH,
    bracket,
    context,
    iou,
    pixels_inside,
    place,
    plate,
    scene_of,
    small_config,
    washer,
)  # fmt: skip
from hypothesis import given, settings
from hypothesis import strategies as st

from kontur.data_preprocessing.labels import silhouettes
from kontur.data_preprocessing.render import make_context, render_sample, render_scene
from kontur.geometry import Pose
from kontur.geometry.camera import Camera, nominal_camera, tilted_camera

poses = st.builds(Pose, st.floats(-40, 40), st.floats(-30, 30), st.floats(0, 6.28), st.booleans())


def projected(part, pose_px) -> shapely.Polygon:
    return shapely.Polygon(pose_px.apply(part.outer.points), [pose_px.apply(hole.points) for hole in part.holes])


@settings(max_examples=25, deadline=None)
@given(pose=poses, which=st.integers(0, 3))
def test_the_pose_puts_the_drawing_exactly_on_the_id_map(pose, which):
    part = PARTS[which]
    sample = render_scene(context(), scene_of(place(part, pose)), SHARP).sample
    if not sample.instances:
        return
    expected = pixels_inside(projected(part, sample.instances[0].pose))
    wrong = (expected != (sample.ids == 1)).sum()
    assert wrong <= 0.02 * expected.sum() + 2


@settings(max_examples=15, deadline=None)
@given(pose=poses, thickness=st.floats(0.5, 6), tilt=st.floats(0, 0.3), towards=st.floats(0, 6.28))
def test_side_walls_are_those_of_an_extruded_solid(pose, thickness, tilt, towards):
    camera = tilted_camera(SIZE_WH, 1.4, 300.0, tilt, towards)
    part = bracket()
    rendered = render_scene(context(), scene_of(place(part, pose, thickness_mm=thickness), camera=camera), SHARP)
    slices = [
        shapely.Polygon(
            camera.project(pose.apply(part.outer.points), z),
            [camera.project(pose.apply(hole.points), z) for hole in part.holes],
        )
        for z in np.linspace(0, thickness, 25)
    ]
    expected = pixels_inside(shapely.union_all(slices))
    assert iou(expected, rendered.sample.ids == 1) > 0.985 or expected.sum() < 200


def test_lens_distortion_bends_the_truth_and_the_picture_alike():
    straight = nominal_camera(SIZE_WH, 1.4)
    camera = Camera(
        straight.size_wh, straight.matrix, straight.rotation, straight.translation_mm, np.array([-0.6, 0, 0, 0, 0])
    )
    pose = Pose(45.0, 30.0, 0.4)
    rendered = render_scene(context(), scene_of(place(plate(), pose), camera=camera), SHARP)
    part = plate()
    expected = pixels_inside(
        shapely.Polygon(
            camera.project(pose.apply(part.outer.points)), [camera.project(pose.apply(h.points)) for h in part.holes]
        )
    )
    assert iou(expected, rendered.sample.ids == 1) > 0.98


def test_holes_show_the_part_below():
    below, above = place(plate(0), Pose(0, 0, 0), index=1), place(washer(), Pose(0, 0, 0), base_mm=0.001, index=2)
    sample = render_scene(context(), scene_of(below, above), SHARP).sample
    middle = sample.ids[SIZE_WH[1] // 2, SIZE_WH[0] // 2]
    assert [instance.part for instance in sample.instances] == [1, 2]
    assert middle == 1
    assert sample.instances[1].visible_fraction == 1.0
    hidden = np.pi * (14**2 - 7**2) / (50 * 34)
    assert sample.instances[0].visible_fraction == pytest.approx(1 - hidden, abs=0.01)


def test_a_part_that_leaves_the_picture_counts_what_lies_outside():
    left_edge_mm = -(SIZE_WH[0] - 1) / 2 / 1.4
    sample = render_scene(context(), scene_of(place(plate(0), Pose(left_edge_mm, 0, 0))), SHARP).sample
    assert sample.instances[0].visible_fraction == pytest.approx(0.5, abs=0.02)


def test_a_part_out_of_sight_is_no_instance_and_ids_have_no_gap():
    things = [
        place(plate(0), Pose(500, 0, 0), index=0),
        place(washer(), Pose(0, 0, 0), index=2),
        place(plate(0), Pose(0, 0, 0.1), base_mm=1.0, index=1),
        place(washer(), Pose(50, 0, 0), index=3),
    ]
    rendered = render_scene(context(), scene_of(*things), SHARP)
    assert rendered.keys == (0, 0, 1, 2)
    assert [instance.part for instance in rendered.sample.instances] == [1, 3]
    assert set(np.unique(rendered.sample.ids)) == {0, 1, 2}


def test_clutter_hides_but_is_no_instance():
    part, clutter = place(plate(0), Pose(0, 0, 0)), place(washer(), Pose(0, 0, 0), base_mm=0.5, index=None)
    sample = render_scene(context(), scene_of(part, clutter), SHARP).sample
    assert len(sample.instances) == 1
    assert sample.instances[0].visible_fraction < 0.8


def test_a_face_down_bracket_is_its_mirror_image():
    up = render_scene(context(), scene_of(place(bracket(), Pose(0, 0, 0))), SHARP).sample
    down = render_scene(context(), scene_of(place(bracket(), Pose(0, 0, 0, flipped=True))), SHARP).sample
    assert down.instances[0].pose.flipped
    assert iou(up.ids[:, ::-1] == 1, down.ids == 1) > 0.99
    assert iou(up.ids == 1, down.ids == 1) < 0.9


def test_brightness_follows_albedo():
    bright = replace(place(plate(0), Pose(0, 0, 0)), surface=PLAIN._replace(diffuse=(0.8, 0.8, 0.8)))
    dark = replace(bright, surface=PLAIN._replace(diffuse=(0.05, 0.05, 0.05)))
    levels = [
        render_scene(context(), scene_of(thing), SHARP).sample.image[SIZE_WH[1] // 2, SIZE_WH[0] // 2].mean()
        for thing in (dark, bright)
    ]
    table = render_scene(context(), scene_of(), SHARP).sample.image.mean()
    assert levels[0] < table < levels[1]


def test_a_sample_depends_on_its_seed_and_index_alone():
    first = render_sample(context(), 5, 11)
    render_sample(context(), 5, 12)
    again = render_sample(make_context(small_config(), PARTS), 5, 11)
    assert np.array_equal(first.image, again.image)
    assert np.array_equal(first.ids, again.ids)
    assert first.instances == again.instances
    assert not np.array_equal(first.image, render_sample(context(), 6, 11).image)


def test_silhouettes_have_the_area_of_the_id_map():
    for index in range(6):
        sample_context = context()
        from kontur.data_preprocessing.render import draw_all

        scene, look = draw_all(sample_context, 1, index)
        rendered = render_scene(sample_context, scene, look)
        for key, area in zip(rendered.keys, silhouettes(rendered.views), strict=True):
            if key and rendered.sample.instances[key - 1].visible_fraction == 1.0:
                pixels = (rendered.sample.ids == key).sum()
                assert pixels == pytest.approx(area.area(), abs=0.02 * area.area() + 6)

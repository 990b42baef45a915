"""Pictures as they were when somebody last looked at them: one for each preset, and one of every material."""

from typing import get_args

import numpy as np
import pytest
from generator_parts import PARTS, SHARP, place, scene_of, small_config, washer

from kontur.data_preprocessing.data_config import MaterialKind, MaterialSection
from kontur.data_preprocessing.presets import PRESETS
from kontur.data_preprocessing.render import make_context, render_sample, render_scene
from kontur.data_preprocessing.scene import Lamp
from kontur.data_preprocessing.surfaces import draw_surface
from kontur.geometry import Pose


@pytest.mark.parametrize("preset", sorted(PRESETS))
def test_preset(golden_picture, preset):
    context = make_context(small_config(preset=preset), PARTS)
    golden_picture(f"preset_{preset}", np.hstack([render_sample(context, 8, index).image for index in range(3)]))


def test_materials(golden_picture):
    """Two rows of washers, one of each material, under one lamp from the upper left."""
    from dataclasses import replace

    things = []
    for number, kind in enumerate(get_args(MaterialKind)):
        surface = draw_surface(kind, MaterialSection(), np.random.default_rng(number + 40))
        pose = Pose(-58.0 + 29 * (number % 5), 22.0 - 44 * (number // 5), np.pi / 2)
        things.append(replace(place(washer(), pose, thickness_mm=2.5), surface=surface, bevel_mm=0.5))
    scene = replace(scene_of(*things), lamps=(Lamp((-300.0, 300.0, 500.0), (0.9, 0.95, 1.0), 0.1),))
    scene = replace(scene, sky=((0.4, 0.4, 0.4), (0.1, 0.1, 0.1), (0.3, 0.3, 0.3)))
    context = make_context(small_config(), PARTS)
    golden_picture("materials", render_scene(context, scene, SHARP).sample.image)

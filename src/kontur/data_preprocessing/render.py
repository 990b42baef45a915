"""From a scene to a sample: light in linear float on the table and the parts, then lens, sensor and id map.

The order is the physical one: the table under its lamps; for each thing, bottom to top, the shadow it casts on what is
already there, then its walls and top face; lens; sensor. What is approximate: a shadow darkens the light already gathered by
its lamp's share of the table's irradiance; walls are the union of slices through the thickness; a lens's distortion is
followed exactly at the parts (their homographies are fitted to distorted points) and left out of the table's pattern.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from kontur.data_preprocessing.clutter import clutter_pool
from kontur.data_preprocessing.compiled import room_for
from kontur.data_preprocessing.composition import draw_things
from kontur.data_preprocessing.data_config import DataConfig
from kontur.data_preprocessing.illumination import table_field
from kontur.data_preprocessing.rle import count_ids
from kontur.data_preprocessing.sample import Instance, Sample
from kontur.data_preprocessing.scene import PICTURE, Scene, draw_scene
from kontur.data_preprocessing.sensor import Look, draw_look, photograph
from kontur.data_preprocessing.shapes import Shape, part_shape
from kontur.data_preprocessing.streams import sample_stream
from kontur.data_preprocessing.table import ground_of
from kontur.data_preprocessing.textures import noise_pool
from kontur.data_preprocessing.views import View, view_things
from kontur.geometry import Part
from kontur.pictures import find_pictures

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Rendered:
    """A sample and what it was rendered from.

    Attributes:
        sample: picture, id map, instances.
        scene: its scene.
        views: how the camera sees each placement.
        keys: (number of placements,) id of each placement in the map; 0 for clutter and for what cannot be seen.
    """

    sample: Sample
    scene: Scene
    views: tuple[View, ...]
    keys: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class RenderContext:
    """What every sample of a data set shares; made once in each process.

    Attributes:
        config, parts: what is asked for.
        shapes: distance templates, one for each part.
        clutter: templates of what is no part, by kind.
        pictures: the user's pictures that serve as tables.
        noise: the pool of the sensor's noise.
    """

    config: DataConfig
    parts: tuple[Part, ...]
    shapes: tuple[Shape, ...]
    clutter: dict[str, tuple[Shape, ...]]
    pictures: tuple[Path, ...]
    noise: Floats


def make_context(config: DataConfig, parts: Sequence[Part], pictures: Sequence[Path] = ()) -> RenderContext:
    """Prepare templates and texture pools (a second or so; table patterns are made when first used)."""
    step = max(0.05, 0.7 * config.camera.mm_per_px[0])
    shapes = tuple(part_shape(part, step) for part in parts)
    return RenderContext(config, tuple(parts), shapes, clutter_pool(parts, step), tuple(pictures), noise_pool())


def background_pictures(folder: Path) -> tuple[Path, ...]:
    """Return the pictures of a folder, none when it is missing or empty."""
    if not folder.is_dir() or not any(folder.iterdir()):
        return ()
    return tuple(find_pictures([folder]))


def render_sample(context: RenderContext, seed: int, index: int) -> Sample:
    """Render sample `index`: a pure function of the context's configuration, parts and pictures, and of (seed, index)."""
    return render_scene(context, *draw_all(context, seed, index)).sample


def draw_all(context: RenderContext, seed: int, index: int) -> tuple[Scene, Look]:
    """Draw scene and camera of sample `index` from its own random stream."""
    rng = sample_stream(seed, index)
    scene = draw_scene(context.config, context.parts, context.shapes, context.clutter, len(context.pictures), rng)
    return scene, draw_look(context.config, rng)


def render_scene(context: RenderContext, scene: Scene, look: Look) -> Rendered:
    """Render a scene with a given lens and sensor."""
    width, height = scene.camera.size_wh
    light = _light_buffer(threading.get_ident(), width, height)
    picture = context.pictures[scene.table.variant] if scene.table.kind == PICTURE else None
    ground = ground_of(scene.table, picture, table_field(scene), scene.camera.size_wh)
    views = view_things(scene.camera, scene.placements)
    ids, whole = draw_things(scene, views, ground, light)
    visible = count_ids(ids).astype(np.float32)
    instances, keys = _label(views, visible, whole)
    renumber = np.zeros(256, np.uint8)
    renumber[1 : len(whole)] = [
        key for key, thing in zip(keys, scene.placements, strict=True) if thing.part is not None
    ]
    if not np.array_equal(renumber[: len(whole)], np.arange(len(whole))):
        ids = cv2.LUT(ids, renumber)
    image = photograph(light, look, context.noise)
    return Rendered(Sample(image, ids, instances), scene, views, keys)


def _label(
    views: Sequence[View], visible: Floats, whole: Sequence[int]
) -> tuple[tuple[Instance, ...], tuple[int, ...]]:
    """Number the instances that can be seen, without gaps; returns them and each placement's new id."""
    instances, keys, old = [], [], 0
    for view in views:
        part = view.thing.part
        old += part is not None
        if part is None or not visible[old]:
            keys.append(0)
            continue
        instances.append(Instance(part, view.pose_px, min(1.0, float(visible[old] / max(1, whole[old])))))
        keys.append(len(instances))
    return tuple(instances), tuple(keys)


@lru_cache(maxsize=16)
def _light_buffer(_thread: int, width: int, height: int) -> NDArray[np.uint16]:
    """Memory for a picture's packed light, one for each thread: fresh pages would cost as much as filling them."""
    return room_for((3, height, width), np.uint16)

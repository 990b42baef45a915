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

from kontur.data_preprocessing import kernels
from kontur.data_preprocessing.clutter import clutter_pool
from kontur.data_preprocessing.data_config import DataConfig
from kontur.data_preprocessing.layout import Placement
from kontur.data_preprocessing.sample import Instance, Sample
from kontur.data_preprocessing.scene import Lamp, Scene, draw_scene
from kontur.data_preprocessing.sensor import Look, draw_look, photograph
from kontur.data_preprocessing.shapes import MARGIN_MM, Shape, part_shape
from kontur.data_preprocessing.surfaces import packed
from kontur.data_preprocessing.textures import detail_pool, noise_pool, pattern
from kontur.data_preprocessing.views import View, view_things
from kontur.geometry import Part
from kontur.geometry.camera import Camera
from kontur.pictures import Picture, find_pictures, read_picture

_LONGEST_SHADOW_PX = 60
_LIGHT_CELL_PX = 16
_PICTURE_SIDE = 1400
_SRGB_GAMMA = 2.2

Floats = NDArray[np.float32]
Matrix = NDArray[np.float64]


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
        detail, noise: the texture pools.
    """

    config: DataConfig
    parts: tuple[Part, ...]
    shapes: tuple[Shape, ...]
    clutter: dict[str, tuple[Shape, ...]]
    pictures: tuple[Path, ...]
    detail: NDArray[np.uint8]
    noise: Floats


def make_context(config: DataConfig, parts: Sequence[Part], pictures: Sequence[Path] = ()) -> RenderContext:
    """Prepare templates and texture pools (a second or so; table patterns are made when first used)."""
    step = max(0.05, 0.7 * config.camera.mm_per_px[0])
    shapes = tuple(part_shape(part, step) for part in parts)
    return RenderContext(
        config, tuple(parts), shapes, clutter_pool(parts, step), tuple(pictures), detail_pool(), noise_pool()
    )


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
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(index,)))
    scene = draw_scene(context.config, context.parts, context.shapes, context.clutter, len(context.pictures), rng)
    return scene, draw_look(context.config, rng)


def render_scene(context: RenderContext, scene: Scene, look: Look) -> Rendered:
    """Render a scene with a given lens and sensor."""
    width, height = scene.camera.size_wh
    light = _table_light(context, scene)
    ids = np.zeros((height, width), np.uint8)
    shares = _lamp_shares(scene)
    visible = np.zeros(256, np.int64)
    whole = [0]
    views = view_things(scene.camera, scene.placements)
    for placement, view in zip(scene.placements, views, strict=True):
        key = 0 if placement.part is None else len(whole)
        covered = _draw(context, scene, view, shares, light, ids, visible, key)
        if key:
            whole.append(covered)
    instances, keys = _label(views, visible, whole)
    renumber = np.zeros(256, np.uint8)
    renumber[1 : len(whole)] = [
        key for key, thing in zip(keys, scene.placements, strict=True) if thing.part is not None
    ]
    image = photograph(light, look, context.noise)
    return Rendered(Sample(image, cv2.LUT(ids, renumber), instances), scene, views, keys)


def _label(
    views: Sequence[View], visible: NDArray[np.int64], whole: Sequence[int]
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


def _draw(
    context: RenderContext,
    scene: Scene,
    view: View,
    shares: Floats,
    light: Floats,
    ids: NDArray[np.uint8],
    visible: NDArray[np.int64],
    key: int,
) -> int:
    """Cast one thing's shadow and draw it; returns the pixels it covers alone."""
    thing, scale = view.thing, np.float32(view.pose_px.scale_px_per_mm)
    shifts, softness = _shadow_shifts(scene, thing, float(scale))
    pad = int(np.abs(shifts).max() + np.ceil(softness.max() / 2)) + 2
    top_mm = _warp(view, 0, pad)
    all_mm = top_mm
    for number in range(1, len(view.homographies)):
        all_mm = cv2.max(all_mm, _warp(view, number, pad))
    left, top = view.left - pad, view.top - pad
    kernels.cast_shadows(light, all_mm, scale, shifts, softness, shares, left, top)
    inner = slice(pad, pad + view.size[1]), slice(pad, pad + view.size[0])
    face_mm, whole_mm = np.ascontiguousarray(top_mm[inner]), np.ascontiguousarray(all_mm[inner])
    matrix = view.pose_px.matrix
    inverse = np.linalg.inv(matrix[:, :2])
    to_mm = np.column_stack([inverse, inverse @ (np.array([view.left, view.top]) - matrix[:, 2])]).astype(np.float32)
    tints, texture = packed(thing.surface)
    return int(kernels.draw_part(
        light, ids, key, visible, face_mm, whole_mm, view.left, view.top, to_mm, scale, tints, texture,
        _lamps_at(scene, thing, float(scale)), np.array(scene.sky, np.float32), context.detail,
        np.float32(max(thing.bevel_mm, 0.7 / float(scale))),
    ))  # fmt: skip


def _warp(view: View, number: int, pad: int) -> Floats:
    """Signed distance (mm) to the thing's outline at height `number` of its view, over its window and `pad` px around."""
    shape = view.thing.shape
    shift = np.array([[1, 0, pad - view.left], [0, 1, pad - view.top], [0, 0, 1.0]])
    size = view.size[0] + 2 * pad, view.size[1] + 2 * pad
    return cv2.warpPerspective(
        shape.distance_mm, shift @ view.homographies[number] @ shape.grid_to_mm, size,
        flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=-MARGIN_MM,
    )  # fmt: skip


def _shadow_shifts(scene: Scene, thing: Placement, scale: float) -> tuple[NDArray[np.int64], Floats]:
    """(L + 1, 2) shift of the top edge's shadow on what the thing lies on, and (L + 1,) width of its penumbra, px.

    The last row is the sky's contact shadow: no shift, as wide as the thing is thick.
    """
    top = np.array([thing.pose.x_mm, thing.pose.y_mm, thing.top_mm])
    shifts, softness = np.zeros((len(scene.lamps) + 1, 2)), np.empty(len(scene.lamps) + 1, np.float32)
    for k, lamp in enumerate(scene.lamps):
        to_lamp = np.array(lamp.position_mm) - top
        per_height = thing.thickness_mm / max(1e-6, to_lamp[2]) * scale
        shifts[k] = to_lamp[:2] * (-per_height, per_height)
        softness[k] = 2 * lamp.radius_rad * float(np.linalg.norm(to_lamp)) * per_height
    softness[-1] = 1.5 * thing.thickness_mm * scale
    return np.rint(np.clip(shifts, -_LONGEST_SHADOW_PX, _LONGEST_SHADOW_PX)).astype(np.int64), np.minimum(softness, 40)


def _lamp_shares(scene: Scene) -> Floats:
    """(L + 1, 3) share of each lamp, and half of the sky's, in the light on the middle of the table."""
    rows = [np.array(lamp.colour) * _unit(lamp.position_mm)[2] for lamp in scene.lamps]
    rows.append(np.array(scene.sky[0]))
    table = np.array(rows)
    shares = table / (table.sum(axis=0) + scene.below)
    shares[-1] *= 0.6
    return shares.astype(np.float32)


def _unit(vector: Sequence[float]) -> Matrix:
    array = np.asarray(vector, float)
    return array / np.linalg.norm(array)


def _half_slope(camera: Camera, lamp: Lamp, points: Matrix) -> tuple[Matrix, Matrix, Matrix]:
    """At (N, 3) points in mm: slope of the half vector (N, 2), unit vector to the lamp (N, 3), fall-off of light (N,)."""
    position = np.array(lamp.position_mm)
    to_lamp = position - points
    distance = np.linalg.norm(to_lamp, axis=1, keepdims=True)
    to_lamp = to_lamp / distance
    to_eye = -camera.rotation.T @ camera.translation_mm - points
    to_eye = to_eye / np.linalg.norm(to_eye, axis=1, keepdims=True)
    half = to_lamp + to_eye
    fall = (np.linalg.norm(position) / distance[:, 0]) ** 2
    return half[:, :2] / half[:, 2:], to_lamp, fall


def _lamps_at(scene: Scene, placement: Placement, scale: float) -> Floats:
    """(L, 13) float32 lamp rows for `kernels.draw_part`."""
    x, y, z = placement.pose.x_mm, placement.pose.y_mm, placement.top_mm
    step = 5.0
    points = np.array([[x, y, z], [x + step, y, z], [x, y - step, z]])
    rows = np.empty((len(scene.lamps), 13), np.float32)
    for row, lamp in zip(rows, scene.lamps, strict=True):
        slope, to_lamp, fall = _half_slope(scene.camera, lamp, points)
        row[:3] = np.array(lamp.colour) * fall[0]
        row[3:6] = to_lamp[0]
        row[6:8] = slope[0]
        row[8:10] = (slope[1] - slope[0]) / (step * scale)
        row[10:12] = (slope[2] - slope[0]) / (step * scale)
        row[12] = lamp.radius_rad / 4
    return rows


def _table_light(context: RenderContext, scene: Scene) -> Floats:
    """(H, W, 3) linear light of the bare table."""
    width, height = scene.camera.size_wh
    table = scene.table
    out = _light_buffer(threading.get_ident(), width, height)
    c, s = np.cos(table.turn_rad) * table.zoom, np.sin(table.turn_rad) * table.zoom
    matrix = np.array([[c, -s, table.shift[0]], [s, c, table.shift[1]]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    levels = np.arange(256) / 255
    if table.kind == "picture":
        picture = _load_picture(context.pictures[table.variant])
        cut = cv2.warpAffine(picture, matrix, (width, height), flags=flags, borderMode=cv2.BORDER_REFLECT_101)
        tones = np.tile(levels**_SRGB_GAMMA, (3, 1))
    else:
        tile = pattern(table.kind, table.variant)
        cut = cv2.warpAffine(tile, matrix, (width, height), flags=flags, borderMode=cv2.BORDER_WRAP)[:, :, None]
        dark, bright = np.array(table.dark)[:, None], np.array(table.bright)[:, None]
        tones = dark + (bright - dark) * levels
    kernels.light_table(out, cut, tones.astype(np.float32), _light_field(scene))
    return out


@lru_cache(maxsize=16)
def _light_buffer(_thread: int, width: int, height: int) -> Floats:
    """Memory for a picture's light, one for each thread: fresh pages would cost as much as filling them."""
    return np.empty((height, width, 3), np.float32)


@lru_cache(maxsize=32)
def _load_picture(path: Path) -> Picture:
    """A user's picture, at most 1400 px on its longer side."""
    picture = read_picture(path)
    factor = _PICTURE_SIDE / max(picture.shape[:2])
    return picture if factor >= 1 else cv2.resize(picture, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)


def _light_field(scene: Scene) -> Floats:
    """(rows, columns, 3) what a table of albedo 1 sends back on a coarse grid: lamps, sky, light from below, glare."""
    width, height = scene.camera.size_wh
    columns, rows = width // _LIGHT_CELL_PX + 2, height // _LIGHT_CELL_PX + 2
    v, u = np.mgrid[0:rows, 0:columns]
    pixels = np.column_stack([u.ravel() * width / (columns - 1), v.ravel() * height / (rows - 1)])
    spots = np.column_stack([scene.camera.unproject(pixels), np.zeros(pixels.shape[0])])
    field = np.tile(np.array(scene.sky[0]) + scene.below, (len(spots), 1))
    middle = np.maximum(0.05, (np.array(scene.table.dark) + scene.table.bright) / 2)
    for lamp in scene.lamps:
        slope, to_lamp, fall = _half_slope(scene.camera, lamp, spots)
        spread = scene.table.slope + lamp.radius_rad / 4
        glare = 0.04 * scene.table.gloss / (4 * spread**2 * (1 + (slope**2).sum(axis=1) / spread**2) ** 2)
        field += fall[:, None] * np.array(lamp.colour) * (to_lamp[:, 2:] + glare[:, None] / middle)
    return field.reshape(rows, columns, 3).astype(np.float32)

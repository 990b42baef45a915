"""From a scene to a sample: light in linear float on the table and the parts, then lens, sensor and id map.

The order is the physical one: the table under its lamps; for each thing, bottom to top, the shadow it casts on what is
already there, then its walls and top face; lens; sensor. What is approximate: a shadow darkens the light already gathered by
its lamp's share of the table's irradiance; walls are the union of slices through the thickness; a lens's distortion is
followed exactly at the parts (their homographies are fitted to distorted points) and left out of the table's pattern.
"""

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
from kontur.data_preprocessing.textures import detail_pool, noise_pool, pattern
from kontur.geometry import Part
from kontur.geometry.camera import Camera
from kontur.pictures import Picture, find_pictures, read_picture

_SLICE_PX = 1.2
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
        keys: (number of placements,) id of each placement in the map; 0 for clutter and for what cannot be seen.
    """

    sample: Sample
    scene: Scene
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
    whole = [0]
    for placement in scene.placements:
        key = 0 if placement.part is None else len(whole)
        covered = _draw(context, scene, placement, shares, light, ids, key)
        if key:
            whole.append(covered)
    visible = np.bincount(ids.ravel(), minlength=len(whole))
    instances, keys = _label(scene, visible, whole)
    renumber = np.zeros(256, np.uint8)
    renumber[1 : len(whole)] = [
        key for key, thing in zip(keys, scene.placements, strict=True) if thing.part is not None
    ]
    image = photograph(light, look, context.noise)
    return Rendered(Sample(image, cv2.LUT(ids, renumber), instances), scene, keys)


def _label(
    scene: Scene, visible: NDArray[np.int64], whole: Sequence[int]
) -> tuple[tuple[Instance, ...], tuple[int, ...]]:
    """Number the instances that can be seen, without gaps; returns them and each placement's new id."""
    instances, keys, old = [], [], 0
    for thing in scene.placements:
        old += thing.part is not None
        if thing.part is None or not visible[old]:
            keys.append(0)
            continue
        pose = scene.camera.pixel_pose(thing.pose, thing.top_mm)
        instances.append(Instance(thing.part, pose, min(1.0, float(visible[old] / max(1, whole[old])))))
        keys.append(len(instances))
    return tuple(instances), tuple(keys)


def _draw(
    context: RenderContext,
    scene: Scene,
    placement: Placement,
    shares: Floats,
    light: Floats,
    ids: NDArray[np.uint8],
    key: int,
) -> int:
    """Cast one thing's shadow and draw it; returns the pixels it covers alone."""
    camera = scene.camera
    left, top, size = _window(camera, placement)
    if size[0] < 3 or size[1] < 3:
        return 0
    pose_px = camera.pixel_pose(placement.pose, placement.top_mm)
    top_mm = _slice(camera, placement, placement.top_mm, left, top, size)
    all_mm = top_mm
    for z in lean_slices(camera, placement)[1:]:
        all_mm = cv2.max(all_mm, _slice(camera, placement, z, left, top, size))
    scale = np.float32(pose_px.scale_px_per_mm)
    _cast_shadows(scene, placement, all_mm, float(scale), shares, light, left, top)
    matrix = pose_px.matrix
    inverse = np.linalg.inv(matrix[:, :2])
    to_mm = np.column_stack([inverse, inverse @ (np.array([left, top]) - matrix[:, 2])]).astype(np.float32)
    lamps = _lamps_at(scene, placement, float(scale))
    sky = np.array(scene.sky, np.float32)
    return int(kernels.draw_part(
        light, ids, key, top_mm, all_mm, left, top, to_mm, scale, placement.surface, lamps, sky, context.detail,
        np.float32(max(placement.bevel_mm, 0.7 / float(scale))),
    ))  # fmt: skip


def lean_slices(camera: Camera, placement: Placement) -> list[float]:
    """Return the heights (mm), top first, whose outlines make up the silhouette: one for each 1.2 px that the walls show."""
    middle = np.array([[placement.pose.x_mm, placement.pose.y_mm]])
    lean = camera.project(middle, placement.top_mm) - camera.project(middle, placement.base_mm)
    count = max(1, int(np.ceil(float(np.hypot(*lean[0])) / _SLICE_PX)))
    return [placement.top_mm - placement.thickness_mm * k / count for k in range(count + 1)]


def _window(camera: Camera, placement: Placement) -> tuple[int, int, tuple[int, int]]:
    """Left, top and (width, height) of the rectangle that holds the thing with a margin, px."""
    x0, y0, x1, y1 = placement.shape.bounds_mm
    corners = placement.pose.apply(np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]]))
    outline = np.concatenate([camera.project(corners, z) for z in (placement.base_mm, placement.top_mm)])
    low = np.floor(outline.min(axis=0)).astype(int) - 4
    high = np.ceil(outline.max(axis=0)).astype(int) + 5
    return int(low[0]), int(low[1]), (int(high[0] - low[0]), int(high[1] - low[1]))


def plane_homography(camera: Camera, placement: Placement, z_mm: float) -> Matrix:
    """Return the (3, 3) homography from the thing's frame (mm) at height `z_mm` to px, lens distortion fitted."""
    turn = placement.pose.apply(np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]]))
    to_plane = np.array([*(turn[:2] - turn[2]), turn[2]]).T
    to_plane = np.vstack([to_plane, [0, 0, 1]])
    if camera.distortion.any():
        x0, y0, x1, y1 = placement.shape.bounds_mm
        grid = np.array([[x, y] for x in np.linspace(x0, x1, 3) for y in np.linspace(y0, y1, 3)])
        target = camera.project(placement.pose.apply(grid), z_mm)
        return cv2.findHomography(grid, target)[0]
    lift = camera.translation_mm + camera.rotation[:, 2] * z_mm
    return camera.matrix @ np.column_stack([camera.rotation[:, :2], lift]) @ to_plane


def _slice(camera: Camera, placement: Placement, z_mm: float, left: int, top: int, size: tuple[int, int]) -> Floats:
    """Signed distance (mm) to the thing's outline at height `z_mm`, over the window."""
    shape = placement.shape
    shift = np.array([[1, 0, -left], [0, 1, -top], [0, 0, 1.0]])
    matrix = shift @ plane_homography(camera, placement, z_mm) @ shape.grid_to_mm
    return cv2.warpPerspective(
        shape.distance_mm, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=-MARGIN_MM
    )


def _cast_shadows(
    scene: Scene, placement: Placement, all_mm: Floats, scale: float, shares: Floats, light: Floats, left: int, top: int
) -> None:
    """Darken the neighbourhood: one soft shadow for each lamp, and the sky's contact shadow."""
    reach = [_shadow_reach(lamp, placement, scale) for lamp in scene.lamps]
    longest = max((float(np.hypot(*shift)) + 3 * blur for shift, blur in reach), default=0.0)
    pad = int(np.ceil(longest + 3 * scale + 3))
    height, width = all_mm.shape
    alone = np.zeros((height + 2 * pad, width + 2 * pad), np.uint8)
    kernels.coverage(all_mm, np.float32(scale), alone[pad : pad + height, pad : pad + width])
    covers = np.empty((len(reach) + 1, *alone.shape), np.uint8)
    size = alone.shape[1], alone.shape[0]
    for k, (shift, blur) in enumerate(reach):
        moved = alone
        for part in (0.5, 1.0):
            matrix = np.array([[1, 0, part * shift[0]], [0, 1, part * shift[1]]])
            step = cv2.warpAffine(alone, matrix, size, flags=cv2.INTER_LINEAR)
            step = cv2.GaussianBlur(step, (0, 0), max(0.4, part * blur))
            moved = cv2.max(moved, step)
        covers[k] = moved
    covers[-1] = cv2.GaussianBlur(alone, (0, 0), max(0.6, 0.5 * placement.thickness_mm * scale))
    kernels.cast_shadow(light, covers, shares, left - pad, top - pad)


def _shadow_reach(lamp: Lamp, placement: Placement, scale: float) -> tuple[tuple[float, float], float]:
    """Shift (px) of the top edge's shadow on what the thing lies on, and the deviation of its penumbra (px)."""
    to_lamp = np.array(lamp.position_mm) - (placement.pose.x_mm, placement.pose.y_mm, placement.top_mm)
    flat = -to_lamp[:2] / max(1e-6, to_lamp[2]) * placement.thickness_mm
    length = float(np.linalg.norm(to_lamp)) / max(1e-6, to_lamp[2]) * placement.thickness_mm
    shift = np.clip(flat * scale, -60, 60)
    return (float(shift[0]), float(-shift[1])), min(20.0, float(0.6 * lamp.radius_rad * length * scale))


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
    field = _light_field(scene)
    table = scene.table
    out = np.empty((height, width, 3), np.float32)
    c, s = np.cos(table.turn_rad) * table.zoom, np.sin(table.turn_rad) * table.zoom
    matrix = np.array([[c, -s, table.shift[0]], [s, c, table.shift[1]]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    levels = np.arange(256) / 255
    if table.kind == "picture":
        picture = _load_picture(context.pictures[table.variant])
        cut = cv2.warpAffine(picture, matrix, (width, height), flags=flags, borderMode=cv2.BORDER_REFLECT_101)
        tones = np.tile(levels**_SRGB_GAMMA, (3, 1)).astype(np.float32)
        kernels.light_picture(out, cut, tones, field)
        return out
    cut = cv2.warpAffine(
        pattern(table.kind, table.variant), matrix, (width, height), flags=flags, borderMode=cv2.BORDER_WRAP
    )
    dark, bright = np.array(table.dark)[:, None], np.array(table.bright)[:, None]
    kernels.light_table(out, cut, (dark + (bright - dark) * levels).astype(np.float32), field)
    return out


@lru_cache(maxsize=32)
def _load_picture(path: Path) -> Picture:
    """A user's picture, at most 1400 px on its longer side."""
    picture = read_picture(path)
    factor = _PICTURE_SIDE / max(picture.shape[:2])
    return picture if factor >= 1 else cv2.resize(picture, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)


def _light_field(scene: Scene) -> Floats:
    """(H, W, 3) what a table of albedo 1 would send back: lamps, sky, light from below, and the lamps' glare."""
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
    small = field.reshape(rows, columns, 3).astype(np.float32)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)

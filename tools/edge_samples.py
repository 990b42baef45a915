"""What the edge reader learns from: contours near parts in pictures of the generator, and where they ought to lie.

Half of the drawings are random (rounded unions of boxes and discs with holes), half are the examples. Besides the
generator's scenes there are plain pictures: exact coverage, two levels, some blurred, noisy or half hidden, so that what is
simple is read exactly.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import affinity

from kontur.data_preprocessing.data_config import DataConfig
from kontur.data_preprocessing.render import RenderContext, draw_all, make_context, render_scene
from kontur.drawing import find_drawings, read_parts
from kontur.geometry import Contour, GeometryError, Part, PixelPose, circle_contour, make_part
from kontur.geometry.camera import Camera
from kontur.modeling.alignment import apply_homography, motion_matrices, project_normals
from kontur.modeling.contour_model import contour_model
from kontur.modeling.edge_reader import Viewpoint, reading_features
from kontur.modeling.edges import EdgePicture, edge_picture
from kontur.modeling.plane import NOMINAL_FOCAL
from kontur.modeling.reader_answer import CORNER_POOL_WEIGHT
from kontur.pictures import Picture

ROOT = Path(__file__).resolve().parent.parent
POINTS = 128
SMOOTHING_PX = 0.7
_EXAMPLES = 0.35
_RANDOM_PARTS = 10
_SCENES, _PLAIN = 20, 5
_STARTS_PER_PART = 2
_LEAST_VISIBLE = 0.25
_INSIDE_PX = 1.3
"""The contour counts as seen when the material this far inside it is the part's own."""
_DISTURBANCES_PX, _DISTURBANCE_SHARES = (0.1, 0.5, 1.0, 2.0), (0.25, 0.3, 0.3, 0.15)
_NADIR_ERROR = 0.03
"""Standard deviation of the nadir's error over the focal length: how well a registration knows the tilt."""

_FARTHEST_NADIR = 0.7
"""Plain pictures have no walls: the nadir may lie anywhere, up to this share of the focal length away."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Target:
    """A part in a picture.

    Attributes:
        part: which.
        matrix: (3, 3) from its frame to px.
        own: (H, W) bool, the pixels where it is seen.
        nadir_uv: where a plumb line through the camera meets the plane.
    """

    part: Part
    matrix: Floats
    own: NDArray[np.bool_]
    nadir_uv: Floats


@dataclass(frozen=True, eq=False)
class EdgeSample:
    """What the reader sees of one contour, and the truth.

    Attributes:
        features: (POINTS, F) float16.
        normals: (POINTS, 2) float16.
        offset_px: (POINTS,) float32 where the contour is along the normal.
        seen: (POINTS,) bool.
        pooling: (POINTS,) float32.
    """

    features: NDArray[np.float16]
    normals: NDArray[np.float16]
    offset_px: NDArray[np.float32]
    seen: NDArray[np.bool_]
    pooling: NDArray[np.float32]


def samples_of(seed: int) -> list[EdgeSample]:
    """Return the samples of one batch of pictures, a pure function of the seed."""
    cv2.setNumThreads(1)
    rng = np.random.default_rng(seed)
    examples = rng.uniform() < _EXAMPLES
    parts = _example_parts() if examples else tuple(random_part(rng, f"part{k}") for k in range(_RANDOM_PARTS))
    context = make_context(random_config(rng), parts)
    return [*_of_scenes(context, seed, rng), *_of_plain_pictures(parts, rng)]


def _of_scenes(context: RenderContext, seed: int, rng: np.random.Generator) -> Iterator[EdgeSample]:
    for index in range(_SCENES):
        rendered = render_scene(context, *draw_all(context, seed, index))
        picture, ids = rendered.sample.image, rendered.sample.ids
        source = edge_picture(tricked(picture, rng) if rng.uniform() < 0.3 else picture, SMOOTHING_PX)
        nadir = camera_nadir(rendered.scene.camera)
        for view, key in zip(rendered.views, rendered.keys, strict=True):
            if not key or rendered.sample.instances[key - 1].visible_fraction < _LEAST_VISIBLE:
                continue
            matrix = view.homographies[0] / view.homographies[0][2, 2]
            part = context.parts[rendered.sample.instances[key - 1].part]
            target = Target(part, matrix, ids == key, nadir)
            yield from (disturbed(source, target, rng) for _ in range(_STARTS_PER_PART))


def _of_plain_pictures(parts: tuple[Part, ...], rng: np.random.Generator) -> Iterator[EdgeSample]:
    for _ in range(_PLAIN):
        picture, target = plain_picture(parts[int(rng.integers(len(parts)))], rng)
        source = edge_picture(picture, SMOOTHING_PX)
        yield from (disturbed(source, target, rng) for _ in range(_STARTS_PER_PART + 1))


def disturbed(source: EdgePicture, target: Target, rng: np.random.Generator) -> EdgeSample:
    """Move a contour a little away from where it is, and say how far off each of its points is then."""
    height, width = target.own.shape
    model = contour_model(target.part, target.part.perimeter_mm / POINTS * 1.02)
    count = len(model.weight)
    chosen = np.sort(np.random.default_rng(0).choice(count, POINTS, replace=count < POINTS))
    points_mm, normals_mm = model.points_mm[None, chosen], model.normals[None, chosen]
    scale = np.sqrt(abs(np.linalg.det(target.matrix[:2, :2])))
    size = rng.choice(_DISTURBANCES_PX, p=_DISTURBANCE_SHARES) / np.array([1, 1, *[target.part.radius_mm * scale] * 2])
    motion = motion_matrices(rng.normal(0, (0.9, 0.9, 0.9, 0.7) * size)[None], target.matrix[None, :2, 2])
    points, derivative = apply_homography(motion @ target.matrix, points_mm)
    normals = project_normals(derivative, normals_mm)
    focal = NOMINAL_FOCAL * max(width, height)
    nadir = target.nadir_uv + rng.normal(0, _NADIR_ERROR * focal, 2)
    seen = np.ones(points.shape[:2])
    features = reading_features(source, (points, normals, seen), Viewpoint(float(nadir[0]), float(nadir[1]), focal))
    true, _ = apply_homography(target.matrix[None], points_mm)
    pixel = np.round(true[0] - _INSIDE_PX * normals[0]).astype(int)
    column, row = np.clip(pixel, 0, (width - 1, height - 1)).T
    inside = ((true[0] >= 1) & (true[0] <= (width - 2, height - 2))).all(axis=1)
    pooling = inside * np.where(model.weight[chosen] == 1, 1, CORNER_POOL_WEIGHT)
    return EdgeSample(
        features.astype(np.float16), normals[0].astype(np.float16),
        signed_distance_px(target, points[0]).astype(np.float32), target.own[row, column] & inside,
        pooling.astype(np.float32),
    )  # fmt: skip


def signed_distance_px(target: Target, points_px: Floats) -> Floats:
    """Return (N,) distance of points to the true contour by shapely, positive in the material."""
    back, derivative = apply_homography(np.linalg.inv(target.matrix)[None], points_px[None])
    where = shapely.points(back[0])
    polygon = target.part.polygon
    shapely.prepare(polygon)
    distance = shapely.distance(polygon.boundary, where) / np.sqrt(np.abs(np.linalg.det(derivative[0])))
    return np.where(shapely.contains(polygon, where), distance, -distance)


def camera_nadir(camera: Camera) -> Floats:
    """Return (2,) px where a plumb line through the camera meets the plane."""
    down = camera.matrix @ camera.rotation @ np.array([0.0, 0.0, -1.0])
    return down[:2] / down[2]


def random_config(rng: np.random.Generator) -> DataConfig:
    """Return a generator that varies more than the default one: near and tilted cameras, piles, bevels, all presets."""
    presets = ("none", "bench", "lightbox", "backlight", "hard")
    finest = float(rng.uniform(0.35, 0.8))
    return DataConfig.model_validate({
        "preset": str(rng.choice(presets, p=(0.6, 0.15, 0.1, 0.05, 0.1))),
        "camera": {
            "mm_per_px": (finest, finest * 1.4), "distance_mm": (250, 900), "distortion": (0, 0),
            "tilt_deg": (0, 6) if rng.uniform() < 0.7 else (6, 14),
        },
        "scene": {
            "parts": (3, 12), "pile": float(rng.uniform(0, 0.5)), "bevel_mm": (0.0, 0.9), "thickness_mm": (0.8, 5.0),
        },
        "lens": {"blur_px": (0.2, 1.1)}, "sensor": {"jpeg_quality": (80, 100)}, "light": {"size_deg": (1.0, 30.0)},
    })  # fmt: skip


def random_part(rng: np.random.Generator, name: str) -> Part:
    """Return a part of boxes and discs with round holes."""
    while True:
        shape = _random_outline(rng)
        if shape.geom_type == "Polygon" and shape.area > 250:
            outline = shapely.simplify(shapely.Polygon(shape.exterior), 0.01)
            try:
                return make_part(name, Contour(np.asarray(outline.exterior.coords)[:-1]), _random_holes(outline, rng))
            except GeometryError:
                continue


def _random_outline(rng: np.random.Generator) -> shapely.Geometry:
    shape = shapely.Polygon()
    for _ in range(rng.integers(1, 4)):
        width, height = rng.uniform(12, 70, 2)
        piece = shapely.box(-width / 2, -height / 2, width / 2, height / 2)
        if rng.uniform() < 0.3:
            piece = shapely.Point(0, 0).buffer(width / 2.2, 32)
        piece = affinity.rotate(piece, rng.uniform(0, 90) if rng.uniform() < 0.3 else 0)
        shape = shape.union(affinity.translate(piece, *rng.uniform(-20, 20, 2)))
    if rng.uniform() < 0.4:
        width, height = rng.uniform(5, 25, 2)
        notch = shapely.box(-width / 2, -height / 2, width / 2, height / 2)
        shape = shape.difference(affinity.translate(notch, *rng.uniform(-20, 20, 2)))
    radius = rng.uniform(0.3, 4) if rng.uniform() < 0.6 else 0.0
    return shape.buffer(-radius).buffer(2 * radius).buffer(-radius) if radius else shape


def _random_holes(outline: shapely.Polygon, rng: np.random.Generator) -> tuple[Contour, ...]:
    free, holes = outline, []
    for _ in range(rng.integers(0, 7)):
        low, high = np.reshape(outline.bounds, (2, 2))
        radius = float(rng.uniform(1.5, 6) if rng.uniform() < 0.8 else rng.uniform(6, 14))
        x, y = rng.uniform(low, high).tolist()
        disc = shapely.Point(x, y).buffer(radius + 1.5)
        if free.contains(disc):
            free = free.difference(disc)
            holes.append(circle_contour(x, y, radius))
    return tuple(holes)


def plain_picture(part: Part, rng: np.random.Generator) -> tuple[Picture, Target]:
    """Return a part as one level on another, by exact coverage, sometimes blurred, noisy or half hidden."""
    scale = float(rng.uniform(1.1, 2.0))
    radius = part.radius_mm * scale
    side = int(2 * radius + 40)
    u, v = side / 2 + rng.uniform(-3, 3, 2)
    pose = PixelPose(float(u), float(v), float(rng.uniform(0, 2 * np.pi)), scale, bool(rng.uniform() < 0.5))
    share = _coverage(part, pose, side)
    own = share > 0.5
    table, material = _two_levels(rng)
    light = table + (material - table) * share[..., None]
    column, row = np.meshgrid(np.arange(side), np.arange(side))
    if rng.uniform() < 0.4:
        turn = rng.uniform(0, 2 * np.pi)
        across = (column - side / 2) * np.cos(turn) + (row - side / 2) * np.sin(turn)
        hidden = across > rng.uniform(-0.3, 0.7) * radius
        light[hidden] = rng.uniform(10, 245)
        own &= ~hidden
    if rng.uniform() < 0.4:
        light = cv2.GaussianBlur(light, (0, 0), rng.uniform(0.3, 2))
    if rng.uniform() < 0.5:
        light = light + rng.normal(0, np.exp(rng.uniform(-0.5, 2.7)), own.shape)[..., None]
    matrix = np.vstack([pose.matrix, [0, 0, 1]])
    nadir = side / 2 + rng.uniform(-_FARTHEST_NADIR, _FARTHEST_NADIR, 2) * NOMINAL_FOCAL * side
    return _as_bytes(light), Target(part, matrix, own, nadir)


def _coverage(part: Part, pose: PixelPose, side: int) -> Floats:
    """Return (side, side) the share of each pixel's square that the part covers."""
    rings = [pose.apply(contour.points) for contour in part.contours]
    polygon = shapely.Polygon(rings[0], rings[1:])
    shapely.prepare(polygon)
    u, v = np.meshgrid(np.arange(side), np.arange(side))
    squares = shapely.box(u - 0.5, v - 0.5, u + 0.5, v + 0.5)
    share = shapely.contains_properly(polygon, squares).astype(float)
    edge = shapely.intersects(polygon, squares) & (share == 0)
    share[edge] = shapely.area(shapely.intersection(polygon, squares[edge]))
    return share


def _two_levels(rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Return two colours, grey in half of the cases, that differ by 15 levels somewhere."""
    channels = 3 if rng.uniform() < 0.5 else 1
    while True:
        first, second = rng.uniform(10, 245, (2, channels))
        if np.abs(first - second).max() >= 15:
            return np.resize(first, 3), np.resize(second, 3)


def tricked(picture: Picture, rng: np.random.Generator) -> Picture:
    """Return a picture as cameras like to hand it over: sharpened, with another curve, softened, flat, noisy."""
    light = picture.astype(np.float32)
    if rng.uniform() < 0.5:
        light = light + rng.uniform(0.2, 1.2) * (light - cv2.GaussianBlur(light, (0, 0), rng.uniform(0.6, 1.5)))
    if rng.uniform() < 0.5:
        light = 255 * np.clip(light / 255, 0, 1) ** np.exp(rng.uniform(-0.5, 0.5))
    if rng.uniform() < 0.3:
        light = cv2.GaussianBlur(light, (0, 0), rng.uniform(0.4, 1.2))
    if rng.uniform() < 0.3:
        light = light * rng.uniform(0.3, 1) + rng.uniform(0, 60)
    if rng.uniform() < 0.3:
        light = light + rng.normal(0, rng.uniform(1, 8), light.shape)
    return _as_bytes(light)


def _as_bytes(light: NDArray) -> Picture:
    return np.clip(np.round(light), 0, 255).astype(np.uint8)


def _example_parts() -> tuple[Part, ...]:
    parts, _ = read_parts(find_drawings([ROOT / "data" / "raw" / "dxf_templates"]), DataConfig().drawings)
    return tuple(parts)

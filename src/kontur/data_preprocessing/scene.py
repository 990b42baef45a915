"""What is to be drawn: parts and clutter with pose, surface and height; lamps; table; camera; lens and sensor.

A scene is numbers only, drawn from one random stream; rendering it is a pure function of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kontur.data_preprocessing.data_config import DataConfig
from kontur.data_preprocessing.shapes import Shape
from kontur.data_preprocessing.surfaces import Rgb, Surface, draw_surface
from kontur.data_preprocessing.textures import VARIANTS
from kontur.geometry import Part, Pose
from kontur.geometry.camera import Camera, tilted_camera

_TRIES = 24
_MAX_STACK_MM = 14.0


@dataclass(frozen=True)
class Lamp:
    """A lamp: where it stands (mm, plane frame), its colour times intensity, and its angular radius."""

    position_mm: tuple[float, float, float]
    colour: Rgb
    radius_rad: float


@dataclass(frozen=True)
class Table:
    """The table: which pattern or picture, where it is cut, its colours and gloss.

    Attributes:
        kind: a background kind, or "picture".
        variant: index of the pattern or of the picture.
        turn_rad, zoom, shift: similarity from picture px to pattern px.
        dark, bright: linear BGR at pattern levels 0 and 255.
        gloss: specular strength 0..1; slope: its roughness.
    """

    kind: str
    variant: int
    turn_rad: float
    zoom: float
    shift: tuple[float, float]
    dark: Rgb
    bright: Rgb
    gloss: float
    slope: float


@dataclass(frozen=True)
class Placement:
    """One thing on the table.

    Attributes:
        shape: its template.
        part: index into the part list; None for clutter.
        pose: on the plane, mm.
        base_mm, thickness_mm: height of its underside over the table, and its own.
        bevel_mm: width of the edge's bevel.
    """

    shape: Shape
    part: int | None
    pose: Pose
    base_mm: float
    thickness_mm: float
    bevel_mm: float
    surface: Surface

    @property
    def top_mm(self) -> float:
        """Height of the top face."""
        return self.base_mm + self.thickness_mm


@dataclass(frozen=True)
class Scene:
    """Everything that decides a picture, before light and lens.

    Attributes:
        sky: BGR that the sky sends on a level face; that a mirror sees overhead; that it sees towards the horizon.
        below: light through the table from below (a backlight), relative to a lamp.
    """

    camera: Camera
    placements: tuple[Placement, ...]
    lamps: tuple[Lamp, ...]
    sky: tuple[Rgb, Rgb, Rgb]
    table: Table
    below: float


def draw_scene(
    config: DataConfig, parts: Sequence[Part], shapes: Sequence[Shape], pictures: int, rng: np.random.Generator
) -> Scene:
    """Draw a scene. `pictures` is how many pictures there are to serve as tables."""
    camera = _camera(config, rng)
    placements = _placements(config, parts, shapes, camera, rng)
    lamps, sky = _lights(config, rng)
    table = _table(config, placements, pictures, rng)
    below = float(rng.uniform(3, 12)) if rng.uniform() < config.light.from_below else 0.0
    return Scene(camera, placements, lamps, sky, table, below)


def _camera(config: DataConfig, rng: np.random.Generator) -> Camera:
    section = config.camera
    low, high = section.mm_per_px
    scale = 1 / float(np.exp(rng.uniform(np.log(low), np.log(high))))
    tilt = np.radians(rng.uniform(*section.tilt_deg))
    camera = tilted_camera(
        section.size_wh, scale, float(rng.uniform(*section.distance_mm)), float(tilt), float(rng.uniform(0, 2 * np.pi))
    )
    bend = float(rng.uniform(*section.distortion))
    distortion = np.array([bend, 0.0, 0.0, 0.0, 0.0])
    return Camera(camera.size_wh, camera.matrix, camera.rotation, camera.translation_mm, distortion)


def _placements(
    config: DataConfig, parts: Sequence[Part], shapes: Sequence[Shape], camera: Camera, rng: np.random.Generator
) -> tuple[Placement, ...]:
    section = config.scene
    corners = camera.unproject(np.array([[0, 0], camera.size_wh], float))
    half = np.abs(corners).max(axis=0)
    style = rng.choice(3, p=_styles(section.pile, section.touching))
    wanted = int(rng.integers(section.parts[0], section.parts[1] + 1))
    budget_mm2 = section.cover * 4 * half[0] * half[1]
    kinds = list(config.materials.kinds)
    weights = np.array(list(config.materials.kinds.values()))
    common = draw_surface(rng.choice(kinds, p=weights / weights.sum()), config.materials, rng)
    same = rng.uniform() < section.same_material
    thickness, bevel = float(rng.uniform(*section.thickness_mm)), float(rng.uniform(*section.bevel_mm))
    placed: list[Placement] = []
    for _ in range(wanted):
        index = int(rng.integers(len(parts)))
        area = parts[index].area_mm2
        if placed and area > budget_mm2:
            continue
        surface = common if same else draw_surface(rng.choice(kinds, p=weights / weights.sum()), config.materials, rng)
        surface = surface._replace(offset=tuple(rng.uniform(0, 512, 2).tolist()))
        flipped = config.faces == "both" and rng.uniform() < section.face_down
        if rng.uniform() < 0.3:
            thickness = float(rng.uniform(*section.thickness_mm))
        gap = (-1e9, 0.02, float(rng.uniform(*section.gap_mm)))[style]
        margin = 0.9 * parts[index].radius_mm if rng.uniform() < section.border else -0.6 * parts[index].radius_mm
        found = _settle(shapes[index], placed, half + margin, gap, flipped, style == 1, rng)
        if found is None:
            continue
        pose, base = found
        if base + thickness > _MAX_STACK_MM:
            continue
        budget_mm2 -= area
        placed.append(Placement(shapes[index], index, pose, base, thickness, bevel, surface))
    return tuple(placed)


def _styles(pile: float, touching: float) -> NDArray[np.float64]:
    """Probabilities of a pile, of touching parts, and of parts apart."""
    weights = np.array([pile, touching, max(0.0, 1 - pile - touching)])
    return weights / weights.sum()


def _settle(
    shape: Shape,
    placed: Sequence[Placement],
    half: NDArray[np.float64],
    gap_mm: float,
    flipped: bool,
    attract: bool,
    rng: np.random.Generator,
) -> tuple[Pose, float] | None:
    """Find a place with at least `gap_mm` to the others (negative: anywhere); returns the pose and what it lies on."""
    for _ in range(_TRIES):
        x, y = rng.uniform(-half, half)
        pose = Pose(float(x), float(y), float(rng.uniform(0, 2 * np.pi)), flipped)
        if attract and placed:
            pose = _move_against(shape, pose, placed[int(rng.integers(len(placed)))])
        gaps = [clearance_mm(shape, pose, other) for other in placed]
        if all(gap >= gap_mm for gap in gaps):
            under = [other.top_mm for other, gap in zip(placed, gaps, strict=True) if gap <= 0]
            return pose, max(under, default=0.0)
    return None


def _move_against(shape: Shape, pose: Pose, other: Placement) -> Pose:
    """Move a pose straight towards another thing until they nearly touch."""
    there = np.array([other.pose.x_mm, other.pose.y_mm])
    away = np.array([pose.x_mm, pose.y_mm]) - there
    away /= max(1e-9, float(np.hypot(*away)))
    reach = 0.0
    for _ in range(12):
        spot = there + away * reach
        gap = clearance_mm(shape, Pose(float(spot[0]), float(spot[1]), pose.theta_rad, pose.flipped), other)
        if gap > 0.05:
            break
        reach += max(0.3, 0.1 - gap)
    spot = there + away * reach
    return Pose(float(spot[0]), float(spot[1]), pose.theta_rad, pose.flipped)


def clearance_mm(shape: Shape, pose: Pose, other: Placement) -> float:
    """Return the least distance between outlines, mm; not positive where they overlap. Far apart: at least the margin."""
    distance = np.hypot(pose.x_mm - other.pose.x_mm, pose.y_mm - other.pose.y_mm)
    if distance > shape.reach_mm + other.shape.reach_mm + 12.0:
        return float(distance - shape.reach_mm - other.shape.reach_mm)
    return min(_depth(shape, pose, other.shape, other.pose), _depth(other.shape, other.pose, shape, pose))


def _depth(shape: Shape, pose: Pose, other: Shape, other_pose: Pose) -> float:
    """Least distance of one's outline points to the other, minus what lies inside."""
    world = pose.apply(shape.outline_mm) - (other_pose.x_mm, other_pose.y_mm)
    c, s = np.cos(other_pose.theta_rad), np.sin(other_pose.theta_rad)
    local = world @ np.array([[c, -s], [s, c]])
    if other_pose.flipped:
        local = local * (-1, 1)
    return float(-other.lookup(local).max())


def _lights(config: DataConfig, rng: np.random.Generator) -> tuple[tuple[Lamp, ...], tuple[Rgb, Rgb, Rgb]]:
    section = config.light
    lamps = []
    for _ in range(int(rng.integers(section.lamps[0], section.lamps[1] + 1))):
        elevation, azimuth = np.radians(rng.uniform(*section.elevation_deg)), rng.uniform(0, 2 * np.pi)
        flat = np.cos(elevation)
        direction = np.array([flat * np.cos(azimuth), flat * np.sin(azimuth), np.sin(elevation)])
        x, y, z = direction * rng.uniform(*section.distance_mm)
        colour = lamp_colour(float(rng.uniform(*section.colour_k)), float(rng.uniform(*section.tint)), rng)
        level = float(rng.uniform(0.3, 1.0))
        radius = np.radians(rng.uniform(*section.size_deg))
        lamps.append(
            Lamp((float(x), float(y), float(z)), tuple(level * c for c in colour), float(radius))  # type: ignore[arg-type]
        )
    level = float(rng.uniform(*section.sky)) if lamps else 1.0
    base = np.array(lamp_colour(float(rng.uniform(*section.colour_k)), 0.05, rng)) * level
    sky = (base, base * rng.uniform(0.1, 1.2), base * rng.uniform(0.3, 1.6))
    return tuple(lamps), tuple(tuple(row.tolist()) for row in sky)  # type: ignore[return-value]


def lamp_colour(kelvin: float, tint: float, rng: np.random.Generator) -> Rgb:
    """Linear BGR of a lamp of this colour temperature, relative to 5000 K, with a random tint."""
    away = np.log(kelvin / 5000.0)
    colour = np.array([1 + 0.75 * away, 1.0 + 0.1 * away, 1 - 0.45 * away]) * (1 + tint * rng.normal(0, 1, 3))
    b, g, r = np.clip(colour, 0.1, 3.0)
    return float(b), float(g), float(r)


def _table(config: DataConfig, placements: Sequence[Placement], pictures: int, rng: np.random.Generator) -> Table:
    section = config.background
    kinds, weights = list(section.kinds), np.array(list(section.kinds.values()))
    kind = str(rng.choice(kinds, p=weights / weights.sum()))
    variant = int(rng.integers(VARIANTS))
    if pictures and rng.uniform() < section.pictures:
        kind, variant = "picture", int(rng.integers(pictures))
    low, high = section.albedo
    level = float(np.exp(rng.uniform(np.log(max(low, 1e-3)), np.log(max(high, 1e-3)))))
    middle = level * (
        1 - section.saturation[0] - np.ptp(section.saturation) * rng.uniform() ** 2 * rng.uniform(0, 1, 3)
    )
    if placements and rng.uniform() < section.camouflage:
        surface = placements[0].surface
        middle = np.array(surface.diffuse) + 0.25 * np.array(surface.specular) * rng.uniform(0.3, 1.5)
    contrast = float(section.contrast[0] + np.ptp(section.contrast) * rng.uniform() ** 1.5)
    shade = 1 + contrast * np.array([-1.0, 1.0])[:, None] * (1 + 0.3 * rng.normal(0, 1, (2, 3)))
    dark, bright = np.clip(middle * shade, 0.002, 1.0)
    zoom = float(np.exp(rng.uniform(np.log(0.6), np.log(1.8))))
    return Table(
        kind, variant, float(rng.uniform(0, 2 * np.pi)), zoom, tuple(rng.uniform(0, 1024, 2).tolist()),
        tuple(dark.tolist()), tuple(bright.tolist()), float(rng.uniform(*section.gloss)), float(rng.uniform(0.12, 0.5)),
    )  # fmt: skip

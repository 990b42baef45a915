"""What is to be drawn: parts and clutter with pose, surface and height; lamps; table; camera; lens and sensor.

A scene is numbers only, drawn from one random stream; rendering it is a pure function of it.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from kontur.data_preprocessing.data_config import DataConfig
from kontur.data_preprocessing.layout import Placement, lay_out
from kontur.data_preprocessing.shapes import Shape
from kontur.data_preprocessing.streams import weighted
from kontur.data_preprocessing.surfaces import Rgb, random_colour
from kontur.data_preprocessing.textures import VARIANTS
from kontur.geometry import Part
from kontur.geometry.camera import Camera, tilted_camera

PICTURE = "picture"
"""The kind of a table that is one of the user's pictures."""


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
        kind: a background kind, or PICTURE.
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
    config: DataConfig,
    parts: Sequence[Part],
    shapes: Sequence[Shape],
    clutter: Mapping[str, Sequence[Shape]],
    pictures: int,
    rng: np.random.Generator,
) -> Scene:
    """Draw a scene.

    Args:
        config: the ranges.
        parts, shapes: what may lie there, and its templates.
        clutter: templates of what is no part, by kind.
        pictures: how many pictures there are to serve as tables.
        rng: the sample's random stream.
    """
    camera = _camera(config, rng)
    placements = lay_out(config, parts, shapes, clutter, camera, rng)
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


def _lights(config: DataConfig, rng: np.random.Generator) -> tuple[tuple[Lamp, ...], tuple[Rgb, Rgb, Rgb]]:
    section = config.light
    lamps = []
    for _ in range(int(rng.integers(section.lamps[0], section.lamps[1] + 1))):
        elevation, azimuth = math.radians(rng.uniform(*section.elevation_deg)), rng.uniform(0, 2 * math.pi)
        away, up = math.cos(elevation), math.sin(elevation)
        far = rng.uniform(*section.distance_mm)
        position = (away * math.cos(azimuth) * far, away * math.sin(azimuth) * far, up * far)
        b, g, r = lamp_colour(rng.uniform(*section.colour_k), rng.uniform(*section.tint), rng)
        level = rng.uniform(0.3, 1.0)
        radius = math.radians(_log_uniform(section.size_deg, rng))
        lamps.append(Lamp(position, (level * b, level * g, level * r), radius))
    level = rng.uniform(*section.sky) if lamps else 1.0
    b, g, r = lamp_colour(rng.uniform(*section.colour_k), 0.05, rng)
    overhead = _log_uniform(section.reflected_sky, rng)
    levels = (level, level * overhead, level * overhead * rng.uniform(0.5, 2.5))
    base, zenith, horizon = ((b * each, g * each, r * each) for each in levels)
    return tuple(lamps), (base, zenith, horizon)


def _log_uniform(span: tuple[float, float], rng: np.random.Generator) -> float:
    """A number of the span, each doubling equally likely."""
    low, high = (math.log(max(end, 1e-3)) for end in span)
    return math.exp(rng.uniform(low, high))


def lamp_colour(kelvin: float, tint: float, rng: np.random.Generator) -> Rgb:
    """Linear BGR of a lamp of this colour temperature, relative to 5000 K, with a random tint."""
    away = math.log(kelvin / 5000.0)
    whites = (1 + 0.75 * away, 1.0 + 0.1 * away, 1 - 0.45 * away)
    tints = rng.normal(0, 1, 3).tolist()
    b, g, r = (min(3.0, max(0.1, white * (1 + tint * more))) for white, more in zip(whites, tints, strict=True))
    return b, g, r


def _table(config: DataConfig, placements: Sequence[Placement], pictures: int, rng: np.random.Generator) -> Table:
    section = config.background
    kind: str = weighted(section.kinds, 1, rng)[0]
    variant = int(rng.integers(VARIANTS))
    if pictures and rng.uniform() < section.pictures:
        kind, variant = PICTURE, int(rng.integers(pictures))
    level = _log_uniform(section.albedo, rng) if rng.uniform() < 0.5 else float(rng.uniform(*section.albedo))
    middle = np.array(random_colour(rng, float(rng.uniform(*section.saturation)), level))
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

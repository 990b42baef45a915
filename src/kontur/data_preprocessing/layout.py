"""Where things lie: parts and clutter apart, side by side, or on top of each other."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from kontur.data_preprocessing.collisions import Lying
from kontur.data_preprocessing.data_config import DataConfig, MaterialKind, MaterialSection
from kontur.data_preprocessing.defects import Defect, spoil
from kontur.data_preprocessing.shapes import Shape, ring_shape
from kontur.data_preprocessing.streams import weighted
from kontur.data_preprocessing.surfaces import Surface, draw_surface, random_colour
from kontur.geometry import Part, Pose
from kontur.geometry.camera import Camera

_TRIES = 24
_MAX_STACK_MM = 14.0
_TOUCHING_GAP_MM = 0.02
_PRINT_MM = 0.01
_CLUTTER_METALS: tuple[MaterialKind, ...] = ("brushed", "turned", "raw_steel", "galvanised", "dark_oxide")
_DEFAULT_MATERIALS = MaterialSection()
_PILE, _TOUCH, _APART = range(3)


@dataclass(frozen=True)
class Placement:
    """One thing on the table.

    Attributes:
        shape: its template.
        part: index into the part list; None for clutter.
        pose: on the plane, mm.
        base_mm, thickness_mm: height of its underside over the table, and its own.
        bevel_mm: width of the edge's bevel.
        surface: what it is made of.
        defect: what is wrong with it; None for a good part.
    """

    shape: Shape
    part: int | None
    pose: Pose
    base_mm: float
    thickness_mm: float
    bevel_mm: float
    surface: Surface
    defect: Defect | None = None

    @property
    def top_mm(self) -> float:
        """Height of the top face."""
        return self.base_mm + self.thickness_mm


@dataclass(frozen=True, eq=False)
class _Manner:
    """How the things of one picture lie.

    Attributes:
        style: _PILE, _TOUCH or _APART.
        gap_mm: least gap between them.
        half_mm: half the size of the table that can be seen.
        surface: the common material; None when each has its own.
        thickness_mm, bevel_mm: of most of them.
    """

    style: int
    gap_mm: float
    half_mm: tuple[float, float]
    surface: Surface | None
    thickness_mm: float
    bevel_mm: float


def lay_out(
    config: DataConfig,
    parts: Sequence[Part],
    shapes: Sequence[Shape],
    clutter: Mapping[str, Sequence[Shape]],
    camera: Camera,
    rng: np.random.Generator,
) -> tuple[Placement, ...]:
    """Draw what lies on the table, bottom to top."""
    section = config.scene
    corners = camera.unproject(np.array([[0, 0], camera.size_wh], float))
    (style,) = weighted(_styles(section.pile, section.touching), 1, rng)
    gap = (-np.inf, _TOUCHING_GAP_MM, float(rng.uniform(*section.gap_mm)))[style]
    manner = _Manner(
        style, gap, tuple(np.abs(corners).max(axis=0).tolist()),
        _surface(config, rng) if rng.uniform() < section.same_material else None,
        float(rng.uniform(*section.thickness_mm)), float(rng.uniform(*section.bevel_mm)),
    )  # fmt: skip
    things = int(rng.integers(section.distractor_count[0], section.distractor_count[1] + 1))
    kinds = weighted(section.distractor_kinds, things if rng.uniform() < section.distractors else 0, rng)
    placed: list[Placement] = []
    lying = Lying(section.parts[1] + things)
    for kind in kinds:
        if kind == "text":
            _add_clutter(placed, lying, kind, clutter, manner, rng)
    _add_parts(placed, lying, config, parts, shapes, manner, rng)
    for kind in kinds:
        if kind != "text":
            _add_clutter(placed, lying, kind, clutter, manner, rng)
    return tuple(placed)


def _add_parts(
    placed: list[Placement],
    lying: Lying,
    config: DataConfig,
    parts: Sequence[Part],
    shapes: Sequence[Shape],
    manner: _Manner,
    rng: np.random.Generator,
) -> None:
    section = config.scene
    budget_mm2 = section.cover * 4 * manner.half_mm[0] * manner.half_mm[1]
    for number in range(int(rng.integers(section.parts[0], section.parts[1] + 1))):
        index = int(rng.integers(len(parts)))
        if number and parts[index].area_mm2 > budget_mm2:
            continue
        surface = manner.surface or _surface(config, rng)
        surface = surface._replace(offset=tuple(rng.uniform(0, 512, 2).tolist()))
        flipped = config.faces == "both" and rng.uniform() < section.face_down
        thickness = manner.thickness_mm if rng.uniform() < 0.7 else float(rng.uniform(*section.thickness_mm))
        margin = parts[index].radius_mm * (0.9 if rng.uniform() < section.border else -0.6)
        shape, defect = shapes[index], None
        if rng.uniform() < config.defects.probability:
            rings, defect = spoil(parts[index], weighted(config.defects.kinds, 1, rng)[0], rng)
            shape = ring_shape(list(rings), shape.step_mm)
        found = _settle(shape, lying, margin, flipped, manner, lying.count, rng)
        if found is None or found[1] + thickness > _MAX_STACK_MM:
            continue
        budget_mm2 -= parts[index].area_mm2
        placed.append(Placement(shape, index, *found, thickness, manner.bevel_mm, surface, defect))
        lying.add(shape, found[0], found[1] + thickness)


def _add_clutter(
    placed: list[Placement],
    lying: Lying,
    kind: str,
    clutter: Mapping[str, Sequence[Shape]],
    manner: _Manner,
    rng: np.random.Generator,
) -> None:
    shape = clutter[kind][int(rng.integers(len(clutter[kind])))]
    flipped = bool(rng.uniform() < 0.5) and kind != "text"
    found = _settle(shape, lying, 0.0, flipped, manner, 0 if kind == "text" else lying.count, rng)
    if found is not None:
        thickness = _PRINT_MM if kind == "text" else float(rng.uniform(0.4, 3.0))
        placed.append(Placement(shape, None, *found, thickness, manner.bevel_mm, _clutter_surface(kind, rng)))
        lying.add(shape, found[0], found[1] + thickness)


def _surface(config: DataConfig, rng: np.random.Generator) -> Surface:
    kind = weighted(config.materials.kinds, 1, rng)[0]
    return draw_surface(kind, config.materials, rng)


def _clutter_surface(kind: str, rng: np.random.Generator) -> Surface:
    if kind in ("text", "wire"):
        surface = draw_surface("plastic", _DEFAULT_MATERIALS, rng)
        dark = rng.uniform() < 0.5
        value = float(rng.uniform(0.01, 0.1) if dark else rng.uniform(0.4, 0.9))
        return surface._replace(diffuse=random_colour(rng, float(rng.uniform(0, 0.8)), value))
    return draw_surface(_CLUTTER_METALS[int(rng.integers(len(_CLUTTER_METALS)))], _DEFAULT_MATERIALS, rng)


def _styles(pile: float, touching: float) -> dict[int, float]:
    """Weights of a pile, of touching parts, and of parts apart."""
    return {_PILE: pile, _TOUCH: touching, _APART: max(0.0, 1 - pile - touching)}


def _settle(
    shape: Shape, lying: Lying, margin_mm: float, flipped: bool, manner: _Manner, count: int, rng: np.random.Generator
) -> tuple[Pose, float] | None:
    """Find a place on the first `count` things, up to `margin_mm` beyond the table's edge; returns pose and height there."""
    half_x, half_y = (max(half + margin_mm, 1.0) for half in manner.half_mm)
    for _ in range(_TRIES):
        x, y, turn = rng.random(3).tolist()
        stance = half_x * (2 * x - 1), half_y * (2 * y - 1), 2 * math.pi * turn, -1.0 if flipped else 1.0
        against = int(rng.integers(count)) if manner.style == _TOUCH and count else None
        x, y, height = lying.settle(shape, stance, against, manner.gap_mm, count)
        if height >= 0:
            return Pose(x, y, stance[2], flipped), height
    return None

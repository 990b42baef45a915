"""Where things lie: parts and clutter apart, side by side, or on top of each other."""

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kontur.data_preprocessing.data_config import DataConfig, MaterialKind, MaterialSection
from kontur.data_preprocessing.defects import Defect, spoil
from kontur.data_preprocessing.shapes import Shape, apart_mm, ring_shape
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
        half_mm: (2,) half the size of the table that can be seen.
        surface: the common material; None when each has its own.
        thickness_mm, bevel_mm: of most of them.
    """

    style: int
    gap_mm: float
    half_mm: NDArray[np.float64]
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
    style = int(rng.choice(3, p=_styles(section.pile, section.touching)))
    gap = (-np.inf, _TOUCHING_GAP_MM, float(rng.uniform(*section.gap_mm)))[style]
    manner = _Manner(
        style, gap, np.abs(corners).max(axis=0),
        _surface(config, rng) if rng.uniform() < section.same_material else None,
        float(rng.uniform(*section.thickness_mm)), float(rng.uniform(*section.bevel_mm)),
    )  # fmt: skip
    things = int(rng.integers(section.distractor_count[0], section.distractor_count[1] + 1))
    kinds = _weighted(section.distractor_kinds, things if rng.uniform() < section.distractors else 0, rng)
    placed: list[Placement] = []
    for kind in kinds:
        if kind == "text":
            _add_clutter(placed, kind, clutter, manner, rng)
    _add_parts(placed, config, parts, shapes, manner, rng)
    for kind in kinds:
        if kind != "text":
            _add_clutter(placed, kind, clutter, manner, rng)
    return tuple(placed)


def _add_parts(
    placed: list[Placement],
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
            rings, defect = spoil(parts[index], _weighted(config.defects.kinds, 1, rng)[0], rng)
            shape = ring_shape(list(rings), shape.step_mm)
        found = _settle(shape, placed, margin, flipped, manner, rng)
        if found is None or found[1] + thickness > _MAX_STACK_MM:
            continue
        budget_mm2 -= parts[index].area_mm2
        placed.append(Placement(shape, index, *found, thickness, manner.bevel_mm, surface, defect))


def _add_clutter(
    placed: list[Placement],
    kind: str,
    clutter: Mapping[str, Sequence[Shape]],
    manner: _Manner,
    rng: np.random.Generator,
) -> None:
    shape = clutter[kind][int(rng.integers(len(clutter[kind])))]
    lying = [] if kind == "text" else placed
    found = _settle(shape, lying, 0.0, bool(rng.uniform() < 0.5) and kind != "text", manner, rng)
    if found is not None:
        thickness = _PRINT_MM if kind == "text" else float(rng.uniform(0.4, 3.0))
        placed.append(Placement(shape, None, *found, thickness, manner.bevel_mm, _clutter_surface(kind, rng)))


def _surface(config: DataConfig, rng: np.random.Generator) -> Surface:
    kind = _weighted(config.materials.kinds, 1, rng)[0]
    return draw_surface(kind, config.materials, rng)


def _clutter_surface(kind: str, rng: np.random.Generator) -> Surface:
    if kind in ("text", "wire"):
        surface = draw_surface("plastic", _DEFAULT_MATERIALS, rng)
        dark = rng.uniform() < 0.5
        value = float(rng.uniform(0.01, 0.1) if dark else rng.uniform(0.4, 0.9))
        return surface._replace(diffuse=random_colour(rng, float(rng.uniform(0, 0.8)), value))
    return draw_surface(_CLUTTER_METALS[int(rng.integers(len(_CLUTTER_METALS)))], _DEFAULT_MATERIALS, rng)


def _weighted(weights: Mapping[Any, float], count: int, rng: np.random.Generator) -> list[Any]:
    """Draw `count` keys by weight."""
    keys, ends = list(weights), list(accumulate(weights.values()))
    return [keys[bisect_right(ends, draw * ends[-1])] for draw in rng.random(count).tolist()]


def _styles(pile: float, touching: float) -> NDArray[np.float64]:
    """Probabilities of a pile, of touching parts, and of parts apart."""
    weights = np.array([pile, touching, max(0.0, 1 - pile - touching)])
    return weights / weights.sum()


def _settle(
    shape: Shape,
    placed: Sequence[Placement],
    margin_mm: float,
    flipped: bool,
    manner: _Manner,
    rng: np.random.Generator,
) -> tuple[Pose, float] | None:
    """Find a place that suits the manner, up to `margin_mm` beyond the table's edge; returns pose and height below it."""
    half_x, half_y = np.maximum(manner.half_mm + margin_mm, 1.0).tolist()
    for _ in range(_TRIES):
        x, y, turn = rng.random(3).tolist()
        pose = Pose(half_x * (2 * x - 1), half_y * (2 * y - 1), 2 * math.pi * turn, flipped)
        if manner.style == _TOUCH and placed:
            pose = _move_against(shape, pose, placed[int(rng.integers(len(placed)))])
        below = _height_below(shape, pose, placed, manner.gap_mm)
        if below is not None:
            return pose, below
    return None


def _height_below(shape: Shape, pose: Pose, placed: Sequence[Placement], gap_mm: float) -> float | None:
    """Height of what lies under a thing at a pose; None where anything is nearer than the gap."""
    height = 0.0
    for other in placed:
        gap = clearance_mm(shape, pose, other, max(0.0, gap_mm), max(0.0, gap_mm))
        if gap < gap_mm:
            return None
        if gap <= 0:
            height = max(height, other.top_mm)
    return height


def _move_against(shape: Shape, pose: Pose, other: Placement) -> Pose:
    """Move a pose straight towards another thing until they nearly touch."""
    x, y = pose.x_mm - other.pose.x_mm, pose.y_mm - other.pose.y_mm
    length, reach = max(1e-9, math.hypot(x, y)), 0.0
    for _ in range(12):
        pose = replace(pose, x_mm=other.pose.x_mm + x / length * reach, y_mm=other.pose.y_mm + y / length * reach)
        gap = clearance_mm(shape, pose, other, 0.05)
        if gap > 0.05:
            break
        reach += max(0.3, 0.1 - gap)
    return pose


def clearance_mm(
    shape: Shape, pose: Pose, other: Placement, enough_mm: float = 12.0, near_mm: float = -math.inf
) -> float:
    """Return the least distance between outlines, mm; not positive where they overlap.

    What is farther apart than `enough_mm` may be reported as anything between that and the true distance, and what is nearer
    than `near_mm` as anything below that.
    """
    distance = math.hypot(pose.x_mm - other.pose.x_mm, pose.y_mm - other.pose.y_mm)
    if distance > shape.reach_mm + other.shape.reach_mm + enough_mm:
        return distance - shape.reach_mm - other.shape.reach_mm
    return float(apart_mm(_material(shape), _stance(pose), _material(other.shape), _stance(other.pose), near_mm))


def _material(shape: Shape) -> tuple[Any, ...]:
    return shape.outline_mm, shape.distance_mm, shape.origin_mm, shape.step_mm


def _stance(pose: Pose) -> tuple[float, float, float, float]:
    return pose.x_mm, pose.y_mm, pose.theta_rad, -1.0 if pose.flipped else 1.0

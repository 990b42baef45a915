"""Surfaces: how a material answers light. Numbers only; `relief` and `shading` draw them.

Colours are linear, channels B, G, R. A metal answers with `specular`, everything else mostly with `diffuse`.
"""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from kontur.data_preprocessing.compiled import INNER
from kontur.data_preprocessing.data_config import MaterialKind, MaterialSection

Rgb = tuple[float, float, float]
Floats = NDArray[np.float32]
NONE, STRAIGHT, TURNED = 0, 1, 2
"""Kinds of brushing."""


class Surface(NamedTuple):
    """The numbers of one part's surface.

    Attributes:
        diffuse: albedo, BGR, 0..1.
        specular: reflectance at normal incidence, BGR, 0..1.
        along: root mean square slope of the microfacets along the brushing.
        across: the same across it.
        brushing: NONE, STRAIGHT, or TURNED about `centre_mm`.
        brush_rad: direction of straight brushing in the part's frame.
        centre_mm: (x, y) of the turning.
        streaks: relative contrast of single brush lines.
        grain: relative contrast of fine noise.
        spangle: relative contrast of crystal facets.
        scratches, stains, rust: amounts 0..1.
        heat: tint of a laser-cut edge, 0..1.
        burr: unevenness of the broken edge, 0..1.
        oil: amount of an oil film, whose interference colours follow its thickness, 0..1.
        offset: texture offset, texels, which makes two parts of a material differ.
    """

    diffuse: Rgb
    specular: Rgb
    along: float
    across: float
    brushing: int
    brush_rad: float
    centre_mm: tuple[float, float]
    streaks: float
    grain: float
    spangle: float
    scratches: float
    stains: float
    rust: float
    heat: float
    burr: float
    oil: float
    offset: tuple[float, float]


class Texture(NamedTuple):
    """A surface as the kernels want it: scalars, all float32 but `brushing`."""

    along: np.float32
    across: np.float32
    brushing: int
    brush_x: np.float32
    brush_y: np.float32
    centre_x: np.float32
    centre_y: np.float32
    streaks: np.float32
    grain: np.float32
    spangle: np.float32
    scratches: np.float32
    stains: np.float32
    rust: np.float32
    heat: np.float32
    burr: np.float32
    oil: np.float32
    shift_x: np.float32
    shift_y: np.float32


def packed(surfaces: Sequence[Surface]) -> tuple[Floats, Floats]:
    """Return (n, 2, 3) diffuse and specular BGR, and (n, 18) the rest of each surface, see `texture_of`."""
    tints = np.array([(surface.diffuse, surface.specular) for surface in surfaces], np.float32)
    rows = [
        (
            s.along, s.across, s.brushing, math.cos(s.brush_rad), math.sin(s.brush_rad), *s.centre_mm, 0.35 * s.streaks,
            s.grain, s.spangle, s.scratches, s.stains, s.rust, s.heat, s.burr, s.oil, *s.offset,
        )
        for s in surfaces
    ]  # fmt: skip
    return tints.reshape(-1, 2, 3), np.array(rows, np.float32).reshape(-1, len(Texture._fields))


@numba.njit(**INNER)
def texture_of(row):  # type: ignore[no-untyped-def]  # pragma: no cover
    """A row of `packed` as a Texture."""
    return Texture(
        row[0], row[1], int(row[2]), row[3], row[4], row[5], row[6], row[7], row[8], row[9], row[10], row[11], row[12],
        row[13], row[14], row[15], row[16], row[17],
    )  # fmt: skip


def draw_surface(kind: MaterialKind, section: MaterialSection, rng: np.random.Generator) -> Surface:
    """Draw the surface of one part."""
    base = Surface(
        diffuse=(0.0, 0.0, 0.0), specular=(0.04, 0.04, 0.04), along=0.3, across=0.3, brushing=NONE,
        brush_rad=float(rng.uniform(0, np.pi)), centre_mm=(0.0, 0.0), streaks=0.0, grain=float(rng.uniform(0, 0.08)),
        spangle=0.0, scratches=_amount(section.scratches, rng), stains=_amount(section.stains, rng), rust=0.0,
        heat=0.0, burr=float(rng.uniform(*section.burr)), oil=0.0,
        offset=(float(rng.uniform(0, 512)), float(rng.uniform(0, 512))),
    )  # fmt: skip
    return _MAKERS[kind](base, section, rng)


def _amount(span: tuple[float, float], rng: np.random.Generator) -> float:
    """An amount within a span, more often small: dirt is the exception, half of all parts have the least."""
    low, high = span
    if rng.uniform() < 0.5:
        return low
    return float(low + (high - low) * rng.uniform() ** 2)


def _metal_colour(rng: np.random.Generator) -> Rgb:
    """Steel and aluminium mostly; brass and copper at times."""
    level = rng.uniform(0.4, 0.92)
    if rng.uniform() < 0.12:
        b, g, r = (0.42, 0.78, 0.95) if rng.uniform() < 0.6 else (0.54, 0.64, 0.95)
        return (b * level, g * level, r * level)
    b, g, r = (min(1.0, max(0.0, level * (1 + tint))) for tint in rng.normal(0, 0.02, 3).tolist())
    return b, g, r


def random_colour(rng: np.random.Generator, saturation: float, value: float) -> Rgb:
    """A colour of any hue, linear BGR; `value` is its largest channel."""
    hue = rng.uniform(0, 6) + np.array([4.0, 2.0, 0.0])
    wheel = np.clip(np.abs(hue % 6 - 3) - 1, 0, 1)
    b, g, r = value * (1 - saturation * (1 - wheel))
    return float(b), float(g), float(r)


def _brushed(base: Surface, section: MaterialSection, rng: np.random.Generator, turned: bool = False) -> Surface:
    across = float(rng.uniform(*section.roughness))
    along = across * (1 - float(rng.uniform(*section.anisotropy)))
    off_centre = rng.normal(0, 2.0, 2) if rng.uniform() < 0.2 else np.zeros(2)
    return base._replace(
        specular=_metal_colour(rng), across=across, along=max(0.03, along), brushing=TURNED if turned else STRAIGHT,
        centre_mm=(float(off_centre[0]), float(off_centre[1])), streaks=float(rng.uniform(0, 0.5)),
        rust=_amount(section.rust, rng), heat=_amount(section.edge_heat, rng), oil=_amount(section.oil, rng),
    )  # fmt: skip


def _turned(base: Surface, section: MaterialSection, rng: np.random.Generator) -> Surface:
    return _brushed(base, section, rng, turned=True)


def _raw_steel(base: Surface, section: MaterialSection, rng: np.random.Generator) -> Surface:
    slope = float(rng.uniform(*section.roughness)) * 1.3
    level = rng.uniform(0.02, 0.2)
    return base._replace(
        diffuse=(level, level * 0.97, level * 0.95), specular=_metal_colour(rng), along=slope, across=slope,
        grain=float(rng.uniform(0, 0.2)), rust=_amount(section.rust, rng), heat=_amount(section.edge_heat, rng),
    )  # fmt: skip


def _dark_oxide(base: Surface, section: MaterialSection, rng: np.random.Generator) -> Surface:
    level, slope = float(rng.uniform(0.008, 0.06)), float(rng.uniform(0.2, 0.6))
    tint = rng.uniform(0.9, 1.15, 3) * level
    return base._replace(
        diffuse=(float(tint[0]), float(tint[1]), float(tint[2])), specular=(0.05, 0.05, 0.05), along=slope, across=slope,
        rust=0.5 * _amount(section.rust, rng),
    )  # fmt: skip


def _paint(base: Surface, _section: MaterialSection, rng: np.random.Generator) -> Surface:
    value = float(rng.uniform(0.03, 0.65))
    colour = random_colour(rng, float(rng.uniform(0, 1) if rng.uniform() < 0.7 else 0.05), value)
    slope = float(rng.uniform(0.08, 0.6))
    return base._replace(diffuse=colour, along=slope, across=slope, grain=float(rng.uniform(0, 0.06)))


def _galvanised(base: Surface, section: MaterialSection, rng: np.random.Generator) -> Surface:
    slope = float(rng.uniform(0.3, 0.6))
    level = float(rng.uniform(0.3, 0.6))
    return base._replace(
        diffuse=(0.16, 0.15, 0.15), specular=(level * 1.03, level, level * 0.98), along=slope, across=slope,
        spangle=float(rng.uniform(0.1, 0.5)), rust=0.5 * _amount(section.rust, rng), oil=_amount(section.oil, rng),
    )  # fmt: skip


def _anodised(base: Surface, section: MaterialSection, rng: np.random.Generator) -> Surface:
    slope = float(rng.uniform(*section.roughness))
    colour = random_colour(rng, float(rng.uniform(0.3, 0.95)), float(rng.uniform(0.2, 0.8)))
    dim = tuple(0.25 * c for c in colour)
    return base._replace(
        diffuse=dim, specular=colour, along=slope * 0.6, across=slope, brushing=STRAIGHT, streaks=0.1  # type: ignore[arg-type]
    )  # fmt: skip


def _plastic(base: Surface, _section: MaterialSection, rng: np.random.Generator) -> Surface:
    colour = random_colour(rng, float(rng.uniform(0, 0.9)), float(rng.uniform(0.03, 0.85)))
    slope = float(rng.uniform(0.05, 0.3))
    return base._replace(diffuse=colour, along=slope, across=slope, grain=0.02)


def _rubber(base: Surface, _section: MaterialSection, rng: np.random.Generator) -> Surface:
    level = float(rng.uniform(0.012, 0.08))
    return base._replace(diffuse=(level, level, level), specular=(0.03, 0.03, 0.03), along=0.7, across=0.7, rust=0.0)


_MAKERS: dict[str, Callable[[Surface, MaterialSection, np.random.Generator], Surface]] = {
    "brushed": _brushed, "turned": _turned, "raw_steel": _raw_steel, "dark_oxide": _dark_oxide, "paint": _paint,
    "galvanised": _galvanised, "anodised": _anodised, "plastic": _plastic, "rubber": _rubber,
}  # fmt: skip

"""Things on the table that are no parts: screws, swarf, coins, nuts, wires, printed text, fragments of parts."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import get_args

import cv2
import numpy as np
import shapely

from kontur.data_preprocessing.data_config import DistractorKind
from kontur.data_preprocessing.shapes import Shape, ring_shape
from kontur.geometry import Part, Points, circle_contour

_POOL_SEED = 77_001
_VARIANTS = 4
_TEXT_PX_PER_MM = 6.0

Rings = list[Points]


def clutter_pool(parts: Sequence[Part], step_mm: float) -> dict[str, tuple[Shape, ...]]:
    """Return some templates of each kind of clutter, the same for the same parts."""
    makers: dict[str, Callable[[np.random.Generator], Rings]] = {
        "screw": _screw, "swarf": _swarf, "coin": _coin, "nut": _nut, "wire": _wire, "text": _text,
        "fragment": partial(_fragment, parts),
    }  # fmt: skip
    pool = {}
    for number, kind in enumerate(get_args(DistractorKind)):
        streams = [np.random.default_rng([_POOL_SEED, number, variant]) for variant in range(_VARIANTS)]
        pool[kind] = tuple(ring_shape(makers[kind](rng), max(0.2, step_mm)) for rng in streams)
    return pool


def _screw(rng: np.random.Generator) -> Rings:
    """Side view of a screw: head, threaded shaft, point."""
    radius = rng.uniform(1.2, 3.0)
    length, head = radius * rng.uniform(5, 12), radius * rng.uniform(1.7, 2.2)
    x = np.arange(0, length, 0.25 * radius)
    thread = radius * (1 + 0.08 * np.where(np.arange(len(x)) % 2, 1, -1))
    upper = np.column_stack([x, thread])
    tip = np.array([[length + radius, 0.0]])
    back = np.array([[0, -head], [-0.9 * head, -0.8 * head], [-0.9 * head, 0.8 * head], [0, head]])
    return [_centred(np.concatenate([upper, tip, upper[::-1] * (1, -1), back]))]


def _nut(rng: np.random.Generator) -> Rings:
    radius = rng.uniform(2.5, 7.0)
    angle = np.arange(6) * np.pi / 3
    hexagon = radius * np.column_stack([np.cos(angle), np.sin(angle)])
    return [hexagon, circle_contour(0, 0, 0.55 * radius).points[::-1]]


def _coin(rng: np.random.Generator) -> Rings:
    return [circle_contour(0, 0, float(rng.uniform(7, 13))).points]


def _swarf(rng: np.random.Generator) -> Rings:
    """A curled chip: a strip along a spiral that opens."""
    turns, start = rng.uniform(0.4, 1.6), rng.uniform(1.5, 3.5)
    t = np.linspace(0, 2 * np.pi * turns, 60)
    radius = start * (1 + rng.uniform(0.15, 0.5) * t)
    return [_strip(np.column_stack([radius * np.cos(t), radius * np.sin(t)]), rng.uniform(0.3, 1.2))]


def _wire(rng: np.random.Generator) -> Rings:
    length, height = rng.uniform(30, 90), rng.uniform(2, 14)
    x = np.linspace(0, length, 60)
    phase = rng.uniform(0, 2 * np.pi, 2)
    y = height * (np.sin(x / length * 2 * np.pi * rng.uniform(0.3, 1.2) + phase[0]) + 0.3 * np.sin(x / 9 + phase[1]))
    return [_strip(np.column_stack([x, y]), rng.uniform(0.5, 1.6))]


def _strip(line: Points, width: float) -> Points:
    """A ring of this width around an open line."""
    area = shapely.LineString(line).buffer(width / 2, quad_segs=3)
    return _centred(np.asarray(area.exterior.coords)[:-1])


def _text(rng: np.random.Generator) -> Rings:
    """Printed letters, traced from a drawing of them."""
    letters = "".join(rng.choice(list("ABCDEFGHKLMNPRSTUVXYZ0123456789-/."), int(rng.integers(3, 9))))
    font = int(rng.choice([cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_TRIPLEX]))
    scale = float(rng.uniform(0.8, 2.0))
    canvas = np.zeros((120, 90 + 60 * len(letters)), np.uint8)
    cv2.putText(canvas, letters, (20, 80), font, scale, 255, max(2, round(3 * scale)), cv2.LINE_8)
    rings, _ = cv2.findContours(canvas, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    outlines = [ring[:, 0, :] * (1, -1) / _TEXT_PX_PER_MM for ring in rings if len(ring) >= 3]
    middle = np.concatenate(outlines).mean(axis=0)
    return [outline - middle for outline in outlines]


def _fragment(parts: Sequence[Part], rng: np.random.Generator) -> Rings:
    """What a cut leaves of a part."""
    part = parts[int(rng.integers(len(parts)))]
    turn, reach = rng.uniform(0, 2 * np.pi), 4 * part.radius_mm
    normal, along = np.array([np.cos(turn), np.sin(turn)]), np.array([-np.sin(turn), np.cos(turn)])
    edge = normal * rng.uniform(-0.2, 0.3) * part.radius_mm
    saw = np.array([edge + along * s + normal * rng.normal(0, 0.3) for s in np.linspace(-reach, reach, 40)])
    knife = shapely.Polygon(np.concatenate([saw, saw[::-1] + normal * 2 * reach])).buffer(0)
    pieces = shapely.get_parts(part.polygon.difference(knife))
    piece = max((p for p in pieces if isinstance(p, shapely.Polygon)), key=lambda p: p.area)
    rings = [np.asarray(ring.coords)[:-1] for ring in (piece.exterior, *piece.interiors)]
    middle = np.array([piece.centroid.x, piece.centroid.y])
    return [ring - middle for ring in rings]


def _centred(ring: Points) -> Points:
    return ring - (ring.min(axis=0) + ring.max(axis=0)) / 2

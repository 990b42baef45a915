"""Curves to polylines within a stated sagitta: pure functions on arrays, no files.

Arcs keep their area exactly: the end points lie on the arc, the points between slightly outside it, so that the polygon's
area equals the sector's. The greatest distance from the true curve stays below the sagitta.
"""

import itertools

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kontur.geometry import Points

MAX_STEPS = 4096
"""No curve gets more pieces than this, however fine the sagitta."""
_MIN_STEPS_PER_TURN = 12
_SPLINE_START_STEPS = 6
_SPLINE_ROUNDS = 10
_PROBES = np.array([0.25, 0.5, 0.75])
_PROBED_SHARE = 0.8  # the farthest point of a curve from its chord is not quite at one of the probed parameters
_MAX_SPLINE_SPANS = 20_000


def arc_points(centre: ArrayLike, radius: float, start_rad: float, sweep_rad: float, sagitta: float) -> Points:
    """Return points along a circular arc, both ends included.

    Args:
        centre: (2,) any unit.
        radius: in the same unit, > 0.
        start_rad: angle of the first point, counter-clockwise from x.
        sweep_rad: signed turn from the first to the last point.
        sagitta: greatest distance from the arc, same unit.
    """
    count = _arc_steps(radius, abs(sweep_rad), sagitta)
    angles = start_rad + np.linspace(0.0, sweep_rad, count + 1)
    radii = np.full(count + 1, float(radius))
    radii[1:-1] = _inner_radius(radius, abs(sweep_rad), count)
    return np.column_stack([np.cos(angles), np.sin(angles)]) * radii[:, None] + np.asarray(centre)


def bulge_arc(start: ArrayLike, end: ArrayLike, bulge: float) -> tuple[Points, float, float, float]:
    """Return (centre, radius, start angle, sweep) of a polyline's arc segment; `bulge` is tan(sweep / 4).

    The two points must differ and the bulge must not be zero.
    """
    a, b = np.asarray(start, np.float64), np.asarray(end, np.float64)
    chord = b - a
    sweep = 4 * np.arctan(bulge)
    offset = (1 / bulge - bulge) / 4
    centre = (a + b) / 2 + offset * np.array([-chord[1], chord[0]])
    spoke = a - centre
    return centre, float(np.hypot(*spoke)), float(np.arctan2(spoke[1], spoke[0])), float(sweep)


def ellipse_points(
    centre: ArrayLike, major: ArrayLike, minor: ArrayLike, start: float, sweep: float, sagitta: float
) -> NDArray[np.float64]:
    """Return points centre + cos(t) major + sin(t) minor for t from `start` over `sweep`, both ends included.

    An ellipse is an affine picture of a circle of the major radius, so the circle's steps keep the sagitta; a closed one
    is widened like a circle to keep its area.
    """
    axis = np.asarray(major, np.float64)
    count = _arc_steps(float(np.linalg.norm(axis)), abs(sweep), sagitta)
    angles = start + np.linspace(0.0, sweep, count + 1)
    factors = np.ones(count + 1)
    factors[1:-1] = _inner_radius(1.0, abs(sweep), count)
    cos, sin = np.cos(angles) * factors, np.sin(angles) * factors
    return np.asarray(centre) + cos[:, None] * axis + sin[:, None] * np.asarray(minor, np.float64)


def spline_points(
    control: NDArray[np.float64], degree: int, knots: ArrayLike, weights: ArrayLike | None, sagitta: float
) -> NDArray[np.float64]:
    """Return points along a (rational) B-spline, both ends included.

    Each knot span is halved until its chords keep the sagitta at three points of the curve between, so that huge and tiny
    spans are treated alike.

    Args:
        control: (N, D) control points.
        degree: 1 or more; N > degree.
        knots: (N + degree + 1,) not decreasing.
        weights: (N,) or None for all ones.
        sagitta: greatest distance from the curve, same unit.
    """
    knots = np.asarray(knots, np.float64)
    weights = np.ones(len(control)) if weights is None else np.asarray(weights, np.float64)
    homogeneous = np.column_stack([control * weights[:, None], weights])
    spans = np.unique(knots[degree : len(control) + 1])[: _MAX_SPLINE_SPANS + 1]
    parameters = np.concatenate([np.linspace(a, b, _SPLINE_START_STEPS, endpoint=False)
                                 for a, b in itertools.pairwise(spans)] + [spans[-1:]])  # fmt: skip
    points = _de_boor(homogeneous, degree, knots, parameters)
    found = [(parameters, points)]
    low, high, starts, ends = parameters[:-1], parameters[1:], points[:-1], points[1:]
    for _ in range(_SPLINE_ROUNDS):
        at = low + np.multiply.outer(_PROBES, high - low)
        probes = _de_boor(homogeneous, degree, knots, at.ravel()).reshape(*at.shape, -1)
        far = np.max([_distance_to_chord(probe, starts, ends) for probe in probes], axis=0)
        wide = far > _PROBED_SHARE * sagitta
        if not wide.any() or sum(len(own) for own, _ in found) > MAX_STEPS * 8:
            break
        middle, between = at[1][wide], probes[1][wide]
        found.append((middle, between))
        low, high = np.concatenate([low[wide], middle]), np.concatenate([middle, high[wide]])
        starts, ends = np.concatenate([starts[wide], between]), np.concatenate([between, ends[wide]])
    order = np.argsort(np.concatenate([own for own, _ in found]), kind="stable")
    return np.concatenate([own for _, own in found])[order]


def _arc_steps(radius: float, sweep: float, sagitta: float) -> int:
    half_step = np.arccos(max(-1.0, 1 - min(sagitta, radius) / radius)) if radius > 0 else np.pi
    least = int(np.ceil(_MIN_STEPS_PER_TURN * sweep / (2 * np.pi) - 1e-9))
    return int(
        np.clip(np.ceil(sweep / (2 * half_step) - 1e-9) if half_step > 0 else MAX_STEPS, max(2, least), MAX_STEPS)
    )


def _inner_radius(radius: float, sweep: float, count: int) -> float:
    """Radius of the points between the ends for which the fan of `count` triangles has the sector's area."""
    step = sweep / count
    area = sweep / np.sin(step) if 1e-7 < step < np.pi / 2 + 1e-9 else float(count)
    if count == 2:
        return radius * area / 2
    return radius * float((-1 + np.sqrt(1 + (count - 2) * area)) / (count - 2))


def _distance_to_chord(points: Points, starts: Points, ends: Points) -> Points:
    chord = ends - starts
    length2 = np.maximum((chord**2).sum(axis=1), np.finfo(float).tiny)
    along = np.clip(((points - starts) * chord).sum(axis=1) / length2, 0, 1)
    return np.linalg.norm(points - starts - along[:, None] * chord, axis=1)


def _de_boor(homogeneous: Points, degree: int, knots: Points, parameters: Points) -> Points:
    """Evaluate a rational B-spline at all parameters at once (de Boor's algorithm)."""
    last = len(homogeneous) - 1
    span = np.clip(np.searchsorted(knots, parameters, side="right") - 1, degree, last)
    while (flat := (knots[span + 1] <= knots[span]) & (span > degree)).any():
        span = span - flat  # the end of the last span that has a length
    rows = [homogeneous[span - degree + j] for j in range(degree + 1)]
    for level in range(1, degree + 1):
        for j in range(degree, level - 1, -1):
            low = knots[span - degree + j]
            width = knots[span + 1 + j - level] - low
            t = np.where(width > 0, (parameters - low) / np.where(width > 0, width, 1), 0.0)[:, None]
            rows[j] = (1 - t) * rows[j - 1] + t * rows[j]
    values = rows[degree]
    return values[:, :-1] / values[:, -1:]

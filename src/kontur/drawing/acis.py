"""Planar ACIS bodies (REGION, and BODY where all of it lies in one direction) to closed curves.

ezdxf reads the records of SAT and SAB, but of the curves only the straight ones, and no scale of a body. Ellipses, splines
and the scale are added here, in a loader of our own, so that ezdxf's tables stay as they are. An edge cannot be read that
lies on a piece of a spline only, or on a spline that the body stores elsewhere.
"""

from collections.abc import Iterator
from math import atan2, pi
from typing import Any, cast

import numpy as np
from ezdxf.acis.const import AcisException
from ezdxf.acis.entities import (
    ENTITY_TYPES,
    AcisEntity,
    Body,
    Coedge,
    Curve,
    Face,
    Plane,
    SabLoader,
    SatLoader,
    StraightCurve,
    SupportsPattern,
    Transform,
    Vertex,
    restore_entity,
)
from ezdxf.entities import Body as DXFBody
from ezdxf.math import Vec3
from numpy.typing import NDArray

from kontur.drawing.flatten import ellipse_points, spline_points

Points3 = NDArray[np.float64]
Loop = tuple[Points3, tuple[float, float, float, float] | None]

_PARALLEL = 1e-9
_ROUND = 1e-9
_NEAR = 1e-6


class NotPlanarError(Exception):
    """The body is not flat, or has curves that cannot be read."""


class _EllipseCurve(Curve):
    """An ellipse or circle: centre + cos(t) major + sin(t) minor."""

    type = "ellipse-curve"

    def restore_data(self, loader: Any) -> None:
        """Read the record's own fields."""
        self.center, self.normal = Vec3(loader.read_vec3()), Vec3(loader.read_vec3())
        self.major, self.ratio = Vec3(loader.read_vec3()), float(loader.read_double())

    @property
    def minor(self) -> Vec3:
        """Half of the minor axis."""
        return self.normal.normalize().cross(self.major) * self.ratio

    def parameter(self, point: Vec3) -> float:
        """Return the parameter of the point on the ellipse nearest in angle."""
        spoke = point - self.center
        return atan2(
            spoke.dot(self.minor) / self.minor.magnitude_square, spoke.dot(self.major) / self.major.magnitude_square
        )

    def evaluate(self, param: float) -> Vec3:
        """Return the point at a parameter."""
        return self.center + self.major * np.cos(param) + self.minor * np.sin(param)


class _SplineCurve(Curve):
    """A spline: `nubs` or `nurbs`, degree, form, distinct knots with multiplicities, points (x y z, and a weight).

    The outer knots are stored as often as the degree says, once less than in most textbooks.
    """

    type = "intcurve-curve"

    def restore_data(self, loader: Any) -> None:
        """Read the record's own fields."""
        values = [getattr(token, "value", token) for token in loader.data[loader.index :]]
        start = next((index for index, value in enumerate(values) if value in ("nubs", "nurbs")), None)
        self.numbers = [] if start is None else values[start:]

    def points(self, sagitta: float) -> Points3:
        """Return (N, 3) points along the whole of it.

        Raises:
            ValueError: numbers that do not fit together.
            NotPlanarError: it is stored elsewhere.
        """
        if not self.numbers:
            raise NotPlanarError
        kind, degree, _, distinct, *rest = self.numbers
        degree, width = int(degree), 4 if kind == "nurbs" else 3
        stored, times = np.array(rest[: 2 * int(distinct)], float).reshape(-1, 2).T
        count = int(times.sum()) - degree + 1
        if not 1 <= degree < count <= len(rest) or (times < 1).any():
            raise ValueError("a spline whose knots and points do not fit together")
        knots = np.repeat(stored, times.astype(int))
        rows = np.array(rest[2 * int(distinct) :][: count * width], float).reshape(count, width)
        knots = np.concatenate([knots[:1], knots, knots[-1:]])
        return spline_points(rows[:, :3], degree, knots, rows[:, 3] if width == 4 else None, sagitta)

    def evaluate(self, param: float) -> Vec3:
        """Refuse: a spline is sampled as a whole."""
        raise NotImplementedError


class _PlacedTransform(Transform):
    """Three rows of a rotation, a shift, and the scale that goes before the shift."""

    def restore_data(self, loader: Any) -> None:
        """Read the record's own fields."""
        rows = np.array([loader.read_vec3() for _ in range(4)])
        self.scale = float(loader.read_double())
        self.linear, self.shift = rows[:3] * self.scale, rows[3]


class _CountedVertex(Vertex):
    """A vertex; newer SAT counts its edges as SAB does."""

    def restore_common(self, loader: Any, entity_factory: Any) -> None:
        """Read the fields that all records of the kind share."""
        SupportsPattern.restore_common(self, loader, entity_factory)
        self.edge = restore_entity("edge", loader, entity_factory)
        if loader.index < len(loader.data) - 1:
            self.ref_count = loader.read_int()
        self.point = restore_entity("point", loader, entity_factory)


_OURS: tuple[type[AcisEntity], ...] = (_EllipseCurve, _SplineCurve, _PlacedTransform, _CountedVertex)
_TYPES: dict[str, type[AcisEntity]] = {**ENTITY_TYPES, **{ours.type: ours for ours in _OURS}}


class _Factory:
    """Makes our types; mixed into ezdxf's two loaders."""

    entities: dict[int, AcisEntity]

    def entity_factory(self, raw_entity: Any) -> AcisEntity:
        """Return the entity of a record, the same one each time."""
        if id(raw_entity) not in self.entities:
            self.entities[id(raw_entity)] = _TYPES.get(raw_entity.name, AcisEntity)()
        return self.entities[id(raw_entity)]


class _SatLoader(_Factory, SatLoader):
    pass


class _SabLoader(_Factory, SabLoader):
    pass


def planar_loops(entity: DXFBody, sagitta: float) -> Iterator[Loop]:
    """Yield the edges of a planar ACIS entity's faces: (N, 3) points of a ring, and its exact circle if it is one.

    Raises:
        NotPlanarError: not flat, curves that cannot be read, or no ACIS data.
    """
    faces = [
        (body.transform, face)
        for body in _bodies(entity)
        for lump in _linked(body.lump, "next_lump")
        for shell in _linked(lump.shell, "next_shell")
        for face in _linked(shell.face, "next_face")
    ]
    if not faces or not _parallel([face for _, face in faces]):
        raise NotPlanarError
    for transform, face in faces:
        for loop in _linked(face.loop, "next_loop"):
            yield _placed(_ring(list(_linked(loop.coedge, "next_coedge")), sagitta), transform)


def _linked(first: Any, follow: str) -> Iterator[Any]:
    """Yield the entities of a linked list, each once, also where a damaged file ties a knot into it."""
    seen: set[int] = set()
    while not first.is_none and id(first) not in seen:
        seen.add(id(first))
        yield first
        first = getattr(first, follow)


def _bodies(entity: DXFBody) -> list[Body]:
    try:
        loader = _SabLoader(entity.sab) if entity.has_binary_data else _SatLoader(entity.sat)
        loader.load_entities()
    except (AcisException, IndexError, StopIteration) as error:
        raise NotPlanarError from error
    return loader.bodies()


def _parallel(faces: list[Face]) -> bool:
    normals = [face.surface.normal for face in faces if isinstance(face.surface, Plane)]
    return len(normals) == len(faces) and all(normals[0].cross(n).magnitude <= _PARALLEL for n in normals)


def _ring(coedges: list[Coedge], sagitta: float) -> Loop:
    pieces = [_edge_points(coedge, sagitta) for coedge in coedges]
    curves = [coedge.edge.curve for coedge in coedges]
    circle = None
    first = curves[0] if curves else None
    if isinstance(first, _EllipseCurve) and len(curves) == 1 and abs(first.ratio - 1) <= _ROUND:
        circle = (*first.center.xyz, first.major.magnitude)
    return np.concatenate([piece[:-1] for piece in pieces]) if pieces else np.zeros((0, 3)), circle


def _edge_points(coedge: Coedge, sagitta: float) -> Points3:
    edge = coedge.edge
    start, end = edge.start_vertex.point.location, edge.end_vertex.point.location
    if isinstance(edge.curve, StraightCurve):
        points = np.array([start.xyz, end.xyz])
    elif isinstance(edge.curve, _EllipseCurve):
        curve = edge.curve
        turn = -1 if edge.sense else 1
        first, last = curve.parameter(start), curve.parameter(end)
        sweep = 2 * pi if edge.start_vertex is edge.end_vertex else (turn * (last - first)) % (2 * pi)
        points = ellipse_points(curve.center.xyz, curve.major.xyz, curve.minor.xyz, first, turn * sweep, sagitta)
    elif isinstance(edge.curve, _SplineCurve):
        points = _between(edge.curve.points(sagitta), np.array([start.xyz, end.xyz]))
    else:
        raise NotPlanarError
    return points[::-1] if coedge.sense else points


def _between(points: Points3, ends: Points3) -> Points3:
    """Return a curve's points in the direction in which it runs from one end to the other, if those are its ends."""
    near = _NEAR * float(np.ptp(points, axis=0).max())
    for way in (points, points[::-1]):
        if np.abs(way[[0, -1]] - ends).max() <= near:
            return way
    raise NotPlanarError


def _placed(loop: Loop, transform: AcisEntity) -> Loop:
    if transform.is_none:
        return loop
    placing = cast(_PlacedTransform, transform)
    points, circle = loop
    if circle is not None:
        centre = np.array(circle[:3]) @ placing.linear + placing.shift
        circle = (*centre.tolist(), circle[3] * placing.scale)
    return points @ placing.linear + placing.shift, circle

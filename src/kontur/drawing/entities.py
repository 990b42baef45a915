"""What each DXF entity is: a curve, a filled area, an insertion, something that bounds no material, or unreadable.

Curves and areas come out as strands in the coordinates of their container (a layout or a block), 3D, in drawing units.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from math import isfinite, pi, radians
from typing import Literal, cast

import numpy as np
from ezdxf import path as ezdxf_path
from ezdxf.entities import Body, DXFEntity, LWPolyline, Polyline, Spline
from ezdxf.lldxf.const import DXFError
from ezdxf.math import OCS, Vec3, fit_points_to_cad_cv
from numpy.typing import NDArray

from kontur.drawing.acis import NotPlanarError, planar_loops
from kontur.drawing.flatten import arc_points, bulge_arc, ellipse_points, spline_points

Points3 = NDArray[np.float64]
Area = Literal["", "hatch", "face"]

NOT_GEOMETRY = frozenset({
    "TEXT", "MTEXT", "RTEXT", "ARCALIGNEDTEXT", "ATTRIB", "ATTDEF", "SHAPE", "ACAD_TABLE", "TABLE",
    "DIMENSION", "ARC_DIMENSION", "LARGE_RADIAL_DIMENSION", "LEADER", "MULTILEADER", "MLEADER", "TOLERANCE",
    "POINT", "XLINE", "RAY", "IMAGE", "WIPEOUT", "OLEFRAME", "OLE2FRAME", "PDFUNDERLAY", "DWFUNDERLAY", "DGNUNDERLAY",
    "VIEWPORT", "CAMERA", "SECTION", "LIGHT", "SUN", "GEODATA", "POSITIONMARKER", "GEOPOSITIONMARKER",
    "SEQEND", "VERTEX", "REPEAT", "ENDREP",
})  # fmt: skip
"""Entities that bound no material: text, measures, pictures, construction lines, views, points."""

SOLIDS = frozenset({
    "REGION", "BODY", "3DSOLID", "SURFACE", "PLANESURFACE", "EXTRUDEDSURFACE", "REVOLVEDSURFACE", "LOFTEDSURFACE",
    "SWEPTSURFACE", "ACAD_PROXY_ENTITY",
})  # fmt: skip
"""Entities that bound material where they cannot be read."""

BROKEN = (ArithmeticError, ValueError, TypeError, LookupError, AttributeError, RuntimeError, DXFError)
"""What ezdxf and numpy raise on an entity whose data contradicts itself."""

MAX_COORDINATE = 1e11
"""Drawing units; beyond it, double precision cannot hold a flat part's details."""

_FULL_TURN_SLACK_RAD = 1e-9
_SPLINE_FRAME_POINT = 16
_FINEST_RELATIVE = 1e-5
_FLAT_OCS = (0.0, 0.0, 1.0)


@dataclass(slots=True)
class Strand:
    """A piece of curve, (N, 3) in drawing units.

    Attributes:
        points: (N, 3); a closed strand does not repeat its first point.
        closed: whether it is a ring by itself.
        arc: centre (3) and radius when all of it lies on one exact circle parallel to its container's plane.
        area: "" for a drawn line, else the edge of a filled area: "hatch" (one loop of it) or "face" (SOLID, 3DFACE, MESH).
        layer, linetype, color: as resolved so far ("BYBLOCK" and layer "0" are resolved at the insertion).
        source: index of the layout's entity it comes from.
    """

    points: Points3
    closed: bool
    arc: tuple[float, float, float, float] | None = None
    area: Area = ""
    layer: str = "0"
    linetype: str = "BYLAYER"
    color: int = 256
    source: int = -1


def strands_of(entity: DXFEntity, sagitta: float) -> list[Strand] | None:
    """Return the strands of a curve or area entity, None when its type is not one that kontur can read.

    Raises:
        one of BROKEN: the entity's data contradicts itself.
    """
    reader = _READERS.get(entity.dxftype())
    if reader is None:
        return None
    dxf = entity.dxf
    layer, linetype, color = dxf.get("layer", "0"), dxf.get("linetype", "BYLAYER"), dxf.get("color", 256)
    try:
        strands = [s for s in reader(entity, sagitta) if len(s.points) > 1]
    except NotPlanarError:
        return None
    for strand in strands:
        if not np.isfinite(strand.points).all():
            raise ValueError("coordinates that are not finite")
        if np.abs(strand.points).max() > MAX_COORDINATE:
            raise ValueError("coordinates beyond reach")
        strand.layer, strand.linetype, strand.color = layer, linetype, color
    return strands


def transformed(strand: Strand, matrix: NDArray[np.float64], similar: bool) -> Strand:
    """Return the strand mapped by a (4, 4) row-vector matrix; `similar` says whether circles stay circles."""
    points = strand.points @ matrix[:3, :3] + matrix[3, :3]
    arc = None
    if strand.arc is not None and similar:
        centre = np.array(strand.arc[:3]) @ matrix[:3, :3] + matrix[3, :3]
        arc = (*centre.tolist(), strand.arc[3] * float(np.linalg.norm(matrix[0, :3])))
    return replace(strand, points=points, arc=arc)


def is_similarity(matrix: NDArray[np.float64]) -> bool:
    """Whether the linear part of a (4, 4) matrix keeps the form of circles in its x-y plane."""
    gram = matrix[:2, :3] @ matrix[:2, :3].T
    return bool(abs(gram[0, 1]) <= 1e-9 * gram[0, 0] and abs(gram[0, 0] - gram[1, 1]) <= 1e-9 * gram[0, 0])


def _lift(flat: NDArray[np.float64], z: float, extrusion: tuple[float, float, float]) -> Points3:
    """(N, 2) points of an object coordinate system at height z to (N, 3) container coordinates."""
    points = np.column_stack([flat, np.full(len(flat), z)])
    if extrusion == _FLAT_OCS:
        return points
    ocs = OCS(Vec3(extrusion))
    return points @ np.array([ocs.ux.xyz, ocs.uy.xyz, ocs.uz.xyz])


def _extrusion(entity: DXFEntity) -> tuple[float, float, float]:
    return tuple(entity.dxf.get("extrusion", _FLAT_OCS)) if entity.dxf.hasattr("extrusion") else _FLAT_OCS


def _line(entity: DXFEntity, _sagitta: float) -> Iterator[Strand]:
    yield Strand(np.array([entity.dxf.start.xyz, entity.dxf.end.xyz]), False)


def _circular(entity: DXFEntity, start_rad: float, sweep_rad: float, sagitta: float) -> Iterator[Strand]:
    x, y, z = entity.dxf.center.xyz
    radius, extrusion = abs(entity.dxf.radius), _extrusion(entity)
    if not isfinite(radius):
        raise ValueError("a radius that is not finite")
    if radius == 0:
        return
    full = sweep_rad >= 2 * pi - _FULL_TURN_SLACK_RAD
    flat = full_circle((x, y), radius, sagitta) if full else arc_points((x, y), radius, start_rad, sweep_rad, sagitta)
    centre = _lift(np.array([[x, y]]), z, extrusion)[0].tolist()
    yield Strand(_lift(flat, z, extrusion), full, (*centre, radius))


def full_circle(centre: tuple[float, float], radius: float, sagitta: float) -> NDArray[np.float64]:
    """Return (N, 2) points of a closed regular polygon about the circle, of the circle's area."""
    count = len(arc_points(centre, radius, 0.0, 2 * pi, sagitta)) - 1
    angles = np.arange(count) * (2 * pi / count)
    outer = radius * np.sqrt(2 * pi / (count * np.sin(2 * pi / count)))
    return np.column_stack([np.cos(angles), np.sin(angles)]) * outer + np.array(centre)


def _circle(entity: DXFEntity, sagitta: float) -> Iterator[Strand]:
    return _circular(entity, 0.0, 2 * pi, sagitta)


def _arc(entity: DXFEntity, sagitta: float) -> Iterator[Strand]:
    start, end = radians(entity.dxf.start_angle), radians(entity.dxf.end_angle)
    sweep = (end - start) % (2 * pi)
    if sweep < _FULL_TURN_SLACK_RAD and abs(end - start) > pi:
        sweep = 2 * pi
    return iter(()) if sweep == 0 else _circular(entity, start, sweep, sagitta)


def _ellipse(entity: DXFEntity, sagitta: float) -> Iterator[Strand]:
    dxf = entity.dxf
    major, extrusion = np.array(dxf.major_axis.xyz), np.array(_extrusion(entity))
    minor = np.cross(extrusion / np.linalg.norm(extrusion), major) * dxf.ratio
    start, end = dxf.start_param, dxf.end_param
    sweep = (end - start) % (2 * pi)
    full = abs(end - start) > pi and min(sweep, 2 * pi - sweep) < 1e-6
    points = ellipse_points(dxf.center.xyz, major, minor, start, 2 * pi if full else sweep, sagitta)
    if full or sweep > 0:
        yield Strand(points[:-1] if full else points, full)


def _spline(entity: Spline, sagitta: float) -> Iterator[Strand]:
    control, knots = np.array(entity.control_points, np.float64), np.array(entity.knots, np.float64)
    weights = np.array(entity.weights, np.float64) if len(entity.weights) == len(control) else None
    degree = len(knots) - len(control) - 1 if len(knots) > len(control) + 1 else entity.dxf.degree
    if len(control) > degree and len(knots) != len(control) + degree + 1 and entity.closed:
        tool = entity.construction_tool()
        control, knots = np.array([p.xyz for p in tool.control_points]), np.array(tool.knots())
    if len(control) <= degree and len(entity.fit_points) > 1:
        tool = fit_points_to_cad_cv([Vec3(p) for p in entity.fit_points])
        control, knots, degree = np.array([p.xyz for p in tool.control_points]), np.array(tool.knots()), tool.degree
        weights = None
    if len(control) <= degree or len(knots) != len(control) + degree + 1 or (np.diff(knots) < 0).any():
        raise ValueError("control points and knots do not fit together")
    points = spline_points(control, degree, knots, weights, sagitta)
    closed = len(points) > 3 and np.linalg.norm(points[0] - points[-1]) <= 1e-9 * np.ptp(points, axis=0).max()
    yield Strand(points[:-1] if closed else points, bool(closed))


def _bulge_polyline(
    vertices: NDArray[np.float64], closed: bool, z: float, extrusion: tuple[float, float, float], sagitta: float
) -> Iterator[Strand]:
    """`vertices` (N, 3) are x, y, bulge in object coordinates."""
    keep = np.ones(len(vertices), bool)
    keep[:-1] = (vertices[:-1, :2] != vertices[1:, :2]).any(axis=1)
    vertices = vertices[keep]
    if closed and len(vertices) > 1 and (vertices[0, :2] == vertices[-1, :2]).all():
        vertices = vertices[:-1]
    if len(vertices) < 2:
        return
    if not vertices[:, 2].any():
        if closed or len(vertices) > 1:
            yield Strand(_lift(vertices[:, :2], z, extrusion), closed and len(vertices) > 2)
        return
    pieces, arcs, straight = [], [], 0
    ends = np.roll(vertices, -1, axis=0)
    for start, end in list(zip(vertices, ends, strict=True))[: None if closed else -1]:
        if abs(start[2]) < 1e-9:
            straight += 1
            pieces.append(start[None, :2])
            continue
        centre, radius, angle, sweep = bulge_arc(start[:2], end[:2], start[2])
        arcs.append((*centre, radius, sweep))
        pieces.append(arc_points(centre, radius, angle, sweep, sagitta)[:-1])
    if not closed:
        pieces.append(vertices[-1:, :2])
    circle = _one_circle(np.array(arcs)) if closed and not straight else None
    flat = np.concatenate(pieces) if circle is None else full_circle((circle[0], circle[1]), circle[2], sagitta)
    centre3 = None if circle is None else (*_lift(np.array([circle[:2]]), z, extrusion)[0].tolist(), circle[2])
    yield Strand(_lift(flat, z, extrusion), closed, centre3)


def _one_circle(arcs: NDArray[np.float64]) -> tuple[float, float, float] | None:
    """The circle that arcs (x, y, radius, sweep) make up together, if they do."""
    middle = arcs.mean(axis=0)
    same = np.abs(arcs[:, :3] - middle[:3]).max() <= 1e-6 * middle[2]
    return tuple(middle[:3].tolist()) if same and abs(abs(arcs[:, 3].sum()) - 2 * pi) < 1e-6 else None


def _lwpolyline(entity: LWPolyline, sagitta: float) -> Iterator[Strand]:
    vertices = np.array(entity.lwpoints.values, np.float64).reshape(-1, 5)[:, [0, 1, 4]]
    return _bulge_polyline(vertices, entity.closed, entity.dxf.elevation, _extrusion(entity), sagitta)


def _polyline(entity: Polyline, sagitta: float) -> Iterator[Strand]:
    if entity.is_poly_face_mesh or entity.is_polygon_mesh:
        yield from _faces(entity)
        return
    vertices = [v for v in entity.vertices if not v.dxf.flags & _SPLINE_FRAME_POINT]
    if len(vertices) < 2:
        return
    if entity.is_3d_polyline:
        points = np.array([v.dxf.location.xyz for v in vertices])
        yield Strand(points, entity.is_closed and len(points) > 2)
        return
    rows = np.array([(v.dxf.location.x, v.dxf.location.y, v.dxf.bulge) for v in vertices])
    elevation = entity.dxf.elevation.z if entity.dxf.hasattr("elevation") else vertices[0].dxf.location.z
    yield from _bulge_polyline(rows, entity.is_closed, elevation, _extrusion(entity), sagitta)


def _faces(entity: Polyline) -> Iterator[Strand]:
    for face in entity.virtual_entities():
        yield from _face(face, 0.0)


def _face(entity: DXFEntity, _sagitta: float) -> Iterator[Strand]:
    corners = np.array([v.xyz for v in entity.wcs_vertices(close=False)])
    if len(corners) > 2:
        yield Strand(corners, True, area="face")


def _mesh(entity: DXFEntity, _sagitta: float) -> Iterator[Strand]:
    vertices = np.array([Vec3(v).xyz for v in entity.vertices])
    for face in entity.faces:
        if len(face) > 2:
            yield Strand(vertices[list(face)], True, area="face")


def _hatch(entity: DXFEntity, sagitta: float) -> Iterator[Strand]:
    for loop in ezdxf_path.from_hatch(entity):
        frame = np.array([v.xyz for v in loop.control_vertices()])
        size = float(np.ptp(frame, axis=0).max())
        if not size <= MAX_COORDINATE:
            raise ValueError("coordinates beyond reach")
        points = np.array([v.xyz for v in loop.flattening(max(sagitta, _FINEST_RELATIVE * size), segments=4)])
        if len(points) > 3:
            yield Strand(points[:-1] if np.allclose(points[0], points[-1]) else points, True, area="hatch")


def _region(entity: DXFEntity, sagitta: float) -> Iterator[Strand]:
    for points, circle in planar_loops(cast(Body, entity), sagitta):
        yield Strand(points, True, circle)


def _mline(entity: DXFEntity, sagitta: float) -> Iterator[Strand]:
    for piece in entity.virtual_entities():
        if piece.dxftype() in ("LINE", "ARC"):
            yield from _READERS[piece.dxftype()](piece, sagitta)


_READERS: dict[str, Callable[..., Iterator[Strand]]] = {
    "LINE": _line, "3DLINE": _line, "CIRCLE": _circle, "ARC": _arc, "ELLIPSE": _ellipse, "SPLINE": _spline,
    "HELIX": _spline, "LWPOLYLINE": _lwpolyline, "POLYLINE": _polyline, "3DFACE": _face, "SOLID": _face, "TRACE": _face,
    "MESH": _mesh, "HATCH": _hatch, "MPOLYGON": _hatch, "MLINE": _mline, "REGION": _region, "BODY": _region,
}  # fmt: skip

READABLE = frozenset({*_READERS, "INSERT"})
"""Entities whose shape kontur can read."""

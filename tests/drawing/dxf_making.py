"""Making drawings for the tests, and looking at what was read of them with other means than the reader's own."""

import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import ezdxf
import numpy as np
import shapely
from ezdxf import disassemble
from ezdxf import path as ezdxf_path
from ezdxf.document import Drawing as Document
from ezdxf.layouts import BaseLayout

from kontur.drawing import Drawing, DrawingRules, Issue, read_drawing
from kontur.geometry import Part

ELL = np.array([(0, 0), (60, 0), (60, 15), (20, 15), (20, 90), (0, 90)], float)
"""An L with unequal legs: no symmetry, chiral; area 2400 mm2, perimeter 300 mm."""
ELL_AREA, ELL_PERIMETER = 2400.0, 300.0


def document(unit: int | None = 4, version: str = "R2010") -> tuple[Document, BaseLayout]:
    """A new document in millimetres (or another $INSUNITS code, None for a header without one) and its model space."""
    doc = ezdxf.new(version)
    if unit is not None:
        doc.header["$INSUNITS"] = unit
    return doc, doc.modelspace()


def read(doc: Document, name: str = "part.dxf", **rules: object) -> Drawing:
    """Write a document to a file and read that."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        doc.saveas(path)
        return read_drawing(path, DrawingRules(**rules))


def read_text(text: str | bytes, name: str = "part.dxf", **rules: object) -> Drawing:
    """Write text or bytes to a file and read that."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_drawing(path, DrawingRules(**rules))


def drawn(draw: Callable[[BaseLayout], object], unit: int | None = 4, **rules: object) -> Drawing:
    """Read what a function draws in the model space of a new document."""
    doc, msp = document(unit)
    draw(msp)
    return read(doc, **rules)


def lines(layout: BaseLayout, corners: Iterable[Sequence[float]], closed: bool = True, **attribs: object) -> None:
    """Draw separate LINE entities from corner to corner."""
    points = [tuple(map(float, corner)) for corner in corners]
    for a, b in zip(points, points[1:] + points[:1] if closed else points[1:], strict=False):
        layout.add_line(a, b, dxfattribs=attribs)


def ring(layout: BaseLayout, corners: Iterable[Sequence[float]], **attribs: object) -> None:
    """Draw a closed LWPOLYLINE."""
    layout.add_lwpolyline([tuple(map(float, corner)) for corner in corners], close=True, dxfattribs=attribs)


def box(layout: BaseLayout, x: float, y: float, width: float, height: float, **attribs: object) -> None:
    """Draw a closed rectangle with its lower left corner at (x, y)."""
    ring(layout, rectangle(x, y, width, height), **attribs)


def rectangle(x: float, y: float, width: float, height: float) -> list[tuple[float, float]]:
    """Corners of a rectangle, counter-clockwise from the lower left."""
    return [(x, y), (x + width, y), (x + width, y + height), (x, y + height)]


def plate(layout: BaseLayout) -> None:
    """A plate 100 x 60 with two holes of different diameter: no symmetry; 6000 - 25 pi - 64 pi mm2."""
    box(layout, 0, 0, 100, 60)
    layout.add_circle((20, 20), 5)
    layout.add_circle((70, 35), 8)


PLATE_AREA = 6000 - 89 * np.pi


def only(drawing: Drawing) -> Part:
    """The one part of a drawing."""
    assert len(drawing.parts) == 1, (len(drawing.parts), drawing.issues)
    return drawing.parts[0]


def areas(drawing: Drawing) -> list[float]:
    """Areas of the parts, ascending."""
    return sorted(part.area_mm2 for part in drawing.parts)


def codes(drawing: Drawing) -> set[str]:
    """Codes of the issues."""
    return {issue.code for issue in drawing.issues}


def severities(drawing: Drawing) -> set[str]:
    """Severities of the issues."""
    return {issue.severity for issue in drawing.issues}


def issue(drawing: Drawing, code: str) -> Issue:
    """The one issue with that code."""
    found = [item for item in drawing.issues if item.code == code]
    assert len(found) == 1, (code, drawing.issues)
    return found[0]


def placed(part: Part) -> shapely.Polygon:
    """A part's material where it lies in the drawing."""
    return shapely.transform(part.polygon, lambda points: points + part.origin_mm)


def difference(part: Part, polygon: shapely.Polygon) -> float:
    """Area that only one of a part (in its place) and a polygon cover, relative to the polygon's."""
    return placed(part).symmetric_difference(polygon).area / polygon.area


def diameters(part: Part) -> list[float]:
    """Diameters of the round holes, ascending."""
    return sorted(2 * hole.circle.radius_mm for hole in part.holes if hole.circle is not None)


def hole_centres(part: Part) -> list[tuple[float, float]]:
    """Centres of the round holes in the drawing, in the order of their diameters."""
    round_holes = sorted((h.circle for h in part.holes if h.circle is not None), key=lambda c: c.radius_mm)
    return [(c.x_mm + part.origin_mm[0], c.y_mm + part.origin_mm[1]) for c in round_holes]


def segment_area(chord: float, bulge: float) -> float:
    """Signed area between a chord and its bulge's arc: r^2 (theta - sin theta) / 2 with tan(theta / 4) = bulge."""
    theta = 4 * np.arctan(bulge)
    radius = chord / (2 * np.sin(theta / 2))
    return radius**2 * (theta - np.sin(theta)) / 2


def shoelace(corners: Sequence[Sequence[float]]) -> float:
    """Signed area of a polygon."""
    return 0.5 * sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(corners, [*corners[1:], corners[0]], strict=True))


def ezdxf_polygons(doc: Document, distance: float = 1e-4) -> list[shapely.Polygon]:
    """The closed outlines of a document by ezdxf's own explosion and paths, and shapely's polygonize."""
    pieces = [shapely.LineString(points) for points in _flattened(doc, distance)]
    noded = shapely.set_precision(shapely.union_all(pieces), 1e-7)
    return list(shapely.get_parts(shapely.polygonize(shapely.get_parts(noded))))


def _flattened(doc: Document, distance: float) -> Iterator[list[tuple[float, float]]]:
    for entity in disassemble.recursive_decompose(doc.modelspace()):
        if entity.dxftype() in ("LINE", "ARC", "CIRCLE", "ELLIPSE", "SPLINE", "LWPOLYLINE", "POLYLINE"):
            yield [(v.x, v.y) for v in ezdxf_path.make_path(entity).flattening(distance, segments=64)]


def tags(*pairs: tuple[int, object]) -> str:
    """DXF text of (group code, value) pairs."""
    return "".join(f"{code}\n{value}\n" for code, value in pairs)


def entities_section(*entities: str, end: str = "0\nENDSEC\n0\nEOF\n") -> str:
    """DXF text of a drawing that has only an ENTITIES section."""
    return "0\nSECTION\n2\nENTITIES\n" + "".join(entities) + end


def line_tags(x0: float, y0: float, x1: float, y1: float, order: Sequence[int] = (10, 20, 11, 21)) -> str:
    """DXF text of a LINE with its group codes in any order."""
    values = {10: x0, 20: y0, 11: x1, 21: y1}
    return tags((0, "LINE"), (8, "0"), *((code, values[code]) for code in order))


def box_tags(x: float, y: float, width: float, height: float, order: Sequence[int] = (10, 20, 11, 21)) -> str:
    """DXF text of a rectangle of four LINEs."""
    corners = rectangle(x, y, width, height)
    return "".join(line_tags(*a, *b, order) for a, b in zip(corners, corners[1:] + corners[:1], strict=True))

"""Pictures of drawings: PNG, SVG and GeoJSON per file, and one HTML page with a thumbnail of each part."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.patches import PathPatch
from matplotlib.path import Path as Outline

from kontur.drawing import Drawing
from kontur.drawing.export import geojson_of, svg_of
from kontur.drawing.report import holes_in_words
from kontur.files import atomic_path, write_text
from kontur.geometry import Part
from kontur.geometry.likeness import LookAlike
from kontur.visualization.figures import INK, new_figure
from kontur.visualization.style import BAD, NEUTRAL, part_colour

_LONG_SIDE_IN, _SHORT_SIDE_IN = 8.0, 2.5
_NAMED_PARTS = 40
_MARKS = {"error": "#D00000", "ambiguous": "#A000A0", "warning": "#C07000"}


def write_pictures(folder: Path, drawing: Drawing) -> list[Path]:
    """Write NAME.png (parts filled, grave issues marked), NAME.svg and NAME.geojson; return the files.

    Raises:
        WorkspaceError: a file cannot be written.
    """
    stem = folder / drawing.file.name.removesuffix(".gz").removesuffix(".dxf").removesuffix(".DXF")
    files = [stem.with_name(stem.name + suffix) for suffix in (".png", ".svg", ".geojson")]
    colours = [part_colour(index) for index in range(len(drawing.parts))]
    _draw(files[0], drawing, colours)
    write_text(files[1], svg_of(drawing.parts, colours))
    write_text(files[2], geojson_of(drawing))
    return files


def write_page(
    path: Path, drawings: Sequence[Drawing | None], documents: Sequence[dict[str, Any]],
    pairs: Sequence[tuple[Part, LookAlike, dict[str, Any]]] = (),
) -> None:  # fmt: skip
    """Write one self-contained page.

    Args:
        path: the HTML file.
        drawings: as read, None where a file was unreadable.
        documents: their JSON documents, in the same order.
        pairs: look-alikes as (first part, pair, its JSON document).

    Raises:
        WorkspaceError: the file cannot be written.
    """
    environment = Environment(
        loader=PackageLoader("kontur.visualization"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    files = [
        {"document": document, "pictures": [] if drawing is None else _thumbnails(drawing),
         "holes": [holes_in_words(part) for part in document["parts"]]}
        for drawing, document in zip(drawings, documents, strict=True)
    ]  # fmt: skip
    likes = [{"document": document, "picture": Markup(_difference_svg(part, pair))} for part, pair, document in pairs]
    write_text(path, environment.get_template("parts.html").render(files=files, likes=likes))


def _thumbnails(drawing: Drawing) -> list[Markup]:
    return [Markup(svg_of([part], [part_colour(index)], in_place=False)) for index, part in enumerate(drawing.parts)]


def _difference_svg(part: Part, pair: LookAlike) -> str:
    """The first part in grey with the difference over it."""
    base = svg_of([part], [NEUTRAL], in_place=False)
    pieces = [piece for piece in shapely.get_parts(pair.difference).tolist() if piece.geom_type == "Polygon"]
    rings = [ring for piece in pieces for ring in (piece.exterior, *piece.interiors)]
    data = " ".join(
        "M " + " L ".join(f"{x:.4f} {y:.4f}" for x, y in shapely.get_coordinates(ring)) + " Z" for ring in rings
    )
    return base.replace("\n</g>", f'\n<path d="{data}" fill="{BAD}" stroke="{BAD}"/>\n</g>')


def _draw(path: Path, drawing: Drawing, colours: Sequence[str]) -> None:
    width, height = _figure_size(drawing)
    figure, (axis,) = new_figure(width, height)
    for part, colour in zip(drawing.parts, colours, strict=True):
        axis.add_patch(PathPatch(_outline(part), facecolor=colour, edgecolor=INK, linewidth=0.6))
        if len(drawing.parts) <= _NAMED_PARTS:
            x0, y0, x1, _ = part.outer.shifted(*part.origin_mm).bounds_mm
            axis.annotate(
                part.name, ((x0 + x1) / 2, y0), (0, -3), textcoords="offset points", ha="center", va="top", fontsize=7,
                color=INK,
            )  # fmt: skip
    _mark_issues(axis, drawing)
    axis.set_aspect("equal")
    axis.autoscale_view()
    axis.set_xlabel("mm", fontsize=8)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=120)


def _mark_issues(axis: Axes, drawing: Drawing) -> None:
    for issue in drawing.issues:
        if issue.x_mm is not None and issue.y_mm is not None and issue.severity in _MARKS:
            axis.plot(issue.x_mm, issue.y_mm, "x", color=_MARKS[issue.severity], markersize=7)


def _figure_size(drawing: Drawing) -> tuple[float, float]:
    points = [part.outer.points + part.origin_mm for part in drawing.parts] or [np.eye(2)]
    width, height = np.ptp(np.concatenate(points), axis=0)
    scale = _LONG_SIDE_IN / max(width, height)
    return max(_SHORT_SIDE_IN, width * scale), max(_SHORT_SIDE_IN, height * scale)


def _outline(part: Part) -> Outline:
    rings = [np.vstack([contour.points, contour.points[:1]]) + part.origin_mm for contour in part.contours]
    codes = [
        np.array([Outline.MOVETO] + [Outline.LINETO] * (len(ring) - 2) + [Outline.CLOSEPOLY], np.uint8)
        for ring in rings
    ]
    return Outline(np.concatenate(rings), np.concatenate(codes))

"""Parts as SVG and GeoJSON text, in millimetres."""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from kontur.drawing.model import Drawing
from kontur.geometry import Contour, Part

_MARGIN = 0.03


def geojson_of(drawing: Drawing) -> str:
    """Return a FeatureCollection of polygons with holes, in mm of the drawing (GeoJSON's rings, not the globe's degrees)."""
    features = [
        {
            "type": "Feature",
            "properties": {
                "name": part.name,
                "area_mm2": part.area_mm2,
                "symmetry": part.symmetry,
                "chiral": part.chiral,
            },
            "geometry": {"type": "Polygon", "coordinates": [_closed(ring, part.origin_mm) for ring in part.contours]},
        }
        for part in drawing.parts
    ]
    document: dict[str, Any] = {"type": "FeatureCollection", "unit": "mm", "features": features}
    return json.dumps(document, indent=1, allow_nan=False)


def svg_of(parts: Sequence[Part], colours: Sequence[str], in_place: bool = True) -> str:
    """Return an SVG of parts, 1 user unit = 1 mm, y up in the drawing; exact circles stay circles in the path data.

    Args:
        parts: what to draw.
        colours: a fill per part, any CSS colour.
        in_place: where they lie in the drawing; otherwise each with its datum at the origin.
    """
    shifts = [np.array(part.origin_mm) if in_place else np.zeros(2) for part in parts]
    points = np.concatenate(
        [part.outer.points + shift for part, shift in zip(parts, shifts, strict=True)] or [np.zeros((1, 2))]
    )
    low, high = points.min(axis=0), points.max(axis=0)
    margin = _MARGIN * float((high - low).max())
    width, height = high - low + 2 * margin
    line = float((high - low).max()) / 500
    paths = [
        f'<path d="{_path(part, shift)}" fill="{colour}"><title>{_escape(part.name)}</title></path>'
        for part, shift, colour in zip(parts, shifts, colours, strict=True)
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.4f}mm" height="{height:.4f}mm" '
        f'viewBox="{low[0] - margin:.4f} {-high[1] - margin:.4f} {width:.4f} {height:.4f}">\n'
        f'<g transform="scale(1,-1)" fill-rule="evenodd" stroke="#22262B" stroke-width="{line:.4f}">\n'
        + "\n".join(paths) + "\n</g>\n</svg>\n"
    )  # fmt: skip


def _path(part: Part, shift: np.ndarray) -> str:
    return " ".join(_ring_path(contour, shift) for contour in part.contours)


def _ring_path(contour: Contour, shift: np.ndarray) -> str:
    if contour.circle is not None:
        x, y, r = contour.circle.x_mm + shift[0], contour.circle.y_mm + shift[1], contour.circle.radius_mm
        half = f"a {r:.5f} {r:.5f} 0 1 0"
        return f"M {x - r:.5f} {y:.5f} {half} {2 * r:.5f} 0 {half} {-2 * r:.5f} 0 Z"
    return "M " + " L ".join(f"{x:.5f} {y:.5f}" for x, y in contour.points + shift) + " Z"


def _closed(contour: Contour, origin_mm: tuple[float, float]) -> list[list[float]]:
    points = contour.points + origin_mm
    return np.round(np.vstack([points, points[:1]]), 6).tolist()


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")

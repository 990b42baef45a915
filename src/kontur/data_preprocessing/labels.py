"""Labels from geometry: silhouettes, what is visible of them, bridged polygons and oriented boxes, in pixels.

Pixel coordinates here have centres at integers; the +0.5 of COCO and YOLO is added where files are written.
"""

from collections.abc import Sequence

import numpy as np
import shapely
from numpy.typing import NDArray

from kontur.data_preprocessing.views import View
from kontur.geometry import Points

_THIN_MM = 0.05
SIMPLIFY_PX = 0.08
"""Polygons lose corners that move their boundary by less than this."""


def silhouettes(views: Sequence[View]) -> list[shapely.Geometry]:
    """Return for each thing the area it covers (px), side walls included, unbounded by the picture."""
    return [_silhouette(view) for view in views]


def _silhouette(view: View) -> shapely.Geometry:
    """Union of the slices that the renderer draws; nothing for prints, which hide nothing."""
    thing = view.thing
    if thing.thickness_mm < _THIN_MM and thing.part is None:
        return shapely.Polygon()
    rings = thing.shape.simplified(SIMPLIFY_PX / view.pose_px.scale_px_per_mm)
    points = np.concatenate(rings)
    points = np.column_stack([points, np.ones(len(points))])
    ends = np.cumsum([len(ring) for ring in rings])[:-1]
    slices = []
    for homography in view.homographies:
        mapped = points @ homography.T
        outer, *holes = np.split(mapped[:, :2] / mapped[:, 2:], ends)
        slices.append(shapely.Polygon(outer, holes))
    return slices[0] if len(slices) == 1 else shapely.union_all(slices)


def visible_areas(areas: Sequence[shapely.Geometry], size_wh: tuple[int, int]) -> list[shapely.Geometry]:
    """Return what each area shows when later ones lie over it and the picture's border cuts it."""
    width, height = size_wh
    frame = shapely.box(-0.5, -0.5, width - 0.5, height - 0.5)
    bounds = shapely.bounds(np.array(areas, object)) if areas else np.empty((0, 4))
    shown = []
    for index, area in enumerate(areas):
        above = [areas[k] for k in range(index + 1, len(areas)) if _meet(bounds[index], bounds[k])]
        rest = shapely.difference(area, shapely.union_all(above)) if above else area
        shown.append(shapely.intersection(rest, frame))
    return shown


def _meet(a: NDArray[np.float64], b: NDArray[np.float64]) -> bool:
    return bool(a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3])


def polygons_of(area: shapely.Geometry, least_px2: float = 1.0) -> list[shapely.Polygon]:
    """Return the polygons of an area that are not slivers, largest first."""
    pieces = [p for p in shapely.get_parts(area) if isinstance(p, shapely.Polygon) and p.area >= least_px2]
    return sorted(pieces, key=lambda p: -p.area)


def bridged_ring(area: shapely.Geometry) -> Points:
    """Return one closed ring (N, 2) that covers the same area: holes and pieces are joined by bridges of no width.

    Each bridge runs between the nearest corners of the ring so far and of the ring that is joined next. Walked there and
    back it encloses nothing, wherever it runs.
    """
    pieces = polygons_of(area, 0.0)
    if not pieces:
        return np.empty((0, 2))
    ring = np.asarray(pieces[0].exterior.coords)[:-1]
    others = [hole for piece in pieces for hole in piece.interiors] + [piece.exterior for piece in pieces[1:]]
    for other in others:
        joined = np.asarray(other.coords)[:-1]
        gaps = ((ring[:, None] - joined) ** 2).sum(axis=2)
        here, there = divmod(int(gaps.argmin()), len(joined))
        ring = np.concatenate([ring[: here + 1], joined[there:], joined[: there + 1], ring[here:]])
    return ring


def oriented_box(area: shapely.Geometry) -> Points:
    """Return the (4, 2) corners of the smallest turned rectangle around an area."""
    box = shapely.oriented_envelope(area)
    return np.asarray(box.exterior.coords)[:4]

"""Labels from geometry: silhouettes, what is visible of them, bridged polygons and oriented boxes, in pixels.

Pixel coordinates here have centres at integers; the +0.5 of COCO and YOLO is added where files are written.
"""

from collections.abc import Sequence
from itertools import pairwise

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
    """Return one closed ring (N, 2) that covers the same area: holes and pieces hang on bridges of no width.

    Each runs from the nearest corner of the largest piece's outline. Walked there and back a bridge encloses nothing,
    wherever it runs.
    """
    pieces = polygons_of(area, 0.0)
    if not pieces:
        return np.empty((0, 2))
    ring = np.asarray(pieces[0].exterior.coords)[:-1]
    hanging = [hole for piece in pieces for hole in piece.interiors] + [piece.exterior for piece in pieces[1:]]
    if not hanging:
        return ring
    loops = [np.asarray(loop.coords)[:-1] for loop in hanging]
    corners = np.concatenate(loops)
    gaps = np.hypot(*(corners[:, None] - ring).transpose(2, 0, 1))
    starts = np.cumsum([0, *map(len, loops)])
    nearest = [int(gaps[begin:end].argmin()) for begin, end in pairwise(starts)]
    bridges = sorted((flat % len(ring), flat // len(ring), number) for number, flat in enumerate(nearest))
    walked, last = [], 0
    for corner, start, number in bridges:
        loop = loops[number]
        walked += [ring[last : corner + 1], loop[start:], loop[: start + 1]]
        last = corner
    return np.concatenate([*walked, ring[last:]])


def oriented_box(area: shapely.Geometry) -> Points:
    """Return the (4, 2) corners of the smallest turned rectangle around an area."""
    box = shapely.oriented_envelope(area)
    return np.asarray(box.exterior.coords)[:4]

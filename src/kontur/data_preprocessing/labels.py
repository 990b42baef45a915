"""Labels from geometry: the whole and the visible outline of every part, bridged rings and oriented boxes, in pixels.

Pixel coordinates here have centres at integers; the +0.5 of COCO and YOLO is added where files are written.

An area is a `manifold3d.CrossSection` (Clipper2): rings whose outlines and holes run against each other. Shapely's overlays
give the same areas, and the tests compare with them, but take three times as long, which was half of a sample's time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numba
import numpy as np
from manifold3d import CrossSection, FillRule, OpType

from kontur.data_preprocessing.outlines import corners_of
from kontur.data_preprocessing.render import Rendered
from kontur.data_preprocessing.views import View
from kontur.geometry import Points

_THIN_MM = 0.05
_LEAST_PX2 = 1.0
"""An outline of less area than this is no label."""
_SLIVER_PX2 = 0.05
"""Rings of less area than this are what is left between two edges that nearly meet."""

Rings = tuple[Points, ...]


@dataclass(frozen=True, eq=False)
class Outline:
    """The labels of one part; rings are (N, 2) px, outlines first, holes run against them.

    Attributes:
        amodal: the silhouette, side walls included, what is hidden and what is beyond the picture too.
        visible: what is left of it under the things above and within the picture; empty for less than 1 px².
        box: (4, 2) corners of the smallest turned rectangle around `visible`; (0, 2) when that is empty.
    """

    amodal: Rings
    visible: Rings
    box: Points


def outlines_of(rendered: Rendered) -> list[Outline]:
    """Return the outline of every instance of a sample, in its order: bottom to top."""
    areas = silhouettes(rendered.views)
    shown = visible_areas(areas, rendered.scene.camera.size_wh)
    return [_outline(area, rest) for key, area, rest in zip(rendered.keys, areas, shown, strict=True) if key]


def _outline(area: CrossSection, shown: CrossSection) -> Outline:
    amodal = rings_of(area)
    if shown is area:
        return Outline(amodal, amodal, oriented_box(amodal))
    visible = rings_of(shown) if shown.area() >= _LEAST_PX2 else ()
    return Outline(amodal, visible, oriented_box(visible))


def silhouettes(views: Sequence[View]) -> list[CrossSection]:
    """Return for each thing the area it covers (px), side walls included, unbounded by the picture."""
    return [_silhouette(view) for view in views]


def _silhouette(view: View) -> CrossSection:
    """Union of the slices that the renderer draws; nothing for prints, which hide nothing."""
    thing = view.thing
    if thing.thickness_mm < _THIN_MM and thing.part is None:
        return CrossSection()
    corners, ends = corners_of(thing.shape, view.pose_px.scale_px_per_mm)
    mapped = corners @ np.asarray(view.homographies).transpose(0, 2, 1)
    slices = mapped[:, :, :2] / mapped[:, :, 2:]
    return CrossSection([rings[begin:end] for rings in slices for begin, end in pairwise(ends)], FillRule.NonZero)


def visible_areas(areas: Sequence[CrossSection], size_wh: tuple[int, int]) -> list[CrossSection]:
    """Return what each area shows when later ones lie over it and the picture's border cuts it."""
    right, bottom = size_wh[0] - 0.5, size_wh[1] - 0.5
    frame = CrossSection([np.array([[-0.5, -0.5], [right, -0.5], [right, bottom], [-0.5, bottom]])])
    bounds = [area.bounds() for area in areas]
    shown = []
    for index, area in enumerate(areas):
        above = [areas[k] for k in range(index + 1, len(areas)) if _meet(bounds[index], bounds[k])]
        rest = CrossSection.batch_boolean([area, *above], OpType.Subtract) if above else area
        left, top, far, low = bounds[index]
        shown.append(rest if left > -0.5 and top > -0.5 and far < right and low < bottom else rest ^ frame)
    return shown


def _meet(a: tuple[float, ...], b: tuple[float, ...]) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def rings_of(area: CrossSection) -> Rings:
    """Return the rings of an area that are not slivers, the largest first."""
    sized = [(signed_area(ring), ring) for ring in area.to_polygons()]
    return tuple(ring for size, ring in sorted(sized, key=lambda pair: -pair[0]) if abs(size) > _SLIVER_PX2)


@numba.njit(cache=True, nogil=True)
def signed_area(ring):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Area of an (N, 2) ring, negative when it runs clockwise in a frame with y up."""
    total = 0.0
    x0, y0 = ring[0]
    for k in range(1, len(ring) - 1):
        total += (ring[k, 0] - x0) * (ring[k + 1, 1] - y0) - (ring[k + 1, 0] - x0) * (ring[k, 1] - y0)
    return total / 2


def bridged_ring(rings: Rings) -> Points:
    """Return one closed ring (N, 2) that covers the same area: holes and pieces hang on bridges of no width.

    Each runs from the nearest corner of the first ring. Walked there and back a bridge encloses nothing, wherever it runs.
    """
    ring, *loops = rings
    if not loops:
        return ring
    bridges = sorted((*_nearest(ring, loop), number) for number, loop in enumerate(loops))
    walked, last = [], 0
    for corner, start, number in bridges:
        loop = loops[number]
        walked += [ring[last : corner + 1], loop[start:], loop[: start + 1]]
        last = corner
    return np.concatenate([*walked, ring[last:]])


@numba.njit(cache=True, nogil=True)
def _nearest(ring, loop):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Index of a corner of the ring and of one of the loop with the least distance between them."""
    best, at, start = np.inf, 0, 0
    for j in range(len(loop)):
        for i in range(len(ring)):
            x, y = ring[i, 0] - loop[j, 0], ring[i, 1] - loop[j, 1]
            if x * x + y * y < best:
                best, at, start = x * x + y * y, i, j
    return at, start


def oriented_box(rings: Rings) -> Points:
    """Return the (4, 2) corners of the smallest turned rectangle around rings; (0, 2) around nothing."""
    if not rings:
        return np.empty((0, 2))
    corners = np.concatenate(rings)
    middle = corners[0]  # single precision far from 0 would cost a hundredth of a pixel
    return cv2.boxPoints(cv2.minAreaRect((corners - middle).astype(np.float32))).astype(np.float64) + middle

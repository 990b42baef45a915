"""Labels from geometry: the whole and the visible outline of every part, and its oriented box, in pixels.

Pixel coordinates here have centres at integers; the +0.5 of COCO and YOLO is added where files are written.

An area is a `manifold3d.CrossSection` (Clipper2): rings whose outlines and holes run against each other. Shapely's overlays
give the same areas, and the tests compare with them, but take three times as long, which was half of a sample's time.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from manifold3d import CrossSection, FillRule, OpType

from kontur.data_preprocessing.layout import Placement
from kontur.data_preprocessing.render import Rendered
from kontur.data_preprocessing.rings import Rings, oriented_boxes, signed_areas
from kontur.data_preprocessing.sweeps import swept_rings
from kontur.data_preprocessing.views import View
from kontur.geometry import Points

_THIN_MM = 0.05
_LEAST_PX2 = 1.0
"""An outline of less area than this is no label."""
_SLIVER_PX2 = 0.05
"""Rings of less area than this are what is left between two edges that nearly meet."""


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
    seen = [index for index, key in enumerate(rendered.keys) if key]
    shown = visible_areas(areas, rendered.scene.camera.size_wh, seen)
    pairs = [(areas[index], rest) for index, rest in zip(seen, shown, strict=True)]
    whole = rings_of([area for area, _ in pairs])
    left = [rest is area or rest.area() >= _LEAST_PX2 for area, rest in pairs]
    cut = iter(rings_of([rest for (area, rest), shows in zip(pairs, left, strict=True) if shows and rest is not area]))
    visible = [
        () if not shows else rings if rest is area else next(cut)
        for rings, (area, rest), shows in zip(whole, pairs, left, strict=True)
    ]
    return [Outline(*each) for each in zip(whole, visible, oriented_boxes(visible), strict=True)]


def silhouettes(views: Sequence[View]) -> list[CrossSection]:
    """Return for each thing the area it covers (px), side walls included, unbounded by the picture; none for prints."""
    nothing = CrossSection()
    rings = swept_rings(views)
    return [
        nothing if _is_print(view.thing) else CrossSection(loops, FillRule.Positive)
        for view, loops in zip(views, rings, strict=True)
    ]


def _is_print(thing: Placement) -> bool:
    """Whether a thing is too thin to hide anything."""
    return thing.part is None and thing.thickness_mm < _THIN_MM


def visible_areas(areas: Sequence[CrossSection], size_wh: tuple[int, int], wanted: Sequence[int]) -> list[CrossSection]:
    """Return what each wanted area shows when later ones lie over it and the picture's border cuts it."""
    right, bottom = size_wh[0] - 0.5, size_wh[1] - 0.5
    frame = CrossSection([np.array([[-0.5, -0.5], [right, -0.5], [right, bottom], [-0.5, bottom]])])
    bounds = [area.bounds() for area in areas]
    shown = []
    for index in wanted:
        area = areas[index]
        above = [areas[k] for k in range(index + 1, len(areas)) if _meet(bounds[index], bounds[k])]
        rest = CrossSection.batch_boolean([area, *above], OpType.Subtract) if above else area
        left, top, far, low = bounds[index]
        shown.append(rest if left > -0.5 and top > -0.5 and far < right and low < bottom else rest ^ frame)
    return shown


def _meet(a: tuple[float, ...], b: tuple[float, ...]) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def rings_of(areas: Sequence[CrossSection]) -> list[Rings]:
    """Return for each area the rings that are not slivers, the largest first."""
    polygons = [area.to_polygons() for area in areas]
    sizes = iter(signed_areas(polygons))
    sized = [[(next(sizes), ring) for ring in rings] for rings in polygons]
    return [
        tuple(ring for size, ring in sorted(rows, key=lambda row: -row[0]) if abs(size) > _SLIVER_PX2) for rows in sized
    ]

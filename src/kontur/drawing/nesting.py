"""Rings to parts by true containment: even depth is an outline, odd depth a hole of the smallest ring around it."""

from dataclasses import dataclass, field

import numpy as np
import shapely

from kontur.drawing.loops import Ring


@dataclass(eq=False)
class Nest:
    """An outline with its holes."""

    outer: Ring
    holes: list[Ring] = field(default_factory=list)


def parents_of(rings: list[Ring]) -> tuple[list[int], list[int]]:
    """Return for each ring the index of the smallest ring around it (-1 for none) and its depth (0 outermost).

    Rings must not cross each other. A ring lies in another when a point inside it does and the other is larger.
    """
    if not rings:
        return [], []
    polygons = np.array([shapely.Polygon(ring.points) for ring in rings], object)
    areas = shapely.area(polygons)
    inner, outer = shapely.STRtree(polygons).query(shapely.point_on_surface(polygons), predicate="within")
    holds = (areas[outer] > areas[inner]) & (inner != outer)
    inner, outer = inner[holds], outer[holds]
    depth = np.bincount(inner, minlength=len(rings))
    parent = np.full(len(rings), -1)
    order = np.argsort(-areas[outer], kind="stable")
    parent[inner[order]] = outer[order]
    return parent.tolist(), depth.tolist()


def nest(rings: list[Ring]) -> list[Nest]:
    """Return outlines with their holes; an island in a hole is another part."""
    parents, depth = parents_of(rings)
    nests = {index: Nest(rings[index]) for index in range(len(rings)) if depth[index] % 2 == 0}
    for index, parent in enumerate(parents):
        if depth[index] % 2:
            nests[parent].holes.append(rings[index])
    return list(nests.values())

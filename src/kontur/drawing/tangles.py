"""Rings and open chains that meet: what the lines between them mean. Everything is in mm.

Chains that touch nothing are open contours. Chains that touch others are noded with them; if faces arise that the rings
alone do not have, the chains either divide an area (fold lines, common cuts) or bound new material (overlong lines,
T-junctions). Rings that overlap each other are read by crossing depth, and said to be ambiguous.
"""

from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import shapely
from numpy.typing import NDArray

from kontur.drawing.entities import Strand
from kontur.drawing.graph import connected_labels
from kontur.drawing.joining import meets_itself
from kontur.drawing.loops import Chain, Ring, Tolerances, rings_of
from kontur.drawing.model import Issue, counted
from kontur.drawing.noding import faces_of, material, seams_of
from kontur.geometry import Points

_SAME_AREA = 1e-6
_LOOSE_SHARE = 0.2  # more than that sticks out of a letter's stroke, not of an overlong contour line
_NO_MATTER = 0.01
"""Two readings with as many contours and areas as near as this, relative, leave no doubt."""


@dataclass(eq=False)
class _Group:
    rings: list[Ring]
    chains: list[Chain]


class _Drawn:
    """All strands of a drawing, repetitions too, and how often something is drawn at a place."""

    def __init__(self, strands: list[Strand], reach: float) -> None:
        self.strands, self._reach = strands, reach

    @cached_property
    def _tree(self) -> shapely.STRtree:
        lines = [_closed(s.points) if s.closed else s.points for s in self.strands if len(s.points) > 1]
        return shapely.STRtree([shapely.linestrings(points) for points in lines])

    def through(self, points: Points) -> NDArray[np.intp]:
        """(N,) number of strands through each of (N, 2) points."""
        found, _ = self._tree.query(shapely.points(points), predicate="dwithin", distance=self._reach)
        return np.bincount(found, minlength=len(points))


def untangle(
    rings: list[Ring], chains: list[Chain], strands: list[Strand], tolerance: Tolerances
) -> tuple[list[Ring], list[Chain], list[Issue]]:
    """Return rings of which none crosses another, the chains that remain open, and what was done."""
    issues: list[Issue] = []
    free, groups = _groups(rings, chains, tolerance)
    result, still_open = free.rings, free.chains
    drawn = _Drawn(strands, tolerance.same)
    for group in groups:
        new_rings, new_open = _resolve(group, drawn, tolerance, issues)
        result = result + new_rings
        still_open = still_open + new_open
    return result, still_open, issues


def _groups(rings: list[Ring], chains: list[Chain], tolerance: Tolerances) -> tuple[_Group, list[_Group]]:
    """Split into what meets nothing, and groups of things that meet."""
    polygons = np.array([shapely.Polygon(ring.points) for ring in rings], object)
    lines = np.array([shapely.LineString(chain.points) for chain in chains], object)
    links = [_overlaps(polygons, tolerance)]
    if len(lines):
        tree = shapely.STRtree(lines)
        a, b = tree.query(lines, predicate="dwithin", distance=tolerance.pair[0])
        links.append(np.column_stack([a, b])[a < b] + len(rings))
        edges = shapely.get_exterior_ring(polygons) if len(polygons) else polygons
        a, b = tree.query(edges, predicate="dwithin", distance=tolerance.pair[0])
        links.append(np.column_stack([a, b + len(rings)]))
    labels = connected_labels(len(rings) + len(chains), np.concatenate(links))
    counts = np.bincount(labels, minlength=1)
    free = _Group([], [])
    groups: dict[int, _Group] = {}
    things: list[Ring | Chain] = [*rings, *chains]
    for thing, label in zip(things, labels.tolist(), strict=True):
        alone = counts[label] == 1 and not (isinstance(thing, Chain) and meets_itself(thing.points, tolerance.pair[0]))
        group = free if alone else groups.setdefault(label, _Group([], []))
        (group.rings if isinstance(thing, Ring) else group.chains).append(thing)  # type: ignore[arg-type]
    return free, list(groups.values())


def _overlaps(polygons: np.ndarray, tolerance: Tolerances) -> np.ndarray:
    """(P, 2) pairs of polygons that share some area, more than a sliver, without one holding the other."""
    if len(polygons) < 2:
        return np.zeros((0, 2), np.intp)
    a, b = shapely.STRtree(polygons).query(polygons, predicate="overlaps")
    a, b = a[a < b], b[a < b]
    common = shapely.intersection(polygons[a], polygons[b])
    rest = np.minimum(shapely.area(polygons[a]), shapely.area(polygons[b])) - shapely.area(common)
    thick = np.minimum(shapely.area(common), rest) > tolerance.same * shapely.length(common) / 2
    return np.column_stack([a, b])[thick]


def _resolve(
    group: _Group, drawn: _Drawn, tolerance: Tolerances, issues: list[Issue]
) -> tuple[list[Ring], list[Chain]]:
    group = _without_covered(group, tolerance, issues)
    outlines = [_closed(ring.points) for ring in group.rings]
    alone = faces_of(outlines, tolerance.pair[0]) if outlines else []
    faces = faces_of(outlines + [chain.points for chain in group.chains], tolerance.pair[0])
    if len(faces) <= len(alone) and group.chains:
        quiet = _resolve(_Group(group.rings, []), drawn, tolerance, issues) if len(group.rings) > 1 else None
        return (quiet[0] if quiet else group.rings), group.chains
    if not group.chains and not _crossing(group.rings, tolerance):
        return group.rings, []
    seams = seams_of(faces, drawn.through, 2 * tolerance.same)
    polygons, before = material(faces, seams), material(alone)
    divided = bool(group.rings) and _divided(faces, alone)
    if divided and _differ(polygons, before) <= _noise(before, tolerance):
        lines = counted(len(group.chains), "open line")
        text = f"a contour's inside is divided by {lines} (fold lines or a common cut?); taken as not cut"
        issues.append(Issue("dividing_line", "ambiguous", text, *_place(group.chains)))
        return group.rings, group.chains
    whole = len(faces) == len(polygons) and not seams and not group.rings
    whole = whole and _loose(group.chains, polygons) <= _LOOSE_SHARE
    slight = not divided and _rings(polygons) == _rings(before) and _differ(polygons, before) < _NO_MATTER
    issues.append(_issue(group, whole or slight, len(polygons), len(seams)))
    new = [_reuse(ring, group.rings, tolerance) for ring in rings_of(polygons, ())]
    return _with_strands(new, group, drawn.strands, tolerance), []


def _issue(group: _Group, plain: bool, count: int, seams: int) -> Issue:
    """Say that lines or contours were cut where they meet; no doubt where nothing hangs on how they are read."""
    if not group.chains:
        return Issue("overlapping_contours", "ambiguous", f"{len(group.rings)} contours overlap each other; "
                     "areas covered twice are taken as holes", *group.rings[0].place)  # fmt: skip
    text = (
        f"{counted(count, 'area')} found by cutting {counted(len(group.chains), 'open line')} where they cross or touch"
    )
    text += f"; lines drawn twice part {counted(seams, 'pair')} of neighbours (a common cut?)" if seams else ""
    return Issue("crossing_lines", "warning" if plain else "ambiguous", text, *_place(group.chains))


def _divided(faces: list[shapely.Polygon], alone: list[shapely.Polygon]) -> bool:
    """Whether lines cut what the contours alone bound into more faces."""
    inside = shapely.unary_union(alone)
    return int(shapely.contains(inside, shapely.point_on_surface(faces)).sum()) > len(alone)


def _noise(polygons: list[shapely.Polygon], tolerance: Tolerances) -> float:
    """Return the relative area that noding on its grid may add or take."""
    area, length = (sum(getattr(polygon, size) for polygon in polygons) for size in ("area", "length"))
    return float(max(_SAME_AREA, tolerance.pair[0] * length / max(area, np.finfo(float).tiny)))


def _loose(chains: list[Chain], found: list[shapely.Polygon]) -> float:
    """Return the length of the lines that bounds nothing, over the length that does."""
    drawn = sum(shapely.length(shapely.linestrings(chain.points)) for chain in chains)
    bounds = sum(polygon.length for polygon in found)
    return float(max(0.0, drawn - bounds) / max(bounds, np.finfo(float).tiny))


def _rings(polygons: list[shapely.Polygon]) -> list[int]:
    """Number of holes of each polygon, sorted."""
    return sorted(len(polygon.interiors) for polygon in polygons)


def _without_covered(group: _Group, tolerance: Tolerances, issues: list[Issue]) -> _Group:
    """Drop open lines that lie on the group's contours with their whole length."""
    if not group.rings or not group.chains:
        return group
    edges = shapely.union_all([shapely.linearrings(ring.points) for ring in group.rings])
    open_lines = [chain for chain in group.chains if not _covered(chain.points, edges, tolerance.same)]
    covered = len(group.chains) - len(open_lines)
    if covered:
        place = _place([chain for chain in group.chains if chain not in open_lines])
        text = f"{counted(covered, 'line')} on top of contours, counted once"
        issues.append(Issue("duplicate_line", "info", text, *place))
    return _Group(group.rings, open_lines)


def _covered(points: Points, edges: shapely.Geometry, reach: float) -> bool:
    middles = (points[:-1] + points[1:]) / 2
    return bool((shapely.distance(edges, shapely.points(np.concatenate([points, middles]))) <= reach).all())


def _crossing(rings: list[Ring], tolerance: Tolerances) -> bool:
    return len(_overlaps(np.array([shapely.Polygon(ring.points) for ring in rings], object), tolerance)) > 0


def _closed(points: Points) -> Points:
    return np.vstack([points, points[:1]])


def _place(chains: list[Chain]) -> tuple[float, float]:
    return float(chains[0].points[0, 0]), float(chains[0].points[0, 1])


def _differ(a: list[shapely.Polygon], b: list[shapely.Polygon]) -> float:
    """Return the area that only one of two readings covers, relative to the larger."""
    left, right = shapely.unary_union(a), shapely.unary_union(b)
    return float(shapely.symmetric_difference(left, right).area / max(left.area, right.area, np.finfo(float).tiny))


def _reuse(ring: Ring, old: list[Ring], tolerance: Tolerances) -> Ring:
    """Return the original ring where noding changed nothing, so that its exact circle and strands stay."""
    polygon = shapely.Polygon(ring.points)
    for other in old:
        twin = shapely.Polygon(other.points)
        if abs(twin.area - polygon.area) <= tolerance.same * twin.length and (
            shapely.hausdorff_distance(twin.exterior, polygon.exterior) <= tolerance.same
        ):
            return other
    return ring


def _with_strands(rings: list[Ring], group: _Group, strands: list[Strand], tolerance: Tolerances) -> list[Ring]:
    """Find which of the group's strands lie on which ring: those of which a segment's middle does."""
    bare = [ring for ring in rings if not ring.strands]
    if not bare:
        return rings
    members = [i for old in group.rings for i in old.strands] + [i for chain in group.chains for i in chain.strands]
    middles = [(strands[i].points[:-1] + strands[i].points[1:]) / 2 for i in members]
    owners = np.repeat(members, [len(points) for points in middles])
    edges = shapely.STRtree([shapely.linearrings(ring.points) for ring in bare])
    point, edge = edges.query(shapely.points(np.concatenate(middles)), predicate="dwithin", distance=tolerance.same)
    on: dict[int, dict[int, None]] = defaultdict(dict)
    for k, owner in zip(edge.tolist(), owners[point].tolist(), strict=True):
        on[k][owner] = None
    found = {id(ring): Ring(ring.points, ring.circle, tuple(on[k])) for k, ring in enumerate(bare)}
    return [found.get(id(ring), ring) for ring in rings]

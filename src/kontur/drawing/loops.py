"""Strands to closed rings: chains, duplicates, gaps and spurs, each with its issue. Everything is in mm.

The way: closed strands are rings at once; open strands are joined at their ends, dangling ones pruned, and walked into
cycles. What branches, crosses or dangles is left over for `tangles`.
"""

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from kontur.drawing.entities import Strand
from kontur.drawing.graph import Index, cluster, pair_dangling, prune, walks
from kontur.drawing.joining import meets_itself, walked
from kontur.drawing.model import Issue, Severity, counted
from kontur.drawing.noding import faces_of, material, simplified_ring
from kontur.geometry import Circle, Points

JOIN_RELATIVE = 1e-6
"""Ends nearer than this fraction of the drawing's size are one point; more adds false branches."""
PAIR_RELATIVE = (1e-5, 1e-4)
"""Dangling ends are paired at these fractions."""
CLOSE_RELATIVE = 1e-2
"""Open contours are closed up to this fraction: with a warning up to a tenth of it, beyond that as ambiguous."""
_PLAIN_OF_CLOSE, _PLAIN_OF_GIVEN = 0.1, 1 / 3
_CLOSE_OF_LENGTH = 0.05
_CLOSE_OF_WIDTH = 0.5  # of the mean width, area over half the perimeter: two nearly equal curves are no contour
_JOIN_MIN_MM = 1e-7
_CIRCLE_RELATIVE = 1e-4
_REPAIR_QUIETLY = 1e-3


@dataclass(eq=False)
class Ring:
    """A closed ring in mm, (N, 2), last point not repeated, with the indexes of the strands it is made of."""

    points: Points
    circle: Circle | None
    strands: tuple[int, ...]

    @property
    def place(self) -> tuple[float, float]:
        """A point on the ring, for issues."""
        return float(self.points[0, 0]), float(self.points[0, 1])


@dataclass(eq=False)
class Chain:
    """An open polyline in mm, (N, 2), with the indexes of its strands.

    `branches` when it ends where others meet, or meets itself: then it is no contour with a gap.
    """

    points: Points
    strands: tuple[int, ...]
    branches: bool

    @property
    def gap_mm(self) -> float:
        """Distance between its two ends."""
        return float(np.linalg.norm(self.points[0] - self.points[-1]))


@dataclass(frozen=True)
class Tolerances:
    """Distances in mm; see the constants of this module. Rings within `same` of each other are one.

    Gaps up to `plain` are closed without doubt.
    """

    join: float
    pair: tuple[float, ...]
    close: float
    plain: float
    same: float


def tolerances(size_mm: float, join_mm: float | None, close_mm: float | None, sagitta_mm: float) -> Tolerances:
    """Return the tolerances for a drawing of this size; given values replace the automatic ones."""
    join = join_mm or max(JOIN_RELATIVE * size_mm, _JOIN_MIN_MM)
    pair = tuple(max(join, factor * size_mm) for factor in PAIR_RELATIVE)
    close = close_mm if close_mm is not None else max(CLOSE_RELATIVE * size_mm, pair[-1])
    plain = close * (_PLAIN_OF_CLOSE if close_mm is None else _PLAIN_OF_GIVEN)
    return Tolerances(join, pair, close, plain, max(pair[0], 2 * sagitta_mm))


def find_rings(strands: list[Strand], tolerance: Tolerances) -> tuple[list[Ring], list[Chain], list[Issue]]:
    """Return valid rings (none crosses itself, none twice), the open chains left over, and what was done."""
    issues: list[Issue] = []
    rings = [Ring(s.points, circle_of([s]), (i,)) for i, s in enumerate(strands) if s.closed and s.area != "face"]
    rings += _merged([(i, s.points) for i, s in enumerate(strands) if s.closed and s.area == "face"], tolerance)
    members = [i for i, s in enumerate(strands) if not s.closed and _length(s.points) > tolerance.join]
    chained, chains = _chain(strands, members, tolerance, issues)
    closed, chains = _close_gaps(chains, tolerance, issues)
    rings = drop_duplicates(repaired(rings + chained + closed, tolerance, issues), tolerance, issues)
    return rings, chains, issues


def circle_of(strands: list[Strand]) -> Circle | None:
    """Return the exact circle that all strands lie on, if they do."""
    if any(strand.arc is None for strand in strands):
        return None
    if len(strands) == 1 and strands[0].arc is not None:
        x, y, _, radius = strands[0].arc
        return Circle(x, y, radius)
    arcs = np.array([strand.arc for strand in strands])
    middle = arcs.mean(axis=0)
    if np.abs(arcs - middle).max() > _CIRCLE_RELATIVE * middle[3]:
        return None
    return Circle(float(middle[0]), float(middle[1]), float(middle[3]))


def repaired(rings: list[Ring], tolerance: Tolerances, issues: list[Issue]) -> list[Ring]:
    """Replace rings that cross or touch themselves by the rings around their material."""
    rings = [ring for ring in rings if len(ring.points) > 2]
    polygons = np.array([shapely.Polygon(ring.points) for ring in rings], object)
    good = shapely.is_valid(polygons)
    result = []
    for ring, polygon, fine in zip(rings, polygons, good, strict=True):
        if fine:
            if polygon.area > tolerance.join * polygon.length / 2:
                result.append(ring)
            continue
        pieces = material(faces_of([np.vstack([ring.points, ring.points[:1]])], tolerance.join))
        after = sum(piece.area for piece in pieces)
        quiet = len(pieces) == 1 and abs(polygon.area - after) <= _REPAIR_QUIETLY * max(after, polygon.area)
        text = f"a contour crosses or touches itself; read as {len(pieces)} areas, {after:.6g} mm2"
        issues.append(Issue("self_crossing", "info" if quiet else "ambiguous", text, *ring.place))
        result.extend(rings_of(pieces, ring.strands))
    return result


def _merged(faces: list[tuple[int, Points]], tolerance: Tolerances) -> list[Ring]:
    """Return the rings around faces (a tessellation) that share edges or overlap."""
    if not faces:
        return []
    polygons = shapely.make_valid(shapely.polygons([shapely.linearrings(points) for _, points in faces]))
    grid = 10.0 ** np.floor(np.log10(tolerance.join))  # decimal coordinates stay as they are
    pieces = shapely.get_parts(shapely.union_all(polygons, grid_size=grid))
    pieces = pieces[shapely.area(pieces) > 0]
    owner, member = shapely.STRtree(shapely.point_on_surface(polygons)).query(pieces, predicate="contains")
    return [
        ring
        for k, piece in enumerate(pieces.tolist())
        for ring in rings_of([piece], tuple(faces[i][0] for i in member[owner == k].tolist()))
    ]


def rings_of(polygons: list[shapely.Polygon], strands: tuple[int, ...]) -> list[Ring]:
    """Return the outlines and holes of polygons as rings made of `strands`."""
    edges = [edge for polygon in polygons for edge in (polygon.exterior, *polygon.interiors)]
    return [Ring(simplified_ring(edge), None, strands) for edge in edges]


def drop_duplicates(rings: list[Ring], tolerance: Tolerances, issues: list[Issue]) -> list[Ring]:
    """Keep one of rings that coincide (an exact circle before its approximation)."""
    if len(rings) < 2:
        return rings
    polygons = np.array([shapely.Polygon(ring.points) for ring in rings], object)
    areas, lengths, middles = shapely.area(polygons), shapely.length(polygons), shapely.centroid(polygons)
    left, right = shapely.STRtree(middles).query(middles, predicate="dwithin", distance=tolerance.same)
    near = (left < right) & (np.abs(areas[left] - areas[right]) <= tolerance.same * lengths[left])
    dropped: set[int] = set()
    for a, b in zip(left[near].tolist(), right[near].tolist(), strict=True):
        if a in dropped or b in dropped:
            continue
        if shapely.hausdorff_distance(polygons[a].exterior, polygons[b].exterior) <= 2 * tolerance.same:
            worse = a if rings[a].circle is None and rings[b].circle is not None else b
            dropped.add(worse)
    if dropped:
        text = f"{counted(len(dropped), 'contour')} on top of others, counted once"
        issues.append(Issue("duplicate_contour", "info", text, *rings[min(dropped)].place))
    return [ring for index, ring in enumerate(rings) if index not in dropped]


def _width(points: Points) -> float:
    """Mean width of the area that a ring bounds."""
    if len(points) < 3:
        return 0.0
    polygon = shapely.Polygon(points)
    return float(2 * polygon.area / polygon.length)


def _length(points: Points) -> float:
    return float(np.linalg.norm(np.diff(points, axis=0), axis=1).sum())


def _chain(
    strands: list[Strand], members: list[int], tolerance: Tolerances, issues: list[Issue]
) -> tuple[list[Ring], list[Chain]]:
    """Join the open strands `members` at their ends; return cycles as rings, the rest as chains."""
    if not members:
        return [], []
    ends = np.concatenate([strands[i].points[[0, -1]] for i in members])
    nodes = cluster(ends, tolerance.join)
    alive = _without_repeats([strands[i].points for i in members], nodes, tolerance, issues)
    nodes = _renumber_dead(nodes, alive)
    nodes, joins = pair_dangling(ends, nodes, list(tolerance.pair))
    if joins:
        end, _, gap = max(joins, key=lambda join: join[2])
        text = f"{counted(len(joins), 'pair')} of ends joined over gaps up to {gap:.3g} mm"
        issues.append(Issue("ends_joined", "info", text, *map(float, ends[end])))
    core = prune(nodes, alive)
    rings, chains = [], []
    for living, branches in ((core, True), (alive & ~core, False)):
        for walk in walks(nodes, living):
            points = walked([strands[members[k]].points for k in walk.strands], walk, tolerance.join)
            own = tuple(members[k] for k in walk.strands)
            if walk.closed:
                rings.append(Ring(points[:-1], circle_of([strands[i] for i in own]), own))
            else:
                chains.append(Chain(points, own, branches or meets_itself(points, tolerance.pair[0])))
    return [_rounded(ring) for ring in rings if len(ring.points) > 2], chains


def _rounded(ring: Ring) -> Ring:
    """Drop the circle of a ring that does not go round all of it."""
    if ring.circle is not None:
        area = shapely.Polygon(ring.points).area
        if abs(area - np.pi * ring.circle.radius_mm**2) > 0.01 * area:
            return Ring(ring.points, None, ring.strands)
    return ring


def _renumber_dead(nodes: Index, alive: NDArray[np.bool_]) -> Index:
    """Give the two ends of each dead strand one node of their own, so that they neither dangle nor branch."""
    nodes = nodes.copy()
    dead = np.flatnonzero(~alive)
    nodes[2 * dead] = nodes[2 * dead + 1] = nodes.max() + 1 + np.arange(len(dead))
    return nodes


def _without_repeats(
    lines: list[Points], nodes: Index, tolerance: Tolerances, issues: list[Issue]
) -> NDArray[np.bool_]:
    """Return which strands are not a repetition of an earlier one between the same nodes."""
    alive = np.ones(len(lines), bool)
    pairs = np.sort(nodes.reshape(-1, 2), axis=1)
    _, label, counts = np.unique(pairs, axis=0, return_inverse=True, return_counts=True)
    label = label.ravel()
    seen: dict[int, list[shapely.LineString]] = {}
    for index in np.flatnonzero(counts[label] > 1).tolist():
        line = shapely.LineString(lines[index])
        others = seen.setdefault(int(label[index]), [])
        if any(shapely.hausdorff_distance(line, other) <= tolerance.same for other in others):
            alive[index] = False
        else:
            others.append(line)
    if not alive.all():
        first = int(np.flatnonzero(~alive)[0])
        text = f"{counted(int((~alive).sum()), 'line')} on top of others, counted once"
        issues.append(Issue("duplicate_line", "info", text, *map(float, lines[first][0])))
    return alive


def _close_gaps(chains: list[Chain], tolerance: Tolerances, issues: list[Issue]) -> tuple[list[Ring], list[Chain]]:
    """Close open chains, alone or several in a row, over gaps up to `close`, 5 % of their length and half their width."""
    loose = [chain for chain in chains if not chain.branches]
    if not loose:
        return [], chains
    ends = np.concatenate([chain.points[[0, -1]] for chain in loose])
    reach = min(tolerance.close, _CLOSE_OF_LENGTH * max(_length(chain.points) for chain in loose))
    nodes, joins = pair_dangling(ends, np.arange(len(ends)), [reach])
    gaps = {end: gap for a, b, gap in joins for end in (a, b)}
    rings: list[Ring] = []
    used: set[int] = set()
    for walk in walks(nodes, np.ones(len(loose), bool)):
        members = [loose[k] for k in walk.strands]
        widest = max((gaps.get(2 * k + side, 0.0) for k in walk.strands for side in (0, 1)), default=0.0)
        if not walk.closed or widest > _CLOSE_OF_LENGTH * sum(_length(m.points) for m in members):
            continue
        points = walked([m.points for m in members], walk, tolerance.join)[:-1]
        if widest > _CLOSE_OF_WIDTH * _width(points):
            continue
        rings.append(Ring(points, None, tuple(i for m in members for i in m.strands)))
        used.update(walk.strands)
        at = max((2 * k + side for k in walk.strands for side in (0, 1)), key=lambda end: gaps.get(end, 0.0))
        severity: Severity = "warning" if widest <= tolerance.plain else "ambiguous"
        issues.append(Issue("gap_closed", severity, f"an open contour was closed over a gap of {widest:.3g} mm",
                            *map(float, ends[at])))  # fmt: skip
    rest = [chain for k, chain in enumerate(loose) if k not in used]
    return rings, [chain for chain in chains if chain.branches] + rest

"""Lines that cross, touch or overlap to faces, and faces to material by how many lines must be crossed to reach them.

Glossary. *Noding*: cutting lines where they meet; done on a grid of the joining tolerance, so that ends which stop just
short of a line meet it. *Face*: an area bounded by noded lines that no line divides. *Depth*: the least number of lines
crossed on a way from outside to a face. Faces of odd depth are material. *Seam*: the border of two faces that each of
them has a line of its own for, as nested parts with a common cut have.

Where it fails: two overlapping contours whose union is meant have their common area counted as a hole; the caller says
so in an issue.
"""

import heapq
import itertools
from collections import defaultdict
from collections.abc import Callable

import numpy as np
import shapely
from numpy.typing import NDArray

from kontur.drawing.graph import connected_labels
from kontur.geometry import Points

Edge = tuple[bytes, bytes]
"""The coordinates of two ends, as bytes, in order."""
Seams = frozenset[tuple[int, int]]
"""Pairs of faces, the lower index first."""
_SEAM_SHARE = 0.9


def faces_of(lines: list[Points], grid: float) -> list[shapely.Polygon]:
    """Return the faces bounded by polylines (N, 2); ends and vertices nearer than about `grid` are merged."""
    noded = shapely.unary_union([shapely.LineString(line) for line in lines], grid_size=grid)
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(noded)))
    return [face for face in faces.tolist() if face.area > grid * face.length]


def material(faces: list[shapely.Polygon], seams: Seams = frozenset()) -> list[shapely.Polygon]:
    """Return the union of the faces of odd depth, as separate polygons; faces are not united across seams."""
    odd = [index for index, depth in enumerate(depths(faces, seams)) if depth % 2]
    if not seams:
        return _united([faces[index] for index in odd])
    place = {index: k for k, index in enumerate(odd)}
    joined = [(place[a], place[b]) for a, b in _shared(faces) if {a, b} <= place.keys() and (a, b) not in seams]
    labels = connected_labels(len(odd), np.array(joined, np.intp).reshape(-1, 2))
    groups = [[faces[odd[k]] for k in np.flatnonzero(labels == label)] for label in range(labels.max(initial=-1) + 1)]
    return [polygon for group in groups for polygon in _united(group)]


def _united(faces: list[shapely.Polygon]) -> list[shapely.Polygon]:
    merged = shapely.unary_union(faces) if faces else shapely.Polygon()
    return [part for part in shapely.get_parts(merged).tolist() if part.geom_type == "Polygon" and part.area > 0]


def depths(faces: list[shapely.Polygon], seams: Seams = frozenset()) -> list[int]:
    """Return the depth of each face (1 where it borders the outside); a seam counts as its two lines."""
    neighbours: dict[int, dict[int, int]] = defaultdict(dict)
    for a, b in _shared(faces):
        neighbours[a][b] = neighbours[b][a] = 2 if (a, b) in seams else 1
    depth = [0] * len(faces)
    queue = sorted({(1, owners[0]) for owners in _edges(faces).values() if len(owners) == 1})
    while queue:
        level, index = heapq.heappop(queue)
        if not depth[index]:
            depth[index] = level
            for other, lines in neighbours[index].items():
                heapq.heappush(queue, (level + lines, other))
    return depth


def seams_of(faces: list[shapely.Polygon], drawn: Callable[[Points], NDArray[np.intp]], width: float) -> Seams:
    """Return the pairs of faces whose common border is drawn twice as often as the outer borders of the faces are.

    Args:
        faces: from `faces_of`.
        drawn: gives for (N, 2) points how many lines run through each.
        width: faces of no greater mean width lie between two lines that are one, and have no seams.
    """
    edges, wide = _edges(faces), [2 * face.area > width * face.length for face in faces]
    shared = {pair: own for pair, own in _shared(faces).items() if wide[pair[0]] and wide[pair[1]]}
    outer = [edge for edge, owners in edges.items() if len(owners) == 1]
    if not shared or not outer:
        return frozenset()
    usual = max(1.0, float(np.median(drawn(_middles(outer)))))
    inner = [edge for own in shared.values() for edge in own]
    twice = drawn(_middles(inner)) >= 2 * usual
    lengths = shapely.length(shapely.linestrings(np.array([_points(edge) for edge in inner])))
    starts = np.cumsum([0, *(len(own) for own in shared.values())])[:-1]
    share = np.add.reduceat(twice * lengths, starts) / np.add.reduceat(lengths, starts)
    return frozenset(pair for pair, value in zip(shared, share.tolist(), strict=True) if value >= _SEAM_SHARE)


def _edges(faces: list[shapely.Polygon]) -> dict[Edge, list[int]]:
    """The faces that each edge borders."""
    owners: dict[Edge, list[int]] = defaultdict(list)
    for index, face in enumerate(faces):
        for ring in (face.exterior, *face.interiors):
            points = [point.tobytes() for point in shapely.get_coordinates(ring)]
            for a, b in itertools.pairwise(points):
                owners[(a, b) if a < b else (b, a)].append(index)
    return owners


def _shared(faces: list[shapely.Polygon]) -> dict[tuple[int, int], list[Edge]]:
    """The edges that each pair of neighbouring faces, the lower index first, has in common."""
    pairs: dict[tuple[int, int], list[Edge]] = defaultdict(list)
    for edge, owners in _edges(faces).items():
        if len(owners) > 1:
            pairs[min(owners), max(owners)].append(edge)
    return pairs


def _points(edge: Edge) -> Points:
    return np.array([np.frombuffer(end) for end in edge])


def _middles(edges: list[Edge]) -> Points:
    return np.array([_points(edge).mean(axis=0) for edge in edges])


def simplified_ring(ring: shapely.LinearRing) -> Points:
    """Return the ring's points without the last, and without points that noding put on straight edges."""
    points = shapely.get_coordinates(ring)[:-1]
    before, after = np.roll(points, 1, axis=0), np.roll(points, -1, axis=0)
    a, b = points - before, after - points
    cross = a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]
    bent = np.abs(cross) > 1e-9 * np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return points[bent] if bent.sum() >= 3 else points

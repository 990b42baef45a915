"""Lines that cross, touch or overlap to faces, and faces to material by how many lines must be crossed to reach them.

Glossary. *Noding*: cutting lines where they meet; done on a grid of the joining tolerance, so that ends which stop just
short of a line meet it. *Face*: an area bounded by noded lines that no line divides. *Depth*: the least number of lines
crossed on a way from outside to a face. Faces of odd depth are material.

Where it fails: two overlapping contours whose union is meant have their common area counted as a hole; the caller says
so in an issue.
"""

import itertools
from collections import defaultdict, deque

import numpy as np
import shapely

from kontur.geometry import Points


def faces_of(lines: list[Points], grid: float) -> list[shapely.Polygon]:
    """Return the faces bounded by polylines (N, 2); ends and vertices nearer than about `grid` are merged."""
    noded = shapely.unary_union([shapely.LineString(line) for line in lines], grid_size=grid)
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(noded)))
    return [face for face in faces.tolist() if face.area > grid * face.length]


def material(faces: list[shapely.Polygon]) -> list[shapely.Polygon]:
    """Return the union of the faces of odd depth, as separate polygons."""
    odd = [face for face, depth in zip(faces, depths(faces), strict=True) if depth % 2]
    merged = shapely.unary_union(odd) if odd else shapely.Polygon()
    return [part for part in shapely.get_parts(merged).tolist() if part.geom_type == "Polygon" and part.area > 0]


def depths(faces: list[shapely.Polygon]) -> list[int]:
    """Return the depth of each face (1 where it borders the outside)."""
    sharing: dict[tuple[bytes, bytes], list[int]] = defaultdict(list)
    for index, face in enumerate(faces):
        for ring in (face.exterior, *face.interiors):
            points = [point.tobytes() for point in shapely.get_coordinates(ring)]
            for a, b in itertools.pairwise(points):
                sharing[(a, b) if a < b else (b, a)].append(index)
    neighbours: dict[int, set[int]] = defaultdict(set)
    depth = [0] * len(faces)
    for owners in sharing.values():
        if len(owners) == 1:
            depth[owners[0]] = 1
        else:
            neighbours[owners[0]].update(owners[1:])
            neighbours[owners[1]].update(owners[:1])
    queue = deque(index for index, value in enumerate(depth) if value)
    while queue:
        index = queue.popleft()
        for other in neighbours[index]:
            if not depth[other]:
                depth[other] = depth[index] + 1
                queue.append(other)
    return depth


def simplified_ring(ring: shapely.LinearRing) -> Points:
    """Return the ring's points without the last, and without points that noding put on straight edges."""
    points = shapely.get_coordinates(ring)[:-1]
    before, after = np.roll(points, 1, axis=0), np.roll(points, -1, axis=0)
    a, b = points - before, after - points
    cross = a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]
    bent = np.abs(cross) > 1e-9 * np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return points[bent] if bent.sum() >= 3 else points

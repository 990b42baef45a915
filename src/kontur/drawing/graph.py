"""End points to nodes, strands to cycles: the graph of a drawing's open pieces.

Glossary. *End*: index 2 i is the first, 2 i + 1 the last point of open strand i. *Node*: a set of ends taken for one
point. *Degree*: the ends at a node. *Dangling*: degree 1. *Core*: what is left after dangling strands are pruned again
and again. *Cycle*: a closed walk through nodes of degree 2.

Joining goes in steps: first ends nearer than `join` become nodes; then dangling nodes are paired with their nearest
dangling neighbour, mutually, at ever larger distances. So a large gap is closed only where nothing else fits, and no
false branch appears.
"""

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from kontur.geometry import Points

Index = NDArray[np.intp]


@dataclass(frozen=True)
class Walk:
    """Strands in order, each with whether it is walked backwards; `closed` when the last meets the first."""

    strands: tuple[int, ...]
    backwards: tuple[bool, ...]
    closed: bool


def cluster(points: Points, distance: float) -> Index:
    """Return (N,) labels 0..M-1: points linked by steps of at most `distance` share a label."""
    if len(points) == 0:
        return np.zeros(0, np.intp)
    unique, inverse = np.unique(points, axis=0, return_inverse=True)
    geometries = shapely.points(unique)
    pairs = shapely.STRtree(geometries).query(geometries, predicate="dwithin", distance=distance)
    return connected_labels(len(unique), pairs[:, pairs[0] < pairs[1]].T)[inverse.ravel()]


def pair_dangling(points: Points, nodes: Index, distances: list[float]) -> tuple[Index, list[tuple[int, int, float]]]:
    """Join dangling nodes to their mutual nearest dangling neighbours, at each of the rising `distances` in turn.

    Args:
        points: (2 N, 2) ends.
        nodes: (2 N,) node of each end.
        distances: the steps.

    Returns:
        New nodes, and for each join the two ends and the gap between them.
    """
    nodes, joins = nodes.copy(), []
    for distance in distances:
        counts = np.bincount(nodes)
        ends = np.flatnonzero(counts[nodes] == 1)
        if len(ends) < 2:
            break
        geometries = shapely.points(points[ends])
        left, right = shapely.STRtree(geometries).query(geometries, predicate="dwithin", distance=distance)
        keep = left < right
        left, right = left[keep], right[keep]
        gaps = np.linalg.norm(points[ends[left]] - points[ends[right]], axis=1)
        taken: set[int] = set()
        for k in np.argsort(gaps, kind="stable"):
            a, b = int(ends[left[k]]), int(ends[right[k]])
            if a in taken or b in taken:
                continue
            taken.update((a, b))
            nodes[b] = nodes[a]
            joins.append((a, b, float(gaps[k])))
    return np.unique(nodes, return_inverse=True)[1].ravel(), joins


def prune(nodes: Index, alive: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which strands remain when dangling ones are removed until none dangles."""
    alive = alive.copy()
    while True:
        ends = np.repeat(alive, 2)
        degrees = np.bincount(nodes[ends], minlength=nodes.max(initial=0) + 1)
        dangling = alive & ((degrees[nodes[::2]] == 1) | (degrees[nodes[1::2]] == 1))
        if not dangling.any():
            return alive
        alive &= ~dangling


def walks(nodes: Index, alive: NDArray[np.bool_]) -> list[Walk]:
    """Chain the living strands through nodes of degree 2, into closed cycles and open chains between other nodes."""
    at: dict[int, list[int]] = defaultdict(list)
    living = np.flatnonzero(alive)
    for strand in living.tolist():
        at[int(nodes[2 * strand])].append(2 * strand)
        at[int(nodes[2 * strand + 1])].append(2 * strand + 1)
    seen: set[int] = set()
    found = []
    starts = [end for ends in at.values() if len(ends) != 2 for end in ends]
    for end in [*starts, *(2 * living).tolist()]:
        if end >> 1 not in seen:
            found.append(_walk(end, nodes, at, seen))
    return found


def _walk(end: int, nodes: Index, at: dict[int, list[int]], seen: set[int]) -> Walk:
    first, order = int(nodes[end]), []
    while True:
        seen.add(end >> 1)
        order.append(end)
        other = end ^ 1
        node = int(nodes[other])
        following = [e for e in at[node] if e != other]
        if node == first or len(following) != 1 or following[0] >> 1 in seen:
            strands = tuple(e >> 1 for e in order)
            return Walk(strands, tuple(bool(e & 1) for e in order), node == first and len(at[node]) == 2)
        end = following[0]


def components(nodes: Index, alive: NDArray[np.bool_]) -> Index:
    """Return (N,) labels of the strands: strands linked by nodes share a label (dead strands have labels of their own)."""
    count = len(nodes) // 2
    order = np.argsort(nodes, kind="stable")
    order = order[np.repeat(alive, 2)[order]]
    same = nodes[order[1:]] == nodes[order[:-1]]
    return connected_labels(count, np.column_stack([order[:-1][same] >> 1, order[1:][same] >> 1]))


def connected_labels(count: int, pairs: NDArray[np.intp]) -> Index:
    """Labels 0..M-1 of `count` things linked by (P, 2) pairs.

    Each tree of linked things hangs itself below the least label next to it, and shortens its own branches, until no
    pair joins two trees: a few rounds over all pairs (Shiloach and Vishkin, 1982).
    """
    root = np.arange(count)
    while len(pairs):
        a, b = root[pairs].T
        apart = a != b
        pairs = pairs[apart]
        np.minimum.at(root, np.maximum(a, b)[apart], np.minimum(a, b)[apart])
        while (root[root] != root).any():
            root = root[root]
    return np.unique(root, return_inverse=True)[1].ravel()

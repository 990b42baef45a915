"""Polylines end to end: where two that should meet are joined, and whether one meets itself. Pure functions on points."""

import numpy as np
import shapely

from kontur.drawing.graph import Walk
from kontur.geometry import Points

_PARALLEL = 1e-6
_NEAR_CORNER = 2.0
"""Lines are led on to a corner at most this many gaps away."""


def walked(lines: list[Points], walk: Walk, join: float) -> Points:
    """Concatenate polylines in walking order (a closed walk ends where it began); ends nearer than `join` are one point.

    Over wider gaps the lines are trimmed or led on to where they meet; where they do not, the gap becomes an edge.
    """
    pieces = [line[::-1] if back else line for line, back in zip(lines, walk.backwards, strict=True)]
    following = pieces[1:] + pieces[:1] * walk.closed
    if not following:
        return pieces[0]
    gaps = np.array([piece[-1] for piece in pieces[: len(following)]]) - [piece[0] for piece in following]
    wide = np.flatnonzero((gaps**2).sum(axis=1) > join**2)
    if not len(wide):
        return np.concatenate([pieces[0], *(piece[1:] for piece in pieces[1:])])
    joints = [piece[-1:] for piece in pieces]
    for k in wide.tolist():
        joints[k] = _meeting(pieces[k][-2:], following[k][:2])
    inner = [piece[1:-1] for piece in pieces]
    start = joints[-1][-1:] if walk.closed else pieces[0][:1]
    return np.concatenate([start, *(points for pair in zip(inner, joints, strict=True) for points in pair)])


def _meeting(end: Points, start: Points) -> Points:
    """(1 or 2, 2) points between a line's last two points and the next one's first two."""
    along, onward, gap = end[1] - end[0], start[1] - start[0], start[0] - end[1]
    turn = _cross(along, onward)
    if abs(turn) > _PARALLEL * np.linalg.norm(along) * np.linalg.norm(onward):
        ahead, back = _cross(gap, onward) / turn, _cross(gap, along) / turn  # where they meet, from end and from start
        near = _NEAR_CORNER * float(np.linalg.norm(gap))
        trims = -1 < ahead <= 0 <= back < 1
        leads = abs(ahead) * np.linalg.norm(along) <= near and abs(back) * np.linalg.norm(onward) <= near
        if trims or (leads and ahead > -1 and back < 1):
            return (end[1] + ahead * along)[None]
    return end[1:] if gap @ along < 0 else np.vstack([end[1:], start[:1]])


def _cross(a: Points, b: Points) -> float:
    return float(a[0] * b[1] - a[1] * b[0])


def meets_itself(points: Points, reach: float) -> bool:
    """Whether an open polyline crosses or overlaps itself, or one of its ends comes within `reach` of its middle."""
    if len(points) < 4:
        return len(points) == 3 and not shapely.is_simple(shapely.linestrings(points))
    first, last = shapely.points(points[[0, -1]])
    return (
        shapely.distance(first, shapely.linestrings(points[2:])) <= reach < shapely.distance(first, last)
        or shapely.distance(last, shapely.linestrings(points[:-2])) <= reach < shapely.distance(first, last)
        or not shapely.is_simple(shapely.linestrings(points))
    )

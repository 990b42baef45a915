"""Lines that go on: straight edges of the picture that merely pass along a contour.

The sides of a part end at its corners. The edge of a tile or a board, of a table, or of what hides a part goes on beyond
them. So edges found along a straight side speak for the part the less, the more of them is found on the side's extension.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from kontur.geometry import Part
from kontur.modeling.alignment import apply_homography, project_normals
from kontur.modeling.contour_model import ContourModel, Spaced, contour_model, spacing_for
from kontur.modeling.detections import Detections
from kontur.modeling.edges import EdgePicture
from kontur.modeling.evidence import PointEvidence, edge_statistic, within

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

AHEAD = (3.0, 4.5, 6.0, 7.5)
"""Where the extension of a side is looked at: from its last point on, in distances between contour points."""
_CLEAR = 2.2
"""Extensions that come this close to the part's own contour, in the same unit, are not looked at."""
_FEWEST = 5
"""Points that a side has at least."""
_STRAIGHT = float(np.cos(np.radians(1.0)))
_FREE, _FULL = 0.4, 0.8
"""Share of a side's strength that is found on its extensions: up to the first it means nothing, from the second on the
side has no evidence left."""


@dataclass(frozen=True, eq=False)
class Sides:
    """The straight sides in the points of a part's contour model, and where they would go on beyond their ends.

    Attributes:
        of_point: (M,) the side of each contour point; -1 for none.
        of_end: (E,) the side of each end that has something to be seen beyond it.
        ahead_mm: (E, len(AHEAD), 2) places beyond the ends.
        normals: (E, len(AHEAD), 2) of the sides.
    """

    of_point: Ints
    of_end: Ints
    ahead_mm: Floats
    normals: Floats


@lru_cache(maxsize=512)
def sides_of(part: Part, spacing_mm: float) -> Sides:
    """Return the straight sides of a part, in the points of `contour_model(part, spacing_mm)`."""
    model = contour_model(part, spacing_mm)
    of_point, ends, ways = _runs(model)
    normals = model.normals[ends]
    forward = np.column_stack([-normals[:, 1], normals[:, 0]]) * ways[:, None]
    ahead = (
        model.points_mm[ends, None] + forward[:, None] * model.length_mm[ends, None, None] * np.array(AHEAD)[:, None]
    )
    gap = np.linalg.norm(ahead.reshape(-1, 1, 2) - model.points_mm, axis=2).min(axis=1).reshape(-1, len(AHEAD))
    clear = (gap >= _CLEAR * model.length_mm[ends, None]).all(axis=1)
    along = np.repeat(normals[:, None], len(AHEAD), axis=1)
    return Sides(of_point, of_point[ends[clear]], ahead[clear], along[clear])


def _runs(model: ContourModel) -> tuple[Ints, Ints, Ints]:
    """Return the side of each point, the points that sides end at, and which way each goes on: 1 onwards, -1 back."""
    turn = np.einsum("ij,ij->i", model.normals[1:], model.normals[:-1])
    gap = np.linalg.norm(np.diff(model.points_mm, axis=0), axis=1)
    straight = (turn > _STRAIGHT) & (gap < 1.5 * model.length_mm[1:])
    run = np.concatenate([[0], np.cumsum(~straight)])
    count = np.bincount(run)
    first = np.cumsum(count) - count
    long = np.flatnonzero(count >= _FEWEST)
    ends = np.concatenate([first[long], first[long] + count[long] - 1])
    return np.where(count[run] >= _FEWEST, run, -1), ends, np.repeat([-1, 1], len(long))


def without_passing_lines(
    source: EdgePicture,
    found: PointEvidence,
    detections: Detections,
    parts: Sequence[Part],
    options: Spaced,
) -> PointEvidence:
    """Take away the evidence for contours where it comes from lines that go on beyond their sides.

    Args:
        source: the picture that `found` was weighed in.
        found: evidence along the contours.
        detections: whose contours they are.
        parts: the part list.
        options: with which the contour points were made, see `contour_model.model_batch`.
    """
    _, scale = detections.similarity
    sides = []
    for part, px_per_mm in zip(detections.part.tolist(), scale.tolist(), strict=True):
        spacing = spacing_for(parts[part], px_per_mm, options.spacing_px, options.most_points)
        sides.append(sides_of(parts[part], spacing))
    if not any(len(side.of_end) for side in sides):
        return found
    evidence = found.evidence.copy()
    for row, (side, ahead) in enumerate(zip(sides, _strengths_ahead(source, detections, sides), strict=True)):
        own = evidence[row, : len(side.of_point)]
        own[own > 0] *= _left(side, found.strength[row, : len(own)], ahead)[own > 0]
    return replace(found, evidence=evidence)


def _strengths_ahead(source: EdgePicture, detections: Detections, sides: Sequence[Sides]) -> list[Floats]:
    """Return for each detection (E, len(AHEAD)) how strong the edges ahead of its sides are; NaN outside the picture."""
    count = [len(side.of_end) * len(AHEAD) for side in sides]
    places, normals = np.zeros((len(sides), max(count), 2)), np.ones((len(sides), max(count), 2))
    for row, side in enumerate(sides):
        places[row, : count[row]], normals[row, : count[row]] = (
            values.reshape(-1, 2) for values in (side.ahead_mm, side.normals)
        )
    points, derivative = apply_homography(detections.matrix, places)
    strength = edge_statistic(source, points, project_normals(derivative, normals))
    strength[~within(points, source)] = np.nan
    return [strength[row, : count[row]].reshape(-1, len(AHEAD)) for row in range(len(sides))]


def _left(side: Sides, own: Floats, ahead: Floats) -> Floats:
    """Return (M,) the share of the evidence that is left to each contour point; all where nothing can be seen ahead."""
    sides = int(side.of_point.max(initial=-1)) + 1
    on = side.of_point >= 0
    mean = np.bincount(side.of_point[on], own[on], sides) / np.maximum(np.bincount(side.of_point[on], None, sides), 1)
    share = np.minimum(ahead / np.maximum(mean[side.of_end, None], 1e-9), 1).mean(axis=1)
    seen = np.isfinite(share)
    total, ends = (np.bincount(side.of_end[seen], values, sides) for values in (share[seen], None))
    passing = np.clip((total / np.maximum(ends, 1) - _FREE) / (_FULL - _FREE), 0, 1)
    return 1 - np.append(passing, 0.0)[side.of_point]

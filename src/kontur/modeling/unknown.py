"""Things that no part explains: closed outlines that stand alone and that no accepted part accounts for.

Strong edges that lie on no accepted part are joined where they nearly touch and filled. What is about as large as a part,
has some breadth, and stands out from the edges around it is reported as UNKNOWN, with the rectangle that holds it.

Where it fails: things whose outline is open (camouflage, glare); things that touch a part are taken for a piece of it; a
stain with a sharp border is a thing, too.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from kontur.geometry import Part
from kontur.modeling.detections import UNKNOWN, Detections, concatenate, unregistered
from kontur.modeling.edge_field import Floats
from kontur.modeling.masks import amodal_masks
from kontur.modeling.views import Views, views_of
from kontur.pictures import Picture

EXPLAINS_SCORE = 0.2
"""Detections that score less explain nothing: what has another outline in their place is unknown instead."""
_STRONG = 0.2
_JOIN_PX = 5
_AROUND_PX = 6
_OWN_EDGE_PX = 5
_HALF_EDGE_PX = 2
"""An edge is strong this far to both sides of where it is."""
_SIZE_RATIO = (0.5, 1.5)
"""Half the diagonal of a thing over the radius of the smallest and of the largest part."""
_LEAST_BREADTH_PX = 4.0
_LEAST_CONTRAST = 0.7
_SAME_OUTLINE = 0.6
_FEWEST_CELLS_PX = 14.0

Mask = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class _Thing:
    """A filled outline, the rectangle around it (centre, half axes), px of the field, and how far it stands out, 0..1."""

    filled: Mask
    centre: NDArray[np.float64]
    axes: NDArray[np.float64]
    contrast: float


def report_unknown(
    picture: Picture | Views, detections: Detections, parts: Sequence[Part], px_per_mm: tuple[float, float]
) -> Detections:
    """Add what no part explains, and take out doubtful detections whose place is held by something of another outline.

    Args:
        picture: (H, W, 3) uint8, or its views.
        detections: decided.
        parts: the part list.
        px_per_mm: range of scales.

    Returns:
        the detections, and after them UNKNOWN ones. The score of these says by how much their outlines stand out: the mean
        edge strength on them as a share of that and the strength around them.
    """
    radii = [part.radius_mm for part in parts]
    smallest, largest = min(radii) * px_per_mm[0], max(radii) * px_per_mm[1]
    reduction = max(1, int(smallest / _FEWEST_CELLS_PX))
    strength = views_of(picture).field(reduction)[..., 0]
    masks = [
        _reduced(mask.full(detections.size_wh), strength.shape, reduction) for mask in amodal_masks(detections, parts)
    ]
    sure = (detections.score >= EXPLAINS_SCORE).tolist()
    explained = np.zeros(strength.shape, np.uint8)
    for mask, is_sure in zip(masks, sure, strict=True):
        explained |= mask * np.uint8(is_sure)
    size = _SIZE_RATIO[0] * smallest / reduction, _SIZE_RATIO[1] * largest / reduction
    things = [thing for thing in _things(strength, explained) if _is_thing(thing, size)]
    doubtful = [row for row, is_sure in enumerate(sure) if not is_sure]
    known = np.ones(len(detections), bool)
    unknown = []
    for thing in things:
        beside = [(row, _likeness(thing.filled, masks[row])) for row in doubtful]
        if not any(likeness >= _SAME_OUTLINE for _, likeness in beside):
            unknown.append(thing)
            known[[row for row, _ in beside if _covers(thing.filled, masks[row])]] = False
    return concatenate([detections[known], _as_detections(unknown, detections.size_wh, reduction)])


def _things(strength: Floats, explained: Mask) -> list[_Thing]:
    """Return all filled outlines of joined strong edges that are not explained."""
    strong = ((strength > _STRONG) & (cv2.dilate(explained, _square(_OWN_EDGE_PX)) == 0)).astype(np.uint8)
    joined = cv2.morphologyEx(
        strong, cv2.MORPH_CLOSE, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (_JOIN_PX, _JOIN_PX))
    )
    outlines, _ = cv2.findContours(joined, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return [_thing(outline, strength) for outline in outlines if len(outline) >= 4 * _JOIN_PX]


def _thing(outline: NDArray[np.int32], strength: Floats) -> _Thing:
    whole = cv2.drawContours(np.zeros(strength.shape, np.uint8), [outline], -1, 1, cv2.FILLED)
    filled = cv2.erode(whole, _square(_HALF_EDGE_PX))
    rim = (cv2.dilate(filled, _square(1)) - cv2.erode(filled, _square(2))) > 0
    around = (cv2.dilate(whole, _square(_AROUND_PX)) - cv2.dilate(whole, _square(1))) > 0
    on, beside = (float(strength[where].mean()) if where.any() else 0.0 for where in (rim, around))
    corners = cv2.boxPoints(cv2.minAreaRect(outline)).astype(np.float64)
    axes = np.array([corners[1] - corners[0], corners[2] - corners[1]]) / 2
    length = np.maximum(np.linalg.norm(axes, axis=1, keepdims=True), 1e-6)
    axes *= np.maximum(1 - _HALF_EDGE_PX / length, 0)
    return _Thing(filled, corners.mean(axis=0), axes, on / max(on + beside, 1e-6))


def _square(reach_px: int) -> Mask:
    return np.ones((2 * reach_px + 1, 2 * reach_px + 1), np.uint8)


def _is_thing(thing: _Thing, size: tuple[float, float]) -> bool:
    half_diagonal = float(np.linalg.norm(thing.axes.sum(axis=0)))
    breadth = float(cv2.distanceTransform(np.pad(thing.filled, 1), cv2.DIST_L2, 3).max())
    return size[0] <= half_diagonal <= size[1] and breadth >= _LEAST_BREADTH_PX and thing.contrast >= _LEAST_CONTRAST


def _likeness(a: Mask, b: Mask) -> float:
    return float(np.count_nonzero(a & b)) / max(1, int(np.count_nonzero(a | b)))


def _covers(thing: Mask, mask: Mask) -> bool:
    return int(np.count_nonzero(thing & mask)) > int(np.count_nonzero(mask)) / 2


def _reduced(mask: NDArray[np.bool_], shape: tuple[int, ...], reduction: int) -> Mask:
    """Return an outer mask with its holes filled, in px of the field: what lies in a hole belongs to the part."""
    small = np.ascontiguousarray(mask[::reduction, ::reduction][: shape[0], : shape[1]].astype(np.uint8))
    outlines, _ = cv2.findContours(small, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    return np.asarray(cv2.drawContours(np.zeros(shape[:2], np.uint8), outlines, -1, 1, cv2.FILLED), np.uint8)


def _as_detections(things: Sequence[_Thing], size_wh: tuple[int, int], reduction: int) -> Detections:
    count = len(things)
    matrix = np.tile(np.eye(3), (count, 1, 1))
    for row, thing in enumerate(things):
        matrix[row, :2, :2] = thing.axes.T * reduction
        matrix[row, :2, 2] = thing.centre * reduction + (reduction - 1) / 2
    score = np.array([thing.contrast for thing in things], np.float64)
    return unregistered(size_wh, np.full(count, UNKNOWN), score, matrix, np.zeros(count, bool))

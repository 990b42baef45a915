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
from kontur.modeling.masks import Window, amodal_masks
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
    """A filled outline, the rectangle around it (centre, half axes), px of the field, and how far it stands out, 0..1.

    `filled` is a piece of the field, the one at `slices`.
    """

    slices: tuple[slice, slice]
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
    masks = [_reduced(mask, strength.shape, reduction) for mask in amodal_masks(detections, parts)]
    sure = (detections.score >= EXPLAINS_SCORE).tolist()
    explained = np.zeros(strength.shape, np.uint8)
    for mask, is_sure in zip(masks, sure, strict=True):
        explained |= mask * np.uint8(is_sure)
    size = _SIZE_RATIO[0] * smallest / reduction, _SIZE_RATIO[1] * largest / reduction
    things = _things(strength, explained, size)
    doubtful = [row for row, is_sure in enumerate(sure) if not is_sure]
    known = np.ones(len(detections), bool)
    unknown = []
    for thing in things:
        beside = [(row, _likeness(thing, masks[row])) for row in doubtful]
        if not any(likeness >= _SAME_OUTLINE for _, likeness in beside):
            unknown.append(thing)
            known[[row for row, _ in beside if _covers(thing, masks[row])]] = False
    return concatenate([detections[known], _as_detections(unknown, detections.size_wh, reduction)])


def _things(strength: Floats, explained: Mask, size: tuple[float, float]) -> list[_Thing]:
    """Return filled outlines of joined strong edges that are not explained, if they may be things of a size."""
    strong = ((strength > _STRONG) & (cv2.dilate(explained, _square(_OWN_EDGE_PX)) == 0)).astype(np.uint8)
    joined = cv2.morphologyEx(
        strong, cv2.MORPH_CLOSE, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (_JOIN_PX, _JOIN_PX))
    )
    outlines, _ = cv2.findContours(joined, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    things = (_thing(outline, strength, size) for outline in outlines if len(outline) >= 4 * _JOIN_PX)
    return [thing for thing in things if thing is not None]


def _thing(outline: NDArray[np.int32], strength: Floats, size: tuple[float, float]) -> _Thing | None:
    """Return what an outline holds; None when that is too small, too large, too thin or does not stand out."""
    corners = cv2.boxPoints(cv2.minAreaRect(outline)).astype(np.float64)
    axes = np.array([corners[1] - corners[0], corners[2] - corners[1]]) / 2
    length = np.maximum(np.linalg.norm(axes, axis=1, keepdims=True), 1e-6)
    axes *= np.maximum(1 - _HALF_EDGE_PX / length, 0)
    if not size[0] <= np.linalg.norm(axes.sum(axis=0)) <= size[1]:
        return None
    at, filled, contrast = _filled(outline, strength)
    breadth = float(cv2.distanceTransform(np.pad(filled, 1), cv2.DIST_L2, 3).max())
    stands_out = breadth >= _LEAST_BREADTH_PX and contrast >= _LEAST_CONTRAST
    return _Thing(at, filled, corners.mean(axis=0), axes, contrast) if stands_out else None


def _filled(outline: NDArray[np.int32], strength: Floats) -> tuple[tuple[slice, slice], Mask, float]:
    """Return a filled outline without its edge, where that piece lies in the field, and its contrast."""
    left, top, width, height = cv2.boundingRect(outline)
    low = max(0, left - _AROUND_PX - 1), max(0, top - _AROUND_PX - 1)
    at = slice(low[1], top + height + _AROUND_PX + 1), slice(low[0], left + width + _AROUND_PX + 1)
    piece = strength[at]
    whole = cv2.drawContours(np.zeros(piece.shape, np.uint8), [outline - np.array(low, np.int32)], -1, 1, cv2.FILLED)
    filled = cv2.erode(whole, _square(_HALF_EDGE_PX))
    rim = (cv2.dilate(filled, _square(1)) - cv2.erode(filled, _square(2))) > 0
    around = (cv2.dilate(whole, _square(_AROUND_PX)) - cv2.dilate(whole, _square(1))) > 0
    on, beside = (float(piece[where].mean()) if where.any() else 0.0 for where in (rim, around))
    return at, np.asarray(filled, np.uint8), on / max(on + beside, 1e-6)


def _square(reach_px: int) -> Mask:
    return np.ones((2 * reach_px + 1, 2 * reach_px + 1), np.uint8)


def _likeness(thing: _Thing, mask: Mask) -> float:
    both = _common(thing, mask)
    return both / max(1, int(np.count_nonzero(thing.filled)) + int(np.count_nonzero(mask)) - both)


def _covers(thing: _Thing, mask: Mask) -> bool:
    return _common(thing, mask) > int(np.count_nonzero(mask)) / 2


def _common(thing: _Thing, mask: Mask) -> int:
    return int(np.count_nonzero(thing.filled & mask[thing.slices]))


def _reduced(mask: Window, shape: tuple[int, ...], reduction: int) -> Mask:
    """Return an outer mask with its holes filled, in px of the field: what lies in a hole belongs to the part."""
    low = [-(-start // reduction) for start in mask.left_top]
    skip = [first * reduction - start for first, start in zip(low, mask.left_top, strict=True)]
    room = shape[0] - low[1], shape[1] - low[0]
    piece = mask.pixels[skip[1] :: reduction, skip[0] :: reduction][: max(0, room[0]), : max(0, room[1])]
    outlines, _ = cv2.findContours(np.ascontiguousarray(piece, np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    full = np.zeros(shape[:2], np.uint8)
    return np.asarray(cv2.drawContours(full, outlines, -1, 1, cv2.FILLED, offset=low), np.uint8)


def _as_detections(things: Sequence[_Thing], size_wh: tuple[int, int], reduction: int) -> Detections:
    count = len(things)
    matrix = np.tile(np.eye(3), (count, 1, 1))
    for row, thing in enumerate(things):
        matrix[row, :2, :2] = thing.axes.T * reduction
        matrix[row, :2, 2] = thing.centre * reduction + (reduction - 1) / 2
    score = np.array([thing.contrast for thing in things], np.float64)
    return unregistered(size_wh, np.full(count, UNKNOWN), score, matrix, np.zeros(count, bool))

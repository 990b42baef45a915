"""Which of two overlapping parts lies above: told by the picture's edges along the boundary that they share.

Where two masks overlap, the contour of the upper part runs on through the lower one's area and can be seen there; the
contour of the lower one is hidden. So the evidence (see `evidence`) of each contour inside the other mask is summed, and the
difference says who is above, and how surely. The surest pairs are settled first; one that would contradict them (a lies
on b, b on c, c on a) is left out.

Where it fails: parts of which neither's contour shows inside the other (dark on dark), which is then a guess; parts that
lie through each other like woven strips.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from kontur.geometry import Part
from kontur.modeling.contour_model import model_batch
from kontur.modeling.detections import UNKNOWN, Detections
from kontur.modeling.evidence import PointEvidence, point_evidence
from kontur.modeling.masks import Window, overlaps, placed_outlines, windows_of
from kontur.modeling.refine import RegistrationOptions
from kontur.modeling.views import Views, views_of
from kontur.pictures import Picture

LEAST_SHARED_PX = 12
"""Masks that share fewer pixels only touch."""
_DEPTH_PX = 2.5
"""Contour points must lie this far inside the other mask: nearer to its border they see its edge."""
_SIGMA_PX = 0.7

Floats = NDArray[np.float64]


def stack_layers(picture: Picture | Views, detections: Detections, parts: Sequence[Part]) -> Detections:
    """Set `layer`, so that of two overlapping detections the one above has the higher one.

    Args:
        picture: (H, W, 3) uint8, or its views.
        detections: accepted and registered.
        parts: the part list.
    """
    rings, packed = placed_outlines(detections, parts)
    shared = overlaps(rings, packed) >= LEAST_SHARED_PX
    shared[detections.part == UNKNOWN] = shared[:, detections.part == UNKNOWN] = False
    if not shared.any():
        return detections.layered(np.zeros(len(detections), np.int64))
    shared = np.triu(shared, 1)
    pairs = np.argwhere(shared)
    piled, masks = np.unique(pairs), windows_of(packed)
    chosen = detections[piled]
    model = model_batch(chosen, parts, RegistrationOptions())
    views = views_of(picture)
    found = point_evidence(views.edges(_SIGMA_PX), model, chosen.matrix, views.background(_SIGMA_PX))
    lead = np.zeros((len(piled), len(piled)))
    for i, j in np.searchsorted(piled, pairs).tolist():
        lead[i, j] = _inner_evidence(found, i, masks[piled[j]]) - _inner_evidence(found, j, masks[piled[i]])
    layer = np.zeros(len(detections), np.int64)
    layer[piled] = layers_of(lead, shared[np.ix_(piled, piled)])
    return detections.layered(layer)


def layers_of(lead: Floats, related: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return (N,) how many lie below each, directly or through others.

    Args:
        lead: (N, N) by how much i is above j (negative: below); used where `related`.
        related: (N, N) bool pairs i, j that overlap, each named once.
    """
    pairs = np.argwhere(related)
    strength = np.abs(lead[related])
    above = np.zeros(lead.shape, bool)
    for i, j in pairs[np.argsort(-strength, kind="stable")].tolist():
        upper, lower = (i, j) if lead[i, j] > 0 else (j, i)
        if not above[lower, upper]:
            over, under = above[:, upper].copy(), above[lower].copy()
            over[upper] = under[lower] = True
            above |= np.outer(over, under)
    return above.sum(axis=1)


def _inner_evidence(found: PointEvidence, index: int, other: Window) -> float:
    """Sum the evidence of contour `index` where it runs inside the other mask."""
    if not other.pixels.any():
        return 0.0
    depth = cv2.distanceTransform(np.pad(other.pixels.view(np.uint8), 1), cv2.DIST_L2, 3)[1:-1, 1:-1]
    at = np.round(found.points_px[index]).astype(int) - other.left_top
    height, width = depth.shape
    inside = (at >= 0).all(axis=1) & (at < (width, height)).all(axis=1)
    inside[inside] = depth[at[inside, 1], at[inside, 0]] >= _DEPTH_PX
    return float((found.length_px[index] * found.evidence[index])[inside].sum())

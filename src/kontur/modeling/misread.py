"""How far contours lie from where the edge reader sees their edges: it tells apart outlines that all lie near some edge.

A part's picture has more edges than its contour: the foot of a wall, a shadow. An outline a few pixels longer than the true
one finds edges all along, and the decision, which asks for edges alone, may prefer it. The reader knows a top edge from the
others and reads such a side as lying elsewhere. That costs another reading of all rivals, so only those pay it that need it.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kontur.geometry import Part
from kontur.modeling.contour_model import model_batch
from kontur.modeling.detections import Detections
from kontur.modeling.edge_reader import read_edges
from kontur.modeling.evidence import point_evidence
from kontur.modeling.fit_state import Fit, place
from kontur.modeling.kin import SAME_PLACE_PX
from kontur.modeling.plane import Plane
from kontur.modeling.reading_fit import viewpoint
from kontur.modeling.refine import RegistrationOptions
from kontur.modeling.views import Views

_FIT_PX = 0.4
"""Standard deviation of a true part's contour after its registration, beside the reader's own: bevels and shadows move
whole sides, so that readings along one of them err alike."""
_MOST_SQUARES = 9.0
"""A reading that is farther off counts no more."""
_MUCH_AGAINST = 0.15
"""Evidence per px of contour. What is accepted at the right scale has less against it in nine pictures of
ten, at a wrong one hardly ever."""


class Look(NamedTuple):
    """What was decided, and what the picture says of it as a whole: only where the scale is right do all parts fit.

    Attributes:
        decided: the accepted ones.
        laid_on: the plane on which kin were laid for it.
        balance: evidence for their contours less what is read against them.
        doubtful: whether much is read against them, all together.
        doubted: (N,) which of them much is read against.
    """

    decided: Detections
    laid_on: Plane
    balance: float
    doubtful: bool
    doubted: NDArray[np.bool_]


def looked_at(
    views: Views, decided: Detections, parts: Sequence[Part], laid_on: Plane, alike: NDArray[np.bool_]
) -> Look:
    """Weigh what was decided."""
    if len(decided) == 0:
        return Look(decided, laid_on, 0.0, False, np.zeros(0, bool))
    options = RegistrationOptions()
    source, model = views.edges(options.sigma_px), model_batch(decided, parts, options)
    found = point_evidence(source, model, decided.matrix, views.background(options.sigma_px))
    against, much = misread(views, decided, parts, laid_on, alike), _MUCH_AGAINST * found.length_px.sum(axis=1)
    balance = float((found.length_px * found.evidence).sum() - against.sum())
    return Look(decided, laid_on, balance, bool(against.sum() > much.sum()), against > much)


def misread(
    views: Views, detections: Detections, parts: Sequence[Part], plane: Plane, alike: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return (N,) the evidence against detections: px of contour times squared offset over its variance.

    True parts mostly have less than an eighth of their visible length, others of nearly their outline more than a third.

    Args:
        views: of the picture.
        detections: registered, or in the pose of a look-alike that was.
        parts: the part list.
        plane: that the parts share.
        alike: (P, P) which are look-alikes: their outline is one, so the best read of them in a place speaks for all.
    """
    own = _own(views, detections, parts, plane)
    near = np.linalg.norm(detections.uv[:, None] - detections.uv[None], axis=2) <= SAME_PLACE_PX
    family = near & alike[detections.part][:, detections.part]
    return np.asarray(np.where(family, own, np.inf).min(axis=1), np.float64)


def _own(views: Views, detections: Detections, parts: Sequence[Part], plane: Plane) -> NDArray[np.float64]:
    """Return (N,) what is read against each contour."""
    options = RegistrationOptions()
    source = views.edges(options.sigma_px)
    model = model_batch(detections, parts, options).thinned()
    placed = place(source, model, Fit(detections.matrix, np.zeros(len(detections)), plane))
    contours = placed.points_px, placed.normals_px, placed.weight
    reading = read_edges(source, contours, placed.pooling, viewpoint(plane))
    offset, deviation, seen = reading.T.astype(np.float64)
    against = np.zeros(placed.weight.shape)
    against[placed.weight > 0] = seen * np.minimum(offset**2 / (deviation**2 + _FIT_PX**2), _MOST_SQUARES)
    return np.asarray((placed.length_px * against).sum(axis=1), np.float64)

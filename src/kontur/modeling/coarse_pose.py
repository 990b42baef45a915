"""Angle and scale of proposals, found by laying the drawing's contour on the picture's edges.

The network knows well what lies where, but how it is turned only roughly, and a picture's scale hardly at all. Both are
quick to find once part and place are known: the contour is turned through all angles that look different, moved by a few
pixels, and compared with a field of edge directions (double-angle gradients, so that the sign of an edge does not
matter, blurred to tolerate small errors). The scale is one for the whole picture but for the tilt, so the surest
proposals choose it together.

Where it fails: on tables whose texture is stronger than the part's edges; the registration's support shows it.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from kontur.geometry import Part
from kontur.modeling.contour_model import models_at
from kontur.modeling.detections import Detections, from_similarities
from kontur.modeling.directions import edge_directions
from kontur.modeling.field_scores import lay_contours, score_scales, settle_contours
from kontur.modeling.first_plane import agreed_plane
from kontur.modeling.parallel import in_threads, pieces
from kontur.modeling.plane import Plane, level_plane
from kontur.modeling.views import Views, views_of
from kontur.pictures import Picture

SCALE_STEP = 1.03
KEPT_ANGLES = 2
_LEAST_OF_BEST = 0.8
"""A further angle is kept when its agreement is at least this share of the best one's: of 641 generated parts 21 had their
angle come second, all but one of them with 0.85 or more."""
_PROMISING = 0.6
_MOST_PROMISING = 6
"""So many angles are tried at the neighbouring scales, those that come to this share of the best at the middle one."""
_REDUCTION = 2
_FIELD_BLUR_PX, _BLUR_REACH = 1.5, 6
_FIELD_BLUR = cv2.getGaussianKernel(2 * _BLUR_REACH + 1, _FIELD_BLUR_PX, cv2.CV_32F)[_BLUR_REACH:, 0]
_LEAST_GRADIENT = 4.0
_SHIFTS = np.array([(u, v) for u in (-2, 0, 2) for v in (-2, 0, 2)])
_STAY = np.zeros((1, 2), np.int64)
_FAR_SHIFTS = np.array([(u, v) for u in range(-6, 7, 2) for v in range(-6, 7, 2)])
"""Cells of the field by which a datum may be off."""
_ROUGH_STEP = 3
"""One in so many scales is tried at all angles."""
_LEAST_INSIDE = 0.25
_SUREST = 8
"""So many places tell the picture's scale."""
_LIKELY_SHARE = 0.5
"""In these places, hypotheses of at least this share of the likeliest one's score have a say."""
_KNOWN_SCALES = (1 / 1.012, 1.0, 1.012)
_LEAST_SHARED = 3
"""Threads share out no fewer hypotheses than these."""
_LIMITS = _LEAST_INSIDE, _PROMISING, _MOST_PROMISING, _LEAST_OF_BEST

Floats = NDArray[np.float32]
Laid = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_], NDArray[np.int64]]
"""(N, 2) data in cells of the field, (N,) angles, whether mirrored, and orders of symmetry."""


class _Spacing(NamedTuple):
    """How far apart contour points are, see `contour_model.Spaced`."""

    spacing_px: float
    most_points: int


_FEW, _MORE = _Spacing(5.0, 32), _Spacing(5.0, 64)
"""For contours that are tried at many scales or at all angles, and for others."""


def plane_told_by_edges(
    field: Floats,
    hypotheses: Detections,
    places: NDArray[np.int64],
    parts: Sequence[Part],
    px_per_mm: tuple[float, float],
) -> Plane:
    """Return the plane on which the hypotheses of the surest places agree best with the picture's edges.

    One of the wrong size agrees best at a wrong scale, so those that are about as likely vote too, by their scores.

    Args:
        field, hypotheses, parts: see `align`.
        places: (N,) which hypotheses are about the same place.
        px_per_mm: range of scales searched.
    """
    steps = max(1, math.ceil(math.log(px_per_mm[1] / px_per_mm[0]) / math.log(SCALE_STEP)))
    scales = np.geomspace(px_per_mm[0], px_per_mm[1], steps + 1)
    if len(hypotheses) == 0:
        return replace(level_plane(hypotheses.size_wh), log_scale=float(np.log(scales[len(scales) // 2])))
    index, share = _voters(hypotheses.score, places)
    contours = models_at(hypotheses.part[index], math.sqrt(px_per_mm[0] * px_per_mm[1]), parts, _FEW)
    models, voters = (contours.table, contours.chosen), _as_laid(hypotheses[index], parts)
    best = np.empty((len(index), len(scales)))

    def score(some: slice) -> None:
        """Score some of the voters."""
        rows, steps = (some.start, some.stop), (scales / _REDUCTION, _ROUGH_STEP)
        score_scales(rows, field, models, voters, *steps, _SHIFTS, _LIMITS, best)

    in_threads(score, pieces(len(index), 1))
    return agreed_plane(hypotheses.size_wh, hypotheses.uv[index], share, scales, best)


class Search(NamedTuple):
    """How far contours are sought around where they are thought to be.

    Attributes:
        scales: times the plane's.
        shifts: (K, 2) int64 cells of the field, beside the small ones that are always tried.
    """

    scales: tuple[float, ...]
    shifts: NDArray[np.int64]


FIRST = Search((1 / SCALE_STEP, 1.0, SCALE_STEP), _FAR_SHIFTS)
AGAIN, AROUND = Search(_KNOWN_SCALES, _STAY), Search(_KNOWN_SCALES, _FAR_SHIFTS)
"""For the first look; for others, when the plane has been told, at places that are known well and less well."""


def align(
    field: Floats, hypotheses: Detections, parts: Sequence[Part], plane: Plane, search: Search = FIRST
) -> Detections:
    """Give each hypothesis the angles and the scale at which its contour meets most edges.

    Args:
        field: the picture's, see `direction_field`.
        hypotheses: part, side and datum (within about 8 px) are used, and the angle as one more start.
        parts: the part list.
        plane: that they lie on, about; its scale is known.
        search: how far from it they may be.

    Returns:
        up to KEPT_ANGLES detections per hypothesis, with its score.
    """
    if len(hypotheses) == 0:
        return hypotheses
    laid, scale = _as_laid(hypotheses, parts), plane.scale_at(hypotheses.uv)
    scales = scale[:, None] / _REDUCTION * np.array(search.scales)
    few, more = (models_at(hypotheses.part, scale, parts, points) for points in (_FEW, _MORE))
    models, shifts = (more.table, few.chosen, more.chosen), (_SHIFTS, search.shifts)
    rows, count = np.empty((len(hypotheses), KEPT_ANGLES, 4)), np.zeros(len(hypotheses), np.int64)

    def lay(some: slice) -> None:
        """Lay the contours of some hypotheses."""
        lay_contours((some.start, some.stop), field, models, laid, scales, shifts, _LIMITS, rows, count)

    in_threads(lay, pieces(len(hypotheses), _LEAST_SHARED))
    index = np.repeat(np.arange(len(hypotheses)), count)
    found = rows[np.arange(KEPT_ANGLES) < count[:, None]]
    return from_similarities(
        hypotheses.size_wh,
        hypotheses.part[index],
        hypotheses.score[index],
        _REDUCTION * found[:, :2] + 0.5,
        found[:, 2],
        _REDUCTION * found[:, 3],
        hypotheses.flipped[index],
    )


def settle(field: Floats, laid: Detections, parts: Sequence[Part]) -> Detections:
    """Move detections, at their angles and scales, by up to 12 px to where their contours meet most edges."""
    (turns, scales), contours = laid.similarity, models_at(laid.part, laid.similarity[1], parts, _MORE)
    models, starts = (contours.table, contours.chosen), _as_laid(laid, parts)
    shift = np.empty((len(laid), 2), np.int64)
    settle_contours(field, models, starts, scales / _REDUCTION, _FAR_SHIFTS, _LEAST_INSIDE, shift)
    uv = laid.uv + _REDUCTION * shift
    return from_similarities(laid.size_wh, laid.part, laid.score, uv, turns, scales, laid.flipped)


def direction_field(picture: Picture | Views) -> Floats:
    """Return (h, w, 2) float32 of the picture reduced by 2: edge strength times cosine and sine of twice its direction.

    Strength is the gradient over itself plus the mean gradient around it, so that weak and strong contrast count alike.
    """
    small = views_of(picture).reduced(_REDUCTION)
    height, width = small.shape[:2]
    field = np.empty((height, 2 * width), np.float32)
    edge_directions(small.reshape(height, -1), np.float32(_LEAST_GRADIENT), _FIELD_BLUR, field)
    return field.reshape(height, width, 2)


def _as_laid(hypotheses: Detections, parts: Sequence[Part]) -> Laid:
    """Return where and how hypotheses begin, as the kernels of `field_scores` take them."""
    symmetry = np.array([part.symmetry for part in parts], np.int64)
    at = (hypotheses.uv - 0.5) / _REDUCTION
    return at, hypotheses.similarity[0], hypotheses.flipped, symmetry[hypotheses.part]


def _voters(score: NDArray[np.float64], places: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the hypotheses of the surest places that tell the scale, and the share that each has of its place's vote."""
    order = np.argsort(-score, kind="stable")
    _, first = np.unique(places[order], return_index=True)
    voters, shares = [], []
    for best in order[np.sort(first)][:_SUREST]:
        near = np.flatnonzero((places == places[best]) & (score >= _LIKELY_SHARE * score[best]))
        voters.append(near)
        shares.append(score[near] / score[near].sum())
    return np.concatenate(voters), np.concatenate(shares)

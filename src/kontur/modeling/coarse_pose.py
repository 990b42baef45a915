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
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from kontur.geometry import Part, PixelPose
from kontur.modeling.contour_model import ContourModel, contour_model, spacing_for
from kontur.modeling.detections import Detections, from_similarities
from kontur.modeling.directions import edge_directions
from kontur.modeling.field_scores import lay_contour, likely_angles, score_turns
from kontur.modeling.parallel import in_threads
from kontur.modeling.views import Views, views_of
from kontur.pictures import Picture

ANGLE_STEP_RAD = np.radians(5.0)
LEAST_ANGLES = 8
"""Angles tried within one period, however short it is."""
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
_SPACING_PX = 5.0
_MOST_POINTS = 64
_FEW_POINTS = 32
"""Of contours that are tried at many scales or at all angles."""
_ROUGH_STEP = 3
"""One in so many scales is tried at all angles."""
_LEAST_INSIDE = 0.25
_SUREST = 5
"""So many places tell the picture's scale."""
_LIKELY_SHARE = 0.5
"""In these places, hypotheses of at least this share of the likeliest one's score have a say."""
_NEIGHBOUR_SCALES = (1 / SCALE_STEP, 1.0, SCALE_STEP)
_KNOWN_SCALES = (1 / 1.012, 1.0, 1.012)
_LIMITS = _LEAST_INSIDE, _PROMISING, _MOST_PROMISING, _LEAST_OF_BEST

Floats = NDArray[np.float32]


def align(
    field: Floats,
    hypotheses: Detections,
    places: NDArray[np.int64],
    parts: Sequence[Part],
    px_per_mm: tuple[float, float],
    known: bool = False,
) -> Detections:
    """Give each hypothesis the angles and the scale at which its contour meets most edges.

    Args:
        field: the picture's, see `direction_field`.
        hypotheses: part, side and datum (within about 8 px) are used, and the angle as one more start.
        places: (N,) which hypotheses are about the same place.
        parts: the part list.
        px_per_mm: range of scales searched.
        known: whether other parts have told the scale, the range's middle; then they stay near their data as well.

    Returns:
        up to KEPT_ANGLES detections per hypothesis, with its score.
    """
    if len(hypotheses) == 0:
        return hypotheses
    scale = math.sqrt(px_per_mm[0] * px_per_mm[1])
    if not known:
        scale = _picture_scale(field, hypotheses, places, parts, px_per_mm)
    scales = scale * np.array(_KNOWN_SCALES if known else _NEIGHBOUR_SCALES)
    shifts = _SHIFTS, _STAY if known else _FAR_SHIFTS
    turns, rows = hypotheses.similarity[0], np.empty((len(hypotheses), KEPT_ANGLES, 4))
    count = np.zeros(len(hypotheses), np.int64)

    def place(index: int) -> None:
        """Lay one hypothesis' contour."""
        part, mirrored = parts[hypotheses.part[index]], bool(hypotheses.flipped[index])
        few, contour = (_contour(part, scale, points) for points in (_FEW_POINTS, _MOST_POINTS))
        ways = scales / _REDUCTION, _angles(part, turns[index]), mirrored
        at = (hypotheses.uv[index] - 0.5) / _REDUCTION
        count[index] = lay_contour(field, few, contour, ways, at, shifts, _LIMITS, rows[index])

    in_threads(place, range(len(hypotheses)))
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
    uv, (turns, scales) = laid.uv.copy(), laid.similarity
    best, shift = np.empty((1, 1)), np.zeros((1, 1), np.int64)
    for index, part in enumerate(laid.part.tolist()):
        contour = _contour(parts[part], float(scales[index]), _MOST_POINTS)
        ways = scales[index, None] / _REDUCTION, turns[index, None], bool(laid.flipped[index])
        score_turns(field, contour, ways, (uv[index] - 0.5) / _REDUCTION, _FAR_SHIFTS, _LEAST_INSIDE, best, shift)
        if np.isfinite(best[0, 0]):
            uv[index] += _REDUCTION * _FAR_SHIFTS[shift[0, 0]]
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


def _picture_scale(
    field: Floats,
    hypotheses: Detections,
    places: NDArray[np.int64],
    parts: Sequence[Part],
    px_per_mm: tuple[float, float],
) -> float:
    """Return the scale that the hypotheses of the surest places agree on best.

    One of the wrong size agrees best at a wrong scale, so those that are about as likely vote too, by their scores.
    """
    steps = max(1, math.ceil(math.log(px_per_mm[1] / px_per_mm[0]) / math.log(SCALE_STEP)))
    scales = np.geomspace(px_per_mm[0], px_per_mm[1], steps + 1)
    rough = scales[len(scales) % _ROUGH_STEP // 2 :: _ROUGH_STEP]
    total = np.zeros(len(scales))
    for index, share in _voters(hypotheses.score, places):
        part, pose = parts[hypotheses.part[index]], hypotheses.pose(index)
        angles = _angles(part, pose.angle_rad)
        likely = likely_angles(_scores(field, pose, part, angles, rough).max(axis=0), _PROMISING, _MOST_PROMISING)
        if len(likely):
            best = _scores(field, pose, part, angles[likely], scales).max(axis=1)
            total += share * np.where(np.isfinite(best), best, 0.0)
    return float(scales[int(total.argmax())])


def _voters(score: NDArray[np.float64], places: NDArray[np.int64]) -> list[tuple[int, float]]:
    """Return the hypotheses of the surest places that tell the scale, and the share that each has of its place's vote."""
    order = np.argsort(-score, kind="stable")
    _, first = np.unique(places[order], return_index=True)
    voters = []
    for best in order[np.sort(first)][:_SUREST].tolist():
        near = np.flatnonzero((places == places[best]) & (score >= _LIKELY_SHARE * score[best]))
        voters += list(zip(near.tolist(), (score[near] / score[near].sum()).tolist(), strict=True))
    return voters


def _angles(part: Part, first_rad: float) -> NDArray[np.float64]:
    """Return the angles that look different, evenly spaced, beginning with the given one."""
    if part.symmetry == 0:
        return np.zeros(1)
    period = 2 * np.pi / part.symmetry
    count = max(LEAST_ANGLES, math.ceil(period / ANGLE_STEP_RAD))
    return first_rad + np.arange(count) * (period / count)


def _scores(
    field: Floats, start: PixelPose, part: Part, angles: NDArray[np.float64], scales: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return (scales, angles) the best mean agreement over the shifts, by few points."""
    at = np.array([start.u - 0.5, start.v - 0.5]) / _REDUCTION
    best, shift = np.empty((len(scales), len(angles))), np.empty((len(scales), len(angles)), np.int64)
    contour = _contour(part, math.sqrt(scales[0] * scales[-1]), _FEW_POINTS)
    score_turns(field, contour, (scales / _REDUCTION, angles, start.flipped), at, _SHIFTS, _LEAST_INSIDE, best, shift)
    return best


def _contour(part: Part, px_per_mm: float, most_points: int) -> Floats:
    """Return the points of a part's contour as `score_turns` takes them."""
    return _rows_of(contour_model(part, spacing_for(part, px_per_mm, _SPACING_PX, most_points)))


@lru_cache(maxsize=512)
def _rows_of(model: ContourModel) -> Floats:
    """Return (5, P) points, normals and weights of a contour model."""
    columns = [*model.points_mm.T, *model.normals.T, model.weight * model.length_mm]
    return np.ascontiguousarray(columns, np.float32)

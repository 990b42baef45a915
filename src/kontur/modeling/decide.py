"""Which of many hypotheses are true: each is weighed against its rivals where their contours differ.

Evidence (see `evidence`) is summed along the contour. Hypotheses are accepted greedily, the best first. In one place that
is who wins where the contours differ (see `duels`), so the rival with one hole more wins exactly when the picture shows
that hole. What is accepted explains its own edges, which then speak for nobody else, and may hide what lies below: a rival
that has only shared edges has nothing left and falls, while a part half covered by another is judged by what can be seen.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from kontur.geometry import Part
from kontur.modeling.continuation import without_passing_lines
from kontur.modeling.detections import UNKNOWN, Detections
from kontur.modeling.duels import Outcome, heard, settle
from kontur.modeling.evidence import MOST_EVIDENCE, PointEvidence, point_evidence
from kontur.modeling.masks import Window, amodal_masks
from kontur.modeling.plane import Plane, fit_plane
from kontur.modeling.refine import RegistrationOptions, model_batch
from kontur.modeling.views import Views, views_of
from kontur.pictures import Picture

Floats = NDArray[np.float64]

_DOUBTFUL_SCORE = 0.25
"""Detections that score less have no say in the picture's scale."""
_SCALE_FREE = 0.015
_SCALE_DEVIATION = 0.02
"""Log scale: parts may differ from the common plane by the first freely, by a few times the second hardly at all."""
_LEAST_TRUST = 0.1
_DOUBT_PX = 30.0
_DOUBT_UNSEEN = 0.3
"""Contour length, and share of the unseen length, thought to have no evidence: little seen means little known."""
_LEAST_SHOWN = 0.25
"""A part that lies below others must show this share of itself."""
_ALIKE, _SAME_BOX = 0.75, 0.5
"""Two hypotheses claim one place when their masks overlap that much (intersection over union); their rectangles then differ
by less than this share of their size."""


@dataclass(frozen=True)
class DecisionOptions:
    """What is accepted.

    Attributes:
        least_score: hypotheses that score less are dropped.
        least_visible: share of the contour that must be seen, inside the picture and not hidden.
        explained_px: edges this close to an accepted contour are explained by it.
        most_overlap: share of the smaller mask that two detections may have in common.
        sigma_px: smoothing of the picture.
        passing_lines: whether lines that go on beyond the straight sides of a contour speak for it, see `continuation`.
        doubt: whether a score is less where the picture cannot tell between parts: half of it for two that are equally
            likely, since the hole that tells them apart lies beyond the border or is hidden.
    """

    least_score: float = 0.05
    least_visible: float = 0.2
    explained_px: float = 4.0
    most_overlap: float = 0.75
    sigma_px: float = 0.8
    passing_lines: bool = True
    doubt: bool = False


def decide(
    picture: Picture | Views, detections: Detections, parts: Sequence[Part], options: DecisionOptions | None = None
) -> Detections:
    """Choose among competing hypotheses and score them.

    Args:
        picture: (H, W, 3) uint8, or its views.
        detections: registered hypotheses (see `refine.register`): several parts, angles and sides per place.
        parts: the part list.
        options: see `DecisionOptions`.

    Returns:
        the accepted ones, best first. `score` is the evidence per visible contour point as a share of what a perfectly
        seen contour would have: 1 every point has an edge that is rare in this picture, 0 no more edges than by chance.
    """
    options = options or DecisionOptions()
    known = np.flatnonzero(detections.part != UNKNOWN)
    if len(known) == 0:
        return detections
    chosen = detections[known]
    points = RegistrationOptions()
    model = model_batch(chosen, parts, points)
    views, sigma = views_of(picture), options.sigma_px
    found = point_evidence(views.edges(sigma), model, chosen.matrix, views.background(sigma))
    weighed = _Weighed(found, found, amodal_masks(chosen, parts))
    if not options.passing_lines:
        found = without_passing_lines(views.edges(sigma), found, chosen, parts, points)
        weighed = replace(weighed, left=found)
    accepted, certainty = _accept(weighed, np.ones(len(chosen)), chosen, options)
    if len(accepted) >= 2:
        accepted, certainty = _accept(weighed, _scale_trust(chosen, accepted), chosen, options)
    if not options.doubt:
        return accepted
    score = accepted.score * certainty
    return replace(accepted, score=score)[np.argsort(-score, kind="stable")]


def shared_plane(detections: Detections) -> Plane:
    """Return the plane on which scored detections lie; its scale is None when too few are sure enough to tell."""
    _, scale = detections.similarity
    weight = np.maximum(detections.score - _DOUBTFUL_SCORE, 0) ** 2
    return fit_plane(detections.size_wh, detections.uv, np.log(scale), weight)


def _scale_trust(detections: Detections, accepted: Detections) -> Floats:
    """Return (N,) in (0, 1]: how well each hypothesis fits the scale that the accepted ones share."""
    plane = shared_plane(accepted)
    if plane.log_scale is None:
        return np.ones(len(detections))
    _, scale = detections.similarity
    off = np.abs(np.log(scale) - plane.log_scale - plane.log_scale_at(detections.uv))
    return np.maximum(np.exp(-0.5 * (np.maximum(off - _SCALE_FREE, 0) / _SCALE_DEVIATION) ** 2), _LEAST_TRUST)


@dataclass(frozen=True, eq=False)
class _Weighed:
    """What speaks for N hypotheses.

    Attributes:
        found: evidence along their contours.
        left: what of it is left when passing lines are taken away.
        masks: the whole parts.
    """

    found: PointEvidence
    left: PointEvidence
    masks: Sequence[Window]


@dataclass(eq=False)
class _Judge:
    """The state of the greedy choice.

    Attributes:
        covered: (H, W) bool, inside an accepted mask.
        explained: (H, W) uint8, close to an accepted contour.
        gain: (N,) evidence that is left for each hypothesis.
        score: (N,) evidence per visible length, and visible (N,) share of the contour.
        on_top: (N,) whether that is as if it lay on top of what is accepted.
        trust: (N,) factor of gain and score, by scale.
    """

    covered: NDArray[np.bool_]
    explained: NDArray[np.uint8]
    gain: Floats
    score: Floats
    visible: Floats
    on_top: NDArray[np.bool_]
    trust: Floats


def _accept(
    weighed: _Weighed, trust: Floats, chosen: Detections, options: DecisionOptions
) -> tuple[Detections, Floats]:
    """Accept hypotheses greedily; returns them with their scores, best first, and how certain their parts are."""
    found, masks = weighed.left, weighed.masks
    count, size_wh = len(masks), chosen.size_wh
    shape = size_wh[::-1]
    covered, explained, zeros = np.zeros(shape, bool), np.zeros(shape, np.uint8), np.zeros(count)
    judge = _Judge(covered, explained, zeros, zeros.copy(), zeros.copy(), np.ones(count, bool), trust)
    pixel = np.clip(np.round(found.points_px), 0, np.array(size_wh) - 1).astype(np.int32)
    boxes = pixel.min(axis=1), pixel.max(axis=1)
    _judge_again(judge, found, masks, pixel, np.arange(count))
    open_rows = np.ones(count, bool)
    rows: list[int] = []
    scores: list[tuple[float, float]] = []
    while open_rows.any():
        best = int(np.argmax(np.where(open_rows, judge.gain, -np.inf)))
        if judge.gain[best] <= 0:
            break
        outcome = _outcome(judge, best, open_rows & _in_place(boxes, best), weighed, pixel, chosen.part)
        best = outcome.winner
        open_rows[best] = False
        enough = judge.score[best] >= options.least_score and judge.visible[best] >= options.least_visible
        if not enough or _overlaps_too_much(masks, best, rows, options.most_overlap):
            continue
        rows.append(best)
        scores.append((float(judge.score[best]), outcome.certainty))
        _explain(judge, found.points_px[best], found.length_px[best] > 0, masks[best], options)
        _judge_again(judge, found, masks, pixel, np.flatnonzero(open_rows & _touches(boxes, masks[best])))
    score, certainty = np.array(scores, np.float64).reshape(-1, 2).T
    return replace(chosen[np.array(rows, np.int64)], score=score), certainty


def _outcome(
    judge: _Judge,
    best: int,
    near: NDArray[np.bool_],
    weighed: _Weighed,
    pixel: NDArray[np.int32],
    part: NDArray[np.int64],
) -> Outcome:
    """Return who wins the place of the best hypothesis, by the points that are neither explained nor hidden."""
    masks = weighed.masks
    rivals = [i for i in np.flatnonzero(near & heard(best, judge.gain)).tolist() if _alike(masks[best], masks[i])]
    rivals = sorted((i for i in rivals if i != best), key=lambda i: -judge.gain[i])
    if not rivals:
        return Outcome(best, 1.0)
    rows = np.array([best, *rivals])
    at = pixel[rows]
    free = judge.explained[at[..., 1], at[..., 0]] == 0
    shown = judge.on_top[best] | ~judge.covered[at[..., 1], at[..., 0]]
    counted = np.zeros_like(weighed.found.length_px)
    counted[rows] = weighed.found.length_px[rows] * free * shown * judge.trust[rows, None]
    return settle(best, rows[1:], part, weighed.found, counted)


def _judge_again(
    judge: _Judge, found: PointEvidence, masks: Sequence[Window], pixel: NDArray[np.int32], index: NDArray[np.int64]
) -> None:
    """Sum the evidence that is left, once as if on top and once as if below what is accepted; keep the better."""
    if len(index) == 0:
        return
    at = pixel[index]
    hidden = judge.covered[at[..., 1], at[..., 0]]
    free = judge.explained[at[..., 1], at[..., 0]] == 0
    length, evidence = found.length_px[index], found.evidence[index]
    own = evidence * free
    above, below = ((counted * own).sum(axis=1) for counted in (length, length * ~hidden))
    shown = np.array([_shown_share(masks[i], judge.covered) for i in index.tolist()])
    on_top = (above >= below) | (shown < _LEAST_SHOWN)
    judge.on_top[index] = on_top
    gain = np.where(on_top, above, below)
    seen = np.where(on_top, length.sum(axis=1), (length * ~hidden).sum(axis=1))
    doubt = _DOUBT_PX + _DOUBT_UNSEEN * (found.amodal_px[index] - seen)
    judge.gain[index] = gain * judge.trust[index]
    judge.score[index] = score_of(gain / (seen + doubt)) * judge.trust[index]
    judge.visible[index] = seen / np.maximum(found.amodal_px[index], 1e-9)


def _shown_share(mask: Window, covered: NDArray[np.bool_]) -> float:
    """Return the share of a mask that accepted masks leave free."""
    pixels = int(np.count_nonzero(mask.pixels))
    return float(np.count_nonzero(mask.pixels & ~covered[mask.slices])) / max(1, pixels)


def score_of(mean_evidence: Floats) -> Floats:
    """Map evidence per contour point to [0, 1]."""
    return np.clip(mean_evidence / MOST_EVIDENCE, 0, 1)


def _explain(judge: _Judge, points: Floats, real: NDArray[np.bool_], mask: Window, options: DecisionOptions) -> None:
    judge.covered[mask.slices] |= mask.pixels
    at = np.round(points[real]).astype(int)
    if len(at) == 0:
        return
    reach = max(1, round(options.explained_px))
    low = np.maximum(at.min(axis=0) - reach, 0)
    around = judge.explained[low[1] : at[:, 1].max() + reach + 1, low[0] : at[:, 0].max() + reach + 1]
    spots = np.zeros_like(around)
    spots[at[:, 1] - low[1], at[:, 0] - low[0]] = 255
    around |= cv2.dilate(spots, cv2.circle(np.zeros((2 * reach + 1,) * 2, np.uint8), (reach, reach), reach, 1, -1))


def _touches(boxes: tuple[NDArray[np.int32], NDArray[np.int32]], mask: Window) -> NDArray[np.bool_]:
    """Return (N,) whether contours, of which the lowest and highest px (N, 2) are given, come near a mask's rectangle."""
    low = np.array(mask.left_top) - 4
    high = low + np.array(mask.pixels.shape[::-1]) + 8
    return ((boxes[1] >= low) & (boxes[0] <= high)).all(axis=1)


def _in_place(boxes: tuple[NDArray[np.int32], NDArray[np.int32]], index: int) -> NDArray[np.bool_]:
    """Return (N,) whether contours' rectangles are much like one of them; a part of another size is no rival."""
    low, high = boxes
    size = np.maximum(high[index] - low[index], 1)
    near = np.abs(low - low[index]) + np.abs(high - high[index]) < _SAME_BOX * size + 4
    return np.asarray(near.all(axis=1))


def _overlaps_too_much(masks: Sequence[Window], index: int, accepted: Sequence[int], most: float) -> bool:
    return any(_shared(masks[index], masks[other]) > most for other in accepted)


def _shared(a: Window, b: Window) -> float:
    """Return the pixels both masks hold, as a share of the smaller mask."""
    return _common(a, b) / max(1, min(int(np.count_nonzero(a.pixels)), int(np.count_nonzero(b.pixels))))


def _alike(a: Window, b: Window) -> bool:
    """Return whether two masks are so much alike that both cannot be there."""
    common = _common(a, b)
    return common > _ALIKE * (int(np.count_nonzero(a.pixels)) + int(np.count_nonzero(b.pixels)) - common)


def _common(a: Window, b: Window) -> int:
    """Return the number of pixels both masks hold."""
    low = np.maximum(a.left_top, b.left_top)
    high = np.minimum(np.add(a.left_top, a.pixels.shape[::-1]), np.add(b.left_top, b.pixels.shape[::-1]))
    if (high <= low).any():
        return 0
    cut = [
        w.pixels[low[1] - w.left_top[1] : high[1] - w.left_top[1], low[0] - w.left_top[0] : high[0] - w.left_top[0]]
        for w in (a, b)
    ]
    return int(np.count_nonzero(cut[0] & cut[1]))

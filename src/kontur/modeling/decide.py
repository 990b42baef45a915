"""Which of many hypotheses are true: each is weighed against its rivals where their contours differ.

Evidence (see `evidence`) is summed along the contour, so what two rivals share counts for both alike, and the rival with one
hole more wins when the picture shows that hole. Hypotheses are accepted greedily, the best first, but before it the copy of
its part that lies on it (see `on_top`); on request, who is the best in one place is told from where the contours differ
alone (see `duels`). What is accepted explains its own edges, which then speak for nobody else, and may hide what lies below:
a rival that has only shared edges has nothing left and falls, while a part half covered by another is judged by what can be
seen.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kontur.geometry import Part
from kontur.modeling.choosing import (
    COVERED,
    EXPLAINED,
    About,
    Case,
    Limits,
    Place,
    Said,
    State,
    best_open,
    choose,
    claimants,
    first_verdict,
    take_or_reject,
)
from kontur.modeling.continuation import without_passing_lines
from kontur.modeling.contour_model import model_batch
from kontur.modeling.detections import UNKNOWN, Detections
from kontur.modeling.duels import Outcome, heard, settle
from kontur.modeling.evidence import MOST_EVIDENCE, PointEvidence, point_evidence
from kontur.modeling.filling import fill_masks
from kontur.modeling.masks import Packed, Rings, placed_outlines
from kontur.modeling.plane import Plane, fit_plane, level_plane
from kontur.modeling.views import Views, views_of
from kontur.pictures import Picture

Floats = NDArray[np.float64]

_DOUBTFUL_SCORE = 0.25
"""Detections that score less have no say in the picture's scale."""
_LEAST_SURE = 0.2
"""What exceeds that score, of all together: less tells no scale."""
_SCALE_FREE = 0.015
_SCALE_DEVIATION = 0.02
"""Log scale: parts may differ from the common plane by the first freely, by a few times the second hardly at all."""
_LEAST_TRUST = 0.1
_DOUBT = 30.0, 0.3
"""Contour length, and share of the unseen length, thought to have no evidence: little seen means little known."""
_LEAST_SHOWN = 0.25
"""A part that lies below others must show this share of itself."""
_ITS_SHADOW = 0.65
"""Overlap (intersection over union) of the rectangles around two of one part from which the second is the shadow of the
first: a hard shadow has the part's own outline, and that of a thin ring shares few pixels with it."""
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
        spacing_px, most_points: of the contour points at which evidence is looked for.
        passing_lines: whether lines that go on beyond the straight sides of a contour speak for it, see `continuation`.
        duels: whether hypotheses of one place are compared where their contours differ alone, and a score is less where the
            picture cannot tell between parts: half of it for two that are equally likely, since the hole that tells them
            apart lies beyond the border or is hidden. It takes hypotheses that were all registered to the end, as the
            matcher's are: a network's contenders lose by the whole contour more surely.
    """

    least_score: float = 0.05
    least_visible: float = 0.2
    explained_px: float = 4.0
    most_overlap: float = 0.75
    sigma_px: float = 0.7
    spacing_px: float = 1.5
    most_points: int = 256
    passing_lines: bool = True
    duels: bool = False


def decide(
    picture: Picture | Views,
    detections: Detections,
    parts: Sequence[Part],
    options: DecisionOptions | None = None,
    against: Floats | None = None,
) -> Detections:
    """Choose among competing hypotheses and score them.

    Args:
        picture: (H, W, 3) uint8, or its views.
        detections: registered hypotheses (see `refine.register`): several parts, angles and sides per place.
        parts: the part list.
        options: see `DecisionOptions`.
        against: (N,) what else speaks against them when they compete, in units of evidence; scores do without it.

    Returns:
        the accepted ones in the order of the choice; after duels by score, best first. `score` is the evidence per visible
        contour point as a share of what a perfectly seen contour would have: 1 every point has an edge that is rare in this
        picture, 0 no more edges than by chance.
    """
    options = options or DecisionOptions()
    known = np.flatnonzero(detections.part != UNKNOWN)
    if len(known) == 0:
        return detections
    chosen = detections if len(known) == len(detections) else detections[known]
    model = model_batch(chosen, parts, options)
    views, sigma = views_of(picture), options.sigma_px
    found = point_evidence(views.edges(sigma), model, chosen.matrix, views.background(sigma))
    left = found
    if not options.passing_lines:
        left = without_passing_lines(views.edges(sigma), found, chosen, parts, options)
    against = np.zeros(len(known)) if against is None else against[known]
    weighed = _weigh(found, left, placed_outlines(chosen, parts), against, chosen.size_wh)
    rows, score, certainty = _accept(weighed, np.ones(len(chosen)), chosen, options)
    if len(rows) >= 2:
        trust = _scale_trust(chosen, rows, score)
        if trust.min() < 1:
            rows, score, certainty = _accept(weighed, trust, chosen, options)
    if options.duels:
        score *= certainty
        order = np.argsort(-score, kind="stable")
        rows, score = rows[order], score[order]
    return chosen[rows].scored(score)


def shared_plane(detections: Detections) -> Plane:
    """Return the plane on which scored detections lie; its scale is None when too few are sure enough to tell."""
    return _plane_of(detections, np.arange(len(detections)), detections.score)


def _plane_of(detections: Detections, rows: NDArray[np.int64], score: Floats) -> Plane:
    """Return the same of some of them."""
    _, scale = detections.similarity
    sure = np.maximum(score - _DOUBTFUL_SCORE, 0)
    if sure.sum() < _LEAST_SURE:
        return level_plane(detections.size_wh)
    return fit_plane(detections.size_wh, detections.uv[rows], np.log(scale[rows]), sure**2)


def _scale_trust(detections: Detections, rows: NDArray[np.int64], score: Floats) -> Floats:
    """Return (N,) in (0, 1]: how well each hypothesis fits the scale that the accepted ones share."""
    plane = _plane_of(detections, rows, score)
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
        rings, masks: the whole parts.
        place, verdict: where their contours run, and what is said of them at first, see `choosing.first_verdict`.
        against: (N,) what else speaks against them.
    """

    found: PointEvidence
    left: PointEvidence
    rings: Rings
    masks: Packed
    place: Place
    verdict: Floats
    against: Floats

    @property
    def said(self) -> Said:
        """What `choosing` asks for of what is left."""
        return self.left.length_px, self.left.evidence, self.left.amodal_px


def _weigh(
    found: PointEvidence,
    left: PointEvidence,
    masks: tuple[Rings, Packed],
    against: Floats,
    size_wh: tuple[int, int],
) -> _Weighed:
    said = left.length_px, left.evidence, left.amodal_px
    place, verdict = first_verdict(left.points_px, said, size_wh, _DOUBT)
    return _Weighed(found, left, *masks, place, verdict, against)


def _accept(
    weighed: _Weighed, trust: Floats, chosen: Detections, options: DecisionOptions
) -> tuple[NDArray[np.int64], Floats, Floats]:
    """Accept hypotheses greedily; returns their rows, best first, their scores, and how certain their parts are."""
    count, reach = len(chosen), max(1, round(options.explained_px))
    case = weighed.place, weighed.said, weighed.rings, weighed.masks, (chosen.part, trust, weighed.against)
    taken, rows, score = np.zeros(chosen.size_wh[::-1], np.uint8), np.empty(count, np.int64), np.empty(count)
    state = taken, np.ones(count, bool), weighed.verdict.copy(), rows, score
    enough, room = (options.least_score, options.least_visible, MOST_EVIDENCE), (options.most_overlap, _ITS_SHADOW)
    limits = enough, room, _DOUBT, reach, _LEAST_SHOWN
    certainty = _fought_for(weighed, case, state, limits) if options.duels else np.ones(choose(case, state, limits))
    return rows[: len(certainty)], score[: len(certainty)], certainty


def _fought_for(weighed: _Weighed, case: Case, state: State, limits: Limits) -> Floats:
    """Accept hypotheses as `choosing.choose` does, after duels; returns how certain their parts are."""
    fill_masks(weighed.rings, weighed.masks, np.zeros(len(weighed.against), np.int64))
    certainty: list[float] = []
    while (best := best_open(case, state)) >= 0:
        outcome = _outcome(weighed, best, case[4], state)
        if take_or_reject(outcome.winner, len(certainty), case, state, limits):
            certainty.append(outcome.certainty)
    return np.array(certainty, np.float64)


def _outcome(weighed: _Weighed, best: int, about: About, state: State) -> Outcome:
    """Return who wins the place of the best hypothesis, by the points that are neither explained nor hidden."""
    found, (pixel, box), (part, trust, against) = weighed.found, weighed.place, about
    taken, is_open, verdict, _, _ = state
    gain = verdict[:, 0] * trust - against
    may_win = is_open & heard(best, gain)
    rivals = np.flatnonzero(claimants(best, may_win, box, weighed.masks, (_ALIKE, _SAME_BOX)))
    if len(rivals) == 0:
        return Outcome(best, 1.0)
    rows = np.array([best, *rivals[np.argsort(-gain[rivals], kind="stable")]])
    there = taken[pixel[rows, :, 1], pixel[rows, :, 0]]
    shown = (verdict[best, 3] > 0) | (there & COVERED == 0)
    counted = found.length_px[rows] * (there & EXPLAINED == 0) * shown * trust[rows, None]
    return settle(rows, part, found, found.evidence[rows] * counted)

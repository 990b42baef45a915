"""The matcher: finds parts from their drawings alone, with no training.

Three steps, each of which may only narrow what the one before proposed: a coarse search of all places, angles, sides and
scales (`coarse_search`), registration of the candidates on sub-pixel edges (`refine`), and a decision between rivals by
the evidence where their contours differ (`decide`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from kontur.data_preprocessing.part_list import open_parts
from kontur.errors import ConfigError
from kontur.geometry import Part, PixelPose
from kontur.modeling.coarse_search import Candidate, SearchField, make_field, search
from kontur.modeling.decide import DecisionOptions, decide, shared_plane
from kontur.modeling.detections import Detections, concatenate, from_poses
from kontur.modeling.pile import stack_layers
from kontur.modeling.plane import Plane
from kontur.modeling.refine import ROUNDS, RegistrationOptions, register
from kontur.modeling.rivals import find_rivals, rival_poses
from kontur.modeling.template_store import open_bank
from kontur.modeling.templates import BankOptions, TemplateBank, build_bank, picture_features
from kontur.pictures import Picture
from kontur.workspace import Workspace

QUICK = RegistrationOptions(rounds=ROUNDS[:4], spacing_px=3.0, most_points=110)
"""The registration that candidates must survive before they are registered finely."""
NEAR = replace(QUICK, rounds=ROUNDS[2:5])
"""The same for candidates whose scale is known: they are near enough for a shorter reach."""
_PLACE_PX = 10.0
_MOST_OPEN = 500
_SURE_SCORE = 0.35
_OWN_SHARE = 0.6
"""Candidates of the second search nearer to a sure part than this share of its radius are left out."""
FINE = RegistrationOptions(rounds=ROUNDS[2:])


@dataclass(frozen=True)
class MatchingOptions:
    """How the matcher searches.

    Attributes:
        bank: how fine the templates are.
        least_correlation: coarse candidates below are not looked at.
        places_per_part: coarse places per part and side at most.
        first_candidates, second_candidates: candidates of the searches that are registered coarsely at most.
        per_place: candidates that may lie within a few pixels of each other.
        most_supported: of these, how many are registered finely besides the accepted ones and their rivals.
        least_quick_score: from which score after the coarse registration a candidate is likely.
    """

    bank: BankOptions = field(default_factory=BankOptions)
    least_correlation: float = 0.15
    places_per_part: int = 20
    first_candidates: int = 100
    second_candidates: int = 140
    per_place: int = 4
    most_supported: int = 30
    least_quick_score: float = 0.15


class ShapeMatcher:
    """The matcher behind the Detector protocol.

    Attributes:
        parts: the part list.
        bank: its templates.
    """

    def __init__(self, parts: Sequence[Part], bank: TemplateBank, options: MatchingOptions | None = None) -> None:
        self.parts: tuple[Part, ...] = tuple(parts)
        self.bank = bank
        self._options = options or MatchingOptions()
        self._rivals = find_rivals(bank)

    def detect(self, picture: Picture) -> Detections:
        """Find the parts in an (H, W, 3) uint8 BGR picture."""
        decided = decide(picture, self.candidates(picture), self.parts)
        return stack_layers(picture, decided, self.parts)

    def candidates(self, picture: Picture) -> Detections:
        """Return the registered hypotheses, among which `decide` is to choose.

        The first search takes all scales. Once the likely parts have told the picture's scale, a second one at that
        scale finds what the wrong scales had hidden; then everything likely, with its look-alikes, is registered finely.
        """
        options = self._options
        features = picture_features(picture, self.bank.reduction, self.bank.direction_weight)
        field = make_field(self.bank, features)
        size_wh = (picture.shape[1], picture.shape[0])
        first = self._best(field, size_wh, options.first_candidates)
        likely = self._likely(picture, first, QUICK)
        plane = shared_plane(likely)
        pool = [likely]
        if plane.log_scale is not None and len(self.bank.scales) > 1:
            again = self._best(field, size_wh, _MOST_OPEN, _range_around(plane, self.bank.scales))
            again = again[self._open(again, likely)][: options.second_candidates]
            pool.append(self._likely(picture, _at_common_scale(again, plane), NEAR))
        rivals = [_at_common_scale(self._rivals_of(found), plane) for found in pool]
        return register(picture, concatenate(pool + rivals), self.parts, FINE)

    def propose(self, picture: Picture) -> Detections:
        """Return the unregistered candidates of the search over all scales, best first."""
        features = picture_features(picture, self.bank.reduction, self.bank.direction_weight)
        size_wh = (picture.shape[1], picture.shape[0])
        return self._best(make_field(self.bank, features), size_wh, self._options.first_candidates)

    def _open(self, candidates: Detections, likely: Detections) -> NDArray[np.bool_]:
        """Return (N,) whether candidates lie apart from the sure ones, whose look-alikes are tried anyway."""
        _, scale = likely.similarity
        sure = np.flatnonzero(likely.score >= _SURE_SCORE)
        radius = np.array([self.parts[part].radius_mm for part in likely.part[sure].tolist()]) * scale[sure]
        distance = np.linalg.norm(candidates.uv[:, None] - likely.uv[sure][None], axis=2)
        return (distance > _OWN_SHARE * radius).all(axis=1)

    def _best(
        self, field: SearchField, size_wh: tuple[int, int], most: int, px_per_mm: tuple[float, float] = (0.0, np.inf)
    ) -> Detections:
        options = self._options
        found = search(self.bank, field, options.places_per_part, options.least_correlation, px_per_mm)
        return _as_detections(_spread(found, options.per_place, most), size_wh)

    def _likely(self, picture: Picture, candidates: Detections, registration: RegistrationOptions) -> Detections:
        """Register candidates coarsely and return those that are accepted, and the best supported of the others."""
        registered = register(picture, candidates, self.parts, registration)
        accepted = decide(picture, registered, self.parts, DecisionOptions(least_score=self._options.least_quick_score))
        supported = np.argsort(-registered.support, kind="stable")[: self._options.most_supported]
        others = replace(registered[supported], score=np.zeros(min(len(registered), len(supported))))
        return concatenate([accepted, others])

    def _rivals_of(self, likely: Detections) -> Detections:
        """Return what else the likely parts may be."""
        rows = [
            row
            for index in np.flatnonzero(likely.score > 0).tolist()
            for row in rival_poses(self._rivals, int(likely.part[index]), likely.pose(index))
        ]
        parts, poses = [part for part, _ in rows], [pose for _, pose in rows]
        return from_poses(likely.size_wh, parts, [0.0] * len(rows), poses)


def make_matcher(
    parts: Sequence[Part], mm_per_px: tuple[float, float], faces: str, options: MatchingOptions | None = None
) -> ShapeMatcher:
    """Build the templates of all parts for a range of scales and return the matcher."""
    options = options or MatchingOptions()
    bank = build_bank(parts, (1 / mm_per_px[1], 1 / mm_per_px[0]), faces, options.bank)
    return ShapeMatcher(parts, bank, options)


def load_matcher(workspace: Workspace, mm_per_px: tuple[float, float] | None = None) -> ShapeMatcher:
    """Return the matcher of a workspace's drawings; its templates are read from models/opencv_templates or built there.

    Args:
        workspace: with drawings.
        mm_per_px: scale range of the pictures to come; None for the configuration's.

    Raises:
        ConfigError, DrawingError: what is missing or does not fit; a scale range that is not positive or not ordered.
    """
    config, parts, _ = open_parts(workspace)
    low, high = mm_per_px or config.camera.mm_per_px
    if not 0 < low <= high:
        raise ConfigError(f"--mm-per-px {low:g} {high:g}: give two positive numbers, the lower one first")
    options = MatchingOptions()
    bank = open_bank(workspace.templates, parts, (1 / high, 1 / low), config.faces, options.bank)
    return ShapeMatcher(parts, bank, options)


def _range_around(plane: Plane, scales: Sequence[float]) -> tuple[float, float]:
    """Return the range of the two scales that are the nearest to the plane's."""
    nearest = sorted(scales, key=lambda scale: abs(np.log(scale) - (plane.log_scale or 0.0)))[:2]
    return min(nearest) * 0.999, max(nearest) * 1.001


def _at_common_scale(detections: Detections, plane: Plane) -> Detections:
    """Give detections the scale that the plane has where they are; as they are when it is not known."""
    if plane.log_scale is None:
        return detections
    _, scale = detections.similarity
    ratio = np.exp(plane.log_scale + plane.log_scale_at(detections.uv)) / scale
    matrix = detections.matrix.copy()
    matrix[:, :2, :2] *= ratio[:, None, None]
    return replace(detections, matrix=matrix)


def _spread(found: Sequence[Candidate], per_place: int, most: int) -> list[Candidate]:
    """Return the best candidates, at most `per_place` within reach of each other, so that no place crowds out others."""
    kept: list[Candidate] = []
    uv = np.zeros((most, 2))
    for candidate in sorted(found, key=lambda item: -item.score):
        here = np.array([candidate.u, candidate.v])
        if np.count_nonzero((np.abs(uv[: len(kept)] - here) <= _PLACE_PX).all(axis=1)) < per_place:
            uv[len(kept)] = here
            kept.append(candidate)
        if len(kept) == most:
            break
    return kept


def _as_detections(found: Sequence[Candidate], size_wh: tuple[int, int]) -> Detections:
    poses = [PixelPose(c.u, c.v, c.angle_rad, c.scale_px_per_mm, c.flipped) for c in found]
    scores = np.clip([c.score for c in found], 0, 1).tolist()
    return from_poses(size_wh, [c.part for c in found], scores, poses)

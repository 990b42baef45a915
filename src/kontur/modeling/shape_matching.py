"""The matcher: finds parts from their drawings alone, with no training.

Three steps, each of which may only narrow what the one before proposed: a coarse search of all places, angles, sides and
scales (`coarse_search`), registration of the candidates on sub-pixel edges (`refine`), and a decision between rivals by
the evidence where their contours differ (`decide`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from kontur.data_preprocessing.part_list import open_parts
from kontur.errors import ConfigError
from kontur.geometry import Part, PixelPose
from kontur.modeling.coarse_search import Candidate, search
from kontur.modeling.decide import DecisionOptions, decide, shared_plane
from kontur.modeling.detections import Detections, concatenate, from_poses
from kontur.modeling.plane import Plane
from kontur.modeling.refine import ROUNDS, RegistrationOptions, register
from kontur.modeling.rivals import find_rivals, rival_poses
from kontur.modeling.template_store import open_bank
from kontur.modeling.templates import BankOptions, TemplateBank, build_bank, picture_features
from kontur.pictures import Picture
from kontur.workspace import Workspace

QUICK = RegistrationOptions(rounds=ROUNDS[:4], spacing_px=3.0, most_points=110)
"""The registration that candidates must survive before they are registered finely."""


@dataclass(frozen=True)
class MatchingOptions:
    """How the matcher searches.

    Attributes:
        bank: how fine the templates are.
        least_correlation: coarse candidates below are not looked at.
        places_per_part: coarse places per part and side at most.
        most_candidates: candidates per picture that are registered coarsely at most.
        most_registered: of these, how many are registered finely besides the likely ones and their rivals.
        least_quick_score: from which score after the coarse registration a candidate is likely.
    """

    bank: BankOptions = field(default_factory=BankOptions)
    least_correlation: float = 0.15
    places_per_part: int = 20
    most_candidates: int = 200
    most_registered: int = 60
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
        proposals = self.propose(picture)
        candidates = register(picture, proposals, self.parts, QUICK)
        likely = decide(picture, candidates, self.parts, DecisionOptions(least_score=self._options.least_quick_score))
        again = concatenate([proposals[: self._options.most_registered], self._rivals_of(likely)])
        pool = concatenate([likely, _at_common_scale(again, shared_plane(likely))])
        return decide(picture, register(picture, pool, self.parts), self.parts)

    def _rivals_of(self, likely: Detections) -> Detections:
        """Return what else the likely parts may be."""
        rows = [
            row
            for index in range(len(likely))
            for row in rival_poses(self._rivals, int(likely.part[index]), likely.pose(index))
        ]
        parts, poses = [part for part, _ in rows], [pose for _, pose in rows]
        return from_poses(likely.size_wh, parts, [0.0] * len(rows), poses)

    def propose(self, picture: Picture) -> Detections:
        """Return the unregistered candidates of the coarse search, best first."""
        options = self._options
        features = picture_features(picture, self.bank.reduction, self.bank.direction_weight)
        found = search(self.bank, features, options.places_per_part, options.least_correlation)
        best = sorted(found, key=lambda candidate: -candidate.score)[: options.most_candidates]
        return _as_detections(best, (picture.shape[1], picture.shape[0]))


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


def _at_common_scale(detections: Detections, plane: Plane) -> Detections:
    """Give detections the scale that the plane has where they are; as they are when it is not known."""
    if plane.log_scale is None:
        return detections
    _, scale = detections.similarity
    ratio = np.exp(plane.log_scale + plane.log_scale_at(detections.uv)) / scale
    matrix = detections.matrix.copy()
    matrix[:, :2, :2] *= ratio[:, None, None]
    return replace(detections, matrix=matrix)


def _as_detections(found: Sequence[Candidate], size_wh: tuple[int, int]) -> Detections:
    poses = [PixelPose(c.u, c.v, c.angle_rad, c.scale_px_per_mm, c.flipped) for c in found]
    scores = np.clip([c.score for c in found], 0, 1).tolist()
    return from_poses(size_wh, [c.part for c in found], scores, poses)

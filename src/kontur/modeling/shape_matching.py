"""The matcher: finds parts from their drawings alone, with no training.

Three steps, each of which may only narrow what the one before proposed: a coarse search of all places, angles, sides and
scales (`coarse_search`), registration of the candidates on sub-pixel edges (`refine`), and a decision between rivals by
the evidence where their contours differ (`decide`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from kontur.data_preprocessing.data_config import DataConfig
from kontur.data_preprocessing.known_parts import open_known_parts
from kontur.errors import ConfigError
from kontur.geometry import Part
from kontur.modeling.candidates import CandidateOptions, Finder, distinct
from kontur.modeling.decide import DecisionOptions, decide, shared_plane
from kontur.modeling.detections import Detections, concatenate, from_poses
from kontur.modeling.ladder import Ladder
from kontur.modeling.pile import stack_layers
from kontur.modeling.plane import Plane
from kontur.modeling.refine import ROUNDS, RegistrationOptions, register
from kontur.modeling.rivals import find_rivals, rival_poses
from kontur.modeling.template_store import open_banks, open_class
from kontur.modeling.templates import BankOptions, TemplateBank, build_banks, build_class
from kontur.modeling.unknown import report_unknown
from kontur.modeling.views import Views, views_of
from kontur.pictures import Picture
from kontur.workspace import Workspace

QUICK = RegistrationOptions(rounds=ROUNDS[2:5], rough_thinning=2, readings=(), spacing_px=3.0, most_points=110)
"""The registration that candidates must survive before they are registered finely."""
FINE = RegistrationOptions(rounds=ROUNDS[2:3])
LEAST_DIAMETER_PX = 12.0
"""Smaller parts have too few contour points to be told from texture."""
_LEAST_PROMINENCE = 0.15
"""Candidates less prominent than this share of the best one are not registered."""
_SURE_SCORE = 0.35
_OWN_SHARE = 0.6
"""Candidates of the second search nearer to a sure part than this share of its radius are left out."""
_SAME_PX = 1.0
"""Hypotheses of one part whose contours differ by less are registered once."""
_RIVAL_SLACK = 0.02
"""Log scale: rivals are tracked down within this range of the scale they take over."""

BuildClass = Callable[[Sequence[int], BankOptions], TemplateBank]
"""Makes the bank of some parts of the list."""


@dataclass(frozen=True)
class MatchingOptions:
    """How the matcher searches.

    Attributes:
        bank: how fine the templates are.
        candidates: how many places are looked at.
        first_candidates, second_candidates: tracked candidates of the searches that are registered coarsely at most.
        most_supported: of these, how many are registered finely besides the accepted ones and their rivals.
        least_relative_support: and with how much support, as a share of the best supported accepted one's.
        least_quick_score: from which score after the coarse registration a candidate is likely.
    """

    bank: BankOptions = field(default_factory=BankOptions)
    candidates: CandidateOptions = field(default_factory=CandidateOptions)
    first_candidates: int = 70
    second_candidates: int = 70
    most_supported: int = 30
    least_relative_support: float = 0.5
    least_quick_score: float = 0.15


class ShapeMatcher:
    """The matcher behind the Detector protocol.

    Attributes:
        parts: the part list.
        banks: its templates, one bank for each class of sizes.
        scales: of the templates, px per mm, ascending.
    """

    def __init__(
        self,
        parts: Sequence[Part],
        banks: Sequence[TemplateBank],
        options: MatchingOptions | None = None,
        build: BuildClass | None = None,
    ) -> None:
        """Take templates.

        Args:
            parts: the part list.
            banks: its templates, one bank for each class of sizes.
            options: how to search; the bank's as `banks` were made.
            build: makes a bank of a class of parts when a large picture needs a coarser one; None if none is to be made.
        """
        self.parts: tuple[Part, ...] = tuple(parts)
        self.banks: tuple[TemplateBank, ...] = tuple(banks)
        self._options = options or MatchingOptions()
        self._rivals = find_rivals(banks)
        ladders = [self._ladder(bank, build) for bank in self.banks]
        self._finder = Finder(self.parts, ladders, self._options.candidates)
        self.scales = sorted({scale for bank in banks for scale in bank.scales})

    def detect(self, picture: Picture) -> Detections:
        """Find the parts in an (H, W, 3) uint8 BGR picture, best first, and after them what no part explains."""
        views = Views(picture)
        decided = decide(views, self.candidates(views), self.parts, DecisionOptions(passing_lines=False, duels=True))
        piled = stack_layers(views, decided, self.parts)
        return report_unknown(views, piled, self.parts, (self.scales[0], self.scales[-1]))

    def candidates(self, picture: Picture | Views) -> Detections:
        """Return the registered hypotheses, among which `decide` is to choose.

        The first search takes all scales. Once the likely parts have told the picture's scale, a second one at that
        scale finds what the wrong scales had hidden; then everything likely, with its look-alikes, is registered finely.
        """
        options, views = self._options, views_of(picture)
        levels = self._finder.prepare(views)
        size_wh = views.size_wh
        first = self._finder.find(levels, size_wh)[: options.first_candidates]
        least = _LEAST_PROMINENCE * first.score.max(initial=0.0)
        likely = self._likely(views, first[first.score >= least])
        plane = shared_plane(likely)
        pool = [likely]
        if plane.log_scale is not None and len(self.scales) > 1:
            again = self._finder.find(levels, size_wh, _range_around(plane, self.scales))
            again = again[self._open(again, likely) & (again.score >= least)][: options.second_candidates]
            pool.append(self._likely(views, _at_common_scale(again, plane)))
        rivals = [_at_common_scale(self._rivals_of(found), plane) for found in pool]
        rivals = [self._finder.settle(levels, found, _RIVAL_SLACK) for found in rivals]
        hypotheses = distinct(concatenate(pool + rivals), self.parts, _SAME_PX)
        return register(views, hypotheses, self.parts, FINE)

    def propose(self, picture: Picture) -> Detections:
        """Return the unregistered candidates of the search over all scales, best first."""
        views = Views(picture)
        return self._finder.find(self._finder.prepare(views), views.size_wh)[: self._options.first_candidates]

    def _ladder(self, bank: TemplateBank, build: BuildClass | None) -> Ladder:
        members = sorted({group.part for group in bank.groups})
        largest_px = max(self.parts[part].radius_mm for part in members) * bank.scales[-1]
        return Ladder(bank, largest_px, self._options.bank, build and (lambda options: build(members, options)))

    def _open(self, candidates: Detections, likely: Detections) -> NDArray[np.bool_]:
        """Return (N,) whether candidates lie apart from the sure ones, whose look-alikes are tried anyway."""
        _, scale = likely.similarity
        sure = np.flatnonzero(likely.score >= _SURE_SCORE)
        radius = np.array([self.parts[part].radius_mm for part in likely.part[sure].tolist()]) * scale[sure]
        distance = np.linalg.norm(candidates.uv[:, None] - likely.uv[sure][None], axis=2)
        return (distance > _OWN_SHARE * radius).all(axis=1)

    def _likely(self, views: Views, candidates: Detections) -> Detections:
        """Register candidates coarsely and return those that are accepted, and the best supported of the others."""
        registered = register(views, candidates, self.parts, QUICK)
        options = DecisionOptions(least_score=self._options.least_quick_score, passing_lines=False)
        accepted = decide(views, registered, self.parts, options)
        least = self._options.least_relative_support * accepted.support.max(initial=0.0)
        order = np.argsort(-registered.support, kind="stable")[: self._options.most_supported]
        others = registered[order[registered.support[order] >= least]]
        return concatenate([accepted, replace(others, score=np.zeros(len(others)))])

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
    """Build the templates of all parts for a range of scales and return the matcher.

    Raises:
        ConfigError: parts that are too small to be found at any scale of the range.
    """
    options = options or MatchingOptions()
    _refuse_tiny(parts, mm_per_px)
    px_per_mm = 1 / mm_per_px[1], 1 / mm_per_px[0]
    banks = build_banks(parts, px_per_mm, faces, options.bank)
    return ShapeMatcher(
        parts, banks, options, lambda members, coarser: build_class(parts, members, px_per_mm, faces, coarser)
    )


def load_matcher(workspace: Workspace, mm_per_px: tuple[float, float] | None = None) -> ShapeMatcher:
    """Return the matcher of a workspace's drawings; its templates are read from models/opencv_templates or built there.

    Args:
        workspace: with drawings.
        mm_per_px: scale range of the pictures to come; None for the configuration's.

    Raises:
        ConfigError, DrawingError: what is missing or does not fit; a scale range that is not positive or not ordered;
            parts that are too small to be found at any scale of the range.
    """
    return matcher_of(workspace, *open_known_parts(workspace), mm_per_px)


def matcher_of(
    workspace: Workspace, config: DataConfig, parts: Sequence[Part], mm_per_px: tuple[float, float] | None
) -> ShapeMatcher:
    """Return what `load_matcher` returns, of a workspace whose configuration and parts are known."""
    low, high = mm_per_px or config.camera.mm_per_px
    if not 0 < low <= high:
        raise ConfigError(f"--mm-per-px {low:g} {high:g}: give two positive numbers, the lower one first")
    _refuse_tiny(parts, (low, high))
    options = MatchingOptions()
    where, px_per_mm, faces = workspace.templates, (1 / high, 1 / low), config.faces
    banks = open_banks(where, parts, px_per_mm, faces, options.bank)
    return ShapeMatcher(
        parts, banks, options, lambda members, coarser: open_class(where, parts, members, px_per_mm, faces, coarser)
    )


def _refuse_tiny(parts: Sequence[Part], mm_per_px: tuple[float, float]) -> None:
    across = {part.name: 2 * part.radius_mm / mm_per_px[0] for part in parts}
    tiny = [f"{name} ({px:.1f} px)" for name, px in across.items() if px < LEAST_DIAMETER_PX]
    if tiny:
        raise ConfigError(
            f"too small to be found at {mm_per_px[0]:g} mm/px: {', '.join(tiny)}; a part must be {LEAST_DIAMETER_PX:g} px "
            "across: take the pictures from nearer and give --mm-per-px, or remove the drawing"
        )


def _range_around(plane: Plane, scales: Sequence[float]) -> tuple[float, float]:
    """Return the range of the two scales that are the nearest to the plane's."""
    nearest = sorted(scales, key=lambda scale: abs(np.log(scale) - (plane.log_scale or 0.0)))[:2]
    return min(nearest) * 0.999, max(nearest) * 1.001


def _at_common_scale(detections: Detections, plane: Plane) -> Detections:
    """Give detections the scale that the plane has where they are; as they are when it is not known."""
    if plane.log_scale is None:
        return detections
    _, scale = detections.similarity
    ratio = plane.scale_at(detections.uv) / scale
    matrix = detections.matrix.copy()
    matrix[:, :2, :2] *= ratio[:, None, None]
    return replace(detections, matrix=matrix)

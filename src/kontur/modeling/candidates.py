"""Candidates: where parts may lie, from the coarse search of every bank, tracked down on the edge field."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numba
import numpy as np
from numpy.typing import NDArray

from kontur.geometry import Part, PixelPose
from kontur.modeling.coarse_search import Candidate, SearchField, search
from kontur.modeling.detections import Detections, concatenate, from_poses
from kontur.modeling.edge_field import pool
from kontur.modeling.ladder import Ladder
from kontur.modeling.templates import TemplateBank
from kontur.modeling.tiles_on_demand import Tiles
from kontur.modeling.tracking import TrackModels, prominence, track, track_models
from kontur.modeling.views import Views

_FAR_STEPS_PX = (4.0, 2.0)
_FAR_BLUR_PX = 2.0
_NEAR_STEPS_PX = (1.5, 0.75, 0.4)
_NEAR_BLUR_PX = 1.0
_BLURS_PX = (_FAR_BLUR_PX, _NEAR_BLUR_PX)
"""Tracking goes in two levels: long steps on a field smoothed more, short ones on a field smoothed less; px of the field."""
_REACH_PX = 16.0
"""Tracking looks this far beyond a part's radius, px of the field; it seldom goes further."""
_SCALE_SLACK = 0.04
"""Log scale: tracking may leave the range of scales by this much."""
_SAME_PX = 4.0
"""Candidates of one part whose contours differ by less, px of the field, are the same."""
_PLACE_CELLS = 2.5

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class CandidateOptions:
    """How many candidates there are.

    Attributes:
        least_correlation: coarse candidates below are not looked at.
        least_of_best: nor are those below this share of the best one among parts of similar size.
        places_per_part: coarse places per part, side and scale range at most.
        per_place: coarse candidates that may lie within a few cells of each other.
        tracked: coarse candidates that are tracked down at most.
    """

    least_correlation: float = 0.05
    least_of_best: float = 0.2
    places_per_part: int = 40
    per_place: int = 4
    tracked: int = 400


@dataclass(frozen=True, eq=False)
class Level:
    """A picture as the parts of one bank see it.

    Attributes:
        bank: the templates.
        coarse: for the coarse search.
        far, near: the edge field, smoothed more and less where candidates lie.
    """

    bank: TemplateBank
    coarse: SearchField
    far: Tiles
    near: Tiles


class Finder:
    """Finds candidates; made once for a part list."""

    def __init__(self, parts: Sequence[Part], ladders: Sequence[Ladder], options: CandidateOptions) -> None:
        self._parts, self._ladders, self._options = parts, ladders, options
        self._models: TrackModels = track_models(parts)

    def prepare(self, views: Views) -> list[Level]:
        """Return a picture as each bank sees it."""
        levels = []
        for ladder in self._ladders:
            bank, searcher = ladder.rung_for(views.size_wh)
            field = views.field(bank.reduction)
            coarse = searcher.field(pool(field, bank.cell_px))
            levels.append(Level(bank, coarse, *(views.smooth_field(bank.track_reduction, s) for s in _BLURS_PX)))
        return levels

    def find(
        self, levels: Sequence[Level], size_wh: tuple[int, int], px_per_mm: tuple[float, float] = (0.0, np.inf)
    ) -> Detections:
        """Return tracked candidates, best first; `score` is their prominence on the edge field.

        Args:
            levels: of the picture.
            size_wh: of the picture, px.
            px_per_mm: only templates with scales in this range are searched.
        """
        found = [self._find_in(level, size_wh, px_per_mm) for level in levels]
        joined = concatenate(found)
        return joined[np.argsort(-joined.score, kind="stable")]

    def settle(self, levels: Sequence[Level], detections: Detections, log_slack: float) -> Detections:
        """Track detections down from where they are; their scale may change by a factor up to exp(log_slack)."""
        owner = {group.part: row for row, level in enumerate(levels) for group in level.bank.groups}
        rows = np.array([owner[part] for part in detections.part.tolist()], np.int64)
        settled = [detections[:0]]
        for row, level in enumerate(levels):
            chosen = detections[rows == row]
            if len(chosen):
                settled.append(self._tracked(level, chosen, _limits(chosen, log_slack), near_only=True))
        return concatenate(settled)

    def _find_in(self, level: Level, size_wh: tuple[int, int], px_per_mm: tuple[float, float]) -> Detections:
        options, bank = self._options, level.bank
        found = search(bank, level.coarse, options.places_per_part, options.least_correlation, px_per_mm)
        least = options.least_of_best * max((candidate.score for candidate in found), default=0.0)
        found = [candidate for candidate in found if candidate.score >= least]
        chosen = _spread(found, options.per_place, options.tracked, _PLACE_CELLS * bank.cell_px)
        scales = [scale for scale in bank.scales if px_per_mm[0] <= scale <= px_per_mm[1]]
        if not chosen or not scales:
            return from_poses(size_wh, [], [], [])
        limits = np.tile((np.log(scales[0]) - _SCALE_SLACK, np.log(scales[-1]) + _SCALE_SLACK), (len(chosen), 1))
        tracked = self._tracked(level, _as_detections(chosen, size_wh, bank.reduction), limits)
        return self._judged(level, distinct(tracked, self._parts, _SAME_PX * bank.track_reduction))

    def _judged(self, level: Level, tracked: Detections) -> Detections:
        """Replace agreement by prominence, which textures do not have."""
        pose = self._field_poses(level, tracked)
        level.near.fill_around(pose[:, :2], self._reach(tracked, pose))
        of = self._models, tracked.part, tracked.flipped, pose, tracked.score
        return replace(tracked, score=np.clip(prominence(level.near.pixels, *of), 0, 1))

    @staticmethod
    def _field_poses(level: Level, detections: Detections) -> NDArray[np.float64]:
        """Return (N, 4) poses as tracking has them, px of the field."""
        reduction = level.bank.track_reduction
        angle, scale = detections.similarity
        at = (detections.uv - (reduction - 1) / 2) / reduction
        return np.column_stack([at, angle, np.log(scale) - np.log(reduction)])

    def _reach(self, detections: Detections, pose: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return (N,) how far from its datum a candidate is looked at, px of the field."""
        return np.asarray(self._models.radius_mm[detections.part] * np.exp(pose[:, 3]) + _REACH_PX, np.float64)

    def _tracked(
        self, level: Level, detections: Detections, log_limits: NDArray[np.float64], near_only: bool = False
    ) -> Detections:
        reduction = level.bank.track_reduction
        shift, log_reduction = (reduction - 1) / 2, np.log(reduction)
        pose = self._field_poses(level, detections)
        limits, part, flipped = log_limits - log_reduction, detections.part, detections.flipped
        size = self._reach(detections, pose)
        if not near_only:
            level.far.fill_around(pose[:, :2], size)
            pose, _ = track(level.far.pixels, self._models, part, flipped, pose, limits, _FAR_STEPS_PX)
        level.near.fill_around(pose[:, :2], size)
        pose, agreement = track(level.near.pixels, self._models, part, flipped, pose, limits, _NEAR_STEPS_PX)
        u, v = (pose[:, :2] * reduction + shift).T
        scale = np.exp(pose[:, 3]) * reduction
        poses = [PixelPose(*row) for row in zip(u, v, pose[:, 2], scale, flipped.tolist(), strict=True)]
        return from_poses(detections.size_wh, part.tolist(), np.clip(agreement, 0, 1).tolist(), poses)


def distinct(candidates: Detections, parts: Sequence[Part], limit_px: float) -> Detections:
    """Return the best of candidates whose contours differ by less than `limit_px`, best first."""
    candidates = candidates[np.argsort(-candidates.score, kind="stable")]
    angle, scale = candidates.similarity
    radius = np.array([part.radius_mm for part in parts])[candidates.part] * scale
    period = np.array([2 * np.pi / part.symmetry if part.symmetry else 1e-9 for part in parts])[candidates.part]
    turn = np.abs((angle[:, None] - angle + period / 2) % period - period / 2)
    same = (candidates.part[:, None] == candidates.part) & (candidates.flipped[:, None] == candidates.flipped)
    same &= np.abs(candidates.uv[:, None] - candidates.uv).max(axis=2) < limit_px
    same &= (turn * radius < limit_px) & (np.abs(np.log(scale[:, None] / scale)) * radius < limit_px)
    kept = np.zeros(len(candidates), bool)
    for row in range(len(candidates)):
        kept[row] = not (same[row] & kept).any()
    return candidates[kept]


def _limits(detections: Detections, log_slack: float) -> NDArray[np.float64]:
    _, scale = detections.similarity
    return np.log(scale)[:, None] + np.array([-log_slack, log_slack])


def _spread(found: Sequence[Candidate], per_place: int, most: int, place_px: float) -> list[Candidate]:
    """Return the best candidates, at most `per_place` within reach of each other, so that no place crowds out others."""
    ranked = sorted(found, key=lambda item: -item.score)
    kept = np.zeros(len(ranked), np.bool_)
    _keep_apart(np.array([(item.u, item.v) for item in ranked]).reshape(-1, 2), per_place, most, place_px, kept)
    return [ranked[row] for row in np.flatnonzero(kept).tolist()]


@numba.njit(cache=True, nogil=True)
def _keep_apart(uv, per_place, most, place_px, kept):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Mark rows (N, 2) in turn, `most` at most, unless `per_place` of those marked are within reach, in a square."""
    chosen = np.empty(len(uv), np.int64)
    count = 0
    for row in range(len(uv)):
        near = 0
        for k in range(count):
            other = uv[chosen[k]]
            near += abs(other[0] - uv[row, 0]) <= place_px and abs(other[1] - uv[row, 1]) <= place_px
        if near < per_place and count < most:
            kept[row] = True
            chosen[count] = row
            count += 1


def _as_detections(found: Sequence[Candidate], size_wh: tuple[int, int], reduction: int) -> Detections:
    shift = (reduction - 1) / 2
    poses = [
        PixelPose(c.u * reduction + shift, c.v * reduction + shift, c.angle_rad, c.scale_px_per_mm, c.flipped)
        for c in found
    ]
    return from_poses(size_wh, [c.part for c in found], np.clip([c.score for c in found], 0, 1).tolist(), poses)

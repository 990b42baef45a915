"""From the network's output to proposals: every cell votes for its datum, the votes of one place make one proposal.

The votes of the foreground cells (cell centre plus offset) are gathered on a grid that reaches beyond the picture, because
the datum of a part cut by the border may lie outside. Peaks of the blurred grid are places; the cells that voted near a
peak say together, weighted by their foreground probability, which part lies there. Its angle and scale are still open.

Where it fails: two parts of one kind whose data coincide (nested rings of one kind, exact stacks) make one place.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from kontur.geometry import PixelPose
from kontur.modeling.detections import Detections, from_poses
from kontur.modeling.heads import CELL_CENTRE_PX, OFFSET_UNIT_PX, STRIDE
from kontur.modeling.model_info import KnownPart
from kontur.modeling.votes import cast_votes, gather_votes

_MARGIN_CELLS = 32
_BLUR_CELLS = 1.2
_PEAK_RADIUS_CELLS = 2
_GATHER_RADIUS_PX = 14.0
_LEAST_CELLS = 4.0
_SURE_SHARE = 0.97
_MOST_HYPOTHESES = 24
"""Families are tried until their probabilities make up this share, but no more than so many in a place."""
_RIVAL_SHARE = 0.01
"""A family whose mean probability is below this is no hypothesis."""

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class ProposalOptions:
    """How proposals are made.

    Attributes:
        foreground_threshold: probability from which a cell votes.
        hypotheses: parts tried in each place; more where the network is not sure.
        faces: "up" or "both": whether a part may lie face down.
        nominal_px_per_mm: scale that the hypotheses are given until it is known.
    """

    foreground_threshold: float
    hypotheses: int
    faces: str
    nominal_px_per_mm: float


def propose(
    output: Floats,
    size_wh: tuple[int, int],
    parts: Sequence[KnownPart],
    options: ProposalOptions,
    alike: NDArray[np.bool_] | None = None,
) -> tuple[Detections, NDArray[np.int64]]:
    """Turn raw network output into hypotheses.

    Args:
        output: (C, h, w) raw output of the network for one picture.
        size_wh: the picture's size before padding, px.
        parts: the model's part list.
        options: see `ProposalOptions`.
        alike: (P, P) which parts are so alike that one of them is enough to find the others (see `look_alikes`); None
            for no two.

    Returns:
        the hypotheses (score: probability of the part and those alike, times foreground), and (N,) the place each belongs
        to: hypotheses of one place rule each other out.
    """
    empty = from_poses(size_wh, [], [], []), np.zeros(0, np.int64)
    at, votes, weight = _votes(output, options.foreground_threshold)
    peaks = _peaks(votes, weight, (output.shape[2], output.shape[1])) if len(at) else votes
    if len(peaks) == 0:
        return empty
    alike = np.eye(len(parts), dtype=bool) if alike is None else alike
    total, datum, face_down = np.empty((len(peaks), 2)), np.empty((len(peaks), 2)), np.empty(len(peaks))
    probability = np.empty((len(peaks), len(parts)))
    said = output.reshape(len(output), -1)
    gather_votes(said, at, votes, weight, peaks, _GATHER_RADIUS_PX, total, datum, face_down, probability)
    rows_out: list[tuple[int, float, PixelPose, int]] = []
    for place in np.flatnonzero(total[:, 0] >= _LEAST_CELLS).tolist():
        ranked = likely(*families(probability[place], alike), options.hypotheses)
        trust = float(total[place, 0] / total[place, 1])
        found = _hypotheses(datum[place], float(face_down[place]), trust, parts, options, ranked)
        rows_out += [(*row, place) for row in found]
    if not rows_out:
        return empty
    part, score, poses, places = zip(*rows_out, strict=True)
    return from_poses(size_wh, part, score, poses), np.array(places, np.int64)


def _votes(output: Floats, foreground_threshold: float) -> tuple[NDArray[np.int64], NDArray, NDArray]:
    """Return number (V,), vote (V, 2) px and weight (V,) of the cells that see a part."""
    cells = output.shape[1] * output.shape[2]
    at, votes, weight = np.empty(cells, np.int64), np.empty((cells, 2)), np.empty(cells)
    least = float(np.log(foreground_threshold / (1 - foreground_threshold)))
    count = cast_votes(output, least, (STRIDE, CELL_CENTRE_PX, OFFSET_UNIT_PX), at, votes, weight)
    return at[:count], votes[:count], weight[:count]


def _peaks(votes: NDArray, weight: NDArray, grid_wh: tuple[int, int]) -> NDArray:
    """Return (P, 2) px: local maxima of the blurred vote density."""
    width, height = grid_wh[0] + 2 * _MARGIN_CELLS, grid_wh[1] + 2 * _MARGIN_CELLS
    cell = np.round((votes - CELL_CENTRE_PX) / STRIDE).astype(int) + _MARGIN_CELLS
    inside = ((cell >= 0) & (cell < (width, height))).all(axis=1)
    flat = cell[inside, 1] * width + cell[inside, 0]
    density = np.bincount(flat, weight[inside], minlength=width * height).reshape(height, width).astype(np.float32)
    density = cv2.GaussianBlur(density, (0, 0), _BLUR_CELLS)
    size = 2 * _PEAK_RADIUS_CELLS + 1
    highest = cv2.dilate(density, np.ones((size, size), np.uint8))
    least = _LEAST_CELLS / 2 / (2 * np.pi * _BLUR_CELLS**2)
    rows, columns = np.nonzero((density == highest) & (density > least))
    return (np.column_stack([columns, rows]) - _MARGIN_CELLS) * float(STRIDE) + CELL_CENTRE_PX


def _hypotheses(
    datum: NDArray,
    face_down: float,
    trust: float,
    parts: Sequence[KnownPart],
    options: ProposalOptions,
    ranked: Sequence[tuple[int, float]],
) -> list[tuple[int, float, PixelPose]]:
    """Return (part, score, pose) of the hypotheses of one place.

    Args:
        datum: (2,) px.
        face_down: probability that the part lies on its face.
        trust: mean probability of foreground.
        parts: the model's part list.
        options: see `ProposalOptions`.
        ranked: parts and their probabilities.
    """
    rows = []
    for part, probability in ranked:
        for flipped in _sides(face_down, parts[part].chiral, options.faces):
            pose = PixelPose(float(datum[0]), float(datum[1]), 0.0, options.nominal_px_per_mm, flipped)
            rows.append((part, float(np.clip(probability * trust, 0, 1)), pose))
    return rows


def families(probability: NDArray, alike: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray]:
    """Gather the parts that are alike: return the most probable part of each family, and the family's probability."""
    left, leaders, sums = np.array(probability, np.float64), [], []
    for part in np.argsort(-left, kind="stable").tolist():
        if left[part] > 0:
            leaders.append(part)
            sums.append(left[alike[part]].sum())
            left[alike[part]] = 0
    return np.array(leaders, np.int64), np.array(sums)


def likely(parts: NDArray[np.int64], probability: NDArray, least: int) -> list[tuple[int, float]]:
    """Return parts to try and their probabilities, most probable first: so many, more where the network is not sure."""
    order = np.argsort(-probability, kind="stable")
    count = int(np.searchsorted(np.cumsum(probability[order]), _SURE_SHARE)) + 1
    tried = order[: max(least, min(count, _MOST_HYPOTHESES))]
    return [(int(parts[k]), float(probability[k])) for k in tried if k == order[0] or probability[k] >= _RIVAL_SHARE]


def _sides(face_down: float, chiral: bool, faces: str) -> list[bool]:
    """Return which sides to try: both when the network is unsure."""
    if faces == "up" or not chiral:
        return [False]
    if 0.2 < face_down < 0.8:
        return [False, True]
    return [face_down >= 0.5]

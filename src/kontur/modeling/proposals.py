"""From the network's output to proposals: every cell votes for its datum, the votes of one place make one proposal.

The votes of the foreground cells (cell centre plus offset) are gathered on a grid that reaches beyond the picture, because
the datum of a part cut by the border may lie outside. Peaks of the blurred grid are places; the cells that voted near a
peak say together, weighted by their foreground probability, which part lies there. Its angle and scale are still open.

Where it fails: two parts of one kind whose data coincide (nested rings of one kind, exact stacks) make one place.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numba
import numpy as np
from numpy.typing import NDArray

from kontur.modeling.appearance import Answer
from kontur.modeling.detections import Detections, from_similarities
from kontur.modeling.heads import CELL_CENTRE_PX, OFFSET_UNIT_PX, STRIDE
from kontur.modeling.model_info import KnownPart
from kontur.modeling.votes import cast_votes, count_votes, find_peaks, gather_votes

_MARGIN_CELLS = 32
_PEAK_RADIUS_CELLS = 2
_SURE_SHARE = 0.97
_MOST_HYPOTHESES = 24
"""Families are tried until their probabilities make up this share, but no more than so many in a place."""
_RIVAL_SHARE = 0.025
"""A family whose mean probability is below this share of the best one's is no hypothesis."""
_UNSURE = 0.2
"""Both sides are tried where the probability that a part lies face down is this far from 0 and 1."""
_EVEN = 0.5
_CELL = STRIDE, CELL_CENTRE_PX, OFFSET_UNIT_PX
_fast = {"cache": True, "nogil": True, "error_model": "numpy"}

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


class Gathering(NamedTuple):
    """How votes are gathered.

    Attributes:
        blur_cells: standard deviation of the blur before peaks are sought.
        radius_px: a vote belongs to a peak within this distance.
        least_cells: so many votes make a place.
    """

    blur_cells: float
    radius_px: float
    least_cells: float


CLOSE, WIDE = Gathering(1.2, 14.0, 4.0), Gathering(2.0, 20.0, 6.0)
"""Of all votes, and of those that are left when what was found has been taken away: they are scattered."""


class Proposal(NamedTuple):
    """What the network says lies in a picture.

    Attributes:
        hypotheses: N of them, not registered; score: probability of the part and those alike, times foreground.
        places: (N,) the place each belongs to: hypotheses of one place rule each other out.
        named: (K, P) the probability of each part in each of K places; None where nothing is said of look-alikes.
        answer: all that the network said; None where it said nothing.
    """

    hypotheses: Detections
    places: NDArray[np.int64]
    named: NDArray[np.float64] | None = None
    answer: Answer | None = None


def propose(
    output: Floats,
    size_wh: tuple[int, int],
    parts: Sequence[KnownPart],
    options: ProposalOptions,
    alike: NDArray[np.bool_] | None = None,
    gathering: Gathering = CLOSE,
) -> Proposal:
    """Turn raw network output into hypotheses.

    Args:
        output: (C, h, w) raw output of the network for one picture.
        size_wh: the picture's size before padding, px.
        parts: the model's part list.
        options: see `ProposalOptions`.
        alike: (P, P) which parts are so alike that one of them is enough to find the others (see `look_alikes`); None
            for no two.
        gathering: see `Gathering`.
    """
    at, votes, weight = _votes(output, options.foreground_threshold)
    peaks = _peaks(votes, weight, (output.shape[2], output.shape[1]), gathering)
    alike = np.eye(len(parts), dtype=bool) if alike is None else alike
    total, datum, face_down = np.empty((len(peaks), 2)), np.empty((len(peaks), 2)), np.empty(len(peaks))
    probability = np.empty((len(peaks), len(parts)))
    said = output.reshape(len(output), -1)
    gather_votes(said, at, votes, weight, peaks, gathering.radius_px, total, datum, face_down, probability)
    chiral = np.array([part.chiral for part in parts])
    room = len(peaks) * 2 * min(len(parts), _MOST_HYPOTHESES)
    part, score, flipped = np.empty(room, np.int64), np.empty(room), np.empty(room, np.bool_)
    places, tried = np.empty(room, np.int64), (options.hypotheses, options.faces == "both", gathering.least_cells)
    count = _try_parts(total, face_down, probability, alike, chiral, tried, part, score, flipped, places)
    part, score, flipped, places = part[:count], score[:count], flipped[:count], places[:count]
    scale, still = np.full(count, options.nominal_px_per_mm), np.zeros(count)
    hypotheses = from_similarities(size_wh, part, score, datum[places], still, scale, flipped)
    return Proposal(hypotheses, places, probability)


def _votes(output: Floats, foreground_threshold: float) -> tuple[NDArray[np.int64], NDArray, NDArray]:
    """Return number (V,), vote (V, 2) px and weight (V,) of the cells that see a part."""
    cells = output.shape[1] * output.shape[2]
    at, votes, weight = np.empty(cells, np.int64), np.empty((cells, 2)), np.empty(cells)
    least = float(np.log(foreground_threshold / (1 - foreground_threshold)))
    count = cast_votes(output, least, _CELL, at, votes, weight)
    return at[:count], votes[:count], weight[:count]


def _peaks(votes: NDArray, weight: NDArray, grid_wh: tuple[int, int], gathering: Gathering) -> NDArray:
    """Return (P, 2) px: local maxima of the blurred vote density."""
    density = np.zeros((grid_wh[1] + 2 * _MARGIN_CELLS, grid_wh[0] + 2 * _MARGIN_CELLS), np.float32)
    count_votes(votes, weight, _CELL, _MARGIN_CELLS, density)
    density = cv2.GaussianBlur(density, (0, 0), gathering.blur_cells)
    least = gathering.least_cells / 2 / (2 * np.pi * gathering.blur_cells**2)
    cells = np.empty((density.size, 2), np.int64)
    count = find_peaks(density, least, _PEAK_RADIUS_CELLS, cells)
    return (cells[:count, ::-1] - _MARGIN_CELLS) * float(STRIDE) + CELL_CENTRE_PX


@numba.njit(**_fast)
def families(probability, alike):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Gather the parts that are alike: return the most probable part of each family, and the family's probability."""
    left, leaders, sums = probability.copy(), np.empty(len(probability), np.int64), np.empty(len(probability))
    count = 0
    for part in np.argsort(-left, kind="mergesort"):
        if left[part] <= 0:
            continue
        leaders[count], sums[count] = part, 0
        for other in range(len(left)):
            if alike[part, other]:
                sums[count] += left[other]
                left[other] = 0
        count += 1
    return leaders[:count], sums[:count]


@numba.njit(**_fast)
def likely(parts, probability, least):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Return parts to try and their probabilities, most probable first: so many, more where the network is not sure."""
    order = np.argsort(-probability, kind="mergesort")
    tried, total = 0, 0.0
    for k in order:
        is_rival = tried == 0 or probability[k] >= _RIVAL_SHARE * probability[order[0]]
        if tried == _MOST_HYPOTHESES or not is_rival or (tried >= least and total >= _SURE_SHARE):
            break
        total += probability[k]
        tried += 1
    return parts[order[:tried]], probability[order[:tried]]


@numba.njit(**_fast)
def _try_parts(total, face_down, probability, alike, chiral, tried, part, score, flipped, places):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Write which parts to try in each of N places, and on which sides; returns how many there are.

    Chiral parts are tried on both sides where the network is not sure of it.

    Args:
        total, face_down, probability: as `votes.gather_votes` writes them.
        alike: see `propose`.
        chiral: (P,) whether a part's mirror image is another.
        tried: least number of parts in a place, whether parts may lie face down, and how many votes make a place.
        part, score, flipped, places: written, a row for each hypothesis; score is the probability times foreground.
    """
    least, both_faces, least_votes = tried
    count = 0
    for n in range(len(total)):
        if total[n, 0] < least_votes:
            continue
        leaders, sums = families(probability[n], alike)
        kinds, shares = likely(leaders, sums, least)
        down, unsure = face_down[n] >= _EVEN, _UNSURE < face_down[n] < 1 - _UNSURE
        for k in range(len(kinds)):
            turned = both_faces and chiral[kinds[k]]
            for other in range(1 + (turned and unsure)):
                part[count], places[count] = kinds[k], n
                score[count] = min(1.0, shares[k] * (total[n, 0] / total[n, 1]))
                flipped[count] = other == 1 if unsure else turned and down
                count += 1
    return count

"""The coarse search: a picture's features against every template at every place, by one matrix product.

The score is a normalised correlation over the disc around the part's datum, so edges where the drawing has none count
against it. The picture is thought to be surrounded by nothing; where the disc sticks out, the norm of the template is
reduced to the share that lies inside, so that parts cut by the border are found too.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from kontur.modeling.correlation import Correlator
from kontur.modeling.parallel import in_threads
from kontur.modeling.templates import TemplateBank, TemplateGroup, disc

Floats = NDArray[np.float32]

_LEAST_INSIDE = 0.3
"""Places where less of the disc lies inside the picture are not searched."""
_SCALE_RATIO = 0.95
_MOST_SCALES = 2
_ANGLE_RATIO = 0.9
_MOST_ANGLES = 2
"""Scales and angles of a place that are kept beside the best one, when their correlation comes this close to it."""
_PLACES_AT_ONCE = 4096
_ENERGY_FLOOR = 0.005
"""Added energy per cell: keeps noise on blank tables from correlating."""


@dataclass(frozen=True)
class Candidate:
    """A place where a part may lie.

    Attributes:
        part, flipped: what it may be.
        u, v: datum, px of the edge field.
        angle_rad, scale_px_per_mm: of the best template; the scale in px of the picture.
        score: normalised correlation.
    """

    part: int
    flipped: bool
    u: float
    v: float
    angle_rad: float
    scale_px_per_mm: float
    score: float


@dataclass(frozen=True, eq=False)
class SearchField:
    """What the matrix product needs of a picture.

    Attributes:
        projections: (K, P) correlation with each basis template at each place.
        shape: (rows, columns) of the places, P = rows * columns.
        pad: places start this many cells left of and above the picture.
        norms: for each disc radius (P,) the reciprocal norm of the picture there; 0 where too little lies inside.
    """

    projections: Floats
    shape: tuple[int, int]
    pad: int
    norms: dict[int, Floats]


class Searcher:
    """A bank, ready to be searched for in pictures."""

    def __init__(self, bank: TemplateBank) -> None:
        self._half = bank.size // 2
        self._basis = Correlator(bank.basis)
        self._radii = sorted({group.radius_cells for group in bank.groups})
        self._discs = [disc(radius, self._half).astype(np.float32) for radius in self._radii]

    def field(self, features: Floats) -> SearchField:
        """Correlate picture features (CHANNELS, h, w) with the bank's basis, and take norms over its discs."""
        pad = self._half // 2
        projections = self._basis.correlate(features, pad)
        layers = [(features**2).sum(axis=0), features[0], np.ones_like(features[0])]
        wide = [np.pad(layer, pad) for layer in layers]
        norms = {radius: _norm(wide, within) for radius, within in zip(self._radii, self._discs, strict=True)}
        return SearchField(projections.reshape(len(projections), -1), projections.shape[1:], pad, norms)


def make_field(bank: TemplateBank, features: Floats) -> SearchField:
    """Prepare one picture's features (CHANNELS, h, w) for the search of a bank."""
    return Searcher(bank).field(features)


def _norm(layers: Sequence[Floats], within: Floats) -> Floats:
    """Return (P,) the reciprocal norm of the picture in a disc around each place, from its energy, magnitude and extent."""
    sums = [np.empty_like(layer) for layer in layers]
    in_threads(lambda k: cv2.filter2D(layers[k], -1, within, sums[k], borderType=cv2.BORDER_CONSTANT), range(len(sums)))
    power, total, area = sums
    share = area / np.count_nonzero(within)
    variance = np.maximum(power - total**2 / np.maximum(area, 1), 0) + _ENERGY_FLOOR * area
    norm = np.where(share >= _LEAST_INSIDE, 1 / np.sqrt(np.maximum(variance * share, 1e-6)), 0)
    return np.asarray(norm, np.float32).ravel()


def search(
    bank: TemplateBank,
    field: SearchField,
    most_per_part: int,
    least_score: float,
    px_per_mm: tuple[float, float] = (0.0, np.inf),
) -> list[Candidate]:
    """Return the best places of every part: local maxima over place, with the best scales and angles of each.

    Args:
        bank: the templates.
        field: of the picture's features, from `make_field`.
        most_per_part: places per part and side at most.
        least_score: correlations below are left out.
        px_per_mm: only scales in this range are searched.
    """
    kinds: dict[tuple[int, bool], list[TemplateGroup]] = {}
    for group in bank.groups:
        if px_per_mm[0] <= group.scale_px_per_mm <= px_per_mm[1]:
            kinds.setdefault((group.part, group.flipped), []).append(group)
    found: list[Candidate] = []
    for groups in kinds.values():
        scores = np.stack([_best_over_angles(bank, field, group) for group in groups])
        places = _local_maxima(scores.max(axis=0).reshape(field.shape), most_per_part, least_score)
        for group, near_best in zip(groups, _near_best(scores[:, places]), strict=True):
            found += _candidates_at(bank, field, group, places[near_best])
    return found


def _near_best(scores: Floats) -> NDArray[np.bool_]:
    """Return (G, N) which groups score at each place as the best one does, or nearly as well."""
    rank = np.argsort(np.argsort(-scores, axis=0, kind="stable"), axis=0)
    return (rank < _MOST_SCALES) & (scores >= _SCALE_RATIO * scores.max(axis=0))


def _best_over_angles(bank: TemplateBank, field: SearchField, group: TemplateGroup) -> Floats:
    """Return (P,) the best correlation over a group's angles; by pieces that stay in the processor's cache."""
    coefficients = bank.coefficients[slice(*group.rows)]
    best = np.empty(field.projections.shape[1], np.float32)

    def work(piece: slice) -> None:
        """Correlate some of the places."""
        (coefficients @ field.projections[:, piece]).max(axis=0, out=best[piece])

    in_threads(work, [slice(start, start + _PLACES_AT_ONCE) for start in range(0, len(best), _PLACES_AT_ONCE)])
    return best * field.norms[group.radius_cells]


def _local_maxima(score: Floats, most: int, least: float) -> NDArray[np.int64]:
    """Return (N,) places, best first."""
    highest = cv2.dilate(score, np.ones((3, 3), np.uint8))
    places = np.flatnonzero((score == highest) & (score >= least))
    return places[np.argsort(-score.ravel()[places], kind="stable")[:most]]


def _candidates_at(
    bank: TemplateBank, field: SearchField, group: TemplateGroup, places: NDArray[np.int64]
) -> list[Candidate]:
    """Return the best angles at each of some places: local maxima over the circle of angles, close to the best one."""
    curves = bank.coefficients[slice(*group.rows)] @ field.projections[:, places]
    curves *= field.norms[group.radius_cells][places]
    peak = (curves >= np.roll(curves, 1, axis=0)) & (curves >= np.roll(curves, -1, axis=0))
    peak &= curves >= _ANGLE_RATIO * curves.max(axis=0)
    best = np.argsort(np.where(peak, -curves, np.inf), axis=0, kind="stable")[:_MOST_ANGLES]
    rank, which = np.nonzero(np.take_along_axis(peak, best, axis=0))
    angle = best[rank, which]
    rows, columns = np.divmod(places[which], field.shape[1])
    u, v = ((axis - field.pad) * bank.cell_px + (bank.cell_px - 1) / 2 for axis in (columns, rows))
    found = zip(u.tolist(), v.tolist(), group.angles_rad[angle].tolist(), curves[angle, which].tolist(), strict=True)
    return [
        Candidate(group.part, group.flipped, x, y, turn, group.scale_px_per_mm, score) for x, y, turn, score in found
    ]

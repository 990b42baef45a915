"""Parts that look alike: the best placement of one on the other, and what then differs.

The turn that lays one part on the other is read off their angular spectra (see symmetry): the correlation over all turns
is one Fourier transform. Then the datums are laid on each other, or the centroids of the outlines, whichever fits better.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import shapely
from shapely import affinity

from kontur.geometry.part import Part
from kontur.geometry.symmetry import Spectrum, angular_spectrum, mirrored_spectrum

ALIKE_OVERLAP = 0.9
"""Parts whose areas overlap at least this much (intersection over union) are called look-alikes."""
_TURNS = 4096
_TRIED = 4
_HARMONICS = 512


@dataclass(frozen=True, eq=False)
class LookAlike:
    """Two parts that are easily taken for each other.

    Attributes:
        a, b: indexes into the part list, a < b (a == b: the part and its own mirror image).
        mirrored: whether `b` has to be turned over to look like `a`.
        overlap: intersection over union, 0..1, at the best turn.
        difference: where they differ, in the frame of `a`, mm.
    """

    a: int
    b: int
    mirrored: bool
    overlap: float
    difference: shapely.Geometry

    def difference_px(self, mm_per_px: float) -> float:
        """Area of the difference in pixels."""
        return float(self.difference.area) / mm_per_px**2

    def width_px(self, mm_per_px: float) -> float:
        """Diameter in pixels of the largest disc that fits into the difference: what has to be resolved."""
        pieces = [piece for piece in shapely.get_parts(self.difference).tolist() if piece.area > 0]
        largest = max(pieces, key=lambda piece: piece.area / max(piece.length, 1e-12), default=None)
        return 0.0 if largest is None else 2 * float(shapely.maximum_inscribed_circle(largest).length) / mm_per_px


def hard_pairs(parts: Sequence[Part], least_overlap: float = ALIKE_OVERLAP) -> list[LookAlike]:
    """Return what a camera may confuse, most alike first: look-alikes, and chiral parts with their own backs.

    A part that is its own mirror image looks the same from both sides, so pairs with one are given once.
    """
    spectra = _spectra(parts)
    backs = [_compare(parts, spectra, a, a, True) for a, part in enumerate(parts) if part.chiral]
    pairs = [
        p for p in look_alikes(parts, least_overlap) if not p.mirrored or (parts[p.a].chiral and parts[p.b].chiral)
    ]
    return sorted([*pairs, *(p for p in backs if p.overlap >= least_overlap)], key=lambda pair: -pair.overlap)


def look_alikes(parts: Sequence[Part], least_overlap: float = ALIKE_OVERLAP) -> list[LookAlike]:
    """Return the pairs of look-alikes, most alike first, also of one part face up against another face down."""
    spectra, areas = _spectra(parts), [part.area_mm2 for part in parts]
    found = [
        pair
        for a, b in combinations(range(len(parts)), 2)
        if min(areas[a], areas[b]) >= least_overlap * max(areas[a], areas[b])
        for pair in (_compare(parts, spectra, a, b, mirrored) for mirrored in (False, True))
        if pair.overlap >= least_overlap
    ]
    return sorted(found, key=lambda pair: -pair.overlap)


def _spectra(parts: Sequence[Part]) -> list[Spectrum]:
    return [angular_spectrum([contour.points for contour in part.contours])[:, :_HARMONICS] for part in parts]


def _compare(parts: Sequence[Part], spectra: list[Spectrum], a: int, b: int, mirrored: bool) -> LookAlike:
    other = parts[b].polygon
    spectrum = spectra[b]
    if mirrored:
        other = affinity.scale(other, -1, 1, origin=(0, 0))
        spectrum = mirrored_spectrum(spectrum)
    best, best_overlap, base = other, -1.0, parts[a].polygon
    for turn in turns(spectra[a], spectrum):
        turned = affinity.rotate(other, turn, origin=(0, 0), use_radians=True)
        for placed in (turned, _outlines_together(base, turned)):
            common = float(shapely.intersection(base, placed).area)
            overlap = common / (base.area + placed.area - common)
            if overlap > best_overlap:
                best, best_overlap = placed, overlap
    return LookAlike(a, b, mirrored, best_overlap, shapely.symmetric_difference(base, best))


def _outlines_together(base: shapely.Polygon, other: shapely.Polygon) -> shapely.Polygon:
    """Shift `other` so that the centroids of the outlines agree: a hole more moves the datum, not the outline."""
    to, at = shapely.Polygon(base.exterior).centroid, shapely.Polygon(other.exterior).centroid
    return affinity.translate(other, to.x - at.x, to.y - at.y)


def turns(a: Spectrum, b: Spectrum) -> list[float]:
    """Return the few turns (rad) of `b` that correlate best with `a`, best first; angular spectra of equal length."""
    padded = np.zeros(_TURNS, np.complex128)
    padded[1 : a.shape[1]] = (a[:, 1:] * np.conj(b[:, 1:])).sum(axis=0)
    score = np.fft.fft(padded).real
    tops = np.flatnonzero((score >= np.roll(score, 1)) & (score > np.roll(score, -1)))
    return (2 * np.pi * tops[np.argsort(-score[tops], kind="stable")][:_TRIED] / _TURNS).tolist() or [0.0]

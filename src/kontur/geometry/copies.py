"""Copies: parts of one shape, however they lie on the sheet, are one part that is there several times.

Two parts are copies when one covers the other, shifted and turned but not turned over, within COPY_MM plus COPY_RELATIVE
of their size: what the flattening of curves and the rounding of coordinates in a file explain. So a hole that is 0.1 mm
wider makes another part. A mirror image is another part as well: which side is up may matter.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import shapely

from kontur.geometry.likeness import turns
from kontur.geometry.part import Part
from kontur.geometry.symmetry import Spectrum, angular_spectrum, covering_turn

COPY_MM = 0.03
"""Deviation between copies: 1.5 sagittas of 0.01 mm on each side."""
COPY_RELATIVE = 1e-5


def merge_copies(parts: Sequence[Part]) -> tuple[Part, ...]:
    """Return the first of each group of copies, in order, with how many they are together."""
    counts: Counter[int] = Counter()
    for first, part in zip(copies_of(parts), parts, strict=True):
        counts[first] += part.copies
    return tuple(replace(parts[index], copies=count) for index, count in sorted(counts.items()))


def copies_of(parts: Sequence[Part]) -> list[int]:
    """Return for each part the index of the first part it is a copy of (its own index when it is none)."""
    exact: dict[str, int] = {}
    seen: dict[int, tuple[Part, Spectrum]] = {}
    first: list[int] = []
    for index, part in enumerate(parts):
        match = exact.get(part.sha256)
        if match is None:
            spectrum = _spectrum(part)
            match = next(
                (k for k, (other, own) in seen.items() if _alike(other, part) and _covers(other, own, part, spectrum)),
                index,
            )
            exact[part.sha256] = match
            if match == index:
                seen[index] = part, spectrum
        first.append(match)
    return first


def _spectrum(part: Part) -> Spectrum:
    return angular_spectrum([contour.points for contour in part.contours])


def _limit_mm(part: Part) -> float:
    """Return the deviation in mm up to which another part is a copy of this one."""
    return COPY_MM + COPY_RELATIVE * part.radius_mm


def _alike(a: Part, b: Part) -> bool:
    """Whether the numbers that turning keeps agree; cheap."""
    limit = _limit_mm(a)
    if len(a.holes) != len(b.holes) or a.symmetry != b.symmetry or abs(a.radius_mm - b.radius_mm) > limit:
        return False
    return abs(a.area_mm2 - b.area_mm2) <= limit * a.perimeter_mm and all(
        abs(x - y) <= 4 * limit for x, y in zip(_lengths(a), _lengths(b), strict=True)
    )


def _lengths(part: Part) -> list[float]:
    return [part.outer.perimeter_mm, *sorted(hole.perimeter_mm for hole in part.holes)]


def _covers(a: Part, own: Spectrum, b: Part, spectrum: Spectrum) -> bool:
    rings = [[contour.points for contour in part.contours] for part in (a, b)]
    turn = covering_turn(rings[0], rings[1], turns(own, spectrum), _limit_mm(a))
    if turn is None:
        return False
    c, s = np.cos(turn), np.sin(turn)
    turned = shapely.transform(b.polygon, lambda points: points @ np.array([[c, s], [-s, c]]))
    return bool(shapely.hausdorff_distance(a.polygon.boundary, turned.boundary) <= 2 * _limit_mm(a))

"""Look-alikes of what was found: other parts laid where a detection lies, so that the picture decides between them.

Parts of one outline that differ by the place of a hole cannot be told apart by what finds them: a network that has minutes
to learn takes one for the other, and the wrong one fits the picture nearly as well. How one lies on the other is known from
the drawings. So it is enough that one of them is proposed and registered: the others take its pose over, outline on
outline, and are compared where alone they differ.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import affinity

from kontur.geometry import Part, angle_difference
from kontur.geometry.likeness import turns
from kontur.geometry.symmetry import Spectrum, angular_spectrum, mirrored_spectrum
from kontur.modeling.detections import Detections, unregistered

SAME_OUTLINE = 0.98
"""Outlines that overlap at least this much (intersection over union) are the same to a camera."""
_SAME_PART = 0.998
"""Parts that overlap more do not differ."""
_TURN_RAD = 0.05
"""Turns that differ by less, for what the part looks like, are one."""
_COS_SAME_WAY = 0.9
"""Outlines that overlap nearly as well after turns that differ by less are laid once."""
_HARMONICS = 512

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class StandIn:
    """A part that may lie where another one seems to.

    Attributes:
        part: index into the part list.
        mirrored: whether it is turned over against the other one.
        placement: (3, 3) from its frame to that of the other one, mm.
    """

    part: int
    mirrored: bool
    placement: Floats


StandIns = tuple[tuple[StandIn, ...], ...]
"""For every part those that have its outline."""


def find_stand_ins(parts: Sequence[Part], faces: str) -> StandIns:
    """Return for every part those of its outline, laid on it in all ways in which the outlines coincide.

    A part whose outline looks the same after a turn, though the part does not, stands in for itself too, turned. Parts that
    do not differ at all when they lie on each other (one and its mirror image turned over) are left out: no picture could
    decide.

    Args:
        parts: the part list.
        faces: "up", or "both" where parts may lie face down.
    """
    outlines = [shapely.Polygon(part.outer.points) for part in parts]
    found: list[list[StandIn]] = [[] for _ in parts]
    pairs = [(a, b) for a, b in product(range(len(parts)), repeat=2) if _same_size(outlines[a], outlines[b])]
    spectra = {index: _of_outline(outlines[index]) for index in {index for pair in pairs for index in pair}}
    for a, b in pairs:
        for mirrored in (False, True) if faces == "both" and parts[b].chiral else (False,):
            spectrum = mirrored_spectrum(spectra[b]) if mirrored else spectra[b]
            angles = _distinct(turns(spectra[a], spectrum), parts[b].symmetry, not mirrored and a == b)
            laid = (_laid(outlines[a], outlines[b], angle, mirrored) for angle in angles)
            found[a] += [StandIn(b, mirrored, way) for way in laid if _only_inside(parts[a], parts[b], way)]
    return tuple(tuple(items) for items in found)


def _of_outline(outline: shapely.Polygon) -> Spectrum:
    return angular_spectrum([np.asarray(outline.exterior.coords)[:-1] - outline.centroid.coords[0]])[:, :_HARMONICS]


def _spectrum(part: Part) -> Spectrum:
    return angular_spectrum([contour.points for contour in part.contours])[:, :_HARMONICS]


def alike(table: StandIns) -> NDArray[np.bool_]:
    """Return (P, P) which parts stand in for which; each for itself."""
    matrix = np.eye(len(table), dtype=bool)
    for part, items in enumerate(table):
        matrix[part, [item.part for item in items]] = True
    return matrix


def in_place_of(detections: Detections, table: StandIns) -> Detections:
    """Return the parts that may lie where detections do, in their poses; not registered."""
    rows = [(row, item) for row, part in enumerate(detections.part.tolist()) if part >= 0 for item in table[part]]
    return laid(detections, rows) if rows else detections[:0]


def laid(detections: Detections, rows: Sequence[tuple[int, StandIn]]) -> Detections:
    """Return one part for each of `rows`: the stand-in, in the pose of that detection; not registered."""
    index = np.array([row for row, _ in rows], np.int64)
    matrix = detections.matrix[index] @ np.array([item.placement for _, item in rows]).reshape(-1, 3, 3)
    return unregistered(
        detections.size_wh,
        np.array([item.part for _, item in rows], np.int64),
        detections.score[index],
        matrix / matrix[:, 2:, 2:],
        detections.flipped[index] ^ np.array([item.mirrored for _, item in rows], bool),
    )


def best_ways(a: Part, b: Part, mirrored: bool, least_overlap: float) -> list[Floats]:
    """Return the placements (3, 3) of part `b`, turned over first if `mirrored`, on `a`, in which the outlines overlap best.

    Centroids or corners of the rectangles around the outlines are laid on each other. None when the outlines overlap less
    than `least_overlap` (intersection over union), several when these turns do so alike.
    """
    outlines = (shapely.Polygon(a.outer.points), shapely.Polygon(b.outer.points))
    spectrum = mirrored_spectrum(_spectrum(b)) if mirrored else _spectrum(b)
    found = []
    for angle in _distinct(turns(_spectrum(a), spectrum), b.symmetry):
        shifted = _shifted(*outlines, _laid(*outlines, angle, mirrored))
        overlaps = [_overlap(outlines[0], _moved(outlines[1], way)) for way in shifted]
        best = int(np.argmax(overlaps))
        found.append((overlaps[best], angle, shifted[best]))
    found.sort(key=lambda row: -row[0])
    least = max(least_overlap, SAME_OUTLINE * found[0][0])
    kept: list[tuple[float, Floats]] = []
    for overlap, angle, way in found:
        if overlap >= least and all(np.cos(angle - other) < _COS_SAME_WAY for other, _ in kept):
            kept.append((angle, way))
    return [way for _, way in kept]


def _shifted(a: shapely.Polygon, b: shapely.Polygon, placement: Floats) -> list[Floats]:
    """Return a placement of outline `b` on `a`, and four more that lay a corner of its rectangle on that of `a`'s."""
    apart = np.reshape(a.bounds, (2, 2)) - np.reshape(_moved(b, placement).bounds, (2, 2))
    ways = [placement] + [placement.copy() for _ in range(4)]
    for way, (x, y) in zip(ways[1:], product(*apart.T), strict=True):
        way[:2, 2] += x, y
    return ways


def _same_size(a: shapely.Polygon, b: shapely.Polygon) -> bool:
    return all(min(x, y) >= SAME_OUTLINE * max(x, y) for x, y in ((a.area, b.area), (a.length, b.length)))


def _distinct(angles: Sequence[float], symmetry: int, beside_none: bool = False) -> list[float]:
    """Return the angles that differ for a part of rotational `symmetry` (see `Part`); from no turn at all too, if asked."""
    kept: list[float] = [0.0] if beside_none else []
    for angle in angles:
        if not kept or all(abs(angle_difference(angle, other, symmetry)) > _TURN_RAD for other in kept):
            kept.append(angle)
    return kept[1:] if beside_none else kept


def _laid(a: shapely.Polygon, b: shapely.Polygon, angle_rad: float, mirrored: bool) -> Floats:
    """Return the (3, 3) that turns outline `b` (over first, if `mirrored`) and lays its centroid on that of outline `a`."""
    cosine, sine, side = np.cos(angle_rad), np.sin(angle_rad), -1.0 if mirrored else 1.0
    placement = np.array([[side * cosine, -sine, 0], [side * sine, cosine, 0], [0, 0, 1]])
    placement[:2, 2] = np.array([a.centroid.x, a.centroid.y]) - placement[:2, :2] @ (b.centroid.x, b.centroid.y)
    return placement


def _only_inside(a: Part, b: Part, placement: Floats) -> bool:
    """Return whether the parts differ, but not in their outlines, when one lies on the other."""
    outline, other = (
        _overlap(a_shape, _moved(b_shape, placement))
        for a_shape, b_shape in (
            (shapely.Polygon(a.outer.points), shapely.Polygon(b.outer.points)),
            (a.polygon, b.polygon),
        )
    )
    return outline >= SAME_OUTLINE and other < _SAME_PART


def _moved(shape: shapely.Polygon, placement: Floats) -> shapely.Polygon:
    return affinity.affine_transform(shape, [*placement[:2, :2].ravel(), *placement[:2, 2]])


def _overlap(a: shapely.Polygon, b: shapely.Polygon) -> float:
    common = float(shapely.intersection(a, b).area)
    return common / (a.area + b.area - common)

"""Rotational symmetry order and chirality of a flat shape about its centroid.

A shape has symmetry of order n when turning it by 360/n degrees about its centroid moves every boundary point to within
a tolerance of the boundary. The test is one-sided (turned points against the boundary), which suffices because turning
keeps lengths: a boundary that covers itself after turning is covered in return.

Which turns and mirror axes are worth that test is read off the boundary's angular spectrum F_k = sum of w r^p exp(i k phi)
over its points: a symmetry of order n leaves only multiples of n, and a mirror axis at angle a makes
F_k = exp(2 i k a) conj(F_k) (the classical result on complex moments). So a shape without symmetry costs no test at all.

Where it fails: an order above MAX_ORDER is found as its greatest divisor up to MAX_ORDER; shapes whose deviation from
symmetry is smaller than the tolerance count as symmetric, because no camera would tell the difference either.
"""

from collections.abc import Sequence

import numpy as np
import shapely
from numpy.typing import NDArray

from kontur.geometry.contour import Points, resample

CONTINUOUS = 0
"""The symmetry order of shapes made of circles about one centre."""
MAX_ORDER = 120
TOLERANCE_RELATIVE = 1e-3
"""Allowed deviation as a fraction of the greatest radius about the centroid."""
TOLERANCE_MIN_MM = 0.01
_PROBES = 512
_SAMPLES = 4096
_ANGLE_BINS = 2048
_RADIAL_POWERS = (1, 3, 8)
_POWER_SHARE = 0.8
_ROUND_SPECTRUM = 2e-3
_MIRROR_BINS = 8192
_MIRROR_SCORE = 0.9
_MIRROR_CANDIDATES = 6
_REFINEMENTS = 16

Spectrum = NDArray[np.complex128]


def tolerance_mm(radius_mm: float) -> float:
    """Return the deviation in mm up to which a shape of this greatest radius counts as symmetric."""
    return max(TOLERANCE_MIN_MM, TOLERANCE_RELATIVE * radius_mm)


def rotational_order(rings: list[Points]) -> int:
    """Return the rotational symmetry order about the origin; 0 (CONTINUOUS) when every ring is a circle about it.

    Args:
        rings: outer ring and holes, (N, 2) mm each, centroid of the area at the origin.
    """
    limit = _limit(rings)
    if all(np.ptp(_edge_radii(ring)) <= limit for ring in rings):
        return CONTINUOUS
    orders = _candidate_orders(angular_spectrum(rings))
    if not orders:
        return 1
    boundary, probes = _boundary(rings), _probes(rings)
    for order in orders:
        if _covers(boundary, probes, 2 * np.pi / order, limit):
            return order
    return 1


def is_chiral(rings: list[Points]) -> bool:
    """Return whether the shape differs from its mirror image however that is turned about the origin.

    Args:
        rings: outer ring and holes, (N, 2) mm each, centroid of the area at the origin.
    """
    axes = _candidate_axes(angular_spectrum(rings))
    if not len(axes):
        return True
    limit, boundary = _limit(rings), _boundary(rings)
    mirrored = _probes(rings) * (1, -1)
    coarse = mirrored[:: max(1, len(mirrored) // 64)]
    for axis in axes:
        if _greatest_distance(boundary, _turn(coarse, 2 * axis)) > 8 * limit:
            continue
        turn = _refine(boundary, coarse, 2 * axis, 4 * np.pi / _MIRROR_BINS)
        if _greatest_distance(boundary, _turn(mirrored, turn)) <= limit:
            return False
    return True


def covering_turn(rings: list[Points], others: list[Points], turns: Sequence[float], limit: float) -> float | None:
    """Return a turn about the origin that lays `others` on `rings` within `limit` mm, None when none near `turns` does.

    Args:
        rings, others: outer ring and holes, (N, 2) mm each, centroid of the area at the origin.
        turns: rough angles in radians, to within a few thousandths of a turn.
        limit: greatest distance of a point of `others` from `rings`, mm.
    """
    boundary, probes = _boundary(rings), _probes(others)
    coarse = probes[:: max(1, len(probes) // 64)]
    for rough in turns:
        turn = _refine(boundary, coarse, rough, 4 * np.pi / _MIRROR_BINS)
        if _greatest_distance(boundary, _turn(probes, turn)) <= limit:
            return turn
    return None


def _limit(rings: list[Points]) -> float:
    return tolerance_mm(max(float(np.hypot(*ring.T).max()) for ring in rings))


def angular_spectrum(rings: list[Points]) -> Spectrum:
    """Return the (powers, bins / 2 + 1) angular spectrum of the boundary's length, each row scaled to 1 at k = 0."""
    lengths = [float(np.linalg.norm(np.roll(ring, -1, axis=0) - ring, axis=1).sum()) for ring in rings]
    pieces = [resample(ring, sum(lengths) / _SAMPLES)[0] for ring in rings]
    points = np.concatenate(pieces)
    weights = np.repeat(
        [length / len(own) for own, length in zip(pieces, lengths, strict=True)], [len(p) for p in pieces]
    )
    radii = np.hypot(*points.T)
    place = np.arctan2(points[:, 1], points[:, 0]) / (2 * np.pi) % 1 * _ANGLE_BINS
    low = place.astype(np.intp)
    share = place - low
    rows = []
    for power in _RADIAL_POWERS:
        mass = weights * (radii / radii.max()) ** power
        bins = np.bincount(low % _ANGLE_BINS, mass * (1 - share), _ANGLE_BINS)
        bins += np.bincount((low + 1) % _ANGLE_BINS, mass * share, _ANGLE_BINS)
        rows.append(np.fft.rfft(bins).conj() / max(bins.sum(), np.finfo(float).tiny))
    return np.array(rows)


def mirrored_spectrum(spectrum: Spectrum) -> Spectrum:
    """Return the angular spectrum of a shape turned over about the y axis: (x, y) becomes (-x, y)."""
    return np.conj(spectrum) * np.exp(1j * np.pi * np.arange(spectrum.shape[1]))


def _candidate_orders(spectrum: Spectrum) -> list[int]:
    """Orders to test, highest first: those whose multiples hold nearly all the power of the spectrum."""
    power = (np.abs(spectrum[:, : 2 * MAX_ORDER + 1]) ** 2).sum(axis=0)
    power[0] = 0.0
    if power.max() < _ROUND_SPECTRUM**2:
        return list(range(MAX_ORDER, 1, -1))
    return [order for order in range(MAX_ORDER, 1, -1) if power[::order].sum() >= _POWER_SHARE * power.sum()]


def _candidate_axes(spectrum: Spectrum) -> NDArray[np.float64]:
    """Angles of possible mirror axes, best first: maxima of sum Re(conj(F_k)^2 exp(2 i k a)) over the strong harmonics."""
    harmonics = spectrum[:, 1 : 2 * MAX_ORDER]
    power = (np.abs(harmonics) ** 2).sum()
    if power == 0:
        return np.zeros(1)
    padded = np.zeros(_MIRROR_BINS, np.complex128)
    padded[1 : 1 + harmonics.shape[1]] = (harmonics**2).sum(axis=0)
    score = np.fft.fft(padded).real / power  # at a = pi * bin / bins
    top = (score >= np.roll(score, 1)) & (score > np.roll(score, -1)) & (score >= _MIRROR_SCORE)
    bins = np.flatnonzero(top)
    return np.pi * bins[np.argsort(-score[bins], kind="stable")][:_MIRROR_CANDIDATES] / _MIRROR_BINS


def _covers(boundary: shapely.Geometry, probes: Points, angle_rad: float, limit: float) -> bool:
    coarse = probes[:: max(1, len(probes) // 24)]
    return (
        _greatest_distance(boundary, _turn(coarse, angle_rad)) <= limit
        and _greatest_distance(boundary, _turn(probes, angle_rad)) <= limit
    )


def _refine(boundary: shapely.Geometry, points: Points, angle: float, step: float) -> float:
    """Minimise the greatest distance near `angle` by ternary search within +-`step`."""
    low, high = angle - step, angle + step
    for _ in range(_REFINEMENTS):
        a, b = low + (high - low) / 3, high - (high - low) / 3
        if _greatest_distance(boundary, _turn(points, a)) < _greatest_distance(boundary, _turn(points, b)):
            high = b
        else:
            low = a
    return (low + high) / 2


def _edge_radii(ring: Points) -> Points:
    """Distances from the origin of the ring's corners and edge midpoints."""
    return np.hypot(*np.concatenate([ring, (ring + np.roll(ring, -1, axis=0)) / 2]).T)


def _boundary(rings: list[Points]) -> shapely.Geometry:
    boundary = shapely.multilinestrings([shapely.linearrings(ring) for ring in rings])
    shapely.prepare(boundary)
    return boundary


def _probes(rings: list[Points]) -> Points:
    """Corners, and points spread evenly along each ring, about 2 * _PROBES in all."""
    lengths = [float(np.linalg.norm(np.roll(ring, -1, axis=0) - ring, axis=1).sum()) for ring in rings]
    probes = []
    for ring, length in zip(rings, lengths, strict=True):
        count = max(8, round(_PROBES * length / sum(lengths)))
        probes += [ring[:: max(1, len(ring) // count)], resample(ring, length / count)[0]]
    return np.concatenate(probes)


def _turn(points: Points, angle_rad: float) -> Points:
    c, s = np.cos(angle_rad), np.sin(angle_rad)
    return points @ np.array([[c, s], [-s, c]])


def _greatest_distance(boundary: shapely.Geometry, points: Points) -> float:
    return float(shapely.distance(boundary, shapely.points(points)).max())

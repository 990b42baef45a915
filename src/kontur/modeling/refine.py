"""Registration: fit the contours of detected parts to the sub-pixel edges of a picture, all instances at once.

Around each contour point the picture's change along the contour's normal is sampled; its strongest peaks are candidate
edges. A similarity per instance is fitted to them by iteratively reweighted least squares (Tukey's biweight), over ranges
that shrink from round to round (an iterative closest point scheme along normals: Blake & Isard 1998; Drummond & Cipolla
2002). The edge's sign does not matter. With several instances the tilt of the plane they share is fitted too (`plane`).

Where it fails: an edge parallel to most of a contour within the capture range (a frame around the part) attracts it; a
contour whose edges are weaker than the noise stays where it was.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from kontur.geometry import Part
from kontur.modeling.alignment import (
    apply_homography,
    motion_matrices,
    motion_rows,
    normal_equations,
    project_normals,
    solve_damped,
    tukey,
)
from kontur.modeling.contour_model import ContourBatch, contour_model, spacing_for, stack_models
from kontur.modeling.detections import UNKNOWN, Detections
from kontur.modeling.edges import EdgePicture, edge_picture, profiles, strongest_peaks
from kontur.modeling.plane import Plane, fit_plane, level_plane
from kontur.pictures import Picture

Floats = NDArray[np.float64]

PEAKS_PER_POINT = 3
NOISE_FACTOR = 3.0
"""An edge is stronger than this many standard deviations of the noise."""
_INNER_STEPS = 3
_BORDER_PX = 1.0
_LEAST_RADIUS_PX = 1.0
_CORRELATED_POINTS = 2.0
"""Neighbouring edges share pixels: that many of them count as one measurement in the covariance."""
_UNSEEN_VARIANCE = 1e6
_TRUSTED_SUPPORT = 0.6
"""Parts supported this well take part in finding the shared plane."""
_HALF_SHARE = 0.35
"""Share of a contour's typical strength at which an edge counts half: shadows stronger than the edge gain little."""
_SAME_PLACE = 0.7
"""Data closer than this share of the part's radius compete for one place."""


@dataclass(frozen=True)
class Round:
    """One round of the fit.

    Attributes:
        range_px: edges are sought this far from the contour.
        step_px: spacing of the samples along the normal.
        reduction: the picture is reduced by this factor.
        hold_scale, hold_turn, hold_offset: how strongly scale and turn stay as they are and the edges on the contour
            (1: as strongly as all edges pull).
        shared: fit the plane that all parts share first, and hold the scale there.
    """

    range_px: float
    step_px: float
    reduction: int
    hold_scale: float
    hold_turn: float
    hold_offset: float
    shared: bool = False


ROUNDS = (
    Round(9.0, 1.0, 2, 0.5, 0.05, 3.0),
    Round(7.5, 1.0, 2, 0.1, 0.01, 1.0),
    Round(5.0, 1.0, 2, 0.05, 1e-3, 0.3),
    Round(3.5, 0.5, 1, 0.02, 1e-3, 0.1),
    Round(2.5, 0.5, 1, 0.01, 1e-4, 0.1),
    Round(5.0, 1.0, 2, 0.5, 1e-3, 0.1, shared=True),
    Round(3.5, 0.5, 1, 0.5, 1e-3, 0.1, shared=True),
    Round(2.5, 0.5, 1, 0.3, 1e-4, 0.05, shared=True),
    Round(1.75, 0.5, 1, 0.2, 1e-4, 0.05),
    Round(1.5, 0.5, 1, 0.2, 1e-4, 0.05),
)


@dataclass(frozen=True)
class RegistrationOptions:
    """How detections are registered.

    Attributes:
        rounds: from coarse to fine.
        tolerance_px: an edge this close to the contour supports it.
        sigma_px: smoothing of the picture.
        spacing_px: distance between contour points.
        most_points: contour points per instance at most.
        most_offset_px: edges may lie this far outside or inside the contour, all alike.
    """

    rounds: tuple[Round, ...] = ROUNDS
    tolerance_px: float = 1.25
    sigma_px: float = 0.7
    spacing_px: float = 1.5
    most_points: int = 256
    most_offset_px: float = 1.5


@dataclass(frozen=True, eq=False)
class Evidence:
    """The edges along the contours of N detections, up to M points each.

    Attributes:
        points_px: (N, M, 2) where the contour is.
        normals_px: (N, M, 2) unit, away from the material.
        weight: (N, M) contour length in px that a point stands for, times its corner weight; 0 outside the picture.
        offset_px: (N, M, P) distances of candidate edges along the normal.
        strength: (N, M, P) their strengths in grey levels per px; 0 where there is none above the noise.
        rows: (N, M, 4) px per unit of motion along the normal.
        centre: (N, 2) data.
    """

    points_px: Floats
    normals_px: Floats
    weight: Floats
    offset_px: Floats
    strength: Floats
    rows: Floats
    centre: Floats


def register(
    picture: Picture, detections: Detections, parts: Sequence[Part], options: RegistrationOptions | None = None
) -> Detections:
    """Fit the contours of detections to the picture.

    Args:
        picture: (H, W, 3) uint8.
        detections: with the right part and a pose within about 8 px and several degrees; UNKNOWN ones pass through.
        parts: the part list.
        options: see `RegistrationOptions`.

    Returns:
        detections in the same order, with refined `matrix`, and with `support` (fraction of the visible contour that has
        an edge within the tolerance), `residual_px` and `covariance`. A detection whose support would fall keeps its pose.
        Scores are not touched.
    """
    options = options or RegistrationOptions()
    known = np.flatnonzero(detections.part != UNKNOWN)
    if len(known) == 0:
        return detections
    chosen = detections[known]
    model = model_batch(chosen, parts, options)
    pictures = {r.reduction: edge_picture(picture, options.sigma_px, r.reduction) for r in options.rounds}
    fine = pictures.get(1) or edge_picture(picture, options.sigma_px)
    fit = Fit(chosen.matrix.copy(), np.zeros(len(chosen)), level_plane(chosen.size_wh))
    for step in options.rounds:
        if step.shared:
            fit = _share_plane(fine, model, fit, options)
        fit = _improve(pictures[step.reduction], model, fit, step)
    start = replace(fit, matrix=chosen.matrix, offset_px=np.zeros(len(chosen)))
    before, _ = _measure(fine, model, start, options)
    after, _ = _measure(fine, model, fit, options)
    worse = ~(after >= before)
    fit.matrix[worse], fit.offset_px[worse] = chosen.matrix[worse], 0
    return _merged(detections, known, _described(fine, model, chosen, fit, options))


def model_batch(detections: Detections, parts: Sequence[Part], options: RegistrationOptions) -> ContourBatch:
    """Return the contour points of detections, spaced for their scale."""
    _, scale = detections.similarity
    models = []
    for part, px_per_mm in zip(detections.part.tolist(), scale.tolist(), strict=True):
        spacing = spacing_for(parts[part], px_per_mm, options.spacing_px, options.most_points)
        models.append(contour_model(parts[part], spacing))
    return stack_models(models)


def gather(
    source: EdgePicture, model: ContourBatch, matrix: Floats, plane: Plane, range_px: float, step_px: float
) -> Evidence:
    """Find candidate edges within `range_px` of the contours placed by (N, 3, 3) `matrix`."""
    points, derivative = apply_homography(matrix, model.points_mm)
    normals = project_normals(derivative, model.normals)
    stretch = np.sqrt(np.abs(np.linalg.det(derivative)))
    reach = np.arange(-np.ceil(range_px / step_px) - 2, np.ceil(range_px / step_px) + 3) * step_px
    strength = profiles(source, points, normals, reach)
    offset, peak = strongest_peaks(strength, reach, PEAKS_PER_POINT)
    peak = np.where((peak > NOISE_FACTOR * source.noise) & (np.abs(offset) <= range_px), peak, 0)
    weight = model.weight * model.length_mm * stretch * inside(points, source)
    back = np.asarray(np.linalg.inv(plane.homography), np.float64)
    rectified, _ = apply_homography(back, points)
    centre, _ = apply_homography(back, matrix[:, None, :2, 2] / matrix[:, None, 2:, 2])
    _, lens = apply_homography(plane.homography, rectified)
    rows = motion_rows(rectified, centre[:, 0], lens, normals)
    return Evidence(points, normals, weight, offset, peak, rows, centre[:, 0])


def inside(points_px: Floats, source: EdgePicture) -> NDArray[np.bool_]:
    """Return (N, M) whether points lie inside the picture, not on its border."""
    size = np.array(source.pixels.shape[1::-1]) * source.reduction
    return np.logical_and.reduce((points_px >= _BORDER_PX) & (points_px <= size - 1 - _BORDER_PX), axis=2)


@dataclass(frozen=True, eq=False)
class Fit:
    """The state of a registration.

    Attributes:
        matrix: (N, 3, 3) part's frame to px.
        offset_px: (N,) how far outside the contour its edges lie (bevels, walls and contact shadows move all alike).
        plane: what the parts share.
    """

    matrix: Floats
    offset_px: Floats
    plane: Plane


def _improve(source: EdgePicture, model: ContourBatch, fit: Fit, step: Round) -> Fit:
    """Return the fit after one round."""
    evidence = gather(source, model, fit.matrix, fit.plane, step.range_px, step.step_px)
    motion, offset = _solve(evidence, fit, step)
    centre = evidence.centre
    turn = motion_matrices(motion, centre)
    shared = fit.plane.homography
    matrix = shared @ turn @ np.linalg.inv(shared) @ fit.matrix
    return replace(fit, matrix=normalised(matrix), offset_px=offset)


def _solve(evidence: Evidence, fit: Fit, step: Round) -> tuple[Floats, Floats]:
    """Return the motion (N, 4) that moves the contours onto their edges, and how far outside them the edges stay (N,)."""
    share = relative_strength(evidence)
    rows = np.concatenate([evidence.rows, np.ones((*evidence.weight.shape, 1))], axis=2)
    predicted = np.repeat(fit.offset_px[:, None], rows.shape[1], axis=1)
    radius2 = _radius2(evidence)
    target_scale = _missing_scale(fit, evidence.centre)
    solution = np.zeros((len(rows), 5))
    for _ in range(_INNER_STEPS):
        trust = share * tukey(evidence.offset_px - predicted[..., None], step.range_px)
        best = trust.argmax(axis=2)[..., None]
        weight = evidence.weight * np.take_along_axis(trust, best, axis=2)[..., 0]
        target = np.take_along_axis(evidence.offset_px, best, axis=2)[..., 0]
        normal, right = normal_equations(rows, weight, target)
        mass = weight.sum(axis=1) + 1e-9
        hold = np.array([1e-3, 1e-3, step.hold_turn, step.hold_scale, step.hold_offset])
        damping = hold * mass[:, None]
        damping[:, 2:4] *= radius2[:, None]
        right[:, 3] += damping[:, 3] * target_scale
        solution = solve_damped(normal, right, damping)
        predicted = np.einsum("nmp,np->nm", rows, solution)
    return _limited(solution[:, :4], step.range_px, np.sqrt(radius2)), solution[:, 4]


def _missing_scale(fit: Fit, centre: Floats) -> Floats:
    """Return (N,) log of the scale that the shared plane has over the parts' own; 0 where it is not known."""
    if fit.plane.log_scale is None:
        return np.zeros(len(centre))
    return fit.plane.log_scale - _rectified_log_scale(fit.matrix, fit.plane)


def _rectified_log_scale(matrix: Floats, plane: Plane) -> Floats:
    rectified = normalised(np.linalg.inv(plane.homography) @ matrix)
    _, derivative = apply_homography(rectified, np.zeros((len(matrix), 1, 2)))
    return 0.5 * np.log(np.abs(np.linalg.det(derivative[:, 0])))


def _share_plane(source: EdgePicture, model: ContourBatch, fit: Fit, options: RegistrationOptions) -> Fit:
    """Fit the plane to the well supported parts, one per place, and put every part on it."""
    score, (evidence, _, _) = _measure(source, model, fit, options)
    length = evidence.weight.sum(axis=1)
    chosen = _one_per_place(evidence, score * length, score >= _TRUSTED_SUPPORT)
    level = level_plane((source.pixels.shape[1], source.pixels.shape[0]))
    uv = fit.matrix[:, :2, 2]
    plane = fit_plane(
        (source.pixels.shape[1], source.pixels.shape[0]),
        uv[chosen],
        _rectified_log_scale(fit.matrix, level)[chosen],
        (np.maximum(score - 0.3, 0) ** 2 * np.sqrt(length))[chosen],
    )
    return replace(fit, matrix=_moved_to(fit.matrix, fit.plane, plane), plane=plane)


def _moved_to(matrix: Floats, old: Plane, new: Plane) -> Floats:
    """Give (N, 3, 3) matrices the perspective of another plane; datum, angle and mean scale stay."""
    rectified = np.linalg.inv(old.homography) @ matrix
    moved = normalised(new.homography @ rectified)
    return normalised(_similarity_between(moved, matrix) @ moved)


def _similarity_between(start: Floats, end: Floats) -> Floats:
    """Return (N, 3, 3) similarities of the picture that move datum, angle and scale of `start` to those of `end`."""
    origin = np.zeros((len(start), 1, 2))
    (at, a), (to, b) = (apply_homography(item, origin) for item in (start, end))
    ratio = b[:, 0] @ np.linalg.inv(a[:, 0])
    c, s = (ratio[:, 0, 0] + ratio[:, 1, 1]) / 2, (ratio[:, 0, 1] - ratio[:, 1, 0]) / 2
    matrix = np.zeros((len(start), 3, 3))
    matrix[:, 0, 0], matrix[:, 0, 1], matrix[:, 1, 0], matrix[:, 1, 1] = c, s, -s, c
    matrix[:, :2, 2] = to[:, 0] - np.einsum("nij,nj->ni", matrix[:, :2, :2], at[:, 0])
    matrix[:, 2, 2] = 1
    return matrix


def _one_per_place(evidence: Evidence, value: Floats, allowed: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the detections that are the best within half of their own radius."""
    radius = np.sqrt(_radius2(evidence))
    chosen: list[int] = []
    for index in np.argsort(-value, kind="stable").tolist():
        distance = np.linalg.norm(evidence.centre[chosen] - evidence.centre[index], axis=1)
        if allowed[index] and (distance > _SAME_PLACE * radius[index]).all():
            chosen.append(index)
    return np.array(chosen, np.int64)


def relative_strength(evidence: Evidence) -> Floats:
    """Return (N, M, P) in [0, 1): strength against the median of each contour's strongest edges; 0 where there is none."""
    strongest = evidence.strength[..., 0]
    seen = np.where((strongest > 0) & (evidence.weight > 0), strongest, np.nan)
    seen[np.isnan(seen).all(axis=1), 0] = 1.0
    typical = np.nanmedian(seen, axis=1)[:, None, None]
    return evidence.strength / (evidence.strength + _HALF_SHARE * typical)


def _radius2(evidence: Evidence) -> Floats:
    """Return (N,) mean squared distance of the contour from the datum, px2."""
    arm2 = (evidence.rows[..., 2:4] ** 2).sum(axis=2)
    return (arm2 * evidence.weight).sum(axis=1) / (evidence.weight.sum(axis=1) + 1e-9) + _LEAST_RADIUS_PX**2


def _limited(motion: Floats, range_px: float, radius_px: Floats) -> Floats:
    """Shorten motions that would move any point by clearly more than the range."""
    size = np.hypot(motion[:, 0], motion[:, 1]) + radius_px * (np.abs(motion[:, 2]) + np.abs(motion[:, 3]))
    return motion * np.minimum(1, 2 * range_px / np.maximum(size, 1e-9))[:, None]


def _measure(
    source: EdgePicture, model: ContourBatch, fit: Fit, options: RegistrationOptions
) -> tuple[Floats, tuple[Evidence, Floats, NDArray[np.bool_]]]:
    """Return how well edges support contours (N,), and the evidence, the nearest edge's offset and whether it supports."""
    reach = options.tolerance_px + options.most_offset_px
    evidence = gather(source, model, fit.matrix, fit.plane, reach + 0.5, 0.5)
    offsets = (
        evidence.offset_px - np.clip(fit.offset_px, -options.most_offset_px, options.most_offset_px)[:, None, None]
    )
    distance = np.where(evidence.strength > 0, np.abs(offsets), np.inf)
    best = distance.argmin(axis=2)[..., None]
    offset = np.take_along_axis(offsets, best, axis=2)[..., 0]
    supported = np.take_along_axis(distance, best, axis=2)[..., 0] <= options.tolerance_px
    closeness = np.where(supported, 1 - 0.25 * (offset / options.tolerance_px) ** 2, 0)
    total = evidence.weight.sum(axis=1)
    score = (evidence.weight * closeness).sum(axis=1) / np.maximum(total, 1e-9)
    return score, (evidence, offset, supported)


def _described(
    source: EdgePicture, model: ContourBatch, detections: Detections, fit: Fit, options: RegistrationOptions
) -> Detections:
    """Return the detections at the fitted poses, with support, residual and covariance."""
    _, (evidence, offset, supported) = _measure(source, model, fit, options)
    weight = evidence.weight * supported
    mass, total = weight.sum(axis=1), evidence.weight.sum(axis=1)
    support = np.where(total > 0, mass / np.maximum(total, 1e-9), 0.0)
    residual = np.sqrt((weight * offset**2).sum(axis=1) / np.maximum(mass, 1e-9))
    return replace(
        detections,
        matrix=fit.matrix.copy(),
        support=support,
        residual_px=np.where(mass > 0, residual, np.nan),
        covariance=_covariance(evidence.rows, supported & (evidence.weight > 0), residual),
    )


def _covariance(rows: Floats, used: NDArray[np.bool_], residual_px: Floats) -> Floats:
    """Return (N, 4, 4) of (u, v, angle, log scale); motions that no edge determines get a variance of `_UNSEEN_VARIANCE`."""
    information, _ = normal_equations(rows, used.astype(float), np.zeros(used.shape))
    spread = np.maximum(residual_px, 0.02)[:, None, None]
    information = information / (_CORRELATED_POINTS * spread**2) + np.eye(4) / _UNSEEN_VARIANCE
    covariance = np.linalg.inv(information)
    return (covariance + covariance.transpose(0, 2, 1)) / 2


def normalised(matrix: Floats) -> Floats:
    """Scale (N, 3, 3) homographies so that the last element is 1."""
    return matrix / matrix[:, 2:, 2:]


def _merged(detections: Detections, index: NDArray[np.int64], registered: Detections) -> Detections:
    """Return `detections` with those at `index` replaced."""
    columns = {}
    for name in ("matrix", "support", "residual_px", "covariance"):
        values = getattr(detections, name).copy()
        values[index] = getattr(registered, name)
        columns[name] = values
    return replace(detections, **columns)

"""Registration: fit the contours of detected parts to the sub-pixel edges of a picture, all instances at once.

First, contours move towards the strongest edges within reach (`peak_fit`); then to where the edge reader says that they are
(`reading_fit`): it tells the top face's edge from walls, shadows and bevels. Between the readings the plane that all parts
share is fitted (`plane`), which makes similarities homographies and ties the scales together.

Where it fails: an edge parallel to most of a contour within the capture range (a frame around the part) attracts it; a
contour whose edges are weaker than the noise stays where it was.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from kontur.geometry import Part
from kontur.modeling.bundle import fit_together, is_steep
from kontur.modeling.common_plane import on_plane, share_plane
from kontur.modeling.contenders import READ_LAG, ROUGH_LAG, contenders
from kontur.modeling.contour_model import ContourBatch, model_batch
from kontur.modeling.detections import UNKNOWN, Detections
from kontur.modeling.edges import EdgePicture
from kontur.modeling.fit_state import Fit
from kontur.modeling.parallel import in_threads, pieces
from kontur.modeling.peak_fit import Round, improve
from kontur.modeling.plane import Plane, level_plane
from kontur.modeling.reading_fit import improve_by_reading
from kontur.modeling.support import Support, described, new_support, support_of
from kontur.modeling.views import Views, views_of
from kontur.pictures import Picture

Floats = NDArray[np.float64]

_NEAR_ROUNDS = 2
_NO_DOUBT = 0.8
"""A contour of which this share is supported by edges was not drawn away by what hides it."""
_LEAST_SHARED = 6
"""Threads share out no fewer contours than these."""
_SHAPE_THINNING = 4
"""The plane is fitted to one point in so many."""
_LEAST_KEPT = 0.5
"""A fit that keeps less of the support than this share is lost, and not used. It may lose some: support counts strong edges,
those of walls and shadows too, and the reader leaves them for the weaker edge of the top face."""

ROUNDS = (
    Round(9.0, 1.0, 2, 0.5, 0.05, 3.0),
    Round(7.5, 1.0, 2, 0.1, 0.01, 1.0),
    Round(5.0, 1.0, 2, 0.05, 1e-3, 0.3),
    Round(3.5, 0.5, 1, 0.02, 1e-3, 0.1),
    Round(2.5, 0.5, 1, 0.01, 1e-4, 0.1),
)


@dataclass(frozen=True)
class RegistrationOptions:
    """How detections are registered.

    Attributes:
        rounds: of the coarse fit, from coarse to fine.
        rough_thinning: that fit sees one point in so many.
        readings: one in how many points is seen each time that the edges are read and fitted after that; empty leaves the
            coarse fit.
        tolerance_px: an edge this close to the contour supports it.
        sigma_px: smoothing of the picture.
        spacing_px: distance between contour points.
        most_points: contour points per instance at most.
        contenders_only: drop what the coarse fit leaves far behind a rival in the same place, see `contenders`.
    """

    rounds: tuple[Round, ...] = ROUNDS[:3]
    rough_thinning: int = 2
    readings: tuple[int, ...] = (2, 2, 1, 1)
    tolerance_px: float = 1.25
    sigma_px: float = 0.7
    spacing_px: float = 1.5
    most_points: int = 256
    contenders_only: bool = False


def register(
    picture: Picture | Views,
    detections: Detections,
    parts: Sequence[Part],
    options: RegistrationOptions | None = None,
    plane: Plane | None = None,
) -> Detections:
    """Fit the contours of detections to the picture.

    What perspective they carry is forgotten, and found anew from all of them, unless the plane is known.

    Args:
        picture: (H, W, 3) uint8, or its views.
        detections: with the right part and a pose within about 8 px and several degrees; UNKNOWN ones pass through.
        parts: the part list.
        options: see `RegistrationOptions`.
        plane: on which they lie, where others have told it.

    Returns:
        detections in the same order, less those dropped, with refined `matrix`, and with `support` (fraction of the visible
        contour that has an edge within the tolerance), `residual_px` and `covariance`. A detection whose support would fall
        to less than half keeps its pose. Scores are not touched.
    """
    options = options or RegistrationOptions()
    known = np.flatnonzero(detections.part != UNKNOWN)
    if len(known) == 0:
        return detections
    chosen = detections if len(known) == len(detections) else detections[known]
    model = model_batch(chosen, parts, options)
    views = views_of(picture)
    source = views.edges(options.sigma_px)
    start = Fit(levelled(chosen), np.zeros(len(chosen)), level_plane(chosen.size_wh))
    if plane is not None:
        start = on_plane(start, plane)
    fit, support = _all_roughly_fitted(views, model.thinned(options.rough_thinning), start, options)
    kept, fit, after = _read(source, model, fit, support, options, plane is not None)
    if len(kept) < len(known):
        detections, model, start = (
            detections[np.delete(np.arange(len(detections)), np.delete(known, kept))],
            model[kept],
            start[kept],
        )
        known = np.flatnonzero(detections.part != UNKNOWN)
    if len(known) == 0:
        return detections
    after = after or support_of(source, model, fit, options.tolerance_px)
    lost = _lost(source, model.thinned(options.rough_thinning), start, after, options)
    if len(lost):
        fit.matrix[lost], fit.offset_px[lost] = chosen.matrix[kept[lost]], 0
        after.put(lost, support_of(source, model[lost], fit[lost], options.tolerance_px))
    if len(known) == len(detections):
        return described(detections, fit, after)
    return _merged(detections, known, described(detections[known], fit, after))


def _lost(
    source: EdgePicture, model: ContourBatch, start: Fit, after: Support, options: RegistrationOptions
) -> NDArray[np.int64]:
    """Return the contours that keep too little of the support that they had at the start, which was 1 at most."""
    weak = np.flatnonzero(after.score < _LEAST_KEPT)
    if len(weak) == 0:
        return weak
    before = support_of(source, model[weak], start[weak], options.tolerance_px)
    return weak[after.score[weak] < _LEAST_KEPT * before.score]


def levelled(detections: Detections) -> Floats:
    """Return (N, 3, 3) the similarities nearest to detections at their data: how they would lie on a level plane."""
    matrix = detections.matrix
    linear = matrix[:, :2, :2] - matrix[:, :2, 2:] * matrix[:, 2:, :2]
    side = np.where(detections.flipped, 1.0, -1.0)  # of the determinant: v runs down
    along = np.stack([linear[:, 0, 0] + side * linear[:, 1, 1], linear[:, 1, 0] - side * linear[:, 0, 1]], axis=1) / 2
    level = np.zeros_like(matrix)
    level[:, :2, 0] = along
    level[:, 0, 1], level[:, 1, 1] = -side * along[:, 1], side * along[:, 0]
    level[:, :2, 2], level[:, 2, 2] = matrix[:, :2, 2], 1
    return level


def _all_roughly_fitted(
    views: Views, model: ContourBatch, fit: Fit, options: RegistrationOptions
) -> tuple[Fit, Support | None]:
    """Return the rough fit of all contours, and what supports it where that is asked for, shared out among the threads."""
    for step in options.rounds:
        views.edges(options.sigma_px, step.reduction)
    if not options.rounds and not options.contenders_only:
        return fit, None
    count = len(fit.matrix)
    result, support = fit.copy(), new_support(count)

    def work(rows: slice) -> None:
        """Fit some of them."""
        index = np.arange(rows.start, rows.stop)
        some, theirs = _roughly_fitted(views, model[index], fit[index], options)
        result.matrix[rows], result.offset_px[rows] = some.matrix, some.offset_px
        if theirs is not None:
            support.put(index, theirs)

    in_threads(work, pieces(count, _LEAST_SHARED))
    return result, support if options.contenders_only else None


def _roughly_fitted(
    views: Views, model: ContourBatch, fit: Fit, options: RegistrationOptions
) -> tuple[Fit, Support | None]:
    """Return the fit after the rounds; after the last one alone, repeated, where that explains more.

    What hides a part has a strong edge of its own, which the far-reaching rounds may take for the part's; that is looked
    into where much of the contour is left without an edge. Support is not measured where nobody asks for it.
    """
    source = views.edges(options.sigma_px)
    far = fit
    for step in options.rounds:
        far = improve(views.edges(options.sigma_px, step.reduction), model, far, step)
    if len(options.rounds) < 2 and not options.contenders_only:
        return far, None
    support = support_of(source, model, far, options.tolerance_px)
    doubtful = np.flatnonzero(support.share < _NO_DOUBT)
    if len(options.rounds) < 2 or len(doubtful) == 0:
        return far, support
    some, near = model[doubtful], fit[doubtful]
    for step in _NEAR_ROUNDS * options.rounds[-1:]:
        near = improve(views.edges(options.sigma_px, step.reduction), some, near, step)
    theirs = support_of(source, some, near, options.tolerance_px)
    better = theirs.sharp > support.sharp[doubtful]
    far.matrix[doubtful[better]], far.offset_px[doubtful[better]] = near.matrix[better], near.offset_px[better]
    support.put(doubtful[better], theirs.chosen(better))
    return far, support


def _read(
    source: EdgePicture,
    model: ContourBatch,
    fit: Fit,
    support: Support | None,
    options: RegistrationOptions,
    plane_known: bool,
) -> tuple[NDArray[np.int64], Fit, Support | None]:
    """Return whose fit it is after the readings (all, or the contenders), the fit, and what the last reading supports."""
    kept, read = np.arange(len(fit.matrix)), None
    for thinning in options.readings:
        if read is not None:
            fit = fit if plane_known else _shared(source, model, kept, fit, read, options)
            support = read
        if support is not None and options.contenders_only:
            left = contenders(support, ROUGH_LAG if read is None else READ_LAG)
            fit, kept = fit[left], kept[left]
        if len(kept) == 0:
            break
        fit, read = improve_by_reading(source, model[kept].thinned(thinning), fit, options.tolerance_px)
    return kept, fit, read


def _shared(
    source: EdgePicture,
    model: ContourBatch,
    kept: NDArray[np.int64],
    fit: Fit,
    support: Support,
    options: RegistrationOptions,
) -> Fit:
    """Return the fit on one plane: by scales, and by the contours' shapes too where it is steep and the fit final."""
    if options.contenders_only or not is_steep(fit.plane):
        fit = share_plane(source.size_wh, fit, support)
    if options.contenders_only or not is_steep(fit.plane):
        return fit
    return fit_together(source, model[kept].thinned(_SHAPE_THINNING), fit, support)


def _merged(detections: Detections, index: NDArray[np.int64], registered: Detections) -> Detections:
    """Return `detections` with those at `index` replaced."""
    columns = {}
    for name in ("matrix", "support", "residual_px", "covariance"):
        values = getattr(detections, name).copy()
        values[index] = getattr(registered, name)
        columns[name] = values
    return replace(detections, **columns)

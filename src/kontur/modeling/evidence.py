"""How much the picture speaks for a contour, point by point, against what chance would give in the same picture.

The statistic of a contour point is the strength of the edge within reach along the normal, less what changes along the
contour. It is compared with the same statistic at places all over the picture: its strength is divided by the typical
strength of its neighbourhood, and the share of places that reach as much is its p-value u. If a contour is there, u
follows a Beta(alpha, 1) law (mostly small); by chance it is even. The logarithm of the ratio of both densities is the
point's evidence: positive for edges that are rare in this picture, negative where the edge is missing. So a weak edge on a
smooth table counts as much as a strong one on wood, and scores of different pictures can be compared. A place gives the
same evidence to every contour that passes it in the same direction. (A-contrario reasoning: Desolneux, Moisan & Morel 2000.)
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from kontur.modeling.alignment import apply_homography
from kontur.modeling.contour_model import ContourBatch
from kontur.modeling.edges import EdgePicture
from kontur.modeling.parallel import in_threads, pieces
from kontur.modeling.profiles import rarities
from kontur.modeling.weighing import compare_places, limit_by_share, weigh_contours

Floats = NDArray[np.float64]

BETA_ALPHA = 0.25
REACH_PX = 1.5
_STEP_PX = 0.75
_NEAR_PX = 1.1
"""An edge counts the less the farther it lies from the contour (a bell of this deviation), so that a hole of another size,
a pixel off all round, speaks for the contour whose hole fits."""
_CROSSED = -REACH_PX, _STEP_PX, np.exp(-0.5 * (np.arange(-REACH_PX, REACH_PX + _STEP_PX / 2, _STEP_PX) / _NEAR_PX) ** 2)
_LOOKED_AT_PX, _MARGIN_PX = REACH_PX + _STEP_PX, REACH_PX + 1
"""How far around a point the picture is looked at; points nearer to its border are not seen."""
MOST_EVIDENCE = float(np.log(BETA_ALPHA) + (1 - BETA_ALPHA) * np.log(500))
"""The evidence of an edge that 1 place in 500 reaches by chance; rarer ones count no more."""
LEAST_EVIDENCE = float(np.log(BETA_ALPHA))
"""The evidence of a point with no edge at all."""
_LEAST_CHANCE = 1 / 500
_PLACES = 4000
_LEAST_SHARED = 500
"""Threads share out no fewer points than these."""
_STRONG_POWER = 6
_SHARES = (0.05, 0.15, 0.4)
_MOST_EVIDENCE_OF_SHARE = (LEAST_EVIDENCE, 0.0, MOST_EVIDENCE)
"""Among strong edges a weak one means little: what an edge may count for by its share of the strong ones nearby."""
_CELLS = 20
"""The typical strength is mapped on a grid of this many cells along the picture's longer side."""


@dataclass(frozen=True, eq=False)
class PointEvidence:
    """Evidence along the contours of N detections.

    Attributes:
        points_px: (N, M, 2) contour points.
        normals_px: (N, M, 2) away from the material.
        length_px: (N, M) contour length a point stands for; 0 where padded or outside the picture.
        evidence: (N, M) log-likelihood ratio in [LEAST_EVIDENCE, MOST_EVIDENCE].
        amodal_px: (N,) length of the whole contour, inside the picture or not.
        strength: (N, M) of the edges, see `edge_statistic`.
    """

    points_px: Floats
    normals_px: Floats
    length_px: Floats
    evidence: Floats
    amodal_px: Floats
    strength: Floats


def point_evidence(
    source: EdgePicture, model: ContourBatch, matrix: Floats, background: "Background | None" = None
) -> PointEvidence:
    """Weigh the picture's evidence for contours placed by (N, 3, 3) `matrix`; `background` is measured when None."""
    background = background or background_of(source)
    if source.tiles is not None:
        points, _ = apply_homography(matrix, model.points_mm)
        source.smooth_near(points.reshape(-1, 2) - _LOOKED_AT_PX, points.reshape(-1, 2) + _LOOKED_AT_PX)
    shape = count, most = model.length_mm.shape
    found = PointEvidence(
        np.empty((*shape, 2)), np.empty((*shape, 2)), np.empty(shape), np.empty(shape), np.empty(count), np.empty(shape)
    )
    picture = source.pixels, 2 * source.noise, _MARGIN_PX
    contours = model.points_mm, model.normals, model.length_mm
    against = background.typical, background.cell_px, background.relative, _evidence_by_rank(len(background.relative))
    out = found.points_px, found.normals_px, found.length_px, found.evidence, found.amodal_px, found.strength

    def work(rows: slice) -> None:
        """Weigh some of the contours."""
        weigh_contours((rows.start, rows.stop), picture, contours, matrix, _CROSSED, against, out)

    in_threads(work, pieces(count, -(-_LEAST_SHARED // most)))
    cells = *background.typical.shape, background.cell_px
    seen = found.points_px, found.strength, found.length_px
    limit_by_share(seen, cells, _STRONG_POWER, (_SHARES, _MOST_EVIDENCE_OF_SHARE), found.evidence)
    return found


@lru_cache(maxsize=8)
def _evidence_by_rank(places: int) -> Floats:
    """Return (P + 1,) the evidence of an edge that exceeds so many of P places."""
    chance = (places + 1 - np.arange(places + 1)) / (places + 1)
    return np.asarray(np.log(BETA_ALPHA) - (1 - BETA_ALPHA) * np.log(np.maximum(chance, _LEAST_CHANCE)), np.float64)


def edge_statistic(source: EdgePicture, points_px: Floats, normals_px: Floats) -> Floats:
    """Return (N, M) the strongest change along the normal within reach, less with distance, times its share of the whole."""
    points, normals = (np.ascontiguousarray(values.reshape(-1, 2)) for values in (points_px, normals_px))
    source.smooth_near(points - _LOOKED_AT_PX, points + _LOOKED_AT_PX)
    out = np.empty(len(points))

    def work(rows: slice) -> None:
        """Measure some of the points."""
        rarities(source.pixels, (points[rows], normals[rows]), _CROSSED, 2 * source.noise, out[rows])

    in_threads(work, pieces(len(points), _LEAST_SHARED))
    return out.reshape(points_px.shape[:2])


@dataclass(frozen=True, eq=False)
class Background:
    """What a picture's edges are like where nothing is sought.

    Attributes:
        typical: (rows, columns) typical strength around each cell's centre.
        cell_px: side of a cell.
        relative: (B,) sorted strengths over the typical one of their place.
    """

    typical: Floats
    cell_px: float
    relative: Floats


def background_of(source: EdgePicture) -> Background:
    """Sample the statistic at places and in directions spread over the whole picture (the same ones each time)."""
    height, width = source.pixels.shape[:2]
    seen = source.survey
    if seen is None:
        places, normals = _places(width, height)
        surveyed, points = source, places
    else:
        places, normals, points = _places_in_windows(
            seen.window_wh, seen.seam_px, tuple(seen.left.tolist()), tuple(seen.top.tolist())
        )
        surveyed = EdgePicture(seen.pixels, 1, source.noise)
    strength = edge_statistic(surveyed, places[None], normals[None])[0]
    cell = max(width, height) / _CELLS
    typical, relative = np.empty((int(np.ceil(height / cell)), int(np.ceil(width / cell)))), np.empty(len(points))
    compare_places(points, strength, cell, source.noise, typical, relative)
    return Background(typical, cell, np.sort(relative))


@lru_cache(maxsize=8)
def _places(width: int, height: int) -> tuple[Floats, Floats]:
    """Return (P, 2) places in a picture, from its top to its bottom as it lies in memory, and (P, 2) directions."""
    rng = np.random.default_rng(0)
    points = rng.uniform((3, 3), (max(4, width - 4), max(4, height - 4)), (_PLACES, 2))
    order = np.argsort(points[:, 1])
    return points[order], _directions(rng)[order]


@lru_cache(maxsize=8)
def _places_in_windows(
    window_wh: tuple[int, int], seam_px: int, left: tuple[int, ...], top: tuple[int, ...]
) -> tuple[Floats, Floats, Floats]:
    """Return (P, 2) places in the windows of a survey, (P, 2) directions, and (P, 2) where the places lie in the picture."""
    rng, window = np.random.default_rng(0), np.array(window_wh)
    index = rng.integers(0, (len(left), len(top)), (_PLACES, 2))
    points = index * window + rng.uniform(seam_px, window - seam_px - 1, (_PLACES, 2))
    start = np.column_stack([np.array(left)[index[:, 0]], np.array(top)[index[:, 1]]])
    return points, _directions(rng), points + start - index * window


def _directions(rng: np.random.Generator) -> Floats:
    angle = rng.uniform(0, 2 * np.pi, _PLACES)
    return np.column_stack([np.cos(angle), np.sin(angle)])


def within(points_px: Floats, source: EdgePicture) -> NDArray[np.bool_]:
    """Return (N, M) whether points (N, M, 2) lie in the picture, as far from its border as the statistic looks."""
    size = np.array(source.pixels.shape[1::-1])
    return np.logical_and.reduce((points_px >= _MARGIN_PX) & (points_px <= size - 1 - _MARGIN_PX), axis=2)

"""How much the picture speaks for a contour, point by point, against what chance would give in the same picture.

The statistic of a contour point is the strength of the edge within reach along the normal, less what changes along the
contour. It is compared with the same statistic at places all over the picture: its strength is divided by the typical
strength of its neighbourhood, and the share of places that reach as much is its p-value u. If a contour is there, u
follows a Beta(alpha, 1) law (mostly small); by chance it is even. The logarithm of the ratio of both densities is the
point's evidence: positive for edges that are rare in this picture, negative where the edge is missing. So a weak edge on a
smooth table counts as much as a strong one on wood, and scores of different pictures can be compared. A place gives the
same evidence to every contour that passes it in the same direction. (A-contrario reasoning: Desolneux, Moisan & Morel 2000.)
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from kontur.modeling.alignment import apply_homography, determinants, project_normals
from kontur.modeling.contour_model import ContourBatch
from kontur.modeling.edges import EdgePicture
from kontur.modeling.parallel import in_threads, pieces
from kontur.modeling.profiles import rarities

Floats = NDArray[np.float64]

BETA_ALPHA = 0.25
REACH_PX = 1.5
_STEP_PX = 0.75
_NEAR_PX = 1.1
"""An edge counts the less the farther it lies from the contour (a bell of this deviation), so that a hole of another size,
a pixel off all round, speaks for the contour whose hole fits."""
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
    points, derivative = apply_homography(matrix, model.points_mm)
    normals = project_normals(derivative, model.normals)
    length = model.length_mm * np.sqrt(np.abs(determinants(derivative)))
    seen = within(points, source)
    background = background or background_of(source)
    strength = edge_statistic(source, points, normals)
    chance = background.chance(strength / background.typical_at(points))
    evidence = np.log(BETA_ALPHA) - (1 - BETA_ALPHA) * np.log(np.maximum(chance, _LEAST_CHANCE))
    share = strength / _strong_nearby(points, strength, length * seen, background)
    evidence = np.minimum(evidence, np.interp(share, _SHARES, _MOST_EVIDENCE_OF_SHARE))
    return PointEvidence(points, normals, length * seen, evidence, length.sum(axis=1), strength)


def edge_statistic(source: EdgePicture, points_px: Floats, normals_px: Floats) -> Floats:
    """Return (N, M) the strongest change along the normal within reach, less with distance, times its share of the whole."""
    points, normals = (np.ascontiguousarray(values.reshape(-1, 2)) for values in (points_px, normals_px))
    reach = (REACH_PX + _STEP_PX) * np.abs(normals)
    source.smooth_near(points - reach, points + reach)
    offsets = np.arange(-REACH_PX, REACH_PX + _STEP_PX / 2, _STEP_PX)
    crossed = -REACH_PX, _STEP_PX, np.exp(-0.5 * (offsets / _NEAR_PX) ** 2)
    out = np.empty(len(points))

    def work(rows: slice) -> None:
        """Measure some of the points."""
        rarities(source.pixels, (points[rows], normals[rows]), crossed, 2 * source.noise, out[rows])

    in_threads(work, pieces(len(points), _LEAST_SHARED))
    return out.reshape(points_px.shape[:2])


@dataclass(frozen=True, eq=False)
class Background:
    """What a picture's edges are like where nothing is sought.

    Attributes:
        typical: (rows, columns) float32 typical strength around each cell's centre.
        cell_px: side of a cell.
        relative: (B,) sorted strengths over the typical one of their place.
    """

    typical: NDArray[np.float32]
    cell_px: float
    relative: Floats

    def typical_at(self, points_px: Floats) -> Floats:
        """Return (N, M) the typical strength at points, between cells by bilinear interpolation."""
        at = ((points_px + 0.5) / self.cell_px - 0.5).astype(np.float32)
        rows = np.ascontiguousarray(at.reshape(len(at), -1, 2))
        values = cv2.remap(self.typical, rows, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return values.reshape(points_px.shape[:-1]).astype(np.float64)

    def chance(self, relative_strength: Floats) -> Floats:
        """Return the share of places that are at least this strong, in (0, 1]."""
        count = len(self.relative)
        return (count - np.searchsorted(self.relative, relative_strength, side="left") + 1) / (count + 1)


def background_of(source: EdgePicture) -> Background:
    """Sample the statistic at places and in directions spread over the whole picture (the same ones each time)."""
    height, width = source.pixels.shape[:2]
    rng = np.random.default_rng(0)
    surveyed, points, shift = _places(source, rng)
    angle = rng.uniform(0, 2 * np.pi, points.shape[:2])
    strength = edge_statistic(surveyed, points, np.stack([np.cos(angle), np.sin(angle)], axis=-1))
    points = points + shift
    cell = max(width, height) / _CELLS
    shape = int(np.ceil(height / cell)), int(np.ceil(width / cell))
    row, column = (np.clip((points[0, :, k] + 0.5) // cell, 0, shape[1 - k] - 1).astype(int) for k in (1, 0))
    flat = row * shape[1] + column
    root = np.bincount(flat, np.sqrt(strength[0]), shape[0] * shape[1]).reshape(shape).astype(np.float32)
    count = np.bincount(flat, minlength=shape[0] * shape[1]).reshape(shape).astype(np.float32)
    mean = cv2.blur(root, (3, 3)) / np.maximum(cv2.blur(count, (3, 3)), 1e-3)
    typical = np.asarray(mean**2 + source.noise, np.float32)
    background = Background(typical, cell, np.zeros(0))
    return replace(background, relative=np.sort((strength / background.typical_at(points))[0]))


def _places(source: EdgePicture, rng: np.random.Generator) -> tuple[EdgePicture, Floats, Floats]:
    """Return the image to sample, (1, P, 2) places in it, and what leads from them to the picture."""
    if source.survey is None:
        height, width = source.pixels.shape[:2]
        points = rng.uniform((3, 3), (max(4, width - 4), max(4, height - 4)), (1, _PLACES, 2))
        return source, points, np.zeros((1, 1, 2))
    seen = source.survey
    window = np.array(seen.window_wh)
    index = rng.integers(0, (len(seen.left), len(seen.top)), (_PLACES, 2))
    points = index * window + rng.uniform(seen.seam_px, window - seen.seam_px - 1, (_PLACES, 2))
    start = np.column_stack([seen.left[index[:, 0]], seen.top[index[:, 1]]])
    return EdgePicture(seen.pixels, 1, source.noise), points[None], (start - index * window)[None].astype(np.float64)


def _strong_nearby(points: Floats, strength: Floats, weight: Floats, background: Background) -> Floats:
    """Return (N, M) the power mean of the strengths that all contours together meet around each point."""
    rows, columns = background.typical.shape
    cell = (points + 0.5) // background.cell_px
    column, row = (np.clip(cell[..., k], 0, limit - 1).astype(int) for k, limit in ((0, columns), (1, rows)))
    flat = (row * columns + column).ravel()
    sums = [
        cv2.blur(np.bincount(flat, values.ravel(), rows * columns).reshape(rows, columns).astype(np.float32), (3, 3))
        for values in (weight * strength**_STRONG_POWER, weight)
    ]
    mean = (np.maximum(sums[0], 0) / np.maximum(sums[1], 1e-3)) ** (1 / _STRONG_POWER)
    return replace(background, typical=np.maximum(mean, 1e-3)).typical_at(points)


def within(points_px: Floats, source: EdgePicture) -> NDArray[np.bool_]:
    """Return (N, M) whether points (N, M, 2) lie in the picture, as far from its border as the statistic looks."""
    size, margin = np.array(source.pixels.shape[1::-1]), REACH_PX + 1
    return np.logical_and.reduce((points_px >= margin) & (points_px <= size - 1 - margin), axis=2)

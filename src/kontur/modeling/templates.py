"""Templates of the matcher: every part in every direction and scale, as the picture's coarse features would show it.

The features of a picture are its gradient, reduced and made polarity-free: magnitude m (square root, so that one bright
edge does not outweigh ten dim ones) and m times (cos 2a, sin 2a) of its direction a. A template is the same feature
transform applied to an ideal rendering of the part, so it shows how much of a small hole is left at the coarse scale and
where the drawing has no edges. All templates of a bank are expressed in one common basis (principal components, found by
a randomised range finder: Halko, Martinsson & Tropp 2011); correlating a picture with the basis and one matrix product
then give the correlation with every template.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from kontur.geometry import Part, PixelPose, Points
from kontur.modeling.masks import rasterise
from kontur.pictures import Picture

Floats = NDArray[np.float32]

CHANNELS = 3
MARGIN_CELLS = 2
"""Templates reach this far beyond the part, to count edges against it where the drawing has none."""
_OVERSAMPLING = 4
_CLIP_QUANTILE = 0.98
_BASIS_SEED = 0
_OVERSAMPLED_RANK = 12


@dataclass(frozen=True)
class BankOptions:
    """How fine a bank is.

    Attributes:
        radius_cells: the largest part's radius at the largest scale is about this many cells of the coarse picture.
        angle_cells: neighbouring angles move the rim by this many cells.
        scale_step: ratio of neighbouring scales.
        rank: size of the common basis.
        direction_weight: how much direction counts against magnitude.
    """

    radius_cells: float = 17.0
    angle_cells: float = 1.7
    scale_step: float = 1.07
    rank: int = 112
    direction_weight: float = 1.0


@dataclass(frozen=True, eq=False)
class TemplateGroup:
    """The templates of one part at one scale and on one side: one row per angle.

    Attributes:
        part: index into the part list.
        flipped: seen from the back.
        scale_px_per_mm: in px of the picture.
        radius_cells: of the disc in which the picture is compared.
        angles_rad: (A,).
        rows: (start, stop) in the bank's coefficient matrix.
    """

    part: int
    flipped: bool
    scale_px_per_mm: float
    radius_cells: int
    angles_rad: NDArray[np.float64]
    rows: tuple[int, int]


@dataclass(frozen=True, eq=False)
class TemplateBank:
    """All templates for a scale range.

    Attributes:
        reduction: px per cell.
        size: side of the square templates in cells, odd.
        groups: the templates by part, side and scale.
        basis: (K, CHANNELS, size, size) float32, orthonormal.
        coefficients: (T, K) float32; templates have unit norm before projection on the basis.
        direction_weight: as in `BankOptions`.
    """

    reduction: int
    size: int
    groups: tuple[TemplateGroup, ...]
    basis: Floats
    coefficients: Floats
    direction_weight: float

    @property
    def scales(self) -> list[float]:
        """The scales of the templates, px per mm, ascending."""
        return sorted({group.scale_px_per_mm for group in self.groups})


def picture_features(picture: Picture, reduction: int, direction_weight: float) -> Floats:
    """Return (CHANNELS, h, w) float32 features of a picture, one cell per `reduction` x `reduction` px, all in [-1, 1]."""
    size = (max(8, picture.shape[1] // reduction), max(8, picture.shape[0] // reduction))
    even = picture[: size[1] * reduction, : size[0] * reduction]
    return gradient_features(cv2.resize(even, size, interpolation=cv2.INTER_AREA).astype(np.float32), direction_weight)


def gradient_features(cells: Floats, direction_weight: float) -> Floats:
    """Return (CHANNELS, h, w) features of (h, w, C) float32 cells; over colours the strongest gradient counts."""
    cells = cells[..., None] if cells.ndim == 2 else cells
    smooth = cv2.GaussianBlur(cells, (0, 0), 0.6).reshape(cells.shape)
    x = cv2.Scharr(smooth, cv2.CV_32F, 1, 0, scale=1 / 32).reshape(cells.shape)
    y = cv2.Scharr(smooth, cv2.CV_32F, 0, 1, scale=1 / 32).reshape(cells.shape)
    square = x * x + y * y
    best = square.argmax(axis=2)[..., None]
    x, y = (np.take_along_axis(side, best, axis=2)[..., 0] for side in (x, y))
    square = np.take_along_axis(square, best, axis=2)[..., 0]
    magnitude = np.sqrt(square)
    ceiling = max(1e-3, float(np.quantile(magnitude, _CLIP_QUANTILE)))
    weight = np.sqrt(np.minimum(magnitude / ceiling, 1))
    unit = direction_weight * weight / np.maximum(square, 1e-9)
    return np.stack([weight, unit * (x * x - y * y), unit * (2 * x * y)])


def build_bank(
    parts: Sequence[Part], px_per_mm: tuple[float, float], faces: str, options: BankOptions | None = None
) -> TemplateBank:
    """Build the templates of all parts.

    Args:
        parts: the part list.
        px_per_mm: scale range of the pictures, low and high.
        faces: "up", or "both" to add the back of chiral parts.
        options: see `BankOptions`.
    """
    options = options or BankOptions()
    scales = scale_steps(px_per_mm, options.scale_step)
    largest = max(part.radius_mm for part in parts) * scales[-1]
    reduction = max(1, round(largest / options.radius_cells))
    half = int(np.ceil(largest / reduction)) + MARGIN_CELLS
    groups: list[TemplateGroup] = []
    stacks: list[Floats] = []
    rows = 0
    for index, part in enumerate(parts):
        for flipped in (False, True) if faces == "both" and part.chiral else (False,):
            for scale in scales:
                angles = angle_steps(part, scale / reduction, options.angle_cells)
                stacks.append(_render(part, flipped, scale / reduction, angles, half, options.direction_weight))
                radius = min(half, int(np.ceil(part.radius_mm * scale / reduction)) + MARGIN_CELLS)
                groups.append(TemplateGroup(index, flipped, scale, radius, angles, (rows, rows + len(angles))))
                rows += len(angles)
    templates = _normalised(groups, stacks, half)
    basis, coefficients = _compress(templates.reshape(rows, -1), options.rank)
    shape = (len(basis), CHANNELS, 2 * half + 1, 2 * half + 1)
    return TemplateBank(
        reduction, 2 * half + 1, tuple(groups), basis.reshape(shape), coefficients, options.direction_weight
    )


def scale_steps(px_per_mm: tuple[float, float], step: float) -> list[float]:
    """Return scales that cover the range so that none is further than half a step from one of them."""
    low, high = px_per_mm
    count = max(1, int(np.ceil(np.log(high / low) / np.log(step))))
    return [float(low * (high / low) ** ((k + 0.5) / count)) for k in range(count)]


def angle_steps(part: Part, cells_per_mm: float, angle_cells: float) -> NDArray[np.float64]:
    """Return angles over one period of the part's symmetry; neighbours move the rim by `angle_cells`."""
    if part.symmetry == 0:
        return np.zeros(1)
    period = 2 * np.pi / part.symmetry
    count = max(1, int(np.ceil(period * part.radius_mm * cells_per_mm / angle_cells)))
    return np.asarray(np.arange(count) * (period / count), np.float64)


def disc(radius_cells: int, half: int) -> NDArray[np.bool_]:
    """Return a (2 half + 1, 2 half + 1) disc about the middle."""
    axis = np.arange(-half, half + 1)
    return axis[:, None] ** 2 + axis[None] ** 2 <= radius_cells**2


def _render(
    part: Part, flipped: bool, cells_per_mm: float, angles: NDArray[np.float64], half: int, direction_weight: float
) -> Floats:
    """Return (A, CHANNELS, size, size) features of the ideal part at each angle, before normalisation."""
    size, fine = 2 * half + 1, _OVERSAMPLING
    cells = np.empty((len(angles), size, size), np.float32)
    for row, angle in enumerate(angles):
        pose = PixelPose(
            half * fine + (fine - 1) / 2, half * fine + (fine - 1) / 2, float(angle), cells_per_mm * fine, flipped
        )
        rings: list[Points] = [pose.apply(contour.points) for contour in part.contours]
        covered = rasterise(rings, (size * fine, size * fine)).full((size * fine, size * fine))
        cells[row] = covered.reshape(size, fine, size, fine).mean(axis=(1, 3))
    return np.stack([gradient_features(item, direction_weight) for item in cells])


def _normalised(groups: Sequence[TemplateGroup], stacks: Sequence[Floats], half: int) -> Floats:
    """Return (T, CHANNELS, size, size): magnitude less its mean over the disc, nothing outside it, unit norm."""
    rows = []
    for group, stack in zip(groups, stacks, strict=True):
        within = disc(group.radius_cells, half)
        cut = stack * within
        cut[:, 0] -= (cut[:, 0].sum(axis=(1, 2)) / within.sum())[:, None, None] * within
        norm = np.sqrt((cut**2).sum(axis=(1, 2, 3)))
        rows.append(cut / norm[:, None, None, None])
    return np.concatenate(rows).astype(np.float32)


def _compress(templates: Floats, rank: int) -> tuple[Floats, Floats]:
    """Return an orthonormal basis (K, D) and the coefficients (T, K) of templates (T, D) in it."""
    rank = min(rank, *templates.shape)
    wide = min(rank + _OVERSAMPLED_RANK, *templates.shape)
    probe = np.random.default_rng(_BASIS_SEED).standard_normal((wide, len(templates)), np.float32)
    span, _ = np.linalg.qr(templates.T @ (templates @ (probe @ templates).T))
    small = templates @ span
    _, _, turn = np.linalg.svd(small.T @ small)
    basis = np.ascontiguousarray((span @ turn[:rank].T).T.astype(np.float32))
    return basis, np.ascontiguousarray(templates @ basis.T)

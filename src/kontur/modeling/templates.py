"""Templates of the matcher: every part in every direction and scale, as the picture's coarse features would show it.

The features of a picture are its edge field (see `edge_field`) averaged over cells: how much edge there is and which way it
runs, with the sign left out. A template is what an ideal contour gives: its points drawn into a fine grid, smoothed as the
picture is, and averaged over the same cells. It shows how much of a small hole is left at the coarse scale and where the
drawing has no edges. All templates of a bank are expressed in one common basis (principal components, found by a
randomised range finder: Halko, Martinsson & Tropp 2011); correlating a picture with the basis and one matrix product
then give the correlation with every template.

A bank holds parts of similar size, because its cells are chosen for them: see `size_classes`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numba
import numpy as np
from numpy.typing import NDArray

from kontur.geometry import Part
from kontur.modeling.contour_model import contour_model
from kontur.modeling.edge_field import CHANNELS, pool

Floats = NDArray[np.float32]
Floats64 = NDArray[np.float64]

CLASS_SPAN = 2.0
"""Parts of one bank differ in radius by at most this factor."""
MARGIN_CELLS = 2
"""Templates reach this far beyond the part, to count edges against it where the drawing has none."""
_SPACING_PX = 0.7
_EDGE_WIDTH_PX = 1.2
"""Standard deviation of the line that an ideal edge gives in the edge field."""
_MOST_DENSITY = 0.35
"""Where contours run closer than the field resolves, it shows no more than one edge."""
_BASIS_SEED = 0
_OVERSAMPLED_RANK = 12


@dataclass(frozen=True)
class BankOptions:
    """How fine a bank is.

    Attributes:
        radius_px: the largest part's radius at the largest scale is at most about this many px of the searched field.
        radius_cells: the largest part's radius at the largest scale is about this many cells of the coarse picture.
        angle_cells: neighbouring angles move the rim by this many cells.
        scale_step: ratio of neighbouring scales.
        rank: size of the common basis at most.
        track_px: as `radius_px`, of the field that candidates are tracked on.
        energy: a basis that holds this share of what all templates hold is not made larger.
    """

    radius_px: float = 64.0
    radius_cells: float = 12.0
    angle_cells: float = 1.2
    scale_step: float = 1.07
    rank: int = 112
    track_px: float = 64.0
    energy: float = 0.97

    def reduction(self, largest_px: float) -> int:
        """Return px of the picture per px of the searched field, for the largest part's radius."""
        return max(1, int(largest_px / self.radius_px))

    def coarser(self, radius_px: float = np.inf, radius_cells: float = np.inf) -> "BankOptions":
        """Return these options with sizes that are no finer than the ones given."""
        smaller = min(self.radius_px, radius_px), min(self.radius_cells, radius_cells)
        return replace(self, radius_px=smaller[0], radius_cells=smaller[1])


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
        reduction: px of the picture per px of the edge field that is searched.
        track_reduction: the same of the edge field that candidates are tracked on.
        cell_px: px of the edge field per cell.
        size: side of the square templates in cells, odd.
        groups: the templates by part, side and scale.
        basis: (K, CHANNELS, size, size) float32, orthonormal.
        coefficients: (T, K) float32; templates have unit norm before projection on the basis.
    """

    reduction: int
    track_reduction: int
    cell_px: int
    size: int
    groups: tuple[TemplateGroup, ...]
    basis: Floats
    coefficients: Floats

    @property
    def scales(self) -> list[float]:
        """The scales of the templates, px per mm, ascending."""
        return sorted({group.scale_px_per_mm for group in self.groups})


def build_bank(
    parts: Sequence[Part], px_per_mm: tuple[float, float], faces: str, options: BankOptions | None = None
) -> TemplateBank:
    """Build the templates of parts of similar size.

    Args:
        parts: the part list.
        px_per_mm: scale range of the pictures, low and high.
        faces: "up", or "both" to add the back of chiral parts.
        options: see `BankOptions`.
    """
    options = options or BankOptions()
    scales = scale_steps(px_per_mm, options.scale_step)
    largest = max(part.radius_mm for part in parts) * scales[-1]
    reduction = options.reduction(largest)
    cell_px = max(1, round(largest / reduction / options.radius_cells))
    half = int(np.ceil(largest / (reduction * cell_px))) + MARGIN_CELLS
    groups: list[TemplateGroup] = []
    stacks: list[Floats] = []
    rows = 0
    for index, part in enumerate(parts):
        for flipped in (False, True) if faces == "both" and part.chiral else (False,):
            for scale in scales:
                field_scale = scale / reduction
                angles = angle_steps(part, field_scale / cell_px, options.angle_cells)
                stacks.append(_render(part, flipped, field_scale, angles, half, cell_px))
                radius = min(half, int(np.ceil(part.radius_mm * field_scale / cell_px)) + MARGIN_CELLS)
                groups.append(TemplateGroup(index, flipped, scale, radius, angles, (rows, rows + len(angles))))
                rows += len(angles)
    basis, coefficients = _compress(_normalised(groups, stacks, half).reshape(rows, -1), options.rank, options.energy)
    shape = (len(basis), CHANNELS, 2 * half + 1, 2 * half + 1)
    return TemplateBank(
        reduction,
        max(1, int(largest / options.track_px)),
        cell_px,
        2 * half + 1,
        tuple(groups),
        basis.reshape(shape),
        coefficients,
    )


def size_classes(parts: Sequence[Part]) -> list[tuple[int, ...]]:
    """Split a part list into classes of similar size: indices of each class, the largest parts first.

    A class spans at most `CLASS_SPAN`; it is split where neighbours in size differ most, so look-alikes stay together.
    """
    order = sorted(range(len(parts)), key=lambda index: -parts[index].radius_mm)
    return [tuple(sorted(members)) for members in _split(order, [parts[index].radius_mm for index in order])]


def renumbered(bank: TemplateBank, members: Sequence[int]) -> TemplateBank:
    """Return a bank of some parts of a list, `members`, whose groups count in that list."""
    return replace(bank, groups=tuple(replace(group, part=members[group.part]) for group in bank.groups))


def build_banks(
    parts: Sequence[Part], px_per_mm: tuple[float, float], faces: str, options: BankOptions | None = None
) -> list[TemplateBank]:
    """Build the templates of all parts, one bank for each class of sizes."""
    return [build_class(parts, members, px_per_mm, faces, options) for members in size_classes(parts)]


def build_class(
    parts: Sequence[Part],
    members: Sequence[int],
    px_per_mm: tuple[float, float],
    faces: str,
    options: BankOptions | None = None,
) -> TemplateBank:
    """Build the templates of one class of parts, `members` of the part list."""
    return renumbered(build_bank([parts[index] for index in members], px_per_mm, faces, options), members)


def _split(order: list[int], radius: list[float]) -> list[list[int]]:
    if radius[0] <= CLASS_SPAN * radius[-1]:
        return [order]
    cut = 1 + int(np.argmax(np.divide(radius[:-1], radius[1:])))
    return _split(order[:cut], radius[:cut]) + _split(order[cut:], radius[cut:])


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


def _render(part: Part, flipped: bool, scale_px_per_mm: float, angles: Floats64, half: int, cell_px: int) -> Floats:
    """Return (A, CHANNELS, size, size) features of the ideal contour at each angle, before normalisation."""
    model = contour_model(part, _SPACING_PX / scale_px_per_mm)
    side = -1.0 if flipped else 1.0
    points = model.points_mm * (side * scale_px_per_mm, scale_px_per_mm)
    x, y = model.normals.T * np.array([[side], [1.0]])
    direction = np.column_stack([x * x - y * y, 2 * x * y])
    size = 2 * half + 1
    features = np.empty((len(angles), CHANNELS, size, size), np.float32)
    grid = np.empty((size * cell_px, size * cell_px, CHANNELS), np.float32)
    for row, angle in enumerate(angles.tolist()):
        grid[:] = 0
        _draw(grid, points, direction, model.length_mm * scale_px_per_mm, angle)
        smooth = cv2.GaussianBlur(grid, (0, 0), _EDGE_WIDTH_PX)
        np.minimum(smooth[..., 0], _MOST_DENSITY, out=smooth[..., 0])
        features[row] = pool(smooth, cell_px)
    return features


@numba.njit(cache=True, nogil=True)
def _draw(grid, points, direction, length, angle):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Add contour points, turned by `angle` about the middle of the grid, with bilinear weights."""
    c, s = np.cos(angle), np.sin(angle)
    cosine, sine = np.cos(2 * angle), np.sin(2 * angle)
    middle = (grid.shape[0] - 1) / 2
    for k in range(len(points)):
        u, v = middle + c * points[k, 0] - s * points[k, 1], middle - (s * points[k, 0] + c * points[k, 1])
        i, j = int(np.floor(u)), int(np.floor(v))
        p, q = u - i, v - j
        dc = cosine * direction[k, 0] - sine * direction[k, 1]
        ds = -(sine * direction[k, 0] + cosine * direction[k, 1])
        for a in range(2):
            for b in range(2):
                w = length[k] * (p if a else 1 - p) * (q if b else 1 - q)
                grid[j + b, i + a, 0] += w
                grid[j + b, i + a, 1] += w * dc
                grid[j + b, i + a, 2] += w * ds


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


def _compress(templates: Floats, rank: int, share: float) -> tuple[Floats, Floats]:
    """Return an orthonormal basis (K, D) and the coefficients (T, K) of templates (T, D) in it."""
    rank = min(rank, *templates.shape)
    wide = min(rank + _OVERSAMPLED_RANK, *templates.shape)
    probe = np.random.default_rng(_BASIS_SEED).standard_normal((wide, len(templates)), np.float32)
    span, _ = np.linalg.qr(templates.T @ (templates @ (probe @ templates).T))
    span, _ = np.linalg.qr(templates.T @ (templates @ span))
    small = templates @ span
    _, energy, turn = np.linalg.svd(small.T @ small)
    rank = min(rank, 1 + int(np.searchsorted(np.cumsum(energy), share * float((templates**2).sum()))))
    basis = np.ascontiguousarray((span @ turn[:rank].T).T.astype(np.float32))
    return basis, np.ascontiguousarray(templates @ basis.T)

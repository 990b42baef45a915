"""Drawings to masks: the exact share of each pixel that a part covers.

Every edge is cut where it crosses a pixel's border; each piece adds to its pixel the area to its right and passes the
rest on along the row, so that one cumulative sum per row gives the coverage exactly (the method of font rasterisers such
as Raph Levien's font-rs).
"""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kontur.errors import DrawingError
from kontur.geometry import Part, Points
from kontur.pictures import write_picture

_MARGIN_PX = 2
_MAX_PIXELS = 200_000_000


def coverage(rings_px: Iterable[Points], size_wh: tuple[int, int]) -> NDArray[np.float64]:
    """Return (H, W) shares 0..1 of each pixel inside rings of (N, 2) px, pixel centres at integers.

    The rings of one part: holes run against the outline. What lies outside the picture is cut off.
    """
    width, height = size_wh
    cells = np.zeros((height, width + 1))
    for ring in rings_px:
        corners = np.asarray(ring, np.float64) + 0.5
        starts, ends = _pieces(corners, np.roll(corners, -1, axis=0))
        middle, rise = (starts + ends) / 2, ends[:, 1] - starts[:, 1]
        row = np.floor(middle[:, 1]).astype(np.intp)
        keep = (row >= 0) & (row < height) & (middle[:, 0] < width) & (rise != 0)
        middle, rise, row = middle[keep], rise[keep], row[keep]
        column = np.clip(np.floor(middle[:, 0]).astype(np.intp), 0, width - 1)
        share = np.clip(middle[:, 0] - column, 0, 1)
        np.add.at(cells, (row, column), rise * (1 - share))
        np.add.at(cells, (row, column + 1), rise * share)
    return np.clip(np.abs(np.cumsum(cells[:, :-1], axis=1)), 0, 1)


def part_mask(part: Part, px_per_mm: float) -> tuple[NDArray[np.uint8], tuple[float, float]]:
    """Return a part as drawn (y up in the drawing is up in the picture) and the pixel (u, v) of its datum.

    Returns:
        (H, W) uint8, 0..255 covered, with a margin of 2 px; the datum lies at (u, v), pixel centres at integers.

    Raises:
        DrawingError: the scale is not positive, or the mask would have more than 200 million pixels.
    """
    x0, y0, x1, y1 = part.outer.bounds_mm
    size = (int(np.ceil((x1 - x0) * px_per_mm)) + 2 * _MARGIN_PX, int(np.ceil((y1 - y0) * px_per_mm)) + 2 * _MARGIN_PX)
    if px_per_mm <= 0 or size[0] * size[1] > _MAX_PIXELS:
        raise DrawingError(f"part {part.name!r}: no mask of {px_per_mm:g} px/mm; give a scale that makes it smaller")
    u, v = _MARGIN_PX - x0 * px_per_mm, _MARGIN_PX + y1 * px_per_mm
    rings = [contour.points * (px_per_mm, -px_per_mm) + (u, v) for contour in part.contours]
    return np.round(coverage(rings, size) * 255).astype(np.uint8), (float(u), float(v))


def write_masks(
    parts: Sequence[Part],
    folder: Path,
    px_per_mm: float,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> list[Path]:
    """Write one mask per part as `folder`/NAME.png (8-bit grey, see `part_mask`) and return the files.

    Raises:
        DrawingError: see `part_mask`.
        WorkspaceError: a file cannot be written.
    """
    files = []
    for done, part in enumerate(parts, 1):
        mask, _ = part_mask(part, px_per_mm)
        files.append(folder / f"{_file_name(part.name)}.png")
        write_picture(files[-1], mask)
        progress(done, len(parts))
    return files


def _file_name(name: str) -> str:
    """A part's name without what a file name cannot hold."""
    return "".join("_" if char in '/\\:*?"<>|\0' else char for char in name)


def _pieces(starts: Points, ends: Points) -> tuple[Points, Points]:
    """Cut edges where they cross x = integer or y = integer."""
    steps = ends - starts
    low, high = np.floor(np.minimum(starts, ends)), np.ceil(np.maximum(starts, ends))
    edges, at = [np.arange(len(starts))], [np.zeros(len(starts))]
    for axis in (0, 1):
        counts = np.maximum(high[:, axis] - low[:, axis] - 1, 0).astype(np.intp)
        index = np.repeat(np.arange(len(starts)), counts)
        number = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts) + 1
        edges.append(index)
        at.append((low[index, axis] + number - starts[index, axis]) / steps[index, axis])
    edge, parameter = np.concatenate(edges), np.concatenate(at)
    order = np.lexsort((parameter, edge))
    edge, parameter = edge[order], parameter[order]
    following = np.append(parameter[1:], 1.0)
    following[np.append(edge[1:] != edge[:-1], True)] = 1.0
    return starts[edge] + parameter[:, None] * steps[edge], starts[edge] + following[:, None] * steps[edge]

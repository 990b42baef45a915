"""Images computed tile by tile, where they are needed: contours touch little of a picture of many megapixels."""

import mmap
from collections.abc import Callable
from threading import Lock

import numba
import numpy as np
from numpy.typing import NDArray

from kontur.modeling.parallel import in_threads

Floats = NDArray[np.float32]
Compute = Callable[[int, int, int, int], Floats]
"""From top, bottom, left, right to the (bottom - top, right - left, C) pixels there, as if the whole were computed."""

_LARGE_BYTES = 32_000_000
"""Up to this size memory does not matter, and many small pages take longer to get than few large ones."""


class Tiles:
    """An image of which tiles are computed when they are asked for first.

    Attributes:
        pixels: (h, w, C) float32; 0 in tiles that nobody has asked for.
    """

    def __init__(
        self, shape: tuple[int, int, int], compute: Compute, tile_px: int, below: tuple["Tiles", int] | None = None
    ) -> None:
        """Take what computes rectangles of tiles, by several threads at once.

        Args:
            shape: of the image.
            compute: see `Compute`.
            tile_px: side of a tile.
            below: tiles that `compute` reads, and how far around a rectangle.
        """
        self._below = below
        self._filling = Lock()  # what one thread has begun, another must not take for done
        self.pixels = _sparse_zeros(shape)
        self._compute, self._tile_px = compute, tile_px
        self._filled = np.zeros((-(-shape[0] // tile_px), -(-shape[1] // tile_px)), np.bool_)

    def fill_around(self, uv: NDArray[np.float64], reach: NDArray[np.float64]) -> None:
        """Compute the tiles of squares around (N, 2) places, `reach` (N,) to each side."""
        self.fill(uv - reach[:, None], uv + reach[:, None])

    def fill(self, first_uv: NDArray[np.float64], last_uv: NDArray[np.float64]) -> None:
        """Compute all tiles of the rectangles between (L, 2) corners; several threads may ask at once."""
        wanted = np.zeros_like(self._filled)
        _mark(first_uv, last_uv, self._tile_px, wanted)
        with self._filling:
            wanted &= ~self._filled
            self._filled |= wanted
            rectangles = _rectangles(wanted)
            if self._below is not None and rectangles:
                corners = np.array(rectangles, np.float64) * self._tile_px
                below, margin = self._below
                below.fill(corners[:, [2, 0]] - margin, corners[:, [3, 1]] + margin)
            in_threads(self._fill_rectangle, rectangles)

    def _fill_rectangle(self, tiles: tuple[int, int, int, int]) -> None:
        (height, width), side = self.pixels.shape[:2], self._tile_px
        top, bottom, left, right = (index * side for index in tiles)
        bottom, right = min(bottom, height), min(right, width)
        self.pixels[top:bottom, left:right] = self._compute(top, bottom, left, right)


def _rectangles(wanted: NDArray[np.bool_]) -> list[tuple[int, int, int, int]]:
    """Return rectangles (top, bottom, left, right) that cover what is wanted, each element once; clears `wanted`."""
    found = []
    for row in np.flatnonzero(wanted.any(axis=1)).tolist():
        runs = np.flatnonzero(np.diff(wanted[row], prepend=False, append=False)).reshape(-1, 2)
        for left, right in runs.tolist():
            lacking = np.flatnonzero(~np.logical_and.reduce(wanted[row:, left:right], axis=1))
            bottom = row + int(lacking[0]) if len(lacking) else len(wanted)
            wanted[row:bottom, left:right] = False
            found.append((row, bottom, left, right))
    return found


def with_margin(start: int, stop: int, margin: int, size: int) -> tuple[slice, slice]:
    """Return a slice widened by a margin, cut at 0 and `size`, and where the slice itself lies in it."""
    low, high = max(0, start - margin), min(size, stop + margin)
    return slice(low, high), slice(start - low, stop - low)


def _sparse_zeros(shape: tuple[int, int, int]) -> Floats:
    """Return zeros; of a large image what is written takes memory only, in pages as small as the system has."""
    if 4 * np.prod(shape) <= _LARGE_BYTES:
        return np.zeros(shape, np.float32)
    memory = mmap.mmap(-1, 4 * int(np.prod(shape)))
    if hasattr(mmap, "MADV_NOHUGEPAGE"):
        memory.madvise(mmap.MADV_NOHUGEPAGE)
    return np.frombuffer(memory, np.float32).reshape(shape)


@numba.njit(cache=True, nogil=True)
def _mark(first_uv, last_uv, tile, wanted):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Mark the tiles of the rectangles between corners, and of the pixel beyond, for interpolation."""
    rows, columns = wanted.shape
    for line in range(len(first_uv)):
        u0, u1 = min(first_uv[line, 0], last_uv[line, 0]), max(first_uv[line, 0], last_uv[line, 0]) + 1
        v0, v1 = min(first_uv[line, 1], last_uv[line, 1]), max(first_uv[line, 1], last_uv[line, 1]) + 1
        left, right = min(columns - 1, max(0, int(u0) // tile)), min(columns - 1, max(0, int(u1) // tile))
        top, bottom = min(rows - 1, max(0, int(v0) // tile)), min(rows - 1, max(0, int(v1) // tile))
        for row in range(top, bottom + 1):
            for column in range(left, right + 1):
                wanted[row, column] = True

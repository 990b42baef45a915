"""The table's light: a pattern or a picture, times the light that falls on it.

Light is kept in planes, (3, H, W) B, G, R, linear float32: that way every step is a row of numbers for vector instructions.
"""

from functools import cache, lru_cache
from pathlib import Path

import cv2
import numba
import numpy as np
from numpy.typing import NDArray

from kontur.data_preprocessing.compiled import ENTRY, INNER
from kontur.data_preprocessing.scene import Table
from kontur.data_preprocessing.textures import pattern
from kontur.pictures import Picture, read_picture

_PICTURE_SIDE = 1400
_SRGB_GAMMA = 2.2
_CUT = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP

Floats = NDArray[np.float32]


def fill_table(out: Floats, table: Table, picture: Path | None, field: Floats) -> None:
    """Write the light of the bare table.

    Args:
        out: (3, H, W), written.
        table: pattern, colours, and where the pattern is cut.
        picture: the file, when the table is a picture.
        field: (h, w, 3) light on a coarse grid, corner to corner over the picture, h and w at least 2.
    """
    _, height, width = out.shape
    c, s = np.cos(table.turn_rad) * table.zoom, np.sin(table.turn_rad) * table.zoom
    matrix = np.array([[c, -s, table.shift[0]], [s, c, table.shift[1]]])
    light = np.ascontiguousarray(np.moveaxis(field, 2, 1) @ _spread(field.shape[1], width))
    if picture is None:
        dark, bright = np.array(table.dark), np.array(table.bright)
        tones = np.column_stack([dark, (bright - dark) / 255]).astype(np.float32)
        fill_pattern(out, _paired(table.kind, table.variant), matrix.astype(np.float32), tones, light)
    else:
        cut = cv2.warpAffine(
            _load_picture(picture), matrix, (width, height), flags=_CUT, borderMode=cv2.BORDER_REFLECT_101
        )
        fill_picture(out, cut, ((np.arange(256) / 255) ** _SRGB_GAMMA).astype(np.float32), light)


@cache
def _paired(kind: str, variant: int) -> NDArray[np.uint16]:
    """A pattern for `fill_pattern`: each element is a level and, in the upper byte, its right neighbour's."""
    tile = pattern(kind, variant)
    return np.stack([tile, np.roll(tile, -1, axis=1)], axis=-1).view("<u2")[..., 0]


@lru_cache(maxsize=16)
def _spread(columns: int, width: int) -> Floats:
    """(columns, width) weights that interpolate coarse columns, corner to corner."""
    at = np.arange(width) * (columns - 1) / width
    return np.maximum(0, 1 - np.abs(at - np.arange(columns)[:, None])).astype(np.float32)


@lru_cache(maxsize=32)
def _load_picture(path: Path) -> Picture:
    """A user's picture, at most 1400 px on its longer side."""
    picture = read_picture(path)
    factor = _PICTURE_SIDE / max(picture.shape[:2])
    return picture if factor >= 1 else cv2.resize(picture, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)


@numba.njit(**ENTRY)
def fill_pattern(out, tile, matrix, tones, light):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Write an endless pattern's tones times light, which is interpolated between rows.

    Args:
        out: (3, H, W) float32, written.
        tile: (N, N) uint16, see `_paired`; N is a power of two.
        matrix: (2, 3) float32 from (column, row, 1) to the tile's.
        tones: (3, 2) float32, tone at level 0 and its change for a level.
        light: (h, 3, W) float32, from the first to beyond the last row.
    """
    _, height, width = out.shape
    level, down = np.empty(width, np.float32), np.empty(width, np.float32)
    at, upper, lower = np.empty(width, np.int32), np.empty(width, np.int32), np.empty(width, np.int32)
    for y in range(height):
        _locate(at, level, down, matrix, np.float32(y), len(tile))
        _fetch(upper, lower, at, tile.reshape(-1), len(tile))
        _mix(level, down, upper, lower)
        for c in range(3):
            _write_row(out[c, y], level, tones[c, 0], tones[c, 1])
            _light_row(out[c, y], light, c, y, height)


@numba.njit(**INNER)
def _locate(at, right, down, matrix, y, side):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Element of the tile at or before each pixel of a row, and how far the pixel lies beyond it."""
    u0, v0 = matrix[0, 1] * y + matrix[0, 2], matrix[1, 1] * y + matrix[1, 2]
    for x in range(len(at)):
        u, v = matrix[0, 0] * np.float32(x) + u0, matrix[1, 0] * np.float32(x) + v0
        i, j = np.floor(u), np.floor(v)
        right[x], down[x] = u - i, v - j
        at[x] = np.int32((np.int32(j) & (side - 1)) * side + (np.int32(i) & (side - 1)))


@numba.njit(**INNER)
def _fetch(upper, lower, at, tile, side):  # type: ignore[no-untyped-def]  # pragma: no cover
    last = side * side - 1
    for x in range(len(at)):
        upper[x] = tile[at[x]]
        lower[x] = tile[(at[x] + side) & last]


@numba.njit(**INNER)
def _mix(level, down, upper, lower):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Interpolate; `level` is how far to the right, and then the level."""
    for x in range(len(level)):
        a, b = np.float32(upper[x] & 255), np.float32(upper[x] >> 8)
        c, d = np.float32(lower[x] & 255), np.float32(lower[x] >> 8)
        above, below = a + (b - a) * level[x], c + (d - c) * level[x]
        level[x] = above + (below - above) * down[x]


@numba.njit(**ENTRY)
def fill_picture(out, picture, tones, light):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Write a picture's tones times light: as `fill_pattern`, with an (H, W, 3) uint8 picture and (256,) float32 tones."""
    height, width = out.shape[1:]
    for y in range(height):
        for x in range(width):
            for c in range(3):
                out[c, y, x] = tones[picture[y, x, c]]
        for c in range(3):
            _light_row(out[c, y], light, c, y, height)


@numba.njit(**INNER)
def _write_row(out, levels, dark, step):  # type: ignore[no-untyped-def]  # pragma: no cover
    for x in range(len(out)):
        out[x] = dark + step * levels[x]


@numba.njit(**INNER)
def _light_row(out, light, c, y, height):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Multiply row `y` of a plane by light that is interpolated between two rows."""
    at = np.float32(y) * np.float32((len(light) - 1) / height)
    k = int(at)
    t = at - np.float32(k)
    upper, lower = light[k, c], light[k + 1, c]
    for x in range(len(out)):
        out[x] *= upper[x] + (lower[x] - upper[x]) * t

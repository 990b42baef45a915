"""The table's light: a pattern or a picture, times the light that falls on it.

Light is kept in planes, (3, H, W) B, G, R, linear float32: that way every step is a row of numbers for vector instructions.
"""

from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import cv2
import numba
import numpy as np
from numpy.typing import NDArray

from kontur.data_preprocessing.blocks import BLOCK, FOUND, INDEX, ROWS, WHOLES
from kontur.data_preprocessing.compiled import ENTRY, INNER
from kontur.data_preprocessing.scene import Table
from kontur.data_preprocessing.textures import endless_pattern
from kontur.pictures import Picture, read_picture

_PICTURE_SIDE = 1400
_SRGB_GAMMA = 2.2
_CURVE = ((np.arange(256) / 255) ** _SRGB_GAMMA).astype(np.float32)
_NO_TILE = np.empty((0, 0), np.uint8)
_NO_PICTURE = np.empty((0, 0, 3), np.uint8)
_CUT = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP

_STRIP = BLOCK
"""Pixels of a row that are worked on at a time: a pattern is turned, and a strip of a band keeps to a small place in it."""
_ALONG = np.arange(_STRIP, dtype=np.float32)
_BYTE = np.int32(255)
_LINE = 64
"""Bytes that memory hands over at a time."""
_UPPER, _LOWER = FOUND, FOUND + BLOCK
_RIGHT, _DOWN = 0, BLOCK
"""Rows of a strip's numbers: how far its pixels lie beyond the tile's elements; `_RIGHT` becomes the level."""

Floats = NDArray[np.float32]


class Ground(NamedTuple):
    """A bare table, for `fill_ground`: a pattern, or a picture when `picture` is not empty.

    Attributes:
        tile, matrix, tones: see `fill_pattern`.
        picture, curve: see `fill_picture`.
        light: (h, 3, W) float32 on the table, from the first to beyond the last row of the picture.
    """

    tile: NDArray[np.uint8]
    matrix: Floats
    tones: Floats
    picture: Picture
    curve: Floats
    light: Floats


def ground_of(table: Table, picture: Path | None, field: Floats, size_wh: tuple[int, int]) -> Ground:
    """Prepare a bare table.

    Args:
        table: pattern, colours, and where the pattern is cut.
        picture: the file, when the table is a picture.
        field: (h, w, 3) light on a coarse grid, corner to corner over the picture, h and w at least 2.
        size_wh: of the picture to draw.
    """
    c, s = np.cos(table.turn_rad) * table.zoom, np.sin(table.turn_rad) * table.zoom
    matrix = np.array([[c, -s, table.shift[0]], [s, c, table.shift[1]]])
    across = np.moveaxis(field, 2, 1).reshape(-1, field.shape[1]) @ _spread(field.shape[1], size_wh[0])
    light = across.reshape(-1, 3, size_wh[0])
    dark, bright = np.array(table.dark), np.array(table.bright)
    tones = np.column_stack([dark, (bright - dark) / 255]).astype(np.float32)
    if picture is None:
        return Ground(
            endless_pattern(table.kind, table.variant), matrix.astype(np.float32), tones, _NO_PICTURE, _CURVE, light
        )
    cut = cv2.warpAffine(_load_picture(picture), matrix, size_wh, flags=_CUT, borderMode=cv2.BORDER_REFLECT_101)
    return Ground(_NO_TILE, matrix.astype(np.float32), tones, np.asarray(cut, np.uint8), _CURVE, light)


@numba.njit(**INNER)
def fetch_ahead(ground, work):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Read the pattern once in the order in which it lies: memory is slow at the turned order in which pixels take it."""
    levels, total = ground.tile.reshape(-1), 0
    for at in range(0, len(levels), _LINE):
        total += levels[at]
    work[0] = total  # so that the reading is not left out


@numba.njit(**INNER)
def fill_ground(out, ground, first, height, work, whole):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Write the light of a bare table: rows from `first` of a picture of `height` rows.

    Args:
        out: (3, rows, W) float32, written.
        ground: Ground.
        first, height: px.
        work, whole: rows of `blocks`.
    """
    if len(ground.picture):
        fill_picture(out, ground.picture[first : first + out.shape[1]], ground.curve, ground.light, first, height)
    else:
        _fill_pattern(out, ground.tile, ground.matrix, ground.tones, ground.light, first, height, work, whole)


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
def fill_pattern(out, tile, matrix, tones, light, first, height):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Write an endless pattern's tones times light, which is interpolated between rows.

    Args:
        out: (3, rows, W) float32, written: rows from `first` of a picture of `height` rows.
        tile: (N + 1, N + 1) uint8, see `endless_pattern`; N is a power of two.
        matrix: (2, 3) float32 from (column, row, 1) of the picture to the tile's.
        tones: (3, 2) float32, tone at level 0 and its change for a level.
        light: (h, 3, W) float32, from the first to beyond the last row of the picture.
    """
    work, whole = np.empty(ROWS * BLOCK, np.float32), np.empty(WHOLES * BLOCK, np.int32)
    _fill_pattern(out, tile, matrix, tones, light, first, height, work, whole)


@numba.njit(**INNER)
def _fill_pattern(  # type: ignore[no-untyped-def]
    out, tile, matrix, tones, light, first, height, work, whole
):  # pragma: no cover
    _, rows, width = out.shape
    levels, line = tile.reshape(-1), len(tile)
    flat, lamps = out.reshape(-1), light.reshape(-1)
    for begin in range(0, width, _STRIP):
        count = min(_STRIP, width - begin)
        for y in range(rows):
            _locate(work, whole, matrix, begin, np.float32(y + first), line)
            _fetch(whole, levels, line)
            _mix(work, whole)
            k, share = _between(y + first, len(light), height)
            for c in range(3):
                to, upper = (c * rows + y) * width + begin, (3 * k + c) * width + begin
                _write(flat, to, work, tones[c, 0], tones[c, 1], lamps, upper, upper + 3 * width, share, count)


@numba.njit(**INNER)
def _locate(work, whole, matrix, begin, y, line):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Element of the tile at or before each pixel of a strip's row, and how far the pixel lies beyond it."""
    right, low, x = matrix[0, 0], matrix[1, 0], np.float32(begin)
    u0, v0 = right * x + matrix[0, 1] * y + matrix[0, 2], low * x + matrix[1, 1] * y + matrix[1, 2]
    wrap, stride = np.int32(line - 2), np.int32(line)
    for k in range(_STRIP):
        u, v = right * _ALONG[k] + u0, low * _ALONG[k] + v0
        i, j = np.floor(u), np.floor(v)
        work[_RIGHT + k], work[_DOWN + k] = u - i, v - j
        column, row = np.int32(np.int32(i) & wrap), np.int32(np.int32(j) & wrap)
        whole[INDEX + k] = np.int32(np.int32(row * stride) + column)


@numba.njit(**INNER)
def _fetch(whole, tile, line):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Two neighbours at once, the right one in the upper byte."""
    down, one = np.uint64(line), np.uint64(1)
    for k in range(_STRIP):
        at = np.uint64(np.uint32(whole[INDEX + k]))
        whole[_UPPER + k] = np.int32(np.uint32(tile[at]) | np.uint32(np.uint32(tile[at + one]) << np.uint32(8)))
        at += down
        whole[_LOWER + k] = np.int32(np.uint32(tile[at]) | np.uint32(np.uint32(tile[at + one]) << np.uint32(8)))


@numba.njit(**INNER)
def _mix(work, whole):  # type: ignore[no-untyped-def]  # pragma: no cover
    for k in range(_STRIP):
        upper, lower = whole[_UPPER + k], whole[_LOWER + k]
        a, b = np.float32(np.int32(upper & _BYTE)), np.float32(np.int32(upper >> np.int32(8)))
        c, d = np.float32(np.int32(lower & _BYTE)), np.float32(np.int32(lower >> np.int32(8)))
        above, below = a + (b - a) * work[_RIGHT + k], c + (d - c) * work[_RIGHT + k]
        work[_RIGHT + k] = above + (below - above) * work[_DOWN + k]


@numba.njit(**INNER)
def _write(out, to, work, dark, step, light, upper, lower, share, count):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Tone times light of a strip's row of one channel, of which `count` pixels lie in the picture."""
    place, above, below = np.uint64(to), np.uint64(upper), np.uint64(lower)
    if count == _STRIP:
        for k in range(_STRIP):
            n = np.uint64(k)
            a, b = light[above + n], light[below + n]
            out[place + n] = (dark + step * work[_RIGHT + k]) * (a + (b - a) * share)
    else:
        for k in range(count):
            n = np.uint64(k)
            a, b = light[above + n], light[below + n]
            out[place + n] = (dark + step * work[_RIGHT + k]) * (a + (b - a) * share)


@numba.njit(**ENTRY)
def fill_picture(out, picture, tones, light, first, height):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Write a picture's tones times light: as `fill_pattern`, with (rows, W, 3) uint8 of a picture, (256,) float32 tones."""
    _, rows, width = out.shape
    for y in range(rows):
        k, share = _between(y + first, len(light), height)
        for c in range(3):
            line, upper, lower = out[c, y], light[k, c], light[k + 1, c]
            for x in range(width):
                line[x] = tones[picture[y, x, c]] * (upper[x] + (lower[x] - upper[x]) * share)


@numba.njit(**INNER)
def _between(y, count, height):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Row of light at or above row `y`, and the share of the next."""
    at = np.float32(y) * np.float32((count - 1) / height)
    return int(at), at - np.float32(int(at))

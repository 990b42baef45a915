"""The table's light: a pattern or a picture, times the light that falls on it.

Light is kept in planes, (3, H, W) B, G, R, linear float32: that way every step is a row of numbers for vector instructions.
"""

from functools import lru_cache
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
        tile = pattern(table.kind, table.variant)
        levels = cv2.warpAffine(tile, matrix, (width, height), flags=_CUT, borderMode=cv2.BORDER_WRAP)
        fill_pattern(out, levels, tones, light)
    else:
        cut = cv2.warpAffine(
            _load_picture(picture), matrix, (width, height), flags=_CUT, borderMode=cv2.BORDER_REFLECT_101
        )
        fill_picture(out, cut, ((np.arange(256) / 255) ** _SRGB_GAMMA).astype(np.float32), light)


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
def fill_pattern(out, pattern, tones, light):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Write a pattern's tones times light, which is interpolated between rows.

    Args:
        out: (3, H, W) float32, written.
        pattern: (H, W) uint8.
        tones: (3, 2) float32, tone at level 0 and its change for a level.
        light: (h, 3, W) float32, from the first to beyond the last row.
    """
    height = len(pattern)
    for c in range(3):
        for y in range(height):
            _write_row(out[c, y], pattern[y], tones[c, 0], tones[c, 1])
            _light_row(out[c, y], light, c, y, height)


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

"""The small things on a face: bevel, brushing, grain, stains, scratches, rust, crystals. Rows of `blocks`.

Textures are looked up at the nearest texel, which would show where a texel fills more than one pixel; the number of texels
to the millimetre therefore follows the picture's scale.
"""

import numba
import numpy as np

from kontur.data_preprocessing.blocks import (
    ACROSS,
    ALONG,
    BLOCK,
    CHANGE,
    COLUMN,
    DIRT,
    FOUND,
    GX,
    GY,
    INDEX,
    MM,
    NX,
    NY,
    ROUGH,
    ROW,
    RUST,
    SCRATCH,
    TONE,
    TX,
    TY,
    UPRIGHT,
    X,
    Y,
)  # fmt: skip
from kontur.data_preprocessing.compiled import INNER
from kontur.data_preprocessing.surfaces import NONE, TURNED
from kontur.data_preprocessing.textures import DETAIL_SIZE

_WRAP, _LINE = np.int32(DETAIL_SIZE - 1), np.int32(DETAIL_SIZE)
_ZERO, _HALF, _ONE, _TWO, _FOUR, _SIX = (np.float32(value) for value in (0, 0.5, 1, 2, 4, 6))
_STEEPEST = np.float32(0.45)
"""Slope at the foot of a bevel."""
_FINE_PER_MM = np.float32(3.0)
"""Least number of texels to the millimetre."""
_POSITIVE = np.float32(65536)
_LEVEL = np.float32(1 / 128)
_TINY = np.float32(1e-3)


@numba.njit(**INNER)
def clip_unit(value):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Clip to 0..1."""
    return min(_ONE, max(_ZERO, value))


@numba.njit(**INNER)
def slope_block(work, bevel_mm, scale, turn):  # type: ignore[no-untyped-def]  # pragma: no cover
    """NX, NY, CHANGE from MM, GX, GY. `turn`: (2, 2) float32 from a change for a step of the template to one for a pixel."""
    change, per = min(_HALF, _STEEPEST / (bevel_mm * scale)), _ONE / bevel_mm
    a, b, c, d = turn[0, 0], turn[1, 0], turn[0, 1], turn[1, 1]
    for k in range(BLOCK):
        rest = _ONE - clip_unit(work[MM + k] * per)
        gx, gy, gain = work[GX + k], work[GY + k], rest * _TWO * _STEEPEST
        work[NX + k] = -(gx * a + gy * b) * gain
        work[NY + k] = (gx * c + gy * d) * gain
        work[CHANGE + k] = change if rest > _ZERO else _ZERO


@numba.njit(**INNER)
def brush_block(work, to_mm, column, row, s):  # type: ignore[no-untyped-def]  # pragma: no cover
    """X, Y, TX, TY, ALONG, ACROSS; `column`, `row`: float32, the first pixel in the thing's window."""
    a, b, c, d = to_mm[0, 0], to_mm[0, 1], to_mm[1, 0], to_mm[1, 1]
    x0, y0 = to_mm[0, 2] + a * column + b * row, to_mm[1, 2] + c * column + d * row
    for k in range(BLOCK):
        u, v = COLUMN[k], ROW[k]
        work[X + k] = x0 + a * u + b * v
        work[Y + k] = y0 + c * u + d * v
    if s.brushing == TURNED:
        _turned_block(work, s)
        for k in range(BLOCK):
            bx, by = work[TX + k], work[TY + k]
            tx, ty = a * bx + c * by, -(b * bx + d * by)
            unit = _ONE / np.sqrt(tx * tx + ty * ty + np.float32(1e-12))
            work[TX + k] = tx * unit
            work[TY + k] = ty * unit
    else:
        tx, ty = a * s.brush_x + c * s.brush_y, -(b * s.brush_x + d * s.brush_y)
        unit = _ONE / np.sqrt(tx * tx + ty * ty + np.float32(1e-12))
        _straight_block(work, s, tx * unit, ty * unit)


@numba.njit(**INNER)
def _straight_block(work, s, tx, ty):  # type: ignore[no-untyped-def]  # pragma: no cover
    """`tx`, `ty`: the direction in the plane's frame."""
    for x in range(BLOCK):
        px, py = work[X + x], work[Y + x]
        work[TX + x] = tx
        work[TY + x] = ty
        work[ALONG + x] = (px * s.brush_x + py * s.brush_y) * _TWO
        work[ACROSS + x] = (py * s.brush_x - px * s.brush_y) * _SIX


@numba.njit(**INNER)
def _turned_block(work, s):  # type: ignore[no-untyped-def]  # pragma: no cover
    for x in range(BLOCK):
        rx, ry = work[X + x] - s.centre_x, work[Y + x] - s.centre_y
        radius = np.sqrt(rx * rx + ry * ry) + _TINY
        around = ry / (abs(rx) + abs(ry) + _TINY)  # grows with the angle; a true angle is not needed
        work[TX + x] = -ry / radius
        work[TY + x] = rx / radius
        work[ALONG + x] = around * np.float32(60)
        work[ACROSS + x] = radius * _SIX


@numba.njit(**INNER)
def texture_block(work, whole, texels, streaks, scale, s):  # type: ignore[no-untyped-def]  # pragma: no cover
    """TONE, ROUGH, SCRATCH, RUST, DIRT, UPRIGHT; roughens NX and NY.

    Args:
        work, whole: rows of `blocks`.
        texels: (DETAIL_SIZE ** 2,) int32, four bytes each: grain, scratches, grunge, crystals.
        streaks: (DETAIL_SIZE ** 2,) uint8.
        scale: px/mm.
        s: surfaces.Texture.
    """
    per_mm = max(_FINE_PER_MM, scale)
    _look_up(work, whole, texels, X, per_mm, s)
    _grain_block(work, whole, s)
    if s.brushing != NONE and s.streaks > _ZERO:
        _look_up(work, whole, streaks, ALONG, _ONE, s)
        _streak_block(work, whole, s)
    for k in range(BLOCK):
        nx, ny = work[NX + k], work[NY + k]
        work[UPRIGHT + k] = _ONE / np.sqrt(_ONE + nx * nx + ny * ny)


@numba.njit(**INNER)
def _look_up(work, whole, pool, at, per, s):  # type: ignore[no-untyped-def]  # pragma: no cover
    """FOUND: a pool's texels at the two coordinates in `work` from `at`, `per` texels to their unit."""
    for k in range(BLOCK):
        i = np.int32(work[at + k] * per + s.shift_x + _POSITIVE)
        j = np.int32(work[at + BLOCK + k] * per + s.shift_y + _POSITIVE)
        whole[INDEX + k] = np.int32(np.int32(np.int32(j & _WRAP) * _LINE) + np.int32(i & _WRAP))
    for k in range(BLOCK):
        whole[FOUND + k] = pool[np.uint32(whole[INDEX + k])]


@numba.njit(**INNER)
def _grain_block(work, whole, s):  # type: ignore[no-untyped-def]  # pragma: no cover
    rusty = _ONE if s.rust > _ZERO else _ZERO
    four = whole.view(np.uint8)
    for k in range(BLOCK):
        at = 4 * (FOUND + k)
        grain, grunge = _level(four[at]), _level(four[at + 2])
        fine = grunge + np.float32(0.3) * grain
        work[TONE + k] = (_ONE + s.grain * grain + s.spangle * _level(four[at + 3])) * (
            _ONE - s.stains * np.float32(0.6) * clip_unit(_TWO * grunge)
        )
        work[ROUGH + k] = _ONE + s.stains * grunge
        work[SCRATCH + k] = s.scratches * np.float32(0.3) * (_level(four[at + 1]) + _ONE)
        work[DIRT + k] = fine
        work[RUST + k] = rusty * clip_unit((fine - _ONE + _TWO * s.rust) * _FOUR)
        uneven = max(_ZERO, _ONE + _TWO * s.burr * fine)
        work[NX + k] *= uneven
        work[NY + k] *= uneven


@numba.njit(**INNER)
def _streak_block(work, whole, s):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Single brush lines: brighter or darker, and tilted across themselves."""
    for k in range(BLOCK):
        line = s.streaks * _level(whole[FOUND + k])
        work[TONE + k] += line
        work[NX + k] -= line * s.across * work[TY + k]
        work[NY + k] += line * s.across * work[TX + k]


@numba.njit(**INNER)
def _level(value):  # type: ignore[no-untyped-def]  # pragma: no cover
    """A byte of the detail pool as -1..1."""
    return np.float32(value) * _LEVEL - _ONE

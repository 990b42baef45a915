"""The small things on a face: bevel, brushing, grain, stains, scratches, rust, crystals. Rows of `blocks`.

Textures are looked up at the nearest texel, which would show where a texel fills more than one pixel; the number of texels
to the millimetre therefore follows the picture's scale.
"""

import numba
import numpy as np

from kontur.data_preprocessing.blocks import (
    ACROSS,
    ALONG,
    CHANGE,
    DIRT,
    NX,
    NY,
    ROUGH,
    RUST,
    SCRATCH,
    TONE,
    TX,
    TY,
    UPRIGHT,
    X,
    Y,
)  # fmt: skip
from kontur.data_preprocessing.compiled import FAST
from kontur.data_preprocessing.surfaces import NONE, TURNED
from kontur.data_preprocessing.textures import DETAIL_SIZE

_WRAP = DETAIL_SIZE - 1
_ZERO, _HALF, _ONE, _TWO, _FOUR, _SIX = (np.float32(value) for value in (0, 0.5, 1, 2, 4, 6))
_STEEPEST = np.float32(0.45)
"""Slope at the foot of a bevel."""
_FINE_PER_MM = np.float32(3.0)
"""Least number of texels to the millimetre."""
_POSITIVE = np.float32(65536)
_LEVEL = np.float32(1 / 128)
_TINY = np.float32(1e-3)


@numba.njit(**FAST)
def clip_unit(value):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Clip to 0..1."""
    return min(_ONE, max(_ZERO, value))


@numba.njit(**FAST)
def slope_block(work, above, here, below, bevel_mm, scale):  # type: ignore[no-untyped-def]  # pragma: no cover
    """NX, NY, CHANGE from three rows of signed distance (mm) that begin one pixel before the block."""
    change = min(_HALF, _STEEPEST / (bevel_mm * scale))
    for x in range(len(here) - 2):
        inside = clip_unit(here[x + 1] / bevel_mm)
        gain = scale * (_ONE - inside) * _STEEPEST
        work[NX + x] = (here[x] - here[x + 2]) * gain
        work[NY + x] = (below[x + 1] - above[x + 1]) * gain
        work[CHANGE + x] = change if inside < _ONE else _ZERO


@numba.njit(**FAST)
def brush_block(work, count, to_mm, column, row, s):  # type: ignore[no-untyped-def]  # pragma: no cover
    """X, Y, TX, TY, ALONG, ACROSS; `column`, `row`: the first pixel in the thing's window."""
    v = np.float32(row)
    for x in range(count):
        u = np.float32(x + column)
        work[X + x] = to_mm[0, 0] * u + to_mm[0, 1] * v + to_mm[0, 2]
        work[Y + x] = to_mm[1, 0] * u + to_mm[1, 1] * v + to_mm[1, 2]
    if s.brushing == TURNED:
        _turned_block(work, count, s)
    else:
        _straight_block(work, count, s)
    for x in range(count):
        bx, by = work[TX + x], work[TY + x]
        tx, ty = to_mm[0, 0] * bx + to_mm[1, 0] * by, -(to_mm[0, 1] * bx + to_mm[1, 1] * by)
        unit = _ONE / np.sqrt(tx * tx + ty * ty + np.float32(1e-12))
        work[TX + x] = tx * unit
        work[TY + x] = ty * unit


@numba.njit(**FAST)
def _straight_block(work, count, s):  # type: ignore[no-untyped-def]  # pragma: no cover
    for x in range(count):
        px, py = work[X + x], work[Y + x]
        work[TX + x] = s.brush_x
        work[TY + x] = s.brush_y
        work[ALONG + x] = (px * s.brush_x + py * s.brush_y) * _TWO
        work[ACROSS + x] = (py * s.brush_x - px * s.brush_y) * _SIX


@numba.njit(**FAST)
def _turned_block(work, count, s):  # type: ignore[no-untyped-def]  # pragma: no cover
    for x in range(count):
        rx, ry = work[X + x] - s.centre_x, work[Y + x] - s.centre_y
        radius = np.sqrt(rx * rx + ry * ry) + _TINY
        around = ry / (abs(rx) + abs(ry) + _TINY)  # grows with the angle; a true angle is not needed
        work[TX + x] = -ry / radius
        work[TY + x] = rx / radius
        work[ALONG + x] = around * np.float32(60)
        work[ACROSS + x] = radius * _SIX


@numba.njit(**FAST)
def texture_block(work, count, texels, streaks, scale, s):  # type: ignore[no-untyped-def]  # pragma: no cover
    """TONE, ROUGH, SCRATCH, RUST, DIRT, UPRIGHT; roughens NX and NY.

    Args:
        texels: (DETAIL_SIZE ** 2,) int32, four bytes each: grain, scratches, grunge, crystals.
        streaks: (DETAIL_SIZE ** 2,) uint8.
        scale: px/mm.
        s: surfaces.Texture.
    """
    per_mm = max(_FINE_PER_MM, scale)
    rusty = _ONE if s.rust > _ZERO else _ZERO
    for x in range(count):
        i, j = _texel(work[X + x] * per_mm + s.shift_x), _texel(work[Y + x] * per_mm + s.shift_y)
        four = texels[j * DETAIL_SIZE + i]
        grain, grunge = _level(four & 255), _level((four >> 16) & 255)
        fine = grunge + np.float32(0.3) * grain
        work[TONE + x] = (_ONE + s.grain * grain + s.spangle * _level((four >> 24) & 255)) * (
            _ONE - s.stains * np.float32(0.6) * clip_unit(_TWO * grunge)
        )
        work[ROUGH + x] = _ONE + s.stains * grunge
        work[SCRATCH + x] = s.scratches * np.float32(0.3) * (_level((four >> 8) & 255) + _ONE)
        work[DIRT + x] = fine
        work[RUST + x] = rusty * clip_unit((fine - _ONE + _TWO * s.rust) * _FOUR)
        uneven = max(_ZERO, _ONE + _TWO * s.burr * fine)
        work[NX + x] *= uneven
        work[NY + x] *= uneven
    if s.brushing != NONE and s.streaks > _ZERO:
        _streak_block(work, count, streaks, s)
    for x in range(count):
        nx, ny = work[NX + x], work[NY + x]
        work[UPRIGHT + x] = _ONE / np.sqrt(_ONE + nx * nx + ny * ny)


@numba.njit(**FAST)
def _streak_block(work, count, streaks, s):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Single brush lines: brighter or darker, and tilted across themselves."""
    for x in range(count):
        i, j = _texel(work[ALONG + x] + s.shift_x), _texel(work[ACROSS + x] + s.shift_y)
        line = s.streaks * _level(streaks[j * DETAIL_SIZE + i])
        work[TONE + x] += line
        work[NX + x] -= line * s.across * work[TY + x]
        work[NY + x] += line * s.across * work[TX + x]


@numba.njit(**FAST)
def _texel(at):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Wrapped index of a texture coordinate above -65536."""
    return np.int32(at + _POSITIVE) & _WRAP


@numba.njit(**FAST)
def _level(value):  # type: ignore[no-untyped-def]  # pragma: no cover
    """A byte of the detail pool as -1..1."""
    return np.float32(value) * _LEVEL - _ONE

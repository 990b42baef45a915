"""Shadows: one thing darkens what it lies on.

Shadows are smooth, so they are worked out for every second pixel of every second row and interpolated in between.
"""

import numba
import numpy as np

from kontur.data_preprocessing.blocks import BLOCK, MM, ROWS, TILE, WHOLES
from kontur.data_preprocessing.compiled import ENTRY, INNER
from kontur.data_preprocessing.sampling import sample_block

_ZERO, _QUARTER, _HALF, _ONE = np.float32(0), np.float32(0.25), np.float32(0.5), np.float32(1)
_LIT = np.float32(0.998)
"""A shadow that takes less away is not seen."""


@numba.njit(**ENTRY)
def cast_shadows(  # type: ignore[no-untyped-def]
    out, mm, left, top, scale, shifts, softness, shares, ids, catches
):  # pragma: no cover
    """Darken `out` around a thing.

    A lamp's shadow is the union of two copies of the thing, moved away from the lamp in proportion to the height they
    stand for; the penumbra grows with that height. The last row is the sky's: a contact shadow without shift.

    Args:
        out: (3, H, W) float32 light, changed in place.
        mm: (rows, columns) float32 distances to the thing's outline, see `distances_of`: each for four pixels.
        left, top: first pixel of element [0, 0] in `out`.
        scale: elements to the millimetre, float32.
        shifts: (L, 2) int64 (column, row) elements by which the top edge's shadow is moved.
        softness: (L,) float32 width of its penumbra, elements.
        shares: (L, 3) float32 share of the light that each lamp, and last the sky, brings.
        ids: (H, W) uint8 what lies where.
        catches: (256,) float32, 1 for the ids that the shadow falls on, 0 for the others; empty for all of them.
    """
    rows, columns = mm.shape
    first, last = max(0, (-top) // 2 - 1), min(rows, (out.shape[1] - 1 - top) // 2 + 2)
    factor, hidden = np.empty((max(0, last - first), 3, columns), np.float32), np.empty(columns, np.float32)
    for row in range(first, last):
        dimmed = factor[row - first]
        dimmed[:] = _ONE
        for k in range(len(shifts)):
            hidden[:] = _ZERO
            _hide(hidden, mm, row, scale, shifts[k, 0], shifts[k, 1], softness[k], _ONE)
            if shifts[k, 0] != 0 or shifts[k, 1] != 0:
                _hide(hidden, mm, row, scale, shifts[k, 0], shifts[k, 1], softness[k], _HALF)
            for c in range(3):
                _dim(dimmed[c], hidden, shares[k, c])
    _darken(out, factor, first, rows, left, top, ids, catches)


@numba.njit(**ENTRY)
def distances_of(out, template, h):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Look distances (mm) up for a shadow.

    Args:
        out: (rows, columns) float32, both multiples of TILE, written.
        template: (h, w) int32, the thing's packed distances, see `sampling`.
        h: (9,) float32, homography from (column, row, 1) of `out` to the template.
    """
    work, whole = np.empty(ROWS * BLOCK, np.float32), np.empty(WHOLES * BLOCK, np.int32)
    rows, columns = out.shape
    for row in range(0, rows, TILE):
        for column in range(0, columns, TILE):
            sample_block(work, whole, MM, template, h, np.float32(column), np.float32(row))
            for k in range(TILE):
                out[row + k, column : column + TILE] = work[MM + k * TILE : MM + (k + 1) * TILE]


@numba.njit(**INNER)
def _hide(hidden, mm, row, scale, shift_x, shift_y, softness, reach):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Hide a row by a copy of the thing, `reach` of the whole way down its shadow."""
    dx, dy = int(np.rint(shift_x * reach)), int(np.rint(shift_y * reach))
    height, width = mm.shape
    if not 0 <= row - dy < height:
        return
    begin, end = max(0, dx), min(width, width + dx)
    target, source = hidden[begin:end], mm[row - dy, begin - dx : end - dx]
    steep = scale / max(_ONE, softness * reach)
    for x in range(end - begin):
        target[x] = max(target[x], min(_ONE, source[x] * steep + _HALF))


@numba.njit(**INNER)
def _dim(factor, hidden, share):  # type: ignore[no-untyped-def]  # pragma: no cover
    for x in range(len(factor)):
        factor[x] -= share * hidden[x]


@numba.njit(**INNER)
def _darken(out, factor, first, rows, left, top, ids, catches):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Multiply `out` by a factor that is known at every second pixel, from element row `first` of `rows`."""
    columns = factor.shape[2]
    coarse, fine = np.empty((3, columns), np.float32), np.empty(2 * columns, np.float32)
    for y in range(max(0, top), min(out.shape[1], top + 2 * rows)):
        near = (y - top) // 2
        other = min(rows - 1, max(0, near - 1 + 2 * ((y - top) % 2)))
        for c in range(3):
            _blend(coarse[c], factor[near - first, c], factor[other - first, c])
        dark, light = _span(coarse)
        begin, end = max(0, left + 2 * dark), min(out.shape[2], left + 2 * light)
        if begin < end:
            _darken_row(out, y, begin, end, coarse, fine, begin - left, ids[y, begin:end], catches)


@numba.njit(**INNER)
def _darken_row(out, y, begin, end, coarse, fine, offset, ids, catches):  # type: ignore[no-untyped-def]  # pragma: no cover
    for c in range(3):
        _widen(fine, coarse[c])
        factor = fine[offset : offset + end - begin]
        if len(catches):
            _catch(factor, ids, catches)
        _multiply(out[c, y, begin:end], factor)


@numba.njit(**INNER)
def _blend(out, near, other):  # type: ignore[no-untyped-def]  # pragma: no cover
    for x in range(len(out)):
        out[x] = near[x] + (other[x] - near[x]) * _QUARTER


@numba.njit(**INNER)
def _span(factor):  # type: ignore[no-untyped-def]  # pragma: no cover
    """First and last + 1 element of a row that is dimmed, and a neighbour of each."""
    last = factor.shape[1]
    first = 0
    while first < last and min(factor[0, first], factor[1, first], factor[2, first]) > _LIT:
        first += 1
    while first < last and min(factor[0, last - 1], factor[1, last - 1], factor[2, last - 1]) > _LIT:
        last -= 1
    return max(0, first - 1), min(factor.shape[1], last + 1)


@numba.njit(**INNER)
def _widen(out, coarse):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Twice as many elements, linear in between."""
    count = len(coarse)
    out[0], out[2 * count - 1] = coarse[0], coarse[count - 1]
    for x in range(count - 1):
        step = (coarse[x + 1] - coarse[x]) * _QUARTER
        out[2 * x + 1] = coarse[x] + step
        out[2 * x + 2] = coarse[x + 1] - step


@numba.njit(**INNER)
def _catch(factor, ids, catches):  # type: ignore[no-untyped-def]  # pragma: no cover
    for x in range(len(factor)):
        factor[x] = _ONE + (factor[x] - _ONE) * catches[ids[x]]


@numba.njit(**INNER)
def _multiply(out, factor):  # type: ignore[no-untyped-def]  # pragma: no cover
    for x in range(len(out)):
        out[x] *= factor[x]

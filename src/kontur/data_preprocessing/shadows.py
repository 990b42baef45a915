"""Shadows: one thing darkens what it lies on.

Shadows are smooth, so they are worked out for every second pixel of every second row and interpolated in between.
"""

import numba
import numpy as np

from kontur.data_preprocessing.blocks import BLOCK, MM, ROWS, TILE, WHOLES
from kontur.data_preprocessing.compiled import ENTRY, INNER, MAKER
from kontur.data_preprocessing.sampling import sample_block

_ZERO, _QUARTER, _HALF, _ONE = np.float32(0), np.float32(0.25), np.float32(0.5), np.float32(1)


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
    cast_rows(out, mm, left, top, scale, shifts, softness, shares, ids, catches, shadow_room(out.shape[1], mm.shape[1]))


@numba.njit(**MAKER)
def shadow_room(rows, columns):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Memory for `cast_rows` on `rows` of a picture by distances of `columns` at most."""
    return np.empty((rows // 2 + 3) * columns * 10 + 2 * columns, np.float32)


@numba.njit(**INNER)
def cast_rows(  # type: ignore[no-untyped-def]
    out, mm, left, top, scale, shifts, softness, shares, ids, catches, room
):  # pragma: no cover
    """`cast_shadows`; `room`: see `shadow_room`."""
    rows, columns = mm.shape
    first, last = max(0, (-top) // 2 - 1), min(rows, (out.shape[1] - 1 - top) // 2 + 2)
    if first >= last:
        return
    size = (last - first) * columns
    hidden, dimmed, wide, line = room[:size], room[size : 4 * size], room[4 * size : 10 * size], room[10 * size :]
    for n in range(3 * size):
        dimmed[n] = _ONE
    for k in range(len(shifts)):
        for n in range(size):
            hidden[n] = _ZERO
        _hide(hidden, mm, first, last, scale, shifts[k, 0], shifts[k, 1], softness[k], _ONE)
        if shifts[k, 0] != 0 or shifts[k, 1] != 0:
            _hide(hidden, mm, first, last, scale, shifts[k, 0], shifts[k, 1], softness[k], _HALF)
        for c in range(3):
            _dim(dimmed[c * size : (c + 1) * size], hidden, shares[k, c])
    _widen(wide, dimmed, columns)
    _darken(out, wide, line[: 2 * columns], first, last, left, top, rows, ids, catches)


@numba.njit(**ENTRY)
def distances_of(out, template, h):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Look distances (mm) up for a shadow.

    Args:
        out: (rows, columns) float32, both multiples of TILE, written.
        template: (h, w) int32, the thing's packed distances, see `sampling`.
        h: (9,) float32, homography from (column, row, 1) of `out` to the template.
    """
    look_up(out, template, h, np.empty(ROWS * BLOCK, np.float32), np.empty(WHOLES * BLOCK, np.int32))


@numba.njit(**INNER)
def look_up(out, template, h, work, whole):  # type: ignore[no-untyped-def]  # pragma: no cover
    """`distances_of`; `work`, `whole`: rows of `blocks`."""
    rows, columns = out.shape
    for row in range(0, rows, TILE):
        for column in range(0, columns, TILE):
            sample_block(work, whole, MM, template, h, np.float32(column), np.float32(row))
            for k in range(BLOCK):
                out[row + k // TILE, column + k % TILE] = work[MM + k]


@numba.njit(**INNER)
def _hide(  # type: ignore[no-untyped-def]
    hidden, mm, first, last, scale, shift_x, shift_y, softness, reach
):  # pragma: no cover
    """Hide rows `first` to `last` by a copy of the thing, `reach` of the whole way down its shadow."""
    dx, dy = int(np.rint(shift_x * reach)), int(np.rint(shift_y * reach))
    height, width = mm.shape
    steep = scale / max(_ONE, softness * reach)
    begin, end = max(first, dy), min(last, height + dy)
    if begin >= end:
        return
    if _ends_bare(mm, max(0, begin - dy - 1), min(height, end - dy + 1), dx, steep):
        # what one row's end would hide of the next one's beginning is nothing: all rows are one long row
        to, of = (begin - first) * width + max(0, dx), (begin - dy) * width + max(0, -dx)
        _hide_row(hidden[to:], mm.reshape(-1)[of:], (end - begin) * width - abs(dx), steep)
        return
    for row in range(begin, end):
        _hide_row(hidden[(row - first) * width + max(0, dx) :], mm[row - dy, max(0, -dx) :], width - abs(dx), steep)


@numba.njit(**INNER)
def _ends_bare(mm, first, last, dx, steep):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Whether the columns that a shift by `dx` moves out of rows `first` to `last` hide nothing."""
    begin, end = (max(0, mm.shape[1] - dx), mm.shape[1]) if dx > 0 else (0, min(mm.shape[1], -dx))
    greatest = -_HALF / steep
    for row in range(first, last):
        for column in range(begin, end):
            if mm[row, column] > greatest:
                return False
    return True


@numba.njit(**INNER)
def _hide_row(hidden, mm, count, steep):  # type: ignore[no-untyped-def]  # pragma: no cover
    """The greater of the two, but as a sum: a number that may stay as it is would become a masked write, which is slow."""
    for x in range(count):
        hidden[x] += max(_ZERO, min(_ONE, mm[x] * steep + _HALF) - hidden[x])


@numba.njit(**INNER)
def _dim(factor, hidden, share):  # type: ignore[no-untyped-def]  # pragma: no cover
    for x in range(len(factor)):
        factor[x] -= share * hidden[x]


@numba.njit(**INNER)
def _widen(out, coarse, columns):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Twice as many elements in each row of `columns`, linear in between."""
    count = len(coarse)
    for x in range(count - 1):
        step = (coarse[x + 1] - coarse[x]) * _QUARTER
        out[2 * x + 1] = coarse[x] + step
        out[2 * x + 2] = coarse[x + 1] - step
    for x in range(0, count, columns):  # one row's last element has nothing to do with the next one's first
        out[2 * x], out[2 * (x + columns) - 1] = coarse[x], coarse[x + columns - 1]


@numba.njit(**INNER)
def _darken(  # type: ignore[no-untyped-def]
    out, wide, line, first, last, left, top, rows, ids, catches
):  # pragma: no cover
    """Multiply `out` by a factor that is known for every second row, from element row `first` of `rows`; `line`: a row."""
    width = len(line)
    plane = (last - first) * width
    begin, end = max(0, left), min(out.shape[2], left + width)
    if begin >= end:
        return
    for y in range(max(0, top), min(out.shape[1], top + 2 * rows)):
        near = (y - top) // 2
        other = min(rows - 1, max(0, near - 1 + 2 * ((y - top) % 2)))
        for c in range(3):
            at = c * plane + begin - left
            upper, lower, row = (
                wide[at + (near - first) * width :],
                wide[at + (other - first) * width :],
                out[c, y, begin:end],
            )
            if len(catches):
                _mix(line, upper, lower, end - begin)
                _catch(line, ids[y, begin:end], catches)
                _multiply(row, line)
            else:
                _multiply_mix(row, upper, lower)


@numba.njit(**INNER)
def _mix(out, near, other, count):  # type: ignore[no-untyped-def]  # pragma: no cover
    for x in range(count):
        out[x] = near[x] + (other[x] - near[x]) * _QUARTER


@numba.njit(**INNER)
def _multiply_mix(out, near, other):  # type: ignore[no-untyped-def]  # pragma: no cover
    for x in range(len(out)):
        out[x] *= near[x] + (other[x] - near[x]) * _QUARTER


@numba.njit(**INNER)
def _catch(factor, ids, catches):  # type: ignore[no-untyped-def]  # pragma: no cover
    for x in range(len(ids)):
        factor[x] = _ONE + (factor[x] - _ONE) * catches[ids[x]]


@numba.njit(**INNER)
def _multiply(out, factor):  # type: ignore[no-untyped-def]  # pragma: no cover
    for x in range(len(out)):
        out[x] *= factor[x]

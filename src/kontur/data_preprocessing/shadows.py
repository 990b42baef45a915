"""Shadows: one thing darkens what it lies on.

Shadows are smooth, so they are worked out for every second pixel of every second row and interpolated in between.
"""

import numba
import numpy as np
from numba.extending import register_jitable

from kontur.data_preprocessing.blocks import BLOCK, MM, ROWS, TILE, WHOLES
from kontur.data_preprocessing.compiled import ENTRY, INNER
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
    room = np.empty(shadow_room(out.shape[1], mm.shape[1], len(shares)), np.float32)
    cast_rows(out, mm, left, top, scale, shifts, softness, shares, ids, catches, room)


@register_jitable
def shadow_room(rows: int, columns: int, lamps: int) -> int:
    """How many numbers `cast_rows` writes on `rows` of a picture by distances of `columns` at most and so many lamps."""
    return (rows // 2 + 3) * columns * (lamps + 9) + 2 * columns


@numba.njit(**INNER)
def cast_rows(  # type: ignore[no-untyped-def]
    out, mm, left, top, scale, shifts, softness, shares, ids, catches, room
):  # pragma: no cover
    """`cast_shadows`; `room`: memory, see `shadow_room`."""
    rows, columns = mm.shape
    first, last = max(0, (-top) // 2 - 1), min(rows, (out.shape[1] - 1 - top) // 2 + 2)
    if first >= last:
        return
    size, lamps = (last - first) * columns, len(shifts)
    hidden, dimmed, wide = room[: lamps * size], room[lamps * size : (lamps + 3) * size], room[(lamps + 3) * size :]
    wide, line = wide[: 6 * size], wide[6 * size :]
    for k in range(lamps):
        _hide(
            hidden[k * size : (k + 1) * size], mm, first, last, scale, int(shifts[k, 0]), int(shifts[k, 1]), softness[k]
        )
    for c in range(3):
        _dim(dimmed[c * size : (c + 1) * size], hidden, shares, c)
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
def _hide(hidden, mm, first, last, scale, dx, dy, softness):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Write what two copies of the thing hide of rows `first` to `last`: one moved all the way down its shadow, one half."""
    height, width = mm.shape
    half_x, half_y = int(np.rint(dx * _HALF)), int(np.rint(dy * _HALF))
    far, near = scale / max(_ONE, softness), scale / max(_ONE, softness * _HALF)
    flat, start = mm.reshape(-1), first * width
    if dx == 0 and dy == 0:
        _cover(hidden, flat[start:], len(hidden), far)
        return
    far_begin, far_end = _reached(first, last, height, width, dx, dy)
    near_begin, near_end = _reached(first, last, height, width, half_x, half_y)
    begin, end = max(far_begin, near_begin), min(far_end, near_end)
    if begin >= end or not _ends_bare(mm, max(0, first - max(0, dy)), min(height, last - min(0, dy)), dx, far):
        hidden[:] = _ZERO
        _hide_by_rows(hidden, mm, first, last, dx, dy, far)
        _hide_by_rows(hidden, mm, first, last, half_x, half_y, near)
        return
    # what one row's end would hide of the next one's beginning is nothing: all rows are one long row
    far_from, near_from = start - dy * width - dx, start - half_y * width - half_x
    early, late = min(far_begin, near_begin), max(far_end, near_end)
    hidden[:early] = _ZERO
    hidden[late:] = _ZERO
    _cover_both(hidden[begin:], flat[begin + far_from :], flat[begin + near_from :], end - begin, far, near)
    if far_begin < near_begin:
        _cover(hidden[early:], flat[early + far_from :], begin - early, far)
    else:
        _cover(hidden[early:], flat[early + near_from :], begin - early, near)
    if far_end > near_end:
        _cover(hidden[end:], flat[end + far_from :], late - end, far)
    else:
        _cover(hidden[end:], flat[end + near_from :], late - end, near)


@numba.njit(**INNER)
def _reached(first, last, height, width, dx, dy):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Where a copy moved by (dx, dy) begins and ends in rows `first` to `last` when they are one long row."""
    begin, end = max(first, dy), min(last, height + dy)
    return (begin - first) * width + max(0, dx), (end - first) * width + min(0, dx)


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
def _cover(hidden, mm, count, steep):  # type: ignore[no-untyped-def]  # pragma: no cover
    for x in range(count):
        hidden[x] = min(_ONE, max(_ZERO, mm[x] * steep + _HALF))


@numba.njit(**INNER)
def _cover_both(hidden, mm, other, count, steep, other_steep):  # type: ignore[no-untyped-def]  # pragma: no cover
    for x in range(count):
        hidden[x] = min(_ONE, max(_ZERO, max(mm[x] * steep, other[x] * other_steep) + _HALF))


@numba.njit(**INNER)
def _hide_by_rows(hidden, mm, first, last, dx, dy, steep):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Hide by one copy, moved by (dx, dy), more of what is hidden already."""
    height, width = mm.shape
    for row in range(max(first, dy), min(last, height + dy)):
        line, source = hidden[(row - first) * width + max(0, dx) :], mm[row - dy, max(0, -dx) :]
        for x in range(width - abs(dx)):
            line[x] = max(line[x], min(_ONE, source[x] * steep + _HALF))


@numba.njit(**INNER)
def _dim(out, hidden, shares, c):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Write what is left of a channel's light: two lamps in a pass."""
    size, odd = len(out), len(shares) & 1
    share = shares[0, c] if odd else _ZERO
    for x in range(size):
        out[x] = _ONE - share * hidden[x]
    for k in range(odd, len(shares), 2):
        _dim_pair(out, hidden[k * size :], hidden[(k + 1) * size :], shares[k, c], shares[k + 1, c])


@numba.njit(**INNER)
def _dim_pair(out, hidden, other, share, other_share):  # type: ignore[no-untyped-def]  # pragma: no cover
    for x in range(len(out)):
        out[x] -= share * hidden[x] + other_share * other[x]


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

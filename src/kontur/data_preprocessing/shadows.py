"""Shadows: one thing darkens what it lies on."""

import numba
import numpy as np

from kontur.data_preprocessing.compiled import FAST

_ZERO, _HALF, _ONE = np.float32(0), np.float32(0.5), np.float32(1)


@numba.njit(**FAST)
def cast_shadows(  # type: ignore[no-untyped-def]
    out, mm, scale, shifts, softness, shares, left, top, ids, catches
):  # pragma: no cover
    """Darken `out` around a thing.

    A lamp's shadow is the union of two copies of the thing, moved away from the lamp in proportion to the height they
    stand for; the penumbra grows with that height. The last row is the sky's: a contact shadow without shift.

    Args:
        out: (3, H, W) float32 light, changed in place.
        mm: (h, w) float32 signed distance (mm) to the thing's silhouette.
        scale: px/mm, float32.
        shifts: (L, 2) int64 (column, row) px of the top edge's shadow.
        softness: (L,) float32 width of its penumbra, px.
        shares: (L, 3) float32 share of the light that each lamp, and last the sky, brings.
        left, top: where element [0, 0] of `mm` lies in the picture.
        ids: (H, W) uint8 what lies where.
        catches: (256,) float32, 1 for the ids that the shadow falls on, 0 for the others.
    """
    height, width = mm.shape
    first, last = max(0, -left), min(width, out.shape[2] - left)
    if first >= last:
        return
    hidden = np.empty(last - first, np.float32)
    factor = np.empty((3, last - first), np.float32)
    for row in range(max(0, -top), min(height, out.shape[1] - top)):
        factor[:] = _ONE
        for k in range(len(shifts)):
            hidden[:] = _ZERO
            _hide(hidden, mm, row, first, scale, shifts[k, 0], shifts[k, 1], softness[k], _ONE)
            if shifts[k, 0] != 0 or shifts[k, 1] != 0:
                _hide(hidden, mm, row, first, scale, shifts[k, 0], shifts[k, 1], softness[k], _HALF)
            for c in range(3):
                _dim(factor[c], hidden, shares[k, c])
        caught = hidden
        _catch(caught, ids[row + top, first + left : last + left], catches)
        for c in range(3):
            _darken(out[c, row + top, first + left : last + left], factor[c], caught)


@numba.njit(**FAST)
def _hide(hidden, mm, row, first, scale, shift_x, shift_y, softness, reach):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Hide a row by a copy of the thing, `reach` of the whole way down its shadow."""
    dx, dy = int(np.rint(shift_x * reach)), int(np.rint(shift_y * reach))
    height, width = mm.shape
    if not 0 <= row - dy < height:
        return
    begin, end = max(first, dx), min(first + len(hidden), width + dx)
    target, source = hidden[begin - first : end - first], mm[row - dy, begin - dx : end - dx]
    steep = scale / max(_ONE, softness * reach)
    for x in range(end - begin):
        target[x] = max(target[x], min(_ONE, source[x] * steep + _HALF))


@numba.njit(**FAST)
def _dim(factor, hidden, share):  # type: ignore[no-untyped-def]  # pragma: no cover
    for x in range(len(factor)):
        factor[x] -= share * hidden[x]


@numba.njit(**FAST)
def _catch(caught, ids, catches):  # type: ignore[no-untyped-def]  # pragma: no cover
    for x in range(len(caught)):
        caught[x] = catches[ids[x]]


@numba.njit(**FAST)
def _darken(out, factor, caught):  # type: ignore[no-untyped-def]  # pragma: no cover
    for x in range(len(out)):
        out[x] *= _ONE + (factor[x] - _ONE) * caught[x]

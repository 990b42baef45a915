"""Looking distances up in a template, a block of pixels at a time.

A template is packed: each element holds its own distance and the one's below it, in units of 1/256 mm, in one whole number,
so that the four elements around a place lie side by side and are one look-up.
"""

import numba
import numpy as np
from numpy.typing import NDArray

from kontur.data_preprocessing.blocks import BLOCK, COLUMN, FOUND, FX, FY, INDEX, ROW, TILE
from kontur.data_preprocessing.compiled import INNER

PER_MM = 256
_GREATEST_MM = 127.0
_ZERO, _ONE = np.float32(0), np.float32(1)
_MIDDLE = np.float32(TILE // 2)
_MM = np.float32(1 / PER_MM)
_WITHIN = np.float32(1.001)
"""Places are kept this far from the last row and column, so that there is always a next one."""


def pack(distance_mm: NDArray[np.float32]) -> NDArray[np.int32]:
    """Return (H, W) int32 packed distances of an (H, W) template."""
    units = np.rint(np.clip(distance_mm, -_GREATEST_MM, _GREATEST_MM) * PER_MM).astype("<i2")
    below = np.concatenate([units[1:], units[-1:]])
    return np.stack([units, below], axis=-1).view("<i4")[..., 0]


@numba.njit(**INNER)
def sample_block(work, whole, to, template, h, column, row):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Write distance (mm) and its change for a step of the template, right and down, into three rows of `work` from `to`.

    Args:
        work, whole: rows of `blocks`.
        template: (H, W) int32, packed; beyond it its border goes on.
        h: (9,) float32, homography from the window to the template.
        column, row: float32, the block's first pixel in the window.
    """
    _locate(work, whole, template.shape[0], template.shape[1], h, column, row)
    _fetch(whole, whole[FOUND:].view(np.uint64), template.reshape(-1))
    _mix(work, whole, work[to : to + 3 * BLOCK])


@numba.njit(**INNER)
def _locate(work, whole, rows, columns, h, column, row):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Where the template's elements are: INDEX, FX, FY.

    The divisor changes little within a block, so that its reciprocal is a parabola: one division, not many, and that one
    of doubles, for which compilers do not put up with an estimate: whole places stay whole.
    """
    stride = np.int32(columns)
    right, low = np.float32(columns) - _WITHIN, np.float32(rows) - _WITHIN
    u0, v0 = np.float64(column + _MIDDLE), np.float64(row + _MIDDLE)
    exact = 1.0 / (h[6] * u0 + h[7] * v0 + h[8])
    x0, y0 = np.float32((h[0] * u0 + h[1] * v0 + h[2]) * exact), np.float32((h[3] * u0 + h[4] * v0 + h[5]) * exact)
    per = np.float32(exact)
    a, b, c, d, e, f = h[0] * per, h[1] * per, h[3] * per, h[4] * per, h[6] * per, h[7] * per
    for k in range(BLOCK):
        u, v = COLUMN[k] - _MIDDLE, ROW[k] - _MIDDLE
        less = e * u + f * v
        factor = _ONE - less + less * less
        x = min(right, max(_ZERO, (x0 + a * u + b * v) * factor))
        y = min(low, max(_ZERO, (y0 + c * u + d * v) * factor))
        i, j = np.int32(x), np.int32(y)
        work[FX + k] = x - np.float32(i)
        work[FY + k] = y - np.float32(j)
        whole[INDEX + k] = np.int32(np.int32(j * stride) + i)


@numba.njit(**INNER)
def _fetch(whole, fours, template):  # type: ignore[no-untyped-def]  # pragma: no cover
    """`fours`: `whole` from FOUND on, written: an element of the template and its right neighbour for each pixel."""
    one, half = np.uint64(1), np.uint64(32)
    for k in range(BLOCK):
        at = np.uint64(np.uint32(whole[INDEX + k]))
        fours[k] = np.uint64(np.uint32(template[at])) | np.uint64(np.uint64(np.uint32(template[at + one])) << half)


@numba.njit(**INNER)
def _mix(work, whole, out):  # type: ignore[no-untyped-def]  # pragma: no cover
    for k in range(BLOCK):
        fx, fy, left, right = work[FX + k], work[FY + k], whole[FOUND + 2 * k], whole[FOUND + 2 * k + 1]
        a, b, c, d = (
            np.float32(np.int16(left)),
            np.float32(np.int16(right)),
            np.float32(np.int32(left >> np.int32(16))),
            np.float32(np.int32(right >> np.int32(16))),
        )
        above, below = a + (b - a) * fx, c + (d - c) * fx
        out[k] = (above + (below - above) * fy) * _MM
        out[BLOCK + k] = ((b - a) + ((d - c) - (b - a)) * fy) * _MM
        out[2 * BLOCK + k] = (below - above) * _MM


@numba.njit(**INNER)
def sample_one(template, h, u, v):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Distance (mm) at the template's element nearest to one place of the window."""
    per = _ONE / (h[6] * u + h[7] * v + h[8])
    i, j = int(np.rint((h[0] * u + h[1] * v + h[2]) * per)), int(np.rint((h[3] * u + h[4] * v + h[5]) * per))
    i, j = min(template.shape[1] - 1, max(0, i)), min(template.shape[0] - 1, max(0, j))
    return np.float32(np.int16(template[j, i])) * _MM

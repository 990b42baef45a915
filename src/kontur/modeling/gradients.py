"""The kernels of the edge field: smoothed gradients of a picture's planes, compiled row by row.

Smoothing by a Gaussian and the Sobel operator are separable, so together they are two filters down the columns, one that
smooths and one that differentiates, and the same two along the rows. Beyond its border the picture is its own mirror image,
the border itself not repeated, as in OpenCV's BORDER_REFLECT_101; a side of `REACH_PX` or less is continued as it ends.
"""

import cv2
import numba
import numpy as np
from numpy.typing import NDArray

BLUR_PX = 1.0
"""Smoothing before the gradient is taken."""
REACH_PX = 5
"""A gradient depends on pixels this far away."""

_GAUSSIAN = cv2.getGaussianKernel(2 * REACH_PX - 1, BLUR_PX)[:, 0]
_SMOOTHS = np.convolve(_GAUSSIAN, [0.25, 0.5, 0.25])[REACH_PX:].astype(np.float32)
_SLOPES = np.convolve(_GAUSSIAN, [0.5, 0, -0.5])[REACH_PX::-1].astype(np.float32)
"""Weights of the pixel itself and of those 1 to `REACH_PX` after it; those before it weigh as much, the slopes negated."""
_S0, _S1, _S2, _S3, _S4, _S5 = _SMOOTHS
_, _D1, _D2, _D3, _D4, _D5 = _SLOPES

_fast = {"cache": True, "nogil": True, "fastmath": True, "error_model": "numpy"}


def planes_of(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return (C, h, w) uint8 planes of an (h, w, 3) picture; one of them when all three are the same."""
    if _is_grey(picture):
        return np.asarray(cv2.extractChannel(picture, 0), np.uint8)[None]
    return np.stack(cv2.split(picture))


@numba.njit(**_fast)
def _is_grey(picture):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Return whether all three colours are the same; a picture in colour is told from its first rows."""
    for y in range(picture.shape[0]):
        unlike = 0
        for x in range(picture.shape[1]):
            unlike |= (picture[y, x, 0] ^ picture[y, x, 1]) | (picture[y, x, 0] ^ picture[y, x, 2])
        if unlike:
            return False
    return True


@numba.njit(**_fast)
def strongest_gradients(planes, top, bottom, length, turn):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Write the strongest gradient over the planes in some rows: its length, and the double angle of its direction.

    Args:
        planes: (C, h, w) uint8.
        top, bottom: the rows that are worked on, the last one excluded.
        length: (h, w) float32, written; grey levels per px.
        turn: (2, h, w) float32, written: cosine and sine of twice the angle, times the length's square.
    """
    width = length.shape[1]
    smooth, slope = np.empty(width + 2 * REACH_PX, np.float32), np.empty(width + 2 * REACH_PX, np.float32)
    for y in range(top, bottom):
        length[y] = np.float32(-1)
        for c in range(planes.shape[0]):
            _filter_down(planes[c], y, smooth, slope)
            _keep_strongest(smooth, slope, length[y], turn[0, y], turn[1, y])
        for x in range(width):
            length[y, x] = np.sqrt(length[y, x])


@numba.njit(**_fast)
def _filter_down(plane, y, smooth, slope):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Write both filters down the columns at row `y` of a plane, continued `REACH_PX` beyond its sides."""
    height, width = plane.shape
    row = plane[y]
    for x in range(width):
        smooth[REACH_PX + x] = _S0 * np.float32(row[x])
        slope[REACH_PX + x] = np.float32(0)
    for k in range(1, REACH_PX + 1):
        before, after = plane[min(abs(y - k), height - 1)], plane[max(height - 1 - abs(height - 1 - y - k), 0)]
        weight, rise = _SMOOTHS[k], _SLOPES[k]
        for x in range(width):
            a, b = np.float32(before[x]), np.float32(after[x])
            smooth[REACH_PX + x] += weight * (a + b)
            slope[REACH_PX + x] += rise * (b - a)
    first, last = REACH_PX, REACH_PX + width - 1
    for k in range(1, REACH_PX + 1):
        left, right = min(first + k, last), max(last - k, first)
        smooth[first - k], slope[first - k] = smooth[left], slope[left]
        smooth[last + k], slope[last + k] = smooth[right], slope[right]


@numba.njit(**_fast)
def _keep_strongest(s, d, square, cosine, sine):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Filter along a row, and write where the gradient is stronger than what is there: its squared length and direction.

    Written out tap by tap, which is what the compiler makes vector instructions of.
    """
    for x in range(square.shape[0]):
        across = (
            _D1 * (s[x + 6] - s[x + 4])
            + _D2 * (s[x + 7] - s[x + 3])
            + _D3 * (s[x + 8] - s[x + 2])
            + _D4 * (s[x + 9] - s[x + 1])
            + _D5 * (s[x + 10] - s[x])
        )
        down = (
            _S0 * d[x + 5]
            + _S1 * (d[x + 6] + d[x + 4])
            + _S2 * (d[x + 7] + d[x + 3])
            + _S3 * (d[x + 8] + d[x + 2])
            + _S4 * (d[x + 9] + d[x + 1])
            + _S5 * (d[x + 10] + d[x])
        )
        strength = across * across + down * down
        stronger = strength > square[x]
        square[x] = strength if stronger else square[x]
        cosine[x] = across * across - down * down if stronger else cosine[x]
        sine[x] = np.float32(2) * across * down if stronger else sine[x]


@numba.njit(**_fast)
def relate(length, around, turn, weight, floor, top, bottom, field):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Write the edge field in some rows: lengths against `weight` times the mean length `around`, and directions.

    Args:
        length, around: (h, w) float32 lengths of gradients, and their means.
        turn: (2, h, w) float32, see `strongest_gradients`.
        weight, floor: float32; the latter is added to the mean.
        top, bottom: the rows that are worked on, the last one excluded.
        field: (h, w, 3) float32, written.
    """
    for y in range(top, bottom):
        own, mean, cosine, sine, out = length[y], around[y], turn[0, y], turn[1, y], field[y]
        for x in range(own.shape[0]):
            share = np.float32(1) / (own[x] + weight * mean[x] + floor)
            factor = share * share
            out[x, 0] = own[x] * own[x] * factor
            out[x, 1] = cosine[x] * factor
            out[x, 2] = sine[x] * factor

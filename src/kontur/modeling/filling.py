"""The even-odd filling of closed rings, compiled."""

import numba
import numpy as np

_fast = {"cache": True, "nogil": True, "error_model": "numpy"}


@numba.njit(**_fast)
def fill_even_odd(corners, following, pixels):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Set the pixels whose centres lie inside an odd number of rings.

    Args:
        corners: (E, 2) float64 of all rings, px of `pixels`, centres at integers.
        following: (E,) which corner each edge leads to.
        pixels: (h, w) bool, all False at first; written.
    """
    height, width = pixels.shape
    for edge in range(len(corners)):
        (x0, y0), (x1, y1) = corners[edge], corners[following[edge]]
        first, last = max(0, int(np.ceil(min(y0, y1)))), min(height, int(np.ceil(max(y0, y1))))
        for row in range(first, last):
            column = int(np.ceil(x0 + (row - y0) / (y1 - y0) * (x1 - x0)))
            if column < width:
                pixels[row, max(0, column)] ^= True
    for row in range(height):
        inside = False
        for column in range(width):
            inside ^= pixels[row, column]
            pixels[row, column] = inside

"""The even-odd filling of closed rings, compiled."""

import numba
import numpy as np

_fast = {"cache": True, "nogil": True, "error_model": "numpy"}


@numba.njit(**_fast)
def fill_even_odd(corners, following, first, boxes, starts, pixels):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Set the pixels of N masks whose centres lie inside an odd number of their rings.

    Args:
        corners: (E, 2) float64 of all rings, px, centres at integers.
        following: (E,) which corner each edge leads to.
        first: (N + 1,) the corners of mask n are those from first[n] to first[n + 1].
        boxes: (N, 4) left, top, width and height of the masks' windows.
        starts: (N,) where each mask's pixels begin.
        pixels: bool of all masks, row by row, all False at first; written.
    """
    for n in range(len(boxes)):
        left, top, width, height = boxes[n]
        end = starts[n] + width * height
        if end > starts[n]:
            window = pixels[starts[n] : end].reshape(height, width)
            for edge in range(first[n], first[n + 1]):
                _toggle(corners[edge], corners[following[edge]], left, top, window)
            _sweep(window)


@numba.njit(**_fast)
def _toggle(start, end, left, top, window):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Toggle, in each row that an edge crosses, the first pixel to its right."""
    height, width = window.shape
    x0, y0, x1, y1 = start[0] - left, start[1] - top, end[0] - left, end[1] - top
    for row in range(max(0, int(np.ceil(min(y0, y1)))), min(height, int(np.ceil(max(y0, y1))))):
        column = int(np.ceil(x0 + (row - y0) / (y1 - y0) * (x1 - x0)))
        if column < width:
            window[row, max(0, column)] ^= True


@numba.njit(**_fast)
def _sweep(window):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Carry what was toggled on along the rows."""
    for row in range(window.shape[0]):
        inside = False
        for column in range(window.shape[1]):
            inside ^= window[row, column]
            window[row, column] = inside

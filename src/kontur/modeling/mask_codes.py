"""Masks as COCO's compressed run lengths, compiled: only the window that a mask lies in is looked at."""

import numba
import numpy as np
from numpy.typing import NDArray

from kontur.data_preprocessing.rle import compress

_fast = {"cache": True, "nogil": True, "error_model": "numpy"}


def window_counts(pixels: NDArray[np.bool_], left_top: tuple[int, int], size_wh: tuple[int, int]) -> str:
    """Return COCO's compressed counts (see `rle`) of a mask.

    Args:
        pixels: (h, w) bool, the mask where it lies.
        left_top: column and row of its first pixel in the picture.
        size_wh: the picture's size; the window must lie inside.
    """
    code: NDArray[np.uint8] = _encoded(pixels, *left_top, *size_wh)
    return code.tobytes().decode("ascii")


@numba.njit(**_fast)
def _encoded(pixels, left, top, width, height):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Bytes of the code: runs are found column by column, and one that goes on in the next column stays one."""
    most = pixels.shape[1] * ((pixels.shape[0] + 1) // 2)
    begin, end, found = np.empty(most, np.int64), np.empty(most, np.int64), 0
    for x in range(pixels.shape[1]):
        first = (left + x) * height + top
        inside = False
        for y in range(pixels.shape[0] + 1):
            now = y < pixels.shape[0] and pixels[y, x]
            if now and not inside:
                found = _opened(begin, end, found, first + y)
            elif inside and not now:
                end[found] = first + y
                found += 1
            inside = now
    return compress(begin[:found], end[:found], width * height)


@numba.njit(nogil=True)
def _opened(begin, end, found, at):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Begin a run, or go on with the last one where that ended here; returns how many runs are complete."""
    if found and end[found - 1] == at:
        return found - 1
    begin[found] = at
    return found

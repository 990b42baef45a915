"""How strong a picture's noise is, told from where it shows nothing else: texture and edges must not be taken for noise.

Noise is the same in all directions and everywhere in a picture, or nearly so; texture is neither. So the change over 1 px is
measured along rows and along columns in small blocks spread over the picture, of both the weaker counts, and of all blocks
the quieter ones do (as in Liu, Tanaka & Okutomi 2013, who choose weakly textured patches by their gradients).
"""

import numba
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

_BLOCK_PX = 8
_APART_PX = 24
"""Blocks begin this far from each other, or a multiple that gives no more than so many of them."""
_MOST_BLOCKS = 800
_QUIET_SHARE = 0.25
"""The noise is what this share of the blocks stays below."""
_QUIETER = 0.87
"""In smoothed even noise, that is this much of its deviation."""
_fast = {"cache": True, "nogil": True, "fastmath": True, "error_model": "numpy"}


def noise_level(pixels: Floats) -> float:
    """Return the standard deviation of the change over 1 px that noise causes in an (h, w, C) float32 picture."""
    height, width = pixels.shape[:2]
    apart = max(_APART_PX, round((height * width / _MOST_BLOCKS) ** 0.5))
    return noise_at(pixels, _begins(height, apart), _begins(width, apart))


def noise_at(pixels: Floats, top: NDArray[np.int64], left: NDArray[np.int64]) -> float:
    """Return the same, told by the blocks that begin in these rows and columns; 0 where there is none."""
    if len(top) == 0 or len(left) == 0:
        return 0.0
    change = np.empty(len(top) * len(left))
    _measure(pixels, top, left, change)
    quiet = int(_QUIET_SHARE * (len(change) - 1))
    return float(np.partition(change, quiet)[quiet]) / _QUIETER


def _begins(size: int, apart: int) -> NDArray[np.int64]:
    """Return where blocks begin along a side; a block reads one pixel before and one after it."""
    return np.arange(1, size - _BLOCK_PX, apart)


@numba.njit(**_fast)
def _measure(pixels, top, left, change):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Write the root mean square change per px in each block, along rows or columns: the lesser one."""
    for k in range(len(change)):
        change[k] = _change_of(pixels, top[k // len(left)], left[k % len(left)])


@numba.njit(**_fast)
def _change_of(pixels, top, left):  # type: ignore[no-untyped-def]  # pragma: no cover
    along, across = np.float32(0), np.float32(0)
    for y in range(top, top + _BLOCK_PX):
        for x in range(left, left + _BLOCK_PX):
            for c in range(pixels.shape[2]):
                along += (pixels[y, x + 1, c] - pixels[y, x - 1, c]) ** 2
                across += (pixels[y + 1, x, c] - pixels[y - 1, x, c]) ** 2
    return np.sqrt(min(along, across) / (_BLOCK_PX * _BLOCK_PX * pixels.shape[2])) / 2

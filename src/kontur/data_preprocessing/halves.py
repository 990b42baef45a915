"""Light in sixteen bits: half the memory that the cores have to share.

A packed number is a float32 without its sign, the lower half of its mantissa and the powers of two that light does not have:
11 bits of mantissa, which is finer than a sensor's steps, and 32 powers of two from 2^-17. What is darker becomes 2^-17.
"""

import numba
import numpy as np
from numpy.typing import NDArray

from kontur.data_preprocessing.compiled import ENTRY, INNER

_SHIFT = np.int32(12)
_LEAST, _GREATEST = np.array([2.0**-17, 2.0**14], np.float32).view(np.int32)
_ROUND = np.int32(1 << 11)


@numba.njit(**INNER)
def write_line(out, light):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Write a line of float32 light as it is, or packed when `out` is uint16."""
    if out.itemsize == 2:
        bits = light.view(np.int32)
        for k in range(len(out)):
            kept = min(_GREATEST, max(_LEAST, bits[k]))
            out[k] = np.uint16(np.int32(np.int32(kept - _LEAST) + _ROUND) >> _SHIFT)
    else:
        for k in range(len(out)):
            out[k] = light[k]


@numba.njit(**INNER)
def read_line(out, light):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Write a line of light, float32 or packed, as float32."""
    if light.itemsize == 2:
        bits = out.view(np.int32)
        for k in range(len(out)):
            bits[k] = np.int32(np.int32(np.int32(light[k]) << _SHIFT) + _LEAST)
    else:
        for k in range(len(out)):
            out[k] = np.float32(light[k])


@numba.njit(**ENTRY)
def read_light(light, out):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Write (planes, H, W) light, float32 or packed, as float32."""
    for c in range(len(light)):
        for y in range(light.shape[1]):
            read_line(out[c, y], light[c, y])


@numba.njit(**ENTRY)
def write_light(out, light):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Write (planes, H, W) float32 light as it is, or packed when `out` is uint16."""
    for c in range(len(light)):
        for y in range(light.shape[1]):
            write_line(out[c, y], light[c, y])


def unpacked(light: NDArray[np.float32] | NDArray[np.uint16]) -> NDArray[np.float32]:
    """Return (planes, H, W) light, float32 or packed, as float32 of its own."""
    out = np.empty(light.shape, np.float32)
    read_light(light, out)
    return out

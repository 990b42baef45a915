"""COCO's compressed run-length code of every instance of an id map, in one pass.

COCO's code (pycocotools, maskApi.c): counts of pixels outside and inside by turns, column by column; from the fourth on, the
difference to the one before last; each number in groups of five bits, lowest first, with a sixth bit for "more follows",
plus 48 to be printable.
"""

from dataclasses import dataclass
from itertools import pairwise

import cv2
import numba
import numpy as np
from numpy.typing import NDArray

_MORE, _PRINTABLE = 32, 48


@dataclass(frozen=True)
class MaskCode:
    """One instance's mask.

    Attributes:
        counts: COCO's compressed counts.
        area: pixels.
        bbox: (x, y, width, height) of the pixels, px, (0, 0) at the picture's corner.
    """

    counts: str
    area: int
    bbox: tuple[int, int, int, int]


def encode_ids(ids: NDArray[np.uint8], count: int) -> list[MaskCode]:
    """Return the code of instances 1..count of an (H, W) id map."""
    height = ids.shape[0]
    columns = cv2.transpose(ids).ravel()
    begins = _changes(columns)
    ends = np.append(begins[1:], columns.size)
    values = columns[begins]
    order = np.argsort(values, kind="stable")
    groups = np.searchsorted(values[order], np.arange(1, count + 2))
    begins, ends = begins[order], ends[order]
    codes = []
    for first, last in pairwise(groups.tolist()):
        begin, end = begins[first:last], ends[first:last]
        area, *bounds = _measure(begin, end, height)
        codes.append(MaskCode(compress(begin, end, columns.size).tobytes().decode(), area, tuple(bounds)))
    return codes


@numba.njit(cache=True, nogil=True)
def _measure(begin, end, height):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Area, and x, y, width, height of the box, of runs down columns; zeros for none."""
    if not len(begin):
        return 0, 0, 0, 0, 0
    area, top, bottom = 0, height - 1, 0
    for k in range(len(begin)):
        area += end[k] - begin[k]
        crossing = begin[k] // height != (end[k] - 1) // height
        top = min(top, 0 if crossing else begin[k] % height)
        bottom = max(bottom, height - 1 if crossing else (end[k] - 1) % height)
    left, right = begin[0] // height, (end[-1] - 1) // height
    return area, left, top, right - left + 1, bottom - top + 1


@numba.njit(cache=True, nogil=True)
def _changes(values):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Indices where a run of equal bytes begins."""
    found = 1
    for k in range(1, len(values)):
        found += values[k] != values[k - 1]
    out = np.zeros(found, np.int64)
    found = 1
    for k in range(1, len(values)):
        if values[k] != values[k - 1]:
            out[found] = k
            found += 1
    return out


@numba.njit(cache=True, nogil=True)
def compress(begin, end, total):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Bytes of the compressed counts."""
    counts = np.empty(2 * len(begin) + 1, np.int64)
    last = 0
    for k in range(len(begin)):
        counts[2 * k] = begin[k] - last
        counts[2 * k + 1] = end[k] - begin[k]
        last = end[k]
    size = 2 * len(begin)
    if last < total:
        counts[size] = total - last
        size += 1
    out = np.empty(8 * size + 8, np.uint8)
    at = 0
    for k in range(size):
        value = counts[k] - (counts[k - 2] if k > 2 else 0)
        more = True
        while more:
            low = value & 31
            value >>= 5
            more = value != -1 if low & 16 else value != 0
            out[at] = (low | _MORE if more else low) + _PRINTABLE
            at += 1
    return out[:at]

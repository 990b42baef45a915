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
_BYTES_MAX = 8
"""More than a number takes: 40 bits."""
_WORD = 8
_EVERY_BYTE = np.uint64(0x0101010101010101)


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
    columns = cv2.transpose(ids).ravel()
    whole = columns[: len(columns) // _WORD * _WORD].view(np.uint64)
    code, ends, areas, boxes = _encode(columns, whole, ids.shape[0], count)
    text = code.tobytes().decode()
    rows = zip(pairwise(ends.tolist()), areas.tolist(), boxes.tolist(), strict=True)
    return [MaskCode(text[begin:end], area, tuple(box)) for (begin, end), area, box in rows]


def count_ids(ids: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return (256,) how many pixels of an (H, W) map each number has."""
    values = ids.ravel()
    return _count(values, values[: len(values) // _WORD * _WORD].view(np.uint64))


@numba.njit(cache=True, nogil=True)
def _count(values, words):  # type: ignore[no-untyped-def]  # pragma: no cover
    """`words`: the same bytes by eights, without the rest."""
    out = np.zeros(256, np.int64)
    for word in range(len(words)):
        first = values[_WORD * word]
        if words[word] == np.uint64(first) * _EVERY_BYTE:
            out[first] += _WORD
        else:
            for k in range(_WORD * word, _WORD * (word + 1)):
                out[values[k]] += 1
    for k in range(_WORD * len(words), len(values)):
        out[values[k]] += 1
    return out


@numba.njit(cache=True, nogil=True)
def _encode(columns, words, height, count):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Codes of all instances, one after the other, where each begins and the last ends, areas, boxes (count, 4)."""
    changes = _changes(columns, words)
    groups = np.zeros(count + 2, np.int64)
    for k in range(len(changes)):
        if columns[changes[k]] <= count:
            groups[columns[changes[k]] + 1] += 1
    groups = np.cumsum(groups)
    begins, ends, filled = np.empty(groups[-1], np.int64), np.empty(groups[-1], np.int64), groups.copy()
    for k in range(len(changes)):
        key = columns[changes[k]]
        if key <= count:
            begins[filled[key]] = changes[k]
            ends[filled[key]] = changes[k + 1] if k + 1 < len(changes) else len(columns)
            filled[key] += 1
    out, at = np.empty(_BYTES_MAX * (2 * (len(begins) - groups[1]) + count + 1), np.uint8), 0
    codes, areas, boxes = np.zeros(count + 1, np.int64), np.empty(count, np.int64), np.empty((count, 4), np.int64)
    for key in range(1, count + 1):
        begin, end = begins[groups[key] : groups[key + 1]], ends[groups[key] : groups[key + 1]]
        areas[key - 1] = _measure(begin, end, height, boxes[key - 1])
        at += _compress(begin, end, len(columns), out[at:])
        codes[key] = at
    return out[:at], codes, areas, boxes


@numba.njit(nogil=True)
def _changes(values, words):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Indices where a run of equal bytes begins; `words`: the same bytes by eights, without the rest."""
    rest = _WORD * len(words)
    out = np.empty(_WORD * _mixed(values, words) + len(values) - rest + 2, np.int64)
    out[0], found, even = 0, 1, np.uint64(values[0]) * _EVERY_BYTE
    for word in range(len(words)):
        if words[word] != even:
            found = _changes_within(values, _WORD * word, _WORD * (word + 1), out, found)
            even = np.uint64(values[_WORD * word + _WORD - 1]) * _EVERY_BYTE
    return out[: _changes_within(values, rest, len(values), out, found)]


@numba.njit(nogil=True)
def _changes_within(values, begin, end, out, found):  # type: ignore[no-untyped-def]  # pragma: no cover
    for k in range(max(1, begin), end):
        out[found] = k  # without a condition, which would be guessed wrongly once for every change
        found += values[k] != values[k - 1]
    return found


@numba.njit(nogil=True)
def _mixed(values, words):  # type: ignore[no-untyped-def]  # pragma: no cover
    """How many words are anything but the last byte before them, eight times."""
    found, even = 0, np.uint64(values[0]) * _EVERY_BYTE
    for word in range(len(words)):
        if words[word] != even:
            found += 1
            even = np.uint64(values[_WORD * word + _WORD - 1]) * _EVERY_BYTE
    return found


@numba.njit(nogil=True)
def _measure(begin, end, height, box):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Return the area of runs down columns, and write x, y, width, height of their box; zeros for none."""
    box[:] = 0
    if not len(begin):
        return 0
    area, top, bottom = 0, height - 1, 0
    for k in range(len(begin)):
        area += end[k] - begin[k]
        crossing = begin[k] // height != (end[k] - 1) // height
        top = min(top, 0 if crossing else begin[k] % height)
        bottom = max(bottom, height - 1 if crossing else (end[k] - 1) % height)
    left, right = begin[0] // height, (end[-1] - 1) // height
    box[0], box[1], box[2], box[3] = left, top, right - left + 1, bottom - top + 1
    return area


@numba.njit(cache=True, nogil=True)
def compress(begin, end, total):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Bytes of the compressed counts of runs in `total` pixels."""
    out = np.empty(_BYTES_MAX * (2 * len(begin) + 1), np.uint8)
    return out[: _compress(begin, end, total, out)]


@numba.njit(nogil=True)
def _compress(begin, end, total, out):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Write the compressed counts; returns how many bytes they take."""
    at, last, outside, inside = 0, 0, 0, 0
    for k in range(len(begin)):
        at = _put(out, at, begin[k] - last - (outside if k > 1 else 0))
        at = _put(out, at, end[k] - begin[k] - (inside if k > 0 else 0))
        outside, inside, last = begin[k] - last, end[k] - begin[k], end[k]
    if last < total:
        at = _put(out, at, total - last - (outside if len(begin) > 1 else 0))
    return at


@numba.njit(nogil=True)
def _put(out, at, value):  # type: ignore[no-untyped-def]  # pragma: no cover
    more = True
    while more:
        low = value & 31
        value >>= 5
        more = value != -1 if low & 16 else value != 0
        out[at] = (low | _MORE if more else low) + _PRINTABLE
        at += 1
    return at

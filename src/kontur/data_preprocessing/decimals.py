"""Many numbers as text with a fixed number of decimals, which is most of a label file, without formatting each in Python."""

from collections.abc import Sequence
from itertools import chain, pairwise

import numba
import numpy as np
from numpy.typing import ArrayLike, NDArray

from kontur.geometry import Points

_BYTES_MAX = 20
_TEN = np.uint64(10)
_INNER = {"nogil": True, "_nrt": False}
"""Without counting who uses an array, see `compiled`."""
_BETWEEN_RINGS = np.frombuffer(b"],[", np.uint8)
_NO_RINGS = np.empty(0, np.int64)


def number_rows(values: ArrayLike, sizes: Sequence[int], places: int, separator: str) -> list[str]:
    """Return rows of numbers, rounded to `places` decimals: "1.25,-0.50".

    Args:
        values: the numbers of all rows, finite and of magnitude below 1e12; arrays are flattened.
        sizes: how many numbers each row has.
        places: at least 1.
        separator: one ASCII character.
    """
    return _texts(np.asarray(values, np.float64).ravel(), sizes, _NO_RINGS, places, separator)


def ring_rows(rows: Sequence[Sequence[Points]], places: int, shift: float) -> list[str]:
    """Return each list of (N, 2) rings, all moved by `shift`, as JSON, each ring flat: "[[x1,y1,x2,y2],[...]]"."""
    rings = [ring.ravel() for ring in chain.from_iterable(rows)]
    if not rings:
        return ["[]"] * len(rows)
    begins = np.cumsum([0, *map(len, rings)])[:-1]
    sizes = [sum(ring.size for ring in row) for row in rows]
    texts = _texts(np.concatenate(rings) + shift, sizes, begins, places, ",")
    return [f"[[{text}]]" if text else "[]" for text in texts]


def _texts(
    values: NDArray[np.float64], sizes: Sequence[int], rings: NDArray[np.int64], places: int, separator: str
) -> list[str]:
    """Texts of rows of `sizes` numbers each; `rings`: where rings begin."""
    ends = np.cumsum([0, *sizes])
    text, written = _write(values, rings, ends, places, ord(separator))
    whole = text.tobytes().decode()
    return [whole[begin:end] for begin, end in pairwise(written.tolist())]


@numba.njit(cache=True, nogil=True)
def _write(values, rings, ends, places, separator):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Return all rows, one after the other, and where each begins and the last ends, bytes."""
    out, at, ring, unit = np.empty(len(values) * _BYTES_MAX, np.uint8), 0, 0, 10.0**places
    written = np.zeros(len(ends), np.int64)
    for row in range(len(ends) - 1):
        for index in range(ends[row], ends[row + 1]):
            opens = ring < len(rings) and rings[ring] == index
            ring += opens
            if opens and index > ends[row]:
                out[at], out[at + 1], out[at + 2] = _BETWEEN_RINGS[0], _BETWEEN_RINGS[1], _BETWEEN_RINGS[2]
                at += 3
            elif index > ends[row]:
                out[at] = separator
                at += 1
            at = _put(out, at, np.int64(np.rint(values[index] * unit)), places)
        written[row + 1] = at
    return out[:at], written


@numba.njit(**_INNER)
def _put(out, at, number, places):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Write a whole number of units of 10 ** -places from byte `at` on, its last digit first; returns where it ends."""
    rest = np.uint64(abs(number))
    if number < 0:
        out[at] = 45
        at += 1
    length, bound = places + 1, _TEN
    for _ in range(places):
        bound *= _TEN
    while rest >= bound:
        length += 1
        bound *= _TEN
    rest = _put_digits(out, at + length, places, rest)
    out[at + length - places] = 46
    _put_digits(out, at + length - places - 1, length - places, rest)
    return at + length + 1


@numba.njit(**_INNER)
def _put_digits(out, last, count, rest):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Write the lowest digits, the last at byte `last`; returns what is left of the number."""
    for k in range(count):
        tenth = rest // _TEN
        out[last - k] = 48 + np.uint8(rest - tenth * _TEN)
        rest = tenth
    return rest

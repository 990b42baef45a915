"""Many numbers as text with a fixed number of decimals, which is most of a label file, without formatting each in Python."""

from collections.abc import Sequence

import numba
import numpy as np
from numpy.typing import ArrayLike

from kontur.geometry import Points

_BYTES_MAX = 20
_BETWEEN_RINGS = np.frombuffer(b"],[", np.uint8)


def decimals(values: ArrayLike, places: int, separator: str) -> str:
    """Return the values, flattened, rounded to `places` decimals: "1.25,-0.50".

    Args:
        values: finite, of magnitude below 1e12.
        places: at least 1.
        separator: one ASCII character.
    """
    return _text(np.asarray(values, np.float64).ravel(), np.empty(0, np.int64), places, separator)


def ring_lists(rings: Sequence[Points], places: int) -> str:
    """Return (N, 2) rings as JSON, each a flat list: "[[x1,y1,x2,y2],[...]]"."""
    if not rings:
        return "[]"
    ends = np.cumsum([ring.size for ring in rings])
    return f"[[{_text(np.concatenate(rings).ravel(), ends[:-1], places, ',')}]]"


def _text(values: Points, ends: np.ndarray, places: int, separator: str) -> str:
    out = np.empty(len(values) * _BYTES_MAX, np.uint8)
    return out[: _write(values, ends, places, ord(separator), out)].tobytes().decode()


@numba.njit(cache=True, nogil=True)
def _write(values, ends, places, separator, out):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Write each number from its last digit to its first, then turn it round; returns the bytes written."""
    at, ring, unit = 0, 0, 10.0**places
    for index in range(len(values)):
        number = np.int64(np.rint(values[index] * unit))
        if ring < len(ends) and index == ends[ring]:
            out[at : at + 3] = _BETWEEN_RINGS
            at += 3
            ring += 1
        elif index:
            out[at] = separator
            at += 1
        begin, rest, written = at, abs(number), 0
        while rest > 0 or written <= places:
            if written == places:
                out[at] = 46
                at += 1
            out[at] = 48 + rest % 10
            rest //= 10
            written += 1
            at += 1
        if number < 0:
            out[at] = 45
            at += 1
        out[begin:at] = out[begin:at][::-1].copy()
    return at

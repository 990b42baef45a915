"""What a picture shows of the differences between near-identical parts: it decides which of them can be told apart at all.

A part half hidden may be several: all of it that is seen lies on the contour of another part too, laid there, and the rest
of the other's contour would be hidden as well. Nothing in the picture tells them apart then, and a name is a guess.
"""

from collections.abc import Sequence

import numba
import numpy as np
from numpy.typing import NDArray

from kontur.data_preprocessing.sample import Sample
from kontur.geometry import Part
from kontur.modeling.contour_model import contour_model

DIFFERENT_MM = 0.7
"""Contours that lie farther from each other differ: by about a pixel."""
_SPACING_MM = 0.6
_INSIDE_MM = 1.5
"""The material this far inside a contour tells whether it is seen there."""
_STEPS = 8
_REACH_MM = 3.0
"""What lies farther from the other contour has no say in how the other one is laid."""

Places = NDArray[np.complex128]
"""Points in the frame of an instance, mm: x + iy."""


def can_be_told(sample: Sample, number: int, parts: Sequence[Part], least_mm: float) -> bool:
    """Whether a picture shows that an instance is none of the other parts, by so much contour or more.

    Every other part is laid on what is seen of the instance as well as it can be, at the same scale. It is told by contour
    of the instance that is seen and lies beside the other's, and by the other's contour where it would be seen and is not.

    Args:
        sample: the picture and its truth.
        number: of the instance.
        parts: the part list.
        least_mm: contour that must tell.
    """
    part = sample.instances[number].part
    own, material = _contour(parts[part])
    seen = own[_at(sample, number, material) == number + 1]
    if len(seen) == 0:
        return False
    others = (_laid(_contour(other)[0], own, seen) for index, other in enumerate(parts) if index != part)
    return all(_telling_mm(sample, number, own, seen, other) >= least_mm for other in others)


def _contour(part: Part) -> tuple[Places, Places]:
    """Return points along a part's contours, and material beside them."""
    model = contour_model(part, _SPACING_MM)
    points, inside = model.points_mm, model.points_mm - _INSIDE_MM * model.normals
    return points @ (1, 1j), inside @ (1, 1j)


def _at(sample: Sample, number: int, places: Places) -> NDArray[np.int64]:
    """Return what lies on top at places of an instance's frame, see `Sample.ids`; -1 outside the picture."""
    at = np.round(sample.instances[number].pose.apply(np.column_stack([places.real, places.imag]))).astype(int)
    inside = ((at >= 0) & (at < sample.ids.shape[::-1])).all(axis=1)
    found = np.full(len(at), -1)
    found[inside] = sample.ids[at[inside, 1], at[inside, 0]]
    return found


def _laid(other: Places, own: Places, seen: Places) -> Places:
    """Lay a contour on what is seen of another one: corner on corner first, then nearest points on each other."""
    other = other + complex(own.real.min() - other.real.min(), own.imag.min() - other.imag.min())
    for _ in range(_STEPS):
        nearest, apart = _nearest(seen, other)
        near = apart <= _REACH_MM
        if np.count_nonzero(near) < 2:
            break
        theirs, ours = other[nearest[near]], seen[near]
        turn = np.vdot(theirs - theirs.mean(), ours - ours.mean())
        if turn == 0:
            break
        other = (other - theirs.mean()) * turn / abs(turn) + ours.mean()
    return other


def _telling_mm(sample: Sample, number: int, own: Places, seen: Places, other: Places) -> float:
    """Return how much contour tells an instance from another part that is laid on it."""
    top = _at(sample, number, other[_nearest(other, own)[1] > DIFFERENT_MM])
    would_be_seen = np.count_nonzero((top >= 0) & (top <= number + 1))
    return _SPACING_MM * (would_be_seen + np.count_nonzero(_nearest(seen, other)[1] > DIFFERENT_MM))


@numba.njit
def _nearest(places, others):  # type: ignore[no-untyped-def]
    """Return which of the others is nearest to each place, and how far away it is."""
    found, apart = np.zeros(len(places), np.int64), np.empty(len(places))
    for n in range(len(places)):
        least = np.inf
        for k in range(len(others)):
            x, y = others[k].real - places[n].real, others[k].imag - places[n].imag
            if x * x + y * y < least:
                found[n], least = k, x * x + y * y
        apart[n] = np.sqrt(least)
    return found, apart

"""Copies on a sheet: turned and shifted ones are one part, anything else is another."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from outlines import ell, rectangle, saw

from kontur.geometry import Contour, circle_contour, make_part
from kontur.geometry.copies import copies_of, merge_copies


def turned(points, angle):
    c, s = np.cos(angle), np.sin(angle)
    return np.asarray(points, float) @ np.array([[c, s], [-s, c]])


def plate(angle=0.0, at=(0.0, 0.0), hole=(20, 12, 5), mirror=False, length=80, sagitta_mm=0.01):
    """A plate with one round hole off its axes, turned about the origin and shifted."""
    sign = np.array([-1.0 if mirror else 1.0, 1.0])
    (x, y), radius = turned([np.array(hole[:2]) * sign], angle)[0] + at, hole[2]
    outline = turned(rectangle(length, 50) * sign, angle) + at
    return make_part("plate", Contour(outline), (circle_contour(x, y, radius, sagitta_mm),))


@given(st.floats(-7, 7), st.floats(-1e4, 1e4), st.floats(-1e4, 1e4))
def test_turned_and_shifted_parts_are_copies(angle, x, y):
    assert copies_of([plate(), plate(angle, (x, y))]) == [0, 0]


@given(st.floats(-7, 7), st.sampled_from([ell, lambda: saw(9), lambda: rectangle(70, 9)]))
def test_any_outline_turned_is_a_copy(angle, outline):
    parts = [make_part("a", Contour(outline())), make_part("b", Contour(turned(outline(), angle)))]
    assert copies_of(parts) == [0, 0]


@pytest.mark.parametrize("start", [1, 3])
def test_another_first_corner_is_a_copy(start):
    parts = [make_part("a", Contour(ell())), make_part("b", Contour(np.roll(ell(), start, axis=0)))]
    assert copies_of(parts) == [0, 0]


def test_a_coarser_polygon_of_the_same_circle_is_a_copy():
    assert copies_of([plate(), plate(1.0, sagitta_mm=0.004)]) == [0, 0]


@pytest.mark.parametrize(
    "other",
    [
        {"hole": (20, 12, 5.1)}, {"hole": (20.2, 12, 5)}, {"hole": (20, 38, 5)}, {"length": 80.2}, {"mirror": True},
        {"hole": (60, 12, 5)},
    ],
    ids=["wider hole", "shifted hole", "hole opposite", "longer", "mirrored", "hole at the other end"],
)  # fmt: skip
@pytest.mark.parametrize("angle", [0.0, 1.3])
def test_what_differs_is_another_part(other, angle):
    """A mirror image, too: which side is up may matter."""
    assert copies_of([plate(), plate(angle, **other)]) == [0, 1]


def test_a_mirror_image_of_what_is_not_chiral_is_a_copy():
    symmetric = plate(hole=(20, 25, 5))
    assert copies_of([symmetric, plate(0.4, hole=(20, 25, 5), mirror=True)]) == [0, 0]


def test_discs_are_copies_whatever_their_place():
    discs = [make_part("d", circle_contour(x, 0, 5)) for x in (0, 20, 40)] + [make_part("e", circle_contour(0, 0, 5.2))]
    assert copies_of(discs) == [0, 0, 0, 3]


def test_merging_counts_and_keeps_the_first_and_its_order():
    parts = [plate(), make_part("ell", Contour(ell())), plate(2.0, (500, 0)), plate(-1.0)]
    merged = merge_copies(parts)
    assert [(part.name, part.copies) for part in merged] == [("plate", 3), ("ell", 1)]
    assert merged[0].outer is parts[0].outer and [part.copies for part in parts] == [1] * 4
    assert [part.copies for part in merge_copies([*merged, plate(0.3)])] == [4, 1]


def test_nothing_merges_to_nothing():
    assert merge_copies([]) == () and copies_of([]) == []


def test_many_copies_are_compared_with_one_of_each():
    """A thousand copies of two parts: every part must be looked at once, not each with each."""
    rng = np.random.default_rng(1)
    kinds = [plate(), plate(hole=(30, 12, 4))]
    parts = [kinds[k] for k in rng.integers(0, 2, 1000)]
    first = copies_of(parts)
    assert len(set(first)) == 2 and all(parts[a].sha256 == part.sha256 for a, part in zip(first, parts, strict=True))

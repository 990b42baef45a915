"""The homographies that lead from a thing's window to its template, against numpy's own products."""

import numpy as np
import pytest
from generator_parts import PARTS, bracket, place, plate

from kontur.data_preprocessing.composition import template_maps
from kontur.data_preprocessing.layout import clearance_mm
from kontur.data_preprocessing.shapes import part_shape
from kontur.geometry import Pose


@pytest.mark.parametrize("every", [1, 2])
def test_a_windows_element_leads_to_the_template_through_picture_and_frame(every):
    rng = np.random.default_rng(every)
    grid = part_shape(bracket(), 0.4).levels[0].mm_to_grid
    maps = np.eye(3) + 0.01 * rng.normal(size=(4, 3, 3))
    left, top = 31.5, -12.0
    got = template_maps(grid, maps, every, left, top)
    window = np.array([[every, 0, left], [0, every, top], [0, 0, 1]])
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, (grid @ maps @ window).reshape(4, 9), rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)
def test_the_clearance_of_two_things_does_not_depend_on_which_is_asked(part):
    lying, other = place(plate(), Pose(4.0, 3.0, 0.7)), place(part, Pose(21.0, -19.0, 2.1))
    there = clearance_mm(other.shape, other.pose, lying)
    assert there == pytest.approx(clearance_mm(lying.shape, lying.pose, other), abs=1e-9)

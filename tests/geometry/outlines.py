"""Shapes whose properties are known by construction."""

import numpy as np
from hypothesis import strategies as st


def regular(count, radius_mm=20.0, start_rad=0.1):
    """Corners of a regular polygon around the origin, counter-clockwise."""
    angle = start_rad + np.arange(count) * 2 * np.pi / count
    return radius_mm * np.column_stack([np.cos(angle), np.sin(angle)])


def star(count, outer_mm=20.0, inner_mm=12.0):
    """Corners of a star with `count` points: symmetric of order `count`, the same as its mirror image."""
    angle = np.arange(2 * count) * np.pi / count
    radius = np.where(np.arange(2 * count) % 2, inner_mm, outer_mm)
    return np.column_stack([radius * np.cos(angle), radius * np.sin(angle)])


def saw(count, outer_mm=20.0, inner_mm=14.0):
    """Corners of a ratchet wheel with `count` slanted teeth: symmetric of order `count`, chiral."""
    angle = np.repeat(np.arange(count) * 2 * np.pi / count, 2)
    radius = np.tile([inner_mm, outer_mm], count)
    return np.column_stack([radius * np.cos(angle), radius * np.sin(angle)])


def rectangle(width_mm, height_mm, x_mm=0.0, y_mm=0.0):
    """Corners of an axis-parallel rectangle with its lower left corner at (x, y), counter-clockwise."""
    return np.array([(0, 0), (width_mm, 0), (width_mm, height_mm), (0, height_mm)], float) + (x_mm, y_mm)


def ell(arm_mm=40.0, foot_mm=25.0, width_mm=8.0):
    """Corners of an L with unequal legs: no symmetry, chiral."""
    return np.array(
        [(0, 0), (foot_mm, 0), (foot_mm, width_mm), (width_mm, width_mm), (width_mm, arm_mm), (0, arm_mm)], float
    )


@st.composite
def stars_about_a_point(draw):
    """Simple polygons, counter-clockwise: corners at growing angles about a point anywhere in the plane."""
    count = draw(st.integers(3, 14))
    radii = np.array(draw(st.lists(st.floats(3, 60), min_size=count, max_size=count)))
    jitter = np.array(draw(st.lists(st.floats(-0.3, 0.3), min_size=count, max_size=count)))
    centre = draw(st.tuples(st.floats(-500, 500), st.floats(-500, 500)))
    angle = (np.arange(count) + jitter) * 2 * np.pi / count
    return radii[:, None] * np.column_stack([np.cos(angle), np.sin(angle)]) + centre

"""A drawing moved, turned, mirrored or scaled holds the same parts."""

import numpy as np
import pytest
from dxf_making import ELL, areas, diameters, document, lines, plate, read, rectangle
from ezdxf.math import Matrix44
from hypothesis import given, settings
from hypothesis import strategies as st


def contents(msp):
    """Parts of several kinds: with round holes, of lines, with curves, chiral and symmetric."""
    plate(msp)
    lines(msp, ELL + (150, 0))
    msp.add_lwpolyline([(0, 100, 0.5), (40, 100, 0), (40, 130, -0.3), (0, 130, 0)], format="xyb", close=True)
    msp.add_ellipse((80, 120), (25, 0), 0.4)
    msp.add_circle((280, 40), 25)
    lines(msp, rectangle(270, 30, 20, 20))


def found(matrix=None, scale=1.0):
    """What must not change: areas, holes, round diameters (at scale 1), symmetry and chirality, by area."""
    doc, msp = document()
    contents(msp)
    for entity in list(msp):
        if matrix is not None:
            entity.transform(matrix)
    drawing = read(doc, unit="mm", sagitta_mm=0.01 * scale)
    parts = sorted(drawing.parts, key=lambda part: part.area_mm2)
    return (
        np.array(areas(drawing)) / scale**2,
        np.array([part.perimeter_mm for part in parts]) / scale,
        np.array([d for part in parts for d in diameters(part)]) / scale,
        [(len(part.holes), part.symmetry, part.chiral) for part in parts],
    )


@pytest.fixture(scope="module")
def plain():
    return found()


def same(a, b):
    assert a[0] == pytest.approx(b[0], rel=1e-5)
    assert a[1] == pytest.approx(b[1], rel=1e-4)
    assert a[2] == pytest.approx(b[2], rel=1e-9)
    assert a[3] == b[3]


def test_what_is_found_is_what_was_drawn(plain):
    assert len(plain[0]) == 5
    assert plain[3].count((2, 1, True)) == 1  # the plate
    assert (1, 4, False) in plain[3]  # the disc with its square hole
    assert (0, 2, False) in plain[3]  # the ellipse
    assert plain[2] == pytest.approx([10, 16])


@settings(max_examples=25)
@given(angle=st.floats(-np.pi, np.pi), x=st.floats(-1e4, 1e4), y=st.floats(-1e4, 1e4))
def test_moving_and_turning(plain, angle, x, y):
    same(found(Matrix44.z_rotate(angle) @ Matrix44.translate(x, y, 0)), plain)


@settings(max_examples=10)
@given(angle=st.floats(-np.pi, np.pi))
def test_mirroring(plain, angle):
    same(found(Matrix44.scale(-1, 1, 1) @ Matrix44.z_rotate(angle)), plain)


@settings(max_examples=15)
@given(scale=st.floats(0.05, 50))
def test_scaling(plain, scale):
    same(found(Matrix44.scale(scale, scale, scale), scale), plain)


def test_raising(plain):
    same(found(Matrix44.translate(0, 0, 77)), plain)

"""Bombs, garbage and absurd numbers: a clear error or a right reading, and always an end."""

import gzip

import numpy as np
import pytest
from dxf_making import (
    ELL,
    ELL_AREA,
    areas,
    box,
    box_tags,
    document,
    drawn,
    entities_section,
    plate,
    read,
    read_text,
    ring,
)
from pydantic import ValidationError

from kontur.drawing import DrawingRules
from kontur.errors import DrawingError


def bomb(levels, grid):
    """A square inserted in a grid, which is inserted in a grid, ..."""
    doc, msp = document()
    box(doc.blocks.new("B0"), 0, 0, 1, 1)
    array = {"column_count": grid, "row_count": grid, "column_spacing": 2, "row_spacing": 2}
    for level in range(1, levels + 1):
        layout = msp if level == levels else doc.blocks.new(f"B{level}")
        layout.add_blockref(f"B{level - 1}", (0, 0), dxfattribs=array)
    return doc


@pytest.mark.parametrize(("levels", "grid"), [(1, 30_000), (3, 32), (9, 10), (30, 2)])
def test_bombs_of_arrayed_insertions_are_refused(levels, grid):
    """From 10^9 entities up; counted, not exploded."""
    with pytest.raises(DrawingError, match=f"{grid ** (2 * levels)} entities"):
        read(bomb(levels, grid))


def test_bombs_of_plain_insertions_are_refused():
    doc, msp = document()
    box(doc.blocks.new("B0"), 0, 0, 1, 1)
    for level in range(1, 40):
        layout = msp if level == 39 else doc.blocks.new(f"B{level}")
        for x in (0, 1):
            layout.add_blockref(f"B{level - 1}", (x, 0))
    with pytest.raises(DrawingError, match="max_entities"):
        read(doc)


def test_insertions_below_the_limit_are_read():
    doc = bomb(1, 12)
    assert len(read(doc).parts) == 144
    with pytest.raises(DrawingError, match="144 entities"):
        read(doc, max_entities=143)


def test_entities_are_limited():
    with pytest.raises(DrawingError, match="max_entities"):
        read_text(entities_section(box_tags(0, 0, 100, 60) * 30), max_entities=100)


def test_time_is_limited():
    with pytest.raises(DrawingError, match="max_seconds"):
        drawn(plate, max_seconds=1e-6)


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_the_size_is_limited_once_unpacked(pack):
    data = pack(b"0\nSECTION\n" + b"999\nnothing but comments\n" * 100_000)
    with pytest.raises(DrawingError, match="max_megabytes"):
        read_text(data, max_megabytes=1)


def test_garbage_is_refused():
    garbage = np.random.default_rng(5).integers(0, 256, 8_000_000, np.uint8).tobytes()
    with pytest.raises(DrawingError, match=r"part\.dxf"):
        read_text(garbage)


def test_garbage_that_starts_like_a_drawing():
    garbage = np.random.default_rng(6).integers(0, 256, 300_000, np.uint8).tobytes()
    try:
        drawing = read_text(b"  0\nSECTION\n  2\nHEADER\n" + garbage)
    except DrawingError:
        return
    assert drawing.parts == ()


def test_points_are_limited():
    """A thousand ellipses at a nanometre's sagitta."""

    def draw(msp):
        for i in range(1200):
            msp.add_ellipse((0, 300 * i), (100, 0), 0.5)

    with pytest.raises(DrawingError, match="sagitta_mm"):
        drawn(draw, sagitta_mm=1e-9)


@pytest.mark.parametrize("far", [1e4, 1e6, 1e8])
def test_parts_far_from_the_origin_keep_their_shape(far):
    def draw(msp):
        ring(msp, ELL + (far, -far))
        msp.add_circle((far + 10, -far + 50), 4)

    drawing = drawn(draw)
    assert areas(drawing) == [pytest.approx(ELL_AREA - 16 * np.pi, rel=1e-6)]
    assert drawing.parts[0].origin_mm[0] == pytest.approx(far, rel=1e-2)


def test_coordinates_at_a_thousand_million():
    drawing = drawn(lambda msp: ring(msp, ELL + 1e9))
    assert areas(drawing) == [pytest.approx(ELL_AREA, rel=1e-3)]


def test_a_stray_line_at_a_thousand_million_is_not_silent():
    """It makes the drawing a million times larger: the part is found all the same, or something is said."""

    def draw(msp):
        ring(msp, ELL)
        msp.add_line((1e9, 1e9), (1e9 + 5, 1e9))

    drawing = drawn(draw)
    assert areas(drawing) == [pytest.approx(ELL_AREA, rel=1e-3)] or any(i.severity != "info" for i in drawing.issues)


def test_entities_without_length_are_harmless():
    def draw(msp):
        ring(msp, ELL)
        msp.add_line((5, 5), (5, 5))
        msp.add_circle((5, 5), 0)
        msp.add_arc((5, 5), 0, 0, 180)
        msp.add_lwpolyline([(7, 7), (7, 7), (7, 7)], close=True)
        msp.add_open_spline([(8, 8)] * 4)
        msp.add_solid([(9, 9)] * 4)

    drawing = drawn(draw)
    assert areas(drawing) == [pytest.approx(ELL_AREA)]
    assert all(c.used == 0 for kind, c in drawing.entities.items() if kind != "LWPOLYLINE")


def test_a_contour_without_area_is_no_part():
    drawing = drawn(lambda msp: ring(msp, [(0, 0), (50, 0), (100, 0)]))
    assert drawing.parts == ()


@pytest.mark.parametrize("bulge", [1e-12, 1e6, -1e6, 1e12])
def test_absurd_bulges_end(bulge):
    def draw(msp):
        ring(msp, ELL)
        msp.add_lwpolyline([(200, 0, bulge), (210, 0, 0), (210, 5, 0)], format="xyb", close=True)

    try:
        drawing = drawn(draw)
    except DrawingError:
        return
    assert all(np.isfinite(part.area_mm2) for part in drawing.parts)


@pytest.mark.parametrize("radius", [1e-12, 1e7, 1e15])
def test_absurd_radii_end(radius):
    try:
        drawing = drawn(lambda msp: (ring(msp, ELL), msp.add_circle((0, 0), radius)))
    except DrawingError:
        return
    assert all(np.isfinite(part.area_mm2) for part in drawing.parts)


@pytest.mark.parametrize("rule", ["sagitta_mm", "join_mm", "close_mm", "max_seconds", "max_entities", "max_megabytes"])
@pytest.mark.parametrize("value", [0, -1])
def test_rules_that_make_no_sense_are_refused(rule, value):
    with pytest.raises(ValidationError, match=rule):
        DrawingRules(**{rule: value})

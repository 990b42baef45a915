"""Which contour is whose hole, which is a part of its own, and how parts are named and ordered."""

import numpy as np
import pytest
import shapely
from dxf_making import (
    ELL,
    ELL_AREA,
    PLATE_AREA,
    areas,
    box,
    codes,
    document,
    drawn,
    issue,
    lines,
    only,
    placed,
    plate,
    read,
    rectangle,
    ring,
)
from hypothesis import given, settings
from hypothesis import strategies as st

NOTCH = (30, 40, 20, 20)
"""A square in the notch of the L: inside its bounding box, outside of it."""


@pytest.mark.parametrize("levels", [1, 2, 3, 4, 5])
def test_hexagons_in_hexagons(levels):
    """Radii 100, 80, 60, ...: every other one starts a part; each ring-shaped part has one hole."""
    radii = [100 - 18 * i for i in range(levels)]
    corners = np.array([(np.cos(a), np.sin(a)) for a in np.radians([0, 60, 120, 180, 240, 300])])
    drawing = drawn(lambda msp: [ring(msp, r * corners) for r in radii])
    inside = [1.5 * np.sqrt(3) * r * r for r in radii] + [0]
    expected = [inside[i] - inside[i + 1] for i in range(0, levels, 2)]
    assert areas(drawing) == pytest.approx(sorted(expected))
    assert sorted(len(part.holes) for part in drawing.parts) == sorted(int(i + 1 < levels) for i in range(0, levels, 2))


def test_an_island_in_a_hole_is_another_part():
    def draw(msp):
        box(msp, 0, 0, 100, 60)
        ring(msp, [(10, 10), (60, 10), (60, 50), (10, 50)])
        msp.add_circle((30, 30), 12)
        msp.add_circle((30, 25), 3)

    drawing = drawn(draw)
    assert areas(drawing) == pytest.approx([135 * np.pi, 6000 - 2000])
    assert sorted(len(part.holes) for part in drawing.parts) == [1, 1]


def test_a_square_in_the_notch_of_an_l_is_not_its_hole():
    drawing = drawn(lambda msp: (ring(msp, ELL), box(msp, *NOTCH)))
    assert areas(drawing) == pytest.approx([400, ELL_AREA])
    assert all(part.holes == () for part in drawing.parts)


def test_a_hole_of_a_part_that_lies_in_the_notch_of_another():
    def draw(msp):
        ring(msp, ELL)
        box(msp, *NOTCH)
        msp.add_circle((40, 50), 5)
        msp.add_circle((10, 50), 5)

    drawing = drawn(draw)
    assert areas(drawing) == pytest.approx([400 - 25 * np.pi, ELL_AREA - 25 * np.pi])


def test_a_hole_belongs_to_the_smallest_contour_around_it():
    def draw(msp):
        box(msp, 0, 0, 200, 200)
        box(msp, 20, 20, 160, 160)
        box(msp, 40, 40, 120, 120)
        for x in (60, 100, 140):
            msp.add_circle((x, 100), 8)
        msp.add_circle((10, 10), 3)

    drawing = drawn(draw)
    assert sorted(len(part.holes) for part in drawing.parts) == [2, 3]
    expected = [200**2 - 160**2 - 9 * np.pi, 120**2 - 3 * 64 * np.pi]
    assert areas(drawing) == pytest.approx(sorted(expected), rel=1e-9)


def test_many_holes_are_all_found():
    def draw(msp):
        box(msp, 0, 0, 300, 200)
        for i in range(20):
            for j in range(15):
                msp.add_circle((10 + 14 * i, 10 + 12 * j), 2 + 0.1 * ((i + j) % 5))

    part = only(drawn(draw))
    expected = 60_000 - sum(np.pi * (2 + 0.1 * ((i + j) % 5)) ** 2 for i in range(20) for j in range(15))
    assert len(part.holes) == 300 and part.area_mm2 == pytest.approx(expected, rel=1e-9)


def test_a_hole_of_lines_in_an_outline_of_lines():
    drawing = drawn(lambda msp: (lines(msp, ELL), lines(msp, rectangle(5, 30, 10, 20))))
    assert only(drawing).area_mm2 == pytest.approx(ELL_AREA - 200)


def test_a_countersink_is_ambiguous():
    """Two circles about one centre in a plate: a step or a washer in a hole, the drawing does not say."""

    def draw(msp):
        box(msp, 0, 0, 100, 60)
        msp.add_circle((50, 30), 10)
        msp.add_circle((50, 30), 5)

    drawing = drawn(draw)
    assert drawing.ambiguous and "concentric_circles" in codes(drawing)


def test_the_frame_of_a_sheet_is_told_and_said():
    def draw(msp):
        box(msp, -50, -50, 420, 297)
        for i in range(3):
            box(msp, 110 * i, 0, 100, 60)
            msp.add_circle((110 * i + 30, 30), 10)

    drawing = drawn(draw)
    assert areas(drawing) == pytest.approx([6000 - 100 * np.pi] * 3, rel=1e-9)
    assert issue(drawing, "sheet_frame").severity == "ambiguous"


def test_the_two_lines_of_a_frame_are_told_and_said():
    def draw(msp):
        box(msp, -50, -50, 420, 297)
        box(msp, -40, -40, 400, 277)
        ring(msp, ELL)
        box(msp, 110, 0, 100, 60)
        msp.add_circle((140, 30), 10)

    drawing = drawn(draw)
    assert areas(drawing) == pytest.approx([2400, 6000 - 100 * np.pi], rel=1e-9)
    assert issue(drawing, "sheet_frame").severity == "ambiguous"


def test_a_frame_around_a_plate_with_a_hole_is_not_two():
    def draw(msp):
        box(msp, -50, -50, 420, 297)
        box(msp, 0, 0, 320, 197)
        ring(msp, ELL + 20)

    drawing = drawn(draw)
    assert areas(drawing) == [pytest.approx(320 * 197 - 2400)]
    assert issue(drawing, "sheet_frame").severity == "ambiguous"


def test_a_plate_with_windows_is_not_a_frame():
    def draw(msp):
        box(msp, 0, 0, 300, 200)
        box(msp, 20, 20, 120, 160)
        box(msp, 160, 20, 120, 160)

    drawing = drawn(draw)
    assert areas(drawing) == [pytest.approx(60_000 - 2 * 120 * 160)]
    assert not drawing.ambiguous


class TestSheets:
    ORDER = ((0, 0), (0, 100), (150, 0), (150, 100), (300, 50))

    def sheet(self, name="sheet.dxf", order=ORDER):
        doc, msp = document()
        for x, y in order:
            box(msp, x, y, 50 + x / 10, 40 + y / 10)
        return read(doc, name)

    def test_parts_are_named_left_to_right_then_bottom_to_top(self):
        drawing = self.sheet()
        assert [part.name for part in drawing.parts] == [f"sheet-{i}" for i in range(1, 6)]
        assert [placed(part).bounds[:2] for part in drawing.parts] == [pytest.approx(corner) for corner in self.ORDER]

    @settings(max_examples=10)
    @given(order=st.permutations(ORDER))
    def test_the_order_in_the_file_does_not_matter(self, order):
        first, second = self.sheet(), self.sheet(order=order)
        assert [p.name for p in first.parts] == [p.name for p in second.parts]
        boxes = [np.array([p.bbox_mm for p in drawing.parts]) for drawing in (first, second)]
        assert boxes[0] == pytest.approx(boxes[1])

    @pytest.mark.parametrize(
        ("name", "stem"),
        [("a.dxf", "a"), ("A.DXF", "A"), ("Flansch 12,5 rev.2.dxf", "Flansch 12,5 rev.2"), ("деталь.dxf", "деталь")],
    )
    def test_one_part_has_the_name_of_its_file(self, name, stem):
        doc, msp = document()
        plate(msp)
        assert only(read(doc, name)).name == stem

    def test_equal_parts_have_equal_hashes_and_different_names(self):
        drawing = drawn(lambda msp: [box(msp, 200 * i, 0, 100, 60) for i in range(3)])
        assert len({part.sha256 for part in drawing.parts}) == 1
        assert len({part.name for part in drawing.parts}) == 3


@settings(max_examples=25)
@given(data=st.data())
def test_any_tree_of_boxes(data):
    """Boxes split again and again with margins: the areas follow from the tree, and shapely says what holds what."""
    boxes = []

    def grow(x, y, width, height, depth):
        boxes.append((x, y, width, height, depth))
        if depth < 4 and min(width, height) > 12 and data.draw(st.booleans()):
            count = data.draw(st.integers(1, 2))
            step = (width - 2) / count
            for i in range(count):
                grow(x + 2 + i * step, y + 2, step - 2, height - 4, depth + 1)

    grow(0, 0, 160, 90, 0)
    drawing = drawn(lambda msp: [box(msp, *b[:4]) for b in data.draw(st.permutations(boxes))])
    if "sheet_frame" in codes(drawing):
        return
    polygons = [shapely.box(x, y, x + w, y + h) for x, y, w, h, _ in boxes]
    expected = []
    for outer, (*_, depth) in zip(polygons, boxes, strict=True):
        if depth % 2 == 0:
            inside = [p for p, b in zip(polygons, boxes, strict=True) if b[4] == depth + 1 and outer.contains(p)]
            expected.append(outer.area - sum(p.area for p in inside))
    assert areas(drawing) == pytest.approx(sorted(expected))


def test_material_never_overlaps():
    drawing = drawn(lambda msp: (plate(msp), ring(msp, ELL + (200, 0)), box(msp, 230, 40, 20, 20)))
    shapes = [placed(part) for part in drawing.parts]
    assert shapely.union_all(shapes).area == pytest.approx(sum(shape.area for shape in shapes))
    assert areas(drawing) == pytest.approx(sorted([400, ELL_AREA, PLATE_AREA]), rel=1e-4)

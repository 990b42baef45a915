"""Object coordinate systems, other planes than x-y, several heights, and what is not flat at all."""

import numpy as np
import pytest
import shapely
from dxf_making import (
    ELL,
    ELL_AREA,
    areas,
    box,
    codes,
    diameters,
    difference,
    drawn,
    hole_centres,
    issue,
    lines,
    only,
    ring,
    severities,
)
from ezdxf.math import OCS, UCS, Matrix44

DOWN = {"extrusion": (0, 0, -1)}
MIRRORED = shapely.Polygon(ELL * (-1, 1))


def test_a_polyline_extruded_down_is_mirrored():
    part = only(drawn(lambda msp: ring(msp, ELL, **DOWN)))
    assert difference(part, MIRRORED) < 1e-12 and part.chiral


def test_an_old_polyline_extruded_down_is_mirrored():
    drawing = drawn(lambda msp: msp.add_polyline2d(ELL.tolist(), close=True, dxfattribs=DOWN))
    assert difference(only(drawing), MIRRORED) < 1e-12


def test_bulges_extruded_down_bulge_the_mirrored_way():
    corners = [(0, 0, 0.6), (50, 0, 0), (50, 30, 0), (0, 30, 0)]

    def draw(down):
        return only(drawn(lambda msp: msp.add_lwpolyline(corners, format="xyb", close=True, dxfattribs=down)))

    expected = shapely.transform(shapely.Polygon(draw({}).outer.points + draw({}).origin_mm), lambda p: p * (-1, 1))
    assert difference(draw(DOWN), expected) < 1e-9


def test_lines_ignore_the_extrusion_and_arcs_follow_it():
    """Ends of LINE are in world coordinates, the centre of ARC in those of its object: both must meet."""

    def draw(msp):
        msp.add_line((0, 10), (70, 10), dxfattribs=DOWN)
        msp.add_arc((-70, 0), 10, 90, 270, dxfattribs=DOWN)
        msp.add_line((70, -10), (0, -10))
        msp.add_arc((0, 0), 10, 270, 90, dxfattribs=DOWN)

    drawing = drawn(draw)
    part = only(drawing)
    assert part.area_mm2 == pytest.approx(1400 + 100 * np.pi, rel=1e-9)
    assert part.origin_mm == pytest.approx((35, 0), abs=1e-6)
    assert severities(drawing) <= {"info"}


def test_a_circle_extruded_down_is_a_hole_on_the_other_side():
    def draw(msp):
        box(msp, 0, 0, 100, 60)
        msp.add_circle((-30, 20), 6, dxfattribs=DOWN)

    part = only(drawn(draw))
    assert diameters(part) == [pytest.approx(12)]
    assert hole_centres(part)[0] == pytest.approx((30, 20), abs=1e-9)


def test_an_ellipse_has_its_centre_in_the_world_and_turns_the_other_way():
    def draw(msp):
        msp.add_ellipse((20, 5), (40, 0), 0.5, 0, np.pi, dxfattribs=DOWN)
        msp.add_line((60, 5), (-20, 5))

    part = only(drawn(draw))
    assert part.area_mm2 == pytest.approx(400 * np.pi, rel=1e-6)
    assert part.origin_mm[1] == pytest.approx(5 - 4 * 20 / (3 * np.pi), abs=1e-2)  # the lower half


def test_solids_and_hatches_extruded_down_are_mirrored():
    solid = only(drawn(lambda msp: msp.add_solid([(0, 0), (50, 0), (0, 20)], dxfattribs=DOWN)))
    assert difference(solid, shapely.Polygon([(0, 0), (-50, 0), (0, 20)])) < 1e-12

    def draw(msp):
        msp.add_hatch(dxfattribs=DOWN).paths.add_polyline_path(ELL.tolist(), is_closed=True)

    assert difference(only(drawn(draw)), MIRRORED) < 1e-9


@pytest.mark.parametrize("elevation", [0, 12.5, -300])
def test_heights_are_of_no_account(elevation):
    def draw(msp):
        ring(msp, ELL, elevation=elevation)
        msp.add_circle((10, 50, 3), 4)
        lines(msp, [(5, 5, 8), (15, 5, 8), (15, 12, 8), (5, 12, 8)])

    part = only(drawn(draw))
    assert part.area_mm2 == pytest.approx(ELL_AREA - 16 * np.pi - 70, rel=1e-9)


FRONT = UCS(ux=(1, 0, 0), uy=(0, 0, 1))
SIDE = UCS(ux=(0, 1, 0), uy=(0, 0, 1))


@pytest.mark.parametrize("ucs", [FRONT, SIDE], ids=["xz", "yz"])
def test_a_drawing_in_an_upright_plane(ucs):
    """Lines in world coordinates and circles with an extrusion; seen from the front or the right it is not mirrored."""

    def draw(msp):
        lines(msp, [ucs.to_wcs((x, y, 5)) for x, y in ELL.tolist()])
        ocs = OCS(ucs.uz)
        centre = ocs.from_wcs(ucs.to_wcs((10, 50, 5)))
        msp.add_circle(centre, 4, dxfattribs={"extrusion": ucs.uz})

    drawing = drawn(draw)
    part = only(drawing)
    expected = shapely.Polygon(ELL, [shapely.Point(10, 50).buffer(4, quad_segs=200).exterior.coords])
    assert difference(part, expected) < 1e-4
    assert diameters(part) == [pytest.approx(8)]
    assert hole_centres(part)[0] == pytest.approx((10, 50), abs=1e-9)
    assert issue(drawing, "other_plane").severity == "info"


def test_a_drawing_in_a_tilted_plane_keeps_its_sizes():
    turn = Matrix44.chain(Matrix44.x_rotate(0.5), Matrix44.z_rotate(0.8), Matrix44.translate(3, 4, 5))

    def draw(msp):
        lines(msp, turn.transform_vertices([(x, y, 0) for x, y in ELL.tolist()]))
        circle = msp.add_circle((10, 50), 4)
        circle.transform(turn)

    part = only(drawn(draw))
    assert part.area_mm2 == pytest.approx(ELL_AREA - 16 * np.pi, rel=1e-6)
    assert diameters(part) == [pytest.approx(8)]
    assert sorted(part.bbox_mm) != pytest.approx([60, 90])  # turned somehow in its plane


def test_a_wire_box_is_refused_and_said_to_be_three_dimensional():
    def draw(msp):
        for z in (0, 30):
            lines(msp, [(x, y, z) for x, y in ELL.tolist()])
        for x, y in ELL.tolist():
            msp.add_line((x, y, 0), (x, y, 30))
        for x, y in ELL.tolist():
            msp.add_line((x, y, 0), (x + 1, y, 30))
            msp.add_line((x, y, 0), (x, y + 1, 30))

    drawing = drawn(draw)
    assert drawing.parts == ()
    assert issue(drawing, "not_flat").severity == "error"


def test_a_few_lines_off_the_plane_are_left_out_and_said_to_be():
    def draw(msp):
        lines(msp, ELL)
        msp.add_line((5, 5, 0), (9, 9, 40))

    drawing = drawn(draw)
    assert areas(drawing) == [pytest.approx(ELL_AREA)]
    assert issue(drawing, "not_flat").severity == "ambiguous"


def test_a_circle_seen_from_its_edge_bounds_nothing():
    def draw(msp):
        box(msp, 0, 0, 100, 60)
        msp.add_circle((0, 0), 5, dxfattribs={"extrusion": (1, 0, 0)})

    drawing = drawn(draw)
    assert areas(drawing) == [pytest.approx(6000)]
    assert "not_flat" in codes(drawing)

"""Filled areas and tessellations: faces that share edges are one area; drawn lines come before fillings."""

import numpy as np
import pytest
import shapely
from dxf_making import areas, box, codes, difference, document, drawn, issue, lines, only, read
from ezdxf.render import MeshBuilder

ELL = shapely.Polygon([(0, 0), (60, 0), (60, 15), (20, 15), (20, 90), (0, 90)])
RING = shapely.Polygon(shapely.box(0, 0, 60, 60).exterior.coords, [shapely.box(20, 20, 40, 40).exterior.coords])


def triangles(polygon):
    """Triangles of a polygon with holes (constrained by shapely), each (3, 2)."""
    pieces = shapely.get_parts(shapely.constrained_delaunay_triangles(polygon))
    return [shapely.get_coordinates(piece)[:3] for piece in pieces]


def flat(corners):
    return [(float(x), float(y), 0.0) for x, y in corners]


def faces(msp, polygon):
    for corners in triangles(polygon):
        msp.add_3dface(flat(corners))


def solids(msp, polygon):
    for corners in triangles(polygon):
        msp.add_solid([*flat(corners), flat(corners)[2]])


def traces(msp, polygon):
    for corners in triangles(polygon):
        msp.add_trace([*flat(corners), flat(corners)[2]])


def builder(polygon):
    mesh = MeshBuilder()
    for corners in triangles(polygon):
        mesh.add_face(flat(corners))
    return mesh


def mesh(msp, polygon):
    builder(polygon).render_mesh(msp)


def polyface(msp, polygon):
    builder(polygon).render_polyface(msp)


DRAWERS = pytest.mark.parametrize("draw", [faces, solids, traces, mesh, polyface], ids=lambda f: f.__name__)


@DRAWERS
@pytest.mark.parametrize("polygon", [ELL, RING], ids=["ell", "ring"])
def test_a_tessellation_is_one_part(draw, polygon):
    drawing = drawn(lambda msp: draw(msp, polygon))
    part = only(drawing)
    assert difference(part, polygon) < 1e-6 and len(part.holes) == len(polygon.interiors)
    assert all(count.used == count.total for count in drawing.entities.values())


@DRAWERS
def test_tessellations_apart_are_two_parts(draw):
    away = shapely.transform(ELL, lambda points: points + (100, 0))

    def both(msp):
        draw(msp, ELL)
        draw(msp, away)

    assert areas(drawn(both)) == pytest.approx([2400, 2400])


def test_a_quad_grid_is_one_part():
    def draw(msp):
        for x in range(0, 60, 10):
            for y in range(0, 30, 10):
                msp.add_3dface([(x, y), (x + 10, y), (x + 10, y + 10), (x, y + 10)])

    assert areas(drawn(draw)) == [pytest.approx(1800)]


def test_a_polygon_mesh_is_one_part():
    doc, msp = document()
    grid = msp.add_polymesh(size=(4, 3))
    for m in range(4):
        for n in range(3):
            grid.set_mesh_vertex((m, n), (10.0 * m, 10.0 * n, 0.0))
    assert areas(read(doc)) == [pytest.approx(30 * 20)]


def test_faces_in_a_standing_plane():
    def draw(msp):
        for corners in triangles(ELL):
            msp.add_3dface([(x, 5.0, y) for x, y in corners.tolist()])

    assert areas(drawn(draw)) == [pytest.approx(2400)]


def test_faces_without_area_are_left_out():
    def draw(msp):
        faces(msp, ELL)
        msp.add_3dface([(0, 0), (10, 0), (20, 0)])

    assert areas(drawn(draw)) == [pytest.approx(2400)]


def test_lines_come_before_fillings():
    """The outline is drawn and filled as well: the filling adds nothing and is no second part."""

    def draw(msp):
        box(msp, 0, 0, 60, 60)
        faces(msp, shapely.box(0, 0, 60, 60))
        msp.add_solid([(80, 0), (90, 0), (85, 3), (85, 3)])

    drawing = drawn(draw)
    assert areas(drawing) == [pytest.approx(3600)] and drawing.entities["SOLID"].not_cut == 1


def test_fillings_beside_lines_that_bound_nothing_are_doubtful():
    def draw(msp):
        faces(msp, ELL)
        lines(msp, [(0, 100), (60, 100)], closed=False)

    drawing = drawn(draw)
    assert difference(only(drawing), ELL) < 1e-6
    assert issue(drawing, "filled_areas").severity == "ambiguous"


def test_an_open_outline_beside_an_arrow_stays_in_doubt():
    """The arrowhead of a leader is filled; the outline has a gap: the arrow must not silently become the part."""

    def draw(msp):
        lines(msp, [(0, 0), (100, 0), (100, 60), (0, 60), (0, 20)], closed=False)
        msp.add_solid([(120, 0), (123, 1), (123, -1), (123, -1)])

    drawing = drawn(draw)
    assert drawing.in_doubt and "open_contour" in codes(drawing)


@pytest.mark.parametrize("prefix", ["*D", "*T", "*X"])
def test_pictures_of_dimensions_tables_and_hatches_are_not_geometry(prefix):
    doc, msp = document()
    box(msp, 0, 0, 60, 60)
    block = doc.blocks.new(f"{prefix}99")
    block.add_circle((10, 10), 5)
    msp.add_blockref(f"{prefix}99", (0, 0))
    drawing = read(doc)
    assert areas(drawing) == [pytest.approx(3600)] and drawing.entities["INSERT"].not_geometry == 1


def test_a_tessellated_disc_keeps_its_area():
    angle = np.linspace(0, 2 * np.pi, 90, endpoint=False)
    rim = np.column_stack([30 * np.cos(angle), 30 * np.sin(angle)])

    def draw(msp):
        for a, b in zip(rim, np.roll(rim, -1, axis=0), strict=True):
            msp.add_3dface([(0, 0), tuple(a), tuple(b)])

    assert areas(drawn(draw)) == [pytest.approx(shapely.Polygon(rim).area, rel=1e-5)]

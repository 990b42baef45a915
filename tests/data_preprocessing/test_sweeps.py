"""What a thing covers against shapely: the union of many thin slices of it."""

import numpy as np
import pytest
import shapely
from generator_parts import PARTS, SIZE_WH, bracket, place
from manifold3d import CrossSection, FillRule

from kontur.data_preprocessing.labels import silhouettes
from kontur.data_preprocessing.outlines import TOLERANCE_PX
from kontur.data_preprocessing.sweeps import swept_rings
from kontur.data_preprocessing.views import view_things
from kontur.geometry import Pose
from kontur.geometry.camera import tilted_camera

SLICES = 60


def covered(rings) -> shapely.Geometry:
    """The area of positive winding numbers."""
    found = CrossSection(rings, FillRule.Positive).to_polygons()
    return shapely.union_all([shapely.Polygon(r) for r in found if shapely.LinearRing(r).is_ccw]) - shapely.union_all(
        [shapely.Polygon(r) for r in found if not shapely.LinearRing(r).is_ccw]
    )


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)
@pytest.mark.parametrize("flipped", [False, True])
@pytest.mark.parametrize("thickness_mm", [0.001, 1.5, 9.0])
def test_a_sweep_is_the_union_of_all_slices(part, flipped, thickness_mm):
    camera = tilted_camera(SIZE_WH, 1.6, 300.0, 0.12, 2.0)
    pose = Pose(25.0, -17.0, 0.7, flipped)
    ((rings),) = swept_rings(view_things(camera, [place(part, pose, 0.0, thickness_mm)]))
    solid = shapely.union_all([
        shapely.Polygon(camera.project(pose.apply(part.outer.points), height),
                        [camera.project(pose.apply(hole.points), height) for hole in part.holes])
        for height in np.linspace(0, thickness_mm, SLICES)
    ])  # fmt: skip
    area = covered(rings)
    assert area.symmetric_difference(solid).area < 0.01 * solid.area
    assert not solid.buffer(-2 * TOLERANCE_PX).difference(area).area
    assert not area.buffer(-2 * TOLERANCE_PX).difference(solid.buffer(TOLERANCE_PX)).area


def test_a_hole_narrower_than_its_walls_lean_is_closed():
    camera = tilted_camera(SIZE_WH, 2.0, 250.0, 0.4, 0.0)
    views = view_things(camera, [place(bracket(), Pose(0, 0, 0), 0.0, 25.0)])
    (area,) = silhouettes(views)
    assert len(area.to_polygons()) == 1


def test_things_keep_their_order_and_prints_cover_nothing():
    camera = tilted_camera(SIZE_WH, 1.0, 300.0, 0.1, 0.0)
    things = [place(PARTS[0], Pose(-40, 0, 0)), place(PARTS[1], Pose(0, 0, 0), thickness_mm=0.01, index=None),
              place(PARTS[2], Pose(40, 10, 0.3, True))]  # fmt: skip
    areas = silhouettes(view_things(camera, things))
    assert areas[1].is_empty()
    for area, thing in ((areas[0], things[0]), (areas[2], things[2])):
        left, top, right, bottom = area.bounds()
        (u, v), *_ = camera.project([[thing.pose.x_mm, thing.pose.y_mm]], thing.top_mm)
        assert left < u < right
        assert top < v < bottom
    assert silhouettes(()) == []

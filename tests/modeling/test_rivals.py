"""Look-alikes of the matcher: shapely says whether what it offers does look alike at the angle it says."""

import numpy as np
import pytest
import shapely
from modeling_shapes import bar, bracket, disc, plate

from kontur.geometry import PixelPose, angle_difference, circle_contour, make_part
from kontur.modeling.rivals import LEAST_LIKENESS, find_rivals, rival_poses
from kontur.modeling.templates import BankOptions, build_bank

RING = make_part("ring", circle_contour(0, 0, 15), (circle_contour(0, 0, 3),))
PARTS = (plate(3), plate(4), bracket(), disc(), RING, bar(60, 5))
POSE = PixelPose(130.0, 90.0, 0.7, 1.4)


@pytest.fixture(scope="module")
def rivals():
    return find_rivals([build_bank(PARTS, (1.0, 1.1), "both", BankOptions(radius_cells=10, angle_cells=1.7, rank=60))])


def area_at(part: int, pose: PixelPose) -> shapely.Polygon:
    rings = [pose.apply(contour.points) for contour in PARTS[part].contours]
    return shapely.Polygon(rings[0], rings[1:])


def overlap(a: shapely.Polygon, b: shapely.Polygon) -> float:
    return a.intersection(b).area / a.union(b).area


def test_every_part_and_side_is_asked(rivals):
    assert set(rivals) == {(0, False), (0, True), (1, False), (2, False), (2, True), (3, False), (4, False), (5, False)}


@pytest.mark.parametrize("flipped", [False, True])
@pytest.mark.parametrize("part", [0, 1, 3, 4, 5])
def test_every_rival_covers_nearly_the_same_area_where_it_is_offered(rivals, part, flipped):
    for angle in (0.0, 2.1, -1.3):
        pose = PixelPose(130.0, 90.0, angle, 1.4, flipped)
        for other, where in rival_poses(rivals, part, pose):
            assert overlap(area_at(part, pose), area_at(other, where)) > 0.85
            assert (where.u, where.v, where.scale_px_per_mm) == (130.0, 90.0, 1.4)


def test_plates_that_differ_by_a_hole_are_offered_for_each_other(rivals):
    """The plate with three holes may lie in four ways where that with four was found."""
    offered = rival_poses(rivals, 1, POSE)
    for flipped in (False, True):
        for turn_deg in (0, 180):
            expected = POSE.angle_rad + np.radians(turn_deg)
            off = [
                angle_difference(p.angle_rad, expected, 1) for part, p in offered if (part, p.flipped) == (0, flipped)
            ]
            assert np.degrees(np.abs(off)).min() < 6
    assert 1 in {part for part, _ in rival_poses(rivals, 0, POSE)}


def test_a_part_is_no_rival_of_itself_as_it_lies(rivals):
    for (part, flipped), found in rivals.items():
        assert not any((r.part, r.flipped, r.turn_rad) == (part, flipped, 0) for r in found)


def test_rivals_are_the_most_alike_and_come_in_order(rivals):
    for found in rivals.values():
        likeness = [rival.likeness for rival in found]
        assert likeness == sorted(likeness, reverse=True)
        assert all(LEAST_LIKENESS <= value <= 1.001 for value in likeness)
        assert len(found) <= 8


def test_likeness_goes_both_ways(rivals):
    ring_for_disc = next(rival for rival in rivals[3, False] if rival.part == 4)
    disc_for_ring = next(rival for rival in rivals[4, False] if rival.part == 3)
    assert ring_for_disc.likeness == pytest.approx(disc_for_ring.likeness, abs=1e-5)


def test_what_looks_like_nothing_else_has_no_rivals_but_its_own_back(rivals):
    assert {(rival.part, rival.flipped) for rival in rivals[2, False]} <= {(2, True)}
    assert {(rival.part, rival.flipped) for rival in rivals[2, True]} <= {(2, False)}


def test_no_rival_is_offered_twice(rivals):
    for found in rivals.values():
        kinds = [(rival.part, rival.flipped, round(rival.turn_rad, 6)) for rival in found]
        assert len(kinds) == len(set(kinds))

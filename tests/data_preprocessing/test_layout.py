"""Where things lie, against shapely: distances, overlaps, heights, faces and counts."""

import numpy as np
import pytest
import shapely
from generator_parts import PARTS, SIZE_WH, bracket, context, place, plate, small_config, star, washer
from hypothesis import given, settings
from hypothesis import strategies as st

from kontur.data_preprocessing.collisions import clearance_mm
from kontur.data_preprocessing.layout import Placement, lay_out
from kontur.data_preprocessing.shapes import part_shape
from kontur.geometry import Contour, Pose, make_part
from kontur.geometry.camera import nominal_camera

CAMERA = nominal_camera(SIZE_WH, 1.25)
HALF_MM = np.array(SIZE_WH) / 2 / 1.25
STEP_MM = 0.25
SHAPES = [part_shape(part, STEP_MM) for part in PARTS]


def layouts(count: int = 30, faces: str = "both", defects=None, materials=None, **scene) -> list[tuple[Placement, ...]]:
    scene = {"distractors": 0.0, "cover": 3.0, **scene}
    config = small_config(faces=faces, scene=scene, defects=defects or {}, materials=materials or {})
    clutter = context().clutter
    return [lay_out(config, PARTS, SHAPES, clutter, CAMERA, np.random.default_rng(seed)) for seed in range(count)]


def on_plane(thing: Placement) -> shapely.Polygon:
    rings = [thing.pose.apply(ring) for ring in thing.shape.rings_mm]
    return shapely.Polygon(rings[0], rings[1:])


def pairs(items):
    return [(items[i], items[j]) for i in range(len(items)) for j in range(i)]


@settings(max_examples=60, deadline=None)
@given(
    a=st.integers(0, 3), b=st.integers(0, 3), x=st.floats(-90, 90), y=st.floats(-70, 70),
    turns=st.tuples(st.floats(0, 6.28), st.floats(0, 6.28)), faces=st.tuples(st.booleans(), st.booleans()),
)  # fmt: skip
def test_clearance_is_the_distance_of_the_areas(a, b, x, y, turns, faces):
    lying = place(PARTS[a], Pose(3.0, -4.0, turns[0], faces[0]))
    pose = Pose(x, y, turns[1], faces[1])
    other = Placement(SHAPES[b], b, pose, 0.0, 1.0, 0.0, lying.surface)
    expected = on_plane(lying).distance(on_plane(other))
    got = clearance_mm(SHAPES[b], pose, lying.shape, lying.pose)
    if expected == 0:
        assert got <= STEP_MM + 0.6  # outlines are looked at in a few points, on the grid
    elif expected <= 5:
        assert got == pytest.approx(expected, abs=STEP_MM + 0.6)
    else:
        assert got > 4


@pytest.mark.parametrize("gap_mm", [0.5, 3.0, 8.0])
def test_parts_apart_keep_their_gap(gap_mm):
    found = layouts(25, parts=(3, 8), pile=0.0, touching=0.0, gap_mm=(gap_mm, gap_mm))
    distances = [on_plane(a).distance(on_plane(b)) for things in found for a, b in pairs(things)]
    assert len(distances) > 60
    assert min(distances) >= gap_mm - STEP_MM - 0.1
    assert min(distances) < gap_mm + 4
    assert all(thing.base_mm == 0 for things in found for thing in things)


def test_touching_parts_nearly_touch():
    found = layouts(30, parts=(2, 6), pile=0.0, touching=1.0)
    nearest = []
    for things in found:
        areas = [on_plane(thing) for thing in things]
        for k, area in enumerate(areas[1:], 1):
            nearest.append(min(area.distance(other) for other in areas[:k]))
    assert len(nearest) > 40
    assert np.mean(np.array(nearest) < 1.0) > 0.8


@pytest.mark.parametrize("touching", [0.0, 1.0])
def test_slender_parts_of_one_height_never_cross(touching):
    bar = make_part("bar", Contour(np.array([[0, 0], [70, 0], [70, 6], [0, 6]], float)))
    config = small_config(scene={"parts": (3, 6), "pile": 0.0, "touching": touching, "distractors": 0.0, "cover": 3.0})
    shapes, clutter = [part_shape(bar, STEP_MM)], context().clutter
    for seed in range(20):
        things = lay_out(config, [bar], shapes, clutter, CAMERA, np.random.default_rng(seed))
        for a, b in pairs([on_plane(thing) for thing in things]):
            assert a.intersection(b).area < 2.0


def test_a_pile_overlaps_and_what_lies_above_lies_higher():
    found = layouts(30, parts=(6, 10), pile=1.0)
    stacked = 0
    for things in found:
        for number, upper in enumerate(things):
            for lower in things[:number]:
                if on_plane(upper).intersection(on_plane(lower)).area > 2.0:
                    stacked += 1
                    assert upper.base_mm >= lower.top_mm - 1e-9
        assert all(thing.top_mm == thing.base_mm + thing.thickness_mm for thing in things)
        assert max(thing.top_mm for thing in things) <= 14.0
        tops = {0.0} | {thing.top_mm for thing in things}
        assert all(any(abs(thing.base_mm - top) < 1e-9 for top in tops) for thing in things)
    assert stacked > 30


@pytest.mark.parametrize("style", [{"pile": 1.0}, {"touching": 1.0, "pile": 0.0}, {"pile": 0.0, "touching": 0.0}])
def test_faces_up_are_never_flipped(style):
    things = [thing for group in layouts(20, "up", parts=(3, 6), face_down=1.0, **style) for thing in group]
    assert len(things) > 30
    assert not any(thing.pose.flipped for thing in things)


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_faces_lie_down_as_often_as_configured(share):
    things = [thing for group in layouts(60, parts=(4, 8), face_down=share, pile=1.0) for thing in group]
    flipped = np.mean([thing.pose.flipped for thing in things])
    assert flipped == pytest.approx(share, abs=0.12 if 0 < share < 1 else 0)


@pytest.mark.parametrize("count", [(0, 0), (1, 1), (2, 5)])
def test_the_number_of_parts_is_within_its_range(count):
    numbers = [len(things) for things in layouts(40, parts=count, pile=1.0)]
    assert max(numbers) <= count[1]
    assert min(numbers) >= count[0]  # a low pile leaves room for all
    assert set(numbers) == set(range(count[0], count[1] + 1))


def test_the_cover_limits_the_area():
    table_mm2 = 4 * HALF_MM.prod()
    for cover in (0.1, 0.3):
        for things in layouts(20, parts=(20, 20), cover=cover, pile=1.0):
            assert things
            area = sum(on_plane(thing).area for thing in things[1:])
            assert area <= cover * table_mm2 + 1e-6
    more, less = (np.mean([len(t) for t in layouts(20, parts=(20, 20), cover=c, pile=1.0)]) for c in (0.4, 0.1))
    assert more > 2 * less


def test_without_borders_parts_lie_on_the_table_and_with_them_some_do_not():
    frame = shapely.box(*-HALF_MM, *HALF_MM)

    def cut(border: float) -> float:
        things = [thing for group in layouts(30, parts=(3, 6), border=border, pile=1.0) for thing in group]
        assert all(abs(thing.pose.x_mm) < HALF_MM[0] + 40 for thing in things)
        return float(np.mean([not frame.contains(on_plane(thing)) for thing in things]))

    assert cut(0.0) < 0.5 * cut(1.0)
    assert cut(1.0) > 0.5


def test_every_part_and_every_direction_occurs():
    things = [thing for group in layouts(60, parts=(4, 6), pile=1.0) for thing in group]
    parts = np.bincount([thing.part for thing in things], minlength=len(PARTS))
    assert parts.min() > 0.6 * parts.mean()
    turns, _ = np.histogram([thing.pose.theta_rad for thing in things], 4, (0, 2 * np.pi))
    assert turns.min() > 0.7 * turns.mean()
    assert turns.sum() == len(things)


def test_thickness_and_bevel_are_within_their_ranges():
    things = [t for g in layouts(40, parts=(2, 4), thickness_mm=(1.5, 2.5), bevel_mm=(0.2, 0.3)) for t in g]
    thickness, bevel = (np.array([getattr(t, name) for t in things]) for name in ("thickness_mm", "bevel_mm"))
    assert 1.5 <= thickness.min() < thickness.max() <= 2.5
    assert 0.2 <= bevel.min() < bevel.max() <= 0.3


@pytest.mark.parametrize("same", [0.0, 1.0])
def test_one_material_for_all_or_one_for_each(same):
    for things in layouts(15, parts=(3, 5), same_material=same, pile=1.0):
        materials = {thing.surface._replace(offset=(0.0, 0.0)) for thing in things}
        assert len(materials) == (1 if same else len(things))
        assert len({thing.surface.offset for thing in things}) == len(things)


def test_clutter_is_of_the_kinds_asked_for_and_no_part():
    pool = context().clutter
    mine = {id(shape): kind for kind in ("coin", "nut") for shape in pool[kind]}
    seen = set()
    for things in layouts(30, parts=(1, 2), distractors=1.0, distractor_count=(2, 3), pile=1.0,
                          distractor_kinds={"coin": 1.0, "nut": 1.0}):  # fmt: skip
        clutter = [thing for thing in things if thing.part is None]
        assert 2 <= len(clutter) <= 3
        assert {id(thing.shape) for thing in clutter} <= set(mine)
        assert all(thing.defect is None for thing in clutter)
        seen |= {mine[id(thing.shape)] for thing in clutter}
    assert seen == {"coin", "nut"}
    assert all(thing.part is not None for things in layouts(10, parts=(1, 2)) for thing in things)


def test_print_lies_under_everything_and_is_thin():
    for things in layouts(
        10, parts=(2, 3), distractors=1.0, distractor_count=(2, 2), distractor_kinds={"text": 1.0}, pile=1.0
    ):
        flags = [thing.part is None for thing in things]
        assert flags == sorted(flags, reverse=True)
        for thing in things:
            if thing.part is None:
                assert thing.base_mm == 0
                assert thing.thickness_mm < 0.05
                assert not thing.pose.flipped  # letters are never mirrored


def test_faulty_parts_have_another_shape_and_good_ones_their_own():
    faulty = [t for g in layouts(8, parts=(2, 3), defects={"probability": 1.0, "kinds": {"burr": 1.0}}) for t in g]
    assert len(faulty) > 10
    for thing in faulty:
        assert thing.defect is not None
        assert thing.defect.kind == "burr"
        assert on_plane(thing).area > PARTS[thing.part].polygon.area
    for thing in (t for g in layouts(8, parts=(2, 3)) for t in g):
        assert thing.defect is None
        assert thing.shape is SHAPES[thing.part]


def test_a_layout_is_its_stream():
    first, again = layouts(5, parts=(3, 6)), layouts(5, parts=(3, 6))
    assert [[t.pose for t in things] for things in first] == [[t.pose for t in things] for things in again]
    assert first[0] != first[1]


def test_only_materials_asked_for_are_used():
    things = [t for g in layouts(10, parts=(3, 4), materials={"kinds": {"rubber": 1.0}}) for t in g]
    assert all(thing.surface.specular == (0.03, 0.03, 0.03) for thing in things)


def test_the_oracle_knows_a_hole_from_material():
    """A small ring inside a large ring's hole lies apart from it, not on it."""
    outer, inner = place(washer(), Pose(0, 0, 0)), place(bracket(), Pose(30, 0, 0))
    assert on_plane(outer).distance(shapely.Point(0, 0)) == pytest.approx(7, abs=0.02)
    assert on_plane(inner).area == pytest.approx(bracket().polygon.area)
    assert {part.name for part in (plate(), star())} <= {part.name for part in PARTS}

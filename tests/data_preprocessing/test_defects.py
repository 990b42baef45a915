import json
from typing import get_args

import numpy as np
import pytest
import shapely
from generator_parts import PARTS, bracket, plate, small_config, star

from kontur.data_preprocessing.defects import DefectKind, spoil
from kontur.data_preprocessing.executors import Crew
from kontur.data_preprocessing.generate import generate
from kontur.workspace import Workspace


def spoiled(part, kind, seed):
    rings, defect = spoil(part, kind, np.random.default_rng(seed))
    return shapely.Polygon(rings[0], rings[1:]), defect


@pytest.mark.parametrize("kind", get_args(DefectKind))
@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)
def test_a_faulty_part_is_one_valid_piece_that_differs_where_it_says(kind, part):
    for seed in range(6):
        area, defect = spoiled(part, kind, seed)
        assert area.is_valid
        change = area.symmetric_difference(part.polygon)
        assert change.area > 1e-3
        if defect.kind == "wrong_scale":
            continue
        where = shapely.Point(defect.x_mm, defect.y_mm)
        widest_hole_radius_mm = 7.0
        assert change.distance(where) <= defect.size_mm + widest_hole_radius_mm


@pytest.mark.parametrize(
    ("kind", "holes"),
    [("missing_hole", 3), ("moved_hole", 4), ("resized_hole", 4), ("extra_hole", 5), ("bent", 4), ("burr", 4)],
)
def test_holes_are_counted(kind, holes):
    area, defect = spoiled(plate(), kind, 1)
    assert defect.kind == kind
    assert len(area.interiors) == holes


def test_a_missing_hole_records_its_place_and_diameter():
    area, defect = spoiled(plate(), "missing_hole", 4)
    assert area.contains(shapely.Point(defect.x_mm, defect.y_mm))
    assert defect.size_mm == pytest.approx(6.0, abs=0.05)


def test_a_scale_error_scales():
    area, defect = spoiled(bracket(), "wrong_scale", 2)
    factor = np.sqrt(area.area / bracket().polygon.area)
    assert abs(factor - 1) * bracket().radius_mm == pytest.approx(defect.size_mm, rel=1e-6)


def test_a_bent_part_keeps_its_area_and_its_end_moves_sideways_by_what_is_recorded():
    for seed in range(5):
        area, defect = spoiled(plate(), "bent", seed)
        assert area.area == pytest.approx(plate().polygon.area, rel=1e-4)  # curves are chords
        far = np.array([defect.x_mm, defect.y_mm])
        outward = far / np.hypot(*far)
        for side in (-1, 1):
            moved = shapely.Point(far + side * defect.size_mm * np.array([-outward[1], outward[0]]))
            if area.exterior.distance(moved) < 1e-6:
                break
        else:
            pytest.fail(f"no corner where {defect} says")
        near = shapely.Point(-far)
        assert area.distance(near) < 1e-6


def test_a_part_without_holes_gets_a_notch_instead():
    _, defect = spoiled(star(), "missing_hole", 0)
    assert defect.kind == "notch"


def test_a_burr_adds_and_a_notch_takes():
    assert spoiled(plate(), "burr", 0)[0].area > plate().polygon.area
    assert spoiled(plate(), "notch", 0)[0].area < plate().polygon.area


def test_the_truth_records_every_fault_and_the_mask_shows_it(tmp_path):
    space = Workspace(tmp_path)
    generate(space, small_config(defects={"probability": 1.0}), PARTS, [], 4, 0, Crew("threads", 1))
    rows = json.loads((space.coco / "train.json").read_text())["annotations"]
    assert rows
    assert all(set(row["kontur"]["defect"]) == {"kind", "x_mm", "y_mm", "size_mm"} for row in rows)
    good = Workspace(tmp_path / "good")
    generate(good, small_config(), PARTS, [], 4, 0, Crew("threads", 1))
    rows = json.loads((good.coco / "train.json").read_text())["annotations"]
    assert all("defect" not in row["kontur"] for row in rows)

"""Errors of pose: shapely's overlap says which angles look the same; NumPy summarises."""

import math

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from modeling_scenes import bracket, triangle, washer
from modeling_shapes import bar, plate

from kontur.geometry import PixelPose
from kontur.modeling.evaluation import Match
from kontur.modeling.other_face import other_face_turn_rad
from kontur.modeling.pose_errors import clear_matches, pose_difference, summarise_poses

SYMMETRIC = (triangle(), bar(60, 12), plate(4))


def entry(u=0.0, v=0.0, angle_deg=0.0, scale=1.0, flipped=False):
    return {"pose_px": {"u": u, "v": v, "angle_deg": angle_deg, "scale_px_per_mm": scale}, "flipped": flipped}


def area_at(part, angle_rad, flipped):
    rings = [PixelPose(0, 0, angle_rad, 1.0, flipped).apply(contour.points) for contour in part.contours]
    return shapely.Polygon(rings[0], rings[1:])


def mismatch(a, b):
    return a.symmetric_difference(b).area / a.area


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(SYMMETRIC), st.floats(0, 360), st.floats(-8, 8), st.integers(0, 5), st.booleans(), st.booleans())
def test_an_angle_error_is_the_turn_that_makes_both_looks_one(part, true_deg, error_deg, quarter, true_face, said_face):
    """Say any look of the part, on either face, turned on by an error: the error found is that one."""
    start = math.radians(true_deg) + quarter * 2 * math.pi / part.symmetry
    if said_face != true_face:
        start += other_face_turn_rad(part) * (-1 if said_face else 1)
    assert mismatch(area_at(part, math.radians(true_deg), true_face), area_at(part, start, said_face)) < 1e-3
    true = PixelPose(0, 0, math.radians(true_deg), 1.0, true_face)
    errors = pose_difference(part, true, entry(angle_deg=math.degrees(start) + error_deg, flipped=said_face))
    assert errors["angle_deg"] == pytest.approx(abs(error_deg), abs=2e-3)
    assert errors["flipped_right"] is None, "not chiral: there is no wrong face"


@settings(max_examples=25, deadline=None)
@given(st.floats(-20, 20), st.floats(-20, 20), st.floats(0.5, 3), st.floats(0.8, 1.25))
def test_position_and_scale_are_relative_to_the_truth(du, dv, scale, ratio):
    true = PixelPose(100, 50, 0.3, scale)
    errors = pose_difference(bracket(), true, entry(100 + du, 50 + dv, 0.0, scale * ratio))
    assert errors["position_px"] == pytest.approx(np.linalg.norm([du, dv]))
    assert errors["position_mm"] == pytest.approx(np.linalg.norm([du, dv]) / scale)
    assert errors["scale"] == pytest.approx(abs(ratio - 1), abs=1e-9)


def test_an_angle_that_was_not_said_is_not_compared():
    assert pose_difference(bracket(), PixelPose(0, 0, 0, 1), entry(angle_deg=None))["angle_deg"] is None
    assert pose_difference(washer(), PixelPose(0, 0, 0, 1), entry(angle_deg=30.0))["angle_deg"] is None


def match(**values):
    fields = dict.fromkeys(Match.model_fields)
    return Match.model_construct(**fields | values)


def test_summaries_leave_out_what_is_not_known():
    rows = [match(position_px=p, position_mm=p / 2, angle_deg=a, scale=0.01) for p, a in ((1, None), (2, 5), (9, 1))]
    found = summarise_poses(rows)
    assert (found.position_px.count, found.position_px.median, found.position_px.worst) == (3, 2, 9)
    assert found.position_px.p95 == pytest.approx(np.percentile([1, 2, 9], 95))
    assert found.position_mm.worst == 4.5
    assert (found.angle_deg.count, found.angle_deg.median) == (2, 3)
    assert summarise_poses([]).scale.median is None


def test_clear_matches_are_those_seen_almost_whole():
    rows = [match(visible_fraction=value) for value in (None, 0.2, 0.95, 0.96, 1.0)]
    assert [row.visible_fraction for row in clear_matches(rows)] == [0.96, 1.0]

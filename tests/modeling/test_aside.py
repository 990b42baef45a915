"""Rings that were drawn to their shadow: copies beside them, from which the decision finds the ring."""

import dataclasses

import numpy as np
import pytest
from modeling_scenes import bracket, paint, washer
from untrained import untrained_detector

from kontur.geometry import PixelPose
from kontur.modeling import looks
from kontur.modeling.aside import STEP_PX, laid_aside
from kontur.modeling.detections import from_poses
from kontur.modeling.proposals import Proposal

PARTS = (bracket(), washer())
SIZE_WH = (256, 192)
RING = PixelPose(120, 90, 0.0, 1.6)


def accepted(part, support, tilt=0.0):
    found = from_poses(SIZE_WH, [part], [0.4], [RING])
    matrix = found.matrix.copy()
    matrix[:, 2, 0] = tilt
    return dataclasses.replace(found, support=np.array([support]), matrix=matrix)


@pytest.mark.parametrize("tilt", [0.0, 3e-4])
def test_copies_lie_around_a_ring_that_few_edges_support(tilt):
    found = accepted(1, 0.5, tilt)
    copies = laid_aside(found, PARTS)
    points = np.array([[0.0, 0.0], [12.0, 0.0], [0.0, -12.0]])
    moved = np.array([copies.project(n, points) - found.project(0, points) for n in range(len(copies))])
    assert np.ptp(moved, axis=1).max() < 1e-9, "every point of a copy is moved alike, under perspective too"
    assert np.hypot(*moved[:, 0].T) == pytest.approx(np.full(8, STEP_PX))
    angles = np.sort(np.arctan2(*moved[:, 0].T))
    assert np.diff(angles) == pytest.approx(np.full(7, np.pi / 4))


@pytest.mark.parametrize(("part", "support"), [(1, 0.9), (0, 0.5)])
def test_nothing_is_laid_beside_what_is_well_supported_or_has_corners(part, support):
    assert len(laid_aside(accepted(part, support), PARTS)) == 0


def test_a_ring_is_found_that_was_proposed_on_its_shadow(tmp_path, monkeypatch):
    detector = untrained_detector(tmp_path, PARTS)
    shadow = PixelPose(RING.u - 8, RING.v - 8, 0.0, 1.6)
    ring, dark = (paint(PARTS, [(1, pose)], SIZE_WH).ids == 1 for pose in (RING, shadow))
    picture = np.full((SIZE_WH[1], SIZE_WH[0], 3), 120, np.uint8)
    picture[dark], picture[ring] = 90, 170
    monkeypatch.setattr(looks, "align", lambda _field, offered, *_others, **_more: offered)
    offered = from_poses(SIZE_WH, [1], [0.9], [shadow])
    assert nearest(detector, picture, offered) < 0.3
    monkeypatch.setattr(looks, "laid_aside", lambda found, _parts: found[:0])
    assert nearest(detector, picture, offered) > 5


def nearest(detector, picture, offered):
    """How far the nearest ring that is accepted lies from the painted one, px."""
    found = detector.accepted(picture, Proposal(offered, np.zeros(1, np.int64)))
    return np.linalg.norm(found.uv - (RING.u, RING.v), axis=1).min()

"""Two copies of one part that overlap: the one on top is accepted first, and a shadow never lies on top."""

import numpy as np
import pytest
from modeling_scenes import bracket, paint, washer

from kontur.geometry import PixelPose
from kontur.modeling import choosing
from kontur.modeling.contour_model import model_batch
from kontur.modeling.decide import DecisionOptions, decide
from kontur.modeling.detections import from_poses
from kontur.modeling.evidence import point_evidence
from kontur.modeling.views import Views

PARTS = (bracket(), washer())
WASHER = 1
SIZE_WH = (256, 192)
CUT = PixelPose(-3.0, 90.0, 0.0, 1.6)
ASIDE = PixelPose(8.0, 91.0, 0.0, 1.6)
TABLE, DARK, BRIGHT = 120, 90, 170


def picture_of(below, above, low, high):
    """Two washers, painted flat: one lies on the other."""
    picture = np.full((SIZE_WH[1], SIZE_WH[0], 3), TABLE, np.uint8)
    for pose, grey in ((below, low), (above, high)):
        picture[paint(PARTS, [(WASHER, pose)], SIZE_WH).ids == 1] = grey
    return picture


def evidence_for(picture, found):
    """All that speaks for each, as if nothing hid them."""
    views, options = Views(picture), DecisionOptions()
    model = model_batch(found, PARTS, options)
    evidence = point_evidence(views.edges(options.sigma_px), model, found.matrix, views.background(options.sigma_px))
    return (evidence.length_px * evidence.evidence).sum(axis=1)


@pytest.mark.parametrize("duels", [False, True])
def test_a_ring_cut_by_the_border_is_preferred_to_its_shadow(duels, monkeypatch):
    picture, options = picture_of(ASIDE, CUT, DARK, BRIGHT), DecisionOptions(duels=duels)
    both = from_poses(SIZE_WH, [WASHER, WASHER], [0.5, 0.5], [ASIDE, CUT])
    speaks = evidence_for(picture, both)
    assert speaks[0] > speaks[1] > 0, "more of the shadow lies in the picture"
    assert first_at(decide(picture, both, PARTS, options)) == CUT
    monkeypatch.setattr("kontur.modeling.choosing.best_open", best_by_evidence)
    monkeypatch.setattr("kontur.modeling.decide.best_open", best_by_evidence)
    monkeypatch.setattr("kontur.modeling.decide.choose", choosing.choose.py_func)
    assert first_at(decide(picture, both, PARTS, options)) == ASIDE, "without this the shadow is taken"


@pytest.mark.parametrize("order", [1, -1])
def test_two_rings_are_accepted_from_the_top_down(order):
    low, high = (ASIDE, PixelPose(26.0, 91.0, 0.0, 1.6))[::order]
    found = decide(picture_of(low, high, 200, BRIGHT), from_poses(SIZE_WH, [1, 1], [0.5, 0.5], [low, high]), PARTS)
    assert len(found) == 2
    assert first_at(found) == high


def first_at(found):
    """The pose of the best detection, as it was offered."""
    (u, v), (_, scale) = found.uv[0], found.similarity
    return PixelPose(float(u), float(v), 0.0, round(float(scale[0]), 6))


def best_by_evidence(case, state):
    """The open hypothesis that most speaks for, whatever lies on it."""
    gain = np.where(state[1] & (state[2][:, 0] > 0), state[2][:, 0] * case[4][1] - case[4][2], -np.inf)
    return int(gain.argmax()) if np.isfinite(gain.max()) else -1

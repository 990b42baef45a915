"""The finder's candidates: what is found, and how many of them may crowd one place."""

import numpy as np
import pytest
from modeling_scenes import paint
from modeling_shapes import bracket, plate

from kontur.geometry import PixelPose
from kontur.modeling import candidates
from kontur.modeling.candidates import CandidateOptions, Finder
from kontur.modeling.coarse_search import Candidate
from kontur.modeling.ladder import Ladder
from kontur.modeling.templates import BankOptions, build_bank
from kontur.modeling.views import Views

SIZE_WH = (240, 170)
PARTS = (bracket(), plate(4))
PLACED = [(0, PixelPose(60.0, 80.0, 0.5, 1.1)), (1, PixelPose(170.0, 90.0, 2.0, 1.1))]
CELL_PX = 2.5


@pytest.fixture(scope="module")
def bank():
    return build_bank(PARTS, (1.05, 1.15), "up", BankOptions(radius_cells=9))


@pytest.fixture(scope="module")
def views():
    return Views(paint(PARTS, PLACED, SIZE_WH).image)


def tracked(bank, views, monkeypatch, found, **options):
    """How many of these coarse candidates are tracked down."""
    counts = []
    track = candidates.track

    def counted(field, models, part, *rest):
        counts.append(len(part))
        return track(field, models, part, *rest)

    monkeypatch.setattr(candidates, "search", lambda *_: found)
    monkeypatch.setattr(candidates, "track", counted)
    finder = Finder(PARTS, [Ladder(bank, 64.0, BankOptions(), None)], CandidateOptions(**options))
    result = finder.find(finder.prepare(views), SIZE_WH)
    return counts[0], result


def candidate(u, v, score, part=0, angle=0.5):
    return Candidate(part, False, u, v, angle, 1.1, score)


def test_no_more_candidates_than_allowed_lie_within_reach_of_each_other(bank, views, monkeypatch):
    """Six in one place, of which four may stay, and one elsewhere."""
    reach = CELL_PX * bank.cell_px
    crowd = [candidate(60 + k * 0.15 * reach, 80, 0.9 - 0.01 * k) for k in range(6)]
    count, _ = tracked(bank, views, monkeypatch, [*crowd, candidate(170, 90, 0.5)], per_place=4)
    assert count == 5


def test_a_place_is_as_large_as_its_reach_in_both_directions(bank, views, monkeypatch):
    reach = CELL_PX * bank.cell_px
    near = [candidate(60, 80, 0.9), candidate(60 + 0.99 * reach, 80 - 0.99 * reach, 0.8)]
    far = [candidate(60, 80, 0.9), candidate(60 + 1.01 * reach, 80, 0.8)]
    assert tracked(bank, views, monkeypatch, near, per_place=1)[0] == 1
    assert tracked(bank, views, monkeypatch, far, per_place=1)[0] == 2


def test_the_best_candidates_are_tracked_when_there_are_too_many(bank, views, monkeypatch):
    """The true place is the best of many and comes last."""
    rng = np.random.default_rng(0)
    wrong = [candidate(*rng.uniform((20, 20), (220, 150)).tolist(), 0.5) for _ in range(50)]
    count, found = tracked(bank, views, monkeypatch, [*wrong, candidate(61, 81, 0.9)], tracked=1)
    assert count == 1
    assert np.hypot(*(found.uv[0] - (60, 80))) < 1


@pytest.mark.parametrize("score", [0.1, 0.3])
def test_what_is_far_below_the_best_is_not_tracked(bank, views, monkeypatch, score):
    found = [candidate(60, 80, 0.9), candidate(170, 90, score)]
    assert tracked(bank, views, monkeypatch, found, least_of_best=0.2)[0] == (2 if score >= 0.18 else 1)


def test_without_candidates_nothing_is_found(bank, views, monkeypatch):
    finder = Finder(PARTS, [Ladder(bank, 64.0, BankOptions(), None)], CandidateOptions())
    monkeypatch.setattr(candidates, "search", lambda *_: [])
    assert len(finder.find(finder.prepare(views), SIZE_WH)) == 0


def test_both_parts_are_found_in_their_places(bank, views):
    finder = Finder(PARTS, [Ladder(bank, 64.0, BankOptions(), None)], CandidateOptions())
    found = finder.find(finder.prepare(views), SIZE_WH)
    for part, pose in PLACED:
        best = np.flatnonzero(found.part == part)[0]
        assert np.hypot(*(found.uv[best] - (pose.u, pose.v))) < 1.5

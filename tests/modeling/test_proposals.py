"""Which parts are tried in a place: families of look-alikes count together, and one member is enough."""

import numpy as np
import pytest
from modeling_scenes import bracket, triangle, washer

from kontur.modeling.heads import CELL_CENTRE_PX, HEADS, OFFSET_UNIT_PX, STRIDE
from kontur.modeling.model_info import known_parts
from kontur.modeling.proposals import ProposalOptions, families, likely, propose

KNOWN = known_parts((bracket(), washer()))
NONE_ALIKE = np.eye(5, dtype=bool)
ALIKE = NONE_ALIKE.copy()
ALIKE[np.ix_([0, 1, 2], [0, 1, 2])] = True


def test_without_look_alikes_every_part_stands_for_itself():
    probability = np.array([0.1, 0.4, 0.05, 0.25, 0.2])
    parts, mass = families(probability, NONE_ALIKE)
    assert parts.tolist() == [1, 3, 4, 0, 2]
    assert mass == pytest.approx(probability[parts])


def test_look_alikes_count_together_under_the_most_probable_of_them():
    parts, mass = families(np.array([0.2, 0.25, 0.15, 0.3, 0.1]), ALIKE)
    assert dict(zip(parts.tolist(), mass, strict=True)) == pytest.approx({3: 0.3, 1: 0.6, 4: 0.1})


def test_a_chain_of_look_alikes_shares_out_each_probability_once():
    """0 looks like 1 and 1 like 2, but 0 not like 2."""
    chain = np.eye(3, dtype=bool)
    chain[[0, 1, 1, 2], [1, 0, 2, 1]] = True
    _, mass = families(np.array([0.5, 0.2, 0.3]), chain)
    assert mass.sum() == pytest.approx(1.0)
    assert mass.tolist() == pytest.approx([0.7, 0.3])


@pytest.mark.parametrize(
    ("probability", "least", "tried"),
    [
        ([0.98, 0.01, 0.01], 1, 1),
        ([0.9, 0.05, 0.03, 0.02], 1, 3),
        ([0.9, 0.05, 0.03, 0.02], 3, 3),
        ([1 / 60] * 60, 3, 24),
        ([0.4, 0.3, 0.2, 0.1], 1, 4),
        ([0.6, 0.2, 0.18, 0.02], 1, 3),
        ([1 / 12] * 12, 3, 12),
    ],
)
def test_more_parts_are_tried_where_the_network_is_not_sure(probability, least, tried):
    parts, shares = likely(np.arange(len(probability)), np.array(probability), least)
    assert len(parts) == len(shares) == tried
    assert (parts[0], shares[0]) == (np.argmax(probability), max(probability))


def test_what_the_network_denies_is_not_tried():
    assert likely(np.arange(4), np.array([0.985, 0.009, 0.0, 0.006]), 3)[0].tolist() == [0]
    assert likely(np.arange(4), np.array([0.021, 0.8, 0.019, 0.16]), 4)[0].tolist() == [1, 3, 0]


def test_the_best_is_tried_however_improbable():
    assert [column.tolist() for column in likely(np.array([7]), np.array([0.001]), 3)] == [[7], [0.001]]


@pytest.mark.parametrize(
    ("face_down", "faces", "expected"),
    [
        (0.1, "both", [(0, False), (1, False), (3, False)]),
        (0.9, "both", [(0, True), (1, False), (3, True)]),
        (0.5, "both", [(0, False), (0, True), (1, False), (3, False), (3, True)]),
        (0.9, "up", [(0, False), (1, False), (3, False)]),
    ],
)
def test_chiral_parts_are_tried_on_the_side_that_is_seen_and_on_both_in_doubt(face_down, faces, expected):
    """Parts 0 and 3 are chiral, 1 is not; the network says of all cells how likely they are face down."""
    outlines = bracket("a"), washer(), triangle(), bracket("b")
    output = _answer([0.3, 0.2, 1e-9, 0.5], (60, 50))
    output[HEADS.flipped] = np.log(face_down / (1 - face_down))
    found, *_ = propose(output, (128, 128), known_parts(outlines), ProposalOptions(0.4, 4, faces, 1.5))
    assert sorted(zip(found.part.tolist(), found.flipped.tolist(), strict=True)) == expected


def _answer(probability, datum_px, cells=slice(10, 16)):
    """What a network says that sees one thing: part probabilities, and votes for its datum."""
    output = np.zeros((HEADS.part.start + len(probability), 32, 32), np.float32)
    output[HEADS.foreground] = -9
    output[HEADS.foreground, cells, cells] = 9
    rows, columns = np.indices((32, 32)) * STRIDE + CELL_CENTRE_PX
    output[HEADS.offset] = np.stack([datum_px[0] - columns, datum_px[1] - rows]) / OFFSET_UNIT_PX
    output[HEADS.part] = np.log(probability)[:, None, None]
    return output


def test_one_member_of_the_family_is_proposed_with_the_probability_of_all():
    parts = known_parts((bracket("a"), bracket("b"), bracket("c"), washer(), triangle()))
    options = ProposalOptions(0.4, 1, "up", 1.5)
    output = _answer([0.2, 0.25, 0.15, 0.38, 0.02], (60, 50))
    found, places, *_ = propose(output, (128, 128), parts, options, ALIKE)
    assert found.part.tolist() == [1, 3]
    assert found.score == pytest.approx([0.6, 0.38], abs=1e-3)
    assert places.tolist() == [0, 0]
    assert found.uv == pytest.approx(np.array([[60, 50]] * 2), abs=1e-3)
    alone, *_ = propose(output, (128, 128), parts, options)
    assert alone.part.tolist() == [3, 1, 0, 2], "until they make up 97 %"


def test_nothing_is_proposed_where_nothing_is():
    parts = known_parts((bracket(), washer()))
    output = np.full((HEADS.part.start + 2, 16, 16), -9, np.float32)
    found, places, *_ = propose(output, (64, 64), parts, ProposalOptions(0.4, 3, "up", 1.5), np.ones((2, 2), bool))
    assert len(found) == len(places) == 0


def _beside(one, other):
    """What a network says that sees two things, whose cells do not overlap."""
    seen = other[HEADS.foreground] > 0
    return np.where(seen, other, one)


def test_two_things_make_two_places_each_with_its_own_part():
    parts = known_parts((bracket("a"), washer(), triangle()))
    output = _beside(
        _answer([0.9, 0.06, 0.04], (30, 40), slice(4, 12)), _answer([0.02, 0.08, 0.9], (90, 100), slice(18, 30))
    )
    found, places, *_ = propose(output, (128, 128), parts, ProposalOptions(0.4, 1, "up", 1.5))
    best = [places.tolist().index(place) for place in dict.fromkeys(places.tolist())]
    assert found.part[best].tolist() == [0, 2]
    assert found.uv[best] == pytest.approx(np.array([[30, 40], [90, 100]]), abs=1e-3)
    assert found.score[best] == pytest.approx([0.9, 0.9], abs=1e-3)
    assert found.similarity[1] == pytest.approx(1.5)


@pytest.mark.parametrize("datum", [(-60.0, 50.0), (70.0, 200.0), (-100.0, -100.0)])
def test_a_part_cut_by_the_border_may_have_its_datum_outside(datum):
    found, *_ = propose(_answer([0.99, 0.01], datum), (128, 128), KNOWN, ProposalOptions(0.4, 1, "up", 1.5))
    assert found.part.tolist() == [0]
    assert found.uv[0] == pytest.approx(datum, abs=1e-3)


def test_what_is_too_far_outside_is_no_place():
    found, *_ = propose(_answer([0.99, 0.01], (-400.0, 50.0)), (128, 128), KNOWN, ProposalOptions(0.4, 1, "up", 1.5))
    assert len(found) == 0


@pytest.mark.parametrize(("side", "count"), [(1, 0), (2, 0), (3, 1)])
def test_few_cells_are_no_part(side, count):
    """More than four must vote: their weights are less than 1."""
    output = _answer([0.99, 0.01], (60, 50), slice(10, 10 + side))
    output[HEADS.foreground][output[HEADS.foreground] > 0] = 20
    found, *_ = propose(output, (128, 128), KNOWN, ProposalOptions(0.4, 1, "up", 1.5))
    assert len(found) == count


def test_the_score_is_the_probability_of_the_part_times_that_of_foreground():
    output = _answer([0.75, 0.25], (60, 50))
    output[HEADS.foreground][output[HEADS.foreground] > 0] = np.log(0.6 / 0.4)
    found, *_ = propose(output, (128, 128), KNOWN, ProposalOptions(0.4, 2, "up", 1.5))
    assert found.part.tolist() == [0, 1]
    assert found.score == pytest.approx([0.45, 0.15], abs=1e-4)
    unseen, *_ = propose(output, (128, 128), KNOWN, ProposalOptions(0.7, 2, "up", 1.5))
    assert len(unseen) == 0

"""Pairs of detections and instances: hand-worked cases, and shapely's overlaps."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools import mask as coco_mask

from kontur.modeling.confusion import count_confusion, look_alikes, missed_instances, pair_up
from kontur.modeling.evaluation import Confusion, PartTraits
from kontur.modeling.ground_truth import TruthInstance, TruthPicture

SIZE_WH = (90, 60)
NAMES = ("a", "b", "c")
boxes = st.tuples(st.integers(0, 60), st.integers(0, 40), st.integers(8, 30), st.integers(8, 20))


def mask_of(box):
    """Run lengths of (left, top, width, height)."""
    left, top, width, height = box
    mask = np.zeros((SIZE_WH[1], SIZE_WH[0]), np.uint8)
    mask[top : top + height, left : left + width] = 1
    return coco_mask.encode(np.asfortranarray(mask))


def truth_of(*rows):
    """The truth of (part, box, ignored)."""
    instances = [TruthInstance(part, mask_of(box), box[2] * box[3], ignored) for part, box, ignored in rows]
    return TruthPicture("picture.png", SIZE_WH, tuple(instances))


def result_of(*rows):
    """What was said: (part, box, score)."""
    return {"detections": [{"part": NAMES[p], "mask": mask_of(box), "score": s} for p, box, s in rows]}


BOX = (10, 10, 20, 20)


@pytest.mark.parametrize(("shift", "taken"), [(0, 0), (6, 0), (7, -1), (20, -1)])
def test_a_pair_overlaps_by_half_or_more(shift, taken):
    """20 px wide, shifted by s: (20 - s) / (20 + s), that is 0.538 at 6 and 0.481 at 7."""
    pairing = pair_up(truth_of((0, BOX, False)), result_of((0, (10 + shift, 10, 20, 20), 0.5)))
    assert pairing.taken.tolist() == [taken]
    assert pairing.iou[0] == (pytest.approx((20 - shift) / (20 + shift)) if taken == 0 else 0)
    assert pairing.false.tolist() == [taken == -1]


def test_names_play_no_role_in_pairing():
    assert pair_up(truth_of((0, BOX, False)), result_of((2, BOX, 0.5))).pairs == [(0, 0)]


def test_an_instance_is_covered_once_and_the_better_score_comes_first():
    pairing = pair_up(truth_of((0, BOX, False)), result_of((0, BOX, 0.3), (0, (12, 10, 20, 20), 0.8)))
    assert pairing.taken.tolist() == [-1, 0]
    assert pairing.iou.tolist() == [0, pytest.approx(18 / 22)]


def test_equal_scores_go_in_order():
    assert pair_up(truth_of((0, BOX, False)), result_of((0, BOX, 0.5), (1, BOX, 0.5))).taken.tolist() == [0, -1]


def test_the_second_best_free_instance_is_taken_when_the_best_is_gone():
    truth = truth_of((0, (10, 10, 20, 20), False), (0, (14, 10, 20, 20), False))
    pairing = pair_up(truth, result_of((0, (10, 10, 20, 20), 0.9), (0, (11, 10, 20, 20), 0.8)))
    assert pairing.taken.tolist() == [0, 1]
    assert pairing.iou[1] == pytest.approx(17 / 23)


@pytest.mark.parametrize(("left", "state"), [(45, "ignored"), (36, "ignored"), (34, "false")])
def test_what_lies_on_an_ignored_instance_by_half_is_ignored(left, state):
    """The crowd starts at column 41; a box of 10 columns from 36 has 5 on it, one from 34 only 3."""
    pairing = pair_up(truth_of((0, (41, 5, 40, 40), True)), result_of((0, (left, 12, 10, 8), 0.5)))
    assert pairing.taken[0] < 0
    assert (pairing.ignored[0], pairing.false[0]) == (state == "ignored", state == "false")


def test_an_instance_that_counts_goes_before_an_ignored_one():
    pairing = pair_up(truth_of((0, BOX, True), (1, (12, 10, 20, 20), False)), result_of((0, BOX, 0.5)))
    assert pairing.pairs == [(0, 1)]


def test_no_detections_and_no_instances_are_pairings_too():
    assert pair_up(truth_of((0, BOX, False)), result_of()).pairs == []
    alone = pair_up(truth_of(), result_of((0, BOX, 0.5), (1, BOX, 0.6)))
    assert alone.false.tolist() == [True, True]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(boxes, st.booleans()), max_size=5), st.lists(st.tuples(boxes, st.integers(0, 9)), max_size=6))
def test_pairs_follow_from_shapelys_overlaps(instances, detections):
    """The rule of the docstring, written out on shapely boxes instead of run lengths."""
    truth = truth_of(*((0, box, ignored) for box, ignored in instances))
    pairing = pair_up(truth, result_of(*((0, box, score / 10) for box, score in detections)))
    there = [shapely.box(x, y, x + w, y + h) for (x, y, w, h), _ in instances]
    said = [shapely.box(x, y, x + w, y + h) for (x, y, w, h), _ in detections]
    free = {k for k, (_, ignored) in enumerate(instances) if not ignored}
    for d in sorted(range(len(said)), key=lambda d: -detections[d][1]):
        iou = {k: said[d].intersection(there[k]).area / said[d].union(there[k]).area for k in free}
        best = max(sorted(iou), key=iou.get, default=None)
        if best is not None and iou[best] >= 0.5:
            assert pairing.taken[d] == best
            assert pairing.iou[d] == pytest.approx(iou[best])
            free.remove(best)
        else:
            on_ignored = [
                said[d].intersection(shape).area / said[d].area
                for shape, (_, ignored) in zip(there, instances, strict=True)
                if ignored
            ]
            assert pairing.ignored[d] == (max(on_ignored, default=0) >= 0.5)
            assert pairing.false[d] != pairing.ignored[d]


def test_the_table_by_hand():
    """Two pictures: a as a, a as b, b missed, a c where nothing is, an ignored b that is said and one that is not."""
    far, corner = (60, 35, 20, 20), (60, 5, 20, 20)
    truth = [
        truth_of((0, BOX, False), (0, far, False), (1, corner, False)),
        truth_of((2, BOX, False), (1, far, True), (1, corner, True)),
    ]
    results = [
        result_of((0, BOX, 0.9), (1, far, 0.8), (2, (35, 20, 20, 20), 0.4)),
        result_of((2, BOX, 0.9), (1, far, 0.7)),
    ]
    pairings = [pair_up(*pair) for pair in zip(truth, results, strict=True)]
    table = count_confusion(NAMES, truth, results, pairings)
    assert table.counts == ((1, 1, 0, 0), (0, 0, 0, 1), (0, 0, 1, 0), (0, 0, 1, 0))
    assert missed_instances(truth[0], pairings[0]) == [2]
    assert missed_instances(truth[1], pairings[1]) == []


def test_look_alikes_are_shares_of_what_was_matched():
    """a: 6 right, 3 taken for b, 1 for c, 5 missed. b: 2 right, 3 taken for a. c: never matched."""
    counts = ((6, 3, 1, 5), (3, 2, 0, 0), (0, 0, 0, 4), (7, 0, 0, 0))
    traits = [PartTraits(name=name, symmetry=1, chiral=False, area_mm2=1.0) for name in NAMES]
    found = look_alikes(Confusion(names=NAMES, counts=counts), traits)
    assert [(row.part, row.taken_for, row.count, row.share) for row in found] == [
        ("a", "b", 3, pytest.approx(0.3)),
        ("b", "a", 3, pytest.approx(0.6)),
        ("a", "c", 1, pytest.approx(0.1)),
    ]

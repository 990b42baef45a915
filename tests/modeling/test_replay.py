"""How pictures are used again: counted over the whole plan, whatever processes share it."""

import itertools
from collections import Counter, defaultdict
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kontur.data_preprocessing.sample import Sample
from kontur.modeling.replay import LANES, MEMORY_BYTES, Replay, Shelf, plan_replay

PLANS = [Replay(4, 8, 8), Replay(8, 2, 8), Replay(3, 5, 4), Replay(2, 1, 16), Replay(5, 3, 7)]


def sample_of(width: int, height: int) -> Sample:
    return Sample(np.zeros((height, width, 3), np.uint8), np.zeros((height, width), np.uint8), ())


@pytest.mark.parametrize("plan", PLANS)
def test_each_picture_serves_as_many_crops_as_planned(plan):
    """Once the beginning is over, and before the end of what is looked at."""
    uses = defaultdict(list)
    for crop in range(LANES * plan.batch_size * 80):
        uses[plan.picture_of(crop)].append(crop)
    span = LANES * (plan.gap * plan.per_picture**2 + plan.batch_size)
    last = LANES * plan.batch_size * 80 - span
    settled = [crops for crops in uses.values() if span < crops[0] < last]
    assert len(settled) > plan.pictures_in_memory
    assert {len(crops) for crops in settled} == {plan.per_picture}


@pytest.mark.parametrize("plan", [plan for plan in PLANS if plan.gap * plan.per_picture >= plan.batch_size])
def test_a_batch_holds_as_many_pictures_as_it_can_and_uses_lie_steps_apart(plan):
    first = LANES * plan.batch_size * 60
    batch = [plan.picture_of(first + k) for k in range(plan.batch_size)]
    assert len(set(batch)) == plan.batch_size, "no picture twice in a batch"
    uses = defaultdict(list)
    for crop in range(first, first + LANES * plan.batch_size * 40):
        uses[plan.picture_of(crop)].append(crop)
    apart = [b - a for crops in uses.values() for a, b in itertools.pairwise(crops)]
    assert min(apart) >= (plan.gap * plan.per_picture // plan.batch_size) * LANES * plan.batch_size - plan.batch_size


@pytest.mark.parametrize("plan", PLANS)
@pytest.mark.parametrize("workers", [1, 2, 4, 8])
def test_processes_share_no_picture_and_make_none_twice(plan, workers):
    """The loader gives batch b to process b modulo their number; each holds as many pictures as the plan says."""
    made = Counter()
    most = plan.pictures_in_memory // workers
    shelves = [Shelf(lambda number: made.update([number]) or number, most) for _ in range(workers)]
    for batch in range(LANES * 50):
        for place in range(plan.batch_size):
            number = plan.picture_of(batch * plan.batch_size + place)
            assert shelves[batch % workers][number] == number
    assert set(made.values()) == {1}


@pytest.mark.parametrize("plan", PLANS)
def test_from_the_first_crop_on_only_pictures_that_the_steady_pace_would_make(plan):
    """The start must not be slower than what follows: a new picture every `per_picture` crops of a lane, no more."""
    seen = set()
    for crop in range(LANES * plan.batch_size * 20):
        seen.add(plan.picture_of(crop))
        turns = crop // (LANES * plan.batch_size) + 1
        assert len(seen) <= LANES * -(-turns * plan.batch_size // plan.per_picture)


@given(st.integers(0, 10**9), st.integers(1, 64))
def test_with_one_crop_per_picture_nothing_is_used_again(crop, batch_size):
    assert Replay(1, 1, batch_size).picture_of(crop) == crop


@given(st.integers(1, 16), st.integers(1, 32), st.integers(16, 3000), st.integers(16, 3000))
def test_what_is_held_fits_into_memory_whenever_that_is_possible(per_picture, batch_size, width, height):
    sample = sample_of(width, height)
    plan = plan_replay(per_picture, batch_size, sample)
    assert (plan.per_picture, plan.batch_size) == (per_picture, batch_size)
    held = plan.pictures_in_memory * width * height * 4
    assert held <= MEMORY_BYTES or plan.gap == 1
    wider = replace(plan, gap=plan.gap + 1)
    assert plan.gap == 8 or per_picture == 1 or wider.pictures_in_memory * width * height * 4 > MEMORY_BYTES


def test_a_shelf_lets_the_oldest_go():
    made = []
    shelf = Shelf(lambda number: made.append(number) or number, 3)
    for number in (5, 6, 5, 7, 8, 6, 5):
        assert shelf[number] == number
    assert made == [5, 6, 7, 8, 5]

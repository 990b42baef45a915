"""Samples rendered on demand against those that `kontur generate` writes, and the mixing of sources."""

import pickle

import numpy as np
import pytest

from kontur.data_preprocessing.dataset import open_dataset
from kontur.data_preprocessing.fresh import ENDLESS, Blend, FreshSamples
from kontur.data_preprocessing.part_list import open_parts
from kontur.errors import DatasetError
from kontur.workspace import Workspace


@pytest.fixture(scope="module")
def space(finished_workspace):
    return Workspace(finished_workspace)


def fresh(space, seed=0, **changes) -> FreshSamples:
    config, parts, _ = open_parts(space)
    return FreshSamples(config, parts, (), seed, **changes)


def test_they_are_what_generate_writes(space):
    """Sample for sample the pictures, masks and poses of the data set on disk."""
    samples, dataset = fresh(space), open_dataset(space, "train")
    for position, index in enumerate(dataset.indices[:3].tolist()):
        here, there = samples[index], dataset[position]
        np.testing.assert_array_equal(here.image, there.image)
        np.testing.assert_array_equal(here.ids, there.ids)
        assert [item.part for item in here.instances] == [item.part for item in there.instances]
        for a, b in zip(here.instances, there.instances, strict=True):
            assert (a.pose.u, a.pose.v) == pytest.approx((b.pose.u, b.pose.v), abs=1e-3)


def test_they_do_not_end_and_other_seeds_are_others(space):
    samples = fresh(space)
    assert len(samples) == ENDLESS
    far = samples[ENDLESS - 1]
    assert far.image.shape == (160, 224, 3)
    assert not np.array_equal(far.image, fresh(space, seed=1)[ENDLESS - 1].image)
    with pytest.raises(IndexError):
        samples[ENDLESS]
    assert len(list(fresh(space, count=2))) == 2


def test_a_loader_process_sees_the_same(space):
    """What a worker gets is a pickled copy."""
    samples = fresh(space)
    copy = pickle.loads(pickle.dumps(samples))
    assert copy == samples
    assert hash(copy) == hash(samples)
    np.testing.assert_array_equal(copy[5].image, samples[5].image)


def test_everything_that_decides_is_in_the_fingerprint(space):
    config, parts, _ = open_parts(space)
    base = FreshSamples(config, parts, (), 0)
    others = [
        FreshSamples(config, parts, (), 1),
        FreshSamples(config, parts[:-1], (), 0),
        FreshSamples(config.with_scale((0.5, 0.6)), parts, (), 0),
        FreshSamples(config, parts, (space.root / "a.png",), 0),
    ]
    assert len({base.fingerprint, *(other.fingerprint for other in others)}) == 5


class Marked(list):
    """Samples that are only names."""


@pytest.mark.parametrize("share", [0.1, 0.5, 0.8])
def test_sources_mix_by_share(share):
    mixed = Blend(Marked(["a"]), Marked([f"b{k}" for k in range(7)]), share)
    drawn = [mixed[index] for index in range(3000)]
    second = [name for name in drawn if name != "a"]
    assert len(second) / len(drawn) == pytest.approx(share, abs=0.04)
    assert set(second) == {f"b{k}" for k in range(7)}
    assert drawn == [mixed[index] for index in range(3000)], "sample i depends on i alone"


def test_nothing_cannot_be_mixed_in():
    with pytest.raises(DatasetError, match="empty"):
        Blend(Marked(["a"]), Marked([]), 0.5)

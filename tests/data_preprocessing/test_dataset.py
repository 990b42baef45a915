"""Splits by counting, and what is said about damaged files."""

import json
from itertools import pairwise

import cv2
import numpy as np
import pytest
from generator_parts import PARTS, SIZE_WH
from hypothesis import given
from hypothesis import strategies as st

from kontur.data_preprocessing.dataset import (
    FORMAT,
    Manifest,
    open_dataset,
    read_instances,
    read_manifest,
    read_truth,
    sample_paths,
    split_of,
    truth_rows,
)  # fmt: skip
from kontur.data_preprocessing.sample import Instance
from kontur.errors import DatasetError, KonturError
from kontur.geometry import PixelPose
from kontur.pictures import write_picture
from kontur.workspace import SPLITS, Workspace

ROW = {
    "category_id": 2,
    "kontur": {"u": 30.25, "v": 12.5, "angle_rad": 0.5, "scale_px_per_mm": 1.25, "flipped": True, "visible_fraction": 0.75},
}  # fmt: skip


def document(count: int = 12, **changes) -> dict:
    parts = [{"name": p.name, "sha256": p.sha256, "symmetry": p.symmetry, "chiral": p.chiral} for p in PARTS]
    config = {"camera": {"size_wh": list(SIZE_WH)}, "dataset": {"val_fraction": 0.25, "test_fraction": 0.25}}
    plain = {"format": FORMAT, "count": count, "complete": True, "fingerprint": "f", "seed": 4, "config": config}
    return {**plain, "parts": parts, **changes}


@pytest.fixture
def space(tmp_path) -> Workspace:
    """A data set of twelve hand-written samples, one part each."""
    workspace = Workspace(tmp_path)
    workspace.manifest.parent.mkdir(parents=True, exist_ok=True)
    workspace.manifest.write_text(json.dumps(document()))
    for index in range(12):
        paths = sample_paths(workspace, split_of(index, 0.25, 0.25), index)
        write_picture(paths.image, np.full((SIZE_WH[1], SIZE_WH[0], 3), 10 * index, np.uint8))
        paths.mask.parent.mkdir(parents=True, exist_ok=True)
        paths.truth.parent.mkdir(parents=True, exist_ok=True)
        ids = np.zeros((SIZE_WH[1], SIZE_WH[0]), np.uint8)
        ids[index : index + 9, 20:30] = 1
        cv2.imwrite(str(paths.mask), ids)
        paths.truth.write_text(json.dumps({"annotations": [ROW]}))
    return workspace


fractions = st.sampled_from([0.0, 0.03125, 0.0625, 0.125, 0.25, 0.5])


@given(val=fractions, test=fractions)
def test_fractions_are_exact_over_ten_thousand(val, test):
    names = [split_of(index, val, test) for index in range(10_000)]
    assert names.count("test") == pytest.approx(10_000 * test, abs=1)
    assert names.count("val") == pytest.approx(10_000 * val, abs=1)
    assert set(names) <= set(SPLITS)


@given(val=st.floats(0, 0.5), test=st.floats(0, 0.5))
def test_splits_are_spread_evenly_from_the_first_sample_on(val, test):
    names = np.array([split_of(index, val, test) for index in range(600)])
    far = np.arange(1, 601)
    assert np.abs(np.cumsum(names == "val") - far * val).max() <= 2.01
    assert np.abs(np.cumsum(names == "test") - far * test).max() <= 2.01


@given(val=st.floats(0, 0.5), test=st.floats(0, 0.5), count=st.integers(0, 700))
def test_sizes_and_positions_agree_with_counting(val, test, count):
    changed = document(count)
    changed["config"]["dataset"] = {"val_fraction": val, "test_fraction": test}
    manifest = Manifest(changed)
    for split in SPLITS:
        counted = [index for index in range(count) if split_of(index, val, test) == split]
        assert manifest.split_size(split) == len(counted)
        for position in (0, len(counted) // 2, len(counted) - 1) if counted else ():
            assert manifest.sample_index(split, position) == counted[position]
        with pytest.raises(IndexError):
            manifest.sample_index(split, len(counted))


def test_positions_may_count_from_the_end(space):
    dataset = open_dataset(space, "train")
    assert dataset.paths(-1) == dataset.paths(len(dataset) - 1)


def test_held_back_samples_never_crowd():
    held = [index for index in range(2000) if split_of(index, 0.1, 0.05) != "train"]
    assert {b - a for a, b in pairwise(held)} <= {6, 7}


def test_a_data_set_grows_without_moving_a_sample():
    small, large = Manifest(document(50)), Manifest(document(400))
    for split in SPLITS:
        early = list(small.split_indices(split))
        assert early == [index for index in large.split_indices(split) if index < 50]
    assert sorted(index for split in SPLITS for index in large.split_indices(split)) == list(range(400))


def test_samples_are_read_as_written(space):
    for split in SPLITS:
        dataset = open_dataset(space, split)
        assert dataset.indices.tolist() == [i for i in range(12) if split_of(i, 0.25, 0.25) == split]
        for position, index in enumerate(dataset.indices.tolist()):
            sample = dataset[position]
            assert sample.image.shape == (SIZE_WH[1], SIZE_WH[0], 3)
            assert abs(int(sample.image.mean()) - 10 * index) <= 1
            assert np.argwhere(sample.ids).min(axis=0).tolist() == [index, 20]
            assert sample.instances == (Instance(1, PixelPose(30.25, 12.5, 0.5, 1.25, True), 0.75),)


def test_the_manifest_says_what_it_holds():
    manifest = Manifest(document())
    assert (manifest.count, manifest.complete, manifest.fingerprint, manifest.seed) == (12, True, "f", 4)
    assert manifest.part_names == tuple(part.name for part in PARTS)
    assert manifest.part_sha256s == tuple(part.sha256 for part in PARTS)
    assert manifest.symmetries == (1, 2, 0, 9)
    assert manifest.chirals == (True, False, False, False)


def test_an_unfinished_data_set_is_not_opened(space):
    space.manifest.write_text(json.dumps(document(complete=False)))
    with pytest.raises(DatasetError, match=r"incomplete; run `kontur generate` again"):
        open_dataset(space, "train")


@pytest.mark.parametrize("text", ["", "{", '{"format": 1', "\x00\x01"])
def test_a_damaged_manifest_names_itself_and_the_way_out(space, text):
    space.manifest.write_text(text)
    with pytest.raises(DatasetError, match=r"damaged.*delete it and run `kontur generate`") as caught:
        read_manifest(space)
    assert str(space.manifest) in str(caught.value)


@pytest.mark.parametrize("value", [[], "text", 7, {"format": 0}, {"format": FORMAT + 1}, {}])
def test_a_manifest_of_another_format_is_none(space, value):
    space.manifest.write_text(json.dumps(value))
    assert read_manifest(space) is None
    with pytest.raises(DatasetError, match="the data set is of another version of kontur; run `kontur generate`"):
        open_dataset(space, "val")


def test_no_manifest_is_none(tmp_path):
    assert read_manifest(Workspace(tmp_path)) is None
    with pytest.raises(DatasetError, match="no data set; run `kontur generate`"):
        open_dataset(Workspace(tmp_path), "val")


@pytest.mark.parametrize("damage", [None, b"", b"{", b"\xff\xfe\x00"])
def test_a_damaged_truth_file_is_said(space, damage):
    dataset = open_dataset(space, "train")
    path = dataset.paths(1).truth
    if damage is None:
        path.unlink()
    else:
        path.write_bytes(damage)
    with pytest.raises(DatasetError, match="delete data/processed and run `kontur generate`") as caught:
        dataset[1]
    assert str(path) in str(caught.value)
    with pytest.raises(DatasetError):
        read_truth(path)
    assert dataset[0].instances


@pytest.mark.parametrize(
    "truth", [{}, [], {"annotations": [{"category_id": 1}]}, {"annotations": [{**ROW, "kontur": {}}]}]
)
def test_a_truth_file_without_its_keys_is_said(space, truth):
    path = open_dataset(space, "train").paths(0).truth
    path.write_text(json.dumps(truth))
    with pytest.raises(DatasetError, match="kontur generate"):
        read_instances(path)


@pytest.mark.parametrize(
    "damage", [None, b"", b"{", b'{"annotations": []}', b'{"width": 1, "annotations": [\n{"a": 1},']
)
def test_rows_of_a_damaged_truth_file_are_said(space, damage):
    path = open_dataset(space, "train").paths(0).truth
    if damage is None:
        path.unlink()
    else:
        path.write_bytes(damage)
    with pytest.raises(DatasetError, match=r"damaged.*delete data/processed and run `kontur generate`"):
        truth_rows(path)


@pytest.mark.parametrize("missing", ["count", "complete", "config", "parts"])
def test_a_manifest_without_its_keys_is_said(space, missing):
    space.manifest.write_text(json.dumps({key: value for key, value in document().items() if key != missing}))
    with pytest.raises(DatasetError, match="kontur generate"):
        _ = open_dataset(space, "train").manifest.part_names


@pytest.mark.parametrize("damage", [None, b"", b"not a picture"])
def test_a_damaged_mask_is_said(space, damage):
    dataset = open_dataset(space, "val")
    path = dataset.paths(0).mask
    if damage is None:
        path.unlink()
    else:
        path.write_bytes(damage)
    with pytest.raises(
        DatasetError, match="missing or damaged; delete data/processed and run `kontur generate`"
    ) as caught:
        dataset[0]
    assert str(path) in str(caught.value)


def test_a_mask_of_another_size_is_said(space):
    dataset = open_dataset(space, "val")
    cv2.imwrite(str(dataset.paths(0).mask), np.zeros((20, 30), np.uint8))
    with pytest.raises(DatasetError, match=r"ids: expected \(160, 220\) uint8, got \(20, 30\)"):
        dataset[0]


def test_a_damaged_picture_is_said(space):
    dataset = open_dataset(space, "val")
    dataset.paths(0).image.write_bytes(b"")
    with pytest.raises(KonturError, match=dataset.paths(0).image.name):
        dataset[0]


def test_positions_beyond_the_end_end_the_iteration(space):
    dataset = open_dataset(space, "test")
    with pytest.raises(IndexError):
        dataset[len(dataset)]
    assert len(list(dataset)) == len(dataset) == 3  # type: ignore[call-overload]

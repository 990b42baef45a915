"""What a training learns from, in every combination, on the small finished workspace."""

import json
import shutil
from pathlib import Path

import pytest

from kontur.data_preprocessing.dataset import open_dataset
from kontur.data_preprocessing.fresh import ENDLESS, FreshSamples
from kontur.data_preprocessing.part_list import open_parts
from kontur.errors import DatasetError
from kontur.modeling.train_config import TrainConfig
from kontur.modeling.training_data import open_training_data
from kontur.workspace import Workspace


@pytest.fixture
def space(tmp_path, finished_workspace):
    return Workspace(Path(shutil.copytree(finished_workspace, tmp_path / "workspace")))


@pytest.fixture
def photos(space, tmp_path):
    """The test split, as somebody's photographs."""
    folder = tmp_path / "photos"
    shutil.copytree(space.processed / "test" / "images", folder / "images")
    shutil.copy(space.coco / "test.json", folder / "instances.json")
    return folder


def test_a_data_set_is_taken_as_it_is(space):
    data = open_training_data(space, TrainConfig())
    manifest = open_dataset(space, "train").manifest
    assert (len(data.train), len(data.val)) == (len(open_dataset(space, "train")), len(open_dataset(space, "val")))
    assert data.info.dataset == manifest.fingerprint
    assert [part.name for part in data.parts] == [part.name for part in data.info.parts] == list(manifest.part_names)


def test_shards_are_the_data_set_from_elsewhere(space, tmp_path, run_kontur):
    pytest.importorskip("fsspec")
    address = str(tmp_path / "shards")
    said = run_kontur("generate", "-C", space.root, "--shards", address, "--executor", "threads", "--workers", "1")
    assert said.code == 0
    loose = open_training_data(space, TrainConfig())
    shutil.rmtree(space.processed)
    data = open_training_data(space, TrainConfig(), shards=address)
    assert data.info == loose.info
    assert len(data.train) == len(loose.train)
    assert len(data.train[3].instances) > 0
    with pytest.raises(DatasetError, match="no shards"):
        open_training_data(space, TrainConfig(), shards=str(tmp_path / "nowhere"))


def test_shards_and_on_the_fly_exclude_each_other(space, run_kontur):
    said = run_kontur("train", "-C", space.root, "--shards", "x", "--on-the-fly")
    assert said.code == 2
    assert "give one of them" in said.err


def test_on_the_fly_nothing_is_read_and_validation_is_apart(space):
    shutil.rmtree(space.processed)
    data = open_training_data(space, TrainConfig(), on_the_fly=True)
    assert isinstance(data.train, FreshSamples)
    assert len(data.train) == ENDLESS
    assert data.train.seed != data.val.seed
    assert [part.sha256 for part in data.info.parts] == [part.sha256 for part in open_parts(space)[1]]
    assert data.info.mm_per_px == (0.6, 0.7)
    assert not space.processed.exists()


def test_photographs_are_mixed_in(space, photos):
    plain, mixed = (open_training_data(space, TrainConfig(), photos=folder) for folder in (None, photos))
    assert len(mixed.train) == ENDLESS
    assert "photographs" in mixed.source
    assert mixed.info.dataset != plain.info.dataset
    seen = {mixed.train[index].image.tobytes() for index in range(200)}
    taken = {open_dataset(space, "test")[k].image.tobytes() for k in range(len(open_dataset(space, "test")))}
    learnt = {plain.train[k].image.tobytes() for k in range(len(plain.train))}
    assert seen == taken | learnt
    assert len(mixed.val) == len(plain.val), "validation stays synthetic"


def test_other_photographs_are_another_data_set(space, photos):
    before = open_training_data(space, TrainConfig(), photos=photos).info.dataset
    document = json.loads((photos / "instances.json").read_text())
    document["annotations"].pop()
    (photos / "instances.json").write_text(json.dumps(document))
    assert open_training_data(space, TrainConfig(), photos=photos).info.dataset != before


def test_an_empty_split_is_named(space):
    manifest = json.loads(space.manifest.read_text())
    manifest["config"]["dataset"]["val_fraction"] = 0.0
    space.manifest.write_text(json.dumps(manifest))
    with pytest.raises(DatasetError, match="val: no pictures"):
        open_training_data(space, TrainConfig())

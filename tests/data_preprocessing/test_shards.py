import json
import tarfile

import numpy as np
import pytest
from generator_parts import PARTS, small_config

from kontur.data_preprocessing.dataset import sample_paths, split_of
from kontur.data_preprocessing.generate import generate
from kontur.data_preprocessing.shards import read_shard, write_shards
from kontur.errors import DatasetError
from kontur.workspace import Workspace

fsspec = pytest.importorskip("fsspec")
COUNT = 24


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    space = Workspace(tmp_path_factory.mktemp("shards"))
    return space, generate(space, small_config(), PARTS, [], COUNT, 2, "threads", 1)


def test_shards_hold_every_sample_once_and_unchanged(made, tmp_path):
    space, manifest = made
    shards = write_shards(space, manifest, str(tmp_path / "out"), per_shard=7)
    assert sum(shard.count for shard in shards) == COUNT
    seen = {}
    for shard in shards:
        for key, members in read_shard(str(tmp_path / "out"), shard.name):
            assert split_of(int(key), 0.08, 0.04) == shard.split
            seen[int(key)] = members
    assert sorted(seen) == list(range(COUNT))
    for index, members in seen.items():
        paths = sample_paths(space, split_of(index, 0.08, 0.04), index)
        assert members == {
            "jpg": paths.image.read_bytes(), "png": paths.mask.read_bytes(), "json": paths.truth.read_bytes(),
        }  # fmt: skip


def test_memory_and_disk_hold_the_same_bytes(made, tmp_path):
    space, manifest = made
    shards = write_shards(space, manifest, str(tmp_path), per_shard=10)
    write_shards(space, manifest, "memory://kontur/set", per_shard=10)
    memory = fsspec.filesystem("memory")
    for name in [*(shard.name for shard in shards), "index.json"]:
        assert memory.cat(f"/kontur/set/{name}") == (tmp_path / name).read_bytes()
    memory.rm("/kontur", recursive=True)


def test_the_index_lists_the_shards(made, tmp_path):
    space, manifest = made
    shards = write_shards(space, manifest, str(tmp_path), per_shard=10)
    index = json.loads((tmp_path / "index.json").read_text())
    assert index["fingerprint"] == manifest.fingerprint
    assert [row["name"] for row in index["shards"]] == [shard.name for shard in shards]
    assert np.sum([row["count"] for row in index["shards"]]) == COUNT


def test_any_tar_reader_opens_them(made, tmp_path):
    space, manifest = made
    shards = write_shards(space, manifest, str(tmp_path), per_shard=10)
    with tarfile.open(tmp_path / shards[0].name) as tar:
        names = tar.getnames()
        assert {member.mtime for member in tar.getmembers()} == {0}
    assert len(names) == 3 * shards[0].count
    assert [name.split(".")[1] for name in names[:3]] == ["jpg", "png", "json"]


def test_progress_ends_at_the_count(made, tmp_path):
    space, manifest = made
    calls: list[tuple[int, int]] = []
    write_shards(space, manifest, str(tmp_path), 10, lambda done, total: calls.append((done, total)))
    assert calls[-1] == (COUNT, COUNT)


def test_an_unknown_address_is_said(made):
    space, manifest = made
    with pytest.raises(DatasetError, match="nowhere"):
        write_shards(space, manifest, "nowhere://bucket/x")

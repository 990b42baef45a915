"""`kontur generate` as its users call it: files, class maps, shards."""

import json

import pytest

from kontur.data_preprocessing.shard_reader import open_shards
from kontur.workspace import Workspace
from tiny_workspace import draw_parts

QUICK = ("--count", "8", "--executor", "threads", "--workers", "1")


@pytest.fixture
def space(tmp_path, run_kontur) -> Workspace:
    draw_parts(tmp_path / "drawings")
    root = tmp_path / "workspace"
    assert run_kontur("new", root, "--drawings", tmp_path / "drawings").code == 0
    config = root / "configs" / "data_config.yaml"
    config.write_text("camera: {size_wh: [96, 64], mm_per_px: [1.0, 1.2]}\nscene: {parts: [1, 2]}\n")
    return Workspace(root)


def test_class_maps_are_written_on_request(space, run_kontur):
    assert run_kontur("generate", "-C", space.root, *QUICK, "--class-masks").code == 0
    assert len(list(space.processed.rglob("classes/*.png"))) == 8
    assert run_kontur("generate", "-C", space.root, *QUICK).code == 0
    assert not list(space.processed.rglob("classes/*.png"))


def test_shards_go_to_their_address_and_nothing_to_the_workspace(space, run_kontur, tmp_path):
    pytest.importorskip("fsspec")
    address = tmp_path / "shards"
    said = run_kontur("generate", "-C", space.root, *QUICK, "--shards", address, "--json")
    assert said.code == 0
    assert json.loads(said.out)["folder"] == str(address)
    assert not list(space.processed.rglob("*.jpg"))
    assert len(open_shards(str(address), "train")) == 8
    again = run_kontur("generate", "-C", space.root, *QUICK, "--shards", address, "--seed", "5")
    assert again.code == 2
    assert "another data set lies there" in again.err


@pytest.mark.parametrize("workers", ["0", "-1", "two", ""])
def test_a_wrong_number_of_workers_is_said(space, run_kontur, workers):
    said = run_kontur("generate", "-C", space.root, "--workers", workers)
    assert said.code == 2
    assert "expected a positive number or auto" in said.err

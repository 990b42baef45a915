"""The tree of names that every command shares."""

import subprocess
from pathlib import Path

import pytest

from kontur.errors import WorkspaceError
from kontur.workspace import SPLITS, Workspace, open_workspace

ROOT = Path(__file__).resolve().parents[1]

TREE = {
    "data_config": "configs/data_config.yaml",
    "train_config": "configs/train_config.yaml",
    "service_config": "configs/service_config.yaml",
    "drawings": "data/raw/dxf_templates",
    "backgrounds": "data/raw/images",
    "processed": "data/processed",
    "manifest": "data/processed/manifest.json",
    "coco": "data/annotations/coco",
    "yolo": "data/annotations/yolo",
    "models": "models",
    "checkpoint": "models/checkpoint.pth",
    "onnx": "models/checkpoint.onnx",
    "templates": "models/opencv_templates",
    "runs": "models/runs",
    "reports": "reports",
}


@pytest.mark.parametrize(("name", "place"), TREE.items())
def test_places(name, place):
    assert getattr(Workspace(Path("w")), name) == Path("w") / place


def test_no_place_is_left_out():
    properties = {name for name, value in vars(Workspace).items() if isinstance(value, property)}
    assert properties == set(TREE)


def test_the_repository_root_is_a_workspace():
    assert open_workspace(ROOT).root == ROOT


def test_the_repository_holds_the_whole_tree():
    """Empty folders are kept in git by .gitkeep files."""
    listed = subprocess.run(["git", "-C", ROOT, "ls-files"], capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    folders = {str(Path(line).parent) for line in listed.stdout.splitlines()}
    assert {TREE[name] for name in ("drawings", "backgrounds", "coco", "yolo", "templates")} <= folders
    assert {f"data/processed/{split}/{kind}" for split in SPLITS for kind in ("images", "masks")} <= folders


def test_a_folder_without_configuration_is_no_workspace(tmp_path):
    with pytest.raises(WorkspaceError) as caught:
        open_workspace(tmp_path / "w")
    assert str(caught.value) == (
        f"{tmp_path}/w: not a workspace (no configs/data_config.yaml); make one with `kontur new {tmp_path}/w`"
    )

"""`kontur new`: a workspace appears whole or not at all, and never over something."""

import gzip
import os
import resource
import stat
import subprocess
from contextlib import contextmanager
from pathlib import Path

import ezdxf
import pytest

from kontur.config import load_config
from kontur.data_preprocessing.data_config import DataConfig
from kontur.errors import WorkspaceError
from kontur.scaffold import TEMPLATES, create_workspace, example_drawings
from kontur.workspace import SPLITS, Workspace, open_workspace

ROOT = Path(__file__).resolve().parents[1]
PACKAGED = ROOT / "src" / "kontur" / "templates"

FOLDERS = {
    "configs",
    "data/annotations/coco",
    "data/annotations/yolo",
    "data/raw/dxf_templates",
    "data/raw/images",
    "models/opencv_templates",
    "notebooks",
    *(f"data/processed/{split}/{kind}" for split in SPLITS for kind in ("images", "masks")),
}


def tree(folder):
    """Return {relative path: bytes, or None for a folder} of everything below `folder`."""
    paths = folder.rglob("*")
    return {str(path.relative_to(folder)): None if path.is_dir() else path.read_bytes() for path in paths}


def write_square(path, side_mm):
    drawing = ezdxf.new(units=4)
    corners = [(0, 0), (side_mm, 0), (side_mm, 20), (0, 20)]
    drawing.modelspace().add_lwpolyline(corners, close=True)
    drawing.saveas(path)


@pytest.fixture
def cad(tmp_path):
    """A folder with three drawings and something else."""
    folder = tmp_path / "cad"
    folder.mkdir()
    write_square(folder / "a.dxf", 30)
    write_square(folder / "B.DXF", 40)
    (folder / "c.dxf.gz").write_bytes(gzip.compress((folder / "a.dxf").read_bytes()))
    (folder / "notes.txt").write_text("not a drawing")
    return folder


@contextmanager
def file_size_limit(size_bytes):
    """Let the kernel refuse to write files larger than `size_bytes`, as a full disk would."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_the_tree(tmp_path, run_kontur):
    assert run_kontur("new", tmp_path / "w").code == 0
    made = tree(tmp_path / "w")
    assert {path for path, data in made.items() if data is None} >= FOLDERS
    assert {path for path, data in made.items() if data is not None} == set(TEMPLATES.values())
    assert open_workspace(tmp_path / "w") == Workspace(tmp_path / "w")


def test_drawings_are_copied_and_the_originals_stay(tmp_path, cad, run_kontur):
    before = tree(cad)
    said = run_kontur("new", tmp_path / "w", "--drawings", cad)
    assert said.code == 0
    assert "with 3 drawings" in said.out
    assert tree(cad) == before
    copied = tree(tmp_path / "w" / "data" / "raw" / "dxf_templates")
    assert copied == {name: data for name, data in before.items() if name != "notes.txt"}


def test_without_drawings_a_hint_says_where_they_go(tmp_path, run_kontur):
    said = run_kontur("new", tmp_path / "w")
    assert "with 0 drawings" in said.out
    assert f"put .dxf files into {tmp_path}/w/data/raw/dxf_templates" in said.out
    assert f"kontur inspect -C {tmp_path}/w" in said.out


def test_the_next_command_works(tmp_path, cad, run_kontur):
    run_kontur("new", tmp_path / "w", "--drawings", cad)
    said = run_kontur("inspect", "-C", tmp_path / "w")
    assert said.code == 0, said.err


def test_a_relative_folder(tmp_path, run_kontur, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run_kontur("new", "w").code == 0
    assert run_kontur("new", "deep/er/w").code == 0
    assert open_workspace(Path("deep/er/w"))


def test_a_second_time_nothing_changes(tmp_path, cad, run_kontur):
    run_kontur("new", tmp_path / "w", "--drawings", cad)
    (tmp_path / "w" / "models" / "checkpoint.pth").write_bytes(b"hours of work")
    (tmp_path / "w" / "configs" / "data_config.yaml").write_text("faces: up\n")
    before = tree(tmp_path)
    said = run_kontur("new", tmp_path / "w", "--drawings", cad)
    assert said == (
        2, "", f"error: {tmp_path}/w: is a workspace already, nothing was changed; name another folder\n"
    )  # fmt: skip
    assert tree(tmp_path) == before


def test_a_folder_with_other_things_keeps_them(tmp_path):
    (tmp_path / "w" / "photos").mkdir(parents=True)
    (tmp_path / "w" / "photos" / "1.jpg").write_bytes(b"picture")
    create_workspace(tmp_path / "w")
    made = tree(tmp_path / "w")
    assert made["photos/1.jpg"] == b"picture"
    assert set(made) >= FOLDERS
    assert [path for path in made if "kontur-new" in path] == []


def test_the_current_folder(tmp_path, run_kontur, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run_kontur("new", ".").code == 0
    assert Path("configs/data_config.yaml").is_file()


@pytest.mark.parametrize("name", ["README.md", "data/raw/mine.dxf", "configs/other.yaml", ".gitignore"])
def test_what_is_in_the_way_is_named_and_kept(tmp_path, run_kontur, name):
    path = tmp_path / "w" / name
    path.parent.mkdir(parents=True)
    path.write_text("mine")
    before = tree(tmp_path)
    said = run_kontur("new", tmp_path / "w")
    assert said.code == 2
    assert f"{name.split('/')[0]} would be overwritten" in said.err
    assert tree(tmp_path) == before


def test_a_file_in_the_way(tmp_path, run_kontur):
    (tmp_path / "w").write_text("mine")
    said = run_kontur("new", tmp_path / "w")
    assert said == (2, "", f"error: {tmp_path}/w: is a file; name another folder\n")


@pytest.mark.parametrize("source", ["nowhere", "empty"])
def test_a_folder_without_drawings_makes_nothing(tmp_path, run_kontur, source):
    (tmp_path / "empty").mkdir()
    said = run_kontur("new", tmp_path / "w", "--drawings", tmp_path / source)
    assert said.code == 2
    assert said.err.startswith(f"error: {tmp_path}/{source}")
    assert said.err.count("\n") == 1
    assert not (tmp_path / "w").exists()


def test_two_drawings_of_one_name_are_refused(tmp_path, cad):
    (tmp_path / "more").mkdir()
    write_square(tmp_path / "more" / "a.dxf", 50)
    with pytest.raises(WorkspaceError, match=r"^a.dxf: several drawings have this file name; rename all but one$"):
        create_workspace(tmp_path / "w", [cad / "a.dxf", tmp_path / "more" / "a.dxf"])
    assert not (tmp_path / "w").exists()


@pytest.mark.parametrize("existing", [False, True])
def test_no_space_left_leaves_nothing(tmp_path, run_kontur, existing):
    cad = tmp_path / "cad"
    cad.mkdir()
    (cad / "big.dxf").write_bytes(b"0\nEOF\n" * 50_000)
    if existing:
        (tmp_path / "w").mkdir()
    before = tree(tmp_path)
    with file_size_limit(100_000):
        said = run_kontur("new", tmp_path / "w", "--drawings", cad)
    assert said.code == 2
    assert said.err == f"error: {tmp_path}/w: cannot be made (File too large); free space or check rights\n"
    assert tree(tmp_path) == before


def test_a_failure_while_moving_into_a_folder_takes_everything_back(tmp_path, monkeypatch):
    (tmp_path / "w").mkdir()
    rename = Path.rename

    def fail_late(self, target):
        if self.name == "configs":
            raise OSError(5, "Input/output error")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fail_late)
    with pytest.raises(WorkspaceError, match="Input/output error"):
        create_workspace(tmp_path / "w")
    assert tree(tmp_path) == {"w": None}


def test_rights_follow_the_umask(tmp_path):
    """A temporary folder is private; the finished workspace must not be."""
    old = os.umask(0o027)
    try:
        create_workspace(tmp_path / "w")
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "w").stat().st_mode) == 0o750
    assert stat.S_IMODE((tmp_path / "w" / "configs" / "data_config.yaml").stat().st_mode) == 0o640


def test_git_ignores_products_and_keeps_what_the_user_brings(tmp_path, cad):
    workspace = create_workspace(tmp_path / "w", [cad / "a.dxf"])
    for product in (workspace.manifest, workspace.checkpoint, workspace.coco / "train.json", workspace.reports / "a"):
        product.parent.mkdir(parents=True, exist_ok=True)
        product.write_text("x")
    (workspace.backgrounds / "table.jpg").write_text("x")
    git = ["git", "-C", str(workspace.root)]
    if subprocess.run([*git, "init", "-q"], check=False).returncode:
        pytest.skip("git is not installed")
    listed = subprocess.run([*git, "ls-files", "-o", "--exclude-standard"], capture_output=True, text=True, check=True)
    kept = {"data/raw/dxf_templates/a.dxf", "data/raw/images/table.jpg"} | set(TEMPLATES.values())
    assert set(listed.stdout.split()) == kept


@pytest.mark.parametrize(("name", "place"), [item for item in TEMPLATES.items() if "/" in item[1]])
def test_the_repository_is_the_workspace_that_new_makes(name, place):
    assert (ROOT / place).read_bytes() == (PACKAGED / name).read_bytes(), f"cp src/kontur/templates/{name} {place}"


def test_the_configuration_states_the_defaults():
    """What the commented file says is what leaving the key out means."""
    assert load_config(PACKAGED / "data_config.yaml", DataConfig) == DataConfig()


def test_the_readme_of_a_workspace_names_commands_that_exist():
    from kontur.cli import COMMAND_MODULES

    text = (PACKAGED / "README.md").read_text()
    assert all(f"`kontur {name}" in text for name in COMMAND_MODULES if name not in {"new", "demo"})


def test_the_examples_of_the_package_are_those_of_the_repository():
    """Tests of the script that writes them are with the drawings; here only that both copies are the same."""
    examples = {path.name: path.read_bytes() for path in example_drawings()}
    kept = {path.name: path.read_bytes() for path in (ROOT / "data" / "raw" / "dxf_templates").glob("*.dxf")}
    assert len(examples) >= 12
    assert examples.items() <= kept.items(), "python examples/make_drawings.py"

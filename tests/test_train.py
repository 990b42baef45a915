"""`kontur train`, `kontur export` and `kontur demo` on bad input: one line, exit code 2, nothing half made."""

import json
import shutil
from pathlib import Path

import ezdxf
import pytest
import yaml

from kontur.cli.demo import _lay_face_up
from kontur.scaffold import create_workspace, example_drawings
from kontur.workspace import Workspace


@pytest.fixture
def space(tmp_path) -> Workspace:
    document = ezdxf.new(units=4)
    document.modelspace().add_circle((0, 0), 15)
    document.saveas(tmp_path / "disc.dxf")
    return create_workspace(tmp_path / "workspace", [tmp_path / "disc.dxf"])


def one_line(run) -> str:
    """The error of a run that must have failed with exit code 2 and without a traceback."""
    assert run.code == 2
    assert run.out == ""
    assert "Traceback" not in run.err
    lines = [line for line in run.err.splitlines() if line.startswith("error:")]
    assert len(lines) == 1
    return lines[0]


def test_training_without_a_data_set_says_what_to_run(run_kontur, space):
    assert "kontur generate" in one_line(run_kontur("train", "-C", space.root))
    assert not space.checkpoint.exists()


def test_threads_are_set_before_anything_is_loaded(run_kontur, space, monkeypatch):
    asked = []
    monkeypatch.setattr("kontur.hardware.threads.use_threads", asked.append)
    one_line(run_kontur("train", "--threads", "1", "-C", space.root))
    assert asked == [1]
    assert run_kontur("train", "--threads", "0", "-C", space.root).code == 2


def test_training_on_half_a_data_set_says_what_to_run(run_kontur, space):
    assert run_kontur("generate", "--count", "8", "--workers", "1", "--executor", "threads", "-C", space.root).code == 0
    manifest = json.loads(space.manifest.read_text())
    space.manifest.write_text(json.dumps(manifest | {"complete": False}))
    assert "kontur generate" in one_line(run_kontur("train", "-C", space.root))


def test_a_damaged_manifest_is_named(run_kontur, space):
    space.manifest.write_text("{")
    assert str(space.manifest) in one_line(run_kontur("train", "-C", space.root))


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        (
            "training:\n  minutes: -1\n  batchsize: 3\n",
            ["train_config.yaml:2", "minutes", "train_config.yaml:3", "batchsize"],
        ),
        ("network:\n  size: xl\n", ["train_config.yaml:2", "network.size"]),
        ("training: {crop_px: 100}\n", ["crop_px", "32"]),
        ("training: [", ["not valid YAML"]),
    ],
)
def test_all_faults_of_the_configuration_are_listed_with_their_lines(run_kontur, space, text, faults):
    space.train_config.write_text(text)
    said = one_line(run_kontur("train", "-C", space.root))
    for fault in faults:
        assert fault in said


def test_minutes_must_be_positive(run_kontur, space):
    run = run_kontur("train", "--minutes", "0", "-C", space.root)
    assert run.code == 2
    assert "--minutes" in run.err


def test_outside_a_workspace_the_command_says_how_to_make_one(run_kontur, tmp_path):
    for command in ("train", "export"):
        assert "kontur new" in one_line(run_kontur(command, "-C", tmp_path / "nowhere"))


def test_exporting_without_a_checkpoint_says_what_to_run(run_kontur, space):
    assert "kontur train" in one_line(run_kontur("export", "-C", space.root))
    assert not space.onnx.exists()


def test_a_damaged_checkpoint_is_one_line(run_kontur, space):
    space.checkpoint.write_bytes(b"no checkpoint")
    assert str(space.checkpoint) in one_line(run_kontur("export", "-C", space.root))


def test_the_demo_lays_parts_face_up_and_keeps_the_comments(tmp_path):
    space = create_workspace(tmp_path / "demo", example_drawings())
    before = space.data_config.read_text()
    _lay_face_up(space)
    after = space.data_config.read_text()
    assert yaml.safe_load(after) == yaml.safe_load(before) | {"faces": "up"}
    assert after.count("#") == before.count("#")


@pytest.fixture
def generated(tmp_path, finished_workspace) -> Workspace:
    return Workspace(Path(shutil.copytree(finished_workspace, tmp_path / "generated")))


def add_disc(space: Workspace, name: str = "disc") -> None:
    document = ezdxf.new(units=4)
    document.modelspace().add_circle((0, 0), 15)
    document.saveas(space.drawings / f"{name}.dxf")


def test_a_data_set_made_from_other_drawings_is_refused(run_kontur, generated):
    add_disc(generated)
    said = one_line(run_kontur("train", "-C", generated.root))
    assert "made from other drawings" in said
    assert "new: disc" in said
    (generated.drawings / "disc.dxf").unlink()
    (generated.drawings / "ring.dxf").unlink()
    assert "gone: ring" in one_line(run_kontur("train", "-C", generated.root))
    add_disc(generated, "ring")
    assert "changed: ring" in one_line(run_kontur("train", "-C", generated.root))
    assert not generated.checkpoint.exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--machines", "2", "--rank", "2"], "numbered from 0 to 1"),
        (["--photos", "nowhere"], "no such folder"),
        (["--from", "nowhere.pth", "--minutes", "0.01"], "kontur train"),
    ],
)
def test_what_cannot_be_trained_with_is_said(run_kontur, generated, words, said):
    run = run_kontur("train", "-C", generated.root, *words)
    assert run.code == 2
    assert said in run.err
    assert not generated.checkpoint.exists()

"""`kontur demo`: which steps run, in which order and with what, without running them (test_end_to_end does)."""

import ezdxf
import pytest

from kontur.cli.demo import DEMO_MINUTES, DEMO_PICTURES, DEMO_SEED, SHOWN_PICTURES
from kontur.config import load_config
from kontur.data_preprocessing.data_config import DataConfig
from kontur.drawing import find_drawings, read_parts
from kontur.errors import DatasetError
from kontur.workspace import Workspace

STEPS = ("inspect", "generate", "train", "export", "evaluate", "detect")
MODULES = {"export": "train"}
PICTURES = SHOWN_PICTURES + 3


@pytest.fixture
def steps(monkeypatch):
    """Replace every step by a note of its call; `generate` leaves some picture files and `train` a checkpoint."""
    calls = []

    def note(name):
        def step(*words, **options):
            calls.append((name, words, options))
            space = Workspace(options["workspace"])
            if name == "generate":
                folder = space.processed / "test" / "images"
                folder.mkdir(parents=True, exist_ok=True)
                for number in range(PICTURES):
                    (folder / f"{number:06d}.png").write_bytes(b"")

        return step

    for name in STEPS:
        monkeypatch.setattr(f"kontur.cli.{MODULES.get(name, name)}.{name}", note(name))
    return calls


def test_every_step_runs_in_order_in_the_same_workspace(run_kontur, steps, tmp_path):
    said = run_kontur("demo", tmp_path / "d")
    assert said.code == 0, said.err
    assert [name for name, _, _ in steps] == list(STEPS)
    assert {options["workspace"] for _, _, options in steps} == {tmp_path / "d"}


@pytest.mark.usefixtures("steps")
def test_the_titles_count_the_steps(run_kontur, tmp_path):
    said = run_kontur("demo", tmp_path / "d")
    assert [f"{number} of 6:" in said.out for number in range(1, 7)] == [True] * 6
    assert f"report: {tmp_path / 'd' / 'reports'}" in said.out.replace("\n", "")


def test_the_steps_get_the_demos_numbers_unless_others_are_given(run_kontur, steps, tmp_path):
    run_kontur("demo", tmp_path / "a")
    run_kontur("demo", tmp_path / "b", "--count", "77", "--minutes", "0.5")
    generated = [options for name, _, options in steps if name == "generate"]
    assert [(step["count"], step["seed"]) for step in generated] == [(DEMO_PICTURES, DEMO_SEED), (77, DEMO_SEED)]
    assert [options["minutes"] for name, _, options in steps if name == "train"] == [DEMO_MINUTES, 0.5]


def test_detect_gets_the_first_test_pictures_and_a_folder_for_results(run_kontur, steps, tmp_path):
    run_kontur("demo", tmp_path / "d")
    (pictures, out), _ = next((words, options) for name, words, options in steps if name == "detect")
    folder = Workspace(tmp_path / "d").processed / "test" / "images"
    assert pictures == [str(folder / f"{number:06d}.png") for number in range(SHOWN_PICTURES)]
    assert out == tmp_path / "d" / "results"


@pytest.mark.usefixtures("steps")
def test_the_examples_lie_face_up_and_the_rest_of_the_configuration_is_the_usual(run_kontur, tmp_path):
    run_kontur("demo", tmp_path / "d")
    config = load_config(Workspace(tmp_path / "d").data_config, DataConfig)
    assert config.faces == "up"
    assert config.model_copy(update={"faces": "both"}) == DataConfig()


@pytest.mark.usefixtures("steps")
def test_the_examples_hold_enough_parts(run_kontur, tmp_path):
    run_kontur("demo", tmp_path / "d")
    parts, drawings = read_parts(find_drawings([Workspace(tmp_path / "d").drawings]))
    assert len(drawings) >= 12
    assert {3, 16} <= {part.symmetry for part in parts}
    assert any(drawing.unit == "inch" for drawing in drawings)


def test_what_is_trained_is_not_trained_again(run_kontur, steps, tmp_path, monkeypatch):
    monkeypatch.setattr("kontur.modeling.checkpoint.is_trained", lambda space: space.root == tmp_path / "d")
    run_kontur("demo", tmp_path / "d")
    assert [name for name, _, _ in steps] == [name for name in STEPS if name != "train"]


@pytest.mark.usefixtures("steps")
def test_a_workspace_that_is_there_is_kept(run_kontur, tmp_path):
    run_kontur("demo", tmp_path / "d")
    space = Workspace(tmp_path / "d")
    mine = space.data_config.read_text() + "\n# mine\n"
    space.data_config.write_text(mine)
    document = ezdxf.new(units=4)
    document.modelspace().add_circle((0, 0), 9)
    document.saveas(space.drawings / "mine.dxf")
    assert run_kontur("demo", tmp_path / "d").code == 0
    assert space.data_config.read_text() == mine
    assert (space.drawings / "mine.dxf").is_file()


def test_a_step_that_fails_ends_the_demo_with_one_line(run_kontur, steps, tmp_path, monkeypatch):
    def fail(**_):
        raise DatasetError("no space left; free some and run the command again")

    monkeypatch.setattr("kontur.cli.generate.generate", fail)
    said = run_kontur("demo", tmp_path / "d")
    assert said.code == 2
    assert said.err == "error: no space left; free some and run the command again\n"
    assert [name for name, _, _ in steps] == ["inspect"]


def test_an_interruption_says_how_to_go_on(run_kontur, steps, tmp_path, monkeypatch):
    def stop(**_):
        raise KeyboardInterrupt

    monkeypatch.setattr("kontur.cli.train.train", stop)
    said = run_kontur("demo", tmp_path / "d")
    assert said.code == 130
    assert said.err == "interrupted; run the same command again to continue\n"
    assert [name for name, _, _ in steps] == ["inspect", "generate"]


@pytest.mark.parametrize("words", [("--count", "49"), ("--minutes", "0"), ("--count", "many"), ("a", "b")])
def test_wrong_use_is_one_line_and_makes_nothing(run_kontur, steps, tmp_path, words, monkeypatch):
    monkeypatch.chdir(tmp_path)
    said = run_kontur("demo", *words)
    assert (said.code, said.out) == (2, "")
    assert said.err.endswith("see `kontur demo --help`\n")
    assert steps == [] and list(tmp_path.iterdir()) == []


def test_a_file_in_the_way_is_one_line(run_kontur, steps, tmp_path):
    (tmp_path / "file").write_text("in the way")
    said = run_kontur("demo", tmp_path / "file")
    assert said.code == 2
    assert str(tmp_path / "file") in said.err and "Traceback" not in said.err
    assert (tmp_path / "file").read_text() == "in the way"
    assert steps == []

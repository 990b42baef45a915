"""`kontur evaluate` on a small workspace, with the truth itself as the detector."""

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from kontur.data_preprocessing.dataset import open_dataset
from kontur.data_preprocessing.part_list import open_parts
from kontur.modeling.detections import from_poses
from kontur.modeling.evaluation import read_evaluation
from kontur.workspace import Workspace


class Oracle:
    """Says what the data set says; every second picture it says nothing."""

    info = SimpleNamespace(
        network_size="n", mm_per_px=(0.6, 0.7), faces="both", metrics={"val/loss": 0.5}, versions={"torch": "2.13.0"}
    )

    def __init__(self, space: Workspace, split: str, blind: bool) -> None:
        self.parts = open_parts(space)[1]
        self._samples = iter(list(open_dataset(space, split)))
        self._blind, self._seen = blind, 0

    def detect(self, picture):
        items = next(self._samples).instances
        self._seen += 1
        if self._blind and self._seen % 2:
            items = ()
        size_wh = (picture.shape[1], picture.shape[0])
        return from_poses(size_wh, [i.part for i in items], [0.9] * len(items), [i.pose for i in items])


@pytest.fixture
def space(tmp_path, finished_workspace, monkeypatch):
    """A workspace whose detector is the oracle; `space.blind = True` makes it miss every second picture."""
    workspace = Workspace(Path(shutil.copytree(finished_workspace, tmp_path / "workspace")))
    state = SimpleNamespace(workspace=workspace, blind=False, split="test", threads=[])

    def load(found, _scale, engine, threads):
        state.threads.append(threads)
        return Oracle(found, state.split, state.blind if engine != "match" else not state.blind)

    monkeypatch.setattr("kontur.modeling.inference.load_detector", load)
    return state


@pytest.mark.parametrize(("words", "threads"), [((), None), (("--threads", "1"), 1)])
def test_threads_are_those_that_were_asked_for(space, run_kontur, words, threads):
    assert run_kontur("evaluate", "-C", space.workspace.root, *words).code == 0
    assert space.threads == [threads]


def test_it_writes_results_plots_and_a_page(space, run_kontur):
    run = run_kontur("evaluate", "-C", space.workspace.root)
    assert run.code == 0, run.err
    assert "mask AP50" in run.out
    assert "report.html" in run.out
    reports = space.workspace.reports
    found = read_evaluation(reports)
    assert found.precision.ap50 == 1.0
    assert found.pictures == len(open_dataset(space.workspace, "test"))
    assert found.pose.position_px.worst == pytest.approx(0, abs=1e-3)
    page = (reports / "report.html").read_text(encoding="utf-8")
    assert "http" not in page.replace("http://www.w3.org", "")
    said = json.loads((reports / "detections.json").read_text())["images"]
    assert len(said) == found.pictures
    assert len(list((reports / "worst").iterdir())) == len(found.worst)
    assert (reports / "plots" / "confusion.svg").is_file()


def test_json_is_the_evaluation_and_nothing_else(space, run_kontur):
    space.blind, space.split = True, "val"
    run = run_kontur("evaluate", "-C", space.workspace.root, "--split", "val", "--json")
    assert run.code == 0, run.err
    document = json.loads(run.out)
    assert document == json.loads((space.workspace.reports / "evaluation.json").read_text())
    assert document["source"].startswith("val")
    assert sum(row["missed"] for row in document["rows"]) > 0
    assert document["precision"]["ap50"] < 1


def test_other_drawings_than_the_data_set_was_made_from(space, run_kontur):
    manifest = json.loads(space.workspace.manifest.read_text())
    manifest["parts"][0]["sha256"] = "0" * 64
    space.workspace.manifest.write_text(json.dumps(manifest))
    run = run_kontur("evaluate", "-C", space.workspace.root)
    assert run.code == 2
    assert "made from other drawings" in run.err
    assert not space.workspace.reports.exists()


def test_without_a_data_set(space, run_kontur, monkeypatch):
    space.workspace.manifest.unlink()
    detector = SimpleNamespace(parts=open_parts(space.workspace)[1])
    monkeypatch.setattr("kontur.modeling.inference.load_detector", lambda *_, **__: detector)
    run = run_kontur("evaluate", "-C", space.workspace.root)
    assert run.code == 2
    assert "kontur generate" in run.err
    assert run.err.count("\n") == 1


def test_engines_stand_side_by_side(space, run_kontur):
    """The matcher's oracle is blind in every second picture, the others are not."""
    run = run_kontur("evaluate", "--engine", "both", "-C", space.workspace.root)
    assert run.code == 0, run.err
    found = read_evaluation(space.workspace.reports)
    assert [row.engine for row in found.engines] == ["network", "match", "both"]
    network, match, both = found.engines
    assert network.found == both.found == found.instances
    assert 0 < match.found < found.instances
    assert match.found + match.missed == found.instances
    assert both.precision == found.precision
    heading = next(line for line in run.out.splitlines() if "matcher" in line)
    assert heading.index("network") < heading.index("matcher") < heading.index("network and matcher")
    assert "Side by side" in (space.workspace.reports / "report.html").read_text(encoding="utf-8")


def test_one_engine_stands_alone(space, run_kontur):
    assert run_kontur("evaluate", "--engine", "match", "-C", space.workspace.root).code == 0
    assert read_evaluation(space.workspace.reports).engines == ()
    assert read_evaluation(space.workspace.reports).detector == "matcher"


@pytest.mark.parametrize("layout", ["coco", "yolo"])
def test_your_own_annotated_folder(space, run_kontur, tmp_path, layout):
    """The test split, copied out as somebody's own folder, must score like the split itself."""
    folder = tmp_path / "photos"
    source = space.workspace.processed / "test" / "images"
    if layout == "coco":
        shutil.copytree(source, folder / "images")
        shutil.copy(space.workspace.coco / "test.json", folder / "instances.json")
    else:
        shutil.copytree(space.workspace.yolo / "seg" / "labels" / "test", folder / "labels")
        shutil.copytree(source, folder / "images")
        shutil.copy(space.workspace.yolo / "seg" / "data.yaml", folder / "data.yaml")
    run = run_kontur("evaluate", "--annotated", folder, "-C", space.workspace.root)
    assert run.code == 0, run.err
    found = read_evaluation(space.workspace.reports)
    assert found.source == str(folder)
    assert found.pictures == len(open_dataset(space.workspace, "test"))
    assert found.precision.ap50 == 1.0
    assert found.pose.position_px.count == (found.instances if layout == "coco" else 0)


class Silent:
    """Finds nothing."""

    def __init__(self, space: Workspace) -> None:
        self.parts = open_parts(space)[1]

    def detect(self, picture):
        return from_poses((picture.shape[1], picture.shape[0]), [], [], [])


def test_pictures_are_rendered_when_there_is_no_data_set(space, run_kontur, monkeypatch):
    shutil.rmtree(space.workspace.processed)
    monkeypatch.setattr("kontur.modeling.inference.load_detector", lambda found, *_, **__: Silent(found))
    run = run_kontur("evaluate", "--render", "3", "-C", space.workspace.root)
    assert run.code == 0, run.err
    found = read_evaluation(space.workspace.reports)
    assert found.pictures == 3
    assert found.instances == sum(row.missed for row in found.rows) > 0


def test_a_folder_without_annotations(space, run_kontur, tmp_path):
    run = run_kontur("evaluate", "--annotated", tmp_path, "-C", space.workspace.root)
    assert run.code == 2
    assert "COCO" in run.err
    assert "data.yaml" in run.err

"""Tuning: the fastest of those that answer rightly, whatever is faster and wrong."""

import json

import numpy as np
import pytest
from network_files import make_models

from kontur.errors import ModelError
from kontur.modeling import tune as module
from kontur.modeling.heads import HEADS
from kontur.modeling.runtime_choice import choose_runtime
from kontur.modeling.runtimes import RuntimeChoice
from kontur.modeling.tune import candidates, compare, tune

PICTURE = np.random.default_rng(0).integers(0, 256, (70, 100, 3)).astype(np.uint8)


@pytest.fixture(scope="module")
def space(tmp_path_factory):
    return make_models(tmp_path_factory.mktemp("tune"))


def raw(seed=0):
    answer = np.random.default_rng(seed).normal(size=(7, 20, 30)).astype(np.float32)
    answer[HEADS.foreground] += 1
    return answer


def test_equal_answers_agree_wholly():
    assert compare(raw(), raw()) == (1.0, 0.0)


def test_votes_are_compared_in_pixels():
    moved = raw()
    moved[HEADS.offset.start] += 3 / 32
    agreement, offset = compare(moved, raw())
    assert agreement == 1.0
    assert offset == pytest.approx(3.0, rel=1e-4)


def test_cells_that_name_another_part_or_lose_the_foreground_disagree():
    other = raw()
    other[HEADS.part] = -other[HEADS.part]
    assert compare(other, raw())[0] < 0.5
    gone = raw()
    gone[HEADS.foreground][0, :10] = -9
    assert compare(gone, raw())[0] == pytest.approx(1 - (raw()[0, :10] > 0).sum() / 600)


def test_every_candidate_is_of_an_installed_runtime_with_up_to_all_threads():
    found = list(candidates(3))
    assert {choice.threads for choice in found} == {1, 2, 3}
    assert {"onnxruntime", "openvino", "opencv", "pytorch"} <= {choice.runtime for choice in found}


def test_the_fastest_correct_one_comes_first(space, monkeypatch):
    """The clock is replaced: OpenCV's is the fastest but its answers are spoilt, then OpenVINO's."""
    choices = [
        RuntimeChoice("onnxruntime", "fp32", 1),
        RuntimeChoice("openvino", "fp32", 1),
        RuntimeChoice("opencv", "fp32", 1),
    ]
    speed = dict(zip(choices, (0.030, 0.020, 0.010), strict=True))
    real = module.open_runtime

    def open_runtime(path, choice):
        run = real(path, choice)
        return (lambda batch: -run(batch)) if choice.runtime == "opencv" else run

    monkeypatch.setattr(module, "open_runtime", open_runtime)
    opened = []
    monkeypatch.setattr(module, "_timed", lambda run, *_: opened.append(run) or _speed_of(run))
    order = iter(choices * module.ROUNDS)

    def _speed_of(_run):
        return speed[next(order)]

    rows = tune(space, [PICTURE], lambda *_: None, choices)
    assert [row.choice.runtime for row in rows] == ["openvino", "onnxruntime", "opencv"]
    assert [row.milliseconds for row in rows] == pytest.approx([20, 30, 10])
    assert rows[2].fault.startswith("differs: ")
    assert rows[0].fault == rows[1].fault == ""


def test_a_precision_that_was_not_exported_is_a_row_that_says_so(space):
    row = tune(
        space,
        [PICTURE],
        lambda *_: None,
        [RuntimeChoice("onnxruntime", "fp32", 1), RuntimeChoice("onnxruntime", "int8", 1)],
    )[1]
    assert row.milliseconds is None
    assert "kontur export" in row.fault


def test_nothing_exported_says_what_to_run(tmp_path):
    from kontur.workspace import Workspace

    with pytest.raises(ModelError, match="kontur export"):
        tune(Workspace(tmp_path), [PICTURE], lambda *_: None)


def test_the_command_stores_what_detect_uses(space, run_kontur, tmp_path, monkeypatch):
    import cv2

    (space.root / "configs").mkdir(exist_ok=True)
    (space.root / "configs" / "data_config.yaml").write_text("")
    cv2.imwrite(str(tmp_path / "p.png"), PICTURE)
    monkeypatch.setattr(module, "ROUNDS", 2)
    chosen = [RuntimeChoice("opencv", "fp32", 1), RuntimeChoice("onnxruntime", "fp32", 1)]
    monkeypatch.setattr(module, "candidates", lambda _: iter(chosen))
    said = run_kontur("tune", tmp_path / "p.png", "-C", space.root, "--json")
    assert said.code == 0, said.err
    document = json.loads(said.out)
    assert len(document["rows"]) == 2
    best = choose_runtime(space)
    assert (best.runtime, best.threads) == (document["chosen"]["runtime"], document["chosen"]["threads"])

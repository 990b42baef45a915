"""Which runtime is used: what is asked for, what was tuned, or the default."""

import json

import pytest
from network_files import make_models

from kontur.errors import ModelError
from kontur.modeling.export import export_onnx
from kontur.modeling.runtime_choice import FILE_NAME, choose_runtime, store_choice
from kontur.modeling.runtimes import RuntimeChoice

TUNED = RuntimeChoice("openvino", "bf16", 2)


@pytest.fixture
def space(tmp_path):
    return make_models(tmp_path)


def test_without_anything_it_is_onnx_runtime(space):
    assert choose_runtime(space) == RuntimeChoice("onnxruntime", "fp32", 0)


def test_what_was_tuned_is_used(space):
    path = store_choice(space, TUNED, {"rows": [1, 2]})
    assert json.loads(path.read_text())["rows"] == [1, 2]
    assert choose_runtime(space) == TUNED
    assert choose_runtime(space, threads=1) == RuntimeChoice("openvino", "bf16", 1)


@pytest.mark.parametrize(
    ("runtime", "precision", "expected"),
    [
        ("opencv", None, RuntimeChoice("opencv")),
        (None, "int8", RuntimeChoice("onnxruntime", "int8")),
        ("openvino", "int8", RuntimeChoice("openvino", "int8")),
    ],
)
def test_what_is_asked_for_overrules_what_was_tuned(space, runtime, precision, expected):
    store_choice(space, TUNED, {})
    assert choose_runtime(space, runtime, precision) == expected


def test_a_choice_made_for_other_weights_is_not_used(space, tmp_path):
    store_choice(space, TUNED, {})
    other = make_models(tmp_path / "other", seed=1)
    export_onnx(other.checkpoint, space.onnx)
    assert choose_runtime(space) == RuntimeChoice()


def test_a_choice_made_on_another_processor_is_not_used(space):
    path = store_choice(space, TUNED, {})
    path.write_text(json.dumps(json.loads(path.read_text()) | {"processor": "Another CPU"}))
    assert choose_runtime(space) == RuntimeChoice()


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"runtime": "openvino"}', '{"runtime": "openvino", "precision": "bf16", "threads": "x"}']
)
def test_a_damaged_choice_says_what_to_do(space, text):
    (space.models / FILE_NAME).write_text(text)
    with pytest.raises(ModelError, match=r"runtime\.json: damaged .*; run `kontur tune` again or delete it"):
        choose_runtime(space)

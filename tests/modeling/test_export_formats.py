"""Exports in every format and precision: what they answer, what they say of themselves, and when they are refused."""

import shutil

import numpy as np
import onnx
import pytest
import torch
from network_files import pictures

from kontur.data_preprocessing.part_list import open_parts
from kontur.errors import DatasetError, ModelError
from kontur.modeling import export_formats
from kontur.modeling.checkpoint import save_checkpoint
from kontur.modeling.export import export_onnx
from kontur.modeling.export_formats import MOST_COST, export_network
from kontur.modeling.model_files import read_model_file
from kontur.modeling.model_info import ModelInfo, known_parts
from kontur.modeling.network import Network
from kontur.modeling.runtimes import RuntimeChoice, open_runtime
from kontur.workspace import Workspace


@pytest.fixture(scope="module")
def trained(tmp_path_factory, finished_workspace):
    """A workspace with a data set and a checkpoint that has learnt nothing."""
    root = tmp_path_factory.mktemp("formats") / "workspace"
    shutil.copytree(finished_workspace, root)
    space = Workspace(root)
    torch.manual_seed(0)
    parts = open_parts(space)[1]
    info = ModelInfo(known_parts(parts), "n", (0.6, 0.7), "both", "tests")
    save_checkpoint(space.checkpoint, Network(len(parts), "n"), info)
    export_onnx(space.checkpoint, space.onnx)
    return space


@pytest.fixture(autouse=True)
def exported_once(monkeypatch, trained):
    """The fp32 export takes seconds, has its own tests, and is the same each time."""
    info = read_model_file(trained.onnx).info
    monkeypatch.setattr(export_formats, "export_onnx", lambda *_: (info, 1e-7))


@pytest.fixture
def precision_costs(monkeypatch):
    """Set the AP50-95 of fp32 and of the other precision, in place of running the detector."""

    def set_to(fp32, lower):
        monkeypatch.setattr(
            export_formats,
            "average_precision",
            lambda _path, _truth, _space, choice, _on: fp32 if choice.precision == "fp32" else lower,
        )

    return set_to


def answer(path, runtime, precision):
    return open_runtime(path, RuntimeChoice(runtime, precision, 1))(pictures())


def quiet(*_):
    pass


@pytest.mark.slow
def test_int8_answers_nearly_as_fp32_in_both_runtimes_and_keeps_its_description(trained, precision_costs):
    precision_costs(90.0, 89.8)
    done = export_network(trained, "onnx", "int8", quiet)
    assert (done.path.name, done.ap_fp32, done.ap) == ("checkpoint.int8.onnx", 90.0, 89.8)
    assert read_model_file(done.path) == read_model_file(trained.onnx)
    expected = answer(trained.onnx, "onnxruntime", "fp32")
    for runtime in ("onnxruntime", "openvino"):
        error = np.abs(answer(done.path, runtime, "int8") - expected)
        assert 0 < error.mean() < 0.05 * np.abs(expected).max()
    kinds = {node.op_type for node in onnx.load(done.path).graph.node}
    assert {"QuantizeLinear", "DequantizeLinear"} <= kinds
    assert done.path.stat().st_size < 0.5 * trained.onnx.stat().st_size


@pytest.mark.slow
@pytest.mark.parametrize(("precision", "share"), [("fp32", 1.0), ("bf16", 0.6)])
def test_openvino_files_answer_and_are_as_large_as_they_should_be(trained, precision_costs, precision, share):
    precision_costs(90.0, 90.0)
    done = export_network(trained, "openvino", precision, quiet)
    assert read_model_file(done.path) == read_model_file(trained.onnx)
    got, expected = answer(done.path, "openvino", precision), answer(trained.onnx, "onnxruntime", "fp32")
    assert np.abs(got - expected).max() < (1e-4 if precision == "fp32" else 0.05) * np.abs(expected).max()
    weights = done.path.with_suffix(".bin").stat().st_size
    assert weights < (share + 0.1) * sum(p.numel() * 4 for p in Network(3, "n").parameters())


@pytest.mark.slow
def test_a_precision_that_costs_too_much_is_refused_with_the_figures(trained, precision_costs):
    precision_costs(91.25, 90.5)
    path = trained.models / "checkpoint.int8.onnx"
    path.unlink(missing_ok=True)
    with pytest.raises(ModelError, match=r"int8 costs 0\.75 AP \(91\.25 in fp32, 90\.50 in int8, \d+ pictures\)"):
        export_network(trained, "onnx", "int8", quiet)
    assert not path.exists()
    assert [item for item in trained.models.iterdir() if item.name.startswith("tmp")] == []
    assert MOST_COST == 0.5


@pytest.mark.slow
def test_the_check_runs_the_whole_detector_on_both(trained):
    """A network that knows nothing finds nothing in either: nothing lost, and every picture was looked at twice."""
    steps = []
    done = export_network(trained, "onnx", "int8", lambda n, total: steps.append((n, total)))
    assert done.ap_fp32 is not None
    assert steps[-1] == (2 * done.pictures, 2 * done.pictures)
    assert done.pictures > 0


def test_bf16_in_onnx_is_refused(trained):
    with pytest.raises(ModelError, match=r"no bf16 convolutions .* --format openvino"):
        export_network(trained, "onnx", "bf16", quiet)


@pytest.mark.slow
def test_without_a_data_set_int8_says_what_to_run(trained, tmp_path):
    bare = Workspace(tmp_path)
    shutil.copytree(trained.root / "configs", bare.root / "configs")
    bare.models.mkdir()
    shutil.copy(trained.checkpoint, bare.checkpoint)
    with pytest.raises(DatasetError, match="kontur generate"):
        export_network(bare, "onnx", "int8", quiet)

"""The exported network: ONNX Runtime against torch, any size, and nothing is left behind when they differ."""

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from test_checkpoint import info, network_of_random_weights

from kontur.errors import ModelError
from kontur.modeling import export
from kontur.modeling.checkpoint import save_checkpoint
from kontur.modeling.export import export_onnx
from kontur.modeling.model_files import read_model_file


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a checkpoint and its export."""
    folder = tmp_path_factory.mktemp("exported")
    save_checkpoint(folder / "checkpoint.pth", network_of_random_weights(), info())
    described, difference = export_onnx(folder / "checkpoint.pth", folder / "checkpoint.onnx")
    assert described == info()
    assert 0 <= difference < 1e-3
    return folder


@pytest.fixture(scope="module")
def session(folder):
    return onnxruntime.InferenceSession(str(folder / "checkpoint.onnx"), providers=["CPUExecutionProvider"])


@pytest.mark.parametrize("shape", [(1, 3, 64, 160), (3, 3, 96, 32), (2, 3, 224, 64)])
def test_any_batch_and_size_answers_like_torch(session, shape):
    picture = np.random.default_rng(0).uniform(0, 255, shape).astype(np.float32)
    with torch.inference_mode():
        expected = network_of_random_weights().eval()(torch.from_numpy(picture)).numpy()
    (answer,) = session.run(None, {"picture": picture})
    assert answer.shape == (shape[0], 7, shape[2] // 4, shape[3] // 4)
    np.testing.assert_allclose(answer, expected, atol=2e-3 * max(1, np.abs(expected).max()))


def test_it_says_what_it_is(folder):
    assert read_model_file(folder / "checkpoint.onnx").info == info()
    onnx.checker.check_model(str(folder / "checkpoint.onnx"))
    assert sorted(path.name for path in folder.iterdir()) == ["checkpoint.onnx", "checkpoint.pth"]


@pytest.mark.slow
def test_a_network_that_answers_differently_is_not_written(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(export, "_greatest_difference", lambda *_: 0.5)
    with pytest.raises(ModelError, match=r"differs by 0\.5"):
        export_onnx(folder / "checkpoint.pth", tmp_path / "checkpoint.onnx")
    assert list(tmp_path.iterdir()) == []


def test_a_missing_checkpoint_says_what_to_run(tmp_path):
    with pytest.raises(ModelError, match="kontur train"):
        export_onnx(tmp_path / "checkpoint.pth", tmp_path / "checkpoint.onnx")

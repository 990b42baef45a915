"""Checkpoints: what is stored comes back, and when a checkpoint counts as trained."""

import json

import pytest
import torch
from modeling_scenes import bracket, triangle, washer

from kontur.data_preprocessing.dataset import read_manifest
from kontur.errors import WorkspaceError
from kontur.modeling.checkpoint import STATE_NAME, is_trained, load_checkpoint, save_checkpoint
from kontur.modeling.model_info import ModelInfo, known_parts
from kontur.modeling.network import Network
from kontur.workspace import Workspace

PARTS = (bracket(), washer(), triangle())
DATASET = "5" * 64


def info(dataset: str = DATASET) -> ModelInfo:
    return ModelInfo(known_parts(PARTS), "n", (0.6, 0.8), "up", dataset, {"minutes": 2.5}, {"val/loss": 0.25})


def network_of_random_weights(seed: int = 0) -> Network:
    """A network whose running statistics are not those of a new one either."""
    torch.manual_seed(seed)
    network = Network(len(PARTS), "n")
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.2)
            module.running_var.uniform_(0.5, 2)
            module.weight.data.uniform_(0.5, 1.5)
    return network


def test_weights_statistics_and_description_come_back(tmp_path):
    network = network_of_random_weights()
    save_checkpoint(tmp_path / "checkpoint.pth", network, info())
    loaded, description = load_checkpoint(tmp_path / "checkpoint.pth")
    assert description == info()
    assert not loaded.training
    stored = loaded.state_dict()
    assert stored.keys() == network.state_dict().keys()
    for name, value in network.state_dict().items():
        assert torch.equal(stored[name], value), name
    picture = torch.rand(1, 3, 64, 96) * 255
    with torch.inference_mode():
        assert torch.equal(loaded(picture), network.eval()(picture))


def test_a_stored_network_is_a_copy(tmp_path):
    network = network_of_random_weights()
    save_checkpoint(tmp_path / "checkpoint.pth", network, info())
    before = {name: value.clone() for name, value in network.state_dict().items()}
    with torch.no_grad():
        for value in network.parameters():
            value.zero_()
    loaded, _ = load_checkpoint(tmp_path / "checkpoint.pth")
    assert all(torch.equal(value, before[name]) for name, value in loaded.state_dict().items())


def test_a_checkpoint_that_cannot_be_written_leaves_the_old_one(tmp_path, monkeypatch):
    path = tmp_path / "checkpoint.pth"
    save_checkpoint(path, network_of_random_weights(), info())
    before = path.read_bytes()

    def full(*_arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(WorkspaceError, match="No space left"):
        save_checkpoint(path, network_of_random_weights(1), info())
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["checkpoint.pth"]


# --- is_trained ------------------------------------------------------------------------------------------------------


@pytest.fixture
def workspace(tmp_path, finished_workspace) -> Workspace:
    """A workspace with the manifest of a generated data set, and a checkpoint trained on it."""
    workspace = Workspace(tmp_path)
    source = Workspace(finished_workspace)
    manifests = [path for path in source.processed.iterdir() if path.is_file()]
    workspace.processed.mkdir(parents=True)
    for path in manifests:
        (workspace.processed / path.name).write_bytes(path.read_bytes())
    save_checkpoint(workspace.checkpoint, network_of_random_weights(), info(read_manifest(source).fingerprint))
    return workspace


def test_a_checkpoint_of_the_present_data_set_is_trained(workspace):
    assert is_trained(workspace)


def test_a_checkpoint_of_another_data_set_is_not(workspace):
    save_checkpoint(workspace.checkpoint, network_of_random_weights(), info("0" * 64))
    assert not is_trained(workspace)


def test_without_a_checkpoint_or_a_data_set_nothing_is_trained(workspace, tmp_path):
    assert not is_trained(Workspace(tmp_path / "elsewhere"))
    workspace.checkpoint.unlink()
    assert not is_trained(workspace)


def test_an_interrupted_training_is_not_finished(workspace):
    workspace.runs.mkdir(parents=True)
    (workspace.runs / STATE_NAME).write_bytes(b"")
    assert not is_trained(workspace)


def test_a_data_set_that_was_made_anew_needs_a_new_training(workspace):
    (manifest,) = workspace.processed.iterdir()
    document = json.loads(manifest.read_text())
    manifest.write_text(json.dumps(document | {"fingerprint": "a" * 64}))
    assert not is_trained(workspace)

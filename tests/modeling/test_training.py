"""Training: the loss falls, a resumed training equals an uninterrupted one, checkpoints load without unpickling code."""

import csv
from pathlib import Path

import numpy as np
import pytest
import torch
from modeling_scenes import bracket, paint, triangle, washer

from kontur.errors import DatasetError, ModelError
from kontur.geometry import PixelPose
from kontur.modeling.checkpoint import load_checkpoint, save_checkpoint
from kontur.modeling.export import export_onnx
from kontur.modeling.model_info import ModelInfo, check_parts, known_parts
from kontur.modeling.network import Network
from kontur.modeling.train import train, unfinished
from kontur.modeling.train_config import NetworkConfig, TrainConfig, TrainingConfig
from kontur.workspace import Workspace

PARTS = (bracket(), washer(), triangle())
SIZE_WH = (224, 160)


def scenes(count: int, seed: int) -> list:
    rng = np.random.default_rng(seed)
    made = []
    for _ in range(count):
        places = [(50, 45), (160, 50), (110, 115)]
        placed = [
            (part, PixelPose(*(np.array(place) + rng.uniform(-8, 8, 2)), rng.uniform(0, 2 * np.pi), 1.4))
            for part, place in zip(rng.permutation(3).tolist(), places, strict=True)
        ]
        made.append(paint(PARTS, placed, SIZE_WH))
    return made


def config(**training) -> TrainConfig:
    values = {"batch_size": 4, "crop_px": 96, "precision": "fp32", "loader_workers": 0, "validation_pictures": 4}
    return TrainConfig(network=NetworkConfig(size="n"), training=TrainingConfig(**(values | training)))


def info(dataset: str = "tests") -> ModelInfo:
    return ModelInfo(known_parts(PARTS), "n", (0.6, 0.8), "up", dataset)


@pytest.fixture(autouse=True)
def _one_thread():
    """These networks are tiny: a second thread gains nothing, and waits for a core that other work may hold."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def samples():
    return {"train": scenes(12, 1), "val": scenes(4, 2)}


@pytest.mark.slow
def test_the_loss_falls_and_the_best_validation_is_kept(tmp_path, samples):
    done = train(Workspace(tmp_path), samples, info(), config(steps=120))
    with next((tmp_path / "models" / "runs").glob("run_*/metrics.csv")).open() as stream:
        losses = [float(row["val/loss"]) for row in csv.DictReader(stream) if row["val/loss"]]
    assert losses[-1] < 0.6 * losses[0]
    network, stored = load_checkpoint(tmp_path / "models" / "checkpoint.pth")
    assert stored == done
    assert stored.metrics["val/loss"] == pytest.approx(min(losses), rel=1e-5)
    assert [part.name for part in stored.parts] == [part.name for part in PARTS]
    assert not network.training
    assert not unfinished(Workspace(tmp_path))


class _Interrupt:
    """Stops a training after so many steps, as Ctrl-C does."""

    def __init__(self, after: int) -> None:
        self.after = after

    def __call__(self, state) -> None:
        if state.step == self.after:
            raise KeyboardInterrupt


def weights(root: Path) -> dict[str, torch.Tensor]:
    return torch.load(root / "models" / "checkpoint.pth", weights_only=True)["weights"]


@pytest.mark.slow
def test_a_resumed_training_equals_an_uninterrupted_one(tmp_path, samples):
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    train(Workspace(whole), samples, info(), config(steps=16))
    with pytest.raises(KeyboardInterrupt):
        train(Workspace(broken), samples, info(), config(steps=16), on_state=_Interrupt(7))
    assert unfinished(Workspace(broken))
    train(Workspace(broken), samples, info(), config(steps=16))
    for name, value in weights(whole).items():
        torch.testing.assert_close(weights(broken)[name], value, rtol=1e-4, atol=1e-5, msg=name)


def test_a_state_of_other_data_is_not_continued(tmp_path, samples, caplog):
    with pytest.raises(KeyboardInterrupt):
        train(Workspace(tmp_path), samples, info(), config(steps=2), on_state=_Interrupt(1))
    steps = []
    train(Workspace(tmp_path), samples, info("other"), config(steps=2), lambda state: steps.append(state.step))
    assert steps == [1, 2]
    assert "starts anew" in caplog.text


def test_a_loss_that_is_not_finite_stops_with_a_reason(tmp_path, samples):
    with pytest.raises(ModelError, match=r"not finite.*learning_rate"):
        train(Workspace(tmp_path), samples, info(), config(learning_rate=1e30, steps=8))


class _Broken(list):
    def __getitem__(self, index):
        raise DatasetError("000007.jpg: missing; run `kontur generate`")


@pytest.mark.slow
@pytest.mark.parametrize("workers", [0, 1])
def test_a_broken_sample_is_one_plain_error(tmp_path, samples, workers):
    broken = samples | {"train": _Broken(samples["train"])}
    with pytest.raises(DatasetError) as caught:
        train(Workspace(tmp_path), broken, info(), config(loader_workers=workers, steps=2))
    assert str(caught.value) == "000007.jpg: missing; run `kontur generate`"


def test_the_exported_network_answers_as_the_checkpoint(tmp_path):
    torch.manual_seed(0)
    save_checkpoint(tmp_path / "c.pth", Network(3, "n"), info())
    exported, difference = export_onnx(tmp_path / "c.pth", tmp_path / "c.onnx")
    assert exported == info()
    assert difference < 1e-4


@pytest.mark.parametrize("content", [b"", b"nonsense", b"PK\x03\x04broken"])
def test_a_damaged_checkpoint_is_one_clear_error(tmp_path, content):
    path = tmp_path / "checkpoint.pth"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"checkpoint\.pth.*train again"):
        load_checkpoint(path)


def test_a_missing_checkpoint_says_what_to_run(tmp_path):
    with pytest.raises(ModelError, match="kontur train"):
        load_checkpoint(tmp_path / "checkpoint.pth")


def test_a_checkpoint_with_code_inside_is_refused(tmp_path):
    path = tmp_path / "checkpoint.pth"
    torch.save({"info": Path("/")}, path)
    with pytest.raises(ModelError):
        load_checkpoint(path)


def test_other_drawings_are_named():
    model = info()
    others = (PARTS[0], washer("renamed"))
    with pytest.raises(ModelError, match=r"washer: no such drawing.*renamed: not known"):
        check_parts(model, others, "checkpoint")

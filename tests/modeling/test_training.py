"""Training: the loss falls, a resumed training equals an uninterrupted one, checkpoints load without unpickling code."""

import csv
import json
import logging
import multiprocessing
import os
import socket
import time
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from lightning.pytorch.loggers import CSVLogger
from modeling_scenes import bracket, paint, triangle, washer

from kontur.errors import ConfigError, DatasetError, ModelError
from kontur.geometry import PixelPose
from kontur.modeling.checkpoint import load_checkpoint, save_checkpoint
from kontur.modeling.crops import Crops, CropSettings
from kontur.modeling.export import export_onnx
from kontur.modeling.model_info import ModelInfo, check_parts, known_parts
from kontur.modeling.network import Network
from kontur.modeling.targets import PartTraits
from kontur.modeling.train import Machines, Watch, train, unfinished
from kontur.modeling.train_config import NetworkConfig, TrainConfig, TrainingConfig
from kontur.modeling.training_task import save_faulty
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


def crop_settings() -> CropSettings:
    return CropSettings(96, PartTraits(np.array([part.chiral for part in PARTS])), 0)


def info(dataset: str = "tests") -> ModelInfo:
    return ModelInfo(known_parts(PARTS), "n", (0.6, 0.8), "up", dataset)


def _train_together(root: str, rank: int, port: int, batch_size: int, machines: int) -> None:
    """One of several processes on this machine that train as several machines would."""
    torch.set_num_threads(1)
    made = {"train": scenes(12, 1), "val": scenes(4, 2)}
    who = Machines(machines, rank, f"127.0.0.1:{port}")
    settings = config(steps=24, batch_size=batch_size, ema_decay=0.0, crops_per_picture=1)
    train(Workspace(Path(root) / str(rank)), made, info(), settings, machines=who)


def _losses(folder: Path) -> list[float]:
    with next((folder / "models" / "runs").glob("run_*/metrics.csv")).open() as stream:
        return [float(row["val/loss"]) for row in csv.DictReader(stream) if row["val/loss"]]


@pytest.mark.slow
def test_two_processes_reach_the_loss_of_one(tmp_path, monkeypatch):
    """Two machines with batches of 4 see the crops that one machine with a batch of 8 sees, in the same steps.

    They differ by the statistics of batch norm, which each machine takes of its own crops.
    """
    monkeypatch.setenv("GLOO_SOCKET_IFNAME", "lo")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # a second thread waits for a core that other work may hold
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    spawn = multiprocessing.get_context("spawn")
    jobs = [(str(tmp_path / "two"), rank, port, 4, 2) for rank in (0, 1)] + [(str(tmp_path / "one"), 0, port, 8, 1)]
    processes = [spawn.Process(target=_train_together, args=job) for job in jobs]
    for process in processes:
        process.start()
    for process in processes:
        process.join(300)
    assert [process.exitcode for process in processes] == [0, 0, 0]
    together, alone = _losses(tmp_path / "two" / "0"), _losses(tmp_path / "one" / "0")
    assert len(together) == len(alone) > 3
    assert together[-1] < 0.95 * together[0], "it learns"
    assert together == pytest.approx(alone, rel=0.02)
    assert (tmp_path / "two" / "0" / "models" / "checkpoint.pth").is_file()
    assert not (tmp_path / "two" / "1" / "models" / "checkpoint.pth").exists(), "only the first machine keeps results"


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
        train(Workspace(broken), samples, info(), config(steps=16), Watch(on_state=_Interrupt(7)))
    assert unfinished(Workspace(broken))
    train(Workspace(broken), samples, info(), config(steps=16))
    for name, value in weights(whole).items():
        torch.testing.assert_close(weights(broken)[name], value, rtol=1e-4, atol=1e-5, msg=name)


def test_a_state_of_other_data_is_not_continued(tmp_path, samples, caplog):
    with pytest.raises(KeyboardInterrupt):
        train(Workspace(tmp_path), samples, info(), config(steps=2), Watch(on_state=_Interrupt(1)))
    steps = []
    watch = Watch(on_state=lambda state: steps.append(state.step))
    with caplog.at_level(logging.WARNING, "kontur"):  # other libraries set the root logger's level
        train(Workspace(tmp_path), samples, info("other"), config(steps=2), watch)
    assert steps == [1, 2]
    assert "starts anew" in caplog.text


def test_a_loss_that_is_not_finite_stops_with_a_reason_and_the_crops(tmp_path, samples):
    with pytest.raises(ModelError, match=r"not finite.*learning_rate") as caught:
        train(Workspace(tmp_path), samples, info(), config(learning_rate=1e30, steps=8))
    (kept,) = (tmp_path / "models" / "runs").glob("not_finite_step*.npz")
    assert str(kept) in str(caught.value)
    with np.load(kept) as arrays:
        assert arrays["picture"].shape == (4, 3, 96, 96)
        assert arrays["part"].shape == (4, 24, 24)
    assert cv2.imread(str(kept.with_suffix(".png"))).shape == (96, 4 * 96, 3)


def test_only_the_crop_that_is_to_blame_is_kept(tmp_path):
    """Of three crops the second has an answer that is not finite."""
    crops = Crops(scenes(1, 1), crop_settings())
    batch = torch.utils.data.default_collate([crops[k] for k in range(3)])
    output = torch.zeros(3, 7, 24, 24)
    output[1, 2, 5, 5] = float("nan")
    kept = save_faulty(tmp_path, 5, output, batch)
    with np.load(kept) as arrays:
        np.testing.assert_array_equal(arrays["picture"][0], batch["picture"][1].numpy())
        assert len(arrays["picture"]) == 1


def test_the_forecast_comes_first_and_fits_the_limits(tmp_path, samples):
    said = []
    watch = Watch(lambda forecast: said.append(("forecast", forecast)), lambda state: said.append(("step", state)))
    train(Workspace(tmp_path), samples, info(), config(steps=3, minutes=5), watch)
    assert [kind for kind, _ in said] == ["forecast", "step", "step", "step"]
    forecast = said[0][1]
    assert forecast.steps == 3
    assert forecast.seconds == pytest.approx(3 * forecast.step_seconds)
    assert forecast.precision == "fp32"
    assert not forecast.measured, "three steps tell nothing yet"
    written = json.loads((tmp_path / "models" / "runs" / "forecast.json").read_text())
    assert written["steps"] == 3
    assert abs(written["ends_at"] - time.time()) < 600


@pytest.mark.slow
def test_a_part_is_added_to_a_trained_network(tmp_path, samples):
    """Trained for two parts; going on with three starts from what is known, and an interrupt is survived too."""
    known = {"train": [_without(scene, 2) for scene in scenes(12, 3)], "val": [_without(s, 2) for s in scenes(4, 2)]}
    first = replace(info(), parts=info().parts[:2])
    train(Workspace(tmp_path), known, first, config(steps=60))
    checkpoint = tmp_path / "models" / "checkpoint.pth"
    place = Workspace(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        train(place, samples, info("more"), config(steps=12), Watch(on_state=_Interrupt(6)), start=checkpoint)
    seen = []
    watch = Watch(on_state=lambda state: seen.append(state))
    train(place, samples, info("more"), config(steps=12), watch, start=checkpoint)
    assert seen[0].step == 7, "although the checkpoint has been written since, the training goes on"
    anew = train(Workspace(tmp_path / "anew"), samples, info("more"), config(steps=12))
    grown = load_checkpoint(checkpoint)[1]
    assert [part.name for part in grown.parts] == [part.name for part in PARTS]
    assert grown.metrics["val/loss"] < 0.9 * anew.metrics["val/loss"]


def _without(scene, part):
    """The scene, as if one part were not annotated and not there."""
    gone = [number for number, item in enumerate(scene.instances, 1) if item.part == part]
    ids, image = scene.ids.copy(), scene.image.copy()
    kept = []
    for number, item in enumerate(scene.instances, 1):
        if number in gone:
            image[ids == number] = 60
            ids[scene.ids == number] = 0
        else:
            kept.append(item)
            ids[scene.ids == number] = len(kept)
    return type(scene)(image, ids, tuple(kept))


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


class _Recorder(CSVLogger):
    """Stands for MLflow's logger: takes its arguments, keeps what is logged."""

    made = None

    def __init__(self, experiment, run_name, tracking_uri):
        super().__init__(tracking_uri)
        type(self).made, self.about, self.names = self, (experiment, run_name, tracking_uri), set()

    def log_metrics(self, metrics, step=None):  # noqa: ARG002 (the interface)
        self.names |= metrics.keys()


def test_mlflow_gets_the_curves_when_it_is_named(tmp_path, samples, monkeypatch):
    monkeypatch.setattr("kontur.modeling.train.MLFlowLogger", _Recorder)
    train(Workspace(tmp_path), samples, info(), config(steps=2, mlflow=str(tmp_path / "mlflow")))
    assert _Recorder.made.about == ("kontur", "run_000", str(tmp_path / "mlflow"))
    assert "val/loss" in _Recorder.made.names
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"


def test_mlflow_that_is_not_installed(tmp_path, samples, monkeypatch):
    def missing(*_args, **_kwargs):
        raise ModuleNotFoundError("mlflow")

    monkeypatch.setattr("kontur.modeling.train.MLFlowLogger", missing)
    with pytest.raises(ConfigError, match=r"training\.mlflow.*kontur\[mlflow\]"):
        train(Workspace(tmp_path), samples, info(), config(steps=2, mlflow="http://localhost:5000"))

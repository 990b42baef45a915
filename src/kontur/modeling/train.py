"""Training on CPU with Lightning: time budget, resume, moving average of the weights, best checkpoint by validation.

The learning rate warms up and then follows a cosine over the fraction of the time budget that is used up, so that it
reaches zero just as the time is over on any machine. What an interrupted run had reached is kept in
models/runs/state.ckpt, and the same command continues from there.
"""

import logging
import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Trainer, seed_everything
from lightning.pytorch.callbacks import EarlyStopping, Timer, WeightAveraging
from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger
from torch import Tensor

from kontur import __version__
from kontur.data_preprocessing.sample import Samples
from kontur.errors import KonturError
from kontur.modeling.checkpoint import STATE_NAME
from kontur.modeling.crops import Crops, CropSettings, Endless, WholePictures
from kontur.modeling.model_info import ModelInfo
from kontur.modeling.network import Network
from kontur.modeling.precision import choose_precision
from kontur.modeling.train_config import TrainConfig, TrainingConfig
from kontur.modeling.training_task import KeepState, OnState, TrainingTask
from kontur.workspace import Workspace

VALIDATIONS = 8
"""Validations spread evenly over a training."""
_LEAST_SECONDS_BETWEEN_VALIDATIONS = 20.0
_VALIDATION_BATCH = 4
_GRADIENT_LIMIT = 10.0


def train(
    workspace: Workspace,
    samples: Mapping[str, Samples],
    info: ModelInfo,
    config: TrainConfig,
    on_state: OnState | None = None,
) -> ModelInfo:
    """Train a network and write models/checkpoint.pth whenever a validation is the best so far.

    Args:
        workspace: where the checkpoint and the logs go.
        samples: data sets "train" and "val".
        info: description of the model to be; its training, metrics and versions are filled in.
        config: network and training sections are used. With a limit of steps the learning rate follows the steps, and
            the result does not depend on the machine's speed.
        on_state: called after every step.

    Returns:
        the description stored in the checkpoint.

    Raises:
        ModelError: the loss is not finite.
        KeyboardInterrupt: interrupted; the state is kept.
    """
    _quieten_lightning()
    training = config.training
    seed_everything(training.seed, verbose=False)
    state_path = workspace.runs / STATE_NAME
    fingerprint = [info.dataset, config.network.model_dump_json(), training.model_dump_json(exclude={"minutes"})]
    resume = state_path if _is_continued(state_path, fingerprint) else None
    network = Network(len(info.parts), config.network.size)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # missing from torch's stubs
    precision = choose_precision(network, training)
    info = replace(info, training={"precision": precision, **config.model_dump(mode="json")}, versions=_versions())
    task = TrainingTask(network, info, training, fingerprint, workspace.checkpoint)
    sampler = Endless()
    keep = KeepState(state_path, sampler, training.batch_size, on_state)
    timer = Timer(duration=timedelta(minutes=training.minutes), interval="step")
    stops = [EarlyStopping("val/loss", patience=training.patience)] if training.patience else []
    trainer = Trainer(
        accelerator="cpu",
        precision="bf16-mixed" if precision == "bf16" else "32-true",
        max_steps=training.steps or -1,
        callbacks=[timer, WeightAveraging(use_buffers=True, avg_fn=_moving_average(training.ema_decay)), keep, *stops],
        logger=_loggers(workspace.runs),
        gradient_clip_val=_GRADIENT_LIMIT,
        check_val_every_n_epoch=None,
        val_check_interval=_validation_interval(training),
        num_sanity_val_steps=0,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        log_every_n_steps=10,
    )
    task.elapsed_seconds = lambda: timer.time_elapsed("train")
    loaders = _loaders(samples, task.crop_settings, training, sampler)
    try:
        trainer.fit(task, *loaders, ckpt_path=resume, weights_only=True if resume else None)
    except SystemExit as stop:  # Lightning turns an interrupt into an exit
        raise KeyboardInterrupt from stop
    except KonturError as error:
        raise type(error)(_without_worker_traceback(str(error))) from error
    if task.validated_step != trainer.global_step:
        trainer.validate(task, loaders[1], verbose=False)
    state_path.unlink(missing_ok=True)
    return task.best_info


def _moving_average(limit: float) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
    """Exponential moving average whose memory grows with the steps done, up to `limit` (as in TensorFlow's EMA)."""

    def average(averaged: Tensor, current: Tensor, count: Tensor) -> Tensor:
        if not averaged.is_floating_point():
            return current
        decay = min(limit, (1 + float(count)) / (10 + float(count)))
        return averaged.lerp(current, 1 - decay)

    return average


def _without_worker_traceback(message: str) -> str:
    """Undo how torch's loader reports a worker's error: its traceback as text, with the error on the last line."""
    if not message.startswith("Caught "):
        return message
    return message.strip().splitlines()[-1].partition(": ")[2]


def unfinished(workspace: Workspace) -> bool:
    """Return whether an interrupted training can be continued here."""
    return (workspace.runs / STATE_NAME).is_file()


def _is_continued(path: Path, fingerprint: list[str]) -> bool:
    """Whether the state at `path` belongs to this data and configuration."""
    if not path.is_file():
        return False
    if torch.load(path, map_location="cpu", weights_only=True)["kontur"]["fingerprint"] == fingerprint:
        return True
    logging.getLogger(__name__).warning("%s is of other data or settings: the training starts anew", path)
    return False


def _validation_interval(training: TrainingConfig) -> int | timedelta:
    if training.steps:
        return max(1, training.steps // VALIDATIONS)
    return timedelta(seconds=max(60 * training.minutes / VALIDATIONS, _LEAST_SECONDS_BETWEEN_VALIDATIONS))


def _loaders(
    samples: Mapping[str, Samples], settings: CropSettings, training: TrainingConfig, sampler: Endless
) -> tuple[torch.utils.data.DataLoader, torch.utils.data.DataLoader]:
    workers: dict[str, Any] = {"num_workers": training.loader_workers}
    if training.loader_workers:
        workers |= {"prefetch_factor": 4, "multiprocessing_context": "forkserver", "worker_init_fn": _single_thread}
    crops = torch.utils.data.DataLoader(
        Crops(samples["train"], settings), batch_size=training.batch_size, sampler=sampler, **workers
    )
    whole = WholePictures(samples["val"], settings, training.validation_pictures)
    return crops, torch.utils.data.DataLoader(whole, batch_size=_VALIDATION_BATCH)


def _single_thread(_worker: int) -> None:
    import cv2

    cv2.setNumThreads(1)
    torch.set_num_threads(1)


def _loggers(runs: Path) -> list[CSVLogger | TensorBoardLogger]:
    run = 1 + max((int(p.name[4:]) for p in runs.glob("run_[0-9]*")), default=-1)
    name = f"run_{run:03d}"
    return [CSVLogger(runs, name="", version=name), TensorBoardLogger(runs, name="", version=name)]


def _versions() -> dict[str, str]:
    return {"kontur": __version__, "torch": torch.__version__, "lightning": version("lightning")}


def _quieten_lightning() -> None:
    """Lightning's hints about GPUs, workers and loggers are not for the user of kontur."""
    for name in ("lightning.pytorch", "lightning.fabric", "lightning.pytorch.utilities.rank_zero"):
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module="lightning")
    warnings.filterwarnings("ignore", module="torch.utils.data")

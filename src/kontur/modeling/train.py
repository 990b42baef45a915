"""Training on CPU with Lightning: time budget, resume, moving average of the weights, best checkpoint by validation.

The learning rate warms up and then follows a cosine over the fraction of the time budget that is used up, so that it
reaches zero just as the time is over on any machine. What an interrupted run had reached is kept in
models/runs/state.ckpt, and the same command continues from there.
"""

import logging
import os
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Callback, Trainer, seed_everything
from lightning.pytorch.callbacks import EarlyStopping, Timer, WeightAveraging
from lightning.pytorch.loggers import CSVLogger, MLFlowLogger, TensorBoardLogger
from lightning.pytorch.strategies import DDPStrategy
from torch import Tensor

from kontur import __version__
from kontur.data_preprocessing.sample import Samples
from kontur.errors import ConfigError, KonturError
from kontur.hardware.threads import limit_inner_threads, thread_count
from kontur.modeling.checkpoint import STATE_NAME
from kontur.modeling.crops import Crops, CropSettings, Endless, WholePictures
from kontur.modeling.forecast import FILE as FORECAST_NAME
from kontur.modeling.forecast import Forecaster, OnForecast, forecast, write_forecast
from kontur.modeling.model_info import ModelInfo
from kontur.modeling.network import Network
from kontur.modeling.precision import try_steps
from kontur.modeling.replay import LANES, plan_replay
from kontur.modeling.train_config import TrainConfig, TrainingConfig
from kontur.modeling.training_task import KeepState, OnState, TrainingTask
from kontur.modeling.transfer import start_from
from kontur.workspace import Workspace

VALIDATIONS = 8
"""Validations spread evenly over a training."""
_LEAST_SECONDS_BETWEEN_VALIDATIONS = 20.0
_STEPS_BETWEEN_VALIDATIONS = 200
_VALIDATION_BATCH = 4
_WAY_GIVEN = 10
"""By how much the loader's processes are nicer than the training."""
_GRADIENT_LIMIT = 10.0


@dataclass(frozen=True)
class Machines:
    """Who trains together: each machine runs the same command with a rank of its own.

    Attributes:
        count: machines.
        rank: of this one, from 0; the first one keeps the results.
        main: "host:port" at which the first one can be reached.
    """

    count: int = 1
    rank: int = 0
    main: str = "127.0.0.1:29500"


@dataclass(frozen=True)
class Watch:
    """Who is told: of the forecast, before the first step and once some are done; and after every step."""

    on_forecast: OnForecast = lambda _: None
    on_state: OnState | None = None


def train(
    workspace: Workspace,
    samples: Mapping[str, Samples],
    info: ModelInfo,
    config: TrainConfig,
    watch: Watch | None = None,
    start: Path | None = None,
    machines: Machines | None = None,
) -> ModelInfo:
    """Train a network and write models/checkpoint.pth whenever a validation is the best so far.

    Args:
        workspace: where the checkpoint and the logs go.
        samples: data sets "train" and "val".
        info: description of the model to be; its training, metrics and versions are filled in.
        config: network and training sections are used. With a limit of steps the learning rate follows the steps, and
            the result does not depend on the machine's speed.
        watch: who is told how it goes.
        start: checkpoint of a network to go on from; None for random weights.
        machines: who trains together; None for this one alone.

    Returns:
        the description stored in the checkpoint.

    Raises:
        ModelError: the loss is not finite, or `start` does not fit.
        KeyboardInterrupt: interrupted; the state is kept.
    """
    _quieten_lightning()
    training, watch, machines = config.training, watch or Watch(), machines or Machines()
    seed_everything(training.seed, verbose=False)
    state_path = workspace.runs / STATE_NAME
    network = Network(len(info.parts), config.network.size)
    if start is not None:
        start_from(network, info, start)
    settings = training.model_dump_json(exclude={"minutes"})
    fingerprint = [info.dataset, config.network.model_dump_json(), settings, str(start or "")]
    resume = state_path if _is_continued(state_path, fingerprint) else None
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # missing from torch's stubs
    trial = try_steps(network, training)
    guess = forecast(trial.precision, trial.step_seconds, training)
    watch.on_forecast(guess)
    write_forecast(workspace.runs / FORECAST_NAME, guess)
    about = {"precision": trial.precision, **config.model_dump(mode="json")}
    info = replace(info, training=about, versions=_versions())
    rate = training.start_rate if start else 1.0
    task = TrainingTask(network, info, training, fingerprint, workspace.checkpoint, rate)
    sampler = Endless(training.batch_size, machines.count, machines.rank)
    keep = KeepState(state_path, sampler, watch.on_state)
    timer = Timer(duration=timedelta(minutes=training.minutes), interval="step")
    task.elapsed_seconds = lambda: timer.time_elapsed("train")
    forecaster = Forecaster(workspace.runs, trial.precision, training, watch.on_forecast, task.elapsed_seconds)
    trainer = _trainer(workspace, training, trial.precision, machines, [timer, keep, forecaster])
    loaders = _loaders(samples, task.crop_settings, training, sampler)
    try:
        trainer.fit(task, *loaders, ckpt_path=resume, weights_only=True if resume else None)
    except SystemExit as stop:  # Lightning turns an interrupt into an exit
        raise KeyboardInterrupt from stop
    except KonturError as error:
        raise type(error)(_without_worker_traceback(str(error))) from error
    if task.validated_step != trainer.global_step:
        trainer.validate(task, loaders[1], verbose=False)
    if trainer.is_global_zero:
        state_path.unlink(missing_ok=True)
    return task.best_info


def _trainer(
    workspace: Workspace, training: TrainingConfig, precision: str, machines: Machines, watching: list[Callback]
) -> Trainer:
    average = WeightAveraging(use_buffers=True, avg_fn=_moving_average(training.ema_decay))
    stops = [EarlyStopping("val/loss", patience=training.patience)] if training.patience else []
    strategy: Any = "auto"
    if machines.count > 1:
        host, _, port = machines.main.rpartition(":")
        os.environ |= {"MASTER_ADDR": host, "MASTER_PORT": port, "NODE_RANK": str(machines.rank)}
        strategy = DDPStrategy(process_group_backend="gloo")
    return Trainer(
        accelerator="cpu",
        devices=1,
        num_nodes=machines.count,
        strategy=strategy,
        use_distributed_sampler=False,
        precision="bf16-mixed" if precision == "bf16" else "32-true",
        max_steps=training.steps or -1,
        callbacks=[average, *watching, *stops],
        logger=_loggers(workspace.runs, training),
        gradient_clip_val=_GRADIENT_LIMIT,
        check_val_every_n_epoch=None,
        val_check_interval=_validation_interval(training, machines),
        num_sanity_val_steps=0,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        log_every_n_steps=10,
    )


def _moving_average(limit: float) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
    """Exponential moving average whose memory grows with the steps done, up to `limit` (as in TensorFlow's EMA)."""

    def average(averaged: Tensor, current: Tensor, count: Tensor) -> Tensor:
        """Return the moving average; numbers that are counted are copied."""
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


def _validation_interval(training: TrainingConfig, machines: Machines) -> int | timedelta:
    if training.steps:
        return max(1, training.steps // VALIDATIONS)
    if machines.count > 1:  # their clocks differ, their steps do not
        return _STEPS_BETWEEN_VALIDATIONS
    return timedelta(seconds=max(60 * training.minutes / VALIDATIONS, _LEAST_SECONDS_BETWEEN_VALIDATIONS))


def _loaders(
    samples: Mapping[str, Samples], settings: CropSettings, training: TrainingConfig, sampler: Endless
) -> tuple[torch.utils.data.DataLoader, torch.utils.data.DataLoader]:
    count = training.loader_workers
    if count is None:
        count = max(lanes for lanes in range(1, LANES + 1) if LANES % lanes == 0 and lanes <= thread_count())
    workers: dict[str, Any] = {"num_workers": count}
    if count:
        workers |= {"prefetch_factor": 4, "multiprocessing_context": "forkserver", "worker_init_fn": _give_way}
    plan = plan_replay(training.crops_per_picture, training.batch_size, samples["val"][0])
    source = Crops(samples["train"], replace(settings, replay=plan))
    crops = torch.utils.data.DataLoader(source, batch_size=training.batch_size, sampler=sampler, **workers)
    whole = WholePictures(samples["val"], settings, training.validation_pictures)
    return crops, torch.utils.data.DataLoader(whole, batch_size=_VALIDATION_BATCH)


def _give_way(_worker: int) -> None:
    """Let a loader process work where the training leaves a core idle: taking a core from it would stop all its threads."""
    limit_inner_threads()
    worker = torch.utils.data.get_worker_info()
    if worker is not None and isinstance(worker.dataset, Crops):
        worker.dataset.share(worker.num_workers)
    if hasattr(os, "nice"):
        os.nice(_WAY_GIVEN)


def _loggers(runs: Path, training: TrainingConfig) -> list[Any]:
    run = 1 + max((int(p.name[4:]) for p in runs.glob("run_[0-9]*")), default=-1)
    name = f"run_{run:03d}"
    loggers: list[Any] = [CSVLogger(runs, name="", version=name), TensorBoardLogger(runs, name="", version=name)]
    if training.mlflow:
        os.environ |= {"MLFLOW_DISABLE_TELEMETRY": "true"}  # only the server that was named is talked to
        try:
            loggers.append(MLFlowLogger("kontur", run_name=name, tracking_uri=training.mlflow))
        except ModuleNotFoundError as error:
            where = f"training.mlflow: {training.mlflow}"
            raise ConfigError(f"{where}: MLflow is not installed; run `pip install kontur[mlflow]`") from error
    return loggers


def _versions() -> dict[str, str]:
    return {"kontur": __version__, "torch": torch.__version__, "lightning": version("lightning")}


def _quieten_lightning() -> None:
    """Lightning's hints about GPUs, workers and loggers are not for the user of kontur."""
    for name in ("lightning.pytorch", "lightning.fabric", "lightning.pytorch.utilities.rank_zero"):
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module="lightning")
    warnings.filterwarnings("ignore", module="torch.utils.data")

"""What Lightning trains: the network with its loss, optimiser, validation and the callback that keeps its state."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor

from kontur.errors import ModelError
from kontur.files import atomic_path
from kontur.modeling.checkpoint import save_checkpoint
from kontur.modeling.crops import CropSettings, Endless
from kontur.modeling.losses import loss_terms, total_loss
from kontur.modeling.model_info import ModelInfo, info_from_dict
from kontur.modeling.muon import MuonAdamW
from kontur.modeling.network import Network
from kontur.modeling.targets import PartTraits
from kontur.modeling.train_config import TrainingConfig
from kontur.modeling.train_metrics import answer_quality
from kontur.pictures import write_picture

WARM_UP_FRACTION = 0.04
_STATE_EVERY_SECONDS = 30.0


@dataclass(frozen=True)
class TrainingState:
    """Where a training stands, for who watches it: seconds used and planned, step, and the latest numbers."""

    seconds: float
    planned_seconds: float
    step: int
    metrics: dict[str, float]


OnState = Callable[[TrainingState], None]


class TrainingTask(LightningModule):
    """The network with its loss and optimiser; keeps the best checkpoint."""

    def __init__(
        self,
        network: Network,
        info: ModelInfo,
        training: TrainingConfig,
        fingerprint: list[str],
        checkpoint: Path,
        rate: float = 1.0,
    ) -> None:
        super().__init__()
        self.network = network
        self.info = info
        self.training_config = training
        self.fingerprint = fingerprint
        self.checkpoint = checkpoint
        self.learning_rate = rate * training.learning_rate
        self.best_info = info
        self.best_loss = math.inf
        self.validated_step = -1
        self.latest: dict[str, float] = {}
        self.elapsed_seconds: Callable[[], float] = lambda: 0.0
        self.crop_settings = _crop_settings(info, training)

    def training_step(self, batch: dict[str, Tensor], _index: int) -> Tensor:
        """Return the loss of a batch of crops."""
        output = self._answer(batch["picture"])
        terms = loss_terms(output, batch)
        loss = total_loss(terms)
        if not torch.isfinite(loss):
            kept = save_faulty(self.checkpoint.parent / "runs", self.global_step, output.detach(), batch)
            raise ModelError(
                f"step {self.global_step}: the loss is not finite; the crops that made it so are in {kept}; "
                "if they look right, lower training.learning_rate or use fp32"
            )
        self.latest["loss"] = float(loss.detach())
        self.log_dict({"train/loss": loss.detach(), **{f"train/{k}": v.detach() for k, v in terms.items()}})
        return loss

    def validation_step(self, batch: dict[str, Tensor], _index: int) -> None:
        """Add a batch of whole pictures to the validation's means."""
        output = self._answer(batch["picture"]).float()
        terms = loss_terms(output, batch)
        values = {"loss": total_loss(terms), **terms, **answer_quality(output, batch)}
        self.log_dict({f"val/{name}": value for name, value in values.items()}, batch_size=len(output))

    def on_validation_epoch_end(self) -> None:
        """Write the checkpoint when this validation is the best so far."""
        metrics = {k: float(v) for k, v in self.trainer.callback_metrics.items() if k.startswith("val/")}
        self.latest |= metrics
        self.validated_step = self.global_step
        if metrics["val/loss"] < self.best_loss:
            self.best_loss = metrics["val/loss"]
            reached = {"steps": self.global_step, "minutes": self.elapsed_seconds() / 60, **self.info.training}
            self.best_info = replace(self.info, training=reached, metrics=metrics)
            if self.trainer.is_global_zero:
                save_checkpoint(self.checkpoint, self.network, self.best_info)

    def on_train_batch_start(self, _batch: Any, _index: int) -> None:
        """Set the learning rate for this step: on all machines that of the first, whose clock counts."""
        progress = self.trainer.strategy.broadcast(self.progress())
        rate = self.learning_rate * learning_rate_factor(progress)
        for group in self.optimizers(use_pl_optimizer=False).param_groups:
            group["lr"] = rate

    def progress(self) -> float:
        """Return the fraction of the training that is done, by steps when they are limited, else by time."""
        if self.training_config.steps:
            return min(1.0, self.global_step / self.training_config.steps)
        return min(1.0, self.elapsed_seconds() / (60 * self.training_config.minutes))

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Muon for the kernels but the first and the last, AdamW for the rest; norms and biases are not decayed."""
        config = self.training_config
        outer = {*self.network.stem.parameters(), *self.network.head[-1].parameters()}
        kernels = [p for p in self.network.parameters() if p.ndim > 1]
        groups: list[dict[str, Any]] = [
            {"params": [p for p in kernels if p not in outer], "orthogonal": True},
            {"params": [p for p in kernels if p in outer]},
            {"params": [p for p in self.network.parameters() if p.ndim <= 1], "weight_decay": 0.0},
        ]
        return MuonAdamW(groups, lr=self.learning_rate, weight_decay=config.weight_decay)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add what a resume needs beside Lightning's own state."""
        checkpoint["kontur"] = {
            "fingerprint": self.fingerprint, "best_loss": self.best_loss, "best_info": self.best_info.to_dict(),
        }  # fmt: skip

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Take back the best result so far."""
        kept = checkpoint["kontur"]
        self.best_loss = kept["best_loss"]
        self.best_info = info_from_dict(kept["best_info"], "state.ckpt")

    def _answer(self, picture: Tensor) -> Tensor:
        return self.network(picture.float().contiguous(memory_format=torch.channels_last))


class KeepState(Callback):
    """Keeps the state on disk for a resume, moves the sampler there, and tells who watches."""

    def __init__(self, path: Path, sampler: Endless, on_state: OnState | None) -> None:
        self.path = path
        self.sampler = sampler
        self.on_state = on_state
        self.saved_at = time.monotonic()

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Continue with the crops that come next."""
        self.sampler.step = trainer.global_step

    def on_train_batch_end(self, trainer: Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Save from time to time; report every step."""
        if trainer.strategy.broadcast(time.monotonic() - self.saved_at > _STATE_EVERY_SECONDS):
            self.save(trainer)
        if self.on_state is not None:
            planned = 60 * pl_module.training_config.minutes
            state = TrainingState(pl_module.elapsed_seconds(), planned, trainer.global_step, dict(pl_module.latest))
            self.on_state(state)

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Save when interrupted; of several machines none may wait for the others then."""
        if isinstance(exception, KeyboardInterrupt) and trainer.global_step > 0 and trainer.world_size == 1:
            self.save(trainer)

    def save(self, trainer: Trainer) -> None:
        """Write the state atomically."""
        if trainer.world_size > 1:
            trainer.save_checkpoint(self.path)
        else:
            with atomic_path(self.path) as temporary:
                trainer.save_checkpoint(temporary)
        self.saved_at = time.monotonic()


def save_faulty(folder: Path, step: int, output: Tensor, batch: dict[str, Tensor]) -> Path:
    """Save the crops of a batch whose loss is not finite (all of them, when none alone is to blame); return the file.

    The file holds the arrays of the batch, for `numpy.load`; the crops lie beside it as a picture.
    """
    losses = [
        float(total_loss(loss_terms(output[k : k + 1], {name: value[k : k + 1] for name, value in batch.items()})))
        for k in range(len(output))
    ]
    faulty = [k for k, loss in enumerate(losses) if not math.isfinite(loss)] or list(range(len(losses)))
    path = folder / f"not_finite_step{step:06d}.npz"
    arrays: dict[str, Any] = {name: value[faulty].float().numpy() for name, value in batch.items()}
    with atomic_path(path) as temporary, temporary.open("wb") as stream:
        np.savez_compressed(stream, **arrays)
    sheet = np.hstack([np.ascontiguousarray(crop.transpose(1, 2, 0)) for crop in arrays["picture"].astype(np.uint8)])
    write_picture(path.with_suffix(".png"), sheet)
    return path


def learning_rate_factor(progress: float) -> float:
    """Linear warm-up, then a cosine to zero; `progress` in [0, 1]."""
    if progress < WARM_UP_FRACTION:
        return max(progress / WARM_UP_FRACTION, 1e-3)
    return 0.5 + 0.5 * math.cos(math.pi * (progress - WARM_UP_FRACTION) / (1 - WARM_UP_FRACTION))


def _crop_settings(info: ModelInfo, training: TrainingConfig) -> CropSettings:
    traits = PartTraits(np.array([p.chiral for p in info.parts], bool))
    return CropSettings(training.crop_px, traits, training.seed)

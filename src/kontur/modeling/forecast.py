"""How long a training will take: guessed from a trial, then told by its own first steps, the loader at work beside them."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lightning.pytorch import Callback, Trainer

from kontur.files import write_text
from kontur.modeling.train_config import TrainingConfig

FILE = "forecast.json"
_FIRST_STEPS = 3
"""The first steps pay for what is set up once."""
_SURE_SECONDS = 8.0
"""Steps are watched that long before a forecast is made of them."""
_EVERY_SECONDS = 10.0


@dataclass(frozen=True)
class Forecast:
    """What a training will take.

    Attributes:
        precision: "fp32" or "bf16".
        step_seconds: wall time of a step.
        steps: the number of the last one.
        seconds: from now to the last one.
        measured: whether that is told by the training's own steps, or by a trial without a loader beside it.
    """

    precision: str
    step_seconds: float
    steps: int
    seconds: float
    measured: bool


OnForecast = Callable[[Forecast], None]


def forecast(
    precision: str, step_seconds: float, training: TrainingConfig, done: int = 0, spent: float = 0.0
) -> Forecast:
    """Return what is to come at that speed.

    Args:
        precision: of the steps.
        step_seconds: wall time of one.
        training: limits of time and steps.
        done: steps done; 0 means that `step_seconds` comes from a trial.
        spent: seconds of the time limit that are used up.
    """
    left = max(0.0, 60 * training.minutes - spent)
    steps = done + round(left / step_seconds)
    if training.steps:
        steps = min(steps, training.steps)
    within = (steps - done) * step_seconds if training.steps else left
    return Forecast(precision, step_seconds, steps, within, done > 0)


class Forecaster(Callback):
    """Makes the forecast when the training's speed is known and keeps models/runs/forecast.json up to date.

    Attributes:
        elapsed_seconds: the training's own clock.
    """

    def __init__(
        self,
        folder: Path,
        precision: str,
        training: TrainingConfig,
        on_forecast: OnForecast,
        elapsed: Callable[[], float],
    ) -> None:
        self.elapsed_seconds = elapsed
        self._path = folder / FILE
        self._precision, self._training, self._tell = precision, training, on_forecast
        self._begin: tuple[int, float] | None = None
        self._first_step = 0
        self._told = False
        self._written_at = 0.0

    def on_train_start(self, trainer: Trainer, pl_module: Any) -> None:
        """Count from here (a resumed training does not begin at step 0)."""
        self._first_step = trainer.global_step

    def on_train_batch_end(self, trainer: Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Watch the speed; tell it once, write it from time to time."""
        now, step = time.monotonic(), trainer.global_step
        if self._begin is None:
            if step - self._first_step >= _FIRST_STEPS:
                self._begin = step, now
            return
        watched = now - self._begin[1]
        if watched < _SURE_SECONDS or now - self._written_at < _EVERY_SECONDS or not trainer.is_global_zero:
            return
        seconds = watched / (step - self._begin[0])
        known = forecast(self._precision, seconds, self._training, step, self.elapsed_seconds())
        if not self._told:
            self._tell(known)
        self._told, self._written_at = True, now
        write_forecast(self._path, known)


def write_forecast(path: Path, known: Forecast) -> None:
    """Write a forecast for who watches the workspace: steps, seconds of each, and `ends_at` in seconds since 1970."""
    document = {"steps": known.steps, "step_seconds": known.step_seconds, "measured": known.measured}
    write_text(path, json.dumps({"ends_at": time.time() + known.seconds, **document}) + "\n")

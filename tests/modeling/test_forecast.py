"""The forecast: arithmetic against the limits, and a training whose clock is set by hand."""

import json
import time
from types import SimpleNamespace

import pytest

from kontur.modeling import forecast as module
from kontur.modeling.forecast import FILE, Forecaster, forecast
from kontur.modeling.train_config import TrainingConfig


@pytest.mark.parametrize(
    ("limits", "done", "spent", "steps", "seconds"),
    [
        ({"minutes": 2}, 0, 0, 240, 120), ({"minutes": 2}, 50, 60, 170, 60), ({"minutes": 2}, 300, 130, 300, 0),
        ({"minutes": 2, "steps": 100}, 0, 0, 100, 50), ({"minutes": 2, "steps": 100}, 80, 45, 100, 10),
        ({"minutes": 1, "steps": 1000}, 0, 0, 120, 60),
    ],
)  # fmt: skip
def test_steps_and_seconds_keep_to_the_limits(limits, done, spent, steps, seconds):
    known = forecast("bf16", 0.5, TrainingConfig(**limits), done, spent)
    assert (known.precision, known.step_seconds, known.steps, known.measured) == ("bf16", 0.5, steps, done > 0)
    assert known.seconds == pytest.approx(seconds)


class _Clock:
    """A training of steady or changing pace, without a training."""

    def __init__(self, folder, monkeypatch, **limits) -> None:
        self.now, self.told = 100.0, []
        monkeypatch.setattr(module.time, "monotonic", lambda: self.now)
        config = TrainingConfig(**limits)
        self.caller = Forecaster(folder, "bf16", config, self.told.append, lambda: self.now - 100)
        self.trainer = SimpleNamespace(global_step=0, is_global_zero=True)
        self.path = folder / FILE

    def steps(self, count: int, seconds: float) -> None:
        for _ in range(count):
            self.now += seconds
            self.trainer.global_step += 1
            self.caller.on_train_batch_end(self.trainer, None, None, None, 0)

    @property
    def written(self):
        return json.loads(self.path.read_text())


def test_the_pace_of_the_real_steps_is_told_once_and_without_the_first(tmp_path, monkeypatch):
    clock = _Clock(tmp_path, monkeypatch, minutes=2)
    clock.caller.on_train_start(clock.trainer, None)
    clock.steps(3, 4.0)
    assert not clock.told
    clock.steps(40, 0.5)
    (known,) = clock.told
    assert known.measured
    assert known.step_seconds == pytest.approx(0.5)
    assert known.steps == pytest.approx(3 + (120 - 12) / 0.5, abs=1)


def test_the_file_follows_a_training_that_becomes_slower(tmp_path, monkeypatch):
    clock = _Clock(tmp_path, monkeypatch, minutes=60, steps=400)
    clock.caller.on_train_start(clock.trainer, None)
    clock.steps(103, 0.5)
    early = clock.written
    assert early["ends_at"] == pytest.approx(time.time() + 300 * 0.5, abs=15)
    clock.steps(100, 1.5)
    late = clock.written
    assert late["steps"] == early["steps"] == 400
    assert early["step_seconds"] == pytest.approx(0.5)
    assert late["step_seconds"] == pytest.approx(1.0, rel=0.1)
    assert late["measured"]


def test_a_resumed_training_does_not_count_the_steps_of_before(tmp_path, monkeypatch):
    clock = _Clock(tmp_path, monkeypatch, minutes=2)
    clock.trainer.global_step = 1000
    clock.caller.on_train_start(clock.trainer, None)
    clock.steps(43, 0.25)
    assert clock.told[0].step_seconds == pytest.approx(0.25)
    assert clock.told[0].steps > 1043


def test_other_machines_write_nothing(tmp_path, monkeypatch):
    clock = _Clock(tmp_path, monkeypatch, minutes=2)
    clock.trainer.is_global_zero = False
    clock.steps(60, 0.5)
    assert not clock.told
    assert not clock.path.exists()

"""The choice between fp32 and bf16: by what a trial measures, and without a trace in the network."""

import pytest
import torch

from kontur.modeling import precision
from kontur.modeling.network import Network
from kontur.modeling.precision import try_steps
from kontur.modeling.train_config import TrainingConfig


@pytest.mark.parametrize("name", ["fp32", "bf16"])
def test_what_is_configured_is_taken_and_only_timed(monkeypatch, name):
    tried = []
    monkeypatch.setattr(precision, "_step_seconds", lambda _net, kind, _side: tried.append(kind) or 0.5)
    assert try_steps(Network(2, "n"), TrainingConfig(precision=name)).precision == name
    assert set(tried) == {name}


@pytest.mark.parametrize(
    ("fp32", "bf16", "chosen"), [(1.0, 0.5, "bf16"), (1.0, 0.85, "bf16"), (1.0, 0.95, "fp32"), (1.0, 3.0, "fp32")]
)
def test_the_clearly_quicker_one_is_taken(monkeypatch, fp32, bf16, chosen):
    monkeypatch.setattr(precision, "_step_seconds", lambda _net, name, _side: {"fp32": fp32, "bf16": bf16}[name])
    assert try_steps(Network(2, "n"), TrainingConfig()).precision == chosen


def test_one_slow_step_does_not_decide(monkeypatch):
    """The best of several steps counts: the first step of each kind pays for what is set up once."""
    seconds = {"fp32": iter([9.0, *[1.0] * 20]), "bf16": iter([30.0, *[0.5] * 20])}
    monkeypatch.setattr(precision, "_step_seconds", lambda _net, name, _side: next(seconds[name]))
    assert try_steps(Network(2, "n"), TrainingConfig()).precision == "bf16"


def test_a_trial_leaves_network_and_random_stream_as_they_were():
    network = Network(2, "n").eval()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    stream = torch.get_rng_state()
    assert try_steps(network, TrainingConfig(crop_px=64)).precision in ("fp32", "bf16")
    assert torch.equal(torch.get_rng_state(), stream)
    assert not network.training
    assert all(value.grad is None for value in network.parameters())
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_a_step_of_the_real_batch_is_foretold(monkeypatch):
    """The trial's batch holds 4 crops: 12 take three times as long as its best step of 0.5 s."""
    seconds = iter([0.9, 0.5, *[0.7] * 20])
    monkeypatch.setattr(precision, "_step_seconds", lambda _net, _name, _side: next(seconds))
    trial = try_steps(Network(2, "n"), TrainingConfig(precision="fp32", batch_size=12))
    assert trial.step_seconds == pytest.approx(1.5)

"""The choice between fp32 and bf16: by what a trial measures, and without a trace in the network."""

import pytest
import torch

from kontur.modeling import precision
from kontur.modeling.network import Network
from kontur.modeling.precision import choose_precision
from kontur.modeling.train_config import TrainingConfig


@pytest.mark.parametrize("name", ["fp32", "bf16"])
def test_what_is_configured_is_taken_without_a_trial(monkeypatch, name):
    monkeypatch.setattr(precision, "_step_seconds", None)
    assert choose_precision(None, TrainingConfig(precision=name)) == name


@pytest.mark.parametrize(
    ("fp32", "bf16", "chosen"), [(1.0, 0.5, "bf16"), (1.0, 0.85, "bf16"), (1.0, 0.95, "fp32"), (1.0, 3.0, "fp32")]
)
def test_the_clearly_quicker_one_is_taken(monkeypatch, fp32, bf16, chosen):
    monkeypatch.setattr(precision, "_step_seconds", lambda _net, name, _side: {"fp32": fp32, "bf16": bf16}[name])
    assert choose_precision(Network(2, "n"), TrainingConfig()) == chosen


def test_one_slow_step_does_not_decide(monkeypatch):
    """The best of several steps counts: the first step of each kind pays for what is set up once."""
    seconds = {"fp32": iter([9.0, *[1.0] * 20]), "bf16": iter([30.0, *[0.5] * 20])}
    monkeypatch.setattr(precision, "_step_seconds", lambda _net, name, _side: next(seconds[name]))
    assert choose_precision(Network(2, "n"), TrainingConfig()) == "bf16"


def test_a_trial_leaves_network_and_random_stream_as_they_were():
    network = Network(2, "n").eval()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    stream = torch.get_rng_state()
    assert choose_precision(network, TrainingConfig(crop_px=64)) in ("fp32", "bf16")
    assert torch.equal(torch.get_rng_state(), stream)
    assert not network.training
    assert all(value.grad is None for value in network.parameters())
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())

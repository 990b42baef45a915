"""fp32 or bf16, and how long a step takes: told by a short trial on this processor, not by its flags."""

import time
from copy import deepcopy
from dataclasses import dataclass

import torch

from kontur.modeling.losses import loss_terms, total_loss
from kontur.modeling.network import Network
from kontur.modeling.train_config import TrainingConfig

_TRIAL_SECONDS = 3.0
_WORTHWHILE = 0.9
"""bf16 must take less than this fraction of fp32's time; its rounding is not worth a tie."""
_ROUNDS = 6
_TRIAL_BATCH = 4


@dataclass(frozen=True)
class Trial:
    """What a trial found.

    Attributes:
        precision: "fp32" or "bf16".
        step_seconds: wall time of a training step, the crops being ready.
    """

    precision: str
    step_seconds: float


def try_steps(network: Network, training: TrainingConfig) -> Trial:
    """Take steps of both precisions, or of the configured one, for about three seconds; choose the quicker."""
    names = ("fp32", "bf16") if training.precision == "auto" else (training.precision,)
    times = dict.fromkeys(names, float("inf"))
    trial_net = deepcopy(network).train()
    end = time.perf_counter() + _TRIAL_SECONDS
    for _ in range(_ROUNDS):
        for name in times:
            times[name] = min(times[name], _step_seconds(trial_net, name, training.crop_px))
        if time.perf_counter() > end:
            break
    quicker = names[0]
    if len(names) == 2 and times["bf16"] < _WORTHWHILE * times["fp32"]:
        quicker = "bf16"
    return Trial(quicker, times[quicker] * training.batch_size / _TRIAL_BATCH)


def _step_seconds(network: Network, precision: str, side: int) -> float:
    picture = torch.zeros(_TRIAL_BATCH, 3, side, side).contiguous(memory_format=torch.channels_last)
    start = time.perf_counter()
    with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
        output = network(picture)
    total_loss(loss_terms(output, _no_targets(output))).backward()
    return time.perf_counter() - start


def _no_targets(output: torch.Tensor) -> dict[str, torch.Tensor]:
    batch, _, height, width = output.shape
    flat = torch.zeros(batch, height, width)
    pair = torch.zeros(batch, 2, height, width)
    names = ("foreground", "flipped", "weight", "flipped_weight")
    return {**dict.fromkeys(names, flat), "offset": pair, "part": flat.long()}

"""Starting from a trained network: to go on with photographs, or with one part more, without starting anew."""

from pathlib import Path

import torch
from torch import Tensor

from kontur.errors import ModelError
from kontur.modeling.checkpoint import load_checkpoint
from kontur.modeling.heads import HEADS
from kontur.modeling.model_info import ModelInfo
from kontur.modeling.network import Network

_ANSWER = ("head.1.weight", "head.1.bias")
"""The layer whose last rows are the parts."""


def start_from(network: Network, info: ModelInfo, checkpoint: Path) -> tuple[str, ...]:
    """Give a new network the weights of a trained one; parts are matched by name, whatever their order.

    Args:
        network: for the parts of `info`; parts that the checkpoint does not know keep their random weights.
        info: the model to be.
        checkpoint: what to start from.

    Returns:
        the names of the parts that are new.

    Raises:
        ModelError: no usable checkpoint, one of another size, or one that knows none of the parts.
    """
    trained, known = load_checkpoint(checkpoint)
    if known.network_size != info.network_size:
        raise ModelError(
            f"{checkpoint}: a network of size {known.network_size}, but network.size is {info.network_size}; make them equal"
        )
    theirs = {part.name: row for row, part in enumerate(known.parts)}
    if not any(part.name in theirs for part in info.parts):
        raise ModelError(f"{checkpoint}: knows none of these parts; train without --from")
    weights, own = trained.state_dict(), network.state_dict()
    for name in _ANSWER:
        weights[name] = _rows_by_part(own[name], weights[name], info, theirs)
    network.load_state_dict(weights)
    return tuple(part.name for part in info.parts if part.name not in theirs)


def _rows_by_part(own: Tensor, trained: Tensor, info: ModelInfo, theirs: dict[str, int]) -> Tensor:
    """Return the answer layer's rows: general answers first, then one for each part."""
    rows = [trained[: HEADS.part.start]]
    for number, part in enumerate(info.parts):
        source, row = (trained, theirs[part.name]) if part.name in theirs else (own, number)
        rows.append(source[HEADS.part.start + row][None])
    return torch.cat(rows)

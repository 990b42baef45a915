"""The training loss: one term per head, each a weighted mean over the cells that are asked.

The class loss is taken over foreground cells only: with the background in the softmax the classes do not separate.
"""

import torch
from torch import Tensor
from torch.nn import functional

from kontur.modeling.heads import HEADS

WEIGHTS = {
    "foreground": 1.0,
    "part": 1.0,
    "offset": 1.0,
    "flipped": 0.5,
}
_OFFSET_KNEE = 0.1
_EPSILON = 1e-6


def loss_terms(output: Tensor, targets: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the unweighted terms (scalars) of a batch.

    Args:
        output: (B, C, h, w) raw outputs of the network, any float type; the loss is taken in float32.
        targets: what `targets.cell_targets` returns, batched.
    """
    output = output.float()
    weight = targets["weight"]
    part = targets["part"].clamp(min=0)
    offset = functional.smooth_l1_loss(output[:, HEADS.offset], targets["offset"], reduction="none", beta=_OFFSET_KNEE)
    flipped = functional.binary_cross_entropy_with_logits(
        output[:, HEADS.flipped.start], targets["flipped"], reduction="none"
    )
    return {
        "foreground": _foreground_loss(output[:, HEADS.foreground.start], targets["foreground"]),
        "part": _mean(functional.cross_entropy(output[:, HEADS.part], part, reduction="none"), weight),
        "offset": _mean(offset.sum(1), weight),
        "flipped": _mean(flipped, targets["flipped_weight"]),
    }


def total_loss(terms: dict[str, Tensor]) -> Tensor:
    """Return the weighted sum of the terms."""
    return torch.stack([WEIGHTS[name] * term for name, term in terms.items()]).sum()


def _foreground_loss(logit: Tensor, truth: Tensor) -> Tensor:
    """Cross entropy plus soft Dice (Milletari et al. 2016), which keeps small parts from drowning in background."""
    probability = torch.sigmoid(logit)
    overlap = (probability * truth).sum((1, 2))
    dice = 1 - (2 * overlap + 1) / (probability.sum((1, 2)) + truth.sum((1, 2)) + 1)
    return 2 * functional.binary_cross_entropy_with_logits(logit, truth) + dice.mean()


def _mean(values: Tensor, weight: Tensor) -> Tensor:
    return (values * weight).sum() / (weight.sum() + _EPSILON)

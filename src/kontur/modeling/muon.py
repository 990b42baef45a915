"""Muon for convolutions, AdamW for the rest: fewer steps to the same loss.

A kernel's gradient, seen as a matrix (outputs x inputs * height * width), is replaced by the nearest orthogonal matrix, so
that rare directions learn as fast as frequent ones (Jordan et al. 2024, https://kellerjordan.github.io/posts/muon). The
step is scaled to the size AdamW's would have (Liu et al. 2025, arXiv:2502.16982), so both share one learning rate.
"""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

_ITERATION = (3.4445, -4.7750, 2.0315)
"""Coefficients of the quintic Newton-Schulz iteration."""
_ITERATIONS = 5
_MOMENTUM = 0.95
_ADAMW_SIZE = 0.2
"""Root mean square of AdamW's usual step, in units of the learning rate."""
_EPSILON = 1e-7


class MuonAdamW(torch.optim.AdamW):
    """AdamW whose groups with `orthogonal: True` are updated by Muon; their parameters have at least 2 dimensions."""

    def __init__(self, groups: Iterable[dict[str, Any]], lr: float, weight_decay: float) -> None:
        super().__init__([{"orthogonal": False, **group} for group in groups], lr=lr, weight_decay=weight_decay)

    @torch.no_grad()
    def step(self, closure: Callable[[], Tensor] | None = None) -> Any:  # type: ignore[override]
        """Take one step with both."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        every = self.param_groups
        for group in every:
            if group["orthogonal"]:
                self._orthogonal_step(group)
        self.param_groups = [group for group in every if not group["orthogonal"]]
        try:
            super().step()
        finally:
            self.param_groups = every
        return loss

    def _orthogonal_step(self, group: dict[str, Any]) -> None:
        for parameter in group["params"]:
            if parameter.grad is None:
                continue
            state = self.state[parameter]
            state.setdefault("step", torch.tensor(0.0))  # AdamW expects it when a state is loaded
            momentum = state.setdefault("momentum", torch.zeros_like(parameter))
            momentum.lerp_(parameter.grad, 1 - _MOMENTUM)
            update = orthogonal(parameter.grad.lerp(momentum, _MOMENTUM).flatten(1))
            parameter.mul_(1 - group["lr"] * group["weight_decay"])
            size = _ADAMW_SIZE * max(update.shape) ** 0.5
            parameter.add_(update.view_as(parameter), alpha=-group["lr"] * size)


def orthogonal(matrix: Tensor) -> Tensor:
    """Return a matrix of the same singular vectors whose singular values are all near 1 (between 0.7 and 1.2).

    Every iterate is a polynomial of the Gram matrix times the start, so that only the small square matrices are iterated.
    """
    a, b, c = _ITERATION
    tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.T if tall else matrix
    x = x / (x.norm() + _EPSILON)
    gram, product = x @ x.T, torch.eye(len(x), dtype=x.dtype)
    for _ in range(_ITERATIONS):
        factor = b * gram + c * gram @ gram
        factor.diagonal().add_(a)
        product, gram = factor @ product, factor @ gram @ factor
    x = product @ x
    return x.T if tall else x

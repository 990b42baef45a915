"""Muon against the singular value decomposition, and the split of the parameters."""

from copy import deepcopy

import pytest
import torch

from kontur.modeling.muon import MuonAdamW, orthogonal


@pytest.mark.parametrize("shape", [(8, 8), (16, 144), (96, 20)])
def test_singular_vectors_stay_and_values_become_one(shape):
    """Against the SVD: in the basis of the singular vectors the result is diagonal, its values near 1."""
    torch.manual_seed(0)
    matrix = torch.randn(shape)
    left, values, right = torch.linalg.svd(matrix, full_matrices=False)
    seen = left.T @ orthogonal(matrix) @ right.T
    large = values > 0.05 * values[0]
    diagonal = torch.diagonal(seen)[large]
    assert diagonal.min() > 0.6
    assert diagonal.max() < 1.3
    assert (seen - torch.diag(torch.diagonal(seen))).abs().max() < 1e-3


def test_the_size_of_the_gradient_does_not_matter():
    torch.manual_seed(1)
    matrix = torch.randn(12, 40)
    torch.testing.assert_close(orthogonal(matrix), orthogonal(1e-3 * matrix), atol=1e-3, rtol=1e-3)
    assert torch.isfinite(orthogonal(torch.zeros(4, 6))).all()


def parameters():
    torch.manual_seed(2)
    return (
        torch.nn.Parameter(torch.randn(8, 4, 3, 3)),
        torch.nn.Parameter(torch.randn(5, 8)),
        torch.nn.Parameter(torch.randn(8)),
    )


def test_only_the_orthogonal_group_differs_from_adamw():
    kernel, plain, bias = parameters()
    twin = [torch.nn.Parameter(value.detach().clone()) for value in (plain, bias)]
    ours = MuonAdamW(
        [{"params": [kernel], "orthogonal": True}, {"params": [plain]}, {"params": [bias], "weight_decay": 0.0}],
        0.01,
        0.1,
    )
    theirs = torch.optim.AdamW(
        [{"params": twin[:1]}, {"params": twin[1:], "weight_decay": 0.0}], 0.01, weight_decay=0.1
    )
    for step in range(4):
        for parameter, other in ((plain, twin[0]), (bias, twin[1])):
            parameter.grad = other.grad = torch.randn_like(parameter, generator=None) * (step + 1)
        kernel.grad = torch.randn_like(kernel)
        ours.step()
        theirs.step()
    torch.testing.assert_close(plain, twin[0])
    torch.testing.assert_close(bias, twin[1])


def test_a_step_has_the_size_of_adamws():
    """Root mean square 0.2 times the learning rate, whatever the gradient's size."""
    kernel, *_ = parameters()
    before = kernel.detach().clone()
    optimiser = MuonAdamW([{"params": [kernel], "orthogonal": True}], lr=0.01, weight_decay=0.0)
    kernel.grad = 1e4 * torch.randn_like(kernel)
    optimiser.step()
    size = float((kernel - before).square().mean().sqrt())
    assert size == pytest.approx(0.2 * 0.01, rel=0.3)


def test_a_stored_state_goes_on_as_if_never_stopped():
    def optimiser(kernel, plain):
        return MuonAdamW([{"params": [kernel], "orthogonal": True}, {"params": [plain]}], 0.01, 0.1)

    kernel, plain, _ = parameters()
    running = optimiser(kernel, plain)
    gradients = [(torch.randn_like(kernel), torch.randn_like(plain)) for _ in range(4)]
    for step, (first, second) in enumerate(gradients):
        if step == 2:
            copies = [torch.nn.Parameter(value.detach().clone()) for value in (kernel, plain)]
            resumed = optimiser(*copies)
            resumed.load_state_dict(deepcopy(running.state_dict()))
        kernel.grad, plain.grad = first, second
        running.step()
        if step >= 2:
            copies[0].grad, copies[1].grad = first.clone(), second.clone()
            resumed.step()
    torch.testing.assert_close(copies[0], kernel)
    torch.testing.assert_close(copies[1], plain)


def test_it_finds_the_minimum_of_a_quadratic():
    torch.manual_seed(3)
    goal = torch.randn(6, 5)
    found = torch.nn.Parameter(torch.zeros(6, 5))
    optimiser = MuonAdamW([{"params": [found], "orthogonal": True}], lr=0.1, weight_decay=0.0)
    first = float((found - goal).square().sum())
    for step in range(200):
        optimiser.param_groups[0]["lr"] = 0.1 * (1 - step / 200)
        loss = optimiser.step(lambda: _backward(found, goal))
    assert float(loss) < 1e-2 * first


def _backward(found, goal):
    found.grad = None
    loss = (found - goal).square().sum()
    loss.backward()
    return loss

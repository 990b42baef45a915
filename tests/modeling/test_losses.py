"""The loss and the validation's measures, against values worked out by hand."""

import math

import numpy as np
import pytest
import torch

from kontur.modeling.heads import HEADS, OFFSET_UNIT_PX
from kontur.modeling.losses import WEIGHTS, loss_terms, total_loss
from kontur.modeling.train_metrics import answer_quality
from kontur.modeling.training_task import WARM_UP_FRACTION, learning_rate_factor

PARTS = 3
SHAPE = (1, 4, 6)


def targets(**changes) -> dict[str, torch.Tensor]:
    """Nothing anywhere; `changes` fill in."""
    empty = torch.zeros(SHAPE)
    values = {
        "foreground": empty, "flipped": empty, "weight": empty, "flipped_weight": empty,
        "offset": torch.zeros(1, 2, *SHAPE[1:]), "part": torch.full(SHAPE, -1),
    }  # fmt: skip
    return {**{name: value.clone() for name, value in values.items()}, **changes}


def answer() -> torch.Tensor:
    return torch.zeros(1, HEADS.part.start + PARTS, *SHAPE[1:])


def everywhere() -> torch.Tensor:
    return torch.ones(SHAPE)


def test_an_answer_that_says_nothing_costs_the_entropy_of_the_classes():
    terms = loss_terms(answer(), targets(weight=everywhere(), part=torch.ones(SHAPE, dtype=torch.long)))
    assert float(terms["part"]) == pytest.approx(math.log(PARTS), rel=1e-5)


def test_a_sure_and_right_answer_costs_nothing():
    said = answer()
    said[:, HEADS.foreground] = 20.0
    said[:, HEADS.part.start + 1] = 30.0
    said[:, HEADS.offset] = 0.5
    truth = targets(
        foreground=everywhere(), weight=everywhere(), part=torch.ones(SHAPE, dtype=torch.long),
        offset=torch.full((1, 2, *SHAPE[1:]), 0.5),
    )  # fmt: skip
    assert float(total_loss(loss_terms(said, truth))) == pytest.approx(0, abs=1e-5)


def test_cells_that_are_not_asked_do_not_count():
    said = answer()
    said[:, HEADS.part.start] = 50.0
    said[:, HEADS.offset] = 100.0
    said[:, HEADS.flipped] = 50.0
    terms = loss_terms(said, targets())
    assert {name: float(terms[name]) for name in ("part", "offset", "flipped")} == {
        "part": 0,
        "offset": 0,
        "flipped": 0,
    }


def test_the_class_loss_is_a_mean_weighted_by_cell():
    """A cell of weight 3 that is wrong and one of weight 1 that is right cost three quarters of the wrong one."""
    said = answer()
    said[:, HEADS.part.start] = 40.0
    weight, part = torch.zeros(SHAPE), torch.full(SHAPE, -1)
    weight[0, 0, 0], part[0, 0, 0] = 3.0, 1
    weight[0, 0, 1], part[0, 0, 1] = 1.0, 0
    terms = loss_terms(said, targets(weight=weight, part=part))
    assert float(terms["part"]) == pytest.approx(0.75 * 40, rel=1e-4)


def test_the_foreground_loss_prefers_the_right_mask():
    half = everywhere()
    half[..., 3:] = 0
    right, wrong = answer(), answer()
    right[:, HEADS.foreground] = torch.where(half > 0, 5.0, -5.0)
    wrong[:, HEADS.foreground] = torch.where(half > 0, -5.0, 5.0)
    costs = [float(loss_terms(said, targets(foreground=half))["foreground"]) for said in (right, answer(), wrong)]
    assert costs == sorted(costs)
    assert costs[0] < 0.1


def test_the_total_is_the_weighted_sum():
    terms = {name: torch.tensor(float(number)) for number, name in enumerate(WEIGHTS, 1)}
    expected = sum(WEIGHTS[name] * number for number, name in enumerate(WEIGHTS, 1))
    assert float(total_loss(terms)) == pytest.approx(expected)


def test_the_loss_reaches_every_head():
    said = answer().requires_grad_()
    truth = targets(
        foreground=everywhere(), weight=everywhere(), flipped_weight=everywhere(), flipped=everywhere(),
        part=torch.zeros(SHAPE, dtype=torch.long), offset=torch.ones(1, 2, *SHAPE[1:]),
    )  # fmt: skip
    total_loss(loss_terms(said, truth)).backward()
    assert (said.grad.abs().sum(dim=(0, 2, 3)) > 0).all()


def test_measures_of_a_half_right_answer():
    part = torch.zeros(SHAPE, dtype=torch.long)
    part[..., 3:] = 1
    said = answer()
    said[:, HEADS.foreground] = torch.where(part > 0, 1.0, -1.0)  # half of the parts is not seen
    said[:, HEADS.part.start] = 1.0  # all cells say part 0
    said[:, HEADS.offset.start] = 3 / OFFSET_UNIT_PX
    said[:, HEADS.offset.start + 1] = 4 / OFFSET_UNIT_PX
    quality = answer_quality(said, targets(foreground=everywhere(), weight=everywhere(), part=part))
    assert {name: round(float(value), 5) for name, value in quality.items()} == {
        "foreground_iou": 0.5, "part_accuracy": 0.5, "offset_px": 5.0,
    }  # fmt: skip


def test_measures_of_an_empty_picture_are_numbers():
    assert all(torch.isfinite(value) for value in answer_quality(answer(), targets()).values())


def test_the_learning_rate_warms_up_and_falls_to_zero():
    factors = np.array([learning_rate_factor(progress) for progress in np.linspace(0, 1, 201)])
    peak = int(factors.argmax())
    assert factors[peak] == pytest.approx(1, abs=1e-3)
    assert np.linspace(0, 1, 201)[peak] == pytest.approx(WARM_UP_FRACTION, abs=0.01)
    assert (np.diff(factors[: peak + 1]) > 0).all()
    assert (np.diff(factors[peak:]) < 0).all()
    assert 0 < factors[0] < 0.01
    assert factors[-1] == pytest.approx(0, abs=1e-9)

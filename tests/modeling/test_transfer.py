"""Going on from a trained network: parts keep what was learnt of them, whatever their order."""

from dataclasses import replace

import pytest
import torch
from modeling_scenes import bracket, triangle, washer

from kontur.errors import ModelError
from kontur.modeling.checkpoint import save_checkpoint
from kontur.modeling.heads import HEADS
from kontur.modeling.model_info import ModelInfo, known_parts
from kontur.modeling.network import Network
from kontur.modeling.transfer import start_from


def info_of(*parts, size="n") -> ModelInfo:
    return ModelInfo(known_parts(parts), size, (0.6, 0.8), "up", "tests")


@pytest.fixture
def trained(tmp_path):
    """A network for bracket and washer whose answers are known."""
    torch.manual_seed(5)
    network = Network(2, "n").eval()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.uniform_(-1, 1)
    save_checkpoint(tmp_path / "c.pth", network, info_of(bracket(), washer()))
    return network, tmp_path / "c.pth"


def answers(network, seed=0):
    torch.manual_seed(seed)
    picture = 255 * torch.rand(1, 3, 64, 96)
    with torch.inference_mode():
        return network.eval()(picture)


def test_a_new_part_leaves_all_other_answers_as_they_were(trained):
    old, path = trained
    new = Network(3, "n")
    assert start_from(new, info_of(triangle(), washer(), bracket()), path) == ("triangle",)
    before, after = answers(old), answers(new)
    first = HEADS.part.start
    torch.testing.assert_close(after[:, :first], before[:, :first])
    torch.testing.assert_close(after[:, first + 2], before[:, first])
    torch.testing.assert_close(after[:, first + 1], before[:, first + 1])


def test_a_part_less(trained):
    old, path = trained
    new = Network(1, "n")
    assert start_from(new, info_of(washer()), path) == ()
    torch.testing.assert_close(answers(new)[:, HEADS.part.start], answers(old)[:, HEADS.part.start + 1])


def test_what_does_not_fit_is_refused(trained, tmp_path):
    _, path = trained
    with pytest.raises(ModelError, match=r"size n, but network\.size is s"):
        start_from(Network(2, "s"), info_of(bracket(), washer(), size="s"), path)
    with pytest.raises(ModelError, match="knows none of these parts"):
        start_from(Network(1, "n"), info_of(triangle()), path)
    with pytest.raises(ModelError, match="kontur train"):
        start_from(Network(2, "n"), info_of(bracket(), washer()), tmp_path / "missing.pth")


def test_a_part_is_known_by_its_name_although_its_drawing_changed(trained):
    old, path = trained
    changed = replace(info_of(bracket(), washer()).parts[0], sha256="0" * 64)
    info = replace(info_of(bracket(), washer()), parts=(changed, info_of(washer()).parts[0]))
    new = Network(2, "n")
    assert start_from(new, info, path) == ()
    torch.testing.assert_close(answers(new), answers(old))

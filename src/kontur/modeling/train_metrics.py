"""Plain measures of the network's answers, cell by cell, for the validation's curves."""

from torch import Tensor

from kontur.modeling.heads import HEADS, OFFSET_UNIT_PX


def answer_quality(output: Tensor, targets: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return scalars: foreground_iou, part_accuracy, offset_px (mean).

    Args:
        output: (B, C, h, w) float32 raw outputs.
        targets: what `targets.cell_targets` returns, batched.
    """
    said = output[:, HEADS.foreground.start] > 0
    is_part = targets["foreground"] > 0.5
    asked = targets["weight"] > 0
    right = output[:, HEADS.part].argmax(1) == targets["part"]
    error_px = (output[:, HEADS.offset] - targets["offset"]).square().sum(1).sqrt() * OFFSET_UNIT_PX
    return {
        "foreground_iou": (said & is_part).sum() / (said | is_part).sum().clamp(min=1),
        "part_accuracy": _mean_where(right.float(), asked),
        "offset_px": _mean_where(error_px, asked),
    }


def _mean_where(values: Tensor, mask: Tensor) -> Tensor:
    return (values * mask).sum() / mask.sum().clamp(min=1)

"""What the network should say about a sample, cell by cell."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kontur.data_preprocessing.sample import MAX_INSTANCES, Instance
from kontur.modeling.heads import CELL_CENTRE_PX, OFFSET_UNIT_PX, STRIDE

NO_PART = -1
_TRUSTED_VISIBLE_FRACTION = 0.15
_COMMON_CELLS = 150.0
"""Cells of a part of usual size: parts of this size get weight 1, smaller ones more, by the square root."""
_WEIGHT_RANGE = (0.5, 3.0)

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class PartTraits:
    """What the targets must know of each part: arrays over the part list."""

    chiral: NDArray[np.bool_]


def cell_targets(
    ids: NDArray[np.uint8],
    instances: Sequence[Instance],
    traits: PartTraits,
) -> dict[str, NDArray]:
    """Return the targets of one picture, each (..., H / STRIDE, W / STRIDE).

    Args:
        ids: (H, W) id map, 0 background, k for instances[k - 1].
        instances: in the frame of `ids`.
        traits: chirality of the part list.

    Returns:
        foreground (h, w) float32; part (h, w) int64, NO_PART on the background; offset (2, h, w);
        flipped (h, w) float32; weight and flipped_weight (h, w) float32, 0 where the answer is not asked for.
    """
    cells = ids[CELL_CENTRE_PX::STRIDE, CELL_CENTRE_PX::STRIDE]
    table = _instance_table(instances, traits)
    count = np.bincount(cells.ravel(), minlength=MAX_INSTANCES + 1)
    weight = np.clip(np.sqrt(_COMMON_CELLS / np.maximum(count, 1)), *_WEIGHT_RANGE) * table["trusted"]
    rows, columns = np.indices(cells.shape, dtype=np.float32) * STRIDE + CELL_CENTRE_PX
    foreground = (cells > 0).astype(np.float32)
    offset = np.stack([table["u"][cells] - columns, table["v"][cells] - rows]) / OFFSET_UNIT_PX * foreground
    weight_map = weight.astype(np.float32)[cells]
    return {
        "foreground": foreground,
        "part": table["part"][cells],
        "offset": offset.astype(np.float32),
        "flipped": table["flipped"][cells],
        "weight": weight_map,
        "flipped_weight": weight_map * table["chiral"][cells],
    }


def _instance_table(instances: Sequence[Instance], traits: PartTraits) -> dict[str, NDArray]:
    """One column per answer, one row per id; row 0 is the background."""
    table: dict[str, NDArray] = {
        name: np.zeros(MAX_INSTANCES + 1, np.float32) for name in ("u", "v", "flipped", "trusted", "chiral")
    }
    table["part"] = np.full(MAX_INSTANCES + 1, NO_PART, np.int64)
    for row, instance in enumerate(instances, 1):
        pose = instance.pose
        values = {
            "part": instance.part, "u": pose.u, "v": pose.v, "flipped": pose.flipped,
            "trusted": instance.visible_fraction >= _TRUSTED_VISIBLE_FRACTION, "chiral": traits.chiral[instance.part],
        }  # fmt: skip
        for name, value in values.items():
            table[name][row] = value
    return table

"""The layout of the network's output, shared by those who train it and those who only read it (no torch here)."""

from typing import NamedTuple

STRIDE = 4
"""Side in px of the cells that the network speaks about."""
CELL_CENTRE_PX = 2
"""The pixel of a cell, in both directions, that stands for it."""
MULTIPLE = 32
"""Picture sides must be multiples of this, px."""
OFFSET_UNIT_PX = 32.0
"""Unit of the offset head."""


class Heads(NamedTuple):
    """Slices of the output channels; the part logits are all that follow.

    Attributes:
        foreground: logit that a part's material is there.
        offset: (du, dv) from the cell's centre to the part's datum, in units of OFFSET_UNIT_PX.
        flipped: logit that a chiral part lies face down.
        part: logits over the part list.
    """

    foreground: slice = slice(0, 1)
    offset: slice = slice(1, 3)
    flipped: slice = slice(3, 4)
    part: slice = slice(4, None)


HEADS = Heads()

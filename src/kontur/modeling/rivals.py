"""Look-alikes: which other parts, angles and sides a found part could be mistaken for.

The coarse search sees a small hole or a few teeth hardly at all, so for every candidate it offers those that look much the
same there are offered too, and the decision is taken on sub-pixel edges. How alike two parts look is the correlation of
their templates, which the bank already holds.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kontur.geometry import PixelPose
from kontur.modeling.templates import TemplateBank, TemplateGroup

LEAST_LIKENESS = 0.6
_MOST_RIVALS = 8
_PHASES = 3


@dataclass(frozen=True)
class Rival:
    """What a part at angle 0 may also be.

    Attributes:
        part, flipped: the other part and its side.
        turn_rad: its angle, less the angle of the part.
        likeness: correlation of the two templates.
    """

    part: int
    flipped: bool
    turn_rad: float
    likeness: float


Rivals = dict[tuple[int, bool], tuple[Rival, ...]]
"""For every part and side, its rivals, the most alike first."""


def find_rivals(banks: Sequence[TemplateBank]) -> Rivals:
    """Return the rivals of every part and side; parts of different banks differ too much in size to be mistaken."""
    return {key: rivals for bank in banks for key, rivals in _rivals_in(bank).items()}


def _rivals_in(bank: TemplateBank) -> Rivals:
    """Return the rivals at the middle scale of a bank."""
    scales = sorted({group.scale_px_per_mm for group in bank.groups})
    middle = scales[len(scales) // 2]
    groups = [group for group in bank.groups if group.scale_px_per_mm == middle]
    return {(group.part, group.flipped): _rivals_of(bank, group, groups) for group in groups}


def _rivals_of(bank: TemplateBank, group: TemplateGroup, others: Sequence[TemplateGroup]) -> tuple[Rival, ...]:
    reference = bank.coefficients[group.rows[0]]
    found = []
    for other in others:
        curve = bank.coefficients[slice(*other.rows)] @ reference
        peak = (curve >= np.roll(curve, 1)) & (curve >= np.roll(curve, -1)) & (curve >= LEAST_LIKENESS)
        same = (other.part, other.flipped) == (group.part, group.flipped)
        angles = other.angles_rad[peak]
        if (
            len(curve) > 1 and curve.min() >= LEAST_LIKENESS
        ):  # it hardly matters how it is turned: teeth too small to be seen
            angles = np.arange(_PHASES) * (other.angles_rad[-1] + other.angles_rad[1 % len(curve)]) / _PHASES
        likeness = float(curve.max())
        found += [Rival(other.part, other.flipped, a, likeness) for a in angles.tolist() if a != 0 or not same]
    return tuple(sorted(found, key=lambda rival: -rival.likeness)[:_MOST_RIVALS])


def rival_poses(rivals: Rivals, part: int, pose: PixelPose) -> list[tuple[int, PixelPose]]:
    """Return the hypotheses (part, pose) that rival a part found at a pose.

    A flipped part is mirrored before it is turned, so the bank's angles of both sides simply add to the pose's.
    """
    return [
        (rival.part, PixelPose(pose.u, pose.v, pose.angle_rad + rival.turn_rad, pose.scale_px_per_mm, rival.flipped))
        for rival in rivals.get((part, pose.flipped), ())
    ]

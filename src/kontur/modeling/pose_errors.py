"""How far off positions, angles and scales are."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from kontur.geometry import Part, PixelPose, angle_difference
from kontur.modeling.evaluation import Match, PoseErrors, Spread

CLEAR_VISIBLE_FRACTION = 0.95
_DECIMALS = 6


def pose_difference(part: Part, true: PixelPose, entry: dict[str, Any]) -> dict[str, float | bool | None]:
    """Return the errors of a detection's pose as the fields of a `Match`; all >= 0.

    The angle is not compared where a part that looks the same from the back is told to lie on its other face: both
    poses are right, and their angles differ by twice the angle of its mirror axis.

    Args:
        part: the part that both are poses of.
        true: the true pose.
        entry: the detection, as in detections.json.
    """
    said = entry["pose_px"]
    position = math.hypot(said["u"] - true.u, said["v"] - true.v)
    same_face = entry["flipped"] == true.flipped
    comparable = part.symmetry != 0 and said["angle_deg"] is not None and same_face
    angle = abs(_angle_error_deg(said["angle_deg"], true.angle_rad, part.symmetry)) if comparable else None
    return {
        "position_px": position,
        "position_mm": position / true.scale_px_per_mm,
        "angle_deg": angle,
        "scale": abs(said["scale_px_per_mm"] / true.scale_px_per_mm - 1),
        "flipped_right": same_face if part.chiral else None,
    }


def _angle_error_deg(said_deg: float, true_rad: float, symmetry: int) -> float:
    return math.degrees(angle_difference(math.radians(said_deg), true_rad, symmetry))


def spread(values: Iterable[float | None]) -> Spread:
    """Summarise absolute errors; None values are left out."""
    known = np.array([value for value in values if value is not None], np.float64)
    if not len(known):
        return Spread(count=0, median=None, p95=None, worst=None)
    median, p95, worst = (round(float(value), _DECIMALS) for value in np.percentile(known, [50, 95, 100]))
    return Spread(count=len(known), median=median, p95=p95, worst=worst)


def summarise_poses(matches: Sequence[Match]) -> PoseErrors:
    """Summarise the errors of matches."""
    return PoseErrors(**{name: spread(getattr(match, name) for match in matches) for name in PoseErrors.model_fields})


def clear_matches(matches: Sequence[Match]) -> list[Match]:
    """Return the matches of instances that can be seen almost whole."""
    return [m for m in matches if m.visible_fraction is not None and m.visible_fraction > CLEAR_VISIBLE_FRACTION]

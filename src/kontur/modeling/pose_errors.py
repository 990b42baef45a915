"""How far off positions, angles and scales are."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from kontur.geometry import Part, PixelPose, angle_difference
from kontur.modeling.evaluation import Match, PoseErrors, Spread
from kontur.modeling.other_face import other_face_turn_rad

CLEAR_VISIBLE_FRACTION = 0.95
_DECIMALS = 6


def pose_difference(part: Part, true: PixelPose, entry: dict[str, Any]) -> dict[str, float | bool | None]:
    """Return the errors of a detection's pose as the fields of a `Match`; all >= 0.

    A part that looks the same from the back may be told to lie on its other face: its angle is then compared with that of
    the same look. The angle of a chiral part on the wrong face is not compared.

    Args:
        part: the part that both are poses of.
        true: the true pose.
        entry: the detection, as in detections.json.
    """
    said = entry["pose_px"]
    position = math.hypot(said["u"] - true.u, said["v"] - true.v)
    angle = _angle_error_rad(part, true, said["angle_deg"], entry["flipped"])
    return {
        "position_px": position,
        "position_mm": position / true.scale_px_per_mm,
        "angle_deg": None if angle is None else abs(math.degrees(angle)),
        "scale": abs(said["scale_px_per_mm"] / true.scale_px_per_mm - 1),
        "flipped_right": entry["flipped"] == true.flipped if part.chiral else None,
    }


def _angle_error_rad(part: Part, true: PixelPose, said_deg: float | None, flipped: bool) -> float | None:
    if part.symmetry == 0 or said_deg is None or (part.chiral and flipped != true.flipped):
        return None
    turn = 0.0
    if flipped != true.flipped:
        turn = other_face_turn_rad(part) * (1 if flipped else -1)
    return angle_difference(math.radians(said_deg) + turn, true.angle_rad, part.symmetry)


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

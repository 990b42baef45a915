"""The unit of a drawing's coordinates, with a confidence.

Each possible unit collects points for and against it: what the file declares, what its notes and dimensions say, whether
the drawing then has the size of a flat part, and whether its circles then have the diameters of drilled or cut holes. The
points are log-odds of thumb, so the confidence is their softmax. Files that declare metres are mostly wrong about it; the
weights say so.
"""

from dataclasses import dataclass
from math import exp, log

import numpy as np
from numpy.typing import NDArray

from kontur.drawing.model import Issue
from kontur.drawing.unit_evidence import Evidence
from kontur.geometry.units import MM_PER_UNIT

INSUNITS: dict[int, str] = {
    1: "inch", 2: "foot", 4: "mm", 5: "cm", 6: "m", 9: "mil", 10: "yard", 13: "um",
}  # fmt: skip
"""Codes of the header variable $INSUNITS that a flat part can be drawn in."""

_USUAL = {"mm": 1.0, "inch": 0.0, "cm": -1.5, "m": -2.5}
_DECLARED, _DECLARED_METRES, _MEASUREMENT = 4.0, 1.0, 0.5
_SIZE_MM = (4.0, 3500.0)
_USUAL_SIZE_MM, _SIZE_SPREAD, _SIZE_FAILS = 130.0, 1.8, 4.0
"""Median size of drawings, standard deviation of its natural logarithm below it, and the most that a size counts."""
_ABSURD, _ABSURD_CONFIDENCE, _LEAST_MM = 5.0, 0.6, 1e-3
_HOLE_MM, _HOLE_FITS, _HOLE_FAILS = (0.7, 250.0), 0.7, -1.5
_ROUND_STEP_MM = {"mm": 0.1, "cm": 0.1, "inch": 25.4 / 64, "m": 1.0}
_ROUND, _ROUND_SLACK_MM = 1.5, 2e-3
_SURE = 0.9


@dataclass(frozen=True)
class UnitGuess:
    """A unit's name, the confidence 0..1 that it is right, why, and whether the file declares another."""

    unit: str
    confidence: float
    reason: str
    contradicts: bool = False

    @property
    def mm(self) -> float:
        """Millimetres per unit."""
        return MM_PER_UNIT[self.unit]


def guess_unit(
    insunits: int | None,
    measurement: int | None,
    size: float,
    diameters: NDArray[np.float64],
    said: Evidence | None = None,
) -> UnitGuess:
    """Return the most likely unit. Where none gives the drawing the size of a flat part, the confidence is lower.

    Args:
        insunits, measurement: the header variables, None where the file lacks them.
        size: greatest extent in the drawing's own units.
        diameters: of its circles, or of its arcs where it has no circles, in its own units.
        said: points from its notes and dimensions.
    """
    said = said or {}
    declared = INSUNITS.get(insunits or 0)
    points = {
        unit: _points(unit, declared, measurement, size, diameters) + said.get(unit, 0.0)
        for unit in {*_USUAL, *([declared] if declared else [])}
    }
    best = max(points, key=lambda unit: (points[unit], unit))
    confidence = 1 / sum(exp(value - points[best]) for value in points.values())
    mm = size * MM_PER_UNIT[best]
    if size > 0 and not _SIZE_MM[0] / _ABSURD <= mm <= _SIZE_MM[1] * _ABSURD:
        return UnitGuess(best, confidence * _ABSURD_CONFIDENCE, f"in no unit the size of a flat part; now {mm:.4g} mm")
    if declared == best:
        return UnitGuess(best, confidence, "as the file declares")
    told = (
        f"the file declares {declared}, which would make it {size * MM_PER_UNIT[declared]:.4g} mm"
        if declared
        else "none declared"
    )
    words = ", its notes and dimensions" if said.get(best) else ""
    return UnitGuess(best, confidence, f"{told}; inferred from its size and holes{words}", declared is not None)


def unit_issue(guess: UnitGuess, least: float) -> list[Issue]:
    """Return what the user is told of the unit; below the confidence `least` the drawing is in doubt for it."""
    if guess.confidence >= _SURE and not guess.contradicts:
        return []
    text = f"unit taken as {guess.unit} ({guess.reason}), confidence {guess.confidence:.2f}; give the unit to be sure"
    return [Issue("unit_guessed", "ambiguous" if guess.confidence < least else "warning", text)]


def _points(
    unit: str, declared: str | None, measurement: int | None, size: float, diameters: NDArray[np.float64]
) -> float:
    mm = MM_PER_UNIT[unit]
    points = _USUAL.get(unit, -1.5)
    if unit == declared:
        points += _DECLARED_METRES if unit == "m" else _DECLARED
    if measurement is not None and unit == ("mm" if measurement else "inch"):
        points += _MEASUREMENT
    points -= _against_size(size * mm)
    if len(diameters):
        holes = diameters * mm
        points += _HOLE_FITS if _HOLE_MM[0] <= float(np.median(holes)) <= _HOLE_MM[1] else _HOLE_FAILS
        step = _ROUND_STEP_MM.get(unit, mm)
        off = np.abs(holes - step * np.round(holes / step))
        points += _ROUND * float(np.mean((off < _ROUND_SLACK_MM) & (holes > step / 2)))
    return points


def _against_size(size_mm: float) -> float:
    """Points against a unit in which the drawing measures this; every size from the usual to the greatest is as good."""
    if size_mm > _SIZE_MM[1]:
        return _SIZE_FAILS
    below = max(0.0, log(_USUAL_SIZE_MM / max(size_mm, _LEAST_MM)))
    return min((below / _SIZE_SPREAD) ** 2 / 2, _SIZE_FAILS)

"""The unit of a drawing's coordinates, with a confidence."""

from dataclasses import dataclass

from kontur.drawing.model import Issue
from kontur.geometry.units import MM_PER_UNIT

INSUNITS: dict[int, str] = {
    1: "inch", 2: "foot", 4: "mm", 5: "cm", 6: "m", 9: "mil", 10: "yard", 13: "um",
}  # fmt: skip
"""Codes of the header variable $INSUNITS that a flat part can be drawn in."""

_PLAUSIBLE_MM = (2.0, 5000.0)


@dataclass(frozen=True)
class UnitGuess:
    """A unit's name, the confidence 0..1 that it is right, and why."""

    unit: str
    confidence: float
    reason: str

    @property
    def mm(self) -> float:
        """Millimetres per unit."""
        return MM_PER_UNIT[self.unit]


def guess_unit(insunits: int | None, size: float) -> UnitGuess:
    """Return the unit of a drawing whose greatest extent is `size` of its own units."""
    declared = INSUNITS.get(insunits or 0)
    if declared is not None:
        low, high = _PLAUSIBLE_MM
        if low <= size * MM_PER_UNIT[declared] <= high:
            return UnitGuess(declared, 0.95, "$INSUNITS")
        return UnitGuess(
            declared, 0.4, f"$INSUNITS, but then the drawing is {size * MM_PER_UNIT[declared]:.4g} mm wide"
        )
    return UnitGuess("mm", 0.6 if 5 <= size <= 3000 else 0.3, "no unit in the file; millimetres assumed")


def unit_issue(guess: UnitGuess) -> list[Issue]:
    """Return what the user is told of the unit."""
    if guess.confidence >= 0.9:
        return []
    text = f"unit {guess.unit} ({guess.reason}), confidence {guess.confidence:.2f}; give the unit to be sure"
    return [Issue("unit_guessed", "warning", text)]

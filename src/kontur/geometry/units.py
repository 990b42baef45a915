"""Length units by name, in millimetres. Units live at the edges only: inside, everything is in millimetres."""

from typing import Literal, get_args

from kontur.geometry.contour import GeometryError

UnitName = Literal["um", "mm", "cm", "m", "mil", "inch", "foot", "yard"]

MM_PER_UNIT: dict[str, float] = {
    "um": 1e-3, "mm": 1.0, "cm": 10.0, "m": 1000.0,
    "mil": 0.0254, "inch": 25.4, "foot": 304.8, "yard": 914.4,
}  # fmt: skip
"""Millimetres in one unit; exact by definition (the inch is 25.4 mm)."""

UNIT_ALIASES: dict[str, str] = {"in": "inch", "ft": "foot", "yd": "yard"}
"""Short names that are understood where a user names a unit."""

UNIT_NAMES: tuple[str, ...] = get_args(UnitName)


def unit_named(text: str) -> str:
    """Return the unit's full name for a name or a short name; unknown text comes back as it is."""
    return UNIT_ALIASES.get(text, text)


def mm_per(unit: str) -> float:
    """Return the millimetres in one `unit`.

    Raises:
        GeometryError: no such unit.
    """
    if unit not in MM_PER_UNIT:
        raise GeometryError(f"no unit is called {unit!r}; use one of {', '.join(UNIT_NAMES)}")
    return MM_PER_UNIT[unit]

"""DXF files to parts in millimetres; every use of ezdxf is here, and loaded by those only who read in their own process."""

from typing import TYPE_CHECKING, Any

from kontur.drawing.folder import find_drawings, read_parts, uniquely_named
from kontur.drawing.model import Drawing, EntityCount, Issue
from kontur.drawing.rules import DrawingRules

if TYPE_CHECKING:
    from kontur.drawing.read import read_drawing

__all__ = [
    "Drawing",
    "DrawingRules",
    "EntityCount",
    "Issue",
    "find_drawings",
    "read_drawing",
    "read_parts",
    "uniquely_named",
]


def __getattr__(name: str) -> Any:
    """Load `read_drawing`, and with it ezdxf, when it is first used."""
    if name != "read_drawing":
        raise AttributeError(f"module 'kontur.drawing' has no attribute {name!r}")
    from kontur.drawing.read import read_drawing

    globals()[name] = read_drawing
    return read_drawing

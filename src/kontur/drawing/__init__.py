"""DXF files to parts in millimetres; every use of ezdxf is here."""

from kontur.drawing.model import Drawing, EntityCount, Issue
from kontur.drawing.read import find_drawings, read_drawing, read_parts, uniquely_named
from kontur.drawing.rules import DrawingRules

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

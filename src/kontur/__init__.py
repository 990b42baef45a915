"""kontur: machine vision for flat parts from their DXF drawings, on an ordinary CPU."""

__version__ = "0.1.0"

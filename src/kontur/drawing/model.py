"""What reading a drawing gives: parts, issues and an account of every entity."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from kontur.geometry import Part

Severity = Literal["info", "warning", "ambiguous", "error"]
"""info: nothing to do; warning: something was mended, look at it; ambiguous: the drawing can be read in two ways and the
parts follow one of them; error: something that bounds material could not be read."""


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, which takes an s unless there is one of it."""
    return f"{number} {noun}{'s' * (number != 1)}"


@dataclass(frozen=True)
class Issue:
    """Something worth knowing about a drawing.

    Attributes:
        code: short stable name, for programs.
        severity: see `Severity`.
        text: what was found and what was done about it.
        x_mm, y_mm: where, in drawing coordinates; None for the whole file.
    """

    code: str
    severity: Severity
    text: str
    x_mm: float | None = None
    y_mm: float | None = None


@dataclass(frozen=True)
class EntityCount:
    """What became of the entities of one type: total = used + not_geometry + not_cut + unsupported."""

    total: int
    used: int
    not_geometry: int
    not_cut: int
    unsupported: int


@dataclass(frozen=True, eq=False)
class Drawing:
    """A drawing as read.

    Attributes:
        file: the file it came from.
        sha256: of the file's bytes, 64 hexadecimal digits.
        unit: name of the unit of the file's coordinates (see geometry.units).
        unit_confidence: 0..1; 1 when the user gave the unit.
        entities: by DXF type, what became of them; the layouts' entities, an INSERT counting as one.
        parts: in millimetres, left to right then bottom to top.
        issues: found on the way, gravest first.
    """

    file: Path
    sha256: str
    unit: str
    unit_confidence: float
    entities: dict[str, EntityCount]
    parts: tuple[Part, ...]
    issues: tuple[Issue, ...]

    @property
    def ambiguous(self) -> bool:
        """Whether the drawing can be read in more than one way."""
        return any(issue.severity == "ambiguous" for issue in self.issues)

    @property
    def in_doubt(self) -> bool:
        """Whether the parts may not be what is meant: ambiguous, or something that bounds material was not read.

        A drawing that holds no part is not in doubt for that alone.
        """
        return any(i.severity == "ambiguous" or (i.severity == "error" and i.code != "no_parts") for i in self.issues)

"""How drawings are read: the configuration section `drawings`."""

from fnmatch import fnmatchcase
from typing import Annotated

from pydantic import BeforeValidator, Field

from kontur.config import Section
from kontur.geometry.units import UNIT_ALIASES, UnitName

NOT_CUT_LAYERS = (
    "*bend*", "*fold*", "*cent*line*", "center", "centre", "centers", "centres", "*dim*", "*text*", "*annot*", "*note*",
    "*title*", "*border*", "*frame*", "*constr*", "*contruct*", "*engrav*", "*etch*", "*scribe*", "*score*", "*mark*",
    "*hidden*", "*phantom*", "*sketch*", "*guide*", "defpoints", "*hatch*", "*symbol*", "*viewport*", "*tangent*",
    "iv_arc_centers", "iv_tool_center*", "*feature_profile*",
    "*bieg*", "*mittellinie*", "*bemaß*", "*bemass*", "*rahmen*", "*gravur*", "*pliage*", "*cotation*", "*cotas*", "*cadre*",
    "*гиб*", "*сгиб*", "*осев*", "*размер*", "*рамк*", "*гравир*",
)  # fmt: skip
"""Layer names (lower case, * and ? as in file names) whose geometry is by default not cut; as CAD programs name them, and in
English, German, French, Spanish and Russian."""

DOUBTFUL_LAYERS = (
    "*engrav*", "*etch*", "*scribe*", "*score*", "*mark*", "*hidden*", "*phantom*", "*sketch*", "*guide*", "*bend*",
    "*fold*", "*gravur*", "*гравир*", "*feature_profile*",
)  # fmt: skip
"""Of these, the ones whose closed contours may be cut after all; leaving them out is said to be ambiguous."""

FRAME_LAYERS = ("*border*", "*frame*", "*rahmen*", "*cadre*", "*рамк*")
"""Of these, the ones whose closed contours may be cut after all when they do not hold everything else."""

NOT_CUT_LINETYPES = ("*center*", "*centre*", "*dashdot*", "*phantom*", "*hidden*", "*dashed*", "*divide*", "*dot*")
"""Linetypes (lower case) whose geometry is by default not cut."""

DOUBTFUL_LINETYPES = ("*phantom*", "*hidden*", "*dashed*", "*divide*")
"""Of these, the ones whose closed contours may be cut after all; a circle of centre lines is a bolt circle."""


Unit = Annotated[UnitName, BeforeValidator(lambda text: UNIT_ALIASES.get(text, text))]
"""A unit's name; short ones are understood."""


class DrawingRules(Section):
    """What counts as a cut contour, in which unit, and how precisely curves are followed.

    Layer and linetype patterns are compared without regard to case; `*` and `?` stand for any text and any character.
    """

    unit: Unit | None = None
    """Unit of the coordinates; None takes what the file says, or infers it with a confidence."""
    units: dict[str, Unit] = Field(default={})
    """Units of single files, by patterns of their names; the first that matches goes before `unit`."""
    sagitta_mm: float = Field(default=0.01, gt=0, le=10)
    """Greatest distance between a curve and the polyline that stands for it."""
    join_mm: float | None = Field(default=None, gt=0)
    """Ends nearer than this are one point; None takes 1e-6 of the drawing's size, 1e-4 for ends that lack a partner."""
    close_mm: float | None = Field(default=None, gt=0)
    """Open contours with a gap up to this are closed with a warning; None takes 1e-2 of the drawing's size."""
    include_layers: tuple[str, ...] = ("*",)
    """Only layers that match one of these patterns are cut."""
    include_linetypes: tuple[str, ...] = ("*",)
    """Only linetypes that match one of these patterns are cut."""
    include_colors: tuple[int, ...] | None = None
    """Only these AutoCAD colour numbers (1 red, 2 yellow, ...) are cut; None takes all."""
    exclude_layers: tuple[str, ...] | None = None
    """Layers that match one of these are not cut; None takes the usual names of bend, centre, dimension, title layers, and
    layers that are off or frozen."""
    exclude_linetypes: tuple[str, ...] | None = None
    """Linetypes that are not cut; None takes the usual centre, hidden and phantom lines."""
    exclude_colors: tuple[int, ...] = ()
    """AutoCAD colour numbers that are not cut."""
    min_unit_confidence: float = Field(default=0.5, ge=0, le=1)
    """Below this a run refuses the drawing until its unit is given."""
    max_seconds: float = Field(default=60, gt=0)
    """Time limit per file."""
    max_entities: int = Field(default=400_000, gt=0)
    """Limit of entities per file, blocks counted as often as they are inserted."""
    max_megabytes: float = Field(default=150, gt=0)
    """Limit of the size of a file, unpacked."""
    max_memory_mb: float = Field(default=2048, gt=0)
    """Limit of the memory that reading a file may take."""

    def unit_of(self, name: str) -> UnitName | None:
        """Return the unit given for a file of this name, None when none is."""
        return next((unit for pattern, unit in self.units.items() if fnmatchcase(name, pattern)), self.unit)

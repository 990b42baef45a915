"""What the front process asks of a worker, and what it answers. All of it goes through a pipe, so it is plain data."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class DetectJob:
    """Find the workspace's parts in a picture.

    Attributes:
        label: the client's name of the picture.
        data: encoded picture.
        contours: also return the projected contours.
        overlay: also return the picture with what was found drawn on it, as PNG.
        coco: also return the result in COCO's format.
    """

    label: str
    data: bytes
    contours: bool = False
    overlay: bool = False
    coco: bool = False


@dataclass(frozen=True)
class MatchJob(DetectJob):
    """Find the parts of an uploaded drawing in a picture, with no model.

    Attributes:
        drawing: the DXF file.
        mm_per_px: range of scales to search.
        faces: "up" or "both".
        unit: of the drawing; None for what it says.
    """

    drawing: bytes = b""
    mm_per_px: tuple[float, float] = (0.0, 0.0)
    faces: str = "both"
    unit: str | None = None


@dataclass(frozen=True)
class DrawingJob:
    """Read an uploaded drawing."""

    label: str
    data: bytes
    unit: str | None = None


Job = DetectJob | DrawingJob


@dataclass(frozen=True)
class Answer:
    """What a worker made of a job.

    Attributes:
        document: the result, JSON-like; None when the job was refused.
        refusal: why it was refused: a message for the client.
        coco: the result in COCO's format, where it was asked for.
        overlay: PNG.
        statistics: of the picture, for the monitor.
        seconds: that the work took.
    """

    document: dict[str, Any] | None = None
    refusal: str | None = None
    coco: list[dict[str, Any]] = field(default_factory=list)
    overlay: bytes | None = None
    statistics: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0

"""The shapes of answers, for the OpenAPI description and for clients that generate code from it."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class PosePx(BaseModel):
    """Where a part's datum lies, in pixels (pixel centres at integers, v down), and how it is turned."""

    u: float
    v: float
    angle_deg: float | None = Field(description="counter-clockwise as seen; null for parts of continuous symmetry")
    scale_px_per_mm: float


class Found(BaseModel):
    """One part that was found."""

    part: str
    score: float = Field(ge=0, le=1)
    flipped: bool
    pose_px: PosePx
    mask: dict[str, Any] = Field(description="COCO compressed run lengths: size [height, width], counts")
    support: float | None
    residual_px: float | None
    contours_px: list[list[list[float]]] | None = Field(None, description="outline, then holes; with contours=true")
    colour: str | None = None


class Unknown(BaseModel):
    """Something that no part explains."""

    score: float
    outline_px: list[list[float]]


class PictureAnswer(BaseModel):
    """What was found in one picture."""

    file: str = Field(description="the name the client gave")
    size_wh: tuple[int, int]
    detections: list[Found]
    unknown: list[Unknown]


EXAMPLE: dict[str, Any] = {
    "images": [
        {
            "file": "bench.jpg", "size_wh": [640, 480], "unknown": [],
            "detections": [
                {
                    "part": "bracket_left", "score": 0.94, "flipped": False, "support": 0.97, "residual_px": 0.21,
                    "pose_px": {"u": 312.42, "v": 207.9, "angle_deg": 31.07, "scale_px_per_mm": 1.5132},
                    "mask": {"size": [480, 640], "counts": "Zj1k0..."},
                }
            ],
        }
    ]
}  # fmt: skip


class DetectAnswer(BaseModel):
    """What was found, picture by picture, in the order they were sent."""

    model_config = ConfigDict(json_schema_extra={"example": EXAMPLE})
    images: list[PictureAnswer]


class ModelAnswer(BaseModel):
    """What detects."""

    model_config = ConfigDict(extra="allow")
    engine: str
    parts: list[str]


class State(BaseModel):
    """Health."""

    status: str

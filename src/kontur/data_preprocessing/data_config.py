"""Everything that the generator may vary, as one validated configuration. Each range is [low, high], drawn evenly.

Defaults stand here once; `configs/data_config.yaml` repeats them with comments, and a test holds the two together.
"""

from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, Field, model_validator

from kontur.config import Section, load_config
from kontur.data_preprocessing.defects import DefectKind
from kontur.data_preprocessing.presets import PRESETS
from kontur.drawing import DrawingRules

MaterialKind = Literal[
    "brushed", "turned", "dark_oxide", "paint", "galvanised", "anodised", "plastic", "rubber", "raw_steel"
]
BackgroundKind = Literal[
    "plain", "noise", "stripes", "checker", "bricks", "cells", "wood", "cardboard", "concrete", "brushed", "felt",
    "grid_mat", "conveyor", "clutter",
]  # fmt: skip
DistractorKind = Literal["screw", "swarf", "coin", "nut", "wire", "text", "fragment"]


def _ordered(value: tuple[float, float]) -> tuple[float, float]:
    if value[0] > value[1]:
        raise ValueError(f"the range's first number must not exceed its second, got [{value[0]:g}, {value[1]:g}]")
    return value


def _some_weight(value: dict[Any, float]) -> dict[Any, float]:
    if not sum(value.values()) > 0:
        raise ValueError("at least one weight must be above 0")
    return value


Span = Annotated[tuple[float, float], AfterValidator(_ordered)]
Positive = Annotated[tuple[Annotated[float, Field(gt=0)], Annotated[float, Field(gt=0)]], AfterValidator(_ordered)]
NotNegative = Annotated[tuple[Annotated[float, Field(ge=0)], Annotated[float, Field(ge=0)]], AfterValidator(_ordered)]
Unit = Annotated[float, Field(ge=0, le=1)]
UnitSpan = Annotated[tuple[Unit, Unit], AfterValidator(_ordered)]
Weight = Annotated[float, Field(ge=0)]


def _material_kinds() -> dict[MaterialKind, float]:
    return {
        "brushed": 2.0, "turned": 3.0, "dark_oxide": 1.5, "paint": 2.0, "galvanised": 0.7, "anodised": 0.8,
        "plastic": 0.8, "rubber": 0.4, "raw_steel": 1.5,
    }  # fmt: skip


class DatasetSection(Section):
    """How many samples there are and how they are written."""

    count: Annotated[int, Field(ge=1)] = 3000
    val_fraction: Annotated[float, Field(ge=0, le=0.5)] = 0.08
    test_fraction: Annotated[float, Field(ge=0, le=0.5)] = 0.04
    class_masks: bool = False


class CameraSection(Section):
    """The camera over the table."""

    size_wh: tuple[Annotated[int, Field(ge=32, le=8192)], Annotated[int, Field(ge=32, le=8192)]] = (640, 480)
    mm_per_px: Positive = (0.5, 0.9)
    distance_mm: Positive = (350.0, 1000.0)
    tilt_deg: Annotated[tuple[float, float], AfterValidator(_ordered)] = (0.0, 10.0)
    distortion: Span = (-0.04, 0.04)

    @model_validator(mode="after")
    def _tilt_is_small(self) -> "CameraSection":
        if not 0 <= self.tilt_deg[0] <= self.tilt_deg[1] <= 30:
            raise ValueError(f"tilt_deg must lie within 0..30, got {list(self.tilt_deg)}")
        return self


class SceneSection(Section):
    """What lies on the table and how."""

    parts: Annotated[tuple[Annotated[int, Field(ge=0, le=200)], Annotated[int, Field(ge=0, le=200)]],
                     AfterValidator(_ordered)] = (1, 14)  # fmt: skip
    cover: Annotated[float, Field(gt=0, le=3)] = 0.45
    face_down: Unit = 0.5
    pile: Unit = 0.35
    touching: Unit = 0.15
    gap_mm: NotNegative = (0.5, 12.0)
    border: Unit = 0.4
    thickness_mm: Positive = (1.0, 4.0)
    bevel_mm: NotNegative = (0.1, 0.7)
    same_material: Unit = 0.5
    distractors: Unit = 0.5
    distractor_count: Annotated[tuple[Annotated[int, Field(ge=0, le=100)], Annotated[int, Field(ge=0, le=100)]],
                                AfterValidator(_ordered)] = (1, 6)  # fmt: skip
    distractor_kinds: Annotated[dict[DistractorKind, Weight], AfterValidator(_some_weight)] = Field(
        default_factory=lambda: dict.fromkeys(get_args(DistractorKind), 1.0)
    )


class MaterialSection(Section):
    """What the parts are made of."""

    kinds: Annotated[dict[MaterialKind, Weight], AfterValidator(_some_weight)] = Field(default_factory=_material_kinds)
    roughness: Annotated[UnitSpan, Field(description="microfacet slope of metals")] = (0.15, 0.6)
    anisotropy: UnitSpan = (0.5, 0.95)
    scratches: UnitSpan = (0.0, 0.5)
    stains: UnitSpan = (0.0, 0.5)
    rust: UnitSpan = (0.0, 0.35)
    edge_heat: UnitSpan = (0.0, 0.5)
    burr: UnitSpan = (0.0, 0.6)
    oil: UnitSpan = (0.0, 0.5)


class LightSection(Section):
    """Lamps and sky. A lamp's intensity is relative; the exposure levels the picture."""

    lamps: Annotated[tuple[Annotated[int, Field(ge=0, le=4)], Annotated[int, Field(ge=0, le=4)]],
                     AfterValidator(_ordered)] = (1, 3)  # fmt: skip
    elevation_deg: Annotated[Span, Field(description="above the table")] = (25.0, 85.0)
    distance_mm: Positive = (300.0, 2000.0)
    size_deg: Positive = (2.0, 25.0)
    colour_k: Positive = (2700.0, 8000.0)
    tint: UnitSpan = (0.0, 0.12)
    sky: UnitSpan = (0.1, 0.8)
    reflected_sky: Positive = (0.04, 1.2)
    from_below: Unit = 0.0


class BackgroundSection(Section):
    """What the table is."""

    kinds: Annotated[dict[BackgroundKind, Weight], AfterValidator(_some_weight)] = Field(
        default_factory=lambda: dict.fromkeys(get_args(BackgroundKind), 1.0)
    )
    pictures: Unit = 0.25
    albedo: UnitSpan = (0.02, 0.85)
    contrast: UnitSpan = (0.0, 0.6)
    saturation: UnitSpan = (0.0, 0.45)
    gloss: UnitSpan = (0.0, 0.6)
    camouflage: Unit = 0.12


class DefectSection(Section):
    """Parts with a fault, for inspection; the truth records each."""

    probability: Unit = 0.0
    kinds: Annotated[dict[DefectKind, Weight], AfterValidator(_some_weight)] = Field(
        default_factory=lambda: dict.fromkeys(get_args(DefectKind), 1.0)
    )


class LensSection(Section):
    """What the lens does to the picture."""

    blur_px: NotNegative = (0.3, 1.0)
    motion_px: NotNegative = (0.0, 4.0)
    motion: Unit = 0.05
    motion_deg: Annotated[Span, Field(description="direction, clockwise from the picture's x axis")] = (0.0, 180.0)
    chromatic_px: NotNegative = (0.0, 0.8)
    chromatic: Unit = 0.15
    vignetting: UnitSpan = (0.0, 0.35)


class SensorSection(Section):
    """What the sensor and the file make of the light."""

    exposure: Annotated[Positive, Field(description="median linear brightness")] = (0.06, 0.35)
    highlights: Annotated[Positive, Field(description="brightest 2 % after exposure; above 1 is clipped")] = (0.5, 1.4)
    full_well_e: Positive = (3000.0, 30000.0)
    read_noise_e: NotNegative = (2.0, 20.0)
    white_balance: Annotated[UnitSpan, Field(description="relative error of red and blue gain")] = (0.0, 0.15)
    gamma: Positive = (1.8, 2.6)
    shoulder: NotNegative = (0.0, 1.5)
    bayer: Unit = 0.3
    grey: Unit = 0.1
    jpeg_quality: Annotated[tuple[Annotated[int, Field(ge=30, le=100)], Annotated[int, Field(ge=30, le=100)]],
                            AfterValidator(_ordered)] = (85, 95)  # fmt: skip


class DataConfig(Section):
    """The whole generator: `configs/data_config.yaml`."""

    preset: Literal["none", "conveyor", "bench", "lightbox", "backlight", "hard"] = "none"
    faces: Literal["up", "both"] = "both"
    drawings: DrawingRules = Field(default_factory=DrawingRules)
    dataset: DatasetSection = Field(default_factory=DatasetSection)
    camera: CameraSection = Field(default_factory=CameraSection)
    scene: SceneSection = Field(default_factory=SceneSection)
    materials: MaterialSection = Field(default_factory=MaterialSection)
    light: LightSection = Field(default_factory=LightSection)
    background: BackgroundSection = Field(default_factory=BackgroundSection)
    defects: DefectSection = Field(default_factory=DefectSection)
    lens: LensSection = Field(default_factory=LensSection)
    sensor: SensorSection = Field(default_factory=SensorSection)

    @model_validator(mode="before")
    @classmethod
    def _lay_preset_over(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        merged = dict(values)
        for section, keys in PRESETS.get(str(values.get("preset", "none")), {}).items():
            given = values.get(section)
            merged[section] = {**(given if isinstance(given, dict) else {}), **keys}
        return merged

    def with_scale(self, mm_per_px: tuple[float, float] | None) -> "DataConfig":
        """Return the configuration with another range of millimetres per pixel; itself when that is None.

        Raises:
            pydantic.ValidationError: the range is not positive or not ordered.
        """
        if mm_per_px is None:
            return self
        camera = {**self.camera.model_dump(), "mm_per_px": mm_per_px}
        return self.model_copy(update={"camera": CameraSection.model_validate(camera)})

    def with_class_masks(self, wanted: bool | None) -> "DataConfig":
        """Return the configuration with or without class maps; itself when that is None."""
        if wanted is None:
            return self
        return self.model_copy(update={"dataset": self.dataset.model_copy(update={"class_masks": wanted})})


def load_data_config(path: Path) -> DataConfig:
    """Read a data configuration file.

    Raises:
        ConfigError: all faults of the file, each with its line.
    """
    return load_config(path, DataConfig)

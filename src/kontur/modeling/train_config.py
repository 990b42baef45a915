"""The sections of configs/train_config.yaml."""

from typing import Literal

from pydantic import Field

from kontur.config import Section


class NetworkConfig(Section):
    """What is trained."""

    size: Literal["n", "s", "m"] = "n"


class TrainingConfig(Section):
    """How it is trained."""

    minutes: float = Field(10.0, gt=0)
    steps: int = Field(0, ge=0)
    batch_size: int = Field(8, ge=1)
    crop_px: int = Field(320, ge=64, multiple_of=32)
    learning_rate: float = Field(2e-3, gt=0)
    weight_decay: float = Field(1e-2, ge=0)
    ema_decay: float = Field(0.998, ge=0, lt=1)
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    validation_pictures: int = Field(48, ge=1)
    patience: int = Field(0, ge=0)
    loader_workers: int | None = Field(None, ge=0)
    crops_per_picture: int = Field(4, ge=1)
    photo_share: float = Field(0.3, gt=0, lt=1)
    start_rate: float = Field(0.3, gt=0, le=1)
    mlflow: str | None = None
    seed: int = Field(0, ge=0)


class DetectionConfig(Section):
    """How the trained network is used."""

    foreground_threshold: float = Field(0.4, gt=0, lt=1)
    score_threshold: float = Field(0.1, ge=0, le=1)
    hypotheses: int = Field(3, ge=1)


class TrainConfig(Section):
    """configs/train_config.yaml as a whole."""

    network: NetworkConfig = NetworkConfig()
    training: TrainingConfig = TrainingConfig()
    detection: DetectionConfig = DetectionConfig()

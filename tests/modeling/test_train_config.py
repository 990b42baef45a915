"""configs/train_config.yaml says every key, its default and what it means."""

import re
from pathlib import Path

import pytest
import yaml
from pydantic import BaseModel, ValidationError

from kontur.config import load_config
from kontur.modeling.train_config import DetectionConfig, TrainConfig, TrainingConfig

ROOT = Path(__file__).parents[2]
COPIES = [ROOT / "configs" / "train_config.yaml", *(ROOT / "src" / "kontur" / "templates").glob("train_config.yaml")]


def keys_of(model: type[BaseModel]) -> dict:
    """The nested keys of a section."""
    fields = model.model_fields
    return {
        name: keys_of(field.annotation) if isinstance(field.default, BaseModel) else None
        for name, field in fields.items()
    }


def keys_in(values) -> dict | None:
    return {name: keys_in(value) for name, value in values.items()} if isinstance(values, dict) else None


@pytest.mark.parametrize("path", COPIES, ids=lambda path: path.parent.name)
def test_every_key_is_there_with_its_default(path):
    assert keys_in(yaml.safe_load(path.read_text())) == keys_of(TrainConfig)
    assert load_config(path, TrainConfig) == TrainConfig()


@pytest.mark.parametrize("path", COPIES, ids=lambda path: path.parent.name)
def test_every_key_is_explained(path):
    leaves = [line for line in path.read_text().splitlines() if re.match(r"\s+\w+:\s*\S", line)]
    assert len(leaves) == sum(len(section) for section in keys_of(TrainConfig).values())
    for line in leaves:
        assert len(line.partition("#")[2].split()) >= 3, line


def test_the_choices_of_a_key_are_named_beside_it():
    text = COPIES[0].read_text()
    for key, choices in {"size": "n s m", "precision": "auto fp32 bf16"}.items():
        comment = re.search(rf"^ +{key}:.*#(.*)$", text, re.MULTILINE).group(1)
        assert set(choices.split()) <= set(re.findall(r"\w+", comment))


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [
        (TrainingConfig, "crop_px", 100), (TrainingConfig, "crop_px", 32), (TrainingConfig, "minutes", 0),
        (TrainingConfig, "ema_decay", 1.0), (TrainingConfig, "batch_size", 0), (TrainingConfig, "learning_rate", 0),
        (TrainingConfig, "precision", "fp16"), (TrainingConfig, "seed", -1), (TrainingConfig, "epochs", 3),
        (DetectionConfig, "foreground_threshold", 1.0), (DetectionConfig, "score_threshold", 1.1),
        (DetectionConfig, "hypotheses", 0),
    ],
)  # fmt: skip
def test_values_that_cannot_work_are_refused(section, key, value):
    with pytest.raises(ValidationError, match=key):
        section(**{key: value})

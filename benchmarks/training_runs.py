"""What the benchmarks of learning share: workspaces, trainings, and scores on synthetic pictures that nobody learnt from."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kontur.data_preprocessing.data_config import DataConfig
from kontur.data_preprocessing.fresh import FreshSamples
from kontur.data_preprocessing.sample import Sample, Samples
from kontur.geometry import Part
from kontur.modeling.calibrate import calibrate_checkpoint
from kontur.modeling.detections import Detector
from kontur.modeling.evaluate import evaluate, run_detector
from kontur.modeling.evaluation import Evaluation
from kontur.modeling.export import export_onnx
from kontur.modeling.ground_truth import GroundTruth, truth_of
from kontur.modeling.inference import NetworkDetector
from kontur.modeling.model_info import ModelInfo, known_parts
from kontur.modeling.train import train
from kontur.modeling.train_config import TrainConfig
from kontur.workspace import Workspace

TEST_SEED, VAL_SEED = 777_001, 777_002


@dataclass(frozen=True)
class Lesson:
    """What a network is to learn.

    Attributes:
        parts: the part list.
        config: how training pictures are drawn.
        judged_on: how validation and test pictures are drawn.
    """

    parts: tuple[Part, ...]
    config: DataConfig
    judged_on: DataConfig


def learn(
    root: Path, lesson: Lesson, minutes: float, training: Samples | None = None, **settings: Any
) -> NetworkDetector:
    """Train, calibrate and export; return the detector, which reports detections of any score.

    Args:
        root: a folder for the models; a network that is there already is not trained again, only its scores are fitted anew.
        lesson: parts and pictures.
        minutes: of training.
        training: samples to learn from; None renders them on the fly.
        settings: of the configuration's training section.
    """
    space = Workspace(root)
    config = TrainConfig.model_validate(
        {"training": {"minutes": minutes, **settings}, "detection": {"score_threshold": 0.0}}
    )
    samples = training or FreshSamples(lesson.config, lesson.parts, (), 0)
    validation = FreshSamples(lesson.judged_on, lesson.parts, (), VAL_SEED, 400)
    data, scales = lesson.config, lesson.config.camera.mm_per_px
    info = ModelInfo(known_parts(lesson.parts), config.network.size, scales, data.faces, "benchmark")
    logging.getLogger("lightning").setLevel(logging.ERROR)
    if not space.checkpoint.is_file():
        train(space, {"train": samples, "val": validation}, info, config)
    calibrate_checkpoint(space, lesson.parts, validation, config.detection, lambda _done, _total: None, joint=False)
    export_onnx(space.checkpoint, space.onnx)
    return NetworkDetector(space.onnx, lesson.parts, config.detection)


def test_samples(lesson: Lesson, count: int) -> list[Sample]:
    """Return test pictures with all that is known of them."""
    return list(FreshSamples(lesson.judged_on, lesson.parts, (), TEST_SEED, count))


def test_truth(lesson: Lesson, count: int) -> GroundTruth:
    """Return test pictures, rendered once."""
    samples = test_samples(lesson, count)
    pictures = tuple(truth_of(sample) for sample in samples)
    return GroundTruth("synthetic test pictures", lesson.parts, pictures, lambda index: samples[index].image)


def score(detector: Detector, truth: GroundTruth, name: str) -> Evaluation:
    """Evaluate a detector."""
    return evaluate(truth, run_detector(detector, truth, lambda _done, _total: None), name)


def top_1(evaluation: Evaluation) -> float | None:
    """Return the share of the parts covered by some detection that are named rightly."""
    found, confused = (sum(getattr(row, name) for row in evaluation.rows) for name in ("found", "confused"))
    return found / (found + confused) if found + confused else None


def summary(evaluation: Evaluation) -> dict[str, float | None]:
    """Return the numbers that the tables show."""
    position = evaluation.pose_clear.position_px
    return {
        "mask AP50": evaluation.precision.ap50, "mask AP50-95": evaluation.precision.ap, "top-1": top_1(evaluation),
        "recall": sum(row.found for row in evaluation.rows) / max(1, evaluation.instances),
        "position median px": position.median, "position 95 % px": position.p95,
    }  # fmt: skip


def rows_of(results: dict[str, dict[str, Any]], columns: Sequence[str]) -> list[list[Any]]:
    """Return table rows, a dash where there is nothing."""
    shown: Callable[[Any], Any] = lambda value: "-" if value is None else value  # noqa: E731
    return [[name, *(shown(row[column]) for column in columns)] for name, row in results.items()]

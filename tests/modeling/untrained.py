"""A detector whose network knows its parts and nothing else, for tests of what is decided on given hypotheses."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kontur.geometry import Part
from kontur.modeling.checkpoint import save_checkpoint
from kontur.modeling.export import export_onnx
from kontur.modeling.inference import NetworkDetector
from kontur.modeling.model_info import ModelInfo, known_parts
from kontur.modeling.network import Network
from kontur.modeling.train_config import DetectionConfig


def untrained_detector(folder: Path, parts: Sequence[Part], **more: Any) -> NetworkDetector:
    """Write a network of random weights to an empty folder and load it."""
    info = ModelInfo(known_parts(parts), "n", (0.6, 0.8), "up", "tests")
    save_checkpoint(folder / "c.pth", Network(len(parts), "n"), info)
    export_onnx(folder / "c.pth", folder / "c.onnx")
    return NetworkDetector(folder / "c.onnx", parts, DetectionConfig(), **more)

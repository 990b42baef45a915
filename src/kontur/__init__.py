"""kontur: machine vision for flat parts from their DXF drawings, on an ordinary CPU.

The names below are the public surface. They are loaded when first used, so that `import kontur` stays light.
"""

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kontur.data_preprocessing.dataset import open_dataset
    from kontur.data_preprocessing.sample import Sample
    from kontur.drawing import Drawing, read_drawing, read_parts
    from kontur.errors import KonturError
    from kontur.geometry import Part, PixelPose, Pose
    from kontur.modeling.detections import Detections, Detector
    from kontur.modeling.inference import NetworkDetector
    from kontur.pictures import read_picture
    from kontur.scaffold import create_workspace
    from kontur.workspace import Workspace, open_workspace

__version__ = "0.1.0"

for _name in ("ORT_DISABLE_TELEMETRY", "MLFLOW_DISABLE_TELEMETRY"):
    os.environ.setdefault(_name, "1")  # both send usage data to their makers unless told not to, before they are loaded

__all__ = [
    "Detections",
    "Detector",
    "Drawing",
    "KonturError",
    "NetworkDetector",
    "Part",
    "PixelPose",
    "Pose",
    "Sample",
    "Workspace",
    "create_workspace",
    "open_dataset",
    "open_workspace",
    "read_drawing",
    "read_parts",
    "read_picture",
]

_HOMES = {
    "Detections": "kontur.modeling.detections",
    "Detector": "kontur.modeling.detections",
    "Drawing": "kontur.drawing",
    "KonturError": "kontur.errors",
    "NetworkDetector": "kontur.modeling.inference",
    "Part": "kontur.geometry",
    "PixelPose": "kontur.geometry",
    "Pose": "kontur.geometry",
    "Sample": "kontur.data_preprocessing.sample",
    "Workspace": "kontur.workspace",
    "create_workspace": "kontur.scaffold",
    "open_dataset": "kontur.data_preprocessing.dataset",
    "open_workspace": "kontur.workspace",
    "read_drawing": "kontur.drawing",
    "read_parts": "kontur.drawing",
    "read_picture": "kontur.pictures",
}


def __getattr__(name: str) -> Any:
    """Load a public name from the module it lives in."""
    if name not in _HOMES:
        raise AttributeError(f"module 'kontur' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)

"""Networks of random weights in every file format, for the tests of runtimes and exports."""

import shutil
import tempfile
from functools import cache
from pathlib import Path

import numpy as np
import torch
from test_checkpoint import PARTS, info, network_of_random_weights

from kontur.modeling.checkpoint import save_checkpoint
from kontur.modeling.export import export_onnx
from kontur.modeling.runtimes import planes
from kontur.modeling.train_config import DetectionConfig
from kontur.workspace import Workspace

__all__ = ["CONFIG", "PARTS", "make_models", "pictures", "reference"]

CONFIG = DetectionConfig()


@cache
def _exported(seed: int) -> tempfile.TemporaryDirectory:
    """Export takes seconds, so each network is exported once."""
    folder = tempfile.TemporaryDirectory()
    space = Workspace(Path(folder.name))
    save_checkpoint(space.checkpoint, network_of_random_weights(seed), info())
    export_onnx(space.checkpoint, space.onnx)
    return folder


def make_models(root: Path, seed: int = 0) -> Workspace:
    """Write a checkpoint of random weights and its fp32 export below `root`."""
    shutil.copytree(_exported(seed).name, root, dirs_exist_ok=True)
    return Workspace(root)


def pictures(batch: int = 1, width: int = 160, height: int = 96) -> np.ndarray:
    """Random input, (batch, height, width, 3) uint8."""
    return np.random.default_rng(0).integers(0, 256, (batch, height, width, 3)).astype(np.uint8)


def reference(batch: np.ndarray) -> np.ndarray:
    """What the network of seed 0 answers in PyTorch and fp32."""
    with torch.inference_mode():
        return network_of_random_weights().eval()(torch.from_numpy(planes(batch))).numpy()

"""models/checkpoint.pth: weights and model description, loaded without unpickling code."""

import pickle
from pathlib import Path

import torch

from kontur.data_preprocessing.dataset import read_manifest
from kontur.errors import ModelError, reason
from kontur.files import atomic_path
from kontur.modeling.model_info import ModelInfo, info_from_dict
from kontur.modeling.network import Network
from kontur.workspace import Workspace

STATE_NAME = "state.ckpt"
"""In models/runs: what an interrupted training continues from."""


def save_checkpoint(path: Path, network: Network, info: ModelInfo) -> None:
    """Write weights (float32) and description atomically."""
    weights = {name: value.detach().contiguous().clone() for name, value in network.state_dict().items()}
    with atomic_path(path) as temporary:
        torch.save({"info": info.to_dict(), "weights": weights}, temporary)


def load_checkpoint(path: Path) -> tuple[Network, ModelInfo]:
    """Read a checkpoint with `weights_only=True`; the network is in evaluation mode.

    Raises:
        ModelError: missing, damaged, or of another version.
    """
    if not path.is_file():
        raise ModelError(f"{path}: no trained network there; run `kontur train`")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        info = info_from_dict(content["info"], str(path))
        network = Network(len(info.parts), info.network_size)
        network.load_state_dict(content["weights"])
    except (RuntimeError, pickle.UnpicklingError, KeyError, EOFError, TypeError, AttributeError, OSError) as error:
        raise ModelError(f"{path}: not a readable checkpoint ({reason(error)}); train again") from error
    return network.eval(), info


def is_trained(workspace: Workspace) -> bool:
    """Return whether the checkpoint was trained to the end on the data set that the workspace holds now."""
    manifest = read_manifest(workspace)
    if manifest is None or not workspace.checkpoint.is_file() or (workspace.runs / STATE_NAME).is_file():
        return False
    return load_checkpoint(workspace.checkpoint)[1].dataset == manifest.fingerprint

"""models/checkpoint.onnx: the network for ONNX Runtime, with the model's description inside."""

import hashlib
import json
import logging
import warnings
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch

from kontur.errors import ModelError
from kontur.files import atomic_path
from kontur.modeling.checkpoint import load_checkpoint
from kontur.modeling.heads import MULTIPLE
from kontur.modeling.model_files import INFO_KEY, WEIGHTS_KEY
from kontur.modeling.model_info import ModelInfo

_OPSET = 18
_TOLERANCE = 1e-3
_CHECK_SIZES_WH = ((96, 64), (160, 192))


def export_onnx(checkpoint: Path, target: Path) -> tuple[ModelInfo, float]:
    """Write the network of `checkpoint` to `target` and compare both on pictures of two sizes.

    Returns:
        the model's description and the greatest difference of any output (raw units).

    Raises:
        ModelError: no usable checkpoint, or the exported network answers differently.
    """
    network, info = load_checkpoint(checkpoint)
    example = torch.zeros(1, 3, 2 * MULTIPLE, 3 * MULTIPLE)
    dynamic = {0: torch.export.Dim.DYNAMIC, 2: torch.export.Dim.DYNAMIC, 3: torch.export.Dim.DYNAMIC}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)
        program = torch.onnx.export(
            network, (example.expand(2, -1, -1, -1),), input_names=["picture"], output_names=["answer"],
            opset_version=_OPSET, dynamic_shapes=(dynamic,), dynamo=True, verbose=False,
        )  # fmt: skip
    if program is None:
        raise ModelError(f"{checkpoint}: the exporter returned nothing; check the torch installation")
    model = program.model_proto
    onnx.helper.set_model_props(model, {INFO_KEY: json.dumps(info.to_dict()), WEIGHTS_KEY: weights_hash(network)})
    difference = _greatest_difference(network, model.SerializeToString())
    if difference > _TOLERANCE:
        raise ModelError(f"{target}: the exported network differs by {difference:.2g}; please report this")
    with atomic_path(target) as temporary:
        onnx.save(model, temporary)
    return info, difference


def weights_hash(network: torch.nn.Module) -> str:
    """Return the sha256 of all weights and statistics, as 64 hexadecimal digits."""
    digest = hashlib.sha256()
    for name, value in sorted(network.state_dict().items()):
        digest.update(name.encode() + value.detach().cpu().numpy().tobytes())
    return digest.hexdigest()


def _greatest_difference(network: torch.nn.Module, model: bytes) -> float:
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    rng = np.random.default_rng(0)
    worst = 0.0
    for width, height in _CHECK_SIZES_WH:
        picture = rng.uniform(0, 255, (1, 3, height, width)).astype(np.float32)
        with torch.inference_mode():
            ours = network(torch.from_numpy(picture)).numpy()
        theirs = session.run(None, {"picture": picture})[0]
        worst = max(worst, float(np.abs(ours - theirs).max() / max(1.0, np.abs(ours).max())))
    return worst

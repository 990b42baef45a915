"""The network in 8-bit integers, by ONNX Runtime's static quantisation: no training, only pictures to see ranges on.

Weights are signed with one scale per channel and use 7 of their 8 bits, so that the pairwise sums of processors without VNNI
cannot saturate; activations are unsigned. The last layer stays in floating point: its offsets need finer steps than 256.
"""

import logging
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import onnx
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from kontur.modeling.proposer import as_input
from kontur.modeling.runtimes import Floats, planes
from kontur.pictures import Picture


def quantise_onnx(source: Path, target: Path, pictures: Sequence[Picture]) -> None:
    """Write the int8 twin of an exported network.

    Args:
        source: the fp32 network; its description is kept.
        target: where the int8 network goes; written as it is made.
        pictures: to calibrate on, (H, W, 3) uint8 at the scale trained for; 16 or more, as varied as those to come.
    """
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging.getLogger().setLevel(logging.ERROR)
        prepared = Path(folder) / "prepared.onnx"
        quant_pre_process(source, prepared, skip_symbolic_shape=True)
        quantize_static(
            prepared, target, _Reader(pictures), quant_format=QuantFormat.QDQ, per_channel=True, reduce_range=True,
            activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8, nodes_to_exclude=[_last_convolution(prepared)],
        )  # fmt: skip
    _copy_metadata(source, target)


class _Reader(CalibrationDataReader):
    """Hands the calibration one picture after the other."""

    def __init__(self, pictures: Sequence[Picture]) -> None:
        self._rows: Iterator[dict[str, Floats]] = ({"picture": planes(as_input(picture))} for picture in pictures)

    def get_next(self) -> dict[str, Any] | None:
        """Return the next input, None at the end."""
        return next(self._rows, None)


def _last_convolution(path: Path) -> str:
    return str([node.name for node in onnx.load(path).graph.node if node.op_type == "Conv"][-1])


def _copy_metadata(source: Path, target: Path) -> None:
    model = onnx.load(target)
    stored = {entry.key: entry.value for entry in onnx.load(source).metadata_props}
    onnx.helper.set_model_props(model, stored)
    onnx.save(model, target)

"""Exported networks in OpenVINO's own format: a .xml with the layers and a .bin with the weights beside it."""

import tempfile
from pathlib import Path

from kontur.files import atomic_path, write_bytes
from kontur.hardware.lean_imports import import_openvino
from kontur.modeling.model_files import INFO_KEY, WEIGHTS_KEY, metadata_of


def write_openvino(source: Path, target: Path, precision: str) -> None:
    """Convert an exported ONNX network; its description is kept.

    Args:
        source: models/checkpoint.onnx, or its int8 twin.
        target: a .xml; the .bin gets the same name.
        precision: with bf16 the weights are stored in 16 bits; they are computed with in bf16.
    """
    openvino = import_openvino()
    network = openvino.Core().read_model(source)
    metadata = metadata_of(source)
    for key in (INFO_KEY, WEIGHTS_KEY):
        network.set_rt_info(metadata[key], [key])
    with tempfile.TemporaryDirectory() as folder:
        written = Path(folder) / target.name
        openvino.save_model(network, written, compress_to_fp16=precision == "bf16")
        write_bytes(target.with_suffix(".bin"), written.with_suffix(".bin").read_bytes())
        with atomic_path(target) as temporary:
            temporary.write_bytes(written.read_bytes())

"""The files of a trained network, and what they say of themselves; none of the runtimes is needed to read that.

    checkpoint.pth          weights, from training
    checkpoint.onnx         the network in fp32; checkpoint.int8.onnx in 8-bit integers
    checkpoint.xml, .bin    the same for OpenVINO; checkpoint.bf16.xml, checkpoint.int8.xml
    runtime.json            the fastest correct runtime on this machine, from `kontur tune`

Each exported file holds the model's description and the hash of the weights it was made from.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from kontur.errors import ModelError
from kontur.modeling.model_info import ModelInfo, info_from_dict
from kontur.modeling.runtimes import RUNTIMES, RuntimeChoice
from kontur.workspace import Workspace

INFO_KEY = "kontur"
"""Where an exported network keeps its model's description, JSON."""
WEIGHTS_KEY = "kontur_weights"
"""Where it keeps the hash of the weights that it was made from."""
SUFFIX_OF = {"onnx": ".onnx", "openvino": ".xml"}
"""Suffixes of the formats that can be exported."""

_METADATA_FIELD = 14
"""ModelProto.metadata_props in onnx.proto: key and value are fields 1 and 2 of each entry."""
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


@dataclass(frozen=True)
class ModelFile:
    """What an exported network says of itself: the model's description, and the hash of its weights."""

    info: ModelInfo
    weights: str


def exported_path(workspace: Workspace, suffix: str, precision: str) -> Path:
    """Return where a network of this suffix and precision lies, be it there or not."""
    return workspace.models / f"checkpoint{'' if precision == 'fp32' else f'.{precision}'}{suffix}"


def find_model(workspace: Workspace, choice: RuntimeChoice) -> Path:
    """Return the file that a runtime reads; the last one tried where there is none.

    bf16 is a way to compute and needs no file of its own; int8 does.

    Raises:
        ModelError: the file was made from other weights than checkpoint.onnx.
    """
    stored = ("int8",) if choice.precision == "int8" else dict.fromkeys((choice.precision, "fp32"))
    suffixes = RUNTIMES[choice.runtime].suffixes
    candidates = [exported_path(workspace, suffix, precision) for precision in stored for suffix in suffixes]
    path = next((path for path in candidates if path.is_file()), candidates[-1])
    if path.is_file() and path.suffix != ".pth" and path != workspace.onnx:
        _check_weights(path, workspace.onnx)
    return path


def read_model_file(path: Path) -> ModelFile:
    """Return what an exported network (.onnx, .xml) or a checkpoint (.pth; needs torch) says of itself.

    Raises:
        ModelError: the file was not written by kontur, or by another version.
    """
    if path.suffix == ".pth":
        from kontur.modeling.checkpoint import load_checkpoint

        return ModelFile(load_checkpoint(path)[1], "")
    metadata = metadata_of(path)
    try:
        values = json.loads(metadata[INFO_KEY])
    except ValueError as error:
        raise ModelError(f"{path}: damaged model description ({error}); export again") from error
    return ModelFile(info_from_dict(values, str(path)), metadata.get(WEIGHTS_KEY, ""))


def metadata_of(path: Path) -> dict[str, str]:
    """Return what an exported network (.onnx, .xml) keeps beside its layers: INFO_KEY and WEIGHTS_KEY among it.

    Raises:
        ModelError: the file was not written by kontur, or is damaged.
    """
    metadata = _xml_metadata(path) if path.suffix == ".xml" else _onnx_metadata(path)
    if INFO_KEY not in metadata:
        raise ModelError(f"{path}: not exported by kontur; run `kontur export`")
    return metadata


def _check_weights(path: Path, reference: Path) -> None:
    if reference.is_file() and read_model_file(path).weights != read_model_file(reference).weights:
        raise ModelError(f"{path}: made from other weights than {reference.name}; export it again")


def _xml_metadata(path: Path) -> dict[str, str]:
    """Parse the last element of a network in OpenVINO's format, which holds what was written of it: the layers are long."""
    try:
        text = path.read_bytes()
        first, last = text.rindex(b"<rt_info>"), text.rindex(b"</net>")
        entries = ElementTree.fromstring(text[first:last])
    except (ElementTree.ParseError, OSError, ValueError) as error:
        raise ModelError(f"{path}: not a readable network ({error}); export again") from error
    return {entry.tag: entry.get("value", "") for entry in entries}


def _onnx_metadata(path: Path) -> dict[str, str]:
    try:
        entries = [list(_fields(value)) for number, value in _fields(path.read_bytes()) if number == _METADATA_FIELD]
        return {str(key, "utf-8"): str(value, "utf-8") for (_, key), (_, value) in entries}
    except (OSError, IndexError, ValueError) as error:
        raise ModelError(f"{path}: not a readable network ({error}); export again") from error


def _fields(message: bytes | memoryview) -> Iterator[tuple[int, memoryview]]:
    """Yield (number, content) of the length-delimited fields of a protocol buffer, the others skipped.

    Wire format: https://protobuf.dev/programming-guides/encoding
    """
    view, at = memoryview(message), 0
    while at < len(view):
        tag, at = _varint(view, at)
        kind = tag & 7
        if kind == _VARINT:
            _, at = _varint(view, at)
        elif kind in (_FIXED32, _FIXED64):
            at += 4 if kind == _FIXED32 else 8
        elif kind == _BYTES:
            size, at = _varint(view, at)
            if at + size > len(view):
                raise ValueError("cut off")
            yield tag >> 3, view[at : at + size]
            at += size
        else:
            raise ValueError(f"wire type {kind}")


def _varint(view: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = view[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at

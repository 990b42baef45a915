"""Runtimes that run the network, behind one small protocol. Each is imported only when it is used."""

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from kontur.errors import ModelError

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]


class Runtime(Protocol):
    """A loaded network. It may be called from several threads at once."""

    def __call__(self, pictures: Bytes) -> Floats:
        """Run the network.

        Args:
            pictures: (B, H, W, 3) uint8 BGR; H and W multiples of 32.

        Returns:
            (B, C, H / 4, W / 4) float32 raw output, channels as `heads.HEADS` says.
        """
        ...


def planes(pictures: Bytes) -> Floats:
    """Return pictures as the network itself takes them, (B, 3, H, W) float32 in 0..255."""
    apart = np.empty((len(pictures), 3, *pictures.shape[1:3]), np.uint8)
    for picture, channels in zip(pictures, apart, strict=True):
        cv2.split(picture, list(channels))
    return apart.astype(np.float32)


@dataclass(frozen=True)
class RuntimeChoice:
    """Which runtime runs the network, and how.

    Attributes:
        runtime: one of `RUNTIMES`.
        precision: fp32, bf16 or int8.
        threads: that the runtime may use; 0 for all that the policy allows (see `hardware.threads`).

    Raises:
        ModelError: no such runtime, or it does not offer that precision.
    """

    runtime: str = "onnxruntime"
    precision: str = "fp32"
    threads: int = 0

    def __post_init__(self) -> None:
        if self.runtime not in RUNTIMES:
            raise ModelError(f"no runtime {self.runtime!r}; choose one of {', '.join(RUNTIMES)}")
        offered = RUNTIMES[self.runtime].precisions
        if self.precision not in offered:
            raise ModelError(f"{self.runtime} does not offer {self.precision!r}; it offers {', '.join(offered)}")


@dataclass(frozen=True)
class RuntimeKind:
    """What is known of a runtime without importing it.

    Attributes:
        module: in this package; has `open_runtime(path, choice)`.
        package: that it needs, by the name it is imported by.
        precisions: that it offers.
        suffixes: of the files it reads, the preferred first.
    """

    module: str
    package: str
    precisions: tuple[str, ...]
    suffixes: tuple[str, ...]


RUNTIMES = {
    "onnxruntime": RuntimeKind("onnx_runtime", "onnxruntime", ("fp32", "int8"), (".onnx",)),
    "openvino": RuntimeKind("open_vino", "openvino", ("fp32", "bf16", "int8"), (".xml", ".onnx")),
    "opencv": RuntimeKind("opencv_dnn", "cv2", ("fp32",), (".onnx",)),
    "pytorch": RuntimeKind("pytorch", "torch", ("fp32", "bf16"), (".pth",)),
    "pytorch-compiled": RuntimeKind("pytorch_compiled", "torch", ("fp32", "bf16"), (".pth",)),
}


def open_runtime(path: Path, choice: RuntimeChoice) -> Runtime:
    """Load a network into a runtime.

    Args:
        path: a file of one of the runtime's suffixes.
        choice: with `threads` > 0.

    Raises:
        ModelError: missing or damaged file.
        ModuleNotFoundError: the runtime's package is not installed.
    """
    if not path.is_file():
        raise ModelError(f"{path}: no exported network there; run `kontur train`, then `kontur export`")
    module = import_module(f"{__name__}.{RUNTIMES[choice.runtime].module}")
    runtime: Runtime = module.open_runtime(path, choice)
    return runtime

"""OpenVINO: fp32, bf16 and int8. Reads its own files and ONNX."""

import os
import re
import shutil
import threading
from collections import Counter
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from kontur.errors import ModelError, reason
from kontur.files import sha256_of
from kontur.hardware.lean_imports import import_openvino
from kontur.hardware.processor import read_processor
from kontur.hardware.threads import thread_count
from kontur.modeling.runtimes import Bytes, Floats, Runtime, RuntimeChoice, planes

_HINTS = {"fp32": "f32", "bf16": "bf16", "int8": "f32"}
"""In an int8 network, the layers that stayed in floating point run in f32."""
CACHE = ".openvino"
"""Folder beside the model, for what OpenVINO made of it: compiling takes a quarter of a second, reading a tenth of it."""

_OFTEN, _MOST_SIZES = 8, 4
"""After so many pictures of one size more are expected; but no network has twins for more sizes than these. In bf16 it has
none: they may round otherwise, and an answer should not depend on what came before."""


def open_runtime(path: Path, choice: RuntimeChoice) -> Runtime:
    """Load an OpenVINO or ONNX file; see `runtimes.open_runtime`."""
    streams = max(1, thread_count() // max(1, choice.threads))  # pictures at once that leave no thread idle
    settings = {
        "INFERENCE_PRECISION_HINT": _HINTS[choice.precision],
        "INFERENCE_NUM_THREADS": streams * choice.threads,
        "NUM_STREAMS": streams,
        "PERFORMANCE_HINT": "LATENCY",
        "CACHE_DIR": _cache_of(path),
    }
    try:
        networks = _Networks(path, settings, 0 if choice.precision == "bf16" else _MOST_SIZES)
    except RuntimeError as error:
        raise ModelError(f"{path}: not a readable network ({reason(error)}); export again") from error
    local = threading.local()

    def run(pictures: Bytes) -> Floats:
        """Run the network on a batch."""
        network = networks.of_size(pictures.shape)
        if network is None:
            if not hasattr(local, "request"):
                local.request = networks.of_any_size.create_infer_request()  # a request serves one thread at a time
            (answer,) = local.request.infer([planes(pictures)], share_inputs=True, share_outputs=True).values()
            return np.array(answer)
        return network(pictures)

    return run


class _Networks:
    """A network for pictures of any size, and twins of it for sizes that come often.

    A twin takes less time: nothing is settled anew for each picture, which it takes as it is and turns into numbers itself.

    Attributes:
        of_any_size: compiled, takes float32 planes.
    """

    def __init__(self, path: Path, settings: dict[str, Any], most_sizes: int) -> None:
        self._path, self._settings, self._most_sizes = path, settings, most_sizes
        self._openvino = import_openvino()
        self._core = self._openvino.Core()
        self.of_any_size = self._core.compile_model(path, "CPU", settings)
        self._seen: Counter[tuple[int, ...]] = Counter()
        self._twins: dict[tuple[int, ...], _Twin] = {}
        self._lock = threading.Lock()

    def of_size(self, shape: tuple[int, ...]) -> "_Twin | None":
        """Return the twin for pictures (B, H, W, 3) of such a shape; None where it does not come often, or others do."""
        twin = self._twins.get(shape)
        if twin is not None or len(self._twins) == self._most_sizes:
            return twin
        with self._lock:
            self._seen[shape] += 1
            if self._seen[shape] > _OFTEN and shape not in self._twins:
                self._twins[shape] = _Twin(self._openvino, self._compiled(shape))
        return self._twins.get(shape)

    def _compiled(self, shape: tuple[int, ...]) -> Any:
        """Compile the network for one shape."""
        openvino = self._openvino
        steps = openvino.preprocess.PrePostProcessor(self._core.read_model(self._path))
        steps.input().tensor().set_element_type(openvino.Type.u8).set_layout(openvino.Layout("NHWC"))
        steps.input().model().set_layout(openvino.Layout("NCHW"))
        network = steps.build()
        network.reshape(list(shape))
        return self._core.compile_model(network, "CPU", self._settings)


class _Twin:
    """A network compiled for one shape of (B, H, W, 3) uint8 pictures."""

    def __init__(self, openvino: ModuleType, network: Any) -> None:
        self._openvino, self._network = openvino, network
        self._shape = tuple(network.output(0).shape)
        self._local = threading.local()

    def __call__(self, pictures: Bytes) -> Floats:
        """Run the network on a batch."""
        if not hasattr(self._local, "request"):
            self._local.request = self._network.create_infer_request()
        answer = np.empty(self._shape, np.float32)
        request = self._local.request
        own = np.require(pictures, requirements=("C", "W"))  # OpenVINO takes no memory that is read-only
        request.set_input_tensor(self._openvino.Tensor(own, shared_memory=True))
        request.set_output_tensor(self._openvino.Tensor(answer, shared_memory=True))
        request.infer(share_outputs=True)
        return answer


def _cache_of(path: Path) -> str:
    """Return the cache's folder, one for each kind of processor and network; empty, which is none, where none can be.

    OpenVINO knows a network by its file's name and time, and would take one that replaced another within a second for the
    old one. So the folder is named for the content; those of networks that were under this name before are removed.
    """
    if not os.access(path.parent, os.W_OK) or not path.is_file():
        return ""
    kind = path.parent / CACHE / re.sub(r"\W+", "-", read_processor().name or "unknown")
    digest = "-".join(sha256_of(file)[:16] for file in (path, path.with_suffix(".bin")) if file.is_file())
    folder = kind / f"{path.name}-{digest}"
    for old in kind.glob(f"{path.name}-*"):
        if old != folder:
            shutil.rmtree(old, ignore_errors=True)
    return str(folder)

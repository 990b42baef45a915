"""OpenVINO: fp32, bf16 and int8. Reads its own files and ONNX."""

import os
import re
import shutil
import threading
from pathlib import Path

import numpy as np

from kontur.errors import ModelError, reason
from kontur.files import sha256_of
from kontur.hardware.lean_imports import import_openvino
from kontur.hardware.processor import read_processor
from kontur.hardware.threads import thread_count
from kontur.modeling.runtimes import Floats, Runtime, RuntimeChoice

_HINTS = {"fp32": "f32", "bf16": "bf16", "int8": "f32"}
"""In an int8 network, the layers that stayed in floating point run in f32."""
CACHE = ".openvino"
"""Folder beside the model, for what OpenVINO made of it: compiling takes a quarter of a second, reading a tenth of it."""


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
    core = import_openvino().Core()
    try:
        network = core.compile_model(path, "CPU", settings)
    except RuntimeError as error:
        raise ModelError(f"{path}: not a readable network ({reason(error)}); export again") from error
    local = threading.local()

    def run(pictures: Floats) -> Floats:
        """Run the network on a batch."""
        if not hasattr(local, "request"):
            local.request = network.create_infer_request()  # a request serves one thread at a time
        (answer,) = local.request.infer([pictures], share_inputs=True, share_outputs=True).values()
        return np.array(answer)

    return run


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

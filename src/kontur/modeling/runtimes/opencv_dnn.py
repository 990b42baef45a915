"""OpenCV's own runtime for networks: fp32. It needs nothing that kontur does not need anyway."""

import threading
from pathlib import Path

import cv2

from kontur.errors import ModelError, reason
from kontur.modeling.runtimes import Bytes, Floats, Runtime, RuntimeChoice, planes


def open_runtime(path: Path, choice: RuntimeChoice) -> Runtime:
    """Load an ONNX file; see `runtimes.open_runtime`. OpenCV has one thread setting for all it does."""
    try:
        network = cv2.dnn.readNetFromONNX(str(path))
    except cv2.error as error:
        raise ModelError(f"{path}: not a readable network ({reason(error)}); export again") from error
    network.setPreferableTarget(cv2.dnn.DNN_TARGET_CPU)
    cv2.setNumThreads(choice.threads)
    lock = threading.Lock()

    def run(pictures: Bytes) -> Floats:
        """Run the network on a batch."""
        with lock:  # a network holds its intermediate results
            network.setInput(planes(pictures))
            answer: Floats = network.forward().copy()
        return answer

    return run

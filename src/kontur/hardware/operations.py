"""Key operations of each library on fixed inputs: what the self-test compares and the benchmark times.

Run as a program, it performs those of the libraries that are installed and prints one JSON document on standard output:

    python -m kontur.hardware.operations [--network models/checkpoint.onnx] [--rounds N]
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

_SIZE_HW = (240, 320)
_KEPT = 512
"""Numbers of each result that are compared, evenly spread over it."""

Result = NDArray[Any]
Operation = Callable[[], Result]
Factory = Callable[[], Operation]

NETWORK = "the network"


def _picture() -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (*_SIZE_HW, 3)).astype(np.uint8)


def _numpy() -> Iterator[tuple[str, Operation]]:
    rng = np.random.default_rng(1)
    a, b = rng.standard_normal((2, 256, 256)).astype(np.float32)
    yield "matrix product", lambda: a @ b
    yield "sine, exponential", lambda: np.sin(a) + np.exp(b)
    yield "sum", lambda: np.stack([a.sum(axis=0), b.sum(axis=1)])


def _opencv() -> Iterator[tuple[str, Operation]]:
    import cv2

    picture = _picture()
    grey, patch = picture[..., 0], np.ascontiguousarray(picture[60:100, 80:130, 0])
    kernel = np.random.default_rng(2).standard_normal((5, 5)).astype(np.float32)
    turn = cv2.getRotationMatrix2D((160.0, 120.0), 30.0, 0.9)
    yield "convolution", lambda: cv2.filter2D(picture.astype(np.float32), -1, kernel)
    yield "Gaussian blur", lambda: cv2.GaussianBlur(picture.astype(np.float32), (0, 0), 2.0)
    yield "warp", lambda: cv2.warpAffine(picture, turn, (320, 240), flags=cv2.INTER_LINEAR)
    yield "resize", lambda: cv2.resize(picture, (200, 130), interpolation=cv2.INTER_AREA)
    yield "matchTemplate", lambda: cv2.matchTemplate(grey, patch, cv2.TM_CCOEFF_NORMED)


def _pytorch() -> Iterator[tuple[str, Operation]]:
    import torch

    rng = np.random.default_rng(3)
    pictures = torch.from_numpy(rng.standard_normal((1, 32, 120, 160)).astype(np.float32))
    weights = torch.from_numpy(rng.standard_normal((32, 32, 3, 3)).astype(np.float32) / 17)
    yield "convolution", lambda: torch.nn.functional.conv2d(pictures, weights, padding=1).numpy()
    yield "matrix product", lambda: (pictures[0, 0] @ pictures[0, 1].T).numpy()
    yield "softmax", lambda: torch.softmax(pictures, 1).numpy()


def _network(path: str) -> Iterator[tuple[str, Factory]]:
    """Yield by engine the exported network; it is loaded when the operation is asked for, because that may fail too."""
    blob = np.ascontiguousarray(_picture()[:224].transpose(2, 0, 1)[None], np.float32)
    engines = {"onnxruntime": _in_onnxruntime, "opencv": _in_opencv}
    if find_spec("openvino") is not None:
        engines["openvino"] = _in_openvino
    for name, load in engines.items():
        yield name, partial(load, path, blob)


def _in_onnxruntime(path: str, blob: Result) -> Operation:
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return lambda: np.asarray(session.run(None, {"picture": blob})[0])


def _in_opencv(path: str, blob: Result) -> Operation:
    import cv2

    network = cv2.dnn.readNetFromONNX(path)

    def forward() -> Result:
        """Run the network."""
        network.setInput(blob)
        return np.array(network.forward())

    return forward


def _in_openvino(path: str, blob: Result) -> Operation:
    from kontur.hardware.lean_imports import import_openvino

    request = (
        import_openvino().Core().compile_model(path, "CPU", {"INFERENCE_PRECISION_HINT": "f32"}).create_infer_request()
    )
    return lambda: np.array(request.infer([blob])[0])


def operations(network: str | None) -> dict[str, dict[str, Factory]]:
    """Return what makes each operation, by library and name; those of libraries that are not installed are left out."""
    rows = {"numpy": dict(_numpy()), "opencv": dict(_opencv())}
    if find_spec("torch") is not None:
        rows["pytorch"] = dict(_pytorch())
    table: dict[str, dict[str, Factory]] = {
        library: {name: partial(_same, operation) for name, operation in items.items()}
        for library, items in rows.items()
    }
    for library, factory in _network(network) if network else ():
        table.setdefault(library, {})[NETWORK] = factory
    return table


def _same(operation: Operation) -> Operation:
    return operation


def perform(factory: Factory, rounds: int) -> dict[str, Any]:
    """Return {"values": numbers spread over the result, "milliseconds": the least of some rounds}, or {"refusal": why}."""
    try:
        operation = factory()
        result = np.ascontiguousarray(operation(), np.float64).ravel()
    except Exception as error:  # noqa: BLE001 (whatever a library raises is what is reported)
        return {"refusal": (str(error).strip().splitlines() or [type(error).__name__])[-1]}
    best = float("inf")
    for _ in range(rounds):
        start = time.perf_counter()
        operation()
        best = min(best, time.perf_counter() - start)
    at = np.linspace(0, result.size - 1, min(_KEPT, result.size)).astype(int)
    return {"values": result[at].tolist(), "milliseconds": 1000 * best}


def main(arguments: list[str]) -> None:
    """Perform all operations and print the document: {library: {operation: result}}."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--network")
    parser.add_argument("--rounds", type=int, default=1)
    options = parser.parse_args(arguments)
    table = operations(options.network)
    document = {
        library: {name: perform(factory, options.rounds) for name, factory in rows.items()}
        for library, rows in table.items()
    }
    json.dump(document, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1:])

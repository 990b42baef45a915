"""Three tasks that many libraries can do, timed with each that is installed: the measured row of the catalogue.

resize + blur   a 12-megapixel picture (4000 x 3000 BGR) to a quarter of its sides, then a Gaussian blur of 2 px
convolutions    four 3x3 convolutions, 32 channels, 240 x 320, fp32
JPEG decode     the same 12-megapixel picture, quality 90

Libraries that kontur does not depend on are imported by name, where they happen to be installed.
"""

import io
import time
from collections.abc import Callable, Mapping
from functools import partial
from importlib import import_module
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray

RESIZE, CONVOLUTIONS, DECODE = "resize + blur", "convolutions", "JPEG decode"
TASKS = (RESIZE, CONVOLUTIONS, DECODE)
_ROUNDS = 5
_SIGMA_PX = 2.0
_CHANNELS, _LAYERS, _FIELD_HW = 32, 4, (240, 320)

Task = Callable[[], object]


def _picture() -> NDArray[np.uint8]:
    """Return 4000 x 3000 px of smooth colour with some texture, as a photograph is."""
    rows, columns = np.mgrid[0:3000, 0:4000].astype(np.float32)
    waves = [np.sin(rows / (60 + 20 * k)) + np.cos(columns / (90 - 15 * k)) for k in range(3)]
    noise = np.random.default_rng(0).normal(0, 6, (3000, 4000, 3))
    return np.clip(127 + 50 * np.stack(waves, -1) + noise, 0, 255).astype(np.uint8)


def _jpeg(picture: NDArray[np.uint8]) -> bytes:
    import cv2

    return bytes(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 90])[1])


def _weights() -> NDArray[np.float32]:
    return np.random.default_rng(1).standard_normal((_CHANNELS, _CHANNELS, 3, 3)).astype(np.float32) / np.float32(17)


def _field() -> NDArray[np.float32]:
    return np.random.default_rng(2).standard_normal((1, _CHANNELS, *_FIELD_HW), np.float32)


def _opencv(picture: NDArray[np.uint8], jpeg: bytes) -> dict[str, Task]:
    import cv2

    data = np.frombuffer(jpeg, np.uint8)
    tasks: dict[str, Task] = {
        RESIZE: lambda: cv2.GaussianBlur(
            cv2.resize(picture, (1000, 750), interpolation=cv2.INTER_AREA), (0, 0), _SIGMA_PX
        ),
        DECODE: lambda: cv2.imdecode(data, cv2.IMREAD_COLOR),
    }
    if find_spec("onnx"):
        network = cv2.dnn.readNetFromONNX(np.frombuffer(_onnx_stack(), np.uint8))
        field = _field()

        def convolve() -> object:
            """Run the stack of convolutions."""
            network.setInput(field)
            return network.forward()

        tasks[CONVOLUTIONS] = convolve
    return tasks


def _scikit_image(picture: NDArray[np.uint8], _jpeg: bytes) -> dict[str, Task]:
    transform, filters = import_module("skimage.transform"), import_module("skimage.filters")

    def resize_and_blur() -> object:
        """Reduce the picture by 4 and blur it."""
        small = transform.downscale_local_mean(picture, (4, 4, 1))
        return filters.gaussian(small, _SIGMA_PX, channel_axis=-1, preserve_range=True)

    return {RESIZE: resize_and_blur}


def _libvips(picture: NDArray[np.uint8], jpeg: bytes) -> dict[str, Task]:
    Image = import_module("pyvips").Image  # noqa: N806

    image = Image.new_from_memory(picture.data, 4000, 3000, 3, "uchar")
    return {
        RESIZE: lambda: image.shrink(4, 4).gaussblur(_SIGMA_PX).numpy(),
        DECODE: lambda: Image.new_from_buffer(jpeg, "").numpy(),
    }


def _simplejpeg(_picture: NDArray[np.uint8], jpeg: bytes) -> dict[str, Task]:
    return {DECODE: partial(import_module("simplejpeg").decode_jpeg, jpeg, "BGR")}


def _imagecodecs(_picture: NDArray[np.uint8], jpeg: bytes) -> dict[str, Task]:
    return {DECODE: partial(import_module("imagecodecs").jpeg8_decode, jpeg)}


def _kornia(picture: NDArray[np.uint8], _jpeg: bytes) -> dict[str, Task]:
    import torch

    blur = import_module("kornia.filters").gaussian_blur2d
    whole = torch.from_numpy(picture).permute(2, 0, 1)[None]

    def resize_and_blur() -> object:
        """Reduce the picture by 4 and blur it."""
        with torch.inference_mode():
            small = torch.nn.functional.avg_pool2d(whole.float(), 4)
            return blur(small, (13, 13), (_SIGMA_PX, _SIGMA_PX))

    return {RESIZE: resize_and_blur}


def _pillow(picture: NDArray[np.uint8], jpeg: bytes) -> dict[str, Task]:
    Image, ImageFilter = import_module("PIL.Image"), import_module("PIL.ImageFilter")  # noqa: N806

    image = Image.fromarray(picture)
    return {
        RESIZE: lambda: image.resize((1000, 750), Image.Resampling.BOX).filter(ImageFilter.GaussianBlur(_SIGMA_PX)),
        DECODE: lambda: Image.open(io.BytesIO(jpeg)).load(),
    }


def _scipy(picture: NDArray[np.uint8], _jpeg: bytes) -> dict[str, Task]:
    ndimage = import_module("scipy.ndimage")

    def resize_and_blur() -> object:
        """Reduce the picture by 4 and blur it."""
        small = picture.reshape(750, 4, 1000, 4, 3).mean((1, 3), dtype=np.float32)
        return ndimage.gaussian_filter(small, (_SIGMA_PX, _SIGMA_PX, 0))

    return {RESIZE: resize_and_blur}


def _pytorch(picture: NDArray[np.uint8], _jpeg: bytes) -> dict[str, Task]:
    import torch

    weights = torch.from_numpy(_weights())
    field = torch.from_numpy(_field())
    whole = torch.from_numpy(picture).permute(2, 0, 1)[None]
    taps = torch.exp(-0.5 * (torch.arange(-6, 7) / _SIGMA_PX) ** 2)
    taps = (taps / taps.sum()).repeat(3, 1)[:, None]

    def convolve() -> object:
        """Run the stack of convolutions."""
        result = field
        with torch.inference_mode():
            for _ in range(_LAYERS):
                result = torch.nn.functional.conv2d(result, weights, padding=1)
        return result

    def resize_and_blur() -> object:
        """Reduce the picture by 4 and blur it."""
        with torch.inference_mode():
            small = torch.nn.functional.avg_pool2d(whole.float(), 4)
            across = torch.nn.functional.conv2d(small, taps[:, :, None], padding=(0, 6), groups=3)
            return torch.nn.functional.conv2d(across, taps[:, :, :, None], padding=(6, 0), groups=3)

    return {CONVOLUTIONS: convolve, RESIZE: resize_and_blur}


def _onnx_stack() -> bytes:
    """Return the convolutions as an ONNX network."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    shape = [1, _CHANNELS, *_FIELD_HW]
    nodes = [helper.make_node("Conv", [f"x{k}", "w"], [f"x{k + 1}"], pads=[1, 1, 1, 1]) for k in range(_LAYERS)]
    graph = helper.make_graph(
        nodes, "stack",
        [helper.make_tensor_value_info("x0", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(f"x{_LAYERS}", TensorProto.FLOAT, shape)],
        [numpy_helper.from_array(_weights(), "w")],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    return bytes(onnx.ModelProto.SerializeToString(model))


def _onnxruntime(_picture: NDArray[np.uint8], _jpeg: bytes) -> dict[str, Task]:
    import onnxruntime

    from kontur.hardware.threads import thread_count

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = thread_count()
    session = onnxruntime.InferenceSession(_onnx_stack(), options, providers=["CPUExecutionProvider"])
    field = _field()
    return {CONVOLUTIONS: lambda: session.run(None, {"x0": field})}


def _openvino(_picture: NDArray[np.uint8], _jpeg: bytes) -> dict[str, Task]:
    from kontur.hardware.lean_imports import import_openvino
    from kontur.hardware.threads import thread_count

    openvino = import_openvino()
    settings = {"INFERENCE_NUM_THREADS": thread_count(), "INFERENCE_PRECISION_HINT": "f32"}
    network = openvino.Core().compile_model(openvino.Core().read_model(_onnx_stack()), "CPU", settings)
    request = network.create_infer_request()
    field = _field()
    return {CONVOLUTIONS: lambda: request.infer([field])}


MAKERS: Mapping[str, tuple[tuple[str, ...], Callable[[NDArray[np.uint8], bytes], dict[str, Task]]]] = {
    "OpenCV": (("cv2",), _opencv),
    "scikit-image": (("skimage",), _scikit_image),
    "Pillow": (("PIL",), _pillow),
    "libvips": (("pyvips",), _libvips),
    "simplejpeg": (("simplejpeg",), _simplejpeg),
    "imagecodecs": (("imagecodecs",), _imagecodecs),
    "SciPy": (("scipy",), _scipy),
    "PyTorch": (("torch",), _pytorch),
    "Kornia": (("kornia", "torch"), _kornia),
    "ONNX Runtime": (("onnxruntime", "onnx"), _onnxruntime),
    "OpenVINO": (("openvino", "onnx"), _openvino),
}
"""By the library's name in the catalogue: what must be installed, and what makes its tasks."""


def measure_tasks(on_progress: Callable[[int, int], None]) -> dict[str, dict[str, float]]:
    """Time the tasks with the libraries that are installed; returns the least ms of some rounds, by library and task."""
    picture = _picture()
    jpeg = _jpeg(picture)
    present = {name: make for name, (needs, make) in MAKERS.items() if all(map(find_spec, needs))}
    rows = {}
    for done, (name, make) in enumerate(present.items()):
        on_progress(done, len(present))
        rows[name] = {task: _least_ms(run) for task, run in make(picture, jpeg).items()}
    on_progress(len(present), len(present))
    return rows


def _least_ms(run: Task) -> float:
    run()
    times = []
    for _ in range(_ROUNDS):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return round(1000 * min(times), 3)

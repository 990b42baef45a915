"""Instruction set levels that libraries can be held to, and the environment variables that do it.

OpenCV, PyTorch, oneDNN (inside PyTorch) and NumPy each have a variable. ONNX Runtime has none: its kernels are chosen by the
processor alone, so it runs at one level only. OpenVINO's own copy of oneDNN is not documented to heed ONEDNN_MAX_CPU_ISA.

Sources:
    https://docs.opencv.org/5.x/d6/dea/tutorial_env_reference.html (OPENCV_CPU_DISABLE)
    https://github.com/pytorch/pytorch/blob/main/aten/src/ATen/native/DispatchStub.cpp (ATEN_CPU_CAPABILITY)
    https://oneapi-src.github.io/oneDNN/dev_guide_cpu_dispatcher_control.html (ONEDNN_MAX_CPU_ISA)
    https://numpy.org/doc/stable/reference/simd/build-options.html (NPY_DISABLE_CPU_FEATURES)
"""

from dataclasses import dataclass

from kontur.hardware.processor import Processor


@dataclass(frozen=True)
class Level:
    """A level of instruction sets.

    Attributes:
        name: for people.
        needs: the feature that the processor must have, see `processor.X86_FEATURES`; empty for all processors.
        environment: variables that hold the libraries to it.
    """

    name: str
    needs: str
    environment: dict[str, str]


_NUMPY_AVX512 = "X86_V4 AVX512_ICL AVX512_SPR"
_NUMPY_AVX2 = f"X86_V3 {_NUMPY_AVX512}"

X86_LEVELS = (
    Level(
        "SSE4.2",
        "SSE4.2",
        {
            "OPENCV_CPU_DISABLE": "AVX512_SKX,AVX2,FP16,AVX",
            "ATEN_CPU_CAPABILITY": "default",
            "ONEDNN_MAX_CPU_ISA": "SSE41",
            "NPY_DISABLE_CPU_FEATURES": _NUMPY_AVX2,
        },
    ),
    Level(
        "AVX2",
        "AVX2",
        {
            "OPENCV_CPU_DISABLE": "AVX512_SKX",
            "ATEN_CPU_CAPABILITY": "avx2",
            "ONEDNN_MAX_CPU_ISA": "AVX2",
            "NPY_DISABLE_CPU_FEATURES": _NUMPY_AVX512,
        },
    ),
    Level(
        "AVX-512",
        "AVX-512",
        {"ATEN_CPU_CAPABILITY": "avx512", "ONEDNN_MAX_CPU_ISA": "AVX512_CORE"},
    ),
)
ALL = Level("all", "", {})
"""Whatever the libraries choose by themselves."""

VARIABLES = ("OPENCV_CPU_DISABLE", "ATEN_CPU_CAPABILITY", "ONEDNN_MAX_CPU_ISA", "NPY_DISABLE_CPU_FEATURES")
LEVELS_OF = {
    "opencv": "OPENCV_CPU_DISABLE",
    "pytorch": "ATEN_CPU_CAPABILITY, ONEDNN_MAX_CPU_ISA",
    "numpy": "NPY_DISABLE_CPU_FEATURES",
}
"""Libraries that can be held to a level, and by what."""


def levels_of(processor: Processor) -> tuple[Level, ...]:
    """Return the levels that a processor can run, the lowest first, and last what the libraries choose themselves."""
    return (*(level for level in X86_LEVELS if processor.features.get(level.needs)), ALL)

"""ONNX Runtime, the default: fp32 and int8. It has no bf16 convolutions for x86 processors."""

from pathlib import Path

import onnxruntime

from kontur.errors import ModelError, reason
from kontur.modeling.runtimes import Bytes, Floats, Runtime, RuntimeChoice, planes

_ERRORS_ONLY = 3


def open_runtime(path: Path, choice: RuntimeChoice) -> Runtime:
    """Load an ONNX file; see `runtimes.open_runtime`. The file decides the precision."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = choice.threads
    options.log_severity_level = _ERRORS_ONLY
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # idle threads leave the core to others
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise ModelError(f"{path}: not a readable network ({reason(error)}); export again") from error

    def run(pictures: Bytes) -> Floats:
        """Run the network on a batch."""
        answer: Floats = session.run(None, {"picture": planes(pictures)})[0]
        return answer

    return run

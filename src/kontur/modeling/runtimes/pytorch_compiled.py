"""PyTorch with its compiler: operations are fused into C++ that the system's compiler translates on the first picture."""

from pathlib import Path
from shutil import which

import torch

from kontur.errors import ModelError
from kontur.modeling.runtimes import Runtime, RuntimeChoice, pytorch

_COMPILERS = ("g++", "clang++", "c++")


def open_runtime(path: Path, choice: RuntimeChoice) -> Runtime:
    """Load a checkpoint; see `runtimes.open_runtime`.

    Raises:
        ModelError: there is no C++ compiler.
    """
    if not any(map(which, _COMPILERS)):
        raise ModelError(f"pytorch-compiled needs a C++ compiler ({', '.join(_COMPILERS)}); install one or use pytorch")
    return pytorch.open_runtime(path, choice, lambda network: torch.compile(network, dynamic=False))

"""Libraries imported without what kontur does not use of them: a command that looks at one picture waits for its imports."""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType


@contextmanager
def absent(*names: str) -> Iterator[None]:
    """Let imports of packages fail while the block runs, as if they were not installed; those that are loaded stay."""
    hidden = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]  # None is the import system's own mark for this
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]


def import_openvino() -> ModuleType:
    """Import OpenVINO without its model converter, which takes half the time and reports each import to its makers.

    Raises:
        ModuleNotFoundError: it is not installed.
    """
    with absent("openvino.tools.ovc"):
        import openvino
    return openvino


def import_numba() -> None:
    """Import all that numba needs to load compiled kernels, without SciPy and cffi, which none of kontur's kernels uses.

    For processes that are kontur's alone: functions that call linear algebra cannot be compiled in them.
    """
    with absent("scipy", "scipy.linalg", "cffi"):
        from numba.core.registry import cpu_target

        cpu_target.typing_context.refresh()
        cpu_target.target_context.refresh()


@contextmanager
def quick_start() -> Iterator[None]:
    """Load kernels leanly, and collect no garbage while the block runs: what starts up stays. For kontur's own commands."""
    gc.disable()
    try:
        import_numba()
        yield
    finally:
        gc.freeze()
        gc.enable()

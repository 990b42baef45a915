"""Libraries imported without what kontur does not use of them: a command that looks at one picture waits for its imports."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

from kontur.hardware.absent import UNUSED_BY_NUMBA, absent

KNOWN_INSIDE = ("0.68.",)
"""Versions of numba that `lean_kernels` was tried with; it replaces parts of the inside, and others load as they do."""


def import_openvino() -> ModuleType:
    """Import OpenVINO without its model converter, which takes half the time and reports each import to its makers.

    Raises:
        ModuleNotFoundError: it is not installed.
    """
    with absent("openvino.tools.ovc"):
        import openvino
    return openvino


def import_numba() -> None:
    """Import numba to load compiled kernels, without SciPy and cffi, and see `lean_kernels`.

    For processes that are kontur's alone: functions that call linear algebra cannot be compiled in them.
    """
    with absent(*UNUSED_BY_NUMBA):
        import numba
    if numba.__version__.startswith(KNOWN_INSIDE):
        from kontur.hardware.lean_kernels import load_kernels_leanly

        load_kernels_leanly()


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

"""Packages that are there and not imported, where another package would import them for what kontur does not use."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

UNUSED_BY_NUMBA = ("scipy", "scipy.linalg", "cffi")
"""What numba looks for and none of kontur's kernels uses."""


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

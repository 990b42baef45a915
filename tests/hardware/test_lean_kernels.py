"""Kernels that are loaded leanly do what those do that numba loads by itself; each in a process of its own."""

import os
import subprocess
import sys

import numba
import pytest

from kontur.hardware.lean_imports import KNOWN_INSIDE

pytestmark = pytest.mark.skipif(
    not numba.__version__.startswith(KNOWN_INSIDE), reason=f"numba {numba.__version__} loads kernels in its own way"
)

KERNELS = """
from typing import NamedTuple

import numba
import numpy as np


class Ends(NamedTuple):
    low: float
    high: float


@numba.njit(cache=True)
def ordered(values):
    if len(values) == 0:
        raise ValueError("no values")
    return np.sort(values)[::-1].copy() + np.median(values)


@numba.njit(cache=True)
def ends(values):
    inner = ordered(values)
    return Ends(inner[-1], inner[0])


@numba.njit(cache=True)
def hashed(values):
    return hash("k" * len(values))
"""
LEAN = "from kontur.hardware.lean_imports import import_numba; import_numba()"
ORDERED, ENDS = "[8. 6. 5.]", "Ends(low=5.0, high=8.0)"


def call(folder, *lines):
    """Run lines in a process that has the kernels; returns what they print, and which heavy modules are loaded."""
    heavy = "{'scipy', 'cffi', 'numba.np.arraymath', 'numba.cpython.unicode'}"
    program = "\n".join([*lines, f"import sys; print(*sorted({heavy} & set(sys.modules)))"])
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(folder), *sys.path])}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, check=True, timeout=120, capture_output=True, text=True
    )
    return done.stdout.splitlines()


def calling(kernel):
    """Return lines that call a kernel and print what it answers, and how often it was in the cache and was not."""
    return [
        "import kernels, numpy as np",
        f"print(kernels.{kernel}(np.array([5.0, 3, 2])))",
        f"print(*(sum(found.values()) for found in kernels.{kernel}.stats[1:]))",
    ]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with two kernels in numba's cache: one compiled leanly, the other when that was loaded leanly."""
    path = tmp_path_factory.mktemp("kernels")
    (path / "kernels.py").write_text(KERNELS)
    compiler = "numba.cpython.unicode numba.np.arraymath"
    assert call(path, LEAN, *calling("ordered")) == [ORDERED, "0 1", compiler]
    assert call(path, LEAN, *calling("ordered"), *calling("ends")) == [ORDERED, "1 0", ENDS, "0 1", compiler]
    return path


@pytest.mark.parametrize(("kernel", "answer"), [("ordered", ORDERED), ("ends", ENDS)])
def test_what_is_in_the_cache_is_loaded_without_what_compiles(folder, kernel, answer):
    assert call(folder, LEAN, *calling(kernel)) == [answer, "1 0", ""]


@pytest.mark.parametrize(("kernel", "answer"), [("ordered", ORDERED), ("ends", ENDS)])
def test_numba_itself_loads_what_was_compiled_leanly(folder, kernel, answer):
    assert call(folder, *calling(kernel))[:2] == [answer, "1 0"]


def test_a_loaded_kernel_knows_how_this_process_hashes(folder):
    compiled, loaded = (call(folder, LEAN, *calling("hashed"), "print(hash('kkk'))") for _ in range(2))
    assert [compiled[1], loaded[1]] == ["0 1", "1 0"]
    assert [compiled[0], loaded[0]] == [compiled[2], loaded[2]]


def test_a_loaded_kernel_raises_its_errors(folder):
    lines = ["try: kernels.ends(np.array([0.0][:0]))", "except ValueError as error: print(error)"]
    assert call(folder, LEAN, "import kernels, numpy as np", *lines, *calling("ends"))[0] == "no values"


def test_a_loaded_kernel_can_be_called_for_other_types(folder):
    lines = ["print(kernels.ordered(np.array([5, 3, 2], np.float32)))"]
    assert call(folder, LEAN, *calling("ordered"), *lines)[:3] == [ORDERED, "1 0", ORDERED]


def test_a_version_of_numba_that_is_not_known_inside_is_left_as_it_is(folder):
    known = f"'{numba.__version__}'"
    lines = [f"import numba; numba.__version__ = '9.9.9'; {LEAN}; numba.__version__ = {known}", *calling("ordered")]
    lines += ["import numba.core.codegen as inside; print(inside.JITCPUCodegen._library_class.__module__)"]
    assert call(folder, *lines)[:3] == [ORDERED, "1 0", "numba.core.codegen"]

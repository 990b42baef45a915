"""What each library says of itself on this machine: version, instruction set that it dispatches to, threads.

Asked in a process of its own for each, so that a library that crashes on loading is a line of the answer.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

_TIME_LIMIT_S = 120

_ASK = {
    "cv2": (
        "import cv2; isa = [cv2.getHardwareFeatureName(k) for k in (256, 11, 10, 7) if cv2.checkHardwareSupport(k)];"
        "answer = (isa[0] if isa else 'baseline', cv2.getNumThreads())"
    ),
    "numpy": (
        "import numpy; from numpy._core._multiarray_umath import __cpu_dispatch__ as d, __cpu_features__ as f;"
        "answer = (([n for n in d if f.get(n)] or ['baseline'])[-1], None)"
    ),
    "torch": "import torch; answer = (torch.backends.cpu.get_cpu_capability(), torch.get_num_threads())",
    "numba": (
        "import numba; from llvmlite import binding as b;"
        "f = b.get_host_cpu_features(); isa = [n for n in ('avx512f', 'avx2', 'sse4.2', 'neon') if f.get(n)];"
        "answer = ((isa or ['baseline'])[0], numba.config.NUMBA_NUM_THREADS)"
    ),
    "openvino": (
        "from kontur.hardware.lean_imports import import_openvino; c = import_openvino().Core();"
        "answer = (' '.join(c.get_property('CPU', 'OPTIMIZATION_CAPABILITIES')), None)"
    ),
}
"""Python that sets answer = (what it dispatches to, threads), for libraries that can be asked."""


@dataclass(frozen=True)
class LibraryState:
    """A library on this machine.

    Attributes:
        package: by the name it is imported by.
        version: None where it is not installed.
        loads: whether it can be imported.
        isa: what it says it dispatches to; empty where it does not say.
        threads: its setting; None where it has none that can be asked for.
        fault: why it does not load.
    """

    package: str
    version: str | None
    loads: bool
    isa: str
    threads: int | None
    fault: str


def library_states(packages: Sequence[tuple[str, str]], workers: int = 2) -> list[LibraryState]:
    """Ask libraries, given as (name it is installed by, name it is imported by), side by side."""
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(lambda pair: library_state(*pair), packages))


def library_state(distribution: str, package: str) -> LibraryState:
    """Load a library in a process of its own and ask it."""
    from importlib.metadata import PackageNotFoundError, version
    from importlib.util import find_spec

    try:
        number = version(distribution)
    except PackageNotFoundError:
        number = None
    if number is None or find_spec(package) is None:
        return LibraryState(package, None, False, "", None, "not installed")
    code = _ASK.get(package, f"import {package}; answer = ('', None)") + "\nimport json; print(json.dumps(answer))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=_TIME_LIMIT_S
    )
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or [f"signal {-done.returncode}"])[-1]
        return LibraryState(package, number, False, "", None, last)
    isa, threads = json.loads(done.stdout.splitlines()[-1])
    return LibraryState(package, number, True, isa, threads, "")

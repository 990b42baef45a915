"""One policy for all threads: never more than affinity and cgroup quota allow, set in one place for every library.

`use_threads` is that place; `kontur --threads N` and the environment variable KONTUR_THREADS lead to it. Libraries that are
loaded already are told at once, those that are loaded later read it from their environment variables, and so do child
processes. Runtimes are given `thread_count()` when they open a network.
"""

import os
import sys
from pathlib import Path

_CGROUP = Path("/sys/fs/cgroup")

VARIABLE = "KONTUR_THREADS"
"""Holds the number of threads that was asked for; child processes inherit it."""
LIBRARY_VARIABLES = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "OPENCV_FOR_THREADS_NUM",
)
BLAS_VARIABLE = "OPENBLAS_NUM_THREADS"
"""Always 1: kontur multiplies many small matrices, for which OpenBLAS' threads wait longer than they work."""


def available_cpus(cgroup: Path = _CGROUP) -> int:
    """Return the CPUs this process may use: its affinity, limited by the cgroup's quota (version 2, then 1); at least 1."""
    affinity = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)
    quota = cpu_quota(cgroup)
    return max(1, affinity if quota is None else min(affinity, int(quota + 0.5)))


def cpu_quota(cgroup: Path = _CGROUP) -> float | None:
    """Return the CPUs that the cgroup grants, perhaps a fraction; None when it sets no limit or is not there."""
    pairs = ((cgroup / "cpu.max", None), (cgroup / "cpu/cpu.cfs_quota_us", cgroup / "cpu/cpu.cfs_period_us"))
    for quota_file, period_file in pairs:
        if not quota_file.is_file():
            continue
        words = quota_file.read_text().split()
        if period_file is not None and period_file.is_file():
            words += period_file.read_text().split()
        if len(words) >= 2 and words[0] not in ("max", "-1"):
            return float(words[0]) / float(words[1])
    return None


def thread_count() -> int:
    """Return the threads that one library may use: those asked for, never more than the CPUs available."""
    asked = os.environ.get(VARIABLE, "")
    return min(int(asked), available_cpus()) if asked.isdigit() and int(asked) > 0 else available_cpus()


def use_threads(count: int | None = None) -> int:
    """Let every library use `count` threads, in this process and in those it starts; returns what was granted.

    Args:
        count: 1 or more; None for what was asked for before, or all that are available.
    """
    if count is not None:
        os.environ[VARIABLE] = str(max(1, count))
    granted = thread_count()
    limit_inner_threads(granted)
    return granted


def limit_inner_threads(count: int = 1) -> None:
    """Give each library `count` threads for now, whatever was asked for: for a process that is one of many workers.

    Workers that each render on one core are faster than one worker whose loops are split, and never oversubscribe.
    """
    for name in LIBRARY_VARIABLES:
        os.environ[name] = str(count)
    os.environ[BLAS_VARIABLE] = "1"
    limit_shared_threads(count)
    if "numpy" in sys.modules:
        from threadpoolctl import ThreadpoolController

        ThreadpoolController().select(internal_api="openblas").limit(limits=1)


def limit_shared_threads(count: int) -> None:
    """Tell OpenCV and PyTorch, which have one setting for the whole process, if they are loaded; quick."""
    if cv2 := sys.modules.get("cv2"):
        cv2.setNumThreads(count)
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(count)

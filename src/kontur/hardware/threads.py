"""How many workers this process may use, and how many threads the libraries inside them take."""

import os
from pathlib import Path

import cv2

_CGROUP = Path("/sys/fs/cgroup")
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


def available_cpus(cgroup: Path = _CGROUP) -> int:
    """Return the CPUs this process may use: its affinity, limited by the cgroup's quota (version 2, then 1); at least 1."""
    affinity = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)
    quota = _quota(cgroup)
    return max(1, affinity if quota is None else min(affinity, int(quota + 0.5)))


def _quota(cgroup: Path) -> float | None:
    """CPUs that the cgroup grants; None when it sets no limit or is not there."""
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


def limit_inner_threads(count: int = 1) -> None:
    """Let OpenCV use `count` threads in this process, and BLAS and OpenMP in the processes it starts.

    Workers that each render on one core are faster than one worker whose loops are split, and never oversubscribe.
    """
    cv2.setNumThreads(count)
    for name in _THREAD_VARIABLES:
        os.environ[name] = str(count)

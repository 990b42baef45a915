"""Memory, its bandwidth, and the disk: measured in a second or two."""

import os
import shutil
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

MEMINFO = Path("/proc/meminfo")
_COPY_MB = 128
_COPY_ROUNDS = 4
_DISK_MB = 64
_MEGA = 1_000_000


@dataclass(frozen=True)
class Memory:
    """Memory of the machine, and what may be used of it (the cgroup's limit), GB; None where it cannot be known."""

    total_gb: float | None
    available_gb: float | None
    limit_gb: float | None


@dataclass(frozen=True)
class Disk:
    """The disk under a folder: free space in GB, and how fast a file is written to the end (fsync), MB a second."""

    free_gb: float
    write_mb_per_s: float


def read_memory(meminfo: Path = MEMINFO, cgroup: Path = Path("/sys/fs/cgroup")) -> Memory:
    """Read /proc/meminfo and the limit of the cgroup (version 2, then 1)."""
    rows = (
        dict(line.split(":", 1) for line in meminfo.read_text().splitlines() if ":" in line)
        if meminfo.is_file()
        else {}
    )
    total, available = (_kilobytes(rows.get(name)) for name in ("MemTotal", "MemAvailable"))
    limits = [_bytes(cgroup / name) for name in ("memory.max", "memory/memory.limit_in_bytes")]
    limit = next((value for value in limits if value is not None), None)
    return Memory(total, available, limit if limit is None or total is None or limit < total else None)


def _kilobytes(text: str | None) -> float | None:
    return None if text is None else int(text.split()[0]) * 1024 / 1e9


def _bytes(path: Path) -> float | None:
    text = path.read_text().strip() if path.is_file() else ""
    return int(text) / 1e9 if text.isdigit() else None


def memory_bandwidth(threads: int = 1) -> float:
    """Copy arrays that no cache holds, in threads; returns GB read and written a second, the best of some rounds."""
    pairs = [(np.ones(_COPY_MB * _MEGA // 8), np.empty(_COPY_MB * _MEGA // 8)) for _ in range(threads)]
    best = float("inf")
    with ThreadPoolExecutor(threads) as pool:
        for _ in range(_COPY_ROUNDS):
            start = time.perf_counter()
            list(pool.map(lambda pair: np.copyto(pair[1], pair[0]), pairs))
            best = min(best, time.perf_counter() - start)
    return threads * 2 * _COPY_MB * _MEGA / best / 1e9


def measure_disk(folder: Path) -> Disk:
    """Write a file of 64 MB into a folder and delete it."""
    data = os.urandom(_MEGA) * _DISK_MB
    with tempfile.TemporaryFile(dir=folder) as stream:
        start = time.perf_counter()
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
        seconds = time.perf_counter() - start
    return Disk(shutil.disk_usage(folder).free / 1e9, _DISK_MB / seconds)

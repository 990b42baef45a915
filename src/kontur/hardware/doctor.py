"""What `kontur doctor` says of a machine, as one plain document: no names of people, hosts, files or networks in it."""

import platform
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from kontur import __version__
from kontur.hardware.isa_levels import levels_of
from kontur.hardware.libraries import read_catalogue
from kontur.hardware.library_state import LibraryState, library_states
from kontur.hardware.processor import Processor
from kontur.hardware.resources import measure_disk, memory_bandwidth, read_memory
from kontur.hardware.self_test import Verdict, self_test
from kontur.hardware.threads import LIBRARY_VARIABLES, available_cpus, cpu_quota, thread_count

Report = dict[str, Any]


def examine(
    processor: Processor, folder: Path, network: Path | None, on_progress: Callable[[int, int], None]
) -> Report:
    """Examine the machine: a minute or so, nearly all of it the self-test.

    Args:
        processor: see `processor.read_processor`.
        folder: on the disk that matters.
        network: an exported network, for the self-test.
        on_progress: called with levels of the self-test done and their number.
    """
    verdicts = self_test(levels_of(processor), network, on_progress)
    states = library_states([(entry.distribution, entry.package) for entry in read_catalogue() if entry.package])
    return {
        "kontur": __version__,
        "system": {"python": platform.python_version(), "system": platform.system(), "release": platform.release()},
        "processor": asdict(processor),
        "threads": describe_threads(),
        "memory": {
            **asdict(read_memory()),
            "bandwidth_gb_per_s": {str(n): round(memory_bandwidth(n), 2) for n in sorted({1, available_cpus()})},
        },
        "disk": asdict(measure_disk(folder)),
        "libraries": [asdict(state) for state in states if state.version is not None],
        "self_test": [_plain(verdict) for verdict in verdicts],
        "faults": faults(processor, states, verdicts),
    }


def describe_threads() -> dict[str, Any]:
    """Return the thread policy: CPUs, what limits them, what is granted, and through which variables."""
    import os

    return {
        "cpus": os.cpu_count(),
        "affinity": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "quota": cpu_quota(),
        "available": available_cpus(),
        "granted": thread_count(),
        "variables": {name: os.environ[name] for name in LIBRARY_VARIABLES if name in os.environ},
    }


def faults(processor: Processor, states: Sequence[LibraryState], verdicts: Sequence[Verdict]) -> list[str]:
    """Return what is wrong, one line each: no AVX2, libraries that are installed but do not load, wrong results."""
    lines = [processor.refusal] if processor.refusal else []
    lines += [
        f"{s.package} {s.version} does not load: {s.fault}" for s in states if s.version is not None and not s.loads
    ]
    return lines + [verdict.fault for verdict in verdicts if not verdict.right]


def _plain(verdict: Verdict) -> dict[str, Any]:
    """Return a verdict for JSON, which has no NaN and no infinity."""
    row = asdict(verdict)
    for name in ("difference", "milliseconds"):
        row[name] = round(row[name], 9) if abs(row[name]) < float("inf") else None
    return row

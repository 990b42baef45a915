"""The numeric self-test: each library's key operations agree at every instruction set level, else the wrong one is named.

Every level runs in a process of its own, because libraries choose their kernels when they are loaded. The lowest level is
the reference: it uses the least special code. Results must agree to a tolerance relative to the reference's spread, for
sums in another order round differently; pictures of 8 bits may differ by one grey level.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import nan
from pathlib import Path
from typing import Any

import numpy as np

from kontur.errors import KonturError
from kontur.hardware.isa_levels import LEVELS_OF, VARIABLES, Level

TOLERANCE = 1e-3
"""Of the greatest absolute value of the reference."""
GREY_LEVEL_OPERATIONS = ("warp", "resize")
"""Their results are rounded to whole grey levels, which may fall either way."""
_TIME_LIMIT_S = 300

Document = Mapping[str, Mapping[str, Mapping[str, Any]]]
"""What `operations` prints: library, operation, then values and milliseconds."""


@dataclass(frozen=True)
class Verdict:
    """An operation at a level.

    Attributes:
        library, operation, level: which one.
        difference: greatest, relative to the greatest value of the reference; inf where a value is not a number.
        milliseconds: its least time; nan where it does not run.
        right: whether it agrees.
        refusal: why the library does not run it at this level; that is told, but no wrong result.
    """

    library: str
    operation: str
    level: str
    difference: float
    milliseconds: float
    right: bool
    refusal: str = ""

    @property
    def fault(self) -> str:
        """The wrong path by name; empty where all is right."""
        if self.right:
            return ""
        how = LEVELS_OF.get(self.library, "no variable")
        return f"{self.library}: {self.operation} is wrong at {self.level} (off by {self.difference:.2g}; {how})"


def run_level(level: Level, network: Path | None, rounds: int = 1) -> Document:
    """Perform the operations in a process that is held to a level.

    Raises:
        KonturError: the process crashed, which is a wrong path too; its last line is given.
    """
    environment = {name: value for name, value in os.environ.items() if name not in VARIABLES} | level.environment
    command = [sys.executable, "-m", "kontur.hardware.operations", "--rounds", str(rounds)]
    command += ["--network", str(network)] if network else []
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=_TIME_LIMIT_S)
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or [f"signal {-done.returncode}"])[-1]
        raise KonturError(f"self-test at {level.name}: the process ended with {done.returncode}: {last}")
    document: Document = json.loads(done.stdout)
    return document


def judge(documents: Sequence[tuple[str, Document]]) -> Iterator[Verdict]:
    """Compare the documents of levels, the lowest first; the lowest that runs an operation is its reference."""
    for name, document in documents:
        for library, rows in document.items():
            for operation, row in rows.items():
                yield _verdict(library, operation, name, row, _reference(documents, library, operation))


def _reference(documents: Sequence[tuple[str, Document]], library: str, operation: str) -> Mapping[str, Any]:
    """Return the result at the lowest level that runs the operation; at the lowest of all where none does."""
    rows = [document[library][operation] for _, document in documents]
    return next((row for row in rows if "refusal" not in row), rows[0])


def _verdict(library: str, operation: str, level: str, row: Mapping[str, Any], reference: Mapping[str, Any]) -> Verdict:
    if "refusal" in row or "refusal" in reference:
        return Verdict(library, operation, level, nan, row.get("milliseconds", nan), True, row.get("refusal", ""))
    got, expected = np.array(row["values"], np.float64), np.array(reference["values"], np.float64)
    largest = float(np.abs(expected).max()) or 1.0
    difference = float(np.abs(got - expected).max()) / largest if got.shape == expected.shape else float("inf")
    difference = difference if np.isfinite(difference) else float("inf")
    allowed = max(TOLERANCE, 1 / largest) if operation in GREY_LEVEL_OPERATIONS else TOLERANCE
    return Verdict(library, operation, level, difference, float(row["milliseconds"]), difference <= allowed)


def self_test(
    levels: Sequence[Level], network: Path | None, on_progress: Callable[[int, int], None], rounds: int = 1
) -> list[Verdict]:
    """Run all levels one after the other and compare them.

    Args:
        levels: the lowest first.
        network: an exported network that runs in every engine too.
        on_progress: called with levels done and their number.
        rounds: how often each operation is timed.
    """
    documents = []
    for done, level in enumerate(levels):
        on_progress(done, len(levels))
        documents.append((level.name, run_level(level, network, rounds)))
    on_progress(len(levels), len(levels))
    return list(judge(documents))

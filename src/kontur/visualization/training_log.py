"""Lightning's CSV logs, read back: the curves of a training, over its interruptions."""

import csv
from pathlib import Path

Curves = dict[str, tuple[list[int], list[float]]]
"""Column name -> steps and values."""


def read_training_log(runs: Path) -> Curves:
    """Return the curves of the newest run; when it continued an earlier one, with what that one had reached before.

    Args:
        runs: the workspace's models/runs, with run_*/metrics.csv in the order of time by name.

    Returns:
        no curves when there is no log.
    """
    rows: list[dict[str, str]] = []
    for path in sorted(runs.glob("*/metrics.csv"), reverse=True):
        with path.open(newline="") as stream:
            table = [row for row in csv.DictReader(stream) if row.get("step")]
        first = min((int(row["step"]) for row in rows), default=None)
        rows = [row for row in table if first is None or int(row["step"]) < first] + rows
        if rows and not _continues(rows):
            break
    names = {name for row in rows for name in row} - {"step", "epoch"}
    return {name: _curve(rows, name) for name in sorted(names) if any(row.get(name) for row in rows)}


def _continues(rows: list[dict[str, str]]) -> bool:
    """Whether a log starts later than a fresh training's first lines would."""
    return min(int(row["step"]) for row in rows) > _FIRST_STEPS


_FIRST_STEPS = 50
"""A fresh run has logged something by this step (it logs every 10)."""


def _curve(rows: list[dict[str, str]], name: str) -> tuple[list[int], list[float]]:
    pairs = [(int(row["step"]), float(row[name])) for row in rows if row.get(name)]
    return [step for step, _ in pairs], [value for _, value in pairs]

"""What every command shares: the workspace option, error reporting, progress and JSON output."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from math import inf
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

PIPE_COLUMNS = 160
"""Width of tables that go into a file or pipe, where there is no terminal to ask."""

OUT = Console(width=None if sys.stdout.isatty() else PIPE_COLUMNS)
ERR = Console(stderr=True)

WorkspaceOption = Annotated[
    Path, typer.Option("-C", "--workspace", metavar="DIR", help="The workspace; the current folder by default.")
]
JsonOption = Annotated[
    bool, typer.Option("--json", help="Print one JSON document on standard output, nothing else there.")
]


class EngineName(StrEnum):
    """Who proposes parts: the trained network, the matcher, or both together."""

    NETWORK = "network"
    MATCH = "match"
    BOTH = "both"


EngineOption = Annotated[
    EngineName,
    typer.Option(
        help="Who proposes: the trained network, the matcher (no training), or both, each finding what the other misses."
    ),
]


def _check_scale(mm_per_px: tuple[float, float] | None) -> tuple[float, float] | None:
    if mm_per_px and not 0 < mm_per_px[0] <= mm_per_px[1] < inf:
        raise typer.BadParameter(f"expected 0 < LOW <= HIGH, got {mm_per_px[0]:g} {mm_per_px[1]:g}")
    return mm_per_px


ScaleOption = Annotated[
    tuple[float, float] | None,
    typer.Option(
        "--mm-per-px",
        metavar="LOW HIGH",
        callback=_check_scale,
        help="Range of millimetres per pixel; overrides the configuration.",
    ),
]

RuntimeOption = Annotated[
    str | None,
    typer.Option(
        "--runtime",
        metavar="NAME",
        help="What runs the network: onnxruntime, openvino, opencv, pytorch or pytorch-compiled; "
        "by default what `kontur tune` found the fastest, or onnxruntime.",
    ),
]
PrecisionOption = Annotated[
    str | None,
    typer.Option("--precision", metavar="NAME", help="fp32, bf16 or int8; by default what `kontur tune` found."),
]
ThreadsOption = Annotated[
    int | None,
    typer.Option(
        "--threads",
        min=1,
        envvar="KONTUR_THREADS",
        help="Threads for every library; never more than affinity and quota allow, which is the default.",
    ),
]

Progress = Callable[[int, int | None], None]
"""Called as progress(done, total) by long work; total None where it is not known."""


def print_json(document: Any) -> None:
    """Print one JSON document on standard output."""
    json.dump(document, sys.stdout, indent=1, allow_nan=False)
    sys.stdout.write("\n")


@contextmanager
def progress_bar(title: str, unit: str = "") -> Iterator[Progress]:
    """Show a bar with remaining time on standard error while the block runs; yields progress(done, total)."""
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        ProgressColumn,
        Task,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )
    from rich.text import Text

    class Speed(ProgressColumn):
        def render(self, task: Task) -> Text:
            """Return the speed, once it is known."""
            return Text(f"{task.finished_speed or task.speed or 0:.1f}/s")

    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn(unit), Speed(),
        TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=ERR) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)

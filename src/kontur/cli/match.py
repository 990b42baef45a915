"""`kontur match` and `kontur templates`: finding parts from their drawings alone."""

from pathlib import Path
from typing import Any

import typer
from rich.markup import escape

from kontur.cli.common import OUT, JsonOption, ScaleOption, ThreadsOption, WorkspaceOption, print_json
from kontur.cli.detect import OutOption, SaveOption, SourcesArgument, run_detector


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(match)
    app.command()(templates)


def match(
    sources: SourcesArgument,
    out: OutOption,
    workspace: WorkspaceOption = Path(),
    mm_per_px: ScaleOption = None,
    threads: ThreadsOption = None,
    save: SaveOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find the parts in pictures with no training; write detections.json, coco.json and overlays/, or what --save says.

    Example: kontur match photos/ --out results --mm-per-px 0.55 0.85
    """
    from kontur.hardware.lean_imports import quick_start
    from kontur.sources import open_source
    from kontur.workspace import open_workspace

    source, space = open_source(sources), open_workspace(workspace)
    with quick_start():
        from kontur.modeling.inference import load_detector

        detector = load_detector(space, mm_per_px, "match", threads=threads)
    run_detector(detector, source, out, as_json, save)


def templates(workspace: WorkspaceOption = Path(), mm_per_px: ScaleOption = None, as_json: JsonOption = False) -> None:
    """Build the matcher's templates, unless they are there, and list those that are stored.

    Example: kontur templates --mm-per-px 0.55 0.85
    """
    from kontur.modeling.shape_matching import load_matcher
    from kontur.modeling.template_store import stored_banks
    from kontur.workspace import open_workspace

    space = open_workspace(workspace)
    load_matcher(space, mm_per_px)
    rows = stored_banks(space.templates)
    if as_json:
        print_json({"templates": rows})
        return
    _print_banks(rows)


def _print_banks(rows: list[dict[str, Any]]) -> None:
    from rich.table import Table

    table = Table("file", "parts", "mm/px", "faces", "templates", "px per cell")
    for row in rows:
        low, high = row["px_per_mm"]
        span = f"{1 / high:.3g} .. {1 / low:.3g}"
        table.add_row(
            escape(row["file"]),
            str(len(row["parts"])),
            span,
            row["faces"],
            str(row["templates"]),
            str(row["reduction"]),
        )
    OUT.print(table)

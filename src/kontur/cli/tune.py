"""`kontur tune`: which runtime is the fastest here."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from kontur.cli.common import OUT, JsonOption, ThreadsOption, WorkspaceOption, print_json, progress_bar

if TYPE_CHECKING:
    from kontur.modeling.tune import Row

MOST_PICTURES = 4


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(tune)


def tune(
    pictures: Annotated[
        list[str] | None,
        typer.Argument(metavar="[PICTURES...]", help="Pictures like those to come; generated ones by default."),
    ] = None,
    workspace: WorkspaceOption = Path(),
    threads: ThreadsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Measure runtimes, precisions and threads on this machine, and keep the fastest correct one for detect and serve.

    Each is compared with PyTorch's answers. int8 takes part once `kontur export --precision int8` has written it.

    Example: kontur tune

    Example: kontur tune photos/ --json
    """
    from kontur.hardware.threads import use_threads
    from kontur.modeling.runtime_choice import store_choice
    from kontur.modeling.tune import tune as measure
    from kontur.workspace import open_workspace

    space = open_workspace(workspace)
    use_threads(threads)
    shown = _pictures(pictures or [str(space.processed / "val" / "images")])
    with progress_bar("tuning", "steps") as on_progress:
        rows = measure(space, shown, on_progress)
    use_threads(threads)
    best = rows[0]
    size_wh = [shown[0].shape[1], shown[0].shape[0]]
    document = {"size_wh": size_wh, "rows": [_plain(row) for row in rows]}
    path = store_choice(space, best.choice, document)
    if as_json:
        print_json({"chosen": _plain(best), **document})
        return
    _print(rows)
    OUT.print(f"wrote {path}; detect and serve use its first row", highlight=False, soft_wrap=True)


def _pictures(words: list[str]) -> list[Any]:
    """Return up to MOST_PICTURES pictures of one size: that of the first."""
    from kontur.pictures import find_pictures, read_picture

    read = [read_picture(path) for path in find_pictures(words)[:MOST_PICTURES]]
    return [picture for picture in read if picture.shape == read[0].shape]


def _plain(row: "Row") -> dict[str, Any]:
    choice = row.choice
    return {
        "runtime": choice.runtime, "precision": choice.precision, "threads": choice.threads,
        "milliseconds": row.milliseconds and round(row.milliseconds, 3), "agreement": round(row.agreement, 6),
        "offset_px": round(row.offset_px, 4), "fault": row.fault,
    }  # fmt: skip


def _print(rows: "list[Row]") -> None:
    from rich.table import Table

    table = Table("runtime", "precision", "threads", "ms a picture", "cells agree", "votes differ px", "")
    for row in rows:
        choice = row.choice
        time = "-" if row.milliseconds is None else f"{row.milliseconds:.1f}"
        agree, offset = ("-", "-") if row.milliseconds is None else (f"{row.agreement:.2%}", f"{row.offset_px:.2f}")
        table.add_row(choice.runtime, choice.precision, str(choice.threads), time, agree, offset, escape(row.fault))
    OUT.print(table)

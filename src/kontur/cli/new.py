"""`kontur new`: make a workspace."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from kontur.cli.common import OUT
from kontur.errors import DrawingError


def new(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder to make the workspace in.")],
    drawings: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Copy the drawings (.dxf, .dxf.gz) of this folder.")
    ] = None,
) -> None:
    """Make a workspace: folders, commented configuration, and copies of your drawings.

    Example: kontur new brackets --drawings ~/cad/brackets
    """
    from kontur.drawing import find_drawings
    from kontur.scaffold import create_workspace

    if drawings and not drawings.exists():
        raise DrawingError(f"{drawings}: no such folder; give one that holds .dxf files")
    workspace = create_workspace(folder, find_drawings([drawings]) if drawings else [])
    count = sum(1 for _ in workspace.drawings.iterdir())
    OUT.print(f"made {folder} with {count} drawing{'s' * (count != 1)}", highlight=False, markup=False, soft_wrap=True)
    if not count:
        OUT.print(f"next: put .dxf files into {workspace.drawings}, then run:", markup=False, soft_wrap=True)
    else:
        OUT.print("next:", markup=False)
    OUT.print(f"  kontur inspect -C {shlex.quote(str(folder))}", highlight=False, markup=False, soft_wrap=True)


def register(app: typer.Typer) -> None:
    """Add `kontur new`."""
    app.command()(new)

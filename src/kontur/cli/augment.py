"""`kontur augment`: photographs as other cameras would have taken them."""

from pathlib import Path
from typing import Annotated

import typer

from kontur.cli.common import OUT, JsonOption, WorkspaceOption, print_json, progress_bar
from kontur.cli.generate import AUTO, ExecutorName, parse_workers


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(augment)


def augment(
    pictures: Annotated[
        list[str] | None,
        typer.Argument(help="Pictures, folders or globs; the workspace's data/raw/images by default."),
    ] = None,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where the variants go.")] = Path("augmented"),
    workspace: WorkspaceOption = Path(),
    count: Annotated[int, typer.Option(min=1, help="Variants of each picture.")] = 4,
    seed: Annotated[int, typer.Option(min=0, help="Another seed makes other variants.")] = 0,
    executor: Annotated[ExecutorName, typer.Option(help="Where the work runs.")] = ExecutorName.THREADS,
    workers: Annotated[
        str, typer.Option(metavar="N|auto", help="How many at a time; auto: one for each usable CPU.")
    ] = AUTO,
    as_json: JsonOption = False,
) -> None:
    """Write variants of photographs with the lens and sensor of the configuration: blur, noise, colours, exposure.

    Nothing in them moves, so labels of the photographs hold for their variants.

    Example: kontur augment photographs/*.jpg --out more --count 8
    """
    from kontur.data_preprocessing.augment_files import augment_files
    from kontur.data_preprocessing.data_config import load_data_config
    from kontur.data_preprocessing.executors import Crew
    from kontur.pictures import find_pictures
    from kontur.workspace import open_workspace

    space = open_workspace(workspace)
    config = load_data_config(space.data_config)
    found = find_pictures(pictures or [space.backgrounds])
    crew = Crew(executor.value, parse_workers(workers))
    with progress_bar("augment", "pictures") as on_progress:
        files = augment_files(found, out, config, count, seed, crew, on_progress)
    if as_json:
        print_json({"folder": str(out), "pictures": len(found), "files": [str(file) for file in files]})
        return
    OUT.print(f"{len(files)} variants of {len(found)} pictures in {out}", highlight=False, soft_wrap=True)

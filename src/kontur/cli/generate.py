"""`kontur generate` and `kontur preview`: synthetic pictures with their truth."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from kontur.cli.common import ERR, OUT, JsonOption, ScaleOption, WorkspaceOption, print_json, progress_bar

AUTO = "auto"


class ExecutorName(StrEnum):
    """Where the work runs."""

    THREADS = "threads"
    PROCESSES = "processes"
    DASK = "dask"
    ASYNCIO = "asyncio"


def register(app: typer.Typer) -> None:
    """Add `kontur generate` and `kontur preview`."""
    app.command()(generate)
    app.command()(preview)


def generate(
    workspace: WorkspaceOption = Path(),
    count: Annotated[int | None, typer.Option(min=1, help="Samples; the configuration's count by default.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Another seed makes another data set.")] = 0,
    executor: Annotated[
        ExecutorName | None,
        typer.Option(help="Where the work runs; by default threads for one or two workers, processes for more."),
    ] = None,
    workers: Annotated[
        str, typer.Option(metavar="N|auto", help="How many at a time; auto: one for each usable CPU.")
    ] = AUTO,
    scheduler: Annotated[
        str | None, typer.Option(metavar="tcp://HOST:PORT", help="A running Dask scheduler, for --executor dask.")
    ] = None,
    shards: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Write tar shards to this folder or URL (s3://...), not the workspace."),
    ] = None,
    class_masks: Annotated[
        bool | None, typer.Option(help="Also write class maps: grey value k is class k; overrides the configuration.")
    ] = None,
    mm_per_px: ScaleOption = None,
    as_json: JsonOption = False,
) -> None:
    """Draw labelled pictures of the workspace's parts.

    The same seed, configuration and drawings always give the same files; an interrupted run goes on where it was. When the
    configuration, the seed or a drawing has changed, the old samples are deleted and drawn anew.

    Example: kontur generate -C brackets --count 2000 --mm-per-px 0.5 0.8

    Example: kontur generate --count 1000000 --shards s3://bucket/brackets --executor dask --scheduler tcp://10.0.0.1:8786
    """
    from kontur.data_preprocessing.executors import Crew, usual_kind
    from kontur.data_preprocessing.faces import mirror_conflicts
    from kontur.data_preprocessing.generate import generate as write_dataset
    from kontur.data_preprocessing.part_list import open_parts
    from kontur.data_preprocessing.shards import generate_shards
    from kontur.workspace import open_workspace

    space = open_workspace(workspace)
    size = parse_workers(workers)
    crew = Crew(executor.value if executor else usual_kind(size), size, scheduler)
    config, parts, drawings = open_parts(space)
    config = config.with_scale(mm_per_px).with_class_masks(class_masks)
    if config.faces == "both":
        _tell_conflicts(mirror_conflicts(parts))
    what = (space, config, parts, drawings, count or config.dataset.count)
    with progress_bar("generate", "samples") as on_progress:
        if shards:
            manifest = generate_shards(*what, shards, seed, crew, on_progress)
        else:
            manifest = write_dataset(*what, seed, crew, on_progress)
    place = shards or str(space.processed)
    summary = {"folder": place, "count": manifest.count, "parts": list(manifest.part_names), "seed": seed}
    if as_json:
        print_json(summary)
        return
    OUT.print(f"{manifest.count} samples of {len(parts)} parts in {place}", highlight=False, soft_wrap=True)


def preview(
    out: Annotated[Path, typer.Option(metavar="PICTURE", help="The picture to write.")] = Path("preview.png"),
    workspace: WorkspaceOption = Path(),
    count: Annotated[int, typer.Option(min=1, max=400, help="Samples on the sheet, or in each row of a sweep.")] = 24,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the samples.")] = 0,
    labels: Annotated[bool, typer.Option(help="Draw contours, names and axes of the truth.")] = True,
    sweep: Annotated[
        str | None, typer.Option(metavar="SECTION.KEY", help="Show what this range or probability does, row by row.")
    ] = None,
    steps: Annotated[int, typer.Option(min=2, max=20, help="Rows of a sweep.")] = 5,
    mm_per_px: ScaleOption = None,
) -> None:
    """Write a contact sheet of samples as `kontur generate` would draw them, without writing a data set.

    Example: kontur preview -C brackets --out sheet.png --no-labels

    Example: kontur preview -C brackets --sweep light.elevation_deg --count 4
    """
    from kontur.data_preprocessing.part_list import open_parts
    from kontur.data_preprocessing.preview import contact_sheet, sweep_configs, sweep_sheet
    from kontur.data_preprocessing.render import background_pictures, make_context, render_sample
    from kontur.pictures import write_picture
    from kontur.visualization.overlay import draw_truth
    from kontur.workspace import open_workspace

    space = open_workspace(workspace)
    config, parts, _ = open_parts(space)
    config = config.with_scale(mm_per_px)
    wanted = sweep_configs(config, sweep, steps) if sweep else [("", config)]
    pictures = background_pictures(space.backgrounds)
    rows = []
    with progress_bar("preview", "samples") as on_progress:
        for number, (caption, changed) in enumerate(wanted):
            context = make_context(changed, parts, pictures)
            shown = []
            for index in range(count):
                sample = render_sample(context, seed, index)
                shown.append(draw_truth(sample, parts) if labels else sample.image)
                on_progress(number * count + index + 1, len(wanted) * count)
            rows.append((caption, shown))
    write_picture(out, sweep_sheet(rows) if sweep else contact_sheet(rows[0][1]))
    OUT.print(f"wrote {out}", highlight=False, soft_wrap=True)


def parse_workers(text: str) -> int:
    """Return the number of workers, 0 for "auto".

    Raises:
        typer.BadParameter: neither a positive number nor "auto".
    """
    if text == AUTO:
        return 0
    if text.isdigit() and int(text) > 0:
        return int(text)
    raise typer.BadParameter(f"--workers {text}: expected a positive number or {AUTO}")


def _tell_conflicts(pairs: list[tuple[str, str]]) -> None:
    for a, b in pairs:
        ERR.print(
            f"[yellow]warning:[/] {a} face down looks like {b}; set `faces: up` if parts never lie face down",
            highlight=False, soft_wrap=True,
        )  # fmt: skip

"""`kontur bench`: what more workers, and more of the instruction set, bring on this machine."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kontur.cli.common import OUT, JsonOption, WorkspaceOption, print_json, progress_bar

if TYPE_CHECKING:
    from kontur.hardware.self_test import Verdict
    from kontur.modeling.scaling import Point

FEW_CPUS = 4
ISA_ROUNDS = 9


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(bench)


def bench(
    workspace: WorkspaceOption = Path(),
    workers: Annotated[int | None, typer.Option(min=1, help="Most workers; all available CPUs by default.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Measure how generating, training and detecting scale with workers, and operations with the instruction set.

    Writes reports/bench/bench.json and scaling.png. Some minutes; leave the machine alone meanwhile.

    Example: kontur bench
    """
    import json
    from dataclasses import asdict

    from kontur.files import write_text
    from kontur.hardware.isa_levels import levels_of
    from kontur.hardware.processor import read_processor
    from kontur.hardware.self_test import self_test
    from kontur.hardware.threads import available_cpus, use_threads
    from kontur.modeling.scaling import measure_scaling
    from kontur.visualization.plot_scaling import plot_scaling
    from kontur.workspace import open_workspace

    space = open_workspace(workspace)
    cpus = available_cpus()
    with progress_bar("scaling", "steps") as on_progress:
        points = measure_scaling(space, workers or cpus, on_progress)
    use_threads(1)
    network = space.onnx if space.onnx.is_file() else None
    with progress_bar("instruction sets", "levels") as on_progress:
        verdicts = self_test(levels_of(read_processor()), network, on_progress, ISA_ROUNDS)
    document = {
        "cpus": cpus,
        "scaling": [asdict(point) for point in points],
        "models": _models(points),
        "isa_ms": _isa_rows(verdicts),
        "limits": _limits(cpus),
    }
    folder = space.reports / "bench"
    write_text(folder / "bench.json", json.dumps(document, indent=1) + "\n")
    plot_scaling(points).savefig(folder / "scaling.png", dpi=150)
    if as_json:
        print_json(document)
        return
    _print(document)
    OUT.print(f"wrote {folder / 'bench.json'} and scaling.png", highlight=False, soft_wrap=True)


def _models(points: "list[Point]") -> list[dict[str, Any]]:
    from kontur.modeling.scaling import fit_amdahl, fit_gustafson
    from kontur.visualization.plot_scaling import speed_ups

    return [
        {
            "work": work, "kind": kind, "workers": counts, "speed_up": [round(value, 3) for value in gain],
            "amdahl_parallel_share": round(fit_amdahl(counts, gain), 3),
            "gustafson_serial_share": round(fit_gustafson(counts, gain), 3),
        }
        for (work, kind), (counts, gain) in speed_ups(points).items()
    ]  # fmt: skip


def _isa_rows(verdicts: "list[Verdict]") -> dict[str, dict[str, float | None]]:
    """Return by "library: operation" the ms at each level, None where it does not run."""
    rows: dict[str, dict[str, float | None]] = {}
    for row in verdicts:
        row_of = rows.setdefault(f"{row.library}: {row.operation}", {})
        row_of[row.level] = None if row.refusal else round(row.milliseconds, 4)
    return rows


def _limits(cpus: int) -> str:
    if cpus >= FEW_CPUS:
        return (
            "Amdahl's and Gustafson's shares are models fitted to the points; beyond the last point they are guesses."
        )
    return (
        f"With {cpus} CPUs this shows whether a second worker pays and what the instruction set brings. It cannot show "
        "where memory bandwidth, caches or NUMA end the gain of many cores: shares fitted to two points are models, "
        "not evidence."
    )


def _print(document: dict[str, Any]) -> None:
    from rich.table import Table

    table = Table("work", "as", "workers", "pictures/s", "speed-up", "Amdahl p", "Gustafson s")
    models = {(row["work"], row["kind"]): row for row in document["models"]}
    for point in document["scaling"]:
        model = models[point["work"], point["kind"]]
        gain = model["speed_up"][model["workers"].index(point["workers"])]
        shares = f"{model['amdahl_parallel_share']:.2f}", f"{model['gustafson_serial_share']:.2f}"
        row = (point["work"], point["kind"], str(point["workers"]), f"{point['per_second']:.1f}", f"{gain:.2f}")
        table.add_row(*row, *shares)
    OUT.print(table)
    levels = list(dict.fromkeys(level for row in document["isa_ms"].values() for level in row))
    table = Table("ms at", *levels)
    for name, row in document["isa_ms"].items():
        table.add_row(name, *("does not run" if row.get(level) is None else f"{row[level]:.2f}" for level in levels))
    OUT.print(table)
    OUT.print(document["limits"], highlight=False)

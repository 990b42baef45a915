"""`kontur doctor` and `kontur libraries`: the machine and the libraries on it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from kontur.cli.common import ERR, OUT, JsonOption, ThreadsOption, WorkspaceOption, print_json, progress_bar

if TYPE_CHECKING:
    from kontur.hardware.libraries import Entry

EXIT_FAULT = 1


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(doctor)
    app.command()(libraries)


def doctor(
    workspace: WorkspaceOption = Path(),
    threads: ThreadsOption = None,
    force: Annotated[bool, typer.Option("--force", help="Go on although the processor has no AVX2.")] = False,
    cpuinfo: Annotated[Path, typer.Option(metavar="FILE", help="Judge by another machine's /proc/cpuinfo.")] = Path(
        "/proc/cpuinfo"
    ),
    as_json: JsonOption = False,
) -> None:
    """Examine this machine: processor, memory, disk, libraries; and test that every SIMD path computes rightly.

    The workspace's exported network, if there is one, is tested too. Exit code 1 when something is wrong.

    Example: kontur doctor

    Example: kontur doctor --json
    """
    from kontur.hardware.doctor import examine
    from kontur.hardware.processor import read_processor
    from kontur.hardware.threads import use_threads
    from kontur.workspace import Workspace

    processor = read_processor(cpuinfo)
    if processor.refusal and not force:
        ERR.print(f"[bold red]error:[/] {escape(processor.refusal)}", highlight=False, soft_wrap=True)
        raise typer.Exit(EXIT_FAULT)
    use_threads(threads)
    network = Workspace(workspace).onnx
    with progress_bar("self-test", "levels") as on_progress:
        report = examine(processor, workspace, network if network.is_file() else None, on_progress)
    if as_json:
        print_json(report)
    else:
        _print(report)
    if report["faults"]:
        raise typer.Exit(EXIT_FAULT)


def _print(report: dict[str, Any]) -> None:
    from rich.table import Table

    facts = Table(show_header=False)
    for name, text in _facts(report):
        facts.add_row(name, escape(text))
    OUT.print(facts)
    table = Table("library", "version", "dispatches to", "threads", "loads")
    for row in report["libraries"]:
        threads = "" if row["threads"] is None else str(row["threads"])
        table.add_row(row["package"], row["version"], escape(row["isa"]), threads, "yes" if row["loads"] else "NO")
    OUT.print(table)
    _print_self_test(report["self_test"])
    for line in report["faults"]:
        OUT.print(f"[bold red]wrong:[/] {escape(line)}", highlight=False, soft_wrap=True)
    if not report["faults"]:
        OUT.print("all is well", highlight=False)


def _facts(report: dict[str, Any]) -> list[tuple[str, str]]:
    processor, threads, memory, disk = (report[name] for name in ("processor", "threads", "memory", "disk"))
    has = [name for name, there in processor["features"].items() if there]
    lacks = [name for name, there in processor["features"].items() if not there]
    quota = "none" if threads["quota"] is None else f"{threads['quota']:g}"
    speed = ", ".join(f"{value:g} GB/s with {n}" for n, value in memory["bandwidth_gb_per_s"].items())
    total, available = (memory[name] for name in ("total_gb", "available_gb"))
    size = "unknown" if total is None or available is None else f"{total:.1f} GB, {available:.1f} GB free"
    return [
        (
            "processor",
            f"{processor['name']} ({processor['architecture']}{', virtual' if processor['virtual'] else ''})",
        ),
        ("instruction sets", f"{', '.join(has) or 'unknown'}; not: {', '.join(lacks) or '-'}"),
        ("CPUs", f"{threads['cpus']}, affinity {threads['affinity']}, quota {quota}"),
        ("threads", f"{threads['granted']} for each library (--threads, KONTUR_THREADS)"),
        ("memory", f"{size}; copies at {speed} threads"),
        ("disk", f"{disk['free_gb']:.0f} GB free, writes {disk['write_mb_per_s']:.0f} MB/s"),
    ]


def _print_self_test(verdicts: list[dict[str, Any]]) -> None:
    from rich.table import Table

    levels = list(dict.fromkeys(row["level"] for row in verdicts))
    table = Table("self-test: ms", "operation", *levels)
    for library, operation in dict.fromkeys((row["library"], row["operation"]) for row in verdicts):
        cells = {row["level"]: row for row in verdicts if (row["library"], row["operation"]) == (library, operation)}
        table.add_row(library, operation, *(_cell(cells[level]) for level in levels))
    OUT.print(table)


def _cell(row: dict[str, Any]) -> str:
    if row["refusal"]:
        return "does not run"
    return f"{row['milliseconds']:.2f}" + ("" if row["right"] else " WRONG")


def libraries(
    measure: Annotated[bool, typer.Option("--measure", help="Run the three tasks with those installed.")] = False,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = Path(),
) -> None:
    """List the computer vision and machine learning libraries that work on a CPU: what for, and when not.

    Example: kontur libraries --measure
    """
    from kontur.hardware.libraries import installed_version, read_catalogue
    from kontur.hardware.library_tasks import measure_tasks

    del workspace  # every command takes -C; this one reads nothing there
    catalogue = read_catalogue()
    versions = {entry.name: installed_version(entry) for entry in catalogue}
    rows: dict[str, dict[str, float]] = {}
    if measure:
        with progress_bar("measuring", "libraries") as on_progress:
            rows = measure_tasks(on_progress)
    if as_json:
        facts = [(entry.model_dump(mode="json"), entry.name) for entry in catalogue]
        print_json([{**fact, "installed": versions[name], "ms": rows.get(name, {})} for fact, name in facts])
        return
    _print_catalogue(catalogue, versions, rows)


def _print_catalogue(
    catalogue: "tuple[Entry, ...]", versions: dict[str, str | None], rows: dict[str, dict[str, float]]
) -> None:
    from rich.table import Table

    from kontur.hardware.library_tasks import TASKS

    table = Table("library", "installed", "licence", "role", "choose it", *(TASKS if rows else ()))
    for entry in catalogue:
        times = rows.get(entry.name, {})
        cells = [f"{times[task]:.1f} ms" if task in times else "" for task in TASKS] if rows else []
        facts = [fact.says or "unknown" for fact in (entry.licence, entry.role)]
        table.add_row(entry.name, versions[entry.name] or "", *facts, entry.choose.says, *cells)
    OUT.print(table)

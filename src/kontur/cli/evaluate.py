"""`kontur evaluate`: measure a detector on pictures whose content is known."""

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kontur.cli.common import (
    OUT,
    EngineName,
    EngineOption,
    JsonOption,
    ScaleOption,
    ThreadsOption,
    WorkspaceOption,
    print_json,
    progress_bar,
)  # fmt: skip

if TYPE_CHECKING:
    from kontur.modeling.detections import Detector
    from kontur.modeling.evaluate import Run
    from kontur.modeling.evaluation import EngineRow, Evaluation, Spread
    from kontur.modeling.ground_truth import GroundTruth
    from kontur.workspace import Workspace

WORST_PARTS_SHOWN = 5


class Split(StrEnum):
    """Pictures that the training does not learn from."""

    TEST = "test"
    VAL = "val"


DETECTOR_NAMES = {"network": "network", "match": "matcher", "both": "network and matcher"}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(evaluate)


def evaluate(
    workspace: WorkspaceOption = Path(),
    split: Annotated[Split, typer.Option(help="The part of the data set to measure on.")] = Split.TEST,
    annotated: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Measure on your own pictures: a folder annotated in COCO's or YOLO's format."
        ),
    ] = None,
    render: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Measure on N pictures rendered for it; no data set is needed."),
    ] = None,
    engine: EngineOption = EngineName.NETWORK,
    mm_per_px: ScaleOption = None,
    threads: ThreadsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Measure a detector on pictures it has not seen; write reports/ (page, plots, results).

    With --engine both, the network, the matcher and both together are measured and shown side by side.

    Example: kontur evaluate --split val

    Example: kontur evaluate --annotated photos --engine both

    Example, after kontur train --on-the-fly: kontur evaluate --render 100
    """
    from kontur.data_preprocessing.part_list import open_parts
    from kontur.modeling.annotated import read_annotated
    from kontur.modeling.evaluation import write_evaluation
    from kontur.modeling.ground_truth import read_split, render_truth
    from kontur.modeling.inference import load_detector
    from kontur.modeling.results import write_detections
    from kontur.workspace import open_workspace

    space = open_workspace(workspace)
    names = list(EngineName) if engine is EngineName.BOTH else [engine]
    detectors = {name: load_detector(space, mm_per_px, engine=name.value, threads=threads) for name in names}
    data_config, parts, _ = open_parts(space)
    if annotated is not None:
        truth, source = read_annotated(annotated, parts), f"--annotated {annotated}"
    elif render is not None:
        truth, source = render_truth(space, data_config, parts, render), f"--render {render}"
    else:
        truth, source = read_split(space, split.value, parts), f"--split {split}"
    run, evaluation = _measure(detectors, truth)
    write_detections(space.reports / "detections.json", run.results)
    write_evaluation(space.reports, evaluation)
    command = f"kontur evaluate --engine {engine.value} {source}"
    page = _write_report(space, truth, run, evaluation, _facts(space, detectors[engine], command))
    if as_json:
        print_json(evaluation.model_dump(mode="json"))
        return
    _print_tables(evaluation)
    OUT.print(f"report: {page}", highlight=False, soft_wrap=True)


def _measure(detectors: "dict[EngineName, Detector]", truth: "GroundTruth") -> "tuple[Run, Evaluation]":
    """Run the detectors one after the other; the last one's evaluation, with all of them side by side in it."""
    from kontur.modeling.evaluate import evaluate as measure
    from kontur.modeling.evaluate import run_detector
    from kontur.modeling.evaluation import engine_row

    rows = []
    for name, detector in detectors.items():
        with progress_bar(f"evaluate {DETECTOR_NAMES[name.value]}", "pictures") as on_progress:
            run = run_detector(detector, truth, on_progress)
        evaluation = measure(truth, run, DETECTOR_NAMES[name.value])
        rows.append(engine_row(name.value, evaluation))
    return run, evaluation.model_copy(update={"engines": tuple(rows) if len(rows) > 1 else ()})


def _write_report(
    space: "Workspace", truth: "GroundTruth", run: "Run", evaluation: "Evaluation", facts: dict[str, str]
) -> Path:
    from kontur.data_preprocessing.dataset import open_dataset
    from kontur.data_preprocessing.statistics import split_statistics, summary_row
    from kontur.pictures import write_picture
    from kontur.visualization.plot_results import plot_all
    from kontur.visualization.report import FILE_NAME, ReportParts, write_report
    from kontur.visualization.worst_cases import draw_worst_case
    from kontur.workspace import SPLITS

    names = [part.name for part in truth.parts]
    pictures = [
        draw_worst_case(truth.load(case.picture), truth.pictures[case.picture], run.results[case.picture], case, names)
        for case in evaluation.worst
    ]
    for place, picture in enumerate(pictures, 1):
        write_picture(space.reports / "worst" / f"{place}.png", picture)
    plots = plot_all(evaluation, space.runs, space.reports / "plots")
    rows = []
    if space.manifest.is_file():
        rows = [summary_row(split_statistics(open_dataset(space, split))) for split in SPLITS]
    content = ReportParts(truth.parts, plots, pictures, rows, facts)
    return write_report(space.reports / FILE_NAME, evaluation, content)


def _facts(space: "Workspace", detector: "Detector", command: str) -> dict[str, str]:
    """Where the data and the model come from, for the foot of the report."""
    from kontur.data_preprocessing.dataset import read_manifest

    manifest, info = read_manifest(space), getattr(detector, "info", None)
    facts = {"commands": f"kontur generate, kontur train, kontur export, {command}"}
    if manifest is not None:
        facts["data set"] = f"seed {manifest.seed}, {manifest.count} pictures, fingerprint {manifest.fingerprint}"
    if info is not None:
        low, high = info.mm_per_px
        facts["model"] = f"size {info.network_size}, trained for {low:g} to {high:g} mm/px, faces: {info.faces}"
        facts["best validation"] = ", ".join(f"{k.removeprefix('val/')} {v:.4g}" for k, v in info.metrics.items())
        facts["trained with"] = ", ".join(f"{name} {version}" for name, version in info.versions.items())
    return {name: text for name, text in facts.items() if text}


def _print_tables(evaluation: "Evaluation") -> None:
    from rich.table import Table

    from kontur.modeling.evaluation import engine_row

    columns = evaluation.engines or (engine_row("", evaluation),)
    summary = Table("", *(DETECTOR_NAMES.get(row.engine, "") for row in columns), show_header=len(columns) > 1)
    for name, value in _SUMMARY.items():
        summary.add_row(name, *(value(row) for row in columns))
    OUT.print(summary)
    parts = Table("poorest parts", "instances", "found", "AP50", "AP50-95")
    occurring = [row for row in evaluation.rows if row.precision.ap is not None]
    for row in sorted(occurring, key=lambda row: row.precision.ap or 0.0)[:WORST_PARTS_SHOWN]:
        ap50, ap = row.precision.ap50, row.precision.ap
        parts.add_row(row.part, str(row.instances), str(row.found), _text(ap50, 3), _text(ap, 3))
    OUT.print(parts)


def _text(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def _spread(errors: "Spread", unit: str) -> str:
    return f"{_text(errors.median, 3)}, {_text(errors.p95, 3)} {unit}"


_SUMMARY: "dict[str, Callable[[EngineRow], str]]" = {
    "mask AP50, AP50-95": lambda row: f"{_text(row.precision.ap50, 3)}, {_text(row.precision.ap, 3)}",
    "position, median and 95 %": lambda row: _spread(row.pose.position_px, "px"),
    "position in mm": lambda row: _spread(row.pose.position_mm, "mm"),
    "angle, median and 95 %": lambda row: _spread(row.pose.angle_deg, "degrees"),
    "found and named rightly": lambda row: f"{row.found} of {row.found + row.confused + row.missed}",
    "named wrongly": lambda row: str(row.confused),
    "missed": lambda row: str(row.missed),
    "detections of nothing": lambda row: str(row.false),
    "seconds a picture": lambda row: _text(row.seconds_per_picture, 2),
}
"""Rows of the summary."""

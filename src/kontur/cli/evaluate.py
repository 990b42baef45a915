"""`kontur evaluate`: measure a detector on pictures whose content is known."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kontur.cli.common import OUT, JsonOption, WorkspaceOption, print_json, progress_bar

if TYPE_CHECKING:
    from kontur.modeling.evaluate import Run
    from kontur.modeling.evaluation import Evaluation
    from kontur.modeling.ground_truth import GroundTruth
    from kontur.workspace import Workspace

WORST_PARTS_SHOWN = 5


class Split(StrEnum):
    """Pictures that the training does not learn from."""

    TEST = "test"
    VAL = "val"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(evaluate)


def evaluate(
    workspace: WorkspaceOption = Path(),
    split: Annotated[Split, typer.Option(help="The part of the data set to measure on.")] = Split.TEST,
    as_json: JsonOption = False,
) -> None:
    """Measure the trained network on pictures it has not seen; write reports/ (page, plots, results).

    Example: kontur evaluate --split val
    """
    from kontur.modeling.evaluate import evaluate as measure
    from kontur.modeling.evaluate import run_detector
    from kontur.modeling.evaluation import write_evaluation
    from kontur.modeling.ground_truth import read_split
    from kontur.modeling.inference import load_detector
    from kontur.modeling.results import write_detections
    from kontur.workspace import open_workspace

    space = open_workspace(workspace)
    detector = load_detector(space)
    truth = read_split(space, split.value, detector.parts)
    with progress_bar("evaluate", "pictures") as on_progress:
        run = run_detector(detector, truth, on_progress)
    evaluation = measure(truth, run, f"network of size {detector.info.network_size}")
    write_detections(space.reports / "detections.json", run.results)
    write_evaluation(space.reports, evaluation)
    page = _write_report(space, truth, run, evaluation, _facts(space, detector.info.to_dict(), split.value))
    if as_json:
        print_json(evaluation.model_dump(mode="json"))
        return
    _print_tables(evaluation)
    OUT.print(f"report: {page}", highlight=False, soft_wrap=True)


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
    rows = [summary_row(split_statistics(open_dataset(space, split))) for split in SPLITS]
    content = ReportParts(truth.parts, plots, pictures, rows, facts)
    return write_report(space.reports / FILE_NAME, evaluation, content)


def _facts(space: "Workspace", model: dict[str, Any], split: str) -> dict[str, str]:
    """Where the data and the model come from, for the foot of the report."""
    from kontur.data_preprocessing.dataset import read_manifest

    manifest = read_manifest(space)
    facts = {"commands": f"kontur generate, kontur train, kontur export, kontur evaluate --split {split}"}
    if manifest is not None:
        facts["data set"] = f"seed {manifest.seed}, {manifest.count} pictures, fingerprint {manifest.fingerprint}"
    low, high = model["mm_per_px"]
    facts["model"] = f"size {model['network_size']}, trained for {low:g} to {high:g} mm/px, faces: {model['faces']}"
    facts["best validation"] = ", ".join(f"{k.removeprefix('val/')} {v:.4g}" for k, v in model["metrics"].items())
    facts["trained with"] = ", ".join(f"{name} {version}" for name, version in model["versions"].items())
    return {name: text for name, text in facts.items() if text}


def _print_tables(evaluation: "Evaluation") -> None:
    from rich.table import Table

    summary = Table(show_header=False)
    precision, pose = evaluation.precision, evaluation.pose_clear
    summary.add_row("mask AP50, AP50-95", f"{_text(precision.ap50, 3)}, {_text(precision.ap, 3)}")
    for name, spread, unit in (
        ("position", pose.position_px, "px"),
        ("position", pose.position_mm, "mm"),
        ("angle", pose.angle_deg, "degrees"),
    ):
        summary.add_row(f"{name}, median and 95 %", f"{_text(spread.median, 3)}, {_text(spread.p95, 3)} {unit}")
    found = sum(row.found for row in evaluation.rows)
    summary.add_row("found and named rightly", f"{found} of {evaluation.instances}")
    summary.add_row("named wrongly", str(sum(row.confused for row in evaluation.rows)))
    summary.add_row("missed", str(sum(row.missed for row in evaluation.rows)))
    summary.add_row("detections of nothing", str(sum(row.false for row in evaluation.rows)))
    OUT.print(summary)
    parts = Table("poorest parts", "instances", "found", "AP50", "AP50-95")
    occurring = [row for row in evaluation.rows if row.precision.ap is not None]
    for row in sorted(occurring, key=lambda row: row.precision.ap or 0.0)[:WORST_PARTS_SHOWN]:
        ap50, ap = row.precision.ap50, row.precision.ap
        parts.add_row(row.part, str(row.instances), str(row.found), _text(ap50, 3), _text(ap, 3))
    OUT.print(parts)


def _text(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"

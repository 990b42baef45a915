"""`kontur detect`, and what it shares with every command that runs a detector over pictures."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from kontur.cli.common import (
    ERR,
    OUT,
    EngineName,
    EngineOption,
    JsonOption,
    ScaleOption,
    WorkspaceOption,
    print_json,
    progress_bar,
)  # fmt: skip
from kontur.errors import PictureError

if TYPE_CHECKING:
    from kontur.modeling.detections import Detector
    from kontur.modeling.results import PictureResult

PicturesArgument = Annotated[
    list[str], typer.Argument(metavar="PICTURES...", help="Pictures, folders of pictures, or glob patterns.")
]
OutOption = Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the results go.")]
ROWS_SHOWN = 40


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(detect)


def detect(
    pictures: PicturesArgument,
    out: OutOption,
    workspace: WorkspaceOption = Path(),
    mm_per_px: ScaleOption = None,
    engine: EngineOption = EngineName.NETWORK,
    as_json: JsonOption = False,
) -> None:
    """Find the parts in pictures with the trained network; write detections.json, coco.json and overlays/.

    Example: kontur detect photos/ --out results

    Example: kontur detect photos/ --out results --engine both
    """
    from kontur.modeling.inference import load_detector
    from kontur.pictures import find_pictures
    from kontur.workspace import open_workspace

    paths = find_pictures(pictures)
    run_detector(load_detector(open_workspace(workspace), mm_per_px, engine=engine.value), paths, out, as_json)


def run_detector(detector: "Detector", paths: Sequence[Path], out: Path, as_json: bool) -> None:
    """Run a detector over pictures, write the results and print them.

    A picture that cannot be read is reported and left out; the others are done.

    Raises:
        PictureError: at least one picture could not be read (raised after the results of the others are written).
    """
    from kontur.modeling.results import write_coco_results, write_detections

    results, faults = _results(detector, paths, out)
    if results:
        write_detections(out / "detections.json", results)
        write_coco_results(out / "coco.json", results, detector.parts)
        if as_json:
            print_json({"images": results})
        else:
            _print_table(results)
            OUT.print(f"wrote {out / 'detections.json'}, coco.json and overlays/", highlight=False, soft_wrap=True)
    if faults:
        raise PictureError("; ".join(faults))


def _results(detector: "Detector", paths: Sequence[Path], out: Path) -> tuple[list["PictureResult"], list[str]]:
    from kontur.modeling.results import picture_result
    from kontur.pictures import read_picture, write_picture
    from kontur.visualization.overlay import draw_overlay

    results, faults = [], []
    names = _distinct_names(paths)
    with progress_bar("detecting", "pictures") as progress:
        for done, path in enumerate(paths):
            progress(done, len(paths))
            try:
                picture = read_picture(path)
            except PictureError as error:
                faults.append(str(error))
                continue
            found = detector.detect(picture)
            results.append(picture_result(path.name, found, detector.parts))
            overlay = draw_overlay(picture, found, detector.parts)
            write_picture(out / "overlays" / f"{names[path]}.png", overlay)
        progress(len(paths), len(paths))
    return results, faults


def _distinct_names(paths: Sequence[Path]) -> dict[Path, str]:
    """Name overlays after their pictures, with the suffix or a number where two would share a name."""
    names: dict[Path, str] = {}
    taken: set[str] = set()
    for path in paths:
        candidates = [path.stem, path.name, *(f"{path.name}-{number}" for number in range(2, len(paths) + 2))]
        names[path] = next(name for name in candidates if name not in taken)
        taken.add(names[path])
    return names


def _print_table(results: Sequence["PictureResult"]) -> None:
    from rich.table import Table

    table = Table("picture", "part", "score", "u px", "v px", "angle deg", "px/mm", "face")
    rows = [(result["file"], entry) for result in results for entry in result["detections"]]
    for file, entry in rows[:ROWS_SHOWN]:
        table.add_row(escape(file), escape(entry["part"]), *_numbers(entry), "down" if entry["flipped"] else "up")
    OUT.print(table)
    if len(rows) > ROWS_SHOWN:
        ERR.print(f"... and {len(rows) - ROWS_SHOWN} more in detections.json", highlight=False)
    OUT.print(f"{len(rows)} parts in {len(results)} pictures", highlight=False)


def _numbers(entry: dict[str, Any]) -> list[str]:
    pose = entry["pose_px"]
    angle = "-" if pose["angle_deg"] is None else f"{pose['angle_deg']:.2f}"
    return [f"{entry['score']:.2f}", f"{pose['u']:.2f}", f"{pose['v']:.2f}", angle, f"{pose['scale_px_per_mm']:.4f}"]

"""`kontur detect`, and what it shares with every command that runs a detector over pictures."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from kontur.cli.common import (
    ERR,
    OUT,
    EngineName,
    JsonOption,
    PrecisionOption,
    RuntimeOption,
    ScaleOption,
    ThreadsOption,
    WorkspaceOption,
    progress_bar,
)  # fmt: skip
from kontur.errors import PictureError

if TYPE_CHECKING:
    from kontur.modeling.detections import Detector
    from kontur.modeling.results import PictureResult
    from kontur.sources import Source

SourcesArgument = Annotated[
    list[str],
    typer.Argument(
        metavar="SOURCES...",
        help="Pictures, folders of pictures or glob patterns; or one video file, camera number, or rtsp:// or http:// URL.",
    ),
]
OutOption = Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the results go.")]
ProposerOption = Annotated[
    EngineName | None,
    typer.Option(
        help="Who proposes: the trained network, the matcher (no training), or both, each finding what the other misses; "
        "by default both for pictures, the network alone, which is quicker, for videos and cameras.",
        show_default=False,
    ),
]
ROWS_SHOWN = 40


class SaveName(StrEnum):
    """What can be written into the output folder."""

    JSON = "json"
    JSONL = "jsonl"
    CSV = "csv"
    COCO = "coco"
    OVERLAYS = "overlays"
    VIDEO = "video"


SaveOption = Annotated[
    list[SaveName] | None,
    typer.Option(
        "--save",
        help="What to write, given once for each; json, coco and overlays by default, jsonl for videos and cameras.",
    ),
]
OF_PICTURES = (SaveName.JSON, SaveName.COCO, SaveName.OVERLAYS)
OF_STREAMS = (SaveName.JSONL,)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(detect)


def detect(
    sources: SourcesArgument,
    out: OutOption,
    workspace: WorkspaceOption = Path(),
    mm_per_px: ScaleOption = None,
    engine: ProposerOption = None,
    runtime: RuntimeOption = None,
    precision: PrecisionOption = None,
    threads: ThreadsOption = None,
    save: SaveOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find the parts in pictures, a video or a camera's pictures with a trained network; write the results to files.

    Pictures with a side over 2048 px are seen in overlapping tiles. A camera or network stream is watched until Ctrl-C.

    Example: kontur detect photos/ --out results

    Example: kontur detect photos/ --out results --engine network

    Example: kontur detect belt.mp4 --out results --save csv --save video

    Example: kontur detect rtsp://camera.local/stream --out results
    """
    from kontur.hardware.lean_imports import quick_start
    from kontur.sources import open_source
    from kontur.workspace import open_workspace

    source = open_source(sources)
    space = open_workspace(workspace)
    engine = engine or (EngineName.BOTH if source.stream is None else EngineName.NETWORK)
    with quick_start():
        from kontur.modeling.inference import load_detector

        detector = load_detector(space, mm_per_px, engine.value, runtime, precision, threads, source.frames != 1)
    run_detector(detector, source, out, as_json, save)


def run_detector(
    detector: "Detector", source: "Source", out: Path, as_json: bool, save: list[SaveName] | None = None
) -> None:
    """Run a detector over a source, write the results and print them.

    A picture that cannot be read is reported and left out; the others are done.

    Raises:
        PictureError: at least one picture could not be read (raised after the results of the others are written).
    """
    from kontur.visualization.detection_run import run_over

    wanted = [*(save or (OF_STREAMS if source.stream is not None else OF_PICTURES))]
    if as_json and not {SaveName.JSON, SaveName.JSONL} & set(wanted):
        wanted.append(SaveName.JSON)
    table = _Table()
    with progress_bar("detecting", "pictures") as progress:

        def show(entry: "PictureResult") -> None:
            """Note a picture's result and move the bar."""
            table.add(entry)
            progress(table.pictures, source.frames)

        summary = run_over(detector, source, out, [name.value for name in wanted], show)
    if summary.pictures:
        _print_results(table, out, wanted, as_json)
    if summary.faults:
        raise PictureError("; ".join(summary.faults))
    if not summary.pictures:
        raise PictureError(f"{source.stream}: no picture came; is the video or stream empty?")


def _print_results(table: "_Table", out: Path, wanted: list[SaveName], as_json: bool) -> None:
    from kontur.visualization.detection_run import FILE_OF

    if as_json:
        with (out / FILE_OF["json" if SaveName.JSON in wanted else "jsonl"]).open(encoding="utf-8") as stream:
            sys.stdout.writelines(stream)
        return
    table.print()
    OUT.print(f"wrote {', '.join(str(out / FILE_OF[name]) for name in wanted)}", highlight=False, soft_wrap=True)


class _Table:
    """The first detections, for people; and how many there were."""

    def __init__(self) -> None:
        self.pictures, self.parts = 0, 0
        self._rows: list[tuple[str, dict[str, Any]]] = []

    def add(self, entry: "PictureResult") -> None:
        """Count a picture's detections, and keep them while there is room."""
        self.pictures += 1
        self.parts += len(entry["detections"])
        self._rows += [(entry["file"], found) for found in entry["detections"][: ROWS_SHOWN - len(self._rows)]]

    def print(self) -> None:
        """Print them."""
        from rich.table import Table

        table = Table("picture", "part", "score", "u px", "v px", "angle deg", "px/mm", "face")
        for file, entry in self._rows:
            table.add_row(escape(file), escape(entry["part"]), *_numbers(entry), "down" if entry["flipped"] else "up")
        OUT.print(table)
        if self.parts > len(self._rows):
            ERR.print(f"... and {self.parts - len(self._rows)} more", highlight=False)
        OUT.print(f"{self.parts} parts in {self.pictures} pictures", highlight=False)


def _numbers(entry: dict[str, Any]) -> list[str]:
    pose = entry["pose_px"]
    angle = "-" if pose["angle_deg"] is None else f"{pose['angle_deg']:.2f}"
    return [f"{entry['score']:.2f}", f"{pose['u']:.2f}", f"{pose['v']:.2f}", angle, f"{pose['scale_px_per_mm']:.4f}"]

"""A detector run over a source, with the results in the files that were asked for."""

from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import NamedTuple

from kontur.geometry import Part
from kontur.hardware.threads import thread_count
from kontur.modeling import result_files
from kontur.modeling.detections import Detector
from kontur.modeling.pipeline import Found, detect_in, ordered_map
from kontur.modeling.results import PictureResult, picture_result
from kontur.pictures import Picture
from kontur.sources import Source
from kontur.visualization.overlay import draw_overlay
from kontur.visualization.overlay_files import AddOverlay, overlay_pictures, overlay_video

FILE_OF = {
    "json": "detections.json",
    "jsonl": "detections.jsonl",
    "csv": "detections.csv",
    "coco": "coco.json",
    "overlays": "overlays",
    "video": "overlay.mp4",
}
"""What can be saved, and the name it gets in the output folder."""


AddEntry = Callable[[PictureResult], None]


@dataclass
class RunSummary:
    """What a run came to.

    Attributes:
        pictures: how many were looked at.
        parts: how many parts were found in them.
        faults: of the pictures that could not be read.
    """

    pictures: int = 0
    parts: int = 0
    faults: list[str] = field(default_factory=list)


class _Rendered(NamedTuple):
    """A frame's entry and overlay; a fault instead of both where it could not be read."""

    entry: PictureResult | None
    overlay: Picture | None
    fault: str


def run_over(detector: Detector, source: Source, out: Path, save: Collection[str], on_result: AddEntry) -> RunSummary:
    """Detect in all frames of a source; a Ctrl-C ends a live source in good order.

    Args:
        detector: any.
        source: pictures, a video, a camera or a stream.
        out: the folder for the results.
        save: keys of `FILE_OF`.
        on_result: called with each picture's entry, in order.

    Raises:
        PictureError: the video or stream failed.
        WorkspaceError: a file cannot be written.
    """
    summary = RunSummary()
    draw = bool({"overlays", "video"} & set(save))
    with ExitStack() as stack:
        stack.enter_context(suppress(KeyboardInterrupt) if source.live else nullcontext())
        write = _Writer(out, save, detector.parts, source.fps, stack)
        render = partial(_rendered, detector.parts, draw)
        for row in ordered_map(render, detect_in(detector, source), thread_count()):
            _count(summary, row)
            if row.entry is not None:
                write(row.entry, row.overlay)
                on_result(row.entry)
    return summary


def _rendered(parts: Sequence[Part], draw: bool, found: Found) -> _Rendered:
    frame, detections = found
    if frame.picture is None or detections is None:
        return _Rendered(None, None, frame.fault)
    entry = picture_result(frame.name, detections, parts)
    if frame.time_s is not None:
        entry["time_s"] = round(frame.time_s, 6)
    return _Rendered(entry, draw_overlay(frame.picture, detections, parts) if draw else None, "")


def _count(summary: RunSummary, row: _Rendered) -> None:
    if row.entry is None:
        summary.faults.append(row.fault)
        return
    summary.pictures += 1
    summary.parts += len(row.entry["detections"])


class _Writer:
    """The files that were asked for, opened when there is something to write."""

    def __init__(self, out: Path, save: Collection[str], parts: Sequence[Part], fps: float, stack: ExitStack) -> None:
        documents: dict[str, Callable[[Path], AbstractContextManager[AddEntry]]] = {
            "json": result_files.detections_document,
            "jsonl": result_files.json_lines,
            "csv": result_files.csv_table,
            "coco": lambda path: result_files.coco_document(path, parts),
        }
        pictures: dict[str, Callable[[Path], AbstractContextManager[AddOverlay]]] = {
            "overlays": overlay_pictures,
            "video": lambda path: overlay_video(path, fps),
        }
        self._stack = stack
        self._documents = [open_(out / FILE_OF[key]) for key, open_ in documents.items() if key in save]
        self._pictures = [open_(out / FILE_OF[key]) for key, open_ in pictures.items() if key in save]
        self._add_entry: list[AddEntry] = []
        self._add_overlay: list[AddOverlay] = []

    def __call__(self, entry: PictureResult, overlay: Picture | None) -> None:
        """Write one picture's results."""
        if not self._add_entry and not self._add_overlay:
            self._add_entry = [self._stack.enter_context(manager) for manager in self._documents]
            self._add_overlay = [self._stack.enter_context(manager) for manager in self._pictures]
        for add in self._add_entry:
            add(entry)
        if overlay is not None:
            for draw in self._add_overlay:
                draw(entry["file"], overlay)

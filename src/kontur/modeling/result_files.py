"""Results written picture by picture, so that memory does not grow with their number.

Each function is a context manager that yields a function to call with every picture's entry (see `results.picture_result`).
JSON documents appear when all is done; lines of JSON and CSV can be followed while the command runs.
"""

import csv
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from kontur.errors import WorkspaceError
from kontur.files import atomic_path
from kontur.geometry import Part
from kontur.modeling.results import PictureResult, coco_results

CSV_COLUMNS = (
    "file", "part", "score", "flipped", "u_px", "v_px", "angle_deg", "scale_px_per_mm", "support", "residual_px",
)  # fmt: skip

Add = Callable[[PictureResult], None]


@contextmanager
def detections_document(path: Path) -> Iterator[Add]:
    """Write one JSON document: {"images": [entry, ...]}."""
    with _array(path, '{"images": [', "]}") as write:
        yield write


@contextmanager
def coco_document(path: Path, parts: Sequence[Part]) -> Iterator[Add]:
    """Write COCO results, for pycocotools' `loadRes`: image_id counts pictures from 1, category_id parts from 1."""
    pictures = 0
    with _array(path, "[", "]") as write:

        def add(entry: PictureResult) -> None:
            """Write the result of one picture."""
            nonlocal pictures
            pictures += 1
            for row in coco_results([entry], parts):
                write({**row, "image_id": pictures})

        yield add


@contextmanager
def json_lines(path: Path) -> Iterator[Add]:
    """Write one JSON object a line and picture."""
    with _lines(path) as stream:
        yield lambda entry: _write(stream, json.dumps(entry, allow_nan=False) + "\n")


@contextmanager
def csv_table(path: Path) -> Iterator[Add]:
    """Write one row a detection, with a header; a field that is not known is empty."""
    with _lines(path) as stream:
        table = csv.writer(stream)
        table.writerow(CSV_COLUMNS)

        def add(entry: PictureResult) -> None:
            """Write the result of one picture."""
            table.writerows(_csv_rows(entry))
            stream.flush()

        yield add


def _csv_rows(entry: PictureResult) -> Iterator[list[Any]]:
    for found in entry["detections"]:
        pose = found["pose_px"]
        yield [
            entry["file"], found["part"], found["score"], int(found["flipped"]), pose["u"], pose["v"], pose["angle_deg"],
            pose["scale_px_per_mm"], found["support"], found["residual_px"],
        ]  # fmt: skip


@contextmanager
def _array(path: Path, opening: str, closing: str) -> Iterator[Callable[[Any], None]]:
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8") as stream:
        stream.write(opening)
        separator = "\n"

        def write(item: Any) -> None:
            """Write one item of the list."""
            nonlocal separator
            stream.write(separator + json.dumps(item, allow_nan=False))
            separator = ",\n"

        yield write
        stream.write(f"\n{closing}\n")


@contextmanager
def _lines(path: Path) -> Iterator[TextIO]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        stream = path.open("w", encoding="utf-8", newline="")
    except OSError as error:
        raise WorkspaceError(f"{path}: cannot be written ({error.strerror}); free space or check rights") from error
    with stream:
        yield stream


def _write(stream: TextIO, text: str) -> None:
    stream.write(text)
    stream.flush()

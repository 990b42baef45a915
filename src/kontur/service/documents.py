"""What the pages show of a workspace: its drawings, data, training and machine, as JSON-like documents.

Each reads files that other commands wrote and computes nothing new; what is absent is None, not an error.
"""

import json
import time
from dataclasses import asdict, replace
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import cv2
import numpy as np

from kontur.data_preprocessing.dataset import open_dataset, read_manifest
from kontur.data_preprocessing.part_list import open_parts
from kontur.data_preprocessing.preview import contact_sheet
from kontur.data_preprocessing.statistics import split_statistics, summary_row
from kontur.drawing.export import svg_of
from kontur.drawing.report import document_of, look_alike_document
from kontur.geometry.copies import merge_copies
from kontur.geometry.likeness import look_alikes
from kontur.hardware.doctor import describe_threads
from kontur.hardware.processor import read_processor
from kontur.hardware.resources import read_memory
from kontur.pictures import read_picture
from kontur.visualization.style import part_colour
from kontur.visualization.training_log import read_training_log
from kontur.workspace import SPLITS, Workspace

Document = dict[str, Any]

_MOST_COMPARED = 100
LIBRARIES = ("kontur", "numpy", "opencv-python-headless", "onnxruntime", "openvino", "shapely", "ezdxf")
_MOST_POINTS = 400
_SHEET_PICTURES = 12
_RUNNING_SECONDS = 120.0
"""A training that logged something within this time is taken to be running."""


def parts_document(workspace: Workspace) -> Document:
    """Return the drawings with issues, thumbnails as SVG, and look-alikes.

    Raises:
        ConfigError, DrawingError: the workspace's drawings cannot be used.
    """
    config, parts, drawings = open_parts(workspace)
    mm_per_px = config.camera.mm_per_px[1]
    files, number = [], 0
    for drawing in drawings:
        count = len(merge_copies(drawing.parts))
        mine = parts[number : number + count]
        document = document_of(replace(drawing, parts=mine), mm_per_px) | {"file": drawing.file.name}
        for index, (part, entry) in enumerate(zip(mine, document["parts"], strict=True), number):
            entry |= {"copies": part.copies, "svg": svg_of([part], [part_colour(index)], in_place=False)}
        files.append(document)
        number += count
    likes = look_alikes(parts) if len(parts) <= _MOST_COMPARED else ()
    return {"drawings": files, "look_alikes": [look_alike_document(parts, pair, mm_per_px) for pair in likes]}


def data_document(workspace: Workspace) -> Document | None:
    """Return the data set's statistics, a row for each split; None when there is none."""
    manifest = read_manifest(workspace)
    if manifest is None:
        return None
    rows = [summary_row(split_statistics(open_dataset(workspace, split))) for split in SPLITS]
    return {"pictures": manifest.count, "seed": manifest.seed, "fingerprint": manifest.fingerprint, "splits": rows}


def data_sheet(workspace: Workspace) -> bytes | None:
    """Return a contact sheet of training pictures as JPEG; None when there are none."""
    if read_manifest(workspace) is None:
        return None
    dataset = open_dataset(workspace, "train")
    chosen = np.unique(np.linspace(0, len(dataset) - 1, min(_SHEET_PICTURES, len(dataset))).round().astype(int))
    sheet = contact_sheet([read_picture(dataset.paths(int(position)).image) for position in chosen])
    return cv2.imencode(".jpg", sheet, [cv2.IMWRITE_JPEG_QUALITY, 85])[1].tobytes()


def training_document(workspace: Workspace) -> Document | None:
    """Return the curves of the newest training, whether it runs, and when it will be done; None when there is none."""
    logs = sorted(workspace.runs.glob("*/metrics.csv"))
    if not logs:
        return None
    curves = {name: _thinned(steps, values) for name, (steps, values) in read_training_log(workspace.runs).items()}
    running = time.time() - logs[-1].stat().st_mtime < _RUNNING_SECONDS
    forecast = workspace.runs / "forecast.json"
    known = json.loads(forecast.read_text(encoding="utf-8")) if forecast.is_file() else {}
    return {"run": logs[-1].parent.name, "running": running, "curves": curves, "forecast": known}


def machine_document() -> Document:
    """Return processor, memory and threads; the self-test is `kontur doctor`'s."""
    return {
        "processor": asdict(read_processor()),
        "memory": asdict(read_memory()),
        "threads": describe_threads(),
        "versions": {name: found for name in LIBRARIES if (found := _version(name))},
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _thinned(steps: list[int], values: list[float]) -> Document:
    """Keep at most `_MOST_POINTS` of a curve, spread evenly."""
    stride = max(1, len(steps) // _MOST_POINTS)
    return {"steps": steps[::stride], "values": values[::stride]}

"""YOLO labels: segmentation polygons (holes by bridges) and oriented boxes, with the data.yaml and folders readers expect.

`data/annotations/yolo/{seg,obb}` each hold `data.yaml`, `labels/SPLIT/NNNNNN.txt` and `images/SPLIT`, a link to pictures.
"""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import shapely

from kontur.data_preprocessing.labels import bridged_ring, oriented_box, polygons_of
from kontur.data_preprocessing.render import Rendered
from kontur.files import write_text
from kontur.geometry import Points
from kontur.workspace import SPLITS, Workspace

TASKS = ("seg", "obb")
_SHIFT_PX = 0.5


def label_path(workspace: Workspace, task: str, split: str, index: int) -> Path:
    """Return where the labels of sample `index` lie."""
    return workspace.yolo / task / "labels" / split / f"{index:06d}.txt"


def label_texts(rendered: Rendered, shown: Sequence[shapely.Geometry]) -> dict[str, str]:
    """Return the label file of each task.

    Args:
        rendered: the sample and its scene.
        shown: visible area of every placement, px.
    """
    lines: dict[str, list[str]] = {task: [] for task in TASKS}
    size = np.array(rendered.scene.camera.size_wh, float)
    for key, area in zip(rendered.keys, shown, strict=True):
        if not key or not polygons_of(area):
            continue
        number = rendered.sample.instances[key - 1].part
        lines["seg"].append(_line(number, bridged_ring(area), size))
        lines["obb"].append(_line(number, oriented_box(area), size))
    return {task: "".join(rows) for task, rows in lines.items()}


def _line(number: int, ring: Points, size: Points) -> str:
    inside = np.clip((ring + _SHIFT_PX) / size, 0, 1).ravel().tolist()
    return f"{number}{' %.6f' * len(inside) % tuple(inside)}\n"


def write_layout(workspace: Workspace, names: Sequence[str]) -> None:
    """Write data.yaml and the links to the pictures for both tasks."""
    classes = "".join(f"  {k}: {_quoted(name)}\n" for k, name in enumerate(names))
    splits = "".join(f"{split}: images/{split}\n" for split in SPLITS)
    text = f"path: .\n{splits}names:\n{classes}"
    for task in TASKS:
        folder = workspace.yolo / task
        write_text(folder / "data.yaml", text)
        (folder / "images").mkdir(parents=True, exist_ok=True)
        for split in SPLITS:
            (folder / "labels" / split).mkdir(parents=True, exist_ok=True)
            link = folder / "images" / split
            if not link.is_symlink():
                target = workspace.processed / split / "images"
                link.symlink_to(os.path.relpath(target, link.parent), target_is_directory=True)


def _quoted(name: str) -> str:
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'

"""YOLO labels: segmentation polygons (holes by bridges) and oriented boxes, with the data.yaml and folders readers expect.

`data/annotations/yolo/{seg,obb}` each hold `data.yaml`, `labels/SPLIT/NNNNNN.txt` and `images/SPLIT`, a link to pictures.
"""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from kontur.data_preprocessing.decimals import number_rows
from kontur.data_preprocessing.labels import Outline
from kontur.data_preprocessing.rings import bridged_rings
from kontur.data_preprocessing.sample import Sample
from kontur.files import write_text
from kontur.geometry import Points
from kontur.workspace import SPLITS, Workspace

TASKS = ("seg", "obb")
_SHIFT_PX = 0.5


def label_path(workspace: Workspace, task: str, split: str, index: int) -> Path:
    """Return where the labels of sample `index` lie."""
    return workspace.yolo / task / "labels" / split / f"{index:06d}.txt"


def label_texts(sample: Sample, outlines: Sequence[Outline]) -> dict[str, str]:
    """Return the label file of each task: one line for each instance of which at least 1 px² can be seen.

    Args:
        sample: its instances give the classes, its picture the size.
        outlines: of the instances, in their order.
    """
    size_wh = np.array(sample.ids.shape[::-1], float)
    seen = [(item.part, outline) for item, outline in zip(sample.instances, outlines, strict=True) if outline.visible]
    numbers = [number for number, _ in seen]
    rings = bridged_rings([outline.visible for _, outline in seen])
    return {
        "seg": _lines(numbers, rings, size_wh),
        "obb": _lines(numbers, [outline.box for _, outline in seen], size_wh),
    }


def _lines(numbers: Sequence[int], rings: Sequence[Points], size_wh: Points) -> str:
    """Class and corners as fractions of the picture, to a hundredth of a pixel or finer, of each ring."""
    places = len(str(int(size_wh.max()))) + 2
    shares = np.clip((np.concatenate([np.empty((0, 2)), *rings]) + _SHIFT_PX) / size_wh, 0, 1)
    texts = number_rows(shares, [ring.size for ring in rings], places, " ")
    return "".join(f"{number} {text}\n" for number, text in zip(numbers, texts, strict=True))


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

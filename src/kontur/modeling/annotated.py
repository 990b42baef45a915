"""A folder of photographs that somebody annotated: in COCO's format, or in YOLO's for segmentation.

COCO: one .json file with images, annotations and categories, in the folder or in its `annotations`. Pictures are looked for
beside it, in the folder, and in `images`. YOLO: `data.yaml` with names, `images/**` and, for each picture, `labels/**.txt`
with a line `class x1 y1 x2 y2 ...` for each outline. Classes are named like the parts.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import yaml
from numpy.typing import NDArray
from pycocotools import mask as coco_mask

from kontur.errors import DatasetError, reason
from kontur.geometry import Part
from kontur.modeling.ground_truth import GroundTruth, TruthInstance, TruthPicture, read_coco, too_little
from kontur.pictures import SUFFIXES, read_picture

_COCO_KEYS = {"images", "annotations", "categories"}
_FEWEST_CORNERS = 3
_BOX_NUMBERS = 4


def read_annotated(folder: Path, parts: Sequence[Part]) -> GroundTruth:
    """Read a folder that is annotated in either format.

    Raises:
        DatasetError: neither format is there, or it is damaged, or names classes that are no parts.
    """
    if not folder.is_dir():
        raise DatasetError(f"{folder}: no such folder; give one with pictures and COCO or YOLO annotations")
    files = [
        path for place in (folder, folder / "annotations") for path in sorted(place.glob("*.json")) if _is_coco(path)
    ]
    if len(files) > 1:
        names = ", ".join(path.name for path in files)
        raise DatasetError(f"{folder}: several annotation files ({names}); leave one there")
    if files:
        return _read_coco_folder(folder, files[0], parts)
    if (folder / "data.yaml").is_file():
        return read_yolo(folder, parts)
    raise DatasetError(
        f"{folder}: neither a COCO file (*.json) nor YOLO's data.yaml there; export one from your annotator"
    )


def read_yolo(folder: Path, parts: Sequence[Part]) -> GroundTruth:
    """Read YOLO segmentation labels; a picture without a label file holds nothing.

    Raises:
        DatasetError: as `read_annotated`; boxes instead of outlines.
    """
    part_of = _yolo_classes(folder / "data.yaml", parts)
    files = sorted(path for path in (folder / "images").rglob("*") if path.suffix.lower() in SUFFIXES)
    if not files:
        raise DatasetError(
            f"{folder / 'images'}: no pictures there; YOLO keeps them in images/ and their labels in labels/"
        )
    pictures = []
    for path in files:
        height, width = read_picture(path).shape[:2]
        relative = path.relative_to(folder / "images")
        label = (folder / "labels" / relative).with_suffix(".txt")
        pictures.append(TruthPicture(str(relative), (width, height), _yolo_instances(label, part_of, (width, height))))
    return GroundTruth(str(folder), tuple(parts), tuple(pictures), lambda at: read_picture(files[at]))


def _is_coco(path: Path) -> bool:
    try:
        document = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return False
    return isinstance(document, dict) and document.keys() >= _COCO_KEYS


def _read_coco_folder(folder: Path, file: Path, parts: Sequence[Part]) -> GroundTruth:
    places = (file.parent, folder, folder / "images")
    first = json.loads(file.read_bytes())["images"][:1]
    if not first:
        raise DatasetError(f"{file}: no pictures are listed in it; annotate some")
    name = str(first[0].get("file_name", ""))
    found = [place for place in places if (place / name).is_file()]
    if not found:
        raise DatasetError(f"{file}: {name} is neither beside it nor in {folder / 'images'}; put the pictures there")
    return read_coco(file, found[0], parts, str(folder))


def _yolo_classes(path: Path, parts: Sequence[Part]) -> dict[int, int]:
    """Map class numbers to indices of the part list."""
    try:
        names: Any = yaml.safe_load(path.read_text(encoding="utf-8"))["names"]
        classes = dict(names) if isinstance(names, dict) else dict(enumerate(names))
    except (OSError, yaml.YAMLError, KeyError, TypeError, ValueError) as error:
        raise DatasetError(
            f"{path}: no readable `names` in it ({reason(error)}); YOLO lists the classes there"
        ) from error
    index = {part.name: number for number, part in enumerate(parts)}
    strange = sorted({str(name) for name in classes.values()} - index.keys())
    if strange:
        raise DatasetError(f"{path}: classes that are no parts of the drawings: {', '.join(strange)}; rename them")
    return {int(number): index[str(name)] for number, name in classes.items()}


def _yolo_instances(label: Path, part_of: dict[int, int], size_wh: tuple[int, int]) -> tuple[TruthInstance, ...]:
    if not label.is_file():
        return ()
    rows = label.read_text(encoding="utf-8").splitlines()
    return tuple(_yolo_instance(f"{label}:{n}", row, part_of, size_wh) for n, row in enumerate(rows, 1) if row.strip())


def _yolo_instance(place: str, row: str, part_of: dict[int, int], size_wh: tuple[int, int]) -> TruthInstance:
    try:
        words = row.split()
        number, values = int(words[0]), np.array(words[1:], float)
        part = part_of[number]
    except (ValueError, KeyError) as error:
        raise DatasetError(
            f"{place}: expected a class number of data.yaml and coordinates, got {row[:60]!r}"
        ) from error
    if len(values) == _BOX_NUMBERS:
        raise DatasetError(f"{place}: a box, but parts need their outline; annotate for segmentation")
    if len(values) % 2 or len(values) < 2 * _FEWEST_CORNERS or not np.isfinite(values).all():
        raise DatasetError(f"{place}: an outline needs three corners or more, x and y each")
    ring = np.clip(values.reshape(-1, 2), 0, 1) * size_wh
    code = coco_mask.frPyObjects([ring.ravel().tolist()], size_wh[1], size_wh[0])[0]
    area = int(coco_mask.area(code))
    return TruthInstance(part, code, area, too_little(area, None))


def id_map(picture: TruthPicture) -> NDArray[np.uint8]:
    """Return (H, W) uint8: 0 background, k for instance k - 1; where masks overlap the smaller one is seen."""
    ids = np.zeros(picture.size_wh[::-1], np.uint8)
    for number in sorted(range(len(picture.instances)), key=lambda k: -picture.instances[k].area_px):
        cv2.copyTo(np.full_like(ids, number + 1), coco_mask.decode(picture.instances[number].mask), ids)
    return ids

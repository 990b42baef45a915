"""COCO's average precision of masks, by pycocotools itself."""

import contextlib
import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from kontur.modeling.evaluation import Curve, Precision
from kontur.modeling.ground_truth import Rle, TruthPicture
from kontur.modeling.results import PictureResult

CURVE_IOUS = (0.5, 0.75)
_ALL_AREAS, _MOST_DETECTIONS = 0, -1
_DECIMALS = 6


class CocoScores:
    """Precision over (IoU, recall, part), as COCOeval accumulates it; -1 where a part does not occur.

    Attributes:
        names: the parts.
        precision: (10, 101, parts) float64.
        ious: (10,) float64.
    """

    def __init__(self, names: Sequence[str], precision: NDArray[np.float64], ious: NDArray[np.float64]) -> None:
        self.names, self.precision, self.ious = tuple(names), precision, ious

    def overall(self) -> Precision:
        """Mean over all parts that occur."""
        return self._summary(slice(None))

    def part(self, index: int) -> Precision:
        """One part."""
        return self._summary(slice(index, index + 1))

    def curve(self, iou: float) -> Curve:
        """Precision over recall at one IoU of COCO's ten."""
        at = self._at(iou)[0]
        occurring = np.flatnonzero((at > -1).any(axis=0))
        mean = at[:, occurring].mean(axis=1) if len(occurring) else np.zeros(at.shape[0])
        return Curve(iou=iou, mean=_rounded(mean), parts={self.names[k]: _rounded(at[:, k]) for k in occurring})

    def _summary(self, parts: slice) -> Precision:
        tables = {"ap": self.precision, "ap50": self._at(0.5), "ap75": self._at(0.75)}
        return Precision(**{name: _mean_of_known(table[..., parts]) for name, table in tables.items()})

    def _at(self, iou: float) -> NDArray[np.float64]:
        return self.precision[np.isclose(self.ious, iou)]


def coco_scores(names: Sequence[str], truth: Sequence[TruthPicture], results: Sequence[PictureResult]) -> CocoScores:
    """Evaluate masks by COCO's rules (at most 100 detections a picture); ignored instances are COCO's crowds.

    Args:
        names: the part list.
        truth: the pictures.
        results: what was said about each, in the same order.
    """
    with contextlib.redirect_stdout(io.StringIO()):
        reference = COCO()
        reference.dataset = coco_truth(names, truth)
        reference.createIndex()
        evaluator = COCOeval(reference, _load_results(reference, names, results), "segm")
        evaluator.evaluate()
        evaluator.accumulate()
    table = evaluator.eval["precision"][:, :, :, _ALL_AREAS, _MOST_DETECTIONS]
    return CocoScores(names, np.asarray(table, np.float64), np.asarray(evaluator.params.iouThrs))


def coco_truth(names: Sequence[str], truth: Sequence[TruthPicture]) -> dict[str, Any]:
    """Return the truth as a COCO data set: picture ids from 0, category ids from 1, ignored instances as crowds."""
    images = [
        {"id": k, "file_name": p.file, "width": p.size_wh[0], "height": p.size_wh[1]} for k, p in enumerate(truth)
    ]
    pairs = [(k, instance) for k, picture in enumerate(truth) for instance in picture.instances]
    annotations = [
        {
            "id": number,
            "image_id": k,
            "category_id": instance.part + 1,
            "area": instance.area_px,
            "iscrowd": int(instance.ignored),
            "segmentation": as_text(instance.mask),
        }
        for number, (k, instance) in enumerate(pairs, 1)
    ]
    categories = [{"id": number, "name": name} for number, name in enumerate(names, 1)]
    return {"images": images, "annotations": annotations, "categories": categories}


def as_text(mask: Rle) -> Rle:
    """Return run lengths with their counts as text, fit for JSON."""
    counts = mask["counts"]
    return {"size": list(mask["size"]), "counts": counts.decode() if isinstance(counts, bytes) else counts}


def _load_results(reference: COCO, names: Sequence[str], results: Sequence[PictureResult]) -> COCO:
    rows = [
        {
            "image_id": k,
            "category_id": names.index(entry["part"]) + 1,
            "segmentation": entry["mask"],
            "score": entry["score"],
        }
        for k, result in enumerate(results)
        for entry in result["detections"]
    ]
    if rows:
        return reference.loadRes(rows)
    nothing = COCO()
    nothing.dataset = {**reference.dataset, "annotations": []}
    nothing.createIndex()
    return nothing


def _mean_of_known(table: NDArray[np.float64]) -> float | None:
    known = table[table > -1]
    return round(float(known.mean()), _DECIMALS) if len(known) else None


def _rounded(values: NDArray[np.float64]) -> tuple[float, ...]:
    return tuple(round(float(value), _DECIMALS) for value in values)

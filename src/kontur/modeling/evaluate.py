"""Hold detections against the truth. Detectors of any kind are evaluated alike, from what they would write to a file."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version

import numpy as np
from numpy.typing import NDArray

from kontur import __version__
from kontur.errors import DatasetError
from kontur.geometry import Part
from kontur.modeling.confusion import Pairing, count_confusion, look_alikes, pair_up
from kontur.modeling.detections import Detector
from kontur.modeling.evaluation import Band, Evaluation, Match, PartRow, PartTraits, Reliability
from kontur.modeling.ground_truth import GroundTruth, TruthInstance
from kontur.modeling.metrics import CURVE_IOUS, CocoScores, coco_scores
from kontur.modeling.pose_errors import clear_matches, pose_difference, spread, summarise_poses
from kontur.modeling.reliability import reliability
from kontur.modeling.results import PictureResult, picture_result
from kontur.modeling.worst_cases import worst_cases

SIZE_EDGES_PX = (0.0, 24.0, 48.0, 96.0, 192.0)
VISIBILITY_EDGES = (0.25, 0.5, 0.75, 0.95, 1.0)

_LIBRARIES = ("numpy", "opencv-python-headless", "onnxruntime", "pycocotools", "shapely")

Progress = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class Run:
    """What a detector said about pictures, and the wall time it took for each."""

    results: tuple[PictureResult, ...]
    seconds_per_picture: float | None


def run_detector(detector: Detector, truth: GroundTruth, on_progress: Progress) -> Run:
    """Run a detector over the pictures of a ground truth; only the detector's own time is taken."""
    results, seconds = [], 0.0
    for index, picture in enumerate(truth.pictures):
        pixels = truth.load(index)
        start = time.perf_counter()
        found = detector.detect(pixels)
        seconds += time.perf_counter() - start
        results.append(picture_result(picture.file, found, detector.parts))
        on_progress(index + 1, len(truth.pictures))
    return Run(tuple(results), seconds / len(results) if results else None)


def evaluate(truth: GroundTruth, run: Run, detector: str) -> Evaluation:
    """Hold what was said against what is there.

    Args:
        truth: the pictures and what lies in them.
        run: what was said about each of them, in the same order.
        detector: its name, for people.

    Raises:
        DatasetError: a detection names a part that the truth does not know, or pictures are missing.
    """
    _check(truth, run.results)
    traits = tuple(part_traits(part) for part in truth.parts)
    names = [part.name for part in truth.parts]
    pairings = [pair_up(picture, result) for picture, result in zip(truth.pictures, run.results, strict=True)]
    matches = _matches(truth, run.results, pairings)
    scores = coco_scores(names, truth.pictures, run.results)
    confusion = count_confusion(names, truth.pictures, run.results, pairings)
    counted = [item for picture in truth.pictures for item in picture.instances if not item.ignored]
    right = [match for match in matches if match.part == match.said]
    return Evaluation(
        source=truth.source,
        detector=detector,
        pictures=len(truth.pictures),
        instances=len(counted),
        ignored=sum(len(picture.instances) for picture in truth.pictures) - len(counted),
        detections=sum(len(result["detections"]) for result in run.results),
        seconds_per_picture=run.seconds_per_picture,
        parts=traits,
        precision=scores.overall(),
        rows=_part_rows(traits, np.array(confusion.counts), matches, scores),
        curves=tuple(scores.curve(iou) for iou in CURVE_IOUS),
        confusion=confusion,
        look_alikes=look_alikes(confusion, traits),
        pose=summarise_poses(right),
        pose_clear=summarise_poses(clear_matches(right)),
        by_size=_bands(truth, matches, SIZE_EDGES_PX, lambda item: item.area_px**0.5, open_ended=True),
        by_visibility=_bands(truth, matches, VISIBILITY_EDGES, lambda item: item.visible_fraction, open_ended=False),
        reliability=_reliability(truth, run.results, pairings, matches),
        matches=tuple(matches),
        worst=worst_cases(truth, run.results, pairings),
        versions=library_versions(),
    )


def part_traits(part: Part) -> PartTraits:
    """Return what an evaluation keeps of a part."""
    return PartTraits(name=part.name, symmetry=part.symmetry, chiral=part.chiral, area_mm2=part.area_mm2)


def library_versions() -> dict[str, str]:
    """Return the versions of kontur and of the libraries that an evaluation depends on."""
    return {"kontur": __version__, **{name: version(name) for name in _LIBRARIES}}


def _check(truth: GroundTruth, results: Sequence[PictureResult]) -> None:
    if len(truth.pictures) != len(results):
        raise DatasetError(
            f"{truth.source}: {len(truth.pictures)} pictures, but detections for {len(results)}; detect in all of them"
        )
    known = {part.name for part in truth.parts}
    said = {entry["part"] for result in results for entry in result["detections"]}
    if said - known:
        raise DatasetError(
            f"{truth.source}: detections name unknown parts {sorted(said - known)}; evaluate with the drawings trained on"
        )


def _matches(truth: GroundTruth, results: Sequence[PictureResult], pairings: Sequence[Pairing]) -> list[Match]:
    return [
        _match(truth, results, pairings, picture, detection, instance)
        for picture, pairing in enumerate(pairings)
        for detection, instance in pairing.pairs
    ]


def _match(
    truth: GroundTruth,
    results: Sequence[PictureResult],
    pairings: Sequence[Pairing],
    picture: int,
    detection: int,
    instance: int,
) -> Match:
    item, entry = truth.pictures[picture].instances[instance], results[picture]["detections"][detection]
    part = truth.parts[item.part]
    errors = dict.fromkeys(("position_px", "position_mm", "angle_deg", "scale", "flipped_right"))
    if item.pose is not None and entry["part"] == part.name:
        errors |= pose_difference(part, item.pose, entry)
    return Match(
        picture=picture,
        instance=instance,
        detection=detection,
        part=part.name,
        said=entry["part"],
        iou=float(pairings[picture].iou[detection]),
        score=entry["score"],
        size_px=item.area_px**0.5,
        visible_fraction=item.visible_fraction,
        **errors,
    )


def _part_rows(
    traits: Sequence[PartTraits], counts: NDArray[np.int64], matches: Sequence[Match], scores: CocoScores
) -> tuple[PartRow, ...]:
    rows = []
    for index, part in enumerate(traits):
        right = [match for match in matches if match.part == match.said == part.name]
        found, missed = int(counts[index, index]), int(counts[index, -1])
        rows.append(
            PartRow(
                part=part.name,
                instances=int(counts[index].sum()),
                found=found,
                confused=int(counts[index].sum()) - found - missed,
                missed=missed,
                false=int(counts[-1, index]),
                flipped_wrong=sum(match.flipped_right is False for match in right),
                precision=scores.part(index),
                position_px=spread(match.position_px for match in right),
                angle_deg=spread(match.angle_deg for match in right),
            )
        )
    return tuple(rows)


def _bands(
    truth: GroundTruth,
    matches: Sequence[Match],
    edges: Sequence[float],
    measure: Callable[[TruthInstance], float | None],
    open_ended: bool,
) -> tuple[Band, ...]:
    """Tabulate recall and accuracy over ranges of a measure; the last range includes its end."""
    right = {(match.picture, match.instance): match for match in matches if match.part == match.said}
    rows = [
        (value, right.get((picture, index)))
        for picture, content in enumerate(truth.pictures)
        for index, item in enumerate(content.instances)
        if not item.ignored and (value := measure(item)) is not None
    ]
    highs = [*edges[1:], None] if open_ended else [*edges[1:]]
    last = len(highs) - 1
    return tuple(
        _band(
            low, high, [match for value, match in rows if value >= low and (k == last or high is None or value < high)]
        )
        for k, (low, high) in enumerate(zip(edges, highs, strict=False))
    )


def _band(low: float, high: float | None, found: Sequence[Match | None]) -> Band:
    some = [match for match in found if match is not None]
    return Band(
        low=low,
        high=high,
        instances=len(found),
        recall=len(some) / len(found) if found else None,
        iou_median=spread(match.iou for match in some).median,
        position_px_median=spread(match.position_px for match in some).median,
    )


def _reliability(
    truth: GroundTruth, results: Sequence[PictureResult], pairings: Sequence[Pairing], matches: Sequence[Match]
) -> Reliability:
    right = {(match.picture, match.detection) for match in matches if match.part == match.said}
    rows = [
        (entry["score"], (picture, index) in right)
        for picture, (result, pairing) in enumerate(zip(results, pairings, strict=True))
        for index, entry in enumerate(result["detections"])
        if not pairing.ignored[index]
    ]
    instances = sum(not item.ignored for picture in truth.pictures for item in picture.instances)
    scores = np.array([score for score, _ in rows], np.float64)
    return reliability(scores, np.array([flag for _, flag in rows], bool), instances)

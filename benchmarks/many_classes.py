"""Sixty near-identical parts: python benchmarks/many_classes.py [--minutes M] [--count C] [--pictures N] [--keep DIR]

Twelve families of brackets, made here; the five members of a family differ by the place of one hole alone, 4 mm from one to
the next. Pictures are generated and learnt from within the minutes; network, matcher and both are judged on synthetic
pictures that nobody learnt from. Top-1 is the share of the parts that were found whose name is right: of all; of those whose
moved hole can be seen, since where it is hidden or lies outside the picture a part may be any of its family; and of those
that can be told at all, of which so much else is seen that no part of another family has the same contour there either (see
`telling`). About as long as the minutes and six more on two cores.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from publish import markdown_table, publish
from telling import can_be_told
from training_runs import Lesson, learn, rows_of, summary, test_samples, test_truth, top_1

from kontur.data_preprocessing.data_config import DataConfig
from kontur.data_preprocessing.dataset import open_dataset
from kontur.data_preprocessing.generate import generate
from kontur.data_preprocessing.sample import Sample
from kontur.geometry import Contour, Part, circle_contour, make_part
from kontur.modeling.checkpoint import load_checkpoint
from kontur.modeling.detections import Detector
from kontur.modeling.evaluate import evaluate, run_detector
from kontur.modeling.ground_truth import GroundTruth
from kontur.modeling.inference import NetworkDetector
from kontur.modeling.shape_matching import make_matcher
from kontur.modeling.train_config import DetectionConfig
from kontur.workspace import Workspace

FAMILIES, MEMBERS = 12, 5
STEP_MM = 4.0
SCALES = (0.55, 0.75)
"""mm per px."""
PICTURES = {
    "faces": "up", "camera": {"mm_per_px": SCALES, "tilt_deg": (0, 4)},
    "scene": {"parts": (4, 12), "pile": 0.2, "distractors": 0.4},
}  # fmt: skip
_HOLE_MM = 3.0
"""Radius of the moved hole."""
_JUST_AROUND = 1.27
REQUIRED_TOP_1 = 0.97


def brackets() -> tuple[Part, ...]:
    """Return the parts: family by family, member by member."""
    return tuple(_bracket(family, member) for family in range(FAMILIES) for member in range(MEMBERS))


def _bracket(family: int, member: int) -> Part:
    """An L whose legs and fixed hole tell the family; the other hole moves along the long leg."""
    rng = np.random.default_rng(family)
    long, short = 52.0 + 3 * (family % 4), 26.0 + 4 * (family // 4)
    wide, thick = rng.uniform(11, 14), rng.uniform(10, 13)
    corners = np.array([(0, 0), (long, 0), (long, wide), (thick, wide), (thick, short), (0, short)], float)
    if family % 2:
        corners[2] = (long - 6, wide)
    fixed = circle_contour(thick / 2, short - 6, 2.5 + 0.4 * (family % 3))
    moved = circle_contour(long - 9 - STEP_MM * member, wide / 2, _HOLE_MM)
    return make_part(f"bracket{family:02d}{'abcde'[member]}", Contour(corners), (fixed, moved))


def with_hole_seen(truth: GroundTruth, samples: Sequence[Sample]) -> GroundTruth:
    """Return the truth with those parts ignored whose moved hole cannot be seen: they may be any of their family."""
    return _only(truth, [[_hole_is_seen(sample, n, truth.parts) for n in _numbers(sample)] for sample in samples])


def that_can_be_told(truth: GroundTruth, samples: Sequence[Sample]) -> GroundTruth:
    """Return the truth with those parts ignored that may be others, by as much contour as half of a hole has."""
    least_mm = np.pi * _HOLE_MM
    told = [[can_be_told(sample, n, truth.parts, least_mm) for n in _numbers(sample)] for sample in samples]
    return _only(with_hole_seen(truth, samples), told)


def _numbers(sample: Sample) -> range:
    return range(len(sample.instances))


def _only(truth: GroundTruth, shown: Sequence[Sequence[bool]]) -> GroundTruth:
    """Return the truth with those parts ignored that are not shown."""
    pictures = []
    for picture, here in zip(truth.pictures, shown, strict=True):
        marked = zip(picture.instances, here, strict=True)
        instances = tuple(replace(item, ignored=item.ignored or not seen) for item, seen in marked)
        pictures.append(replace(picture, instances=instances))
    return replace(truth, pictures=tuple(pictures))


def _hole_is_seen(sample: Sample, number: int, parts: Sequence[Part]) -> bool:
    """Whether half of the material just around the moved hole is seen."""
    instance = sample.instances[number]
    hole = parts[instance.part].holes[-1].points
    middle = hole.mean(axis=0)
    at = np.round(instance.pose.apply(middle + (hole - middle) * _JUST_AROUND)).astype(int)
    inside = ((at >= 0) & (at < sample.ids.shape[::-1])).all(axis=1)
    seen = sample.ids[at[inside, 1], at[inside, 0]] == number + 1
    return bool(np.count_nonzero(seen) >= len(at) / 2)


def main() -> int:
    """Train, judge, publish; exit with 1 when too few names are right."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0, help="of generating and training")
    parser.add_argument("--count", type=int, default=3000, help="pictures generated first")
    parser.add_argument("--pictures", type=int, default=100, help="test pictures")
    parser.add_argument(
        "--keep", type=Path, help="make data and network here and keep them, or take those that are there"
    )
    arguments = parser.parse_args()
    config = DataConfig.model_validate(PICTURES)
    lesson = Lesson(brackets(), config, config)
    truth, samples = test_truth(lesson, arguments.pictures), test_samples(lesson, arguments.pictures)
    matcher = make_matcher(lesson.parts, SCALES, "up")
    with tempfile.TemporaryDirectory() as temporary:
        root = arguments.keep or Path(temporary)
        data, begin = Workspace(root / "data"), time.perf_counter()
        generate(data, config, lesson.parts, (), arguments.count)
        left = arguments.minutes - (time.perf_counter() - begin) / 60
        network = learn(root, lesson, left, open_dataset(data, "train"))
        steps = load_checkpoint(Workspace(root).checkpoint)[1].training["steps"]
        every_score = DetectionConfig(score_threshold=0.0)
        both = NetworkDetector(Workspace(root).onnx, lesson.parts, every_score, others=[matcher])
        engines: dict[str, Detector] = {"network": network, "matcher": matcher, "both": both}
        truths = truth, with_hole_seen(truth, samples), that_can_be_told(truth, samples)
        results = {name: judged(engine, *truths) for name, engine in engines.items()}
    columns = list(results["network"])
    command = (
        f"python benchmarks/many_classes.py --minutes {arguments.minutes:g} --count {arguments.count}"
        f" --pictures {arguments.pictures}"
    )
    table = markdown_table(["engine", *columns], rows_of(results, columns))
    about = {"classes": len(lesson.parts), "minutes of generating and training": arguments.minutes, "steps": steps}
    publish("many_classes", "Sixty near-identical brackets", command, about | results, table)
    for name, row in results.items():
        print(name, row)
    return int((results["network"]["top-1, hole seen"] or 0) < REQUIRED_TOP_1)


def judged(engine: Detector, truth: GroundTruth, hole_seen: GroundTruth, told: GroundTruth) -> dict[str, Any]:
    """Return the measures of an engine: names among all parts, among those whose hole is seen, and that can be told."""
    begin = time.perf_counter()
    found = run_detector(engine, truth, lambda _done, _total: None)
    seconds = (time.perf_counter() - begin) / len(truth.pictures)
    evaluation = evaluate(truth, found, "60 brackets")
    within = sum(row.count for row in evaluation.look_alikes if row.part[:9] == row.taken_for[:9])
    return {
        "top-1, can be told": top_1(evaluate(told, found, "60 brackets, can be told")),
        "top-1, hole seen": top_1(evaluate(hole_seen, found, "60 brackets, hole seen")), **summary(evaluation),
        "confused": sum(row.confused for row in evaluation.rows), "within a family": within, "s a picture": seconds,
    }  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())

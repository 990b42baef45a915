"""Sixty near-identical parts: python benchmarks/many_classes.py [--minutes M] [--pictures N]

Twelve families of brackets, made here; the five members of a family differ by the place of one hole alone, 4 mm from one to
the next. Trained on the fly, judged on synthetic pictures that it did not learn from: top-1 is the share of the parts that
were found whose name is right. About as long as the training and two minutes on two cores.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np
from publish import markdown_table, publish
from training_runs import Lesson, learn, score, summary, test_truth, top_1

from kontur.data_preprocessing.data_config import DataConfig
from kontur.geometry import Contour, Part, circle_contour, make_part

FAMILIES, MEMBERS = 12, 5
STEP_MM = 4.0
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
    moved = circle_contour(long - 9 - STEP_MM * member, wide / 2, 3.0)
    return make_part(f"bracket{family:02d}{'abcde'[member]}", Contour(corners), (fixed, moved))


def main() -> int:
    """Train, judge, publish; exit with 1 when too few names are right."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0, help="of training")
    parser.add_argument("--pictures", type=int, default=100, help="test pictures")
    arguments = parser.parse_args()
    config = DataConfig.model_validate(
        {"faces": "up", "camera": {"mm_per_px": (0.55, 0.75)}, "scene": {"parts": (4, 12)}}
    )
    lesson = Lesson(brackets(), config, config)
    with tempfile.TemporaryDirectory() as folder:
        detector = learn(Path(folder), lesson, arguments.minutes)
        evaluation = score(detector, test_truth(lesson, arguments.pictures), "60 brackets")
    results = {"classes": len(lesson.parts), "minutes": arguments.minutes, **summary(evaluation)}
    within = sum(row.count for row in evaluation.look_alikes if row.part[:9] == row.taken_for[:9])
    results |= {"confused": sum(row.confused for row in evaluation.rows), "of these within a family": within}
    command = f"python benchmarks/many_classes.py --minutes {arguments.minutes:g} --pictures {arguments.pictures}"
    table = markdown_table(["measure", "value"], [[name, value] for name, value in results.items()])
    publish("many_classes", "Sixty near-identical brackets", command, results, table)
    print(results)
    return int((top_1(evaluation) or 0) < REQUIRED_TOP_1)


if __name__ == "__main__":
    sys.exit(main())

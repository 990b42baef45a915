"""What each step is worth: python benchmarks/ablations.py [--minutes M] [--pictures N]

Four short trainings on the example drawings (everything; without cast shadows; without highlights; without backgrounds),
all judged on the same synthetic pictures with everything in them, which none of them learnt from. With the first network,
registration, decision and calibration are left out one at a time. The trainings are far shorter than a user's, one each:
read differences of a few hundredths as chance. About 12 minutes on two cores.
"""

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from publish import markdown_table, publish
from training_runs import Lesson, learn, rows_of, score, summary, test_truth

from kontur.data_preprocessing.data_config import DataConfig
from kontur.drawing import read_parts
from kontur.modeling.coarse_pose import align, direction_field, plane_told_by_edges
from kontur.modeling.decide import decide
from kontur.modeling.detections import Detections
from kontur.modeling.inference import NetworkDetector
from kontur.modeling.pile import stack_layers
from kontur.modeling.refine import register
from kontur.pictures import Picture
from kontur.scaffold import example_drawings

BASE: dict[str, Any] = {"faces": "up", "camera": {"mm_per_px": (0.55, 0.85)}, "scene": {"pile": 0.35}}
LESSONS: dict[str, dict[str, Any]] = {
    "all": {},
    "training without cast shadows (lamps overhead)": {"light": {"elevation_deg": (88, 89)}},
    "training without highlights (matt materials)": {
        "materials": {"kinds": {"paint": 1, "plastic": 1, "rubber": 1}, "roughness": (0.9, 1.0)},
        "background": {"gloss": (0, 0)}, "light": {"reflected_sky": (0.04, 0.05)},
    },
    "training without backgrounds (plain tables)": {
        "background": {"kinds": {"plain": 1}, "pictures": 0, "contrast": (0, 0), "camouflage": 0},
        "scene": {"pile": 0.35, "distractors": 0},
    },
}  # fmt: skip


class Without:
    """A detector with one step left out."""

    def __init__(self, whole: NetworkDetector, step: str) -> None:
        self.parts, self._whole, self._step = whole.parts, whole, step

    def detect(self, picture: Picture) -> Detections:
        """Find parts as the whole detector does, but for the step."""
        said = self._whole.propose(picture)
        field = direction_field(picture)
        if self._step == "calibration":
            return self._whole.accepted(picture, said)
        hypotheses, places = said.hypotheses, said.places
        plane = plane_told_by_edges(field, hypotheses, places, self.parts, self._whole.px_per_mm)
        if self._step == "decision":
            first = _first_choices(hypotheses, places)
            found = register(picture, align(field, hypotheses[first], self.parts, plane), self.parts)
            return found[_best_supported(found)]
        aligned = _as_if_registered(align(field, hypotheses, self.parts, plane))
        decided = stack_layers(picture, decide(picture, aligned, self.parts), self.parts)
        return self._whole.scored(decided, said.answer)


def main() -> None:
    """Train, leave out, publish."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=1.8, help="of each training")
    parser.add_argument("--pictures", type=int, default=40, help="test pictures")
    arguments = parser.parse_args()
    parts, _ = read_parts(example_drawings())
    everything = DataConfig.model_validate(BASE)
    results: dict[str, dict[str, Any]] = {}
    truth = test_truth(Lesson(parts, everything, everything), arguments.pictures)
    for name, changes in LESSONS.items():
        lesson = Lesson(parts, DataConfig.model_validate(BASE | changes), everything)
        with tempfile.TemporaryDirectory() as folder:
            detector = learn(Path(folder), lesson, arguments.minutes)
            results[name] = summary(score(detector, truth, name))
            if name == "all":
                for step in ("registration", "decision", "calibration"):
                    results[f"without {step}"] = summary(score(Without(detector, step), truth, step))
        print(name, results[name], flush=True)
    columns = list(results["all"])
    table = markdown_table(["", *columns], rows_of(results, columns))
    note = (
        f"Each training {arguments.minutes:g} minutes, once; {arguments.pictures} synthetic pictures. Without the decision "
        "the first choice of each place is taken, with the network's score. Short trainings: small differences are chance."
    )
    command = f"python benchmarks/ablations.py --minutes {arguments.minutes:g} --pictures {arguments.pictures}"
    publish("ablations", "What each step is worth", command, results, f"{table}\n\n{note}")


def _first_choices(hypotheses: Detections, places: np.ndarray) -> np.ndarray:
    """Return the indices of the best hypothesis of each place."""
    order = np.argsort(-hypotheses.score, kind="stable")
    _, first = np.unique(places[order], return_index=True)
    return np.sort(order[first])


def _best_supported(found: Detections) -> np.ndarray:
    """Return, of detections whose data nearly coincide, the best supported."""
    kept: list[int] = []
    for index in np.argsort(-np.nan_to_num(found.support), kind="stable").tolist():
        if all(np.linalg.norm(found.uv[index] - found.uv[other]) > 8 for other in kept):
            kept.append(index)
    return np.array(sorted(kept), np.int64)


def _as_if_registered(aligned: Detections) -> Detections:
    """Registration's measures are not there: its support counts as 0."""
    return replace(aligned, support=np.zeros(len(aligned)))


if __name__ == "__main__":
    main()

"""On the fly or from a data set: python benchmarks/training_source.py [--minutes M] [--pictures N]

The same wall time for both on the example drawings: one renders pictures while it trains, the other first generates a
data set and trains for what is left. Judged on the same synthetic pictures. About twice the minutes, and two more.
"""

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

from publish import markdown_table, publish
from training_runs import Lesson, learn, rows_of, score, summary, test_truth

from kontur.data_preprocessing.data_config import DataConfig
from kontur.data_preprocessing.dataset import open_dataset
from kontur.data_preprocessing.generate import generate
from kontur.drawing import read_parts
from kontur.modeling.checkpoint import load_checkpoint
from kontur.scaffold import example_drawings
from kontur.workspace import Workspace


def main() -> None:
    """Train both ways and publish."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=6.0, help="wall time of each way")
    parser.add_argument("--count", type=int, default=2000, help="pictures of the data set")
    parser.add_argument("--pictures", type=int, default=60, help="test pictures")
    arguments = parser.parse_args()
    parts, drawings = read_parts(example_drawings())
    config = DataConfig.model_validate({"faces": "up", "camera": {"mm_per_px": (0.55, 0.85)}})
    lesson = Lesson(parts, config, config)
    truth = test_truth(lesson, arguments.pictures)
    results: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as folder:
        space = Workspace(Path(folder) / "data")
        begin = time.perf_counter()
        generate(space, config, parts, drawings, arguments.count)
        spent = (time.perf_counter() - begin) / 60
        ways = {
            "on the fly": (None, arguments.minutes),
            f"{arguments.count} pictures generated first": (open_dataset(space, "train"), arguments.minutes - spent),
        }
        for number, (name, (samples, minutes)) in enumerate(ways.items()):
            root = Path(folder) / str(number)
            detector = learn(root, lesson, minutes, samples)
            steps = load_checkpoint(Workspace(root).checkpoint)[1].training["steps"]
            results[name] = {"training minutes": minutes, "steps": steps, **summary(score(detector, truth, name))}
            print(name, results[name], flush=True)
    columns = list(next(iter(results.values())))
    command = f"python benchmarks/training_source.py --minutes {arguments.minutes:g} --count {arguments.count}"
    table = markdown_table(["", *columns], rows_of(results, columns))
    publish("training_source", "Training on the fly or from a data set", command, results, table)


if __name__ == "__main__":
    main()

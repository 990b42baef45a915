"""Train on the drawings of a folder of path-traced pictures, detect in its pictures, score against its truth.

    python benchmarks/photoreal.py ../shared/photoreal/dev --scorer ../shared/tools/score.py

The folder holds drawings/*.dxf, pictures and truth.json; the scorer is an independent program. Nothing is trained or
tuned on the pictures. The wall time from the first drawing to the trained network is part of the result.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml
from publish import markdown_table, publish

from kontur.errors import WorkspaceError
from kontur.files import write_text

MM_PER_PX = (1 / 1.8, 1 / 1.2)
FACES = "up"
"""The pictures hold a part and its mirror image as different parts, so none may lie face down."""


def main() -> int:
    """Run the benchmark; exit with 1 when the required accuracy is missed."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory() as folder:
        root = arguments.keep or Path(folder) / "workspace"
        results = measure(arguments.pictures, arguments.scorer, root, arguments.count, arguments.minutes)
    table = markdown_table(["step", "seconds"], [[name, round(value, 1)] for name, value in results["seconds"].items()])
    scores = markdown_table(["measure", "value"], list(results["score"].items()))
    command = "python benchmarks/photoreal.py ../shared/photoreal/dev --scorer ../shared/tools/score.py"
    publish(
        "photoreal", "Path-traced pictures, network trained from drawings", command, results, f"{scores}\n\n{table}"
    )
    print(json.dumps(results, indent=1))
    return int(results["score"]["mask_AP50"] < arguments.required_ap50)


def measure(pictures: Path, scorer: Path, root: Path, count: int, minutes: float) -> dict[str, Any]:
    """Return seconds per step and the scorer's numbers."""
    seconds: dict[str, float] = {}
    _kontur("new", seconds, str(root), "--drawings", str(pictures / "drawings"))
    _configure(root / "configs" / "data_config.yaml")
    place = ("-C", str(root))
    _kontur("generate", seconds, "--count", str(count), *place)
    _kontur("train", seconds, "--minutes", str(minutes), *place)
    _kontur("export", seconds, *place)
    files = [str(path) for path in sorted(pictures.glob("[0-9]*.png")) if "_id" not in path.name]
    _kontur("detect", seconds, *files, "--out", str(root / "results"), *place)
    words = [sys.executable, str(scorer), str(pictures), str(root / "results" / "detections.json"), "--json"]
    score = json.loads(subprocess.run(words, capture_output=True, text=True, check=True).stdout)
    seconds["generate and train"] = seconds["generate"] + seconds["train"]
    return {"seconds": seconds, "score": score, "pictures_generated": count}


def _configure(path: Path) -> None:
    """Set the scale and the faces, and nothing else, as a user would."""
    config = yaml.safe_load(path.read_text())
    config["faces"] = FACES
    config["camera"]["mm_per_px"] = [round(value, 4) for value in MM_PER_PX]
    write_text(path, yaml.safe_dump(config, sort_keys=False))


def _kontur(command: str, seconds: dict[str, float], *words: str) -> None:
    start = time.perf_counter()
    done = subprocess.run([sys.executable, "-m", "kontur", command, *words], check=False)
    seconds[command] = time.perf_counter() - start
    if done.returncode:
        raise WorkspaceError(f"kontur {command} ended with {done.returncode}; its message is above")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", type=Path, help="folder with drawings/, pictures and truth.json")
    parser.add_argument("--scorer", type=Path, required=True, help="program that scores detections.json")
    parser.add_argument("--count", type=int, default=3000, help="pictures to generate")
    parser.add_argument("--minutes", type=float, default=11.0, help="minutes to train")
    parser.add_argument("--keep", type=Path, help="make the workspace here and keep it")
    parser.add_argument("--required-ap50", type=float, default=0.70, help="exit with 1 below this mask AP50")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())

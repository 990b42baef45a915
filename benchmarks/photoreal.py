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
        results = measure(arguments, root)
    table = markdown_table(["step", "seconds"], [[name, round(value, 1)] for name, value in results["seconds"].items()])
    scores = results["scores"]
    rows = [[name, *(scores[engine][name] for engine in arguments.engines)] for name in scores[arguments.engines[0]]]
    side_by_side = markdown_table(["measure", *arguments.engines], rows)
    source = f" --count {arguments.count}" if arguments.count else ""
    command = (
        "python benchmarks/photoreal.py ../shared/photoreal/dev --scorer ../shared/tools/score.py"
        f" --minutes {arguments.minutes:g}{source}"
    )
    text = f"{side_by_side}\n\n{table}"
    publish("photoreal", "Path-traced pictures, network trained from drawings", command, results, text)
    print(json.dumps(results, indent=1))
    return int(max(score["mask_AP50"] for score in scores.values()) < arguments.required_ap50)


def measure(arguments: argparse.Namespace, root: Path) -> dict[str, Any]:
    """Return seconds per step, and the scorer's numbers for each engine."""
    seconds: dict[str, float] = {}
    pictures, place = arguments.pictures, ("-C", str(root))
    _kontur("new", seconds, str(root), "--drawings", str(pictures / "drawings"))
    _configure(root / "configs" / "data_config.yaml")
    words = ["--minutes", str(arguments.minutes), *place]
    if arguments.count:
        _kontur("generate", seconds, "--count", str(arguments.count), *place)
    else:
        words.append("--on-the-fly")
    _kontur("train", seconds, *words)
    _kontur("export", seconds, *place)
    seconds["everything before detection"] = sum(seconds.values())
    files = [str(path) for path in sorted(pictures.glob("[0-9]*.png")) if "_id" not in path.name]
    scores = {}
    for engine in arguments.engines:
        out = root / "results" / engine
        _kontur(f"detect, {engine}", seconds, *files, "--out", str(out), "--engine", engine, *place)
        command = [sys.executable, str(arguments.scorer), str(pictures), str(out / "detections.json"), "--json"]
        scores[engine] = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return {"seconds": seconds, "scores": scores, "pictures_generated": arguments.count}


def _configure(path: Path) -> None:
    """Set the scale and the faces, and nothing else, as a user would."""
    config = yaml.safe_load(path.read_text())
    config["faces"] = FACES
    config["camera"]["mm_per_px"] = [round(value, 4) for value in MM_PER_PX]
    write_text(path, yaml.safe_dump(config, sort_keys=False))


def _kontur(command: str, seconds: dict[str, float], *words: str) -> None:
    start = time.perf_counter()
    done = subprocess.run([sys.executable, "-m", "kontur", command.split(",")[0], *words], check=False)
    seconds[command] = time.perf_counter() - start
    if done.returncode:
        raise WorkspaceError(f"kontur {command} ended with {done.returncode}; its message is above")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", type=Path, help="folder with drawings/, pictures and truth.json")
    parser.add_argument("--scorer", type=Path, required=True, help="program that scores detections.json")
    parser.add_argument("--count", type=int, default=0, help="pictures to generate first; 0: rendered while training")
    parser.add_argument("--minutes", type=float, default=12.0, help="minutes to train")
    parser.add_argument("--engines", nargs="+", default=["network", "match", "both"], help="who proposes, side by side")
    parser.add_argument("--keep", type=Path, help="make the workspace here and keep it")
    parser.add_argument("--required-ap50", type=float, default=0.70, help="exit with 1 below this mask AP50")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())

"""How fast detecting is: python benchmarks/running.py WORKSPACE [--frames N]

The workspace needs a data set and an exported network (fp32 and, where it was accepted, int8 of either format). Measured
are, in one run: the network alone against a stand-in of YOLO11n-seg's size in the same runtime, the two taking turns; a
picture of about ten parts read from its file to its result; a video through the whole pipeline and the memory it takes; the
command line from its start to its first detection. The stand-in is a stack of plain 3x3 convolutions of 10 GFLOP at 640 x
640, with that network's widths and strides: it stands for its cost, it is not that network.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from publish import publish

from kontur.data_preprocessing.dataset import open_dataset
from kontur.hardware.threads import available_cpus
from kontur.modeling.inference import load_detector
from kontur.modeling.model_files import exported_path, find_model
from kontur.modeling.pipeline import detect_in, ordered_map
from kontur.modeling.proposer import as_input
from kontur.modeling.quantise import quantise_onnx
from kontur.modeling.results import picture_result
from kontur.modeling.runtimes import Runtime, RuntimeChoice, open_runtime
from kontur.pictures import read_picture
from kontur.sources import open_source
from kontur.workspace import Workspace

ROUNDS = 40
PARTS_WANTED = 10
STAGES = ((16, 0), (32, 3), (64, 6), (128, 6), (256, 4))
"""Channels after each stride of 2, and residual-less 3x3 convolutions there: 10.0 GFLOP (two per multiplication) at 640."""


def stand_in(path: Path) -> float:
    """Write the stand-in network as ONNX; returns its GFLOP at 640 x 640."""
    rng = np.random.default_rng(0)
    nodes, weights, flop, before, side, name = [], [], 0.0, 3, 640, "picture"
    layers = [(width, 2 if k == 0 else 1) for width, blocks in STAGES for k in range(blocks + 1)]
    for number, (width, stride) in enumerate(layers):
        side //= stride
        flop += 2 * 9 * before * width * side * side
        scale = (2 / (9 * before)) ** 0.5
        weights.append(
            numpy_helper.from_array(
                (scale * rng.standard_normal((width, before, 3, 3))).astype(np.float32), f"w{number}"
            )
        )
        nodes.append(
            helper.make_node(
                "Conv", [name, f"w{number}"], [f"c{number}"], f"conv{number}", pads=[1] * 4, strides=[stride] * 2
            )
        )
        nodes.append(helper.make_node("Relu", [f"c{number}"], [f"r{number}"], f"relu{number}"))
        before, name = width, f"r{number}"
    ends = [
        helper.make_tensor_value_info(n, TensorProto.FLOAT, [1, c, "h", "w"])
        for n, c in (("picture", 3), (name, before))
    ]
    graph = helper.make_graph(nodes, "stand_in", ends[:1], ends[1:], weights)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), path)
    return flop / 1e9


def milliseconds(runs: Sequence[Callable[[], object]], rounds: int = ROUNDS) -> list[float]:
    """Return the median time of each, taking turns."""
    times: list[list[float]] = [[] for _ in runs]
    for _ in range(rounds + 2):
        for row, run in zip(times, runs, strict=True):
            start = time.perf_counter()
            run()
            row.append(1000 * (time.perf_counter() - start))
    return [round(float(np.median(row[2:])), 2) for row in times]


def pictures_of_ten(space: Workspace) -> list[Path]:
    """Return the picture files whose number of parts is nearest to ten, ten of them."""
    rows = [
        (abs(len(sample.instances) - PARTS_WANTED), k)
        for split in ("val",)
        for k, sample in enumerate(open_dataset(space, split))
    ]
    return [open_dataset(space, "val").paths(k).image for _, k in sorted(rows)[:10]]


def measure_choice(space: Workspace, choice: RuntimeChoice, other: Path, files: Sequence[Path]) -> dict[str, Any]:
    """Measure a runtime and precision: network, stand-in, and a picture from file to result."""
    threads = available_cpus()
    choice = RuntimeChoice(choice.runtime, choice.precision, threads)
    ours: Runtime = open_runtime(find_model(space, choice), choice)
    theirs = open_runtime(other, choice)
    blob = as_input(read_picture(files[0]))
    network, standing = milliseconds([lambda: ours(blob), lambda: theirs(blob)])
    detector = load_detector(space, runtime=choice.runtime, precision=choice.precision)
    turn = iter(list(files) * (ROUNDS + 2))

    def whole() -> object:
        path = next(turn)
        return picture_result(path.name, detector.detect(read_picture(path)), detector.parts)

    (total,) = milliseconds([whole])
    return {"network_ms": network, "stand_in_ms": standing, "ratio": round(network / standing, 3), "picture_ms": total}


def measure_video(space: Workspace, choice: RuntimeChoice, files: Sequence[Path], frames: int) -> dict[str, Any]:
    """Run the pipeline over a video of so many frames; returns its rate, and peak memory at a tenth and at the end."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "video.avi"
        shown = [read_picture(file) for file in files]
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 60, shown[0].shape[1::-1])
        for number in range(frames):
            writer.write(shown[number % len(shown)])
        writer.release()
        detector = load_detector(space, runtime=choice.runtime, precision=choice.precision, many=True)
        memory, start = {}, time.perf_counter()
        found = ordered_map(
            lambda item: picture_result(item.frame.name, item.detections, detector.parts),
            detect_in(detector, open_source([str(path)])),
            available_cpus(),
        )
        for number, _ in enumerate(found, 1):
            if number in (max(1, frames // 10), frames):
                memory[number] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000, 1)
        seconds = time.perf_counter() - start
    return {"frames": frames, "pictures_per_s": round(frames / seconds, 1), "peak_mb_after": memory}


def first_detection_s(space: Workspace, picture: Path) -> float:
    """Return the wall time of `kontur detect` on one picture, the best of three, kernels and bytecode cached."""
    best, environment = float("inf"), dict(os.environ)
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed package has its bytecode
    for _ in range(4):
        with tempfile.TemporaryDirectory() as out:
            command = [
                sys.executable,
                "-m",
                "kontur",
                "detect",
                str(picture),
                "--out",
                out,
                "-C",
                str(space.root),
                "--save",
                "jsonl",
            ]
            start = time.perf_counter()
            subprocess.run(command, check=True, capture_output=True, env=environment)
            best = min(best, time.perf_counter() - start)
    return round(best, 2)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and publish."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("workspace", type=Path)
    parser.add_argument("--frames", type=int, default=10_000)
    options = parser.parse_args(arguments)
    space = Workspace(options.workspace)
    files = pictures_of_ten(space)
    choices = [
        RuntimeChoice(*pair)
        for pair in (("onnxruntime", "fp32"), ("openvino", "fp32"), ("openvino", "bf16"), ("opencv", "fp32"))
    ]
    for runtime, suffix in (("onnxruntime", ".onnx"), ("openvino", ".xml")):
        if exported_path(space, suffix, "int8").is_file():
            choices.append(RuntimeChoice(runtime, "int8"))
    rows: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        plain, small = Path(folder) / "stand_in.onnx", Path(folder) / "stand_in.int8.onnx"
        gflop = stand_in(plain)
        quantise_onnx(plain, small, [read_picture(file) for file in files[:4]])
        for choice in choices:
            rows[f"{choice.runtime} {choice.precision}"] = measure_choice(
                space, choice, small if choice.precision == "int8" else plain, files
            )
    fast = [choice for choice in choices if choice.precision != "fp32"]
    best = min(fast, key=lambda choice: rows[f"{choice.runtime} {choice.precision}"]["picture_ms"])
    video = measure_video(space, best, files, options.frames)
    start = first_detection_s(space, files[0])
    results = {
        "stand_in_gflop": round(gflop, 2),
        "rows": rows,
        "video": {"choice": f"{best.runtime} {best.precision}", **video},
        "first_detection_s": start,
    }
    lines = ["| runtime | network ms | stand-in ms | ratio | file to result ms |", "|---|---|---|---|---|"]
    lines += [
        f"| {name} | {row['network_ms']} | {row['stand_in_ms']} | {row['ratio']} | {row['picture_ms']} |"
        for name, row in rows.items()
    ]
    memory = ", ".join(f"{mb} MB after {n}" for n, mb in video["peak_mb_after"].items())
    lines += [
        "",
        f"Video ({best.runtime} {best.precision}): {video['pictures_per_s']} pictures/s over {video['frames']} frames, "
        f"peak memory {memory}.",
        f"From the start of `kontur detect` to its first result: {start} s.",
        "",
        f"The stand-in has {gflop:.1f} GFLOP at 640 x 640.",
    ]
    publish(
        "running",
        "Running",
        f"python benchmarks/running.py WORKSPACE --frames {options.frames}",
        results,
        "\n".join(lines),
    )
    json.dump(results, sys.stdout, indent=1)


if __name__ == "__main__":
    main()

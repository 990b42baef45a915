"""How generating, training and detecting speed up with workers, as threads and as processes; and the two usual models of it.

Amdahl (1967): a share p of the work runs on n workers, the rest on one: speed-up 1 / (1 - p + p / n), for work of a fixed
size. Gustafson (1988): n + (1 - n) s, for work that grows with n, with s the serial share of the parallel run. Both are
models fitted to the measured points, no measurements themselves; with two points each they fit exactly and prove nothing.
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from kontur.errors import KonturError
from kontur.hardware.threads import use_threads
from kontur.modeling.inference import load_detector
from kontur.modeling.pipeline import ordered_map
from kontur.pictures import Picture, find_pictures, read_picture
from kontur.workspace import Workspace

_SAMPLES = 16
"""Samples a worker draws between the two timings whose difference leaves the start-up out."""
_PASSES = 3
_TRAIN_BATCH, _TRAIN_SIDE_PX, _TRAIN_STEPS = 4, 192, 3

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Point:
    """A measured point: what was done, as threads or processes, with how many workers, and how many pictures a second."""

    work: str
    kind: str
    workers: int
    per_second: float


def worker_counts(most: int) -> list[int]:
    """Return 1, 2, 4, ... and `most`."""
    return sorted({*(2**k for k in range(most.bit_length()) if 2**k <= most), most})


def measure_scaling(workspace: Workspace, most: int, on_progress: Progress) -> list[Point]:
    """Measure all kinds of work; training only where PyTorch is installed, detecting only with an exported network.

    Args:
        workspace: with drawings; with a data set and an exported network for detecting.
        most: greatest number of workers.
        on_progress: called with steps done and their number.
    """
    steps: list[Callable[[int], Point]] = [
        lambda n: Point("generate", "processes", n, generating_rate(workspace, "processes", n)),
        lambda n: Point("generate", "threads", n, generating_rate(workspace, "threads", n)),
        lambda n: Point("train", "threads", n, training_rate(n)),
    ]
    if workspace.onnx.is_file():
        pictures = [read_picture(path) for path in find_pictures([workspace.processed / "val" / "images"])[:8]]
        steps.append(lambda n: Point("detect", "threads", n, detecting_rate(workspace, pictures, n)))
        steps.append(lambda n: Point("detect", "processes", n, detecting_in_processes(workspace, pictures, n)))
    counts = worker_counts(most)
    points = []
    for done, step in enumerate(steps):
        for place, count in enumerate(counts):
            on_progress(done * len(counts) + place, len(steps) * len(counts))
            points.append(step(count))
    on_progress(len(points), len(points))
    return points


def generating_rate(workspace: Workspace, executor: str, workers: int) -> float:
    """Return samples a second, start-up left out: the difference of a long and a short run of `kontur generate`."""
    few, many = _SAMPLES, 3 * _SAMPLES * workers
    seconds = [_generate(workspace, executor, workers, count) for count in (few, many)]
    return (many - few) / max(seconds[1] - seconds[0], 1e-9)


def _generate(workspace: Workspace, executor: str, workers: int, count: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        for place in ("configs", "data/raw"):
            target = Path(folder) / place
            target.parent.mkdir(parents=True, exist_ok=True)
            target.symlink_to((workspace.root / place).resolve())
        command = [sys.executable, "-m", "kontur", "generate", "-C", folder, "--count", str(count)]
        command += ["--executor", executor, "--workers", str(workers)]
        start = time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise KonturError(f"kontur generate failed: {(done.stderr.strip().splitlines() or ['no message'])[-1]}")
        return time.perf_counter() - start


def training_rate(threads: int) -> float:
    """Return crops a second through network, loss and gradient, fp32, on so many PyTorch threads."""
    import torch

    from kontur.modeling.network import Network

    torch.manual_seed(0)
    torch.set_num_threads(threads)
    network = Network(4).train()
    crops = torch.rand(_TRAIN_BATCH, 3, _TRAIN_SIDE_PX, _TRAIN_SIDE_PX) * 255
    seconds = []
    for _ in range(_TRAIN_STEPS):
        start = time.perf_counter()
        network(crops).square().mean().backward()
        seconds.append(time.perf_counter() - start)
    return _TRAIN_BATCH / min(seconds)


def detecting_rate(workspace: Workspace, pictures: Sequence[Picture], workers: int) -> float:
    """Return pictures a second, so many at a time in threads of this process, the network on one thread each."""
    detector = load_detector(workspace, threads=1)
    for _ in ordered_map(detector.detect, pictures[:1], 1):
        pass
    start = time.perf_counter()
    for _ in ordered_map(detector.detect, list(pictures) * _PASSES, workers):
        pass
    return len(pictures) * _PASSES / (time.perf_counter() - start)


def detecting_in_processes(workspace: Workspace, pictures: Sequence[Picture], workers: int) -> float:
    """Return pictures a second of so many processes, each with a detector on one thread; start-up left out."""
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        rates = pool.map(_rate_of_one, [workspace] * workers, [list(pictures)] * workers)
        return sum(rates)


def _rate_of_one(workspace: Workspace, pictures: list[Picture]) -> float:
    use_threads(1)
    return detecting_rate(workspace, pictures, 1)


def fit_amdahl(workers: Sequence[int], speed_up: Sequence[float]) -> float:
    """Return the parallel share p in [0, 1] that fits best: least squares of 1/speed-up, which is linear in p."""
    n, s = np.asarray(workers, float), np.asarray(speed_up, float)
    x = 1 - 1 / n
    return float(np.clip((x @ (1 - 1 / s)) / (x @ x), 0, 1)) if x.any() else 0.0


def fit_gustafson(workers: Sequence[int], speed_up: Sequence[float]) -> float:
    """Return the serial share s in [0, 1] of the parallel run that fits best: least squares of n - (n - 1) s."""
    n, s = np.asarray(workers, float), np.asarray(speed_up, float)
    x = n - 1
    return float(np.clip((x @ (n - s)) / (x @ x), 0, 1)) if x.any() else 0.0


def amdahl(share: float, workers: float) -> float:
    """Return Amdahl's speed-up."""
    return 1 / (1 - share + share / workers)

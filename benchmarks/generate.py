"""Measure the generator: time per sample against the time to encode and write its files, executors, workers, memory.

    python benchmarks/generate.py [--samples N] [--scale] [--folder DIR]

Ratios are of CPU seconds of one run on one machine, so that other load on it matters little. `--scale` also makes 1,000 and
100,000 small samples to compare the peak memory (about an hour on two cores).
"""

import argparse
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import cv2
from publish import ROOT, markdown_table, publish

from kontur.data_preprocessing.data_config import DataConfig
from kontur.data_preprocessing.executors import Crew
from kontur.data_preprocessing.generate import Job, draw_samples, encode, generate, write_sample
from kontur.data_preprocessing.render import draw_all, make_context, render_scene
from kontur.drawing import read_parts
from kontur.files import write_bytes
from kontur.geometry import Part
from kontur.hardware.threads import limit_inner_threads
from kontur.scaffold import example_drawings
from kontur.workspace import Workspace

CONFIG = DataConfig.model_validate({
    "camera": {"size_wh": (640, 640), "mm_per_px": (0.5, 0.8)},
    "scene": {"parts": (10, 10), "cover": 1.5},
    "sensor": {"jpeg_quality": (90, 90)},
})  # fmt: skip
SMALL = DataConfig.model_validate(
    {"camera": {"size_wh": (96, 64), "mm_per_px": (1.0, 1.2)}, "scene": {"parts": (1, 2)}}
)
LABEL_BYTES = (8_000, 6_000, 1_000)
"""Typical sizes of the truth and label files, which the reference writes too."""
CREWS = [("threads", 1), ("threads", 2), ("processes", 1), ("processes", 2), ("asyncio", 2), ("dask", 2)]


def main() -> None:
    """Run, print and publish."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=200)
    parser.add_argument("--scale", action="store_true")
    parser.add_argument("--folder", type=Path, help="where to write; a temporary folder by default")
    options = parser.parse_args()
    limit_inner_threads()
    parts, _ = read_parts(example_drawings(), CONFIG.drawings)
    folder = Path(tempfile.mkdtemp(dir=options.folder))
    try:
        stages = measure_stages(parts, folder, options.samples)
        crews = [measure_crew(kind, workers, folder, options.samples) for kind, workers in CREWS]
        memory = measure_memory(folder, (1_000, 100_000) if options.scale else (200, 1_000))
    finally:
        shutil.rmtree(folder)
    results = {"stages_ms": stages, "crews": crews, "memory": memory}
    text = describe(stages, crews, memory)
    print(text)
    draw(crews, ROOT / "docs" / "images" / "generate.png")
    publish("generate", "Generating", "python benchmarks/generate.py", results, text)


def measure_stages(parts: tuple[Part, ...], folder: Path, count: int) -> dict[str, float]:
    """CPU milliseconds for each sample: all of it, rendering alone, and encoding and writing the same files alone."""
    job = Job(Workspace(folder / "stages"), CONFIG, parts, (), 0, "stages")
    context = make_context(CONFIG, parts)
    samples = [render_scene(context, *draw_all(context, 0, index)).sample for index in range(count)]
    quality, rle = (cv2.IMWRITE_JPEG_QUALITY, 90), (cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE)

    def write_files(index: int) -> None:
        write_bytes(folder / f"{index}.jpg", encode(".jpg", samples[index].image, quality))
        write_bytes(folder / f"{index}.png", encode(".png", samples[index].ids, (cv2.IMWRITE_PNG_COMPRESSION, 1, *rle)))
        for number, size in enumerate(LABEL_BYTES):
            write_bytes(folder / f"{index}.{number}.txt", b" " * size)

    return {
        "all": _milliseconds(lambda index: write_sample(job, context, index), count),
        "render": _milliseconds(lambda index: render_scene(context, *draw_all(context, 0, index)), count),
        "encode and write": _milliseconds(write_files, count),
        "parts": sum(len(sample.instances) for sample in samples) / count,
    }


def _milliseconds(function: Callable[[int], object], count: int) -> float:
    began = time.process_time()
    for index in range(count):
        function(index)
    return (time.process_time() - began) / count * 1e3


def measure_crew(kind: str, workers: int, folder: Path, count: int) -> dict[str, float | str | int]:
    """Run one executor in a process of its own; returns pictures/s, CPU ms for each picture, peak memory in MB."""
    command = [
        sys.executable,
        __file__,
        "crew",
        kind,
        str(workers),
        str(folder / f"{kind}{workers}"),
        str(count),
        "large",
    ]
    return _run_child(command) | {"executor": kind, "workers": workers}


def measure_memory(folder: Path, counts: tuple[int, int]) -> dict[str, float]:
    """Peak memory in MB of one process that makes few or many small samples."""
    found = {}
    for count in counts:
        target = folder / f"memory{count}"
        found[str(count)] = _run_child(
            [sys.executable, __file__, "crew", "threads", "1", str(target), str(count), "small"]
        )["memory_mb"]
        shutil.rmtree(target)
    return found


def _run_child(command: list[str]) -> dict[str, float]:
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    return dict(zip(("per_second", "cpu_ms", "memory_mb"), map(float, said[-3:]), strict=True))


def run_crew(kind: str, workers: str, folder: str, count: str, size: str) -> None:
    """The child: warm up, generate, print pictures/s, CPU ms, peak MB."""
    config = CONFIG if size == "large" else SMALL
    parts, drawings = read_parts(example_drawings(), config.drawings)
    draw_samples(Job(Workspace(Path(folder) / "warm"), config, parts, (), 0, "warm"), (0,))
    marks: list[tuple[float, int]] = []
    began_cpu = _cpu_seconds()
    generate(
        Workspace(Path(folder)), config, parts, drawings, int(count), 0, Crew(kind, int(workers)),  # type: ignore[arg-type]
        lambda done, _total: marks.append((time.perf_counter(), done)) if len(marks) < 2 or done == int(count) else None,
    )  # fmt: skip
    (begin, first), (end, last) = marks[1], marks[-1]
    memory = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) / 1024
    print((last - first) / max(1e-9, end - begin), (_cpu_seconds() - began_cpu) / int(count) * 1e3, memory)


def _cpu_seconds() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def describe(stages: dict[str, float], crews: list[dict[str, float | str | int]], memory: dict[str, float]) -> str:
    """Markdown of the section."""
    ratio = stages["all"] / stages["encode and write"]
    rows = [[c["executor"], c["workers"], c["per_second"], c["cpu_ms"], c["memory_mb"]] for c in crews]
    table = markdown_table(["executor", "workers", "pictures/s", "CPU ms a picture", "peak MB of a process"], rows)
    peaks = ", ".join(f"{count} samples: {mb:.0f} MB" for count, mb in memory.items())
    return (
        f"640x640, {stages['parts']:.1f} parts a picture, JPEG 90, PNG id map and labels. One sample costs "
        f"{stages['all']:.1f} ms of CPU, of which rendering {stages['render']:.1f} ms; encoding and writing the same files "
        f"alone {stages['encode and write']:.1f} ms: a ratio of {ratio:.1f}.\n\n{table}\n\n"
        f"CPU time includes starting the workers. Peak memory of one thread: {peaks}.\n\n"
        "![pictures a second by executor](images/generate.png)"
    )


def draw(crews: list[dict[str, float | str | int]], target: Path) -> None:
    """Plot pictures/s of every crew."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(7, 3), layout="constrained")
    names = [f"{crew['executor']} x{crew['workers']}" for crew in crews]
    axes.barh(names[::-1], [float(crew["per_second"]) for crew in crews][::-1], color="#3b6ea5")
    axes.set_xlabel("pictures a second, 640x640, 10 parts")
    target.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(target, dpi=120)


if __name__ == "__main__":
    if sys.argv[1:2] == ["crew"]:
        run_crew(*sys.argv[2:])
    else:
        main()

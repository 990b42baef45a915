"""Measure how generating scales: executors and workers, memory from 10^3 to 10^5 samples, and what a million pictures cost.

    python benchmarks/scaling.py [--samples N] [--large N] [--folder DIR]

Every run is a process of its own whose whole tree is watched: CPU time of all processes, and the sum of their memory, shared
pages counted once (PSS; Linux only). Rates are taken between a quarter of the samples and all of them, so that starting the
workers is not in them. One worker and all take turns, and the medians of these turns count: the machine may be busy with
other things at times. Beside them stands what the machine itself allows: how much more processes that share nothing do
together than one of them. The 10^5 samples of the memory run are small pictures; --large makes fewer for a trial.
"""

import argparse
import selectors
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import cv2
import numpy as np
import psutil
from generate import CONFIG, SMALL
from publish import ROOT, markdown_table, publish

from kontur.data_preprocessing.executors import Crew
from kontur.data_preprocessing.generate import generate
from kontur.data_preprocessing.shards import generate_shards
from kontur.drawing import read_parts
from kontur.hardware.threads import available_cpus, limit_inner_threads
from kontur.scaffold import example_drawings
from kontur.workspace import Workspace

KINDS = ("threads", "processes", "asyncio", "dask")
FEW = 1_000
TURNS = 3
WATCH_SECONDS = 1.0
"""Between two readings: one takes some ms of a CPU and holds up what is read, which two workers on two CPUs would feel."""
ENCODING_SECONDS = 2.0
ENCODING_TRIALS = 5
MILLION = 10**6
KILO, MEGA, GIGA = 1e3, 1e6, 1e9
PLACES = {
    "picture (JPEG)": "data/processed/*/images/*", "id map (PNG)": "data/processed/*/masks/*",
    "truth (JSON)": "data/processed/*/truth/*", "YOLO labels": "data/annotations/yolo/*/labels/*/*",
    "COCO files": "data/annotations/coco/*",
}  # fmt: skip


def main() -> None:
    """Run, print and publish."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=1_500, help="640x640 pictures for each executor and turn")
    parser.add_argument("--large", type=int, default=100_000, help="small pictures of the memory run")
    parser.add_argument("--folder", type=Path, help="where to write; a temporary folder by default")
    options = parser.parse_args()
    ceiling = measure_ceiling()
    folder = Path(tempfile.mkdtemp(dir=options.folder))
    try:
        crews = [crew for kind in KINDS for crew in measure_crews(kind, folder, options.samples)]
        bytes_each = measure_bytes(folder / "processes1", options.samples)
        memory = [measure_memory(folder, count) for count in (FEW, options.large)]
    finally:
        shutil.rmtree(folder)
    results = {"samples": options.samples, "ceiling": ceiling, "crews": crews, "bytes": bytes_each, "memory": memory}
    text = describe(results)
    print(text)
    draw(crews, ROOT / "docs" / "images" / "scaling.svg")
    page = ROOT / "docs" / "scaling.md"
    publish("scaling", "What was measured", "python benchmarks/scaling.py", results, text, page)


def worker_counts() -> list[int]:
    """One worker, and one for each usable CPU."""
    return sorted({1, available_cpus()})


def measure_ceiling() -> float:
    """How many times as much processes that share nothing do together as one alone; in turns, the median."""
    most = available_cpus()
    return median(encoding_rate(most) / encoding_rate(1) for _ in range(ENCODING_TRIALS))


def encoding_rate(workers: int) -> float:
    """Pictures a second that processes encode together, each the same one over and over."""
    command = [sys.executable, __file__, "encode"]
    pipe = subprocess.PIPE
    children = [subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) for _ in range(workers)]
    for child in children:
        assert child.stdout is not None
        child.stdout.readline()
    for child in children:
        assert child.stdin is not None
        child.stdin.close()
    return sum(float(child.stdout.read()) for child in children if child.stdout and not child.wait())


def run_encoder() -> None:
    """The child: wait until standard input ends, then encode, and print pictures/s."""
    limit_inner_threads()
    picture = np.random.default_rng(0).integers(90, 160, (640, 640, 3), np.uint8)
    print("ready", flush=True)
    sys.stdin.read()
    began, done, passed = time.perf_counter(), 0, 0.0
    while passed < ENCODING_SECONDS:
        cv2.imencode(".jpg", picture)
        done += 1
        passed = time.perf_counter() - began
    print(done / passed)


def measure_crews(kind: str, folder: Path, count: int) -> list[dict[str, Any]]:
    """Pictures/s, CPU ms for each picture, and peak memory in MB of an executor, by workers: medians of turns."""
    turns: dict[int, list[dict[str, float]]] = {workers: [] for workers in worker_counts()}
    for _ in range(TURNS):
        for workers, found in turns.items():
            target = folder / f"{kind}{workers}"
            shutil.rmtree(target, ignore_errors=True)
            found.append(watch(["files", kind, str(workers), str(target), str(count)]))
            print(kind, workers, found[-1], file=sys.stderr)
    return [{"executor": kind, "workers": workers, **_medians(found)} for workers, found in turns.items()]


def _medians(rows: list[dict[str, float]]) -> dict[str, float]:
    return {name: median(row[name] for row in rows) for name in rows[0]}


def measure_memory(folder: Path, count: int) -> dict[str, Any]:
    """Peak memory in MB, by process and of all, when `count` small samples are made by the default executor."""
    target = folder / f"memory{count}"
    found = watch(["small", "processes", str(available_cpus()), str(target), str(count)])
    shutil.rmtree(target)
    print(count, found, file=sys.stderr)
    return {"samples": count, **found}


def measure_bytes(root: Path, count: int) -> dict[str, float]:
    """Bytes of each kind of file for each sample, and of all that a shard holds."""
    found = {kind: sum(path.stat().st_size for path in root.glob(place)) / count for kind, place in PLACES.items()}
    tars = root.with_name("tars")
    some = min(count, 100)
    draw_into(tars, "tars", Crew("processes", available_cpus()), some)
    return {**found, "in shards": sum(path.stat().st_size for path in tars.glob("*.tar")) / some}


@dataclass
class Watch:
    """What a tree of processes has used so far.

    Attributes:
        cpu: seconds by process id, also of processes that are gone.
        memory_mb: greatest sum over the tree at one moment.
        largest_mb: the greatest of one process.
    """

    root: psutil.Process
    cpu: dict[int, float] = field(default_factory=dict)
    memory_mb: float = 0.0
    largest_mb: float = 0.0

    def look(self) -> None:
        """Take one reading of every process."""
        sizes = []
        try:
            tree = [self.root, *self.root.children(recursive=True)]
        except psutil.NoSuchProcess:
            return
        for process in tree:
            try:
                times = process.cpu_times()
                sizes.append(process.memory_full_info().pss / MEGA)
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                continue
            self.cpu[process.pid] = times.user + times.system
        self.memory_mb = max(self.memory_mb, sum(sizes))
        self.largest_mb = max(self.largest_mb, *sizes, 0.0)

    def cpu_seconds(self) -> float:
        """CPU time of all processes now."""
        self.look()
        return sum(self.cpu.values())


def watch(arguments: list[str]) -> dict[str, float]:
    """Run this script as a child that says how far it is; returns rate, CPU ms for each picture and peak memory."""
    command = [sys.executable, __file__, "child", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        watched = Watch(psutil.Process(child.pid))
        marks: list[tuple[int, float, float]] = []
        for line in _lines(child, watched):
            done, moment = line.split()
            marks.append((int(done), float(moment), watched.cpu_seconds()))
    if child.returncode:
        raise SystemExit(f"{' '.join(arguments)}: failed with {child.returncode}")
    (first, began, cpu_before), (last, ended, cpu_after) = marks
    return {
        "per_second": (last - first) / (ended - began), "cpu_ms": (cpu_after - cpu_before) / (last - first) * 1e3,
        "memory_mb": watched.memory_mb, "largest_mb": watched.largest_mb,
    }  # fmt: skip


def _lines(child: subprocess.Popen[str], watched: Watch) -> Any:
    """Yield what the child says, looking at its processes in between."""
    assert child.stdout is not None
    with selectors.DefaultSelector() as selector:
        selector.register(child.stdout, selectors.EVENT_READ)
        while child.poll() is None:
            if selector.select(WATCH_SECONDS):
                if not (line := child.stdout.readline()):
                    break
                yield line
            else:
                watched.look()
        yield from child.stdout


def run_child(size: str, kind: str, workers: str, folder: str, count: str) -> None:
    """The child: print the samples done and the time, after a quarter of them and after all."""
    total, said = int(count), 0

    def tell(done: int, _total: int) -> None:
        nonlocal said
        if done >= total / 4 * (1 + 3 * said) and said < 2:
            said += 1
            print(done, time.perf_counter(), flush=True)

    draw_into(Path(folder), size, Crew(kind, int(workers)), total, tell)  # type: ignore[arg-type]


def draw_into(folder: Path, size: str, crew: Crew, count: int, tell: Any = None) -> None:
    """Make samples as files, as small files, or as tars."""
    config = SMALL if size == "small" else CONFIG
    parts, drawings = read_parts(example_drawings(), config.drawings)
    if size == "tars":
        generate_shards(Workspace(folder), config, parts, drawings, count, str(folder), 0, crew, tell)
    else:
        generate(Workspace(folder), config, parts, drawings, count, 0, crew, tell)


def describe(results: dict[str, Any]) -> str:
    """Markdown of the section."""
    crews, sizes, memory = results["crews"], results["bytes"], results["memory"]
    columns = ["executor", "workers", "pictures/s", "CPU ms a picture", "peak memory, MB"]
    names = ("executor", "workers", "per_second", "cpu_ms", "memory_mb")
    table = markdown_table(columns, [[crew[name] for name in names] for crew in crews])
    return "\n\n".join([
        f"640x640, 10 parts a picture, JPEG 90, PNG id map and all labels; {results['samples']} pictures each, medians of "
        f"{TURNS} turns. CPU time and memory are those of all processes together.",
        table,
        "![pictures a second, CPU time and memory by executor and workers](images/scaling.svg)",
        speed_up(crews, results["ceiling"]),
        cost_table(crews, sizes),
        memory_text(memory),
    ])  # fmt: skip


def speed_up(crews: list[dict[str, Any]], ceiling: float) -> str:
    """How much faster all workers are than one, and how much faster they could be on this machine."""
    rates = {(crew["executor"], crew["workers"]): crew["per_second"] for crew in crews}
    most = max(workers for _, workers in rates)
    ratios = ", ".join(f"{kind} {rates[kind, most] / rates[kind, 1]:.2f}" for kind in KINDS)
    return (
        f"{most} workers against one: {ratios} times as fast. {most} processes that share nothing, not even the files they "
        f"write (each encodes a picture over and over): {ceiling:.2f} times as fast as one."
    )


def cost_table(crews: list[dict[str, Any]], sizes: dict[str, float]) -> str:
    """What a million and more pictures take."""
    cpu_ms = next(crew["cpu_ms"] for crew in crews if crew["executor"] == "processes" and crew["workers"] != 1)
    loose = sum(size for kind, size in sizes.items() if kind != "in shards")
    rows = []
    for power in (6, 7, 9):
        hours = cpu_ms * 10**power / 1e3 / 3600
        rows.append([
            f"10^{power}", f"{hours:,.1f}", f"{hours / 64:,.2f}", f"{loose * 10**power / GIGA:,.0f}",
            f"{sizes['in shards'] * 10**power / GIGA:,.0f}", f"{10**power // 1000:,}",
        ])  # fmt: skip
    columns = ["pictures", "CPU hours", "hours on 64 cores", "GB as files", "GB as shards", "shards"]
    each = ", ".join(f"{kind} {size / KILO:.1f}" for kind, size in sizes.items())
    return f"What that makes (kB a sample: {each}):\n\n{markdown_table(columns, rows)}"


def memory_text(memory: list[dict[str, Any]]) -> str:
    """Peak memory for few and for many samples."""
    columns = ["small samples", "all processes, MB", "largest process, MB", "pictures/s"]
    rows = [[f"{row['samples']:,}", row["memory_mb"], row["largest_mb"], f"{row['per_second']:,.0f}"] for row in memory]
    return f"Peak memory does not grow with the data set:\n\n{markdown_table(columns, rows)}"


def draw(crews: list[dict[str, Any]], target: Path) -> None:
    """Plot every crew: pictures/s, CPU time, memory."""
    import matplotlib.pyplot as plt

    panels = (("per_second", "pictures a second"), ("cpu_ms", "CPU ms a picture"), ("memory_mb", "peak memory, MB"))
    figure, axes = plt.subplots(1, 3, figsize=(9, 3), sharey=True, layout="constrained")
    names = [f"{crew['executor']} x {crew['workers']}" for crew in crews][::-1]
    colours = ["#3b6ea5" if crew["workers"] == 1 else "#e08a1e" for crew in crews][::-1]
    for axis, (name, title) in zip(axes, panels, strict=True):
        bars = axis.barh(names, [crew[name] for crew in crews][::-1], color=colours)
        axis.bar_label(bars, fmt="%.0f", padding=2, fontsize=8)
        axis.set_title(title, fontsize=10)
        axis.margins(x=0.18)
        axis.spines[["top", "right"]].set_visible(False)
    target.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(target, metadata={"Date": None})


if __name__ == "__main__":
    if sys.argv[1:2] == ["child"]:
        run_child(*sys.argv[2:])
    elif sys.argv[1:2] == ["encode"]:
        run_encoder()
    else:
        main()

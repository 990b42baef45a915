"""Measure the generator: time per sample against the time to encode and write its files.

    python benchmarks/generate.py [--samples N] [--folder DIR]

Ratios are of CPU seconds of one run on one machine, the least of a few passes each, so that other load matters little.
"""

import argparse
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
from publish import publish

from kontur.data_preprocessing.coco import truth_text
from kontur.data_preprocessing.data_config import DataConfig
from kontur.data_preprocessing.generate import PNG, Job, draw_files, encode, store_files, write_sample
from kontur.data_preprocessing.labels import outlines_of
from kontur.data_preprocessing.render import draw_all, make_context, render_scene
from kontur.data_preprocessing.yolo import label_texts
from kontur.drawing import read_parts
from kontur.geometry import Part
from kontur.hardware.threads import limit_inner_threads
from kontur.scaffold import example_drawings
from kontur.workspace import Workspace

REPEATS = 3
CONFIG = DataConfig.model_validate({
    "camera": {"size_wh": (640, 640), "mm_per_px": (0.5, 0.8)},
    "scene": {"parts": (10, 10), "cover": 1.5},
    "sensor": {"jpeg_quality": (90, 90)},
})  # fmt: skip
SMALL = DataConfig.model_validate(
    {"camera": {"size_wh": (96, 64), "mm_per_px": (1.0, 1.2)}, "scene": {"parts": (1, 2)}}
)


def main() -> None:
    """Run, print and publish."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=200)
    parser.add_argument("--folder", type=Path, help="where to write; a temporary folder by default")
    options = parser.parse_args()
    limit_inner_threads()
    parts, _ = read_parts(example_drawings(), CONFIG.drawings)
    folder = Path(tempfile.mkdtemp(dir=options.folder))
    try:
        stages = measure_stages(parts, folder, options.samples)
    finally:
        shutil.rmtree(folder)
    text = describe(stages)
    print(text)
    publish("generate", "Generating", "python benchmarks/generate.py", {"stages_ms": stages}, text)


def measure_stages(parts: tuple[Part, ...], folder: Path, count: int) -> dict[str, float]:
    """CPU milliseconds for each sample: all of it, rendering and labels alone, encoding and writing the same files alone."""
    job = Job(Workspace(folder / "stages"), CONFIG, parts, (), 0, "stages")
    context = make_context(CONFIG, parts)
    rendered = [render_scene(context, *draw_all(context, 0, index)) for index in range(count)]
    encoded = [draw_files(job, context, index) for index in range(count)]
    quality = (cv2.IMWRITE_JPEG_QUALITY, 90)

    def encode_and_write(index: int) -> None:
        sample = rendered[index].sample
        image, mask = encode(".jpg", sample.image, quality), encode(".png", sample.ids, PNG)
        store_files(job.workspace, replace(encoded[index], image=image, mask=mask))

    def label(index: int) -> None:
        outlines = outlines_of(rendered[index])
        label_texts(rendered[index].sample, outlines)
        truth_text(rendered[index], outlines)

    return {
        "all": _milliseconds(lambda index: write_sample(job, context, index), count),
        "render": _milliseconds(lambda index: render_scene(context, *draw_all(context, 0, index)), count),
        "labels": _milliseconds(label, count),
        "encode and write": _milliseconds(encode_and_write, count),
        "parts": sum(len(one.sample.instances) for one in rendered) / count,
    }


def _milliseconds(function: Callable[[int], object], count: int) -> float:
    """CPU ms for each sample: the least of REPEATS passes over all of them."""
    return min(_pass_seconds(function, count) for _ in range(REPEATS)) / count * 1e3


def _pass_seconds(function: Callable[[int], object], count: int) -> float:
    began = time.process_time()
    for index in range(count):
        function(index)
    return time.process_time() - began


def describe(stages: dict[str, float]) -> str:
    """Markdown of the section."""
    ratio = stages["all"] / stages["encode and write"]
    return (
        f"640x640, {stages['parts']:.1f} parts a picture, JPEG 90, PNG id map and labels. One sample costs "
        f"{stages['all']:.1f} ms of CPU: drawing {stages['render']:.1f} ms, labels {stages['labels']:.1f} ms, the rest is "
        f"encoding and writing. Encoding and writing the same files alone take {stages['encode and write']:.1f} ms: a "
        f"ratio of {ratio:.1f}.\n\nExecutors, workers, memory: see [scaling](scaling.md)."
    )


if __name__ == "__main__":
    main()

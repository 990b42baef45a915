"""Writing a data set: every sample by itself, in any order, by any number of workers, with the same bytes in the end.

A run that finds samples of the same fingerprint (configuration, parts, drawings, pictures, seed) goes on where it was
interrupted. Samples of another fingerprint are deleted first, never mixed in: they can be made again from their manifest.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from threading import Lock
from typing import Any

import cv2
import numpy as np

from kontur import __version__
from kontur.data_preprocessing.coco import truth_text, write_coco
from kontur.data_preprocessing.data_config import DataConfig
from kontur.data_preprocessing.dataset import FORMAT, Manifest, read_manifest, sample_paths, split_of
from kontur.data_preprocessing.executors import Crew, Errand, run_all
from kontur.data_preprocessing.labels import outlines_of
from kontur.data_preprocessing.render import RenderContext, background_pictures, draw_all, make_context, render_scene
from kontur.data_preprocessing.sample import class_map
from kontur.data_preprocessing.yolo import TASKS, label_path, label_texts, write_layout
from kontur.drawing import Drawing
from kontur.errors import DatasetError
from kontur.files import sha256_of, write_bytes, write_text
from kontur.geometry import Part
from kontur.workspace import SPLITS, Workspace

_CHUNK = 8
_context_lock = Lock()
PNG = (
    cv2.IMWRITE_PNG_COMPRESSION, 1, cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE,
    cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_NONE,
)  # fmt: skip
"""An id map is runs of equal bytes. Left alone, libpng tries every filter on every row, which takes four times as long."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class Job:
    """What a worker needs to make any sample; equal jobs share one context in a process."""

    workspace: Workspace
    config: DataConfig
    parts: tuple[Part, ...]
    pictures: tuple[Path, ...]
    seed: int
    fingerprint: str

    def __hash__(self) -> int:
        return hash(self.fingerprint)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Job) and other.fingerprint == self.fingerprint

    def split(self, index: int) -> str:
        """Return the split of sample `index`."""
        return split_of(index, self.config.dataset.val_fraction, self.config.dataset.test_fraction)


@dataclass(frozen=True)
class SampleFiles:
    """The files of one sample.

    Attributes:
        index, split: which sample.
        image, mask, classes: JPEG; PNG of the id map; PNG of the class map, if asked for.
        labels: YOLO's text for each task.
        truth: JSON text.
    """

    index: int
    split: str
    image: bytes
    mask: bytes
    classes: bytes | None
    labels: dict[str, str]
    truth: str


def generate(
    workspace: Workspace,
    config: DataConfig,
    parts: Sequence[Part],
    drawings: Sequence[Drawing],
    count: int,
    seed: int = 0,
    crew: Crew = Crew(),  # noqa: B008 (frozen)
    on_progress: Progress | None = None,
) -> Manifest:
    """Write (or finish, or extend) the workspace's data set.

    Args:
        workspace: where to.
        config: what to draw.
        parts: classes, in this order.
        drawings: the files they came from, for the manifest.
        count: samples over all splits.
        seed: of the whole data set.
        crew: who does it; the result does not depend on it. The workers of a running cluster must see the same files.
        on_progress: called as on_progress(done, count).

    Raises:
        DatasetError: no parts, a count below 1, or workers that keep dying.
        WorkspaceError: files cannot be written.
    """
    job, document = prepare(workspace, config, tuple(parts), drawings, count, seed)
    _clear_if_other(workspace, job, count)
    write_text(workspace.manifest, _json({**document, "complete": False}))
    done = sum(1 for index in range(count) if _exists(job, index))
    report = on_progress or (lambda _done, _total: None)
    report(done, count)

    def on_done(made: int) -> None:
        """Count what is written."""
        nonlocal done
        done += made
        report(done, count)

    if done < count:
        errand = Errand(partial(draw_samples, job), partial(store_samples, workspace))
        run_all(crew, errand, partial(_pending, job, count), on_done)
        report(count, count)
    manifest = Manifest({**document, "complete": True})
    for split in SPLITS:
        write_coco(workspace, manifest, split)
    write_layout(workspace, manifest.part_names)
    write_text(workspace.manifest, _json(manifest.document))
    return manifest


def draw_samples(job: Job, indices: Sequence[int]) -> list[SampleFiles]:
    """Draw samples; runs in a worker."""
    context = context_of(job)
    return [draw_files(job, context, index) for index in indices]


def store_samples(workspace: Workspace, samples: Sequence[SampleFiles]) -> int:
    """Write samples to the workspace; returns how many."""
    for files in samples:
        store_files(workspace, files)
    return len(samples)


def context_of(job: Job) -> RenderContext:
    """Return the render context of a job, made once in a process: one thread makes it while the others wait."""
    with _context_lock:
        return _context_of(job)


@lru_cache(maxsize=1)
def _context_of(job: Job) -> RenderContext:
    return make_context(job.config, job.parts, job.pictures)


def write_sample(job: Job, context: RenderContext, index: int) -> None:
    """Draw sample `index` and write its files."""
    store_files(job.workspace, draw_files(job, context, index))


def draw_files(job: Job, context: RenderContext, index: int) -> SampleFiles:
    """Draw sample `index` and encode its files."""
    scene, look = draw_all(context, job.seed, index)
    rendered = render_scene(context, scene, look)
    outlines = outlines_of(rendered)
    sample = rendered.sample
    image = encode(".jpg", sample.image, (cv2.IMWRITE_JPEG_QUALITY, look.jpeg_quality))
    classes = encode(".png", class_map(sample), PNG) if job.config.dataset.class_masks else None
    return SampleFiles(
        index, job.split(index), image, encode(".png", sample.ids, PNG), classes,
        label_texts(sample, outlines), truth_text(rendered, outlines),
    )  # fmt: skip


def store_files(workspace: Workspace, files: SampleFiles) -> None:
    """Write a sample's files, the truth last: the sample exists when it does."""
    paths = sample_paths(workspace, files.split, files.index)
    write_bytes(paths.image, files.image)
    write_bytes(paths.mask, files.mask)
    if files.classes is not None:
        write_bytes(paths.classes, files.classes)
    for task, text in files.labels.items():
        write_text(label_path(workspace, task, files.split, files.index), text)
    write_text(paths.truth, files.truth)


def encode(suffix: str, picture: np.ndarray[Any, Any], parameters: Sequence[int]) -> bytes:
    """Return a picture file's bytes."""
    ok, data = cv2.imencode(suffix, picture, list(parameters))
    if not ok:
        raise DatasetError(f"a picture of shape {picture.shape} cannot be encoded as {suffix}")
    return data.tobytes()


def prepare(
    workspace: Workspace,
    config: DataConfig,
    parts: tuple[Part, ...],
    drawings: Sequence[Drawing],
    count: int,
    seed: int,
) -> tuple[Job, dict[str, Any]]:
    """Return the job, and the manifest without its `complete`.

    Raises:
        DatasetError: no parts, or a count below 1.
    """
    if not parts or count < 1:
        raise DatasetError(f"a data set needs parts and samples, got {len(parts)} parts and a count of {count}")
    pictures = background_pictures(workspace.backgrounds)
    document: dict[str, Any] = {
        "format": FORMAT,
        "seed": seed,
        "config": config.model_dump(mode="json"),
        "parts": [
            {"name": p.name, "sha256": p.sha256, "symmetry": p.symmetry, "chiral": p.chiral, "area_mm2": p.area_mm2}
            for p in parts
        ],
        "drawings": [{"file": Path(drawing.file).name, "sha256": drawing.sha256} for drawing in drawings],
        "pictures": [{"file": path.name, "sha256": sha256_of(path)} for path in pictures],
        "versions": {"kontur": __version__, "numpy": np.__version__, "opencv": cv2.__version__},
    }
    decisive = {**document, "config": {**document["config"], "dataset": _without_count(document["config"]["dataset"])}}
    fingerprint = hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()
    job = Job(workspace, config, parts, pictures, seed, fingerprint)
    return job, {**document, "count": count, "fingerprint": fingerprint}


def _without_count(section: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in section.items() if key != "count"}


def _json(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def _exists(job: Job, index: int) -> bool:
    return sample_paths(job.workspace, job.split(index), index).truth.is_file()


def _pending(job: Job, count: int) -> Iterator[tuple[int, ...]]:
    """Yield chunks of the samples that are still to be made."""
    chunk: list[int] = []
    for index in range(count):
        if not _exists(job, index):
            chunk.append(index)
        if len(chunk) == _CHUNK:
            yield tuple(chunk)
            chunk = []
    if chunk:
        yield tuple(chunk)


def _clear_if_other(workspace: Workspace, job: Job, count: int) -> None:
    """Delete samples of another fingerprint, samples beyond `count`, and temporary files of killed workers."""
    manifest = read_manifest(workspace)
    keep = manifest is not None and manifest.fingerprint == job.fingerprint
    for folder in _sample_folders(workspace):
        if not folder.is_dir():
            continue
        if not keep:
            shutil.rmtree(folder)
            continue
        with os.scandir(folder) as entries:
            surplus = (entry.path for entry in entries if _is_surplus(entry.name, count))
            for path in surplus:
                Path(path).unlink()


def _is_surplus(name: str, count: int) -> bool:
    stem = name.partition(".")[0]
    return not stem or (stem.isdigit() and int(stem) >= count)


def _sample_folders(workspace: Workspace) -> list[Path]:
    """The folders that hold one file a sample; all of them are the generator's own."""
    processed = [
        workspace.processed / split / kind for split in SPLITS for kind in ("truth", "images", "masks", "classes")
    ]
    labels = [workspace.yolo / task / "labels" / split for task in TASKS for split in SPLITS]
    return processed + labels

"""Writing a data set: every sample by itself, in any order, by any number of workers, with the same bytes in the end.

A run that finds samples of the same fingerprint (configuration, parts, drawings, pictures, seed) goes on where it was
interrupted. Samples of another fingerprint are deleted first, never mixed in: they can be made again from their manifest.
"""

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from kontur import __version__
from kontur.data_preprocessing.coco import truth_text, write_coco
from kontur.data_preprocessing.data_config import DataConfig
from kontur.data_preprocessing.dataset import FORMAT, Manifest, read_manifest, sample_paths, split_of
from kontur.data_preprocessing.executors import Crew, ExecutorKind, run_all
from kontur.data_preprocessing.labels import outlines_of
from kontur.data_preprocessing.render import RenderContext, background_pictures, draw_all, make_context, render_scene
from kontur.data_preprocessing.yolo import TASKS, label_path, label_texts, write_layout
from kontur.drawing import Drawing
from kontur.errors import DatasetError
from kontur.files import sha256_of, write_bytes, write_text
from kontur.geometry import Part
from kontur.hardware.threads import limit_inner_threads
from kontur.workspace import SPLITS, Workspace

_CHUNK = 8
_PNG = (
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


def generate(
    workspace: Workspace,
    config: DataConfig,
    parts: Sequence[Part],
    drawings: Sequence[Drawing],
    count: int,
    seed: int = 0,
    executor: ExecutorKind = "processes",
    workers: int = 0,
    on_progress: Progress | None = None,
    scheduler: str | None = None,
) -> Manifest:
    """Write (or finish, or extend) the workspace's data set.

    Args:
        workspace: where to.
        config: what to draw.
        parts: classes, in this order.
        drawings: the files they came from, for the manifest.
        count: samples over all splits.
        seed: of the whole data set.
        executor, workers: how; 0 workers means one for each usable CPU. The result does not depend on them.
        on_progress: called as on_progress(done, count).
        scheduler: address of a Dask scheduler whose workers see the same files, for the executor "dask".

    Raises:
        DatasetError: no parts, a count below 1, or workers that keep dying.
        WorkspaceError: files cannot be written.
    """
    if not parts or count < 1:
        raise DatasetError(f"a data set needs parts and samples, got {len(parts)} parts and a count of {count}")
    job, document = _prepare(workspace, config, tuple(parts), drawings, count, seed)
    _clear_if_other(workspace, job, count)
    write_text(workspace.manifest, _json({**document, "complete": False}))
    done = sum(1 for index in range(count) if _exists(job, index))
    report = on_progress or (lambda _done, _total: None)
    report(done, count)

    def on_result(made: int) -> None:
        nonlocal done
        done += made
        report(done, count)

    if done < count:
        limit_inner_threads()
        crew = Crew(executor, workers, scheduler)
        run_all(crew, partial(make_samples, job), partial(_pending, job, count), on_result)
    manifest = Manifest({**document, "complete": True})
    for split in SPLITS:
        write_coco(workspace, manifest, split)
    write_layout(workspace, manifest.part_names)
    write_text(workspace.manifest, _json(manifest.document))
    return manifest


def make_samples(job: Job, indices: tuple[int, ...]) -> int:
    """Render and write the samples `indices`; returns how many. Runs in a worker."""
    context = context_of(job)
    for index in indices:
        write_sample(job, context, index)
    return len(indices)


@lru_cache(maxsize=1)
def context_of(job: Job) -> RenderContext:
    """Return the render context of a job, made once in a process."""
    return make_context(job.config, job.parts, job.pictures)


def write_sample(job: Job, context: RenderContext, index: int) -> None:
    """Render sample `index` and write picture, mask, YOLO labels and, last, truth."""
    scene, look = draw_all(context, job.seed, index)
    rendered = render_scene(context, scene, look)
    outlines = outlines_of(rendered)
    split = job.split(index)
    paths = sample_paths(job.workspace, split, index)
    write_bytes(paths.image, encode(".jpg", rendered.sample.image, (cv2.IMWRITE_JPEG_QUALITY, look.jpeg_quality)))
    write_bytes(paths.mask, encode(".png", rendered.sample.ids, _PNG))
    for task, text in label_texts(rendered.sample, outlines).items():
        write_text(label_path(job.workspace, task, split, index), text)
    write_text(paths.truth, truth_text(rendered, outlines))


def encode(suffix: str, picture: np.ndarray[Any, Any], parameters: Sequence[int]) -> bytes:
    """Return a picture file's bytes."""
    ok, data = cv2.imencode(suffix, picture, list(parameters))
    if not ok:
        raise DatasetError(f"a picture of shape {picture.shape} cannot be encoded as {suffix}")
    return data.tobytes()


def _prepare(
    workspace: Workspace,
    config: DataConfig,
    parts: tuple[Part, ...],
    drawings: Sequence[Drawing],
    count: int,
    seed: int,
) -> tuple[Job, dict[str, Any]]:
    """The job, and the manifest without its `complete`."""
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
        for path in folder.iterdir():
            if path.name.startswith(".") or (path.stem.isdigit() and int(path.stem) >= count):
                path.unlink()


def _sample_folders(workspace: Workspace) -> list[Path]:
    """The folders that hold one file a sample; all of them are the generator's own."""
    processed = [workspace.processed / split / kind for split in SPLITS for kind in ("truth", "images", "masks")]
    labels = [workspace.yolo / task / "labels" / split for task in TASKS for split in SPLITS]
    return processed + labels

"""Photographs as other cameras would have taken them, written to files. Nothing moves, so their labels stay true."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from kontur.data_preprocessing.augmentations import augment_picture
from kontur.data_preprocessing.data_config import DataConfig
from kontur.data_preprocessing.executors import Crew, Errand, run_all
from kontur.errors import PictureError
from kontur.files import write_bytes
from kontur.pictures import read_picture

Progress = Callable[[int, int], None]
Files = dict[Path, bytes]


@dataclass(frozen=True)
class _Job:
    """What every worker needs: where to, how often, and the ranges of lens and sensor."""

    folder: Path
    config: DataConfig
    count: int
    seed: int


def augment_files(
    pictures: Sequence[Path],
    folder: Path,
    config: DataConfig,
    count: int,
    seed: int = 0,
    crew: Crew = Crew(),  # noqa: B008 (frozen)
    on_progress: Progress | None = None,
) -> list[Path]:
    """Write `count` variants of each picture as `folder`/STEM-K.jpg and return the files.

    A variant depends on the picture's bytes, the configuration, the seed and its number alone.

    Raises:
        PictureError: a picture cannot be read, two have the same stem, or `folder` is where they come from.
        WorkspaceError: a file cannot be written.
    """
    _check_names(pictures, folder)
    job, done, report = _Job(folder, config, count, seed), set[int](), on_progress or (lambda _done, _total: None)
    report(0, len(pictures))

    def on_done(number: int) -> None:
        """Note what is written."""
        done.add(number)
        report(len(done), len(pictures))

    def pending() -> Iterator[tuple[int, Path]]:
        """Return what is still to be made."""
        return ((number, path) for number, path in enumerate(pictures) if number not in done)

    run_all(crew, Errand(partial(_augmented, job), _store), pending, on_done)
    return [variant_path(folder, path, number) for path in pictures for number in range(count)]


def variant_path(folder: Path, picture: Path, number: int) -> Path:
    """Return where variant `number` of a picture lies."""
    return folder / f"{picture.stem}-{number}.jpg"


def _check_names(pictures: Sequence[Path], folder: Path) -> None:
    stem, times = Counter(path.stem for path in pictures).most_common(1)[0]
    if times > 1:
        raise PictureError(
            f"{stem}: {times} pictures of this name, whose variants would overwrite each other; rename them"
        )
    if any(path.resolve().parent == folder.resolve() for path in pictures):
        raise PictureError(f"{folder}: the pictures come from there; give another folder for their variants")


def _augmented(job: _Job, task: tuple[int, Path]) -> tuple[int, Files]:
    """Number of a picture, and its variants' files."""
    number, path = task
    picture = read_picture(path)
    digest = hashlib.sha256(path.read_bytes()).digest()
    files = {}
    for k in range(job.count):
        rng = np.random.default_rng(np.random.SeedSequence([job.seed, *digest], spawn_key=(k,)))
        low, high = job.config.sensor.jpeg_quality
        variant = augment_picture(picture, job.config, rng)
        _, data = cv2.imencode(".jpg", variant, (cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(low, high + 1))))
        files[variant_path(job.folder, path, k)] = data.tobytes()
    return number, files


def _store(made: tuple[int, Files]) -> int:
    number, files = made
    for path, data in files.items():
        write_bytes(path, data)
    return number

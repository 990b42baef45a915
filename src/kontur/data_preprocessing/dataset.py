"""A generated data set on disk: its layout, its manifest, and reading its samples back.

Sample `index` lies in `data/processed/SPLIT/{images,masks,truth}/NNNNNN.{jpg,png,json}`, and in `classes` if that was asked
for. Which split it belongs to depends on the index and the configured fractions alone, so that a data set can grow without
moving a file. The truth file is written last: a sample exists when its truth does.
"""

import json
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from kontur.data_preprocessing.sample import Instance, Sample
from kontur.errors import DatasetError
from kontur.geometry import PixelPose
from kontur.pictures import read_picture
from kontur.workspace import SPLITS, Workspace

FORMAT = 5
"""Raised when the layout or the renderer changes: older data sets are then generated anew."""
_MANIFEST_KEYS = {"count", "complete", "fingerprint", "seed", "config", "parts"}


@dataclass(frozen=True)
class SamplePaths:
    """Where one sample's files lie."""

    image: Path
    mask: Path
    classes: Path
    truth: Path


def split_of(index: int, val_fraction: float, test_fraction: float) -> str:
    """Return the split of sample `index`: spread evenly, the same for any number of samples."""
    held_back = val_fraction + test_fraction
    number = int((index + 1) * held_back)
    if number == int(index * held_back):
        return "train"
    share = test_fraction / held_back
    return "test" if int(number * share) > int((number - 1) * share) else "val"


def sample_paths(workspace: Workspace, split: str, index: int) -> SamplePaths:
    """Return the paths of sample `index`."""
    folder, name = workspace.processed / split, f"{index:06d}"
    return SamplePaths(
        folder / "images" / f"{name}.jpg", folder / "masks" / f"{name}.png", folder / "classes" / f"{name}.png",
        folder / "truth" / f"{name}.json",
    )  # fmt: skip


def split_size(split: str, count: int, val_fraction: float, test_fraction: float) -> int:
    """Return how many of the first `count` samples `split_of` puts into a split, without counting them."""
    held_back = val_fraction + test_fraction
    held = int(count * held_back)
    tests = int(held * (test_fraction / held_back)) if held else 0
    return {"train": count - held, "val": held - tests, "test": tests}[split]


@dataclass(frozen=True)
class Manifest:
    """What a data set was made from.

    Attributes:
        document: the manifest.json file as it is.
    """

    document: dict[str, Any]

    @property
    def count(self) -> int:
        """Samples over all splits."""
        return int(self.document["count"])

    @property
    def complete(self) -> bool:
        """Whether the last run came to its end."""
        return bool(self.document["complete"])

    @property
    def fingerprint(self) -> str:
        """sha256 over everything that decides a sample's bytes."""
        return str(self.document["fingerprint"])

    @property
    def seed(self) -> int:
        """The seed of the whole data set."""
        return int(self.document["seed"])

    @property
    def config(self) -> dict[str, Any]:
        """The data configuration as plain values."""
        return dict(self.document["config"])

    @property
    def part_names(self) -> tuple[str, ...]:
        """Class names; `Instance.part` indexes them."""
        return tuple(part["name"] for part in self.document["parts"])

    @property
    def part_sha256s(self) -> tuple[str, ...]:
        """Hash of each part's geometry."""
        return tuple(part["sha256"] for part in self.document["parts"])

    @property
    def symmetries(self) -> tuple[int, ...]:
        """Rotational symmetry order of each part, 0 continuous."""
        return tuple(int(part["symmetry"]) for part in self.document["parts"])

    @property
    def chirals(self) -> tuple[bool, ...]:
        """Whether each part differs from its mirror image."""
        return tuple(bool(part["chiral"]) for part in self.document["parts"])

    def split_indices(self, split: str) -> Iterator[int]:
        """Yield the sample indices of a split, ascending."""
        fractions = self._fractions
        return (index for index in range(self.count) if split_of(index, *fractions) == split)

    def split_size(self, split: str) -> int:
        """Return how many samples a split has."""
        return split_size(split, self.count, *self._fractions)

    def sample_index(self, split: str, position: int) -> int:
        """Return the index of the sample at a position of a split; negative positions count from the end.

        Raises:
            IndexError: there is no such position.
        """
        wanted = range(self.split_size(split))[position] + 1
        fractions = self._fractions
        found = bisect_left(range(self.count + 1), wanted, key=lambda count: split_size(split, count, *fractions))
        return found - 1

    @property
    def _fractions(self) -> tuple[float, float]:
        section = self.document["config"]["dataset"]
        return section["val_fraction"], section["test_fraction"]


def read_manifest(workspace: Workspace) -> Manifest | None:
    """Return the manifest of the workspace's data set, None when there is none.

    Raises:
        DatasetError: the file is damaged.
    """
    if not workspace.manifest.is_file():
        return None
    try:
        document = json.loads(workspace.manifest.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DatasetError(f"{workspace.manifest}: damaged ({error}); delete it and run `kontur generate`") from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        return None
    if missing := sorted(_MANIFEST_KEYS - document.keys()):
        raise DatasetError(
            f"{workspace.manifest}: damaged (no {', '.join(missing)}); delete it and run `kontur generate`"
        )
    return Manifest(document)


@dataclass(frozen=True, eq=False)
class Dataset:
    """The samples of one split.

    Attributes:
        workspace, split: where they lie.
        manifest: what they were made from.
    """

    workspace: Workspace
    split: str
    manifest: Manifest

    def __len__(self) -> int:
        return self.manifest.split_size(self.split)

    @property
    def place(self) -> str:
        """Where it lies, for people."""
        return str(self.workspace.processed)

    @property
    def indices(self) -> NDArray[np.int64]:
        """(N,) int64 sample indices, counted anew each time."""
        return np.fromiter(self.manifest.split_indices(self.split), np.int64)

    def paths(self, position: int) -> SamplePaths:
        """Return the files of the sample at `position` of the split."""
        return sample_paths(self.workspace, self.split, self.manifest.sample_index(self.split, position))

    def __getitem__(self, position: int) -> Sample:
        paths = self.paths(position)
        image = read_picture(paths.image)
        ids = cv2.imread(str(paths.mask), cv2.IMREAD_GRAYSCALE)
        if ids is None:
            raise DatasetError(f"{paths.mask}: missing or damaged; delete data/processed and run `kontur generate`")
        return Sample(image, ids, read_instances(paths.truth))


def open_dataset(workspace: Workspace, split: str) -> Dataset:
    """Open a split ("train", "val" or "test") for reading.

    Raises:
        DatasetError: no data set, or one whose generation was interrupted.
    """
    if split not in SPLITS:
        raise DatasetError(f"split {split!r}: expected one of {', '.join(SPLITS)}")
    manifest = read_manifest(workspace)
    if manifest is None:
        state = "the data set is of another version of kontur" if workspace.manifest.is_file() else "no data set"
        raise DatasetError(f"{workspace.processed}: {state}; run `kontur generate`")
    if not manifest.complete:
        raise DatasetError(
            f"{workspace.processed}: the data set is incomplete; run `kontur generate` again to finish it"
        )
    return Dataset(workspace, split, manifest)


def read_truth(path: Path) -> dict[str, Any]:
    """Return a sample's truth document.

    Raises:
        DatasetError: missing or damaged.
    """
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise DatasetError(f"{path}: missing or damaged; delete data/processed and run `kontur generate`") from error


def truth_rows(path: Path) -> list[str]:
    """Return the annotations of a truth file as the lines of JSON they are.

    Raises:
        DatasetError: missing or damaged.
    """
    try:
        head, *rows, foot = path.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise DatasetError(f"{path}: missing or damaged; delete data/processed and run `kontur generate`") from error
    if not head.endswith('"annotations": [') or foot != "]}":
        raise DatasetError(f"{path}: damaged; delete data/processed and run `kontur generate`")
    return [row.removesuffix(",") for row in rows if row]


def read_instances(path: Path) -> tuple[Instance, ...]:
    """Return the instances of a truth file, bottom to top.

    Raises:
        DatasetError: missing or damaged.
    """
    try:
        return instances_of(read_truth(path))
    except (KeyError, TypeError) as error:
        raise DatasetError(f"{path}: damaged ({error!r}); delete data/processed and run `kontur generate`") from error


def instances_of(truth: dict[str, Any]) -> tuple[Instance, ...]:
    """Return the instances of a truth document, bottom to top."""
    return tuple(_instance(row) for row in truth["annotations"])


def _instance(row: dict[str, Any]) -> Instance:
    about = row["kontur"]
    pose = PixelPose(about["u"], about["v"], about["angle_rad"], about["scale_px_per_mm"], bool(about["flipped"]))
    return Instance(row["category_id"] - 1, pose, about["visible_fraction"])

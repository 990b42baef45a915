"""What a training learns from: a generated data set, or samples rendered on the fly, and photographs mixed in."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from kontur.data_preprocessing.data_config import DataConfig
from kontur.data_preprocessing.dataset import Dataset, open_dataset
from kontur.data_preprocessing.fresh import Blend, FreshSamples
from kontur.data_preprocessing.part_list import open_parts
from kontur.data_preprocessing.render import background_pictures
from kontur.data_preprocessing.sample import Samples
from kontur.data_preprocessing.shard_reader import ShardedSplit, open_shards
from kontur.errors import DatasetError
from kontur.files import sha256_of
from kontur.geometry import Part
from kontur.modeling.annotated import read_annotated
from kontur.modeling.model_info import ModelInfo, info_of_dataset, known_parts
from kontur.modeling.photographs import open_photographs
from kontur.modeling.train_config import TrainConfig
from kontur.workspace import Workspace

VALIDATION_SEED = 1_000_000_007
"""Added to the seed of samples rendered for validation, so that none is learnt from."""
_FRESH_VALIDATION = 400


@dataclass(frozen=True, eq=False)
class TrainingData:
    """Samples and the description of the model that is to learn them.

    Attributes:
        train, val: samples.
        parts: the part list, in the order of the samples.
        info: the model to be.
        source: where the samples come from, for people.
    """

    train: Samples
    val: Samples
    parts: tuple[Part, ...]
    info: ModelInfo
    source: str


def open_training_data(
    space: Workspace,
    config: TrainConfig,
    on_the_fly: bool = False,
    photos: Path | None = None,
    shards: str | None = None,
) -> TrainingData:
    """Open what a training needs.

    Args:
        space: with drawings and, unless `on_the_fly`, a data set.
        config: the network's size, the seed, the share of photographs.
        on_the_fly: render samples when they are needed instead of reading a data set.
        photos: a folder of annotated photographs to mix in.
        shards: address of shards to read instead of the workspace's data set.

    Raises:
        DatasetError: no data set, one made from other drawings, or photographs that cannot be used.
        ConfigError, DrawingError: faults in the workspace.
    """
    data_config, parts, _ = open_parts(space)
    made = _rendered(space, data_config, parts, config) if on_the_fly else _generated(space, parts, config, shards)
    if photos is None:
        return made
    taken = open_photographs(read_annotated(photos, made.parts), data_config.faces)
    dataset = "+".join([made.info.dataset, *sorted(sha256_of(path) for path in _files(photos))])
    info = ModelInfo(made.info.parts, made.info.network_size, made.info.mm_per_px, made.info.faces, _short(dataset))
    mixed = Blend(made.train, taken, config.training.photo_share)
    source = f"{made.source} and {len(taken)} photographs"
    return TrainingData(mixed, made.val, made.parts, info, source)


def _generated(space: Workspace, parts: tuple[Part, ...], config: TrainConfig, shards: str | None) -> TrainingData:
    train, val = (open_shards(shards, split) if shards else open_dataset(space, split) for split in ("train", "val"))
    info = info_of_dataset(train.manifest, config.network.size)
    _check_drawings(space, train, parts)
    by_name = {part.name: part for part in parts}
    ordered = tuple(by_name[part.name] for part in info.parts)
    for split, samples in (("train", train), ("val", val)):
        if not len(samples):
            raise DatasetError(f"{samples.place}/{split}: no pictures in this split; generate more")
    return TrainingData(train, val, ordered, info, f"{len(train)} pictures")


def _rendered(space: Workspace, data: DataConfig, parts: tuple[Part, ...], config: TrainConfig) -> TrainingData:
    pictures, seed = background_pictures(space.backgrounds), config.training.seed
    train = FreshSamples(data, parts, pictures, seed)
    val = FreshSamples(data, parts, pictures, seed + VALIDATION_SEED, _FRESH_VALIDATION)
    low, high = data.camera.mm_per_px
    info = ModelInfo(known_parts(parts), config.network.size, (low, high), data.faces, train.fingerprint)
    return TrainingData(train, val, parts, info, "pictures rendered on the fly")


def _check_drawings(space: Workspace, dataset: Dataset | ShardedSplit, parts: tuple[Part, ...]) -> None:
    manifest = dataset.manifest
    made = dict(zip(manifest.part_names, manifest.part_sha256s, strict=True))
    now = {part.name: part.sha256 for part in parts}
    if made == now:
        return
    changed = [name for name in made if name in now and now[name] != made[name]]
    rows = {"new": now.keys() - made, "gone": made.keys() - now, "changed": changed}
    said = "; ".join(f"{word}: {', '.join(sorted(names))}" for word, names in rows.items() if names)
    raise DatasetError(
        f"{dataset.place}: made from other drawings than those in {space.drawings} now ({said}); "
        "run `kontur generate` again, or train --on-the-fly"
    )


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()

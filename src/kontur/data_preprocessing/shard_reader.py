"""Reading shards back as samples: in order at full speed, or any of them, as training does."""

import io
import json
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import cv2
import numpy as np

from kontur.data_preprocessing.dataset import Manifest, instances_of
from kontur.data_preprocessing.sample import Sample
from kontur.data_preprocessing.shards import INDEX, open_address, read_index, shard_name
from kontur.errors import DatasetError
from kontur.workspace import SPLITS

_TABLES_KEPT = 256
"""Tables of contents kept in memory, some 100 kB each."""

Members = dict[str, bytes]
Places = tuple[dict[str, tuple[int, int]], ...]


@dataclass(frozen=True)
class ShardedSplit:
    """The samples of one split in shards; what `open_dataset` returns, from tar files.

    Attributes:
        address, split: where they lie.
        manifest: what they were made from.
        per_shard: samples in each shard but the last.
    """

    address: str
    split: str
    manifest: Manifest
    per_shard: int

    def __len__(self) -> int:
        return self.manifest.split_size(self.split)

    @property
    def place(self) -> str:
        """Where it lies, for people."""
        return self.address

    def __getitem__(self, position: int) -> Sample:
        number, place = divmod(range(len(self))[position], self.per_shard)
        name = shard_name(self.split, number)
        try:
            places = _contents(self.address, name)[place]
            return _sample(_read(self.address, name, places))
        except (OSError, tarfile.TarError, ValueError, KeyError, TypeError, IndexError) as error:
            raise _damaged(self.address, name, error) from error

    def __iter__(self) -> Iterator[Sample]:
        """Yield all samples in order; each shard is read once from its beginning to its end."""
        for number in range(-(-len(self) // self.per_shard)):
            name = shard_name(self.split, number)
            try:
                yield from (_sample(members) for _, members in read_shard(self.address, name))
            except (OSError, tarfile.TarError, ValueError, KeyError, TypeError) as error:
                raise _damaged(self.address, name, error) from error


def open_shards(address: str, split: str) -> ShardedSplit:
    """Open a split ("train", "val" or "test") of shards for reading.

    Raises:
        DatasetError: no shards there, or not all of them.
    """
    if split not in SPLITS:
        raise DatasetError(f"split {split!r}: expected one of {', '.join(SPLITS)}")
    files, folder = open_address(address)
    try:
        index = read_index(files, folder, address)
    except OSError as error:
        raise DatasetError(f"{address}/{INDEX}: cannot be read ({error}); check the address and your rights") from error
    if index is None:
        raise DatasetError(f"{address}: no shards; run `kontur generate --shards {address}`")
    manifest = Manifest(index["manifest"])
    if not manifest.complete:
        raise DatasetError(f"{address}: the data set is incomplete; run the same `kontur generate` again to finish it")
    return ShardedSplit(address, split, manifest, index["samples_per_shard"])


def read_shard(address: str, name: str) -> Iterator[tuple[str, Members]]:
    """Yield the samples of a shard in order: key, and the bytes by suffix ("jpg", "png", "classes.png", "json")."""
    files, folder = open_address(address)
    with files.open(f"{folder}/{name}", "rb") as stream, tarfile.open(fileobj=stream, mode="r|") as tar:
        key, members = "", Members()
        for member in tar:
            stem, _, suffix = member.name.partition(".")
            if members and stem != key:
                yield key, members
                members = {}
            content = tar.extractfile(member)
            key, members[suffix] = stem, content.read() if content else b""
        if members:
            yield key, members


@lru_cache(maxsize=_TABLES_KEPT)
def _contents(address: str, name: str) -> Places:
    """Offset and size by suffix, for each sample of a shard in order."""
    files, folder = open_address(address)
    rows: dict[str, dict[str, tuple[int, int]]] = {}
    with files.open(f"{folder}/{name}", "rb") as stream, tarfile.open(fileobj=stream, mode="r:") as tar:
        for member in tar:
            key, _, suffix = member.name.partition(".")
            rows.setdefault(key, {})[suffix] = member.offset_data, member.size
    return tuple(rows.values())


def _read(address: str, name: str, places: dict[str, tuple[int, int]]) -> Members:
    """The members of a sample, which lie side by side, in one request."""
    files, folder = open_address(address)
    begin = min(offset for offset, _ in places.values())
    end = max(offset + size for offset, size in places.values())
    data = io.BytesIO(files.cat_file(f"{folder}/{name}", start=begin, end=end)).getbuffer()
    return {suffix: bytes(data[offset - begin : offset - begin + size]) for suffix, (offset, size) in places.items()}


def _sample(members: Members) -> Sample:
    image, ids = _decoded(members["jpg"], cv2.IMREAD_COLOR), _decoded(members["png"], cv2.IMREAD_GRAYSCALE)
    return Sample(image, ids, instances_of(json.loads(members["json"])))


def _decoded(data: bytes, flags: int) -> Any:
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), flags) if data else None
    if picture is None:
        raise ValueError("a picture cannot be decoded")
    return picture


def _damaged(address: str, name: str, error: Exception) -> DatasetError:
    return DatasetError(f"{address}/{name}: missing or damaged ({error}); delete it and run the same `kontur generate`")

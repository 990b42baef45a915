"""A data set as tar files of some thousand samples: read one after the other at full speed, from a disk or an object store.

The layout is webdataset's: `SPLIT-NNNNNN.tar` holds for each sample the members KEY.jpg, KEY.png (id map) and KEY.json
(truth); `index.json`, written last, lists the shards. Any address that fsspec knows will do: a folder, memory://, s3://.
The same data set gives the same bytes.
"""

import io
import json
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any, BinaryIO

from kontur.data_preprocessing.dataset import Manifest, sample_paths
from kontur.errors import DatasetError
from kontur.workspace import SPLITS, Workspace

SAMPLES_PER_SHARD = 1000

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Shard:
    """One tar file.

    Attributes:
        name: file name below the shards' address.
        split: train, val or test.
        first, count: index of its first sample, and how many it holds.
    """

    name: str
    split: str
    first: int
    count: int


def write_shards(
    workspace: Workspace,
    manifest: Manifest,
    address: str,
    per_shard: int = SAMPLES_PER_SHARD,
    on_progress: Progress | None = None,
) -> list[Shard]:
    """Write a complete data set as shards and their index below `address`.

    Raises:
        DatasetError: fsspec or the address's own library is not installed, or the address cannot be written.
    """
    report = on_progress or (lambda _done, _total: None)
    files, folder = _open_address(address)
    shards: list[Shard] = []
    done = 0
    try:
        files.makedirs(folder, exist_ok=True)
        for shard, indices in _plan(manifest, per_shard):
            with files.open(f"{folder}/{shard.name}", "wb") as stream:
                _write_tar(stream, workspace, shard.split, indices)
            shards.append(shard)
            done += shard.count
            report(done, manifest.count)
        index = {
            "fingerprint": manifest.fingerprint,
            "parts": manifest.part_names,
            "shards": [asdict(s) for s in shards],
        }
        with files.open(f"{folder}/index.json", "wb") as stream:
            stream.write((json.dumps(index, indent=1) + "\n").encode())
    except OSError as error:
        raise DatasetError(f"{address}: cannot be written ({error}); check the address and your rights") from error
    return shards


def _plan(manifest: Manifest, per_shard: int) -> Iterator[tuple[Shard, list[int]]]:
    """Yield each shard and the samples that go into it."""
    for split in SPLITS:
        indices, number = manifest.split_indices(split), 0
        while chunk := list(islice(indices, per_shard)):
            yield Shard(f"{split}-{number:06d}.tar", split, chunk[0], len(chunk)), chunk
            number += 1


def read_shard(address: str, name: str) -> Iterator[tuple[str, dict[str, bytes]]]:
    """Yield the samples of a shard in order: key, and the bytes by suffix ("jpg", "png", "json")."""
    files, folder = _open_address(address)
    with files.open(f"{folder}/{name}", "rb") as stream, tarfile.open(fileobj=stream, mode="r|") as tar:
        key, members = "", dict[str, bytes]()
        for member in tar:
            stem, _, suffix = member.name.partition(".")
            if members and stem != key:
                yield key, members
                members = {}
            content = tar.extractfile(member)
            key, members[suffix] = stem, content.read() if content else b""
        if members:
            yield key, members


def _open_address(address: str) -> tuple[Any, str]:
    """The file system of an address, and the folder within it."""
    try:
        import fsspec
    except ImportError as error:
        raise DatasetError("shards need fsspec, which is not installed; run `pip install kontur[shards]`") from error
    try:
        files, folder = fsspec.core.url_to_fs(address)
    except (ImportError, ValueError) as error:
        raise DatasetError(f"{address}: cannot be opened ({error})") from error
    return files, folder.rstrip("/")


def _write_tar(stream: BinaryIO, workspace: Workspace, split: str, indices: list[int]) -> None:
    with tarfile.open(fileobj=stream, mode="w|", format=tarfile.USTAR_FORMAT) as tar:
        for index in indices:
            paths = sample_paths(workspace, split, index)
            for path in (paths.image, paths.mask, paths.truth):
                data = path.read_bytes()
                member = tarfile.TarInfo(path.name)
                member.size, member.mode = len(data), 0o644
                tar.addfile(member, io.BytesIO(data))

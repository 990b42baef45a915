"""Drawing a data set straight into tar files: nothing is kept in a folder first, and no file system need be shared.

The layout is webdataset's: `SPLIT-NNNNNN.tar` holds for each sample the members KEY.jpg, KEY.png (id map), KEY.classes.png
(class map, if asked for) and KEY.json (truth). `index.json` holds the manifest, how many samples a shard has, and each
split's shards in webdataset's notation; it does not grow with the data set. Any address that fsspec knows will do: a folder,
memory://, s3://. A shard appears whole or not at all, and the same configuration gives the same bytes.
"""

import io
import json
import tarfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from kontur.data_preprocessing.data_config import DataConfig
from kontur.data_preprocessing.dataset import FORMAT, Manifest
from kontur.data_preprocessing.executors import Crew, Errand, run_all
from kontur.data_preprocessing.generate import Job, SampleFiles, context_of, draw_files, prepare
from kontur.drawing import Drawing
from kontur.errors import DatasetError
from kontur.files import write_bytes
from kontur.geometry import Part
from kontur.workspace import SPLITS, Workspace

SAMPLES_PER_SHARD = 1000
INDEX = "index.json"

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Shard:
    """One tar file.

    Attributes:
        name: file name below the shards' address.
        split: train, val or test.
        first, last: indices of its first and its last sample; those of other splits between them are not in it.
        count: how many it holds.
    """

    name: str
    split: str
    first: int
    last: int
    count: int


def generate_shards(
    workspace: Workspace,
    config: DataConfig,
    parts: Sequence[Part],
    drawings: Sequence[Drawing],
    count: int,
    address: str,
    seed: int = 0,
    crew: Crew = Crew(),  # noqa: B008 (frozen)
    on_progress: Progress | None = None,
    per_shard: int = SAMPLES_PER_SHARD,
) -> Manifest:
    """Draw (or finish) a data set into shards below `address`.

    Args:
        workspace: where the pictures of tables come from; nothing is written to it.
        config, parts, drawings, count, seed: see `generate`.
        address: a folder or URL; every worker must reach it.
        crew: who does it; the result does not depend on it.
        on_progress: called as on_progress(done, count).
        per_shard: samples in a shard.

    Raises:
        DatasetError: no parts; another data set lies there; an address that cannot be opened, written, or reached by the
            workers.
    """
    job, document = prepare(workspace, config, tuple(parts), drawings, count, seed)
    manifest = Manifest({**document, "complete": False})
    files, folder = open_address(address)
    if "memory" in _protocols(files) and crew.kind in ("processes", "dask"):
        raise DatasetError(
            f"{address}: the memory of this process is out of reach of executor {crew.kind}; use threads"
        )
    report = on_progress or (lambda _done, _total: None)
    try:
        _claim(files, folder, address, manifest, per_shard)
        done = count - sum(shard.count for shard in _missing(files, folder, manifest, per_shard))
        report(done, count)

        def on_done(made: int) -> None:
            """Count what is written."""
            nonlocal done
            done += made
            report(done, count)

        errand = Errand(partial(draw_shard, job), partial(store_shard, address))
        run_all(crew, errand, partial(_missing, files, folder, manifest, per_shard), on_done)
        manifest = Manifest({**document, "complete": True})
        write_whole(files, f"{folder}/{INDEX}", _index(manifest, per_shard))
    except OSError as error:
        raise DatasetError(f"{address}: cannot be written ({error}); check the address and your rights") from error
    return manifest


def plan_shards(manifest: Manifest, per_shard: int) -> Iterator[Shard]:
    """Yield the shards of a data set."""
    for split in SPLITS:
        total = manifest.split_size(split)
        for number, begin in enumerate(range(0, total, per_shard)):
            end = min(begin + per_shard, total)
            first, last = manifest.sample_index(split, begin), manifest.sample_index(split, end - 1)
            yield Shard(shard_name(split, number), split, first, last, end - begin)


def shard_name(split: str, number: int) -> str:
    """Return the name of a split's shard `number`, from 0."""
    return f"{split}-{number:06d}.tar"


def draw_shard(job: Job, shard: Shard) -> tuple[Shard, bytes]:
    """Draw a shard's samples and return them as a tar file; runs in a worker."""
    context = context_of(job)
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for index in range(shard.first, shard.last + 1):
            if job.split(index) == shard.split:
                _add(tar, draw_files(job, context, index))
    return shard, stream.getvalue()


def _add(tar: tarfile.TarFile, files: SampleFiles) -> None:
    members = {"jpg": files.image, "png": files.mask, "classes.png": files.classes, "json": files.truth.encode()}
    for suffix, data in members.items():
        if data is None:
            continue
        member = tarfile.TarInfo(f"{files.index:06d}.{suffix}")
        member.size, member.mode = len(data), 0o644
        tar.addfile(member, io.BytesIO(data))


def store_shard(address: str, product: tuple[Shard, bytes]) -> int:
    """Write a shard below the address; returns how many samples it holds."""
    shard, data = product
    files, folder = open_address(address)
    write_whole(files, f"{folder}/{shard.name}", data)
    return shard.count


def open_address(address: str) -> tuple[Any, str]:
    """Return the file system of an address, and the folder within it.

    Raises:
        DatasetError: fsspec, or what it needs for this address, is not installed, or it is no address.
    """
    try:
        import fsspec
    except ImportError as error:
        raise DatasetError("shards need fsspec, which is not installed; run `pip install kontur[shards]`") from error
    try:
        files, folder = fsspec.core.url_to_fs(address)
    except (ImportError, ValueError) as error:
        raise DatasetError(f"{address}: cannot be opened ({error})") from error
    return files, folder.rstrip("/")


def write_whole(files: Any, path: str, data: bytes) -> None:
    """Write a file that appears whole or not at all: object stores do that by themselves, folders by renaming."""
    if "file" in _protocols(files):
        write_bytes(Path(path), data)
    else:
        files.pipe_file(path, data)


def read_index(files: Any, folder: str, address: str) -> dict[str, Any] | None:
    """Return the index of the shards in a folder, None when there is none or it is of another format.

    Raises:
        DatasetError: damaged.
    """
    path = f"{folder}/{INDEX}"
    if not files.exists(path):
        return None
    try:
        document = json.loads(files.cat_file(path))
        known = document["manifest"]["format"] == FORMAT and document["samples_per_shard"] > 0
    except (ValueError, KeyError, TypeError) as error:
        raise DatasetError(f"{address}/{INDEX}: damaged ({error!r}); delete the shards and draw them again") from error
    return document if known else None


def _index(manifest: Manifest, per_shard: int) -> bytes:
    splits = {}
    for split in SPLITS:
        samples = manifest.split_size(split)
        last = -(-samples // per_shard) - 1
        names = f"{split}-{{000000..{last:06d}}}.tar" if samples else ""
        splits[split] = {"samples": samples, "shards": names}
    document = {"samples_per_shard": per_shard, "splits": splits, "manifest": manifest.document}
    return (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode()


def _claim(files: Any, folder: str, address: str, manifest: Manifest, per_shard: int) -> None:
    """Make the folder this data set's own; what is left of writing that was cut short is removed."""
    files.makedirs(folder, exist_ok=True)
    other = read_index(files, folder, address)
    ours = (manifest.fingerprint, manifest.count, per_shard)
    if other is None and files.glob(f"{folder}/*.tar"):
        raise DatasetError(f"{address}: tar files of something else lie there; give another address, or delete them")
    if other and ours != (other["manifest"]["fingerprint"], other["manifest"]["count"], other["samples_per_shard"]):
        raise DatasetError(
            f"{address}: another data set lies there ({other['manifest']['count']} samples, seed "
            f"{other['manifest']['seed']}); give another address, or delete it"
        )
    if "file" in _protocols(files):
        for path in Path(folder).glob(".*.tar"):
            path.unlink()
    if not other:
        write_whole(files, f"{folder}/{INDEX}", _index(manifest, per_shard))


def _missing(files: Any, folder: str, manifest: Manifest, per_shard: int) -> Iterator[Shard]:
    """Yield the shards that are still to be drawn."""
    files.invalidate_cache()
    return (shard for shard in plan_shards(manifest, per_shard) if not files.exists(f"{folder}/{shard.name}"))


def _protocols(files: Any) -> tuple[str, ...]:
    return (files.protocol,) if isinstance(files.protocol, str) else tuple(files.protocol)

"""Shards on a disk, in memory and in an object store, read by tarfile, by webdataset and by our own reader."""

import json
import tarfile
from collections.abc import Iterator

import numpy as np
import pytest
from generator_parts import PARTS, SIZE_WH, small_config

from kontur.data_preprocessing.dataset import Manifest, open_dataset, sample_paths, split_of
from kontur.data_preprocessing.executors import Crew
from kontur.data_preprocessing.generate import generate
from kontur.data_preprocessing.shard_reader import open_shards, read_shard
from kontur.data_preprocessing.shards import generate_shards, plan_shards
from kontur.errors import DatasetError
from kontur.workspace import SPLITS, Workspace

fsspec = pytest.importorskip("fsspec")
COUNT, PER_SHARD, SEED = 26, 7, 2
ONE_THREAD = Crew("threads", 1)
SHARDS = {"train": [7, 7, 7, 2], "val": [2], "test": [1]}
"""Samples in each shard: 8 and 4 per cent of 26 are held back."""


def draw(space: Workspace, address: str, crew: Crew = ONE_THREAD, count: int = COUNT, seed: int = SEED, **options):
    sections = options.pop("sections", {})
    per_shard = options.pop("per_shard", PER_SHARD)
    return generate_shards(
        space, small_config(**sections), PARTS, [], count, address, seed, crew, per_shard=per_shard, **options
    )


@pytest.fixture(scope="module")
def space(tmp_path_factory) -> Workspace:
    """The same data set as loose files."""
    workspace = Workspace(tmp_path_factory.mktemp("loose"))
    generate(workspace, small_config(), PARTS, [], COUNT, SEED, ONE_THREAD)
    return workspace


@pytest.fixture(scope="module")
def folder(space, tmp_path_factory) -> str:
    address = tmp_path_factory.mktemp("shards") / "out"
    draw(space, str(address))
    return str(address)


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    """An S3 bucket of a server in this process, reached as any user would: s3:// and environment variables."""
    pytest.importorskip("s3fs")
    server_module = pytest.importorskip("moto.server")
    server = server_module.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    values = {
        "ENDPOINT_URL": f"http://{host}:{port}",
        "ACCESS_KEY_ID": "a",
        "SECRET_ACCESS_KEY": "b",
        "REGION": "eu-west-1",
    }
    with pytest.MonkeyPatch.context() as environment:
        for name, value in values.items():
            environment.setenv(f"AWS_{name}", value)
        fsspec.filesystem("s3", skip_instance_cache=True).mkdir("parts")
        yield "s3://parts/set"
        fsspec.get_filesystem_class("s3").clear_instance_cache()
        server.stop()


def contents(address: str) -> dict[str, bytes]:
    files, root = fsspec.core.url_to_fs(address)
    files.invalidate_cache()
    return {path.rpartition("/")[2]: files.cat_file(path) for path in files.ls(root, detail=False)}


def test_shards_hold_the_bytes_of_the_loose_files(space, folder):
    seen = {}
    for split, counts in SHARDS.items():
        for number, count in enumerate(counts):
            rows = list(read_shard(folder, f"{split}-{number:06d}.tar"))
            assert len(rows) == count
            assert all(split_of(int(key), 0.08, 0.04) == split for key, _ in rows)
            seen |= {int(key): members for key, members in rows}
    assert sorted(seen) == list(range(COUNT))
    for index, members in seen.items():
        paths = sample_paths(space, split_of(index, 0.08, 0.04), index)
        assert members == {
            "jpg": paths.image.read_bytes(), "png": paths.mask.read_bytes(), "json": paths.truth.read_bytes(),
        }  # fmt: skip


def test_a_folder_memory_and_an_object_store_hold_the_same_bytes(space, folder, bucket):
    draw(space, "memory://kontur/set")
    draw(space, bucket)
    expected = contents(folder)
    assert contents("memory://kontur/set") == expected
    assert contents(bucket) == expected
    fsspec.filesystem("memory").rm("/kontur", recursive=True)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["processes", "asyncio"])
def test_workers_write_to_an_object_store_and_change_nothing(space, folder, bucket, kind):
    draw(space, f"{bucket}-{kind}", Crew(kind, 2))
    assert contents(f"{bucket}-{kind}") == contents(folder)


def test_samples_are_read_from_an_object_store(space, bucket):
    draw(space, bucket)
    shards, loose = open_shards(bucket, "val"), open_dataset(space, "val")
    assert [sample.instances for sample in shards] == [sample.instances for sample in loose]
    assert np.array_equal(shards[1].ids, loose[1].ids)


def test_an_interrupted_run_goes_on_and_ends_with_the_same_bytes(space, folder, tmp_path):
    def stop(done: int, _total: int) -> None:
        if done >= 2 * PER_SHARD:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        draw(space, str(tmp_path), on_progress=stop)
    assert 2 <= len(list(tmp_path.glob("*.tar"))) < 6
    (tmp_path / ".train-000003.cut-short.tar").write_bytes(b"x")
    with pytest.raises(DatasetError, match="incomplete"):
        open_shards(str(tmp_path), "train")
    calls: list[tuple[int, int]] = []
    draw(space, str(tmp_path), on_progress=lambda done, total: calls.append((done, total)))
    assert calls[0][0] >= 2 * PER_SHARD
    assert calls[-1] == (COUNT, COUNT)
    assert contents(str(tmp_path)) == contents(folder)


def test_a_lost_shard_is_drawn_again_and_the_others_are_not(space, folder, tmp_path):
    draw(space, str(tmp_path))
    kept = (tmp_path / "val-000000.tar").stat().st_mtime_ns
    (tmp_path / "train-000001.tar").unlink()
    draw(space, str(tmp_path))
    assert contents(str(tmp_path)) == contents(folder)
    assert (tmp_path / "val-000000.tar").stat().st_mtime_ns == kept


@pytest.mark.parametrize(
    "change", [{"count": COUNT + 1}, {"seed": SEED + 1}, {"per_shard": 5}], ids=lambda c: next(iter(c))
)
def test_shards_of_another_data_set_are_left_alone(space, tmp_path, change):
    draw(space, str(tmp_path))
    before = contents(str(tmp_path))
    with pytest.raises(DatasetError, match=f"another data set lies there .{COUNT} samples, seed {SEED}"):
        draw(space, str(tmp_path), **change)
    assert contents(str(tmp_path)) == before


def test_tar_files_of_something_else_are_left_alone(space, tmp_path):
    (tmp_path / "backup.tar").write_bytes(b"precious")
    with pytest.raises(DatasetError, match="something else"):
        draw(space, str(tmp_path))
    assert contents(str(tmp_path)) == {"backup.tar": b"precious"}


def test_the_index_names_the_shards_and_does_not_grow(folder):
    index = json.loads((fsspec.core.url_to_fs(folder)[0]).cat_file(f"{folder}/index.json"))
    assert index["samples_per_shard"] == PER_SHARD
    assert index["splits"]["train"] == {"samples": 23, "shards": "train-{000000..000003}.tar"}
    assert Manifest(index["manifest"]).part_names == tuple(part.name for part in PARTS)
    large = Manifest({**index["manifest"], "count": 10**6})
    assert sum(1 for _ in plan_shards(large, 1000)) == 880 + 80 + 40


@pytest.mark.parametrize("per_shard", [1, 7, 26, 1000])
def test_the_plan_holds_every_sample_once(folder, per_shard):
    manifest = Manifest(json.loads(contents(folder)["index.json"])["manifest"])
    held = [
        index
        for shard in plan_shards(manifest, per_shard)
        for index in range(shard.first, shard.last + 1)
        if split_of(index, 0.08, 0.04) == shard.split
    ]
    assert sorted(held) == list(range(COUNT))
    assert sum(shard.count for shard in plan_shards(manifest, per_shard)) == COUNT


def test_any_tar_reader_opens_them(folder):
    with tarfile.open(f"{folder}/train-000000.tar") as tar:
        names = tar.getnames()
        assert {member.mtime for member in tar.getmembers()} == {0}
    assert len(names) == 3 * PER_SHARD
    assert [name.split(".", 1)[1] for name in names[:3]] == ["jpg", "png", "json"]


def test_webdataset_reads_them_by_the_names_in_the_index(space, folder):
    webdataset = pytest.importorskip("webdataset")
    names = json.loads(contents(folder)["index.json"])["splits"]["train"]["shards"]
    found = webdataset.WebDataset(f"{folder}/{names}", shardshuffle=False, empty_check=False)
    rows = {int(row["__key__"]): row for row in found}
    assert sorted(rows) == [index for index in range(COUNT) if split_of(index, 0.08, 0.04) == "train"]
    for index, row in rows.items():
        assert row["jpg"] == sample_paths(space, "train", index).image.read_bytes()


def test_class_maps_are_members_when_asked_for(space, tmp_path):
    draw(space, str(tmp_path), count=8, sections={"dataset": {"class_masks": True}})
    members = [list(row) for _, row in read_shard(str(tmp_path), "train-000000.tar")]
    assert members == [["jpg", "png", "classes.png", "json"]] * 7


@pytest.mark.parametrize("split", SPLITS)
def test_samples_are_those_of_the_loose_files_in_any_order(space, folder, split):
    shards, loose = open_shards(folder, split), open_dataset(space, split)
    assert len(shards) == len(loose)
    assert shards.manifest.fingerprint == loose.manifest.fingerprint
    positions = list(np.random.default_rng(0).permutation(len(loose)))
    for position, sample in [(k, shards[k]) for k in positions] + list(enumerate(shards)):
        expected = loose[position]
        assert np.array_equal(sample.image, expected.image)
        assert np.array_equal(sample.ids, expected.ids)
        assert sample.instances == expected.instances
    with pytest.raises(IndexError):
        shards[len(shards)]


def test_training_reads_shards(folder):
    """The crops that a training takes, in a process of its own, where the split arrives pickled."""
    torch = pytest.importorskip("torch")
    from kontur.modeling.crops import Crops, CropSettings
    from kontur.modeling.targets import PartTraits

    traits = PartTraits(np.array([part.chiral for part in PARTS], bool))
    crops = Crops(open_shards(folder, "train"), CropSettings(128, traits, 0))
    loader = torch.utils.data.DataLoader(crops, batch_size=3, sampler=range(6), num_workers=1)
    batches = list(loader)
    assert [batch["picture"].shape for batch in batches] == [(3, 3, 128, 128)] * 2


@pytest.mark.parametrize("damage", [None, b"", b"no tar", "cut"])
def test_a_damaged_shard_is_said(space, tmp_path, damage):
    draw(space, str(tmp_path), count=8)
    path = tmp_path / "train-000000.tar"
    shards = open_shards(str(tmp_path), "train")
    if damage is None:
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:30_000] if damage == "cut" else damage)
    for read in (lambda: shards[6], lambda: list(shards)):
        with pytest.raises(DatasetError, match=r"train-000000.tar: missing or damaged"):
            read()


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b'{"manifest": {}}'])
def test_a_damaged_index_is_said(space, tmp_path, text):
    draw(space, str(tmp_path), count=4)
    (tmp_path / "index.json").write_bytes(text)
    for attempt in (lambda: open_shards(str(tmp_path), "train"), lambda: draw(space, str(tmp_path), count=4)):
        with pytest.raises(DatasetError, match=r"index\.json: damaged"):
            attempt()


def test_nothing_there_is_said(tmp_path):
    with pytest.raises(DatasetError, match="no shards; run `kontur generate --shards"):
        open_shards(str(tmp_path / "nothing"), "train")
    with pytest.raises(DatasetError, match="train, val, test"):
        open_shards(str(tmp_path), "all")


def test_an_unknown_address_is_said(space):
    with pytest.raises(DatasetError, match="nowhere"):
        draw(space, "nowhere://bucket/x")


def test_a_place_that_cannot_be_written_is_said(space, tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(DatasetError, match="cannot be written"):
        draw(space, str(tmp_path / "file" / "below"))


def test_the_memory_of_one_process_is_out_of_reach_of_others(space):
    with pytest.raises(DatasetError, match="use threads"):
        draw(space, "memory://x", Crew("processes", 2))


def test_picture_sizes_are_kept(folder):
    assert open_shards(folder, "test")[0].ids.shape == SIZE_WH[::-1]

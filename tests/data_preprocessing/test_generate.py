"""The data set as a whole: same bytes however it is made, and nothing old left in it."""

import hashlib
import json
import multiprocessing
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from generator_parts import PARTS, SIZE_WH, bracket, small_config

import kontur
from kontur.data_preprocessing.dataset import open_dataset, read_manifest, sample_paths, split_of
from kontur.data_preprocessing.executors import Crew
from kontur.data_preprocessing.generate import Job, context_of, draw_samples, generate, store_samples
from kontur.data_preprocessing.render import make_context, render_sample
from kontur.errors import DatasetError, WorkspaceError
from kontur.pictures import write_picture
from kontur.workspace import SPLITS, Workspace

COUNT = 26


def tree(root: Path) -> dict[str, str]:
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


ONE_THREAD = Crew("threads", 1)


def make(root: Path, count: int = COUNT, seed: int = 3, crew: Crew = ONE_THREAD, on_progress=None, **sections):
    return generate(Workspace(root), small_config(**sections), PARTS, [], count, seed, crew, on_progress)


@pytest.fixture(scope="module")
def reference(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("reference")
    make(root)
    return root


def test_every_sample_has_all_its_files(reference):
    names = set(tree(reference))
    for index in range(COUNT):
        split = split_of(index, 0.08, 0.04)
        for path in (
            f"data/processed/{split}/images/{index:06d}.jpg", f"data/processed/{split}/masks/{index:06d}.png",
            f"data/annotations/yolo/seg/labels/{split}/{index:06d}.txt",
            f"data/annotations/yolo/obb/labels/{split}/{index:06d}.txt",
        ):  # fmt: skip
            assert path in names


@pytest.mark.parametrize("workers", [2, 3])
def test_threads_change_nothing(reference, tmp_path, workers):
    make(tmp_path, crew=Crew("threads", workers))
    assert tree(tmp_path) == tree(reference)


def test_a_data_set_read_back_is_what_was_rendered(reference):
    context = make_context(small_config(), PARTS)
    for split in SPLITS:
        dataset = open_dataset(Workspace(reference), split)
        assert [split_of(int(i), 0.08, 0.04) for i in dataset.indices] == [split] * len(dataset)
        for position in range(min(3, len(dataset))):
            read, rendered = dataset[position], render_sample(context, 3, int(dataset.indices[position]))
            assert np.array_equal(read.ids, rendered.ids)
            assert np.abs(read.image.astype(int) - rendered.image).mean() < 6
            for ours, truth in zip(read.instances, rendered.instances, strict=True):
                assert ours.part == truth.part
                assert ours.pose.flipped == truth.pose.flipped
                assert np.allclose(ours.pose.matrix, truth.pose.matrix, atol=1e-3)
                assert ours.visible_fraction == pytest.approx(truth.visible_fraction, abs=1e-4)


def test_going_on_after_an_interrupt_gives_the_same_bytes(reference, tmp_path):
    stopped = 0

    def stop(done: int, _total: int) -> None:
        nonlocal stopped
        stopped = done
        if done >= 8:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make(tmp_path, on_progress=stop)
    assert 8 <= stopped < COUNT
    with pytest.raises(DatasetError, match="incomplete"):
        open_dataset(Workspace(tmp_path), "train")
    make(tmp_path)
    assert tree(tmp_path) == tree(reference)


def _make_in_process(root: str, kind: str) -> None:
    os.setsid()
    make(Path(root), crew=Crew(kind, 2))


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["threads", "processes", "asyncio", "dask"])
def test_kill_minus_nine_at_any_moment_and_go_on(reference, tmp_path, kind):
    if kind == "dask":
        pytest.importorskip("distributed")
    moment = secrets.randbelow(COUNT - 4)
    process = multiprocessing.get_context("spawn").Process(target=_make_in_process, args=(str(tmp_path), kind))
    process.start()
    truth = tmp_path / "data" / "processed"
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and len(list(truth.glob("*/truth/0*.json"))) <= moment and process.is_alive():
        time.sleep(0.002)
    os.killpg(process.pid, signal.SIGKILL)
    process.join()
    (truth / "train" / "truth" / ".000001.left-over.json").write_text("{}")
    make(tmp_path)
    assert tree(tmp_path) == tree(reference), f"killed after {moment} samples"


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["processes", "dask"])
def test_a_killed_worker_changes_nothing(reference, tmp_path, kind):
    if kind == "dask":
        pytest.importorskip("distributed")
    killed: list[int] = []

    def kill(done: int, _total: int) -> None:
        if done and not killed:
            killed.append(multiprocessing.active_children()[0].pid or 0)
            os.kill(killed[0], signal.SIGKILL)

    make(tmp_path, crew=Crew(kind, 2), on_progress=kill)
    assert killed
    assert tree(tmp_path) == tree(reference)


def test_a_second_run_does_nothing_twice(reference, tmp_path, monkeypatch):
    make(tmp_path)
    monkeypatch.setattr("kontur.data_preprocessing.generate.draw_samples", None)
    make(tmp_path)
    assert tree(tmp_path) == tree(reference)


def test_a_longer_data_set_keeps_its_samples_and_a_shorter_one_drops_them(reference, tmp_path):
    make(tmp_path, count=10)
    early = {path: digest for path, digest in tree(tmp_path).items() if "truth" in path}
    make(tmp_path)
    assert tree(tmp_path) == tree(reference)
    make(tmp_path, count=10)
    assert {path: digest for path, digest in tree(tmp_path).items() if "truth" in path} == early


@pytest.mark.parametrize("change", [{"seed": 4}, {"lens": {"blur_px": (1.0, 1.0)}}], ids=["seed", "config"])
def test_another_seed_or_configuration_never_mixes(tmp_path, change):
    make(tmp_path, count=8)
    make(tmp_path, count=8, **change)
    fresh = tmp_path / "fresh"
    make(fresh, count=8, **change)
    grown = {path: digest for path, digest in tree(tmp_path).items() if not path.startswith("fresh")}
    assert grown == tree(fresh)


def test_another_part_list_starts_anew(tmp_path):
    make(tmp_path, count=6)
    other = (*PARTS[1:], bracket("other", mirrored=True))
    manifest = generate(Workspace(tmp_path), small_config(), other, [], 6, 3, ONE_THREAD)
    assert manifest.part_names == ("plate4", "washer", "star", "other")
    assert manifest.chirals == (False, False, False, True)
    assert manifest.symmetries == (2, 0, 9, 1)


def test_the_users_pictures_serve_as_tables_and_are_in_the_fingerprint(tmp_path):
    space = Workspace(tmp_path)
    rng = np.random.default_rng(0)
    write_picture(space.backgrounds / "bench.png", rng.integers(0, 255, (300, 400, 3), np.uint8))
    before = make(tmp_path, count=4, background={"pictures": 1.0})
    write_picture(space.backgrounds / "bench.png", rng.integers(0, 90, (300, 400, 3), np.uint8))
    after = make(tmp_path, count=4, background={"pictures": 1.0})
    assert before.fingerprint != after.fingerprint
    assert [row["file"] for row in after.document["pictures"]] == ["bench.png"]


def test_the_manifest_says_what_the_data_set_is_made_of(reference):
    manifest = read_manifest(Workspace(reference))
    assert manifest is not None
    assert manifest.complete
    assert manifest.count == COUNT
    assert manifest.seed == 3
    assert manifest.part_sha256s == tuple(part.sha256 for part in PARTS)
    assert manifest.config["camera"]["size_wh"] == list(SIZE_WH)
    assert {"kontur", "numpy", "opencv"} <= set(manifest.document["versions"])


def test_splits_are_spread_evenly():
    names = [split_of(index, 0.1, 0.05) for index in range(1000)]
    assert names.count("val") == pytest.approx(100, abs=1)
    assert names.count("test") == pytest.approx(50, abs=10)
    assert "val" in names[:15]


def test_no_data_set_is_said(tmp_path):
    with pytest.raises(DatasetError, match="kontur generate"):
        open_dataset(Workspace(tmp_path), "train")
    with pytest.raises(DatasetError, match="train, val, test"):
        open_dataset(Workspace(tmp_path), "training")


def test_a_damaged_manifest_is_said(tmp_path):
    space = Workspace(tmp_path)
    space.manifest.parent.mkdir(parents=True)
    space.manifest.write_text("{")
    with pytest.raises(DatasetError, match="damaged"):
        read_manifest(space)


def test_a_missing_mask_is_said(tmp_path):
    make(tmp_path, count=6)
    dataset = open_dataset(Workspace(tmp_path), "train")
    dataset.paths(0).mask.unlink()
    with pytest.raises(DatasetError, match="missing or damaged"):
        dataset[0]


def test_nothing_to_draw_is_said(tmp_path):
    with pytest.raises(DatasetError, match="parts"):
        generate(Workspace(tmp_path), small_config(), (), [], 3)


def test_a_full_disk_is_one_error_that_names_the_file(tmp_path, monkeypatch):
    def full(_path: Path, _data: bytes) -> int:
        raise OSError(28, "No space left on device")

    space = Workspace(tmp_path)
    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(WorkspaceError, match=r"No space left"):
        make(tmp_path, count=2)
    monkeypatch.undo()
    assert not list(space.processed.rglob("*.jpg"))


def test_a_worker_makes_exactly_what_it_is_told(tmp_path):
    job = Job(Workspace(tmp_path), small_config(), PARTS, (), 3, "a fingerprint")
    made = draw_samples(job, (4, 9))
    assert not list(tmp_path.iterdir())
    assert [files.index for files in made] == [4, 9]
    assert store_samples(job.workspace, made) == 2
    assert sample_paths(job.workspace, job.split(9), 9).truth.is_file()
    assert len(list((tmp_path / "data" / "processed").rglob("*.json"))) == 2
    assert context_of(job) is context_of(job)


def test_coco_numbers_pictures_by_sample(reference):
    document = json.loads((Workspace(reference).coco / "train.json").read_text())
    assert [row["file_name"] for row in document["images"]] == [f"{row['id']:06d}.jpg" for row in document["images"]]


def test_class_maps_are_written_when_asked_for(reference, tmp_path):
    make(tmp_path, dataset={"class_masks": True})
    assert not list(reference.rglob("classes"))
    for split in SPLITS:
        dataset = open_dataset(Workspace(tmp_path), split)
        for position in range(len(dataset)):
            sample = dataset[position]
            classes = cv2.imread(str(dataset.paths(position).classes), cv2.IMREAD_UNCHANGED)
            expected = np.zeros_like(sample.ids)
            for key, instance in enumerate(sample.instances, 1):
                expected[sample.ids == key] = instance.part + 1
            assert np.array_equal(classes, expected)
    make(tmp_path)
    assert tree(tmp_path) == tree(reference)


def free_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def children(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="finds a worker to kill in /proc")
def test_a_running_cluster_is_used_and_may_lose_a_worker(reference, tmp_path):
    pytest.importorskip("distributed")
    port = free_port()
    address = f"tcp://127.0.0.1:{port}"
    dask = [
        sys.executable,
        "-m",
        "distributed.cli.dask_scheduler",
        "--host",
        "127.0.0.1",
        "--port",
        port,
        "--no-dashboard",
    ]
    worker = [sys.executable, "-m", "distributed.cli.dask_worker", address, "--nthreads", "1", "--no-dashboard"]
    here = Path(__file__).parent
    same_code = {**os.environ, "PYTHONPATH": str(Path(kontur.__file__).resolve().parents[1])}
    started = [
        subprocess.Popen(command, cwd=here, env=same_code, stderr=subprocess.DEVNULL, start_new_session=True)
        for command in (dask, worker, worker)
    ]
    killed: list[int] = []

    def kill(done: int, _total: int) -> None:
        if done and not killed:
            killed.extend(children(started[1].pid))
            for pid in killed:
                os.kill(pid, signal.SIGKILL)

    try:
        make(tmp_path, crew=Crew("dask", 0, address), on_progress=kill)
    finally:
        for process in started:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(60)
    assert killed
    assert tree(tmp_path) == tree(reference)

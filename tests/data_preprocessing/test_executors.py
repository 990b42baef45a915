"""Work is done once and completely, whoever does it and whoever is killed."""

import os
import signal
import time
from concurrent.futures import BrokenExecutor
from pathlib import Path

import pytest

from kontur.data_preprocessing.executors import Crew, Errand, open_executor, run_all, usual_kind
from kontur.errors import DatasetError


def _touch(path: str) -> str:
    Path(path).write_text("done")
    return path


def _touch_or_die_once(path: str) -> str:
    """The worker that first meets a file named 3 is killed in the middle of it."""
    if path.endswith("3") and not Path(path + ".died").exists():
        Path(path + ".died").touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return _touch(path)


def _die_thrice(path: str) -> str:
    """The workers that first meet files 1, 4 and 7 are killed."""
    if path[-1] in "147" and not Path(path + ".died").exists():
        Path(path + ".died").touch()
        time.sleep(0.3)
        os.kill(os.getpid(), signal.SIGKILL)
    return _touch(path)


def _die(_path: str) -> str:
    os.kill(os.getpid(), signal.SIGKILL)
    return ""


def _fail(path: str) -> str:
    raise DatasetError(f"{path} went wrong")


def _name(path: str) -> tuple[str, int]:
    return path, os.getpid()


def _touch_named(made: tuple[str, int]) -> int:
    path, maker = made
    Path(path).write_text(f"{maker} {os.getpid()}")
    return 1


def _same(value: str) -> str:
    return value


def errand(make, store=None) -> Errand:
    return Errand(make, store or _same)


def pending_in(folder: Path, count: int = 9):
    return lambda: [str(folder / str(k)) for k in range(count) if not (folder / str(k)).exists()]


@pytest.mark.parametrize(("workers", "kind"), [(1, "threads"), (2, "threads"), (3, "processes"), (64, "processes")])
def test_few_workers_are_threads(workers, kind):
    assert usual_kind(workers) == kind


def test_one_worker_for_each_cpu_is_threads_where_there_are_few(monkeypatch):
    for cpus, kind in ((2, "threads"), (8, "processes")):
        monkeypatch.setattr("kontur.data_preprocessing.executors.available_cpus", lambda cpus=cpus: cpus)
        assert usual_kind(0) == kind


@pytest.mark.parametrize(
    "crew",
    [
        Crew("threads", 2),
        pytest.param(Crew("processes", 2), marks=pytest.mark.slow),
        pytest.param(Crew("asyncio", 2), marks=pytest.mark.slow),
        pytest.param(Crew("dask", 2), marks=pytest.mark.slow),
    ],
    ids=lambda crew: crew.kind,
)
def test_every_task_is_done_once(crew, tmp_path):
    if crew.kind == "dask":
        pytest.importorskip("distributed")
    results: list[str] = []
    run_all(crew, errand(_touch), pending_in(tmp_path), results.append)
    assert sorted(results) == [str(tmp_path / str(k)) for k in range(9)]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["processes", "asyncio"])
def test_a_killed_worker_loses_nothing(kind, tmp_path):
    run_all(Crew(kind, 2), errand(_touch_or_die_once), pending_in(tmp_path), lambda _path: None)
    assert all((tmp_path / str(k)).exists() for k in range(9))
    assert (tmp_path / "3.died").exists()


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["processes", "asyncio"])
def test_the_pool_makes_and_with_asyncio_the_loop_writes(kind, tmp_path):
    run_all(Crew(kind, 2), Errand(_name, _touch_named), pending_in(tmp_path), lambda _done: None)
    for k in range(9):
        maker, writer = map(int, (tmp_path / str(k)).read_text().split())
        assert maker != os.getpid()
        assert writer == (os.getpid() if kind == "asyncio" else maker)


@pytest.mark.slow
def test_workers_that_die_now_and_then_are_borne(tmp_path, monkeypatch):
    """Only deaths with nothing done between them count."""
    monkeypatch.setattr("kontur.data_preprocessing.executors._BREAKS_MAX", 2)
    run_all(Crew("processes", 1), errand(_die_thrice), pending_in(tmp_path), lambda _path: None)
    assert len(list(tmp_path.glob("*.died"))) == 3


@pytest.mark.slow
def test_workers_that_keep_dying_are_said(tmp_path, monkeypatch):
    monkeypatch.setattr("kontur.data_preprocessing.executors._BREAKS_MAX", 2)
    with pytest.raises(DatasetError, match="died 2 times in a row"):
        run_all(Crew("processes", 1), errand(_die), pending_in(tmp_path), lambda _path: None)


@pytest.mark.parametrize("kind", ["threads", pytest.param("asyncio", marks=pytest.mark.slow)])
def test_an_error_in_a_worker_is_the_errand_s_error(kind, tmp_path):
    with pytest.raises(DatasetError, match="went wrong"):
        run_all(Crew(kind, 2), errand(_fail), pending_in(tmp_path), lambda _path: None)


def test_only_a_few_tasks_are_in_flight(tmp_path):
    asked = 0

    def tasks():
        nonlocal asked
        for k in range(1000):
            asked += 1
            yield str(tmp_path / str(k))

    def stop(_path: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_all(Crew("threads", 2), errand(_touch), tasks, stop)
    assert asked <= 10


def test_threads_leave_the_libraries_threads_as_they_were(tmp_path):
    import cv2

    before = cv2.getNumThreads()
    seen: list[int] = []
    run_all(Crew("threads", 2), errand(_touch), pending_in(tmp_path), lambda _path: seen.append(cv2.getNumThreads()))
    assert set(seen) == {1}
    assert cv2.getNumThreads() == before


@pytest.mark.slow
def test_no_scheduler_is_said():
    pytest.importorskip("distributed")
    with pytest.raises(DatasetError, match="no answer"):
        run_all(Crew("dask", 1, "tcp://127.0.0.1:9"), errand(_touch), list, lambda _path: None)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_no_worker_stays_when_another_dies_while_a_task_is_cancelled():
    """The pool's own thread fails on the cancelled task; its other worker would wait for ever, and so would this process."""
    with open_executor(Crew("processes", 2)) as (pool, _):
        pool.submit(os.getpid).result()
        tasks = [pool.submit(time.sleep, 0.4) for _ in range(12)]
        tasks[-1].cancel()
        workers = list(pool._processes.values())
        os.kill(workers[0].pid, signal.SIGKILL)
        assert isinstance(tasks[0].exception(timeout=30), BrokenExecutor) or tasks[0].done()
        time.sleep(0.5)
    assert not [worker for worker in workers if worker.is_alive()]

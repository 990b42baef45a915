"""Work is done once and completely, whoever does it and whoever is killed."""

import os
import signal
from pathlib import Path

import pytest

from kontur.data_preprocessing.executors import Crew, run_all
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


def _die(_path: str) -> str:
    os.kill(os.getpid(), signal.SIGKILL)
    return ""


def _fail(path: str) -> str:
    raise DatasetError(f"{path} went wrong")


def pending_in(folder: Path, count: int = 9):
    return lambda: [str(folder / str(k)) for k in range(count) if not (folder / str(k)).exists()]


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
    run_all(crew, _touch, pending_in(tmp_path), results.append)
    assert sorted(results) == [str(tmp_path / str(k)) for k in range(9)]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["processes", "asyncio"])
def test_a_killed_worker_loses_nothing(kind, tmp_path):
    run_all(Crew(kind, 2), _touch_or_die_once, pending_in(tmp_path), lambda _path: None)
    assert all((tmp_path / str(k)).exists() for k in range(9))
    assert (tmp_path / "3.died").exists()


@pytest.mark.slow
def test_workers_that_keep_dying_are_said(tmp_path, monkeypatch):
    monkeypatch.setattr("kontur.data_preprocessing.executors._BROKEN_POOLS", 2)
    with pytest.raises(DatasetError, match="died 2 times"):
        run_all(Crew("processes", 1), _die, pending_in(tmp_path), lambda _path: None)


@pytest.mark.parametrize("kind", ["threads", pytest.param("asyncio", marks=pytest.mark.slow)])
def test_an_error_in_a_worker_is_the_errand_s_error(kind, tmp_path):
    with pytest.raises(DatasetError, match="went wrong"):
        run_all(Crew(kind, 2), _fail, pending_in(tmp_path), lambda _path: None)


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
        run_all(Crew("threads", 2), _touch, tasks, stop)
    assert asked <= 10


@pytest.mark.slow
def test_no_scheduler_is_said():
    pytest.importorskip("distributed")
    with pytest.raises(DatasetError, match="no answer"):
        run_all(Crew("dask", 1, "tcp://127.0.0.1:9"), _touch, list, lambda _path: None)

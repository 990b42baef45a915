"""One thread policy: what there is, what was asked for, and that every library is told."""

import os
import subprocess
import sys

import cv2
import pytest

from kontur.hardware.threads import (
    BLAS_VARIABLE,
    LIBRARY_VARIABLES,
    VARIABLE,
    available_cpus,
    limit_inner_threads,
    thread_count,
    use_threads,
)


def test_without_a_cgroup_it_is_the_affinity(tmp_path):
    assert available_cpus(tmp_path) == len(os.sched_getaffinity(0))


@pytest.mark.parametrize(("text", "cpus"), [("100000 100000", 1), ("50000 100000", 1), ("max 100000", None)])
def test_version_two_quota(tmp_path, text, cpus):
    (tmp_path / "cpu.max").write_text(text)
    expected = len(os.sched_getaffinity(0)) if cpus is None else cpus
    assert available_cpus(tmp_path) == expected


def test_version_one_quota(tmp_path):
    (tmp_path / "cpu").mkdir()
    (tmp_path / "cpu/cpu.cfs_quota_us").write_text("100000\n")
    (tmp_path / "cpu/cpu.cfs_period_us").write_text("100000\n")
    assert available_cpus(tmp_path) == 1


def test_no_quota_in_version_one(tmp_path):
    (tmp_path / "cpu").mkdir()
    (tmp_path / "cpu/cpu.cfs_quota_us").write_text("-1\n")
    (tmp_path / "cpu/cpu.cfs_period_us").write_text("100000\n")
    assert available_cpus(tmp_path) == len(os.sched_getaffinity(0))


def test_inner_threads(monkeypatch):
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
        monkeypatch.setenv(name, "7")
    before = cv2.getNumThreads()
    limit_inner_threads(1)
    assert cv2.getNumThreads() == 1
    assert os.environ["OMP_NUM_THREADS"] == "1"
    cv2.setNumThreads(before)


@pytest.fixture
def environment(monkeypatch):
    """Whatever a test sets is set back, in the environment and in the libraries."""
    for name in (VARIABLE, *LIBRARY_VARIABLES):
        monkeypatch.setenv(name, "1")
        monkeypatch.delenv(name)
    yield monkeypatch
    monkeypatch.undo()
    use_threads()


def cpus(monkeypatch, count):
    monkeypatch.setattr("kontur.hardware.threads.available_cpus", lambda: count)


@pytest.mark.parametrize(("asked", "granted"), [(None, 3), (1, 1), (2, 2), (3, 3), (9, 3), (0, 1), (-4, 1)])
def test_never_more_than_there_is_and_never_none(environment, asked, granted):
    cpus(environment, 3)
    assert use_threads(asked) == granted
    assert thread_count() == granted
    assert {os.environ[name] for name in LIBRARY_VARIABLES} == {str(granted)}
    assert os.environ[BLAS_VARIABLE] == "1"
    assert cv2.getNumThreads() == granted


def test_what_was_asked_for_stays_until_something_else_is_asked_for(environment):
    cpus(environment, 4)
    use_threads(2)
    limit_inner_threads(1)
    assert thread_count() == 2
    assert use_threads() == 2
    assert cv2.getNumThreads() == 2


@pytest.mark.parametrize("nonsense", ["", "many", "-1", "0", "2.5"])
def test_nonsense_in_the_environment_counts_as_nothing_asked_for(environment, nonsense):
    cpus(environment, 4)
    environment.setenv(VARIABLE, nonsense)
    assert thread_count() == 4


def test_libraries_that_are_loaded_are_told(environment):
    import torch
    from threadpoolctl import threadpool_info

    cpus(environment, 4)
    for count in (3, 1):
        use_threads(count)
        assert torch.get_num_threads() == count
        assert {pool["num_threads"] for pool in threadpool_info() if pool["internal_api"] == "openblas"} == {1}


@pytest.mark.usefixtures("environment")
def test_a_child_process_inherits_the_policy():
    use_threads(1)
    code = "import cv2; from kontur.hardware.threads import thread_count; print(thread_count(), cv2.getNumThreads())"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.split() == ["1", "1"]

import os

import cv2
import pytest

from kontur.hardware.threads import available_cpus, limit_inner_threads


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

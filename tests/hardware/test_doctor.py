"""`kontur doctor` on this machine and on a faked one; memory, disk and libraries."""

import getpass
import json
import socket

import pytest
from test_processor import cpuinfo

from kontur.hardware.isa_levels import ALL
from kontur.hardware.library_state import library_state
from kontur.hardware.resources import measure_disk, memory_bandwidth, read_memory


@pytest.fixture
def one_level(monkeypatch):
    """The self-test at one level only, which is quick."""
    monkeypatch.setattr("kontur.hardware.doctor.levels_of", lambda _: (ALL,))
    monkeypatch.setattr("kontur.hardware.resources._COPY_MB", 4)


@pytest.mark.slow
@pytest.mark.usefixtures("one_level")
def test_the_report_is_one_json_document_without_personal_data(run_kontur, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    said = run_kontur("doctor", "--json")
    assert said.code == 0, said.err
    report = json.loads(said.out)
    assert report["faults"] == []
    assert report["threads"]["granted"] <= report["threads"]["available"]
    assert {row["package"] for row in report["libraries"] if row["loads"]} >= {"cv2", "numpy", "onnxruntime"}
    assert all(row["right"] for row in report["self_test"])
    for secret in (socket.gethostname(), str(tmp_path)):
        assert secret not in said.out
    assert f"/{getpass.getuser()}/" not in said.out


@pytest.mark.parametrize("words", [[], ["--json"]])
def test_without_avx2_it_refuses_and_says_what_to_do(run_kontur, tmp_path, words):
    said = run_kontur("doctor", "--cpuinfo", cpuinfo(tmp_path, "sse4_2 avx hypervisor"), *words)
    assert said.code == 1
    assert said.out == ""
    assert '"host"' in said.err


@pytest.mark.slow
@pytest.mark.usefixtures("one_level")
def test_with_force_it_goes_on_and_still_says_so(run_kontur, tmp_path):
    said = run_kontur("doctor", "--force", "--json", "--cpuinfo", cpuinfo(tmp_path, "sse4_2 avx"))
    assert said.code == 1
    assert "no AVX2" in json.loads(said.out)["faults"][0]


def test_memory_is_read_with_the_cgroups_limit(tmp_path):
    (tmp_path / "meminfo").write_text("MemTotal:       16000000 kB\nMemAvailable:    8000000 kB\nJunk\n")
    (tmp_path / "memory.max").write_text("2000000000\n")
    found = read_memory(tmp_path / "meminfo", tmp_path)
    assert (found.total_gb, found.available_gb, found.limit_gb) == pytest.approx((16.384, 8.192, 2.0))
    (tmp_path / "memory.max").write_text("max\n")
    assert read_memory(tmp_path / "meminfo", tmp_path).limit_gb is None
    assert read_memory(tmp_path / "none", tmp_path).total_gb is None


def test_speeds_are_positive_and_nothing_is_left_on_the_disk(tmp_path, monkeypatch):
    monkeypatch.setattr("kontur.hardware.resources._COPY_MB", 4)
    monkeypatch.setattr("kontur.hardware.resources._DISK_MB", 1)
    assert memory_bandwidth(2) > 0
    disk = measure_disk(tmp_path)
    assert disk.write_mb_per_s > 0
    assert disk.free_gb > 0
    assert list(tmp_path.iterdir()) == []


def test_a_library_that_is_not_there_and_one_that_cannot_be_loaded(monkeypatch):
    assert library_state("no-such-thing", "nothing").fault == "not installed"
    monkeypatch.setitem(__import__("kontur.hardware.library_state", fromlist=["_ASK"])._ASK, "yaml", "1 / 0")
    state = library_state("PyYAML", "yaml")
    assert not state.loads
    assert "ZeroDivisionError" in state.fault

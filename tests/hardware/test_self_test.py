"""The self-test: right results agree, and a wrong SIMD path is named."""

import json

import numpy as np
import pytest

from kontur.errors import KonturError
from kontur.hardware import self_test as module
from kontur.hardware.isa_levels import ALL, X86_LEVELS, Level
from kontur.hardware.operations import main, operations, perform
from kontur.hardware.self_test import judge, run_level


def document(value=1.0, operation="convolution", **row):
    return {"opencv": {operation: {"values": [5.0, value, -2.0], "milliseconds": 1.5, **row}}}


def verdict(*documents):
    return list(judge(list(zip(("SSE4.2", "AVX2", "all"), documents, strict=False))))[-1]


@pytest.mark.parametrize(("value", "right"), [(1.0, True), (1.004, True), (1.006, False), (float("nan"), False)])
def test_results_must_agree_with_the_lowest_level(value, right):
    found = verdict(document(), document(value))
    assert found.right is right
    assert bool(found.fault) is not right


def test_a_wrong_path_is_named():
    fault = verdict(document(), document(), document(9.0)).fault
    for word in ("opencv", "convolution", "all", "OPENCV_CPU_DISABLE"):
        assert word in fault


def test_rounding_to_grey_levels_may_fall_either_way():
    assert verdict(document(100.0, "warp"), document(101.0, "warp")).right
    assert not verdict(document(100.0, "warp"), document(102.5, "warp")).right


def test_another_number_of_results_is_wrong():
    assert not verdict(document(), document(values=[1.0])).right


def test_an_operation_that_a_level_refuses_is_told_and_the_next_level_is_the_reference():
    refused = {"opencv": {"convolution": {"refusal": "no such kernel"}}}
    rows = list(judge([("SSE4.2", refused), ("AVX2", document()), ("all", document(7.0))]))
    assert (rows[0].right, rows[0].refusal, rows[0].fault) == (True, "no such kernel", "")
    assert [row.right for row in rows] == [True, True, False]


def test_a_crash_names_the_level(monkeypatch):
    monkeypatch.setattr(module.sys, "executable", "/bin/false")
    with pytest.raises(KonturError, match="self-test at AVX2: the process ended with 1"):
        run_level(X86_LEVELS[1], None)


def test_what_is_performed_is_printed_as_json(capsys):
    main(["--rounds", "1"])
    printed = json.loads(capsys.readouterr().out)
    assert {"numpy", "opencv", "pytorch"} <= set(printed)
    for rows in printed.values():
        for row in rows.values():
            assert np.isfinite(row["values"]).all()
            assert row["milliseconds"] > 0


def test_a_library_that_raises_is_a_refusal():
    def broken():
        raise RuntimeError("first line\nno kernel for this")

    assert perform(broken, 1) == {"refusal": "no kernel for this"}


def test_the_same_inputs_every_time():
    one, two = (operations(None)["opencv"]["warp"]()() for _ in range(2))
    np.testing.assert_array_equal(one, two)


@pytest.mark.slow
def test_variables_do_hold_the_libraries_to_a_level():
    """Each library, asked in a process of the SSE4.2 level, says so itself."""
    import os
    import subprocess
    import sys

    code = (
        "import cv2, torch; from numpy._core._multiarray_umath import __cpu_features__ as f;"
        "print(cv2.checkHardwareSupport(11), torch.backends.cpu.get_cpu_capability(), f['AVX2'] and f.get('X86_V3', False))"
    )
    said = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | X86_LEVELS[0].environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.split() == ["False", "DEFAULT", "False"]


def test_the_levels_environment_replaces_what_was_set(monkeypatch):
    monkeypatch.setenv("ATEN_CPU_CAPABILITY", "default")
    seen = {}

    def run(_command, env, **_):
        seen.update(env)
        raise KonturError("seen")

    monkeypatch.setattr(module.subprocess, "run", run)
    with pytest.raises(KonturError, match="seen"):
        run_level(ALL, None)
    assert "ATEN_CPU_CAPABILITY" not in seen
    assert Level("x", "", {}).environment == {}

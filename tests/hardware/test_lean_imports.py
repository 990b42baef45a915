"""Libraries without what kontur does not use of them, each in a process of its own."""

import gc
import os
import subprocess
import sys

import pytest

from kontur.hardware.absent import absent
from kontur.hardware.lean_imports import quick_start


def run(program, **environment):
    done = subprocess.run(
        [sys.executable, "-c", program], env=os.environ | environment, check=True, timeout=120, capture_output=True
    )
    return done.stdout.decode().split()


def test_what_is_absent_cannot_be_imported_and_comes_back():
    assert "wave" not in sys.modules
    with absent("wave"), pytest.raises(ModuleNotFoundError):
        import wave
    import wave

    assert wave.__name__ == "wave"


def test_what_is_loaded_stays_when_it_is_to_be_absent():
    before = sys.modules["json"]
    with absent("json"):
        import json
    assert json is before is sys.modules["json"]


def test_a_fault_inside_does_not_keep_a_library_away():
    with pytest.raises(KeyError), absent("chunk"):
        raise KeyError
    assert "chunk" not in sys.modules


def test_openvino_comes_without_what_reports_home(tmp_path):
    """OpenVINO's converter leaves an identifier in the home folder and reports its import from there."""
    program = (
        "import sys; from kontur.hardware.lean_imports import import_openvino; print(bool(import_openvino().Core));"
        "print(*[name for name in sys.modules if 'telemetry' in name])"
    )
    unwatched = dict.fromkeys(("CI", "TF_BUILD", "JENKINS_URL"), "")
    assert run(program, HOME=str(tmp_path), **unwatched) == ["True"]
    assert not list(tmp_path.rglob("*intel*"))


def test_kernels_load_without_scipy():
    """A kernel fits a plane to three parts of one scale: it is compiled and run with neither SciPy nor cffi there."""
    program = (
        "import sys, numpy as np; from kontur.hardware.lean_imports import import_numba; import_numba();"
        "from kontur.modeling.plane import fit_plane;"
        "plane = fit_plane((64, 48), np.array([[9.0, 9], [50, 9], [9, 40]]), np.full(3, np.log(2.0)), np.ones(3));"
        "print(round(np.exp(plane.log_scale), 6)); print(*({'scipy', 'cffi'} & set(sys.modules)))"
    )
    assert run(program) == ["2.0"]


def test_garbage_is_collected_again_after_the_start():
    with quick_start():
        assert not gc.isenabled()
    assert gc.isenabled()
    gc.unfreeze()


def test_garbage_is_collected_again_after_a_start_that_fails():
    with pytest.raises(KeyError), quick_start():
        raise KeyError
    assert gc.isenabled()
    gc.unfreeze()

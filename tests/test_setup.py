"""The Makefile and the CI script, run with stand-ins for Python and make that only write down how they are called."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

FAKE_PYTHON = """#!/bin/sh
echo "$0 $*" >> {log}
case "$*" in
  *"-m venv"*) mkdir -p .venv/bin && cp "$0" .venv/bin/python ;;
  *"import ensurepip"*) [ -z "$NO_VENV" ] || {{ echo "Traceback: no ensurepip" >&2; exit 1; }} ;;
  *"version_info"*) [ -z "$OLD_PYTHON" ] || exit 1 ;;
  *torch==*) [ -z "$NO_NETWORK" ] || {{ echo "no network" >&2; exit 1; }} ;;
  *"-m pytest"*)
    case "$*" in *"${{FAILING:-none}}"*) echo "== 1 failed in 0.1s =="; exit "$CODE" ;; esac
    echo "== 1 passed in 0.1s ==" ;;
esac
"""

FAKE_MAKE = """#!/bin/sh
echo "$*" >> {log}
case "$*" in
  *lint*) echo "checking"; exit ${{LINT_CODE:-0}} ;;
  *test*)
    echo "== 3 passed in 1.0s =="
    [ "${{TEST_CODE:-0}}" = 0 ] || echo "make: *** [Makefile:1: test] Error $TEST_CODE" >&2
    exit ${{TEST_CODE:-0}} ;;
esac
"""


class Project:
    """A copy of the Makefile with a stand-in for Python."""

    def __init__(self, folder):
        self.folder = folder
        self.log = folder / "log"
        for name in ("Makefile", "pyproject.toml"):
            shutil.copy(ROOT / name, folder / name)
        self.python = folder / "fake-python"
        self.python.write_text(FAKE_PYTHON.format(log=self.log))
        self.python.chmod(0o755)

    def make(self, *arguments, **environment):
        """Run make; return its result and the calls of Python that it made."""
        self.log.write_text("")
        command = ["make", "--no-print-directory", f"PYTHON={self.python}", *arguments]
        clean = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
        result = subprocess.run(
            command, cwd=self.folder, env=clean | environment, capture_output=True, text=True, check=False
        )
        return result, self.log.read_text().splitlines()


@pytest.fixture
def project(tmp_path):
    if not shutil.which("make"):
        pytest.skip("make is not installed")
    return Project(tmp_path)


def installs(calls):
    return [
        call.split(" install --no-input ")[1].strip().removeprefix("--quiet ")
        for call in calls
        if " install --no-input " in call
    ]


def test_torch_comes_first_then_kontur(project):
    result, calls = project.make("setup")
    assert result.returncode == 0
    assert installs(calls) == ["torch==2.13.0", "--editable .[train,dev]"]


def test_nothing_is_done_twice(project):
    project.make("setup")
    result, calls = project.make("setup")
    assert result.returncode == 0
    assert calls == []


def test_the_index_for_torch_is_used_for_torch_alone(project):
    _, calls = project.make("setup", "TORCH_INDEX=https://example.org/cpu")
    assert installs(calls) == ["--index-url https://example.org/cpu torch==2.13.0", "--editable .[train,dev]"]


def test_a_change_of_pyproject_installs_kontur_again_and_nothing_else(project):
    project.make("setup")
    later = (project.folder / ".venv" / ".ready").stat().st_mtime + 10
    os.utime(project.folder / "pyproject.toml", (later, later))
    _, calls = project.make("setup")
    assert installs(calls) == ["--editable .[train,dev]"]


def test_another_torch_is_installed_when_pyproject_pins_another(project):
    project.make("setup")
    text = (project.folder / "pyproject.toml").read_text()
    (project.folder / "pyproject.toml").write_text(text.replace("torch==2.13.0", "torch==2.14.0"))
    _, calls = project.make("setup")
    assert installs(calls) == ["torch==2.14.0", "--editable .[train,dev]"]


def test_a_broken_download_goes_on_where_it_was(project):
    result, calls = project.make("setup", NO_NETWORK="1")
    assert result.returncode != 0
    assert installs(calls) == ["torch==2.13.0"]
    result, calls = project.make("setup")
    assert result.returncode == 0
    assert not [call for call in calls if "-m venv" in call]
    assert installs(calls) == ["torch==2.13.0", "--editable .[train,dev]"]


@pytest.mark.parametrize(
    ("environment", "advice"),
    [
        ({"NO_VENV": "1"}, "has no venv module; run: apt-get install python3-venv"),
        ({"OLD_PYTHON": "1"}, "kontur needs Python 3.11 or newer"),
    ],
)
def test_what_the_system_lacks_is_one_line(project, environment, advice):
    result, _ = project.make("test", **environment)
    assert result.returncode != 0
    errors = [line for line in result.stderr.splitlines() if not line.startswith("make: ***")]
    assert len(errors) == 1
    assert errors[0].startswith("error: ")
    assert advice in errors[0]
    assert not (project.folder / ".venv").exists()


def test_test_sets_up_and_runs_pytest(project):
    result, calls = project.make("test", "PYTEST_ARGS=-m 'not slow'")
    assert result.returncode == 0
    runs = [call for call in calls if "-m pytest" in call]
    assert len(runs) == 3
    assert all(call.endswith("-m not slow") for call in runs)
    assert result.stdout.splitlines()[-1] == "== 1 passed in 0.1s =="


def test_the_runs_of_the_tests_are_together_all_of_them(project):
    _, calls = project.make("test")
    *some, rest = [re.findall(r"(?:--ignore=)?tests/\w+", call) for call in calls if "-m pytest" in call]
    named = [path for paths in some for path in paths]
    assert len(named) == len(set(named)) > 1
    assert rest == [f"--ignore={path}" for path in named]
    assert all((ROOT / path).is_dir() for path in named)


def test_paths_that_are_given_are_run_alone(project):
    _, calls = project.make("test", "PYTEST_ARGS=tests/test_a.py -x")
    assert [call.split("-m pytest ")[1].strip() for call in calls if "-m pytest" in call] == ["tests/test_a.py -x"]


@pytest.mark.parametrize(
    ("failing", "code", "fails"),
    [("tests/drawing", "1", True), ("--ignore", "1", True), ("tests/modeling", "5", False), ("tests/", "5", True)],
)
def test_tests_fail_where_one_run_does_or_none_has_tests_after_running_everything(project, failing, code, fails):
    result, calls = project.make("test", FAILING=failing, CODE=code)
    assert (result.returncode != 0) is fails
    assert sum("-m pytest" in call for call in calls) == 3


def test_the_help_names_every_target(project):
    result, calls = project.make()
    assert calls == []
    assert all(f"make {target}" in result.stdout for target in ("demo", "test", "lint", "bench", "docs", "clean"))


def test_clean_keeps_what_is_not_its_own(project):
    project.make("setup")
    for name in ("data/a", "models/a", "src/a", "tests/__pycache__/a", "tools/a", "benchmarks/a"):
        path = project.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    project.make("clean")
    left = {path.name for path in project.folder.iterdir()}
    assert {"data", "models", "src", "pyproject.toml"} <= left
    assert ".venv" not in left
    assert list((project.folder / "tests").iterdir()) == []


@pytest.fixture
def run_ci(tmp_path):
    """Run .ci/run with a stand-in for make; return its result and the calls of make."""
    log = tmp_path / "log"
    (tmp_path / "bin").mkdir()
    fake = tmp_path / "bin" / "make"
    fake.write_text(FAKE_MAKE.format(log=log))
    fake.chmod(0o755)
    shutil.copytree(ROOT / ".ci", tmp_path / "project" / ".ci")

    def run(**environment):
        path = f"{tmp_path / 'bin'}:{os.environ['PATH']}"
        result = subprocess.run(
            [tmp_path / "project" / ".ci" / "run"], env=os.environ | {"PATH": path} | environment,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        )  # fmt: skip
        return result, log.read_text().splitlines()

    return run


def test_ci_calls_lint_and_test(run_ci):
    result, calls = run_ci()
    assert result.returncode == 0
    targets = [next(word for word in call.split() if word in ("setup", "lint", "test")) for call in calls]
    assert targets == ["setup", "lint", "test"]


@pytest.mark.parametrize("environment", [{"LINT_CODE": "1"}, {"TEST_CODE": "2"}, {"LINT_CODE": "1", "TEST_CODE": "2"}])
def test_ci_fails_on_any_failure_after_running_everything(run_ci, environment):
    result, calls = run_ci(**environment)
    assert result.returncode != 0
    assert len(calls) == 3
    assert ("LINT FAILED" in result.stdout) == ("LINT_CODE" in environment)


@pytest.mark.parametrize("environment", [{}, {"LINT_CODE": "1"}, {"TEST_CODE": "2"}])
def test_the_summary_of_pytest_ends_the_output_of_ci(run_ci, environment):
    result, _ = run_ci(**environment)
    assert result.stdout.splitlines()[-1] == "== 3 passed in 1.0s =="

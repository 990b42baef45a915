"""requirements.txt, and what pyproject.toml states against what the code imports."""

import ast
import re
import sys
import tomllib
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import requirements

import kontur

ROOT = Path(__file__).resolve().parents[1]
SOURCES = sorted((ROOT / "src").rglob("*.py"))

PROJECT = """
[project]
name = "p"
dependencies = ["zebra>=1", "ant==2"]
[project.optional-dependencies]
train = ["torch==1"]
dev = ["pytest"]
"""


@pytest.fixture
def project(tmp_path):
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    return tmp_path


def normal(name):
    return re.sub(r"[-_.]+", "-", re.match(r"[A-Za-z0-9._-]+", name).group()).lower()


def stated(without=()):
    """Return the distributions that pyproject.toml states, in all groups but those named."""
    table = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    groups = {"run": table["dependencies"], **table["optional-dependencies"]}
    return {normal(item) for name, items in groups.items() if name not in without for item in items}


@cache
def installed():
    """Return {top package: distributions that bring it}; a package that is one compiled file is listed from 3.12 on."""
    return {"manifold3d": ["manifold3d"], **packages_distributions()}


def imported(path):
    """Yield (line, top package) of every absolute import of a module that is not of the standard library."""
    for node in ast.walk(ast.parse(path.read_text())):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names = [node.module]
        for name in names:
            top = name.split(".")[0]
            if top not in sys.stdlib_module_names and top != "kontur":
                yield node.lineno, top


def test_running_and_training_are_listed_in_order(project):
    assert requirements.main([], project) == 0
    lines = (project / "requirements.txt").read_text().splitlines()
    assert lines[1:] == ["# run", "ant==2", "zebra>=1", "# train", "torch==1"]


def test_check_accepts_what_it_wrote_and_nothing_else(project, capsys):
    assert requirements.main(["--check"], project) == 1
    requirements.main([], project)
    assert requirements.main(["--check"], project) == 0
    (project / "pyproject.toml").write_text(PROJECT.replace("zebra>=1", "zebra>=2"))
    assert requirements.main(["--check"], project) == 1
    said = capsys.readouterr().err
    assert said.count("differs from pyproject.toml; run: python tools/requirements.py") == 2


def test_check_changes_nothing(project):
    requirements.main(["--check"], project)
    assert not (project / "requirements.txt").exists()


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT / "src" / "kontur")))
def test_every_import_is_stated(path):
    """A package that merely happens to be installed would be missing elsewhere."""
    known, allowed = installed(), stated(without=("dev",))
    missing = [(line, top) for line, top in imported(path) if not {normal(name) for name in known[top]} & allowed]
    assert missing == []


def test_every_dependency_is_explained():
    page = (ROOT / "docs" / "dependencies.md").read_text()
    assert [name for name in sorted(stated()) if not re.search(rf"\b{name}\b", page, re.IGNORECASE)] == []


def test_the_page_says_what_is_in_all_extras():
    table = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    names = re.search(r"kontur\[([^\]]+)\]", table["all"][0])[1].split(",")
    line = next(
        line for line in (ROOT / "docs" / "dependencies.md").read_text().splitlines() if "`kontur[all]`" in line
    )
    assert re.findall(r"`([a-z]+)`", line) == names


def test_torch_is_pinned_to_what_make_installs():
    assert "torch==2.13.0" in (ROOT / "requirements.txt").read_text()


def test_torchvision_and_timm_are_not_used():
    assert not {"torchvision", "timm", "ultralytics"} & {top for path in SOURCES for _, top in imported(path)}


def test_the_version_is_stated_once_in_two_places():
    table = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert kontur.__version__ == table["version"]

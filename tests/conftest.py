"""Fixtures that the tests of several areas share."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import settings

from tiny_workspace import make_workspace

settings.register_profile("kontur", deadline=None)  # no test measures time, and CI machines are slow at times
settings.load_profile("kontur")


class Run(NamedTuple):
    """What a command said: exit code, standard output, standard error."""

    code: int
    out: str
    err: str


@pytest.fixture
def run_kontur(monkeypatch, capsys) -> Callable[..., Run]:
    """Run the command line in this process: run_kontur("inspect", path) -> Run."""
    from kontur.cli import main

    def run(*arguments: object) -> Run:
        monkeypatch.setattr(sys, "argv", ["kontur", *map(str, arguments)])
        with pytest.raises(SystemExit) as caught:
            main()
        captured = capsys.readouterr()
        return Run(int(caught.value.code or 0), captured.out, captured.err)

    return run


@pytest.fixture(scope="session")
def finished_workspace(tmp_path_factory) -> Path:
    """The root of a small workspace with a generated data set; shared, so copy it before you change it."""
    return make_workspace(tmp_path_factory.mktemp("finished"))

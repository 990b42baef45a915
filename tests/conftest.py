"""Fixtures that the tests of several areas share."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import settings

from tiny_workspace import make_workspace

settings.register_profile("kontur", deadline=None)  # no test measures time, and CI machines are slow at times
settings.load_profile("kontur")


GOLDEN_MEAN = 1.0
"""Mean difference from a golden picture in grey levels that another processor's rounding may make."""
GOLDEN_SHARE = 0.01
"""Share of pixels that may differ by more than GOLDEN_STEP."""
GOLDEN_STEP = 24


def pytest_addoption(parser):
    parser.addoption("--update-golden", action="store_true", help="Write golden files anew; look at each of them.")


@pytest.fixture(autouse=True)
def no_threads_asked_for(monkeypatch):
    """What an earlier test asked for with --threads, which child processes inherit, is forgotten."""
    monkeypatch.delenv("KONTUR_THREADS", raising=False)


@pytest.fixture
def golden_picture(request, tmp_path) -> Callable[[str, np.ndarray], None]:
    """Compare a picture with golden/NAME.png beside the test; on a difference, leave both and it side by side."""
    from kontur.pictures import read_picture, write_picture

    folder = Path(request.path).parent / "golden"

    def check(name: str, picture: np.ndarray) -> None:
        path = folder / f"{name}.png"
        if request.config.getoption("--update-golden"):
            write_picture(path, picture)
            return
        assert path.is_file(), f"no {path}; make it with --update-golden, look at it, commit it"
        expected = read_picture(path)
        assert picture.shape == expected.shape
        difference = np.abs(picture.astype(int) - expected.astype(int))
        share = (difference.max(axis=2) > GOLDEN_STEP).mean()
        if difference.mean() > GOLDEN_MEAN or share > GOLDEN_SHARE:
            artefact = tmp_path / f"{name}-expected-got-difference.png"
            write_picture(artefact, np.hstack([expected, picture, np.clip(difference * 4, 0, 255).astype(np.uint8)]))
            pytest.fail(
                f"{name}: mean difference {difference.mean():.2f}, {share:.1%} of the pixels by more than {GOLDEN_STEP};"
                f" look at {artefact}; if the change is meant, run with --update-golden"
            )

    return check


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

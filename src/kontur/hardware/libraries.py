"""The catalogue of vision and learning libraries that work on a CPU, from libraries.yaml beside this file."""

from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field

CATALOGUE = Path(__file__).with_name("libraries.yaml")


class Entry(BaseModel):
    """A library of the catalogue; the facts are those of its own documentation, named in `sources`.

    Attributes:
        name: for people.
        distribution: what pip installs; empty where pip does not.
        package: what is imported.
        role: what it is for.
        licence: SPDX.
        wheel_mb: size of the wheel for Linux x86-64 and Python 3.11, MB, without dependencies; None where there is none.
        wheel_version: of that wheel.
        isa: what it needs of the processor, and what it uses.
        threads: how it uses several cores, and how to set their number.
        gil: whether Python's interpreter lock is released while it works.
        choose, avoid: when to take it, and when not.
        sources: addresses of the facts.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    distribution: str
    package: str
    role: str
    licence: str
    wheel_mb: float | None = None
    wheel_version: str = ""
    isa: str
    threads: str
    gil: str
    choose: str
    avoid: str
    sources: tuple[str, ...] = Field(min_length=1)


class _Catalogue(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    looked_up: str
    libraries: tuple[Entry, ...]


@lru_cache(maxsize=1)
def _read() -> _Catalogue:
    return _Catalogue.model_validate(yaml.safe_load(CATALOGUE.read_text(encoding="utf-8")))


def read_catalogue() -> tuple[Entry, ...]:
    """Return the entries, in the order of the file."""
    return _read().libraries


def installed_version(entry: Entry) -> str | None:
    """Return the version that is installed; None where there is none."""
    try:
        return version(entry.distribution) if entry.distribution else None
    except PackageNotFoundError:
        return None


def render_page() -> str:
    """Return docs/libraries.md."""
    catalogue = _read()
    lines = [
        "# Libraries for computer vision and machine learning on a CPU",
        "",
        "<!-- Written by tools/library_page.py from src/kontur/hardware/libraries.yaml; edit that. -->",
        "",
        "What they are for, and when to take something else. The switches of OpenCV, PyTorch, NumPy and oneDNN were looked",
        f"up in the sources named on {catalogue.looked_up}; the other facts are from use, with the source to check them by.",
        "Wheel sizes are those of the file that pip takes on Linux x86-64 with Python 3.11, without dependencies.",
        "`kontur libraries` shows which are installed here, `kontur libraries --measure` times three tasks with each",
        "that can do them, `kontur doctor` says which instruction set each has chosen. Measured rows are in the",
        '[benchmarks](benchmarks.md), section "Libraries".',
        "",
        "| library | role | licence | wheel | choose it | take something else |",
        "|---|---|---|---|---|---|",
    ]
    for entry in catalogue.libraries:
        wheel = "-" if entry.wheel_mb is None else f"{entry.wheel_mb:g} MB ({entry.wheel_version})"
        lines.append(f"| {entry.name} | {entry.role} | {entry.licence} | {wheel} | {entry.choose} | {entry.avoid} |")
    lines += ["", "## Processor, threads, interpreter lock", ""]
    lines += ["| library | processor | threads | interpreter lock | sources |", "|---|---|---|---|---|"]
    for entry in catalogue.libraries:
        sources = ", ".join(f"[{number}]({url})" for number, url in enumerate(entry.sources, 1))
        lines.append(f"| {entry.name} | {entry.isa} | {entry.threads} | {entry.gil} | {sources} |")
    return "\n".join(lines) + "\n"

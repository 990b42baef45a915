"""The catalogue of vision and learning libraries that work on a CPU, from libraries.yaml beside this file."""

from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

CATALOGUE = Path(__file__).with_name("libraries.yaml")

Address = Annotated[str, Field(pattern=r"^https://[^\s|)]+$")]


class _Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Advice(_Frozen):
    """What we would do; `sources` are the addresses of the facts that it rests on, where it rests on any."""

    says: str = Field(min_length=1)
    sources: tuple[Address, ...] = ()


class Fact(_Frozen):
    """Something looked up, with the addresses it was found at; None, with no address, where it could not be found."""

    says: str | None = Field(default=None, min_length=1)
    sources: tuple[Address, ...] = ()

    @model_validator(mode="after")
    def _is_sourced(self) -> Self:
        if (self.says is None) != (not self.sources):
            raise ValueError("a fact needs a source, and an unknown one has none")
        return self


class Wheel(_Frozen):
    """The newest file on PyPI for Python 3.11 on Linux x86-64.

    Attributes:
        mb: its size, MB, without dependencies; None where there is none.
        version: of that file, or of the newest source.
        released: when it was uploaded; empty where that is not known.
        platforms: those that have such a file.
        note: what else to know before installing it.
        sources: the addresses these were found at.
    """

    mb: float | None
    version: str
    released: str = Field(pattern=r"^(\d{4}-\d\d-\d\d)?$")
    platforms: str
    note: str = ""
    sources: tuple[Address, ...] = Field(min_length=1)


class Entry(_Frozen):
    """A library of the catalogue.

    Attributes:
        name: for people.
        kind: the heading it stands under.
        distribution: what pip installs.
        package: what is imported.
        role: what it is for.
        licence: SPDX.
        wheel: its size and platforms.
        processor: what it needs of the processor, and what it uses.
        threads: how it uses several cores, and how to set their number.
        gil: whether Python's interpreter lock is released while it works.
        choose, avoid: when to take it, and when not.
    """

    name: str
    kind: str
    distribution: str
    package: str
    role: Fact
    licence: Fact
    wheel: Wheel
    processor: Fact
    threads: Fact
    gil: Fact
    choose: Advice
    avoid: Advice


class _Catalogue(_Frozen):
    looked_up: str
    libraries: tuple[Entry, ...]


@lru_cache(maxsize=1)
def _read() -> _Catalogue:
    return _Catalogue.model_validate(yaml.safe_load(CATALOGUE.read_text(encoding="utf-8")))


def read_catalogue() -> tuple[Entry, ...]:
    """Return the entries, in the order of the file."""
    return _read().libraries


def looked_up() -> str:
    """Return the day on which the facts were looked up, as YYYY-MM-DD."""
    return _read().looked_up


def installed_version(entry: Entry) -> str | None:
    """Return the version that is installed; None where there is none."""
    try:
        return version(entry.distribution)
    except PackageNotFoundError:
        return None

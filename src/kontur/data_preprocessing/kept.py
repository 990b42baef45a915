"""What is the same in every process and every run: arrays kept in the user's cache folder, which all processes share.

A file is mapped into memory, so that processes read the same pages of it and none waits for what another has made. It is a
pure function of its name and key; the folder may be deleted at any time.
"""

import logging
import os
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kontur.errors import WorkspaceError
from kontur.files import atomic_path

Bytes = NDArray[np.uint8]


def kept_array(name: str, key: str, make: Callable[[], Bytes]) -> Bytes:
    """Return what `make` returns, from the user's cache folder where it was made before with this key.

    Args:
        name: of the file, without its end.
        key: of all that the array depends on, in characters of a file's name.
        make: makes it; the array stays in memory when it cannot be kept.
    """
    folder = _cache_folder()
    if folder is None:
        _tell("the user has no cache folder")
        return make()
    path = folder / key / f"{name}.npy"
    if (found := _opened(path)) is not None:
        return found
    made = make()
    try:
        with atomic_path(path) as temporary, temporary.open("wb") as stream:
            np.save(stream, made)
    except WorkspaceError:
        _tell(f"{folder} cannot be written to")
        return made
    found = _opened(path)
    return made if found is None else found


def _opened(path: Path) -> Bytes | None:
    """Return the array of a file, mapped into memory; None when there is none, or it is damaged.

    What is written to it stays with this process; an array that cannot be written to would be of another kind for the
    kernels, which were then compiled twice.
    """
    try:
        return np.asarray(np.load(path, mmap_mode="c", allow_pickle=False))
    except (OSError, EOFError, ValueError):
        return None


def _cache_folder() -> Path | None:
    """Return kontur's folder among those that systems have for what can be made again; None for a user without a home."""
    try:
        if sys.platform == "win32":
            return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "kontur" / "Cache"
        usual = Path.home() / ("Library/Caches" if sys.platform == "darwin" else ".cache")
        return Path(os.environ.get("XDG_CACHE_HOME") or usual) / "kontur"
    except RuntimeError:
        return None


@cache
def _tell(text: str) -> None:
    logging.getLogger(__name__).warning("table patterns are made in memory, each time anew: %s", text)

"""Sharing out work among threads: for compiled kernels and libraries that let go of the interpreter's lock."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from itertools import pairwise
from typing import TypeVar

from kontur.hardware.threads import VARIABLE, thread_count

Item = TypeVar("Item")


def in_threads(work: Callable[[Item], object], items: Sequence[Item]) -> None:
    """Call `work` with every item, by as many threads as kontur may use.

    Raises:
        Exception: what `work` raised first.
    """
    count = min(len(items), threads())
    if count <= 1:
        for item in items:
            work(item)
        return
    with ThreadPoolExecutor(count) as pool:
        list(pool.map(work, items))


def pieces(length: int, least: int) -> list[slice]:
    """Return slices of `range(length)` that share it out among all threads, none much shorter than `least`."""
    count = max(1, min(threads(), length // max(1, least)))
    bounds = [length * k // count for k in range(count + 1)]
    return [slice(*pair) for pair in pairwise(bounds)]


def threads() -> int:
    """Return how many threads kontur may use."""
    return _threads(os.environ.get(VARIABLE, ""))


@lru_cache(maxsize=8)
def _threads(_asked: str) -> int:
    return thread_count()

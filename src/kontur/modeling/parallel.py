"""Sharing out work among threads: for compiled kernels and libraries that let go of the interpreter's lock."""

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from functools import lru_cache
from itertools import pairwise
from typing import TypeVar

from kontur.hardware.threads import VARIABLE, thread_count

Item = TypeVar("Item")


_thread = threading.local()


def work_alone() -> None:
    """Let the calling thread share out nothing from now on: as many threads as there may be work beside it already."""
    _thread.alone = True


def in_threads(work: Callable[[Item], object], items: Sequence[Item]) -> None:
    """Call `work` with every item, by as many threads as kontur may use.

    The caller is one of them. It waits for no helper that has not begun, so `work` may share out its own work in turn, and
    callers that find all helpers busy do theirs alone.

    Raises:
        Exception: what `work` raised first.
    """
    todo = iter(items)
    count = min(len(items), threads()) - 1
    helpers = [_helpers(count).submit(_work_off, work, todo) for _ in range(count)]
    try:
        _work_off(work, todo)
    finally:
        _work_off(lambda _: None, todo)  # after an error the others stop
        started = [helper for helper in helpers if not helper.cancel()]
        wait(started)
    for helper in started:
        helper.result()


def _work_off(work: Callable[[Item], object], todo: Iterator[Item]) -> None:
    for item in todo:
        work(item)


@lru_cache(maxsize=8)
def _helpers(count: int) -> ThreadPoolExecutor:
    """Return threads that are kept: starting one takes longer than much of the work that is shared out."""
    return ThreadPoolExecutor(count, thread_name_prefix="kontur-helper")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_helpers.cache_clear)  # a forked process has no threads but one


def pieces(length: int, least: int) -> list[slice]:
    """Return slices of `range(length)` that share it out among all threads, none much shorter than `least`."""
    count = max(1, min(threads(), length // max(1, least)))
    bounds = [length * k // count for k in range(count + 1)]
    return [slice(*pair) for pair in pairwise(bounds)]


def threads() -> int:
    """Return how many threads the calling one may use, itself among them."""
    return 1 if getattr(_thread, "alone", False) else _threads(os.environ.get(VARIABLE, ""))


@lru_cache(maxsize=8)
def _threads(_asked: str) -> int:
    return thread_count()

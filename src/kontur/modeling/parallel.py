"""Sharing out work among threads: for compiled kernels and libraries that let go of the interpreter's lock."""

import os
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache, partial
from itertools import pairwise
from queue import SimpleQueue
from threading import Lock, Thread, local
from typing import TypeVar

from kontur.hardware.threads import VARIABLE, thread_count

Item = TypeVar("Item")


_thread = local()


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
    shares = [_Share(work, todo) for _ in range(min(len(items), threads()) - 1)]
    if shares:
        _crew.help_with(shares)
    try:
        _work_off(work, todo)
    finally:
        if shares:
            _work_off(lambda _: None, todo)  # after an error the others stop
            for share in shares:
                share.close()
    for share in shares:
        if share.fault is not None:
            raise share.fault


def _work_off(work: Callable[[Item], object], todo: Iterator[Item]) -> None:
    for item in todo:
        work(item)


class _Share:
    """What one helper may do of some work; it begins before the caller closes it, or not at all.

    Attributes:
        fault: what `work` raised; None when it raised nothing.
    """

    def __init__(self, work: Callable[[Item], object], todo: Iterator[Item]) -> None:
        self.fault: BaseException | None = None
        self._todo = partial(_work_off, work, todo)
        self._begun, self._ended = Lock(), Lock()
        self._ended.acquire()

    def begin(self) -> None:
        """Work, unless that is closed."""
        if self._begun.acquire(blocking=False):
            try:
                self._todo()
            except BaseException as fault:  # noqa: BLE001 (raised again by the caller)
                self.fault = fault
            finally:
                self._ended.release()

    def close(self) -> None:
        """Wait until it is done, if it has begun."""
        if not self._begun.acquire(blocking=False):
            self._ended.acquire()


class _Crew:
    """Helpers: threads that are kept, since starting one takes longer than much of the work that is shared out."""

    def __init__(self) -> None:
        self.disband()

    def disband(self) -> None:
        """Begin without helpers."""
        self._shares: SimpleQueue[_Share] = SimpleQueue()
        self._count, self._lock = 0, Lock()

    def help_with(self, shares: Sequence[_Share]) -> None:
        """Have helpers begin with shares, each by another one."""
        if self._count < len(shares):
            self._grow(len(shares))
        for share in shares:
            self._shares.put(share)

    def _grow(self, count: int) -> None:
        with self._lock:
            for number in range(self._count, count):
                Thread(target=self._help, name=f"kontur-helper-{number}", daemon=True).start()
            self._count = max(self._count, count)

    def _help(self) -> None:
        while True:
            self._shares.get().begin()


_crew = _Crew()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_crew.disband)  # a forked process has no threads but one


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

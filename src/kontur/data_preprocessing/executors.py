"""Where work runs: threads, processes or a cluster, all behind concurrent.futures.Executor."""

import multiprocessing
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from itertools import islice
from typing import Literal, TypeVar

from kontur.errors import DatasetError
from kontur.hardware.threads import available_cpus, limit_inner_threads

ExecutorKind = Literal["threads", "processes"]
_IN_FLIGHT = 3
_BROKEN_POOLS = 20

Task = TypeVar("Task")
Result = TypeVar("Result")


@contextmanager
def open_executor(kind: ExecutorKind, workers: int) -> Iterator[Executor]:
    """Yield an executor of this kind; pending work is cancelled when the block ends early."""
    if kind == "threads":
        executor: Executor = ThreadPoolExecutor(workers)
    elif kind == "processes":
        context = multiprocessing.get_context("spawn")
        executor = ProcessPoolExecutor(workers, mp_context=context, initializer=limit_inner_threads)
    else:
        raise DatasetError(f"executor {kind!r}: expected threads or processes")
    try:
        yield executor
    finally:
        executor.shutdown(wait=True, cancel_futures=True)


def worker_count(workers: int) -> int:
    """Return `workers`, or the usable CPUs when it is 0."""
    return workers if workers > 0 else available_cpus()


def run_all(
    kind: ExecutorKind,
    workers: int,
    function: Callable[[Task], Result],
    pending: Callable[[], Iterable[Task]],
    on_result: Callable[[Result], None],
) -> None:
    """Run `function` over every pending task; a few per worker are in flight at a time.

    When a worker is killed, the pool is made anew and `pending` is asked again for what is still to do.

    Raises:
        DatasetError: workers keep dying.
    """
    for _ in range(_BROKEN_POOLS):
        try:
            with open_executor(kind, workers) as executor:
                _drain(executor, workers, function, iter(pending()), on_result)
            return
        except BrokenProcessPool:
            continue
    raise DatasetError(f"worker processes died {_BROKEN_POOLS} times; is there enough memory? try fewer --workers")


def _drain(
    executor: Executor,
    workers: int,
    function: Callable[[Task], Result],
    tasks: Iterator[Task],
    on_result: Callable[[Result], None],
) -> None:
    flying: set[Future[Result]] = {executor.submit(function, task) for task in islice(tasks, workers * _IN_FLIGHT)}
    while flying:
        done, flying = wait(flying, return_when=FIRST_COMPLETED)
        for future in done:
            on_result(future.result())
            flying |= {executor.submit(function, task) for task in islice(tasks, 1)}

"""Where work runs: threads, processes, a Dask cluster or an asyncio loop, all through concurrent.futures.Executor."""

import asyncio
import multiprocessing
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Literal, TypeVar

from kontur.errors import DatasetError
from kontur.hardware.threads import available_cpus, limit_inner_threads

ExecutorKind = Literal["threads", "processes", "dask", "asyncio"]
_IN_FLIGHT = 3
_BROKEN_POOLS = 20

Task = TypeVar("Task")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Crew:
    """Who does the work.

    Attributes:
        kind: threads; processes; dask: a cluster, by default an embedded one of processes; asyncio: an event loop that
            drives a pool of processes.
        workers: how many at a time; 0 means one for each usable CPU.
        scheduler: address of a running Dask scheduler, "tcp://host:port"; None starts an embedded cluster.
    """

    kind: ExecutorKind = "processes"
    workers: int = 0
    scheduler: str | None = None

    @property
    def size(self) -> int:
        """Workers at a time."""
        return self.workers if self.workers > 0 else available_cpus()


@contextmanager
def open_executor(crew: Crew) -> Iterator[Executor]:
    """Yield an executor; pending work is cancelled when the block ends early.

    Raises:
        DatasetError: Dask is not installed, or its scheduler does not answer.
    """
    if crew.kind == "dask":
        with _dask_executor(crew) as executor:
            yield executor
        return
    if crew.kind == "threads":
        pool: Executor = ThreadPoolExecutor(crew.size)
    else:
        spawn = multiprocessing.get_context("spawn")
        pool = ProcessPoolExecutor(crew.size, mp_context=spawn, initializer=limit_inner_threads)
    try:
        yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def _dask_executor(crew: Crew) -> Iterator[Executor]:
    try:
        from distributed import Client, LocalCluster
    except ImportError as error:
        raise DatasetError("executor dask: Dask is not installed; run `pip install kontur[dask]`") from error
    if crew.scheduler is None:
        with (
            LocalCluster(n_workers=crew.size, threads_per_worker=1, dashboard_address=None) as cluster,
            Client(cluster) as client,
            client.get_executor(pure=False) as executor,
        ):
            client.run(limit_inner_threads)
            yield executor
        return
    try:
        client = Client(crew.scheduler, timeout=10)
    except OSError as error:
        raise DatasetError(
            f"scheduler {crew.scheduler}: no answer ({error}); start one with `dask scheduler`"
        ) from error
    with client, client.get_executor(pure=False) as executor:
        client.run(limit_inner_threads)
        yield executor


def run_all(
    crew: Crew,
    function: Callable[[Task], Result],
    pending: Callable[[], Iterable[Task]],
    on_result: Callable[[Result], None],
) -> None:
    """Run `function` over every pending task; a few per worker are in flight at a time, so memory does not grow.

    When a worker process is killed, the pool is made anew and `pending` is asked again for what is still to do.

    Raises:
        DatasetError: workers keep dying.
    """
    for _ in range(_BROKEN_POOLS):
        try:
            _run_once(crew, function, pending, on_result)
            return
        except BrokenProcessPool:
            continue
    raise DatasetError(f"worker processes died {_BROKEN_POOLS} times; is there enough memory? try fewer --workers")


def _run_once(
    crew: Crew,
    function: Callable[[Task], Result],
    pending: Callable[[], Iterable[Task]],
    on_result: Callable[[Result], None],
) -> None:
    with open_executor(crew) as executor:
        if crew.kind == "asyncio":
            asyncio.run(_drain_async(executor, crew.size, function, iter(pending()), on_result))
        else:
            _drain(executor, crew.size, function, iter(pending()), on_result)


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


async def _drain_async(
    executor: Executor,
    workers: int,
    function: Callable[[Task], Result],
    tasks: Iterator[Task],
    on_result: Callable[[Result], None],
) -> None:
    async for result in _results(executor, workers, function, tasks):
        on_result(result)


async def _results(
    executor: Executor, workers: int, function: Callable[[Task], Result], tasks: Iterator[Task]
) -> AsyncIterator[Result]:
    """Yield results as they come, from a bounded number of tasks in flight."""
    loop = asyncio.get_running_loop()
    flying = {loop.run_in_executor(executor, function, task) for task in islice(tasks, workers * _IN_FLIGHT)}
    while flying:
        done, rest = await asyncio.wait(flying, return_when=asyncio.FIRST_COMPLETED)
        flying = set(rest)
        for future in done:
            yield future.result()
            flying |= {loop.run_in_executor(executor, function, task) for task in islice(tasks, 1)}

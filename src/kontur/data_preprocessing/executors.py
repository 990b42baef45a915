"""Where work runs: threads, processes, a Dask cluster or an asyncio loop, all through concurrent.futures.Executor."""

import asyncio
import multiprocessing
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    Executor,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
    wait,
)
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import Any, Generic, Literal, TypeVar
from uuid import uuid4

from kontur.errors import DatasetError
from kontur.hardware.threads import BLAS_VARIABLE, LIBRARY_VARIABLES, available_cpus, limit_inner_threads, use_threads

ExecutorKind = Literal["threads", "processes", "dask", "asyncio"]
_IN_FLIGHT = 3
"""Tasks for each worker that are handed out at a time."""
_BREAKS_MAX = 5
"""Times in a row that workers may die before a single task is done."""
_THREADS_MOST = 2
"""Workers that are threads unless something else is asked for."""
_EMBEDDED = {
    "distributed.nanny.pre-spawn-environ": dict.fromkeys((*LIBRARY_VARIABLES, BLAS_VARIABLE), 1),
    "distributed.worker.profile.enabled": False,
}
"""For an embedded cluster. Dask would have its workers give the memory of every picture back to the system, which costs as
much as a fifth of drawing it, and would look where they are a hundred times a second."""

Task = TypeVar("Task")
Product = TypeVar("Product")


@dataclass(frozen=True)
class Errand(Generic[Task, Product]):
    """Work in two steps; a task is done when its product is stored.

    Attributes:
        make: computes, in a worker, and changes nothing.
        store: writes; returns how much is done now. In the worker too, except with asyncio: there the event loop's
            threads write what the pool has made, so that slow storage holds no worker up.
        name: tells it from others that a cluster's workers may have.
    """

    make: Callable[[Task], Product]
    store: Callable[[Product], int]
    name: str = field(default_factory=lambda: uuid4().hex)

    def __call__(self, task: Task) -> int:
        """Make and store."""
        return self.store(self.make(task))


_errands: dict[str, Errand[Any, Any]] = {}
"""In a process of a pool or of a cluster: what it was hired for, by name."""


@dataclass(frozen=True)
class Crew:
    """Who does the work.

    Attributes:
        kind: threads; processes; dask: a cluster, by default an embedded one of processes; asyncio: an event loop that
            writes what a pool of processes makes.
        workers: how many at a time; 0 means one for each usable CPU, or all of a running cluster.
        scheduler: address of a running Dask scheduler, "tcp://host:port"; None starts an embedded cluster.
    """

    kind: ExecutorKind = "processes"
    workers: int = 0
    scheduler: str | None = None

    @property
    def size(self) -> int:
        """Workers at a time on this machine."""
        return self.workers if self.workers > 0 else available_cpus()


def usual_kind(workers: int) -> ExecutorKind:
    """Return where `workers` (0: one for each usable CPU) work when nobody says.

    A few threads share kernels, templates and patterns, and so the caches of the cores; many would wait for each other.
    """
    return "threads" if Crew("threads", workers).size <= _THREADS_MOST else "processes"


@contextmanager
def open_executor(crew: Crew, errand: Errand[Any, Any] | None = None) -> Iterator[tuple[Executor, int]]:
    """Yield an executor and its number of workers; pending work is cancelled when the block ends early.

    Args:
        crew: who does the work.
        errand: what `_make` and `_run` do in the processes of a pool or cluster, which get it once: a job is larger than a
            task.

    Raises:
        BrokenExecutor: a worker died and its task was lost.
        DatasetError: Dask is not installed, or its scheduler does not answer.
    """
    if crew.kind == "dask":
        with _dask_client(crew, errand) as client, client.get_executor(pure=False) as executor:
            yield executor, crew.workers or len(client.scheduler_info(n_workers=-1)["workers"]) or 1
        return
    if crew.kind == "threads":
        limit_inner_threads()
        pool: Executor = ThreadPoolExecutor(crew.size)
    else:
        spawn = multiprocessing.get_context("spawn")
        pool = ProcessPoolExecutor(crew.size, mp_context=spawn, initializer=_hire, initargs=(errand,))
    try:
        yield pool, crew.size
    finally:
        _end(pool)
        if crew.kind == "threads":
            use_threads()


def _hire(errand: Errand[Any, Any] | None) -> None:
    """Begin as a process of a pool or of a cluster."""
    limit_inner_threads()
    if errand:
        _errands[errand.name] = errand


def _make(name: str, task: Any) -> Any:
    """Make a task's product, in a process that was hired for the errand of this name."""
    return _errands[name].make(task)


def _run(name: str, task: Any) -> Any:
    """Make and store a task's product, in a process that was hired for the errand of this name."""
    return _errands[name](task)


def _end(pool: Executor) -> None:
    """Cancel what is pending, and see to it that no worker stays.

    When a worker dies while a pending task is cancelled, the pool's own thread fails on that task (Python before 3.12.1,
    InvalidStateError) and leaves the other workers waiting for ever; this process would then never end.
    """
    workers = list((getattr(pool, "_processes", None) or {}).values())  # has a public name from Python 3.14 on
    pool.shutdown(wait=True, cancel_futures=True)
    for worker in workers:
        if worker.is_alive():
            worker.terminate()
            worker.join()


@contextmanager
def _dask_client(crew: Crew, errand: Errand[Any, Any] | None) -> Iterator[Any]:
    """A client of the crew's cluster, whose workers, also those started later, are hired for the errand."""
    try:
        from dask import config
        from distributed import Client, KilledWorker, LocalCluster, WorkerPlugin
    except ImportError as error:
        raise DatasetError("executor dask: Dask is not installed; run `pip install kontur[dask]`") from error

    class Hiring(WorkerPlugin):
        name = f"kontur-{errand.name if errand else uuid4().hex}"

        def setup(self, worker: Any) -> None:  # noqa: ARG002 (Dask's interface)
            """Hire a Dask worker that starts."""
            _hire(errand)

    with config.set(_EMBEDDED):
        cluster: Any = crew.scheduler or LocalCluster(n_workers=crew.size, threads_per_worker=1, dashboard_address=None)
    try:
        with Client(cluster, timeout=10) as client:
            client.register_plugin(Hiring())
            yield client
            client.unregister_worker_plugin(Hiring.name)
    except KilledWorker as error:
        raise BrokenExecutor(str(error)) from error
    except OSError as error:
        raise DatasetError(
            f"scheduler {crew.scheduler}: no answer ({error}); start one with `dask scheduler`"
        ) from error
    finally:
        if not crew.scheduler:
            cluster.close()


def run_all(
    crew: Crew, errand: Errand[Task, Any], pending: Callable[[], Iterable[Task]], on_done: Callable[[int], None]
) -> None:
    """Run an errand over every pending task; a few per worker are in flight at a time, so memory does not grow.

    When a worker is killed, its task is done again: Dask does so by itself; for a pool, a new one is made and `pending`
    is asked again for what is still to do. `on_done` gets what `store` returned, in this thread.

    Raises:
        DatasetError: workers keep dying.
    """
    breaks = 0

    def count(done: int) -> None:
        """Report progress; workers that die again count from here."""
        nonlocal breaks
        breaks = 0
        on_done(done)

    while breaks < _BREAKS_MAX:
        try:
            _run_once(crew, errand, pending, count)
            return
        except BrokenExecutor:
            breaks += 1
    raise DatasetError(f"workers died {breaks} times in a row; is there enough memory? try fewer --workers")


def _run_once(
    crew: Crew, errand: Errand[Task, Any], pending: Callable[[], Iterable[Task]], on_done: Callable[[int], None]
) -> None:
    with open_executor(crew, errand) as (executor, workers):
        most = workers * _IN_FLIGHT
        if crew.kind == "asyncio":
            asyncio.run(_drain_async(executor, most, errand, iter(pending()), on_done))
        else:
            run = errand if crew.kind == "threads" else partial(_run, errand.name)
            _drain(executor, most, run, iter(pending()), on_done)


def _drain(
    executor: Executor, most: int, run: Callable[[Task], int], tasks: Iterator[Task], on_done: Callable[[int], None]
) -> None:
    flying: set[Future[int]] = {executor.submit(run, task) for task in islice(tasks, most)}
    while flying:
        done, flying = wait(flying, return_when=FIRST_COMPLETED)
        for future in done:
            on_done(future.result())
            flying |= {executor.submit(run, task) for task in islice(tasks, 1)}


async def _drain_async(
    executor: Executor, most: int, errand: Errand[Task, Any], tasks: Iterator[Task], on_done: Callable[[int], None]
) -> None:
    loop = asyncio.get_running_loop()

    async def run(task: Task) -> int:
        """Make a task's product in the pool, then store it from a thread."""
        product = await loop.run_in_executor(executor, _make, errand.name, task)
        return await asyncio.to_thread(errand.store, product)

    flying = {asyncio.create_task(run(task)) for task in islice(tasks, most)}
    while flying:
        done, rest = await asyncio.wait(flying, return_when=asyncio.FIRST_COMPLETED)
        flying = set(rest)
        for finished in done:
            on_done(finished.result())
            flying |= {asyncio.create_task(run(task)) for task in islice(tasks, 1)}

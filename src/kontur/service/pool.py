"""Worker processes behind a bounded queue: what is beyond it is refused at once, and a dead worker is replaced.

The front process stays an event loop; each slot is one worker process and one task that takes waiting jobs, a few at a
time, sends them down the worker's pipe and awaits the answers. A reload starts new processes beside the old ones and
swaps each between two batches, so no request is lost; when the new model does not load, the old one stays.
"""

import asyncio
import contextlib
import logging
import multiprocessing
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

from kontur.errors import ModelError, ServiceError
from kontur.service.jobs import Answer, Job
from kontur.service.worker import WorkerSpec, work

LOG = logging.getLogger("kontur.service")
START_SECONDS = 120.0
"""A worker that is not ready by then is given up."""
_GRACE_SECONDS = 5.0
"""A worker may exceed a job's deadline by this before it is killed."""
_RESPAWN_PAUSE_SECONDS = 0.5


class OverloadedError(ServiceError):
    """The queue is full, or the service is stopping."""


class WorkerLostError(ServiceError):
    """The worker died with the job in it."""


class TooLateError(ServiceError):
    """No answer within the deadline."""


@dataclass(eq=False)
class _Waiting:
    job: Job
    deadline: float
    answer: "asyncio.Future[Answer]"


@dataclass(eq=False)
class _Worker:
    """One worker process and this end of its pipe."""

    process: BaseProcess
    pipe: Connection
    model: dict[str, Any]

    def ask(self, jobs: list[Job]) -> list[Answer]:
        """Send jobs and wait for their answers; EOFError when the worker dies meanwhile."""
        self.pipe.send(jobs)
        return self.pipe.recv()

    def stop(self) -> None:
        """Let the worker end by itself, and kill it when it does not."""
        with contextlib.suppress(OSError):
            self.pipe.send(None)
        self.process.join(_GRACE_SECONDS)
        self.kill()

    def kill(self) -> None:
        """End the worker now."""
        self.process.kill()
        self.process.join()
        self.pipe.close()


@dataclass(eq=False)
class _Slot:
    worker: _Worker
    busy: asyncio.Lock = field(default_factory=asyncio.Lock)


class WorkerPool:
    """Processes that answer jobs.

    Attributes:
        model: description of what is loaded, from the newest worker.
        restarts: workers replaced after a death.
    """

    def __init__(self, spec: WorkerSpec, count: int, queue: int, batch: int, deadline_s: float) -> None:
        """Prepare; `start` starts the processes.

        Args:
            spec: what each worker is started with.
            count: processes.
            queue: jobs that may wait.
            batch: jobs that a worker takes at once at most.
            deadline_s: time for a job, waiting included.
        """
        self._spec, self._count, self._batch, self._deadline_s = spec, count, batch, deadline_s
        self._queue: asyncio.Queue[_Waiting] = asyncio.Queue(queue)
        self._threads = ThreadPoolExecutor(2 * count + 1, "worker-pipe")
        self._slots: list[_Slot] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._reloading = asyncio.Lock()
        self._stopping = False
        self.model: dict[str, Any] = {}
        self.restarts = 0

    @property
    def waiting(self) -> int:
        """Jobs in the queue."""
        return self._queue.qsize()

    @property
    def full(self) -> bool:
        """Whether the next job would be refused."""
        return self._stopping or self._queue.full()

    @property
    def alive(self) -> int:
        """Workers that run."""
        return sum(slot.worker.process.is_alive() for slot in self._slots)

    async def start(self) -> None:
        """Start the workers and wait until each has loaded the model.

        Raises:
            ModelError: one could not.
        """
        workers = await asyncio.gather(*(self._spawned() for _ in range(self._count)), return_exceptions=True)
        failed = [worker for worker in workers if isinstance(worker, BaseException)]
        if failed:
            for worker in workers:
                if isinstance(worker, _Worker):
                    worker.kill()
            raise failed[0]
        self._slots = [_Slot(worker) for worker in workers if isinstance(worker, _Worker)]
        self.model = self._slots[0].worker.model
        self._tasks = [asyncio.create_task(task(slot)) for slot in self._slots for task in (self._serve, self._watch)]

    async def submit(self, job: Job) -> Answer:
        """Have a job done.

        Raises:
            OverloadedError, TooLateError, WorkerLostError: it was not.
        """
        if self.full:
            raise OverloadedError
        waiting = _Waiting(job, time.monotonic() + self._deadline_s, asyncio.get_running_loop().create_future())
        self._queue.put_nowait(waiting)
        try:
            return await asyncio.wait_for(waiting.answer, self._deadline_s)
        except TimeoutError:
            raise TooLateError from None

    async def reload(self) -> dict[str, Any]:
        """Replace every worker by one that loads the model anew; returns the new description.

        Raises:
            ModelError: the new model does not load; the old workers stay.
        """
        async with self._reloading:
            for slot in self._slots:
                fresh = await self._spawned()
                async with slot.busy:
                    slot.worker, old = fresh, slot.worker
                self.model = fresh.model
                await self._in_thread(old.stop)
            return self.model

    async def stop(self) -> None:
        """Finish what waits, then stop the workers; new jobs are refused."""
        self._stopping = True
        while not self._queue.empty() or any(slot.busy.locked() for slot in self._slots):
            await asyncio.sleep(0.02)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(self._in_thread(slot.worker.stop) for slot in self._slots))
        self._threads.shutdown(wait=False)

    async def _serve(self, slot: _Slot) -> None:
        """Answer jobs with the slot's worker, for ever."""
        while True:
            first = await self._queue.get()
            async with slot.busy:
                batch = [first]
                while len(batch) < self._batch and not self._queue.empty() and self.waiting >= self._count:
                    batch.append(self._queue.get_nowait())
                await self._answer(slot, [w for w in batch if not w.answer.done() and w.deadline > time.monotonic()])

    async def _answer(self, slot: _Slot, batch: list[_Waiting]) -> None:
        if not batch:
            return
        patience = max(waiting.deadline for waiting in batch) - time.monotonic() + _GRACE_SECONDS
        try:
            answers = await asyncio.wait_for(self._in_thread(slot.worker.ask, [w.job for w in batch]), patience)
        except (TimeoutError, EOFError, OSError) as error:
            LOG.error("worker lost", extra={"pid": slot.worker.process.pid, "requests": len(batch), "why": repr(error)})
            for waiting in batch:
                if not waiting.answer.done():
                    waiting.answer.set_exception(WorkerLostError())
            slot.worker.process.kill()  # the watcher replaces it
            await self._replace(slot)
            return
        for waiting, answer in zip(batch, answers, strict=True):
            if not waiting.answer.done():
                waiting.answer.set_result(answer)

    async def _watch(self, slot: _Slot) -> None:
        """Replace the slot's worker when it dies between two jobs."""
        while True:
            await asyncio.sleep(_RESPAWN_PAUSE_SECONDS)
            if slot.busy.locked() or slot.worker.process.is_alive():
                continue
            async with slot.busy:
                if not slot.worker.process.is_alive():
                    await self._replace(slot)

    async def _replace(self, slot: _Slot) -> None:
        """Put a new worker into a slot, trying until one starts."""
        old = slot.worker
        while True:
            self.restarts += 1
            try:
                slot.worker = await self._spawned()
                break
            except ModelError as error:
                LOG.error("worker does not start", extra={"why": str(error)})
                await asyncio.sleep(_RESPAWN_PAUSE_SECONDS)
        await self._in_thread(old.kill)
        LOG.warning(
            "worker replaced",
            extra={"old": old.process.pid, "exit_code": old.process.exitcode, "new": slot.worker.process.pid},
        )

    async def _spawned(self) -> _Worker:
        return await self._in_thread(_spawn, self._spec)

    async def _in_thread(self, function: Callable[..., Any], *args: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._threads, function, *args)


def _spawn(spec: WorkerSpec) -> _Worker:
    """Start a worker and wait until it is ready."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=work, args=(theirs, spec), daemon=True)
    process.start()
    theirs.close()
    worker = _Worker(process, ours, {})
    try:
        if not ours.poll(START_SECONDS):
            raise ModelError(f"a worker was not ready within {START_SECONDS:g} s; is the machine overloaded?")
        state, content = ours.recv()
    except (EOFError, ModelError) as error:
        worker.kill()
        raise (
            error if isinstance(error, ModelError) else ModelError("a worker died while it loaded the model")
        ) from error
    if state != "ready":
        worker.kill()
        raise ModelError(content)
    worker.model = content
    return worker

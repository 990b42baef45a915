"""Workers that die, hang and are replaced; queues that are full. Each test runs real processes."""

import asyncio
import os
import signal

import pytest
from served import bar_picture, png

from kontur.errors import ModelError
from kontur.service.jobs import DetectJob
from kontur.service.pool import OverloadedError, TooLateError, WorkerLostError, WorkerPool
from kontur.service.worker import WorkerSpec

JOB = DetectJob("p.png", png(bar_picture()[0]))


def pool_of(root, queue=8, deadline_s=60.0, engine="match"):
    return WorkerPool(WorkerSpec(root, engine, None, 1, 5, 32), 1, queue, 4, deadline_s)


def run(test, root, **settings):
    """Run an async test with a started pool."""

    async def whole():
        pool = pool_of(root, **settings)
        await pool.start()
        try:
            await test(pool)
        finally:
            await pool.stop()

    asyncio.run(whole())


def worker_pid(pool):
    return pool._slots[0].worker.process.pid


def test_workers_give_way_to_the_process_that_answers(served_root):
    async def check(pool):
        assert os.getpriority(os.PRIO_PROCESS, worker_pid(pool)) == min(19, os.getpriority(os.PRIO_PROCESS, 0) + 5)

    run(check, served_root)


def test_many_jobs_at_once_are_all_answered(served_root):
    async def test(pool):
        answers = await asyncio.gather(*(pool.submit(JOB) for _ in range(6)))
        assert all(answer.document == answers[0].document for answer in answers)
        assert answers[0].document["detections"]

    run(test, served_root)


def test_what_is_beyond_the_queue_is_refused_at_once(served_root):
    async def test(pool):
        os.kill(worker_pid(pool), signal.SIGSTOP)
        first = [asyncio.create_task(pool.submit(JOB)) for _ in range(1)]
        await asyncio.sleep(0.1)
        waiting = [asyncio.create_task(pool.submit(JOB)) for _ in range(2)]
        await asyncio.sleep(0.1)
        assert pool.full
        with pytest.raises(OverloadedError):
            await pool.submit(JOB)
        os.kill(worker_pid(pool), signal.SIGCONT)
        answers = await asyncio.gather(*first, *waiting)
        assert all(answer.document for answer in answers)

    run(test, served_root, queue=2)


def test_a_killed_worker_loses_only_its_jobs_and_is_replaced(served_root):
    async def test(pool):
        pid = worker_pid(pool)
        os.kill(pid, signal.SIGSTOP)
        lost = asyncio.create_task(pool.submit(JOB))
        await asyncio.sleep(0.2)
        waiting = asyncio.create_task(pool.submit(JOB))
        await asyncio.sleep(0.1)
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(WorkerLostError):
            await lost
        assert (await waiting).document
        assert worker_pid(pool) != pid
        assert pool.restarts == 1

    run(test, served_root)


def test_a_worker_that_dies_idle_is_replaced(served_root):
    async def test(pool):
        pid = worker_pid(pool)
        os.kill(pid, signal.SIGKILL)
        async with asyncio.timeout(60):
            while pool.alive == 0 or worker_pid(pool) == pid:
                await asyncio.sleep(0.05)
        assert (await pool.submit(JOB)).document

    run(test, served_root)


def test_no_answer_within_the_deadline_is_said(served_root):
    async def test(pool):
        os.kill(worker_pid(pool), signal.SIGSTOP)
        with pytest.raises(TooLateError):
            await pool.submit(JOB)
        os.kill(worker_pid(pool), signal.SIGCONT)

    run(test, served_root, deadline_s=0.3)


def test_reload_loses_no_job(served_root):
    async def test(pool):
        before = worker_pid(pool)
        jobs = [asyncio.create_task(pool.submit(JOB)) for _ in range(6)]
        model = await pool.reload()
        assert all(answer.document for answer in await asyncio.gather(*jobs))
        assert worker_pid(pool) != before
        assert model["engine"] == "match"

    run(test, served_root)


def test_a_model_that_does_not_load_leaves_the_old_one(served_root, tmp_path):
    async def test(pool):
        pid = worker_pid(pool)
        pool._spec = WorkerSpec(tmp_path, "match", None, 1, 5, 32)
        with pytest.raises(ModelError, match="not a workspace"):
            await pool.reload()
        assert worker_pid(pool) == pid
        assert (await pool.submit(JOB)).document

    run(test, served_root)


def test_a_service_without_a_model_says_what_to_do(served_root):
    with pytest.raises(ModelError, match="kontur train"):
        asyncio.run(pool_of(served_root, engine="network").start())


def test_stopping_finishes_what_waits(served_root):
    async def whole():
        pool = pool_of(served_root)
        await pool.start()
        jobs = [asyncio.create_task(pool.submit(JOB)) for _ in range(4)]
        await asyncio.sleep(0.01)
        await pool.stop()
        assert all(answer.document for answer in await asyncio.gather(*jobs))
        with pytest.raises(OverloadedError):
            await pool.submit(JOB)

    asyncio.run(whole())

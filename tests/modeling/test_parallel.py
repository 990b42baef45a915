import os
import threading

import pytest

from kontur.modeling.parallel import in_threads, pieces, threads, work_alone


@pytest.mark.parametrize("asked", ["1", "2"])
def test_every_item_is_worked_on_once(monkeypatch, asked):
    monkeypatch.setenv("KONTUR_THREADS", asked)
    done, lock = [], threading.Lock()

    def work(item):
        with lock:
            done.append(item)

    in_threads(work, list(range(37)))
    assert sorted(done) == list(range(37))
    in_threads(work, [])
    assert len(done) == 37


def test_an_error_in_a_thread_is_raised(monkeypatch):
    monkeypatch.setenv("KONTUR_THREADS", "2")
    with pytest.raises(ZeroDivisionError):
        in_threads(lambda item: 1 / item, [1, 0, 2])


def test_one_thread_works_in_the_caller(monkeypatch):
    monkeypatch.setenv("KONTUR_THREADS", "1")
    seen = set()
    in_threads(lambda _: seen.add(threading.get_ident()), [1, 2, 3])
    assert seen == {threading.get_ident()}


def test_the_callers_own_error_is_raised_when_the_helpers_are_done(monkeypatch):
    monkeypatch.setenv("KONTUR_THREADS", "2")
    both, ended = threading.Barrier(2), []
    caller = threading.get_ident()

    def work(_):
        both.wait(10)
        if threading.get_ident() == caller:
            raise KeyError("mine")
        ended.append(True)

    with pytest.raises(KeyError, match="mine"):
        in_threads(work, [0, 1])
    assert ended == [True]


def test_shared_work_may_share_out_its_own(monkeypatch):
    """Many callers, each within another one's work, with fewer threads than callers: nobody waits for ever."""
    monkeypatch.setenv("KONTUR_THREADS", "2")
    done, lock = [], threading.Lock()

    def inner(item):
        with lock:
            done.append(item)

    def outer(first):
        in_threads(inner, [first, first + 1, first + 2])

    callers = [threading.Thread(target=in_threads, args=(outer, [0, 3, 6]), daemon=True) for _ in range(8)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join(30)
    assert not any(caller.is_alive() for caller in callers)
    assert sorted(done) == sorted(list(range(9)) * 8)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork processes")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_process_has_helpers_of_its_own(monkeypatch):
    monkeypatch.setenv("KONTUR_THREADS", "2")
    in_threads(lambda _: None, [1, 2])
    child = os.fork()
    if child == 0:
        met = threading.Barrier(2)
        threading.Timer(20, os._exit, (3,)).start()  # should it wait for ever
        in_threads(lambda _: met.wait(10), [1, 2])
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.mark.parametrize(("length", "least"), [(0, 5), (1, 5), (9, 5), (100, 5), (101, 1)])
def test_pieces_cover_the_range_once(length, least):
    covered = [index for piece in pieces(length, least) for index in range(length)[piece]]
    assert covered == list(range(length))
    assert 1 <= len(pieces(length, least)) <= threads()


def test_a_thread_that_works_alone_shares_out_nothing(monkeypatch):
    monkeypatch.setenv("KONTUR_THREADS", "2")
    seen, shares = set(), []

    def work():
        work_alone()
        in_threads(lambda _: seen.add(threading.get_ident()), list(range(20)))
        shares.append((threads(), pieces(100, 1)))

    worker = threading.Thread(target=work)
    worker.start()
    worker.join()
    assert seen == {worker.ident}
    assert shares == [(1, [slice(0, 100)])]
    assert threads() == min(2, len(os.sched_getaffinity(0)))

import threading

import pytest

from kontur.modeling.parallel import in_threads, pieces, threads


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


@pytest.mark.parametrize(("length", "least"), [(0, 5), (1, 5), (9, 5), (100, 5), (101, 1)])
def test_pieces_cover_the_range_once(length, least):
    covered = [index for piece in pieces(length, least) for index in range(length)[piece]]
    assert covered == list(range(length))
    assert 1 <= len(pieces(length, least)) <= threads()

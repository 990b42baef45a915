"""Order, bounds, faults and overlap of the pipeline's threads."""

import threading

import numpy as np
import pytest
from modeling_scenes import bracket, washer

from kontur.geometry import PixelPose
from kontur.modeling import parallel
from kontur.modeling.detections import from_poses
from kontur.modeling.pipeline import detect_in, newest, ordered_map
from kontur.sources import Frame, Source

PARTS = (bracket(), washer())


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("count", [0, 1, 2, 50])
def test_results_come_in_order(workers, count):
    assert list(ordered_map(lambda n: n * n, range(count), workers)) == [n * n for n in range(count)]


def test_never_more_than_the_bound_is_in_work():
    """The items drawn less the results taken stay within workers + depth, and the one that is being drawn."""
    drawn = 0

    def items():
        nonlocal drawn
        for number in range(100):
            drawn = number + 1
            yield number

    for taken, _ in enumerate(ordered_map(lambda n: n, items(), 2, depth=3), 1):
        assert drawn - taken <= 2 + 3 + 1


def test_workers_do_work_side_by_side():
    """Each of two items waits for the other: in one thread this would never end."""
    meeting = threading.Barrier(2, timeout=20)
    assert sorted(ordered_map(lambda n: meeting.wait() * 0 + n, range(2), 2)) == [0, 1]


def test_two_stages_work_side_by_side():
    meeting = threading.Barrier(2, timeout=20)

    def first(n):
        if n == 1:
            meeting.wait()
        return n

    def second(n):
        if n == 0:
            meeting.wait()
        return n

    assert list(ordered_map(second, ordered_map(first, range(4), 1), 1)) == [0, 1, 2, 3]


@pytest.mark.parametrize("where", ["function", "items"])
def test_what_is_raised_is_raised_after_the_results_before_it(where):
    def items():
        yield from (1, 2)
        if where == "items":
            raise KeyError("three")
        yield 3

    def function(n):
        if n == 3:
            raise KeyError("three")
        return n

    got = []
    with pytest.raises(KeyError, match="three"):
        for item in ordered_map(function, items(), 1, depth=0):
            got.append(item)
    assert got == [1, 2] or (where == "items" and got == [1])


def test_no_thread_stays_behind_when_the_results_are_not_all_taken():
    before = threading.active_count()
    results = ordered_map(lambda n: n, range(1000), 2)
    assert next(results) == 0
    results.close()
    assert threading.active_count() == before


def test_of_a_live_source_the_newest_items_are_taken():
    """While the taker is busy with the first item, all others come: only the last two of them are left."""
    go, gone = threading.Event(), threading.Event()

    def items():
        yield 0
        go.wait(20)
        yield from range(1, 100)
        gone.set()

    taken = newest(items(), depth=2)
    assert next(taken) == 0
    go.set()
    assert gone.wait(20)
    assert list(taken) == [98, 99]


def test_a_live_source_that_fails_fails_after_what_came_before():
    def items():
        yield 1
        raise OSError("unplugged")

    taken = newest(items())
    assert next(taken) == 1
    with pytest.raises(OSError, match="unplugged"):
        next(taken)


class Brightness:
    """A detector that finds one part, at (mean grey, 0)."""

    parts = PARTS

    def detect(self, picture):
        size_wh = (picture.shape[1], picture.shape[0])
        return from_poses(size_wh, [0], [0.5], [PixelPose(float(picture.mean()), 0.0, 0.0, 1.0)])


class Listed(Source):
    """A source of given frames."""

    def __iter__(self):
        return iter(self.paths)


def test_any_detector_runs_over_any_source():
    frames = [Frame(f"{n}.png", np.full((40, 60, 3), n, np.uint8)) for n in range(9)]
    frames[4] = Frame("4.png", None, fault="4.png: broken")
    found = list(detect_in(Brightness(), Listed(paths=tuple(frames))))
    assert [item.frame.name for item in found] == [f"{n}.png" for n in range(9)]
    assert found[4].detections is None
    assert [item.detections.uv[0, 0] for item in found if item.detections] == [0, 1, 2, 3, 5, 6, 7, 8]


@pytest.mark.parametrize(("frames", "threads_each"), [(1, 3), (2, 1), (5, 1), (None, 1)])
def test_one_picture_has_all_threads_of_several_each_has_one(monkeypatch, frames, threads_each):
    monkeypatch.setattr("kontur.modeling.pipeline.thread_count", lambda: 3)
    monkeypatch.setattr("kontur.modeling.parallel.thread_count", lambda: 3)
    parallel._threads.cache_clear()
    seen = []

    class Counting(Brightness):
        def detect(self, picture):
            seen.append(parallel.threads())
            return super().detect(picture)

    shown = tuple(Frame(f"{n}.png", np.zeros((40, 60, 3), np.uint8)) for n in range(frames or 4))
    assert len(list(detect_in(Counting(), Listed(paths=shown, frames=frames)))) == len(shown)
    parallel._threads.cache_clear()
    assert set(seen) == {threads_each}

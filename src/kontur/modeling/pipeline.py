"""Decoding and detecting overlap, in threads: while one picture is read, others are in the network or being decided on.

OpenCV, the runtimes and the compiled kernels release the interpreter lock, so that threads do run side by side; each has a
picture of its own, which takes less of the processor than sharing one. Results come in the order of the pictures. At most
`DEPTH` pictures wait, so memory does not grow with their number.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Condition, Thread
from typing import Generic, NamedTuple, TypeVar

from kontur.hardware.threads import thread_count
from kontur.modeling.detections import Detections, Detector
from kontur.modeling.inference import NetworkDetector
from kontur.modeling.parallel import work_alone
from kontur.modeling.shape_matching import ShapeMatcher
from kontur.modeling.tiles import TiledDetector, largest_part_px
from kontur.sources import Frame, Source

DEPTH = 2

In = TypeVar("In")
Out = TypeVar("Out")


class Found(NamedTuple):
    """A frame, and what was found in it; None where there was no picture."""

    frame: Frame
    detections: Detections | None


def detect_in(detector: Detector, source: Source) -> Iterator[Found]:
    """Run a detector over a source; yields in the order of the frames. Large pictures are seen in tiles.

    A live source is never waited for: frames that came while all threads were busy are left out.
    """
    frames = newest(source) if source.live else iter(source)
    tiled = tiled_detector(detector)

    def seen(frame: Frame) -> Found:
        """Detect in a frame."""
        return Found(frame, None if frame.picture is None else tiled.detect(frame.picture))

    workers = thread_count() if source.frames is None else max(1, min(thread_count(), source.frames))
    return ordered_map(seen, frames, workers)


def ordered_map(function: Callable[[In], Out], items: Iterable[In], workers: int, depth: int = DEPTH) -> Iterator[Out]:
    """Apply a function in `workers` threads; yields results in the order of the items, at most workers + depth in work.

    The items are drawn in a thread of their own. What `function` or `items` raises is raised here, and then all stops.
    """
    waiting: deque[Future[Out]] = deque()
    begin = work_alone if workers > 1 else None
    with ThreadPoolExecutor(1) as reader, ThreadPoolExecutor(workers, initializer=begin) as pool:
        try:
            for item in _drawn(reader, iter(items)):
                waiting.append(pool.submit(function, item))
                yield from _results(waiting, workers + depth)
            yield from _results(waiting, 1)
        finally:
            _cancel(waiting)


def _drawn(reader: ThreadPoolExecutor, items: Iterator[In]) -> Iterator[In]:
    """Yield items; the next one is drawn while the present one is worked on."""
    end = object()
    coming = reader.submit(next, items, end)
    while (item := coming.result()) is not end:
        coming = reader.submit(next, items, end)
        yield item  # type: ignore[misc]


def _results(waiting: deque[Future[Out]], limit: int) -> Iterator[Out]:
    """Yield the oldest results until fewer than `limit` wait."""
    while len(waiting) >= limit:
        yield waiting.popleft().result()


def _cancel(waiting: deque[Future[Out]]) -> None:
    for future in waiting:
        future.cancel()


def newest(items: Iterable[In], depth: int = DEPTH) -> Iterator[In]:
    """Draw items in a thread of their own and yield the latest; the oldest are dropped when more than `depth` wait.

    What drawing an item raises is raised here, after the items that came before.
    """
    box: _Mailbox[In] = _Mailbox(depth)
    Thread(target=box.fill, args=(items,), daemon=True).start()
    try:
        while (item := box.take()) is not None:
            yield item
    finally:
        box.closed = True


class _Mailbox(Generic[In]):
    """Holds the newest items of a thread that never waits.

    Attributes:
        closed: set when nobody takes any more.
    """

    def __init__(self, depth: int) -> None:
        self.closed = False
        self._waiting: deque[In] = deque(maxlen=depth)
        self._ended = False
        self._fault: Exception | None = None
        self._state = Condition()

    def fill(self, items: Iterable[In]) -> None:
        """Put items in until they end or the box is closed."""
        try:
            for item in items:
                self._put(item)
                if self.closed:
                    break
        except Exception as error:  # noqa: BLE001 (raised again where the items are taken)
            self._fault = error
        with self._state:
            self._ended = True
            self._state.notify()

    def _put(self, item: In) -> None:
        with self._state:
            self._waiting.append(item)
            self._state.notify()

    def take(self) -> In | None:
        """Return the oldest item that is still there, waiting for it; None at the end."""
        with self._state:
            self._state.wait_for(lambda: self._waiting or self._ended)
            if self._waiting:
                return self._waiting.popleft()
        if self._fault is not None:
            raise self._fault
        return None


def tiled_detector(detector: Detector) -> TiledDetector:
    """Return a detector that sees large pictures in tiles that suit its largest part at its finest scale."""
    finest = 1.0
    if isinstance(detector, NetworkDetector):
        finest = detector.px_per_mm[1]
    elif isinstance(detector, ShapeMatcher):
        finest = float(max(detector.scales))
    return TiledDetector(detector, largest_part_px(detector.parts, 1 / finest))

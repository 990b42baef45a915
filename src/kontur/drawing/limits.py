"""Bounds on time and size while a drawing is read."""

from dataclasses import dataclass, field
from time import thread_time

from kontur.errors import DrawingError

MAX_POINTS = 4_000_000
_BYTES_PER_BYTE, _BYTES_PER_ENTITY = 12, 3_000
"""What ezdxf and the strands take for each byte of the file and for each entity, measured on large drawings."""


@dataclass
class Limits:
    """Counts what a file costs and stops it with a clear error.

    Attributes:
        name: the file, for the message.
        max_seconds: of computing, from construction on; time that other programs take from the processor does not count.
        max_entities: with blocks counted as often as they are inserted.
        max_memory_mb: that the reading may take, as far as it can be foreseen.
    """

    name: str
    max_seconds: float
    max_entities: int
    max_memory_mb: float = 2048
    _start: float = field(default_factory=thread_time)
    _points: int = 0

    def check_time(self) -> None:
        """Raise DrawingError when the time is used up."""
        if thread_time() - self._start > self.max_seconds:
            raise DrawingError(
                f"{self.name}: not read within {self.max_seconds:g} s; simplify the drawing or raise drawings.max_seconds"
            )

    def check_entities(self, count: int) -> None:
        """Raise DrawingError when a drawing would explode to more than `max_entities`."""
        if count > self.max_entities:
            raise DrawingError(
                f"{self.name}: {count} entities once its blocks are inserted, more than {self.max_entities}; "
                "simplify the drawing or raise drawings.max_entities"
            )

    def check_memory(self, size: int, count: int) -> None:
        """Raise DrawingError when a file of `size` bytes and `count` entities needs more memory than allowed."""
        megabytes = (size * _BYTES_PER_BYTE + count * _BYTES_PER_ENTITY) / 2**20
        if megabytes > self.max_memory_mb:
            raise DrawingError(
                f"{self.name}: needs about {megabytes:.0f} MB of memory, more than {self.max_memory_mb:g}; split the "
                "drawing or raise drawings.max_memory_mb"
            )

    def check_points(self, more: int) -> None:
        """Count `more` points; raise DrawingError when they are too many, or the time is used up."""
        before, self._points = self._points, self._points + more
        if self._points > MAX_POINTS:
            raise DrawingError(
                f"{self.name}: its curves need more than {MAX_POINTS} points; simplify the drawing or set a larger "
                "drawings.sagitta_mm"
            )
        if self._points >> 14 != before >> 14:
            self.check_time()

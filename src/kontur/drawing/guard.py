"""Reading in a process of its own, with hard limits of memory and time that the operating system enforces.

The checks inside the reader give a clear error early and cost nothing; but a geometry library that is deep in one call
cannot be stopped from inside. `guarded_reader` reads file after file in one child. A child that a limit has killed costs
its file, and the next file gets a new one. The limit of time is one of computing; a child that waits instead, for a
disk that does not answer, is killed after a multiple of it.
"""

import pickle
import signal
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Timer
from time import monotonic
from typing import Any, BinaryIO

from kontur.drawing.model import Drawing
from kontur.drawing.rules import DrawingRules
from kontur.errors import DrawingError

Reader = Callable[[Path, DrawingRules], Drawing]

_LENGTH = struct.Struct("<Q")
_SERVE = "from kontur.drawing.guard import serve; serve()"
_SPARE_SECONDS = 2
_STARTING_SECONDS, _PATIENCE = 60, 10
"""By the clock on the wall a child may take this long to start, and so many times `max_seconds`: on a busy machine it gets
a fraction of a processor."""
_PIPES_CLOSED = (BrokenPipeError, EOFError, OSError)


@contextmanager
def guarded_reader() -> Iterator[Reader]:
    """Give a function like `read_drawing` that reads in a child process; the child ends with the block.

    The function raises DrawingError also for a file on which the child died.
    """
    child: list[subprocess.Popen[bytes]] = []

    def read(path: Path, rules: DrawingRules) -> Drawing:
        """Read one drawing in the child process, started anew where it was ended."""
        if not child:
            child.append(_start())
        patience = Timer(_longest_wait(rules), child[0].kill)
        patience.daemon = True
        patience.start()
        start = monotonic()
        try:
            _send(_pipe(child[0].stdin), (path, rules))
            answer = _receive(_pipe(child[0].stdout))
        except _PIPES_CLOSED:
            raise DrawingError(_cause_of_death(child.pop(), path, rules, monotonic() - start)) from None
        finally:
            patience.cancel()
        if isinstance(answer, str):
            raise DrawingError(answer)
        return answer

    try:
        yield read
    finally:
        for process in child:
            process.kill()
            process.communicate()


def serve() -> None:
    """Answer requests on standard input until it ends (what runs in the child)."""
    from kontur.drawing.read import read_drawing

    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    sys.stdout = sys.stderr
    limited = False
    with suppress(EOFError):
        while True:
            path, rules = _receive(requests)
            limited = limited or _limit_memory(rules.max_memory_mb)
            _limit_seconds(rules.max_seconds + _SPARE_SECONDS)
            try:
                answer: Drawing | str = read_drawing(path, rules)
            except DrawingError as error:
                answer = str(error)
            _send(answers, answer)


def _start() -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-P", "-c", _SERVE]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)


def _cause_of_death(process: "subprocess.Popen[bytes]", path: Path, rules: DrawingRules, waited_s: float) -> str:
    process.communicate()
    if waited_s >= _longest_wait(rules):
        return f"{path}: no answer within {_longest_wait(rules):g} s; check the disk that it lies on"
    if process.returncode == -signal.SIGXCPU:
        return f"{path}: not read within {rules.max_seconds:g} s; simplify the drawing or raise drawings.max_seconds"
    reason = f"needs more than {rules.max_memory_mb:g} MB, or breaks a library (exit status {process.returncode})"
    return f"{path}: {reason}; simplify the drawing or raise drawings.max_memory_mb"


def _longest_wait(rules: DrawingRules) -> float:
    return _STARTING_SECONDS + _PATIENCE * rules.max_seconds


def _limit_memory(megabytes: float) -> bool:
    """Let the process grow by this much from here on; where the system cannot, the checks in the reader remain."""
    with suppress(ImportError, OSError, ValueError):
        import resource

        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        most = pages * resource.getpagesize() + int(megabytes * 2**20)
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
    return True


def _limit_seconds(seconds: float) -> None:
    """Let the process compute this much longer."""
    with suppress(ImportError, OSError, ValueError):
        import resource

        used = resource.getrusage(resource.RUSAGE_SELF)
        _, hard = resource.getrlimit(resource.RLIMIT_CPU)
        resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime + seconds) + 1, hard))


def _pipe(stream: Any) -> BinaryIO:
    if stream is None:
        raise EOFError
    return stream


def _send(stream: BinaryIO, message: object) -> None:
    data = pickle.dumps(message)
    stream.write(_LENGTH.pack(len(data)) + data)
    stream.flush()


def _receive(stream: BinaryIO) -> Any:
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        raise EOFError
    (length,) = _LENGTH.unpack(head)
    data = stream.read(length)
    if len(data) < length:
        raise EOFError
    return pickle.loads(data)  # between kontur and its own child

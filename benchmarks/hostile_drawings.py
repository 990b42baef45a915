"""What hostile drawings cost: `python benchmarks/hostile_drawings.py [--megabytes 100]`.

Each is read as `kontur inspect` reads, in a child process with the default limits of 60 s and 2 GiB. The table says what the
reader answered, the child's CPU time, and its greatest size.
"""

import argparse
import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import ezdxf

sys.path.insert(0, str(Path(__file__).resolve().parent))
from publish import markdown_table, publish

LINE = b"0\nLINE\n8\n0\n10\n%d.5\n20\n%d.25\n11\n%d.5\n21\n%d.75\n"


def bomb(path: Path, _size: int) -> None:
    """A circle in a grid of 1000 by 1000, which stands in a grid of 1000 by 1000."""
    document = ezdxf.new("R2000", units=4)
    document.blocks.new("B0").add_circle((0, 0), 1)
    grid = {"column_count": 1000, "row_count": 1000, "column_spacing": 3, "row_spacing": 3}
    document.blocks.new("B1").add_blockref("B0", (0, 0), grid)
    document.modelspace().add_blockref("B1", (0, 0), grid)
    document.saveas(path)


def garbage(path: Path, size: int) -> None:
    """Random bytes."""
    path.write_bytes(os.urandom(size))


def garbage_with_a_head(path: Path, size: int) -> None:
    """Random bytes after the first lines of a drawing."""
    path.write_bytes(b"0\nSECTION\n2\nENTITIES\n" + os.urandom(size))


def numbers(path: Path, size: int) -> None:
    """Lines of numbers without an entity among them."""
    path.write_bytes(b"0\nSECTION\n2\nENTITIES\n" + b"10\n1.5\n" * (size // 7))


def many_lines(path: Path, size: int) -> None:
    """A good drawing of as many lines as fit into the size."""
    rows = (LINE % (k % 1000, k // 1000, k % 1000 + 1, k // 1000) for k in range(size // 46))
    path.write_bytes(b"0\nSECTION\n2\nENTITIES\n" + b"".join(rows) + b"0\nENDSEC\n0\nEOF\n")


def crossing_lines(path: Path, _size: int) -> None:
    """3000 lines that all cross each other: millions of crossings in a file of 150 kB."""
    document = ezdxf.new("R2000", units=4)
    for k in range(3000):
        document.modelspace().add_line((k, 0), (2999 - k + 0.1 * (k % 7), 3000))
    document.saveas(path)


def not_finite(path: Path, _size: int) -> None:
    """A square, and lines to nowhere."""
    document = ezdxf.new("R2000", units=4)
    document.modelspace().add_lwpolyline([(0, 0), (40, 0), (40, 40), (0, 40)], close=True)
    for value in (float("nan"), float("inf"), 1e308):
        document.modelspace().add_line((0, 0), (value, 1))
    document.saveas(path)


def far_away(path: Path, _size: int) -> None:
    """A square at coordinates of 1e9."""
    document = ezdxf.new("R2000", units=4)
    corners = [(1e9, 1e9), (1e9 + 40, 1e9), (1e9 + 40, 1e9 + 40), (1e9, 1e9 + 40)]
    document.modelspace().add_lwpolyline(corners, close=True)
    document.saveas(path)


CASES: tuple[Callable[[Path, int], None], ...] = (
    bomb, garbage, garbage_with_a_head, numbers, many_lines, crossing_lines, not_finite, far_away,
)  # fmt: skip


def measure(path: Path) -> tuple[str, float, float]:
    """Return the answer, CPU seconds and MiB of reading one file; in a fork, so that each case has its own accounts."""
    receiver, sender = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(sender, json.dumps(_answer(path)).encode())
        os._exit(0)
    os.close(sender)
    os.waitpid(child, 0)
    with os.fdopen(receiver) as stream:
        said, seconds, memory = json.load(stream)
    return said, seconds, memory


def _answer(path: Path) -> tuple[str, float, float]:
    from kontur.drawing import DrawingRules
    from kontur.drawing.guard import guarded_reader
    from kontur.errors import DrawingError

    with guarded_reader() as read:
        try:
            drawing = read(path, DrawingRules())
            said = f"{len(drawing.parts)} parts; " + ", ".join(issue.code for issue in drawing.issues)
        except DrawingError as error:
            said = str(error).replace(f"{path.parent}/", "")
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return said[:300], usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def main() -> int:
    """Make each file, read it, print and publish."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=100)
    arguments = parser.parse_args()
    rows = []
    for case in CASES:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"{case.__name__}.dxf"
            case(path, arguments.megabytes << 20)
            size, start = path.stat().st_size / 2**20, time.monotonic()
            said, seconds, memory = measure(path)
            rows.append((case.__doc__ or "", f"{size:.1f}", f"{seconds:.1f}", f"{memory:.0f}", said))
            print(case.__name__, f"{time.monotonic() - start:.1f} s", said, file=sys.stderr)
    columns = ("drawing", "size, MiB", "CPU s", "memory, MiB", "answer")
    table = markdown_table(columns, rows)
    print(table)
    command = f"python benchmarks/hostile_drawings.py --megabytes {arguments.megabytes}"
    results = {"cases": [dict(zip(columns, row, strict=True)) for row in rows]}
    publish("hostile_drawings", "Hostile drawings", command, results, table)
    return 0


if __name__ == "__main__":
    sys.exit(main())

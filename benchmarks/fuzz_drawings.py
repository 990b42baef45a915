"""Fuzz the drawing reader with mutations of real files: `python benchmarks/fuzz_drawings.py FOLDER --cpu-minutes 20`.

Each mutant is read in a child process with limits on memory and CPU time. Anything but a Drawing or a DrawingError is a
finding: it is printed with its seed and written to the folder given by --keep.
"""

import argparse
import os
import random
import resource
import sys
import tempfile
import time
import traceback
from pathlib import Path

from kontur.drawing import DrawingRules, read_drawing
from kontur.errors import DrawingError

MEMORY_BYTES = 3 << 30
SECONDS_PER_MUTANT = 70
MAX_SEED_BYTES = 300_000
NASTY = (
    b"nan", b"inf", b"-inf", b"1e308", b"-1e308", b"1e9", b"0", b"-1", b"1", b"2147483647", b"99999999", b"", b"1e-300",
    b"0.0", b"360", b"1,5", b"abc", b"32767", b"65535",
)  # fmt: skip


def mutate(data: bytes, rng: random.Random) -> bytes:
    """Return `data` with one to eight small damages: values, lines, blocks, bytes, or an early end."""
    lines = data.split(b"\n")
    for _ in range(rng.choice((1, 1, 2, 3, 8))):
        at, kind = rng.randrange(len(lines)), rng.randrange(7)
        if kind <= 2:
            lines[at] = rng.choice(NASTY)
        elif kind == 3:
            del lines[at : at + rng.choice((1, 1, 2, 50))]
        elif kind == 4:
            other = rng.randrange(len(lines))
            lines[at:at] = lines[other : other + rng.choice((2, 20, 200))]
        elif kind == 5:
            line = bytearray(lines[at] or b"0")
            line[rng.randrange(len(line))] = rng.randrange(256)
            lines[at] = bytes(line)
        else:
            other = rng.randrange(len(lines))
            lines[at], lines[other] = lines[other], lines[at]
        lines = lines or [b""]
    mutant = b"\n".join(lines)
    return mutant[: rng.randrange(len(mutant) + 1)] if rng.random() < 0.05 else mutant


def read_in_child(data: bytes) -> tuple[int, float, str]:
    """Read one mutant in a fork; return its wait status, CPU seconds and what it printed."""
    with tempfile.TemporaryDirectory() as folder:
        path, log = Path(folder) / "mutant.dxf", Path(folder) / "log"
        path.write_bytes(data)
        child = os.fork()
        if child == 0:
            _child(path, log)
        _, status, usage = os.wait4(child, 0)
        return status, usage.ru_utime + usage.ru_stime, log.read_text() if log.exists() else ""


def _child(path: Path, log: Path) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS_PER_MUTANT, SECONDS_PER_MUTANT))
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    try:
        read_drawing(path, DrawingRules())
    except DrawingError:
        os._exit(0)
    except BaseException:  # noqa: BLE001 (whatever it is, it is what this script looks for)
        log.write_text(traceback.format_exc())
        os._exit(1)
    os._exit(0)


def main() -> int:
    """Run until the CPU time is used up; return 1 when something was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--cpu-minutes", type=float, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, default=None)
    arguments = parser.parse_args()
    seeds = sorted(
        p for p in arguments.folder.rglob("*") if p.suffix.lower() == ".dxf" and p.stat().st_size < MAX_SEED_BYTES
    )
    spent, count, slowest, findings, start = 0.0, 0, 0.0, 0, time.monotonic()
    while spent < arguments.cpu_minutes * 60:
        rng = random.Random(f"{arguments.seed}/{count}")
        source = rng.choice(seeds)
        data = mutate(source.read_bytes(), rng)
        status, seconds, log = read_in_child(data)
        spent, count, slowest = spent + seconds, count + 1, max(slowest, seconds)
        if status != 0 or seconds > SECONDS_PER_MUTANT / 2:
            findings += 1
            print(f"#{count - 1} {source.name}: status {status}, {seconds:.1f} s\n{log[-1500:]}", flush=True)
            if arguments.keep is not None:
                arguments.keep.mkdir(parents=True, exist_ok=True)
                (arguments.keep / f"{arguments.seed}-{count - 1}.dxf").write_bytes(data)
    print(f"{count} mutants, {spent / 60:.1f} CPU minutes, slowest {slowest:.1f} s, {findings} findings, "
          f"{time.monotonic() - start:.0f} s")  # fmt: skip
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())

"""How much the service bears: best rate, latency below it, what it sheds above it, memory, a killed worker, bad uploads.

    python benchmarks/serve.py WORKSPACE [--seconds 20] [--requests 20000]

Starts `kontur serve` for the workspace on loopback and sends it pictures of the test split that hold about ten parts, from a
process of its own.
The detector alone is measured in this process first, so that the service's own share of CPU time is a ratio of one run.
"""

import argparse
import asyncio
import os
import random
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import numpy as np
import psutil
from publish import markdown_table, publish

from kontur.data_preprocessing.dataset import open_dataset
from kontur.hardware.threads import VARIABLE
from kontur.modeling.inference import load_detector
from kontur.pictures import decode_picture
from kontur.workspace import Workspace

NAME = "serve"
CLIENTS = 16
SHARE_OF_BEST = 0.8
OVERLOAD = 3.0
PARTS_WANTED = 10


@dataclass
class Load:
    """What came back from a phase of load."""

    codes: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    wall: float = 0.0

    def rate(self, code: int = 200) -> float:
        """Answers of a status a second."""
        return self.codes.count(code) / self.wall

    def quantile(self, q: float) -> float:
        """Seconds below which q per cent of the good answers came."""
        good = [s for s, code in zip(self.seconds, self.codes, strict=True) if code == 200]
        return float(np.percentile(good, q)) if good else float("nan")


class Client:
    """Sends requests that were made beforehand over connections that stay open, to take little of the CPU it measures."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._open: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    def request(self, data: bytes, name: str = "p.jpg") -> bytes:
        """Return the bytes of an upload."""
        made = httpx.Request("POST", f"http://127.0.0.1:{self._port}/v1/detect", files={"pictures": (name, data)})
        lines = [b"POST /v1/detect HTTP/1.1", *(key + b": " + value for key, value in made.headers.raw)]
        return b"\r\n".join([*lines, b"", made.read()])

    async def send(self, request: bytes, load: Load) -> None:
        """Send one request and note status (0: no answer) and time."""
        started = time.perf_counter()
        try:
            async with asyncio.timeout(60):
                load.codes.append(await self._status(request))
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            load.codes.append(0)
        load.seconds.append(time.perf_counter() - started)

    async def _status(self, request: bytes) -> int:
        reader, writer = await self._connection()
        try:
            writer.write(request)
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            await reader.readexactly(int(head.split(b"content-length: ", 1)[1].split(b"\r", 1)[0]))
        except BaseException:
            writer.close()
            raise
        if b"connection: close" in head:
            writer.close()
        else:
            self._open.append((reader, writer))
        return int(head.split(b" ", 2)[1])

    async def _connection(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        while self._open:
            reader, writer = self._open.pop()
            if not reader.at_eof() and not writer.is_closing():
                return reader, writer
            writer.close()
        return await asyncio.open_connection("127.0.0.1", self._port)

    def close(self) -> None:
        """Close the connections that are open."""
        for _, writer in self._open:
            writer.close()


async def closed_loop(client: Client, pictures: list[bytes], clients: int, seconds: float) -> Load:
    """Clients that send the next picture when the last one is answered."""
    load, end, started = Load(), time.monotonic() + seconds, time.monotonic()

    async def one(seed: int) -> None:
        rng = random.Random(seed)
        while time.monotonic() < end:
            await client.send(rng.choice(pictures), load)

    await asyncio.gather(*(one(seed) for seed in range(clients)))
    load.wall = time.monotonic() - started
    return load


async def open_loop(client: Client, pictures: list[bytes], rate: float, seconds: float) -> Load:
    """Requests at a fixed rate, whether or not the earlier ones are answered."""
    load, rng, tasks = Load(), random.Random(1), []
    started = time.monotonic()
    for k in range(int(rate * seconds)):
        await asyncio.sleep(max(0.0, started + k / rate - time.monotonic()))
        tasks.append(asyncio.create_task(client.send(rng.choice(pictures), load)))
    await asyncio.gather(*tasks)
    load.wall = time.monotonic() - started
    return load


class Served:
    """`kontur serve` as a process of its own."""

    def __init__(self, root: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        command = [sys.executable, "-m", "kontur", "serve", "-C", str(root), "--port", str(self.port)]
        inherited = {name: value for name, value in os.environ.items() if name != VARIABLE}  # that was for `alone`
        self.process = psutil.Popen(command, stderr=subprocess.DEVNULL, env=inherited)
        self.wait()

    def wait(self, most: float = 120.0) -> float:
        """Wait until it answers; returns how long that took."""
        started = time.monotonic()
        while time.monotonic() - started < most:
            try:
                if httpx.get(f"http://127.0.0.1:{self.port}/readyz").status_code == 200:
                    return time.monotonic() - started
            except httpx.HTTPError:
                time.sleep(0.05)
        raise SystemExit("the service does not start")

    def workers(self) -> list[psutil.Process]:
        """The worker processes."""
        alive = [p for p in self.process.children() if p.status() != psutil.STATUS_ZOMBIE]
        return [p for p in alive if "spawn_main" in _command(p)]

    def cpu_seconds(self) -> float:
        """CPU time of the service and its workers."""
        family = [self.process, *self.process.children(recursive=True)]
        return sum(sum(p.cpu_times()[:2]) for p in family)

    def memory_mb(self) -> float:
        """Resident memory of the service and its workers."""
        return sum(p.memory_info().rss for p in [self.process, *self.process.children(recursive=True)]) / 2**20

    def stop(self) -> None:
        """End it as a supervisor would."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)


def _command(process: psutil.Process) -> str:
    """Return its command line; nothing when it has just ended."""
    try:
        return " ".join(process.cmdline())
    except (psutil.ZombieProcess, psutil.NoSuchProcess):
        return ""


def malformed(pictures: list[bytes], count: int) -> list[tuple[str, bytes]]:
    """Uploads that are wrong in one way each."""
    rng, made = random.Random(2), []
    bomb = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\xff\xff\xff\0\xff\xff\xff\x08\0\0\0\0" + b"\0" * 100
    for k in range(count):
        whole = rng.choice(pictures)
        kind = k % 6
        data = (
            whole[: rng.randrange(20)], bomb, rng.randbytes(rng.randrange(1, 5000)), b"GIF89a" + whole[:200],
            b"%PDF-1.7\n" + whole[100:400], whole[: len(whole) // 30],
        )[kind]  # fmt: skip
        made.append((rng.choice(["../../etc/passwd", "a\0b.jpg", "x" * 3000, "<svg onload=1>.png", "p.jpg"]), data))
    return made


def alone(root: Path, pictures: list[bytes], seconds: float) -> tuple[float, float]:
    """CPU seconds and wall seconds for a picture, detector alone: decode and detect, on one thread as in a worker."""
    detector = load_detector(Workspace(root), threads=1)
    for data in pictures[:4]:
        detector.detect(decode_picture(data, "p"))
    cpu, wall, count = time.process_time(), time.perf_counter(), 0
    while time.perf_counter() - wall < seconds:
        detector.detect(decode_picture(pictures[count % len(pictures)], "p"))
        count += 1
    return (time.process_time() - cpu) / count, (time.perf_counter() - wall) / count


async def measure(
    served: Served, pictures: list[bytes], arguments: argparse.Namespace, bare: float
) -> dict[str, object]:
    """All phases, one after the other."""
    client = Client(served.port)
    requests = [client.request(data) for data in pictures]
    await closed_loop(client, requests, 2, 3)
    before = served.cpu_seconds()
    best = await closed_loop(client, requests, CLIENTS, arguments.seconds)
    cpu = (served.cpu_seconds() - before) / max(len(best.codes), 1)
    steady = await open_loop(client, requests, SHARE_OF_BEST * best.rate(), arguments.seconds)
    flood = await open_loop(client, requests, OVERLOAD * best.rate(), arguments.seconds)
    result: dict[str, object] = {
        "best_per_second": best.rate(), "cpu_seconds_per_request": cpu, "cpu_over_bare_detector": cpu / bare,
        "at_80_percent_p50_s": steady.quantile(50), "at_80_percent_p99_s": steady.quantile(99),
        "at_80_percent_refused": len(steady.codes) - steady.codes.count(200),
        "overload_served_share_of_best": flood.rate() / best.rate(),
        "overload_refused_share": flood.codes.count(429) / len(flood.codes),
        "overload_other_codes": sorted(set(flood.codes) - {200, 429}),
    }  # fmt: skip
    memory = served.memory_mb()
    done = 0
    while done < arguments.requests:
        done += len((await closed_loop(client, requests, CLIENTS, min(20, arguments.seconds))).codes)
    result |= {"memory_mb_before": memory, "memory_mb_after": served.memory_mb(), "memory_requests": done}
    result |= await killed(served, client, requests)
    bad = Load()
    for name, data in malformed(pictures, arguments.malformed):
        await client.send(client.request(data, name), bad)
    counts = {str(code): bad.codes.count(code) for code in sorted(set(bad.codes))}
    result |= {"malformed": counts, "workers_after_malformed": len(served.workers())}
    client.close()
    return result


async def killed(served: Served, client: Client, requests: list[bytes]) -> dict[str, object]:
    """Kill a worker under load: how many requests are lost, and how long until all workers run again."""
    count = len(served.workers())
    task = asyncio.create_task(closed_loop(client, requests, 4, 12))
    await asyncio.sleep(2)
    os.kill(served.workers()[0].pid, signal.SIGKILL)
    started = time.monotonic()
    await asyncio.sleep(0.3)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{served.port}") as asking:
        while (
            len(served.workers()) < count
            or f"kontur_workers_alive {count}.0" not in (await asking.get("/metrics")).text
        ):
            await asyncio.sleep(0.05)
    back = time.monotonic() - started
    load = await task
    return {"killed_lost": len(load.codes) - load.codes.count(200), "killed_back_seconds": back}


def pictures_of_ten(space: Workspace, count: int = 20) -> list[bytes]:
    """Return the test pictures whose number of parts is nearest to ten."""
    data = open_dataset(space, "test")
    rows = sorted((abs(len(sample.instances) - PARTS_WANTED), k) for k, sample in enumerate(data))
    return [data.paths(k).image.read_bytes() for _, k in rows[:count]]


def main() -> None:
    """Parse, measure, publish."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workspace", type=Path)
    parser.add_argument("--seconds", type=float, default=20, help="of each phase of load")
    parser.add_argument("--requests", type=int, default=20_000, help="of the memory test")
    parser.add_argument("--malformed", type=int, default=1000, help="bad uploads")
    arguments = parser.parse_args()
    pictures = pictures_of_ten(Workspace(arguments.workspace))
    bare_cpu, bare_wall = alone(arguments.workspace, pictures, arguments.seconds / 2)
    served = Served(arguments.workspace)
    try:
        result = asyncio.run(measure(served, pictures, arguments, bare_cpu))
    finally:
        served.stop()
    result = {"bare_cpu_seconds": bare_cpu, "bare_wall_seconds": bare_wall, **result}
    rows = [(name.replace("_", " "), value) for name, value in result.items()]
    command = f"python benchmarks/serve.py WORKSPACE --seconds {arguments.seconds:g} --requests {arguments.requests}"
    print(publish(NAME, "The service under load", command, result, markdown_table(["measure", "value"], rows)))


if __name__ == "__main__":
    main()

"""What a lap cost: wall time, and the processor time of this process, Postgres, Kafka and whoever else takes part.

Times are seconds. A process that has ended is counted with the one that waited for it.
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from statistics import quantiles
from urllib.parse import urlsplit

import asyncpg
import psutil

from tests.benchmarks.contest import Lap

MIB = 1024 * 1024


@dataclass(frozen=True)
class Meter:
    """The processes whose time is everybody's: process ids by what the report calls them."""

    servers: Mapping[str, int]

    @asynccontextmanager
    async def lap(self, events: int, **others: Sequence[int]) -> AsyncIterator[Lap]:
        """Measure the block; `others` are further processes by name, and their children."""
        lap = Lap(events)
        watched = {"us": [os.getpid()], **{name: [pid] for name, pid in self.servers.items()}, **others}
        before = {name: sum(map(spent, pids)) for name, pids in watched.items()}
        began = time.perf_counter()
        yield lap
        lap.seconds = lap.seconds or time.perf_counter() - began
        lap.cpu = {name: sum(map(spent, pids)) - before[name] for name, pids in watched.items()}


async def metering(database_url: str, kafka: str) -> Meter:
    """Return a meter for the servers at these addresses, as far as they run on this machine."""
    connection = await asyncpg.connect(database_url)
    try:
        backend = await connection.fetchval("SELECT pg_backend_pid()")
        found = {"postgres": _parent(backend)}
    finally:
        await connection.close()
    port = urlsplit(f"//{kafka.split(',', maxsplit=1)[0]}").port
    found["kafka"] = await asyncio.to_thread(_listener, port)
    return Meter({name: pid for name, pid in found.items() if pid is not None})


def spent(pid: int) -> float:
    """Return the processor time of a process and all that it has started; 0 when it is gone.

    Of this process its own alone: the servers and the other programs were started by it, and count as themselves.
    """
    if pid == os.getpid():
        return time.process_time()
    total = 0.0
    for process in _family(pid):
        with suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            total += times.user + times.system + times.children_user + times.children_system
    return total


def resident(pids: Iterable[int]) -> float:
    """Return the memory that processes hold, in MiB; what two of them share is counted twice."""
    return sum(float(psutil.Process(pid).memory_info().rss) for pid in pids) / MIB


def latencies(seconds: Sequence[float]) -> dict[str, float]:
    """Return the figures of a lap's latencies, in milliseconds."""
    cuts = quantiles(seconds, n=100, method="inclusive")
    return {"p50_ms": cuts[49] * 1000, "p99_ms": cuts[98] * 1000, "max_ms": max(seconds) * 1000}


def _family(pid: int) -> list[psutil.Process]:
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _parent(pid: int) -> int | None:
    try:
        process = psutil.Process(pid)
        return int(process.ppid()) if process.name() == "postgres" else None
    except psutil.NoSuchProcess:  # it is on another machine
        return None


def _listener(port: int | None) -> int | None:
    for one in psutil.net_connections(kind="tcp"):
        if one.status == psutil.CONN_LISTEN and one.laddr.port == port and one.pid:
            return int(one.pid)
    return None

"""What a service's process takes in memory, how soon it is ready, and how soon it is back after SIGKILL."""

import asyncio
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import httpx2

from deploy.local.places import SERVICES
from deploy.local.state import State
from tests.benchmarks.bench import Bench
from tests.benchmarks.contest import Contender, Contest, Lap
from tests.benchmarks.goal import Goal
from tests.benchmarks.meter import resident
from tests.benchmarks.program import program
from tests.cell import Cell, cell, eventually
from tests.journeys.shell import begin, end

FLOOR = "imports alone"
PER_SECOND, SECONDS, QUIET = 200, 5, 3.0
BEHIND = PER_SECOND // 2  # events: half a second of the load
TICK = 0.01
LOOK_EVERY = 0.1  # at all services at once: ten times as often it would be most of what two of them do
GOALS = (
    *(Goal("memory", one, "idle_mib", most=80, unit=" MiB") for one in SERVICES),
    *(Goal("memory", one, "busy_mib", most=80, unit=" MiB") for one in SERVICES),
    *(Goal("start", service, "seconds", most=1.5, unit=" s") for service in SERVICES),
    *(Goal("killed", service, "seconds", most=5, unit=" s") for service in SERVICES),
)
IMPORTS = "a process that has imported asyncpg, aiokafka, FastAPI, FastStream, pydantic and uvloop"
MEMORY = f"resident memory of each service's process, nothing switched off, idle and at {PER_SECOND} sales a second"
START = "from the start of the process to the answer of its health check that it takes work"
KILLED = (
    f"under load, from SIGKILL to ready again and nobody further behind than {BEHIND} events; the local runtime, which "
    "looks ten times a second, starts it again; the tills' books were equal at the end"
)
_IMPORT = "import asyncpg, aiokafka, fastapi, faststream.kafka, pydantic, uvicorn, uvloop"
_READY = _IMPORT + "; import sys; print('{}', flush=True); sys.stdin.readline()"


async def measure(bench: Bench) -> None:
    """Play what is chosen."""
    for name, playing in (("memory", _memory), ("start", _start), ("killed", _killed)):
        if bench.chosen(name):
            await playing(bench)


async def _memory(bench: Bench) -> None:
    held = Held(bench)
    contenders = [Contender(FLOOR, IMPORTS, partial(_floor, bench))]
    contenders += [Contender(one, MEMORY, partial(held.lap, one)) for one in SERVICES]
    await bench.play(Contest("life", "memory", "memory of a process, in MiB", contenders, warm=0))


async def _floor(bench: Bench) -> Lap:
    began = time.perf_counter()
    async with program([sys.executable, "-c", _READY], bench.folder / "imports.log") as one:
        seconds = time.perf_counter() - began
        return _measured(idle_mib=resident([one.pid]), seconds=seconds)


class Held:
    """What each service's process holds: one run of all of them serves each for a turn."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._found: dict[str, dict[str, float]] = {}

    async def lap(self, service: str) -> Lap:
        """Return a service's figures that it has not had yet."""
        if service not in self._found:
            await self._run()
        return _measured(**self._found.pop(service))

    async def _run(self) -> None:
        async with cell(self._bench.settings, processes=True) as at_work:
            await at_work.settled()
            await asyncio.sleep(QUIET)
            idle = _by_service(at_work)
            async with _selling(self._bench):
                await asyncio.sleep(SECONDS)
                busy = _by_service(at_work)
        self._found = {one: {"idle_mib": idle[one], "busy_mib": busy[one]} for one in SERVICES}


def _by_service(at_work: Cell) -> dict[str, float]:
    assert at_work.home
    processes = State.read(at_work.home).processes
    return {service: resident([processes[service]]) for service in SERVICES}


async def _start(bench: Bench) -> None:
    async with cell(bench.settings, processes=True) as at_work:
        await at_work.settled()  # from here on every consumer has its place
    contenders = [Contender(FLOOR, IMPORTS, partial(_floor, bench))]
    contenders += [Contender(one, START, partial(_started, bench, one)) for one in SERVICES]
    await bench.play(Contest("life", "start", "from nothing to ready", contenders))


async def _started(bench: Bench, service: str) -> Lap:
    settings = bench.settings
    began = time.perf_counter()
    process = await begin(settings, "serve", service)
    try:
        async with httpx2.AsyncClient(base_url=settings.address(service), trust_env=False) as client:
            await eventually(partial(_is_ready, client), tick=TICK)
        return _measured(seconds=time.perf_counter() - began)
    finally:
        process.terminate()
        await end(process)


async def _killed(bench: Bench) -> None:
    async with cell(bench.settings, processes=True) as at_work, _selling(bench):
        contenders = [Contender(one, KILLED, partial(_back, at_work, one)) for one in SERVICES]
        await bench.play(Contest("life", "killed", "from SIGKILL to caught up", contenders, warm=0))


async def _back(at_work: Cell, service: str) -> Lap:
    began = time.perf_counter()
    await at_work.kill(service)
    await eventually(partial(_has_caught_up, at_work), tick=LOOK_EVERY)
    return _measured(seconds=time.perf_counter() - began)


async def _is_ready(client: httpx2.AsyncClient) -> bool:
    try:
        return (await client.get("/health/ready")).status_code == 200
    except httpx2.TransportError:
        return False


async def _has_caught_up(at_work: Cell) -> bool:
    for service in at_work.services:
        client = at_work.client(service)
        try:
            if not await _is_ready(client) or _behind((await client.get("/v1/status")).json()) >= BEHIND:
                return False
        except httpx2.TransportError:
            return False
    return True


def _behind(told: dict[str, Any]) -> int:
    lags = [one["lag_events"] for one in told["consumers"]]
    if None in lags:  # not known before its consumer has joined its group
        return BEHIND
    return max(int(one or 0) for one in (told["feed"]["unrelayed"], told["views"]["behind"], *lags))


@asynccontextmanager
async def _selling(bench: Bench) -> AsyncIterator[None]:
    """Let the simulated tills of twelve branches sell while the block lasts, and compare their books at the end."""
    words = ("--for", "ever", f"--sales-per-second={PER_SECOND}", "--customers=2000")
    selling = await begin(bench.settings, "simulate", *words, f"--journals={bench.folder / 'journals'}")
    try:
        await asyncio.sleep(QUIET)
        yield
    finally:
        selling.send_signal(signal.SIGINT)
        sold = await end(selling)
    if sold.status:
        raise RuntimeError(f"the tills' books differ: {sold.text[-400:]}")


def _measured(seconds: float = 0.0, **values: float) -> Lap:
    told = values | ({"seconds": seconds} if seconds else {})
    return Lap(0, seconds, expected=(0,), found=(0,), values=told)

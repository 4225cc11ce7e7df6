"""Services of a test's cell at work: in this process, or as processes under the local runtime. Times are seconds."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import httpx2

from branchline import catalogue
from deploy.local.places import SERVICES
from deploy.local.run import Run
from deploy.local.state import State
from shared.migrations import PARTITIONS, provision
from shared.parts import serving
from shared.running import Running
from shared.settings import Settings
from shared.tokens import Tokens
from shared.topics import ensure

TICK = 0.05
DEADLINE = 60.0


@dataclass
class Cell:
    """What runs. `running` has the services of this process; `home` is the data folder of those that are processes."""

    settings: Settings
    services: tuple[str, ...]
    running: dict[str, Running] = field(default_factory=dict)
    home: Path | None = None
    _clients: dict[tuple[str, ...], httpx2.AsyncClient] = field(default_factory=dict)

    def client(
        self, service: str, role: str = "headquarters", *, branch: str | None = None, subject: str | None = None
    ) -> httpx2.AsyncClient:
        """Return a client of the service with such a token; it is closed with the cell."""
        who = (service, role, branch or "", subject or "")
        if who not in self._clients:
            token = Tokens(self.settings).sign(role, branch=branch, subject=subject)
            self._clients[who] = httpx2.AsyncClient(
                base_url=self.settings.address(service),
                headers={"authorization": f"Bearer {token}"},
                timeout=DEADLINE,
                trust_env=False,
            )
        return self._clients[who]

    async def kill(self, service: str) -> None:
        """End a service's process with SIGKILL; the runtime starts it again. Returns when that process is gone."""
        assert self.home is not None, "only a process can be killed"
        pid = State.read(self.home).processes[service]
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        home = self.home

        async def is_another() -> bool:
            return State.read(home).processes.get(service) not in (pid, None)

        await eventually(is_another)

    async def settled(self, within: float = DEADLINE) -> None:
        """Wait until nothing is under way: at two looks all was sent, heard and shown, with no event between."""
        before: list[int] | None = None

        async def are_quiet() -> bool:
            nonlocal before
            try:
                answers = await asyncio.gather(*(self.client(name).get("/v1/status") for name in self.services))
                told = [answer.json() for answer in answers]
            except httpx2.TransportError:  # one of them is being started again
                before = None
                return False
            numbers = [one["feed"]["number"] for one in told]
            was, before = before, numbers if all(_is_quiet(one) for one in told) else None
            return was is not None and was == before

        await eventually(are_quiet, within)

    async def close(self) -> None:
        """Close the clients."""
        for client in self._clients.values():
            await client.aclose()


@asynccontextmanager
async def cell(
    settings: Settings, services: Sequence[str] = SERVICES, *, processes: bool = False
) -> AsyncIterator[Cell]:
    """Yield the services at work, each ready, and stop them at the end."""
    made = Cell(settings, tuple(services))
    async with AsyncExitStack() as stack:
        if processes:
            made.home = settings.keys.parent / "run"
            run = Run(made.home, made.services, leashed=True, given=environment(settings))
            stack.callback(run.stop)
            await asyncio.to_thread(run.start)
        else:
            await migrate(settings, made.services)
            for name in services:
                at_work = serving(catalogue.service(name), settings, start_from="beginning")
                made.running[name] = await stack.enter_async_context(at_work)
        stack.push_async_callback(made.close)
        for name in services:
            await eventually(partial(_is_ready, made.client(name)))
        yield made


async def migrate(settings: Settings, services: Sequence[str]) -> None:
    """Make the tables and topics of the services."""
    for name in services:
        await provision(settings, name, catalogue.migrations(name))
        if catalogue.service(name).says:
            await ensure(settings, settings.topic(name), PARTITIONS)


def environment(settings: Settings) -> dict[str, str]:
    """Return the settings as the environment that gives them."""
    return {
        "BRANCHLINE_CELL": settings.cell,
        "BRANCHLINE_DATABASE_URL": settings.database_url,
        "BRANCHLINE_KAFKA": settings.kafka,
        "BRANCHLINE_KEYS": str(settings.keys),
        "BRANCHLINE_HOST": settings.host,
        "BRANCHLINE_PEERS": settings.peers,
        "BRANCHLINE_PORTS": str(settings.ports),
        "BRANCHLINE_LOG": settings.log_level,
    }


async def eventually(is_so: Callable[[], Awaitable[bool]], within: float = DEADLINE, *, tick: float = TICK) -> None:
    """Wait until `is_so`; raise TimeoutError when it is not in time."""
    deadline = time.monotonic() + within
    while True:
        if await is_so():
            return
        if time.monotonic() > deadline:
            raise TimeoutError(f"not so within {within:g} s")
        await asyncio.sleep(tick)


async def _is_ready(client: httpx2.AsyncClient) -> bool:
    try:
        return (await client.get("/health/ready")).status_code == 200
    except httpx2.TransportError:
        return False


def _is_quiet(told: dict[str, Any]) -> bool:
    consumers = told["consumers"]
    return (
        told["feed"]["unrelayed"] == 0
        and not told["views"]["behind"]
        and not told["timers"]["overdue"]
        and all(one["lag_events"] == 0 or one["halted"] for one in consumers)
    )

"""What a row of benchmarks is given: servers, settings of a cell of its own, a meter, and where its contests go."""

import os
import platform
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from pathlib import Path
from subprocess import run

import asyncpg

from deploy.local.places import CHECKOUT, LOCAL
from shared.settings import Settings
from tests.benchmarks import kept
from tests.benchmarks.contest import Contest, Played, play
from tests.benchmarks.meter import Meter, metering
from tests.servers import Servers, new_cell

LOGS = LOCAL / "bench" / "logs"
PACKAGES = ("asyncpg", "aiokafka", "faststream", "pydantic", "orjson", "uvloop")


@dataclass
class Bench:
    """One row at work. `chosen` says which of its contests are wanted.

    `laps` and `large` stand for the usual number of laps, and of events in a large store.
    """

    settings: Settings
    folder: Path
    meter: Meter
    versions: dict[str, str]
    chosen: Callable[[str], bool] = lambda _name: True
    laps: int | None = None
    large: int | None = None
    failed: list[str] = field(default_factory=list)

    @property
    def own(self) -> int:
        """Return the id of this process."""
        return os.getpid()

    async def play(self, contest: Contest) -> Played:
        """Play a contest and keep what came of it."""
        load = os.getloadavg()[0]
        played = await play(contest, self.laps)
        at = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
        played.machine = {"load before": f"{load:.1f}", "at": at, "commit": commit()} | self.versions
        self.failed += [f"{played.row}/{played.name}: {name}" for name in played.failed]
        kept.write(played)
        for line in told(played):
            print(f"  {line}", flush=True)
        return played


@asynccontextmanager
async def benching(servers: Servers, folder: Path) -> AsyncIterator[Bench]:
    """Yield a bench with a cell of its own; what it has in the servers is removed."""
    async with AsyncExitStack() as stack:
        settings = await stack.enter_async_context(new_cell(servers, folder))
        meter = await metering(servers.database_url, servers.kafka)
        yield Bench(settings, folder, meter, {**machine(), "postgres": await _postgres(servers.database_url)})


@cache
def machine() -> dict[str, str]:
    """Return what a figure depends on: the machine and the versions."""
    names = [line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "machine": f"{os.cpu_count()} cores of {names[0] if names else platform.machine()}, {memory:.0f} GiB",
        "system": f"{platform.system()} {platform.release().partition('-')[0]}",
        "python": platform.python_version(),
        **{name: version(name) for name in PACKAGES},
    }


@cache
def commit() -> str:
    """Return the commit that is measured, marked where files differ from it."""
    said = run(["git", "describe", "--always", "--dirty"], cwd=CHECKOUT, capture_output=True, text=True, check=False)
    return said.stdout.strip() or "none"


def told(played: Played) -> list[str]:
    """Return a line for each contender."""
    lines = [f"{played.row}/{played.name}: {played.title}"]
    for name in played.guarantees:
        rate, cost = played.figure(name, "rate"), played.figure(name, "cpu")
        values = {key: played.figure(name, key) for lap in played.laps.get(name, [])[:1] for key in lap.values}
        figures = [f"{rate.median:,.0f}/s ({rate.least:,.0f}-{rate.most:,.0f})"] if rate else []
        figures += [f"{cost.median:,.1f} us{_shares(played, name)}"] if cost else []
        figures += [f"{key} {spread.median:,.2f}" for key, spread in values.items() if spread]
        lines.append(f"  {name}: {', '.join(figures)}" if name not in played.without else f"  {name}: no figure")
    return lines + [f"  {name}: {reason}" for name, reason in played.without.items()]


def _shares(played: Played, name: str) -> str:
    found = {process: played.figure(name, f"cpu:{process}") for process in played.laps[name][0].cpu}
    return f" ({', '.join(f'{process} {one.median:,.1f}' for process, one in found.items() if one)})"


async def _postgres(database_url: str) -> str:
    connection = await asyncpg.connect(database_url)
    try:
        return str(await connection.fetchval("SHOW server_version"))
    finally:
        await connection.close()


def _lines(place: str) -> list[str]:
    path = Path(place)
    return path.read_text().splitlines() if path.exists() else []

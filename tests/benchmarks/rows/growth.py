"""The same work in a small store and in a large one, and in a chain of ten branches and of two thousand."""

import asyncio
import random
import threading
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

import asyncpg

from shared import feed, relay
from shared.message import Cause, Issued
from shared.performing import perform
from shared.running import Running
from shared.service import ViewSet
from shared.settings import Settings
from shared.views import views
from tests.benchmarks import totals
from tests.benchmarks.bench import Bench
from tests.benchmarks.contest import Contender, Contest, Lap
from tests.benchmarks.goal import Goal
from tests.benchmarks.grown import grow
from tests.benchmarks.store import Store, store
from tests.benchmarks.toy import NOTED, Note
from tests.cell import cell, eventually
from tests.journeys.shell import branchline
from tests.servers import Servers, new_cell

SMALL, LARGE, EVENTS_A_STREAM = 10_000, 10_000_000, 10
FEW, MANY = 10, 2_000
NEW, BATCH, ACTIVE, QUIET = 10_000, 100, 1_000, 3.0
AT = datetime(2026, 11, 2, 12, tzinfo=UTC)
BY = Cause("bench", "bench")
THINGS = ("tasks", "threads", "connections")
GOALS = (
    Goal("events", "large", "cpu", ("small",), most=1.15),
    *(Goal("branches", "many", one, ("few",), most=1.1) for one in THINGS),
)
WORK = (
    f"{NEW:,} commands in batches of {BATCH} to {ACTIVE:,} streams that lie anywhere, numbered, relayed and shown in a "
    "view, by the parts of a service in one process"
)
STANDING = "all five services in one process, idle, after the chain was applied"

_TEXT = "CREATE TABLE totals (id uuid PRIMARY KEY, total int NOT NULL)"
_DONE = """
SELECT (SELECT number FROM relay_cursor) = h.number AND (SELECT number FROM view_set) = h.number AND h.number >= $1
FROM feed_head h
"""
_CONNECTIONS = "SELECT count(*) FROM pg_stat_activity WHERE starts_with(usename, $1)"
_CHAIN = "chain: {name: Bench, currency: CAD}\nbranches:\n"
_BRANCH = "  - {{code: B{0:04}, name: Branch {0}, zone: America/Toronto, region: east, tills: 2}}\n"


async def measure(bench: Bench) -> None:
    """Play what is chosen."""
    if bench.chosen("events"):
        await _events(bench)
    if bench.chosen("branches"):
        await _branches(bench)


async def _events(bench: Bench) -> None:
    text = bench.folder / "totals.sql"
    text.write_text(_TEXT)
    service = replace(NOTED, views=ViewSet(text, totals.project))
    async with AsyncExitStack() as stack:
        contenders = []
        for name, events in (("small", SMALL), ("large", bench.large or LARGE)):
            own = await stack.enter_async_context(store(bench, name, service))
            ids = await grow(own, events, EVENTS_A_STREAM)
            active = random.sample(ids, ACTIVE)
            contenders.append(Contender(name, f"{events:,} events before. {WORK}", partial(_work, bench, own, active)))
        await bench.play(Contest("growth", "events", "processor time an event, small store and large", contenders))


async def _work(bench: Bench, own: Store, ids: list[UUID]) -> Lap:
    (before, _) = await own.counted()
    async with _parts(own.running), bench.meter.lap(NEW) as lap:
        for _ in range(0, NEW, BATCH):
            chosen = random.sample(ids, BATCH)
            await perform(own.running, [Issued(Note.of(one, AT), BY) for one in chosen])
        await eventually(partial(own.running.pool.fetchval, _DONE, before + NEW), tick=0.01)
    events, versions = await own.counted()
    lap.expected, lap.found = (NEW, 0), (events - before, versions - events)
    return lap


@asynccontextmanager
async def _parts(running: Running) -> AsyncIterator[None]:
    own = replace(running, stop=asyncio.Event())
    working = [asyncio.create_task(part(own)) for part in (feed.sequencer, relay.relay, views)]
    try:
        yield
    finally:
        own.stop.set()
        await asyncio.gather(*working)


async def _branches(bench: Bench) -> None:
    sizes = (("few", FEW), ("many", MANY))
    contenders = [Contender(name, STANDING, partial(_standing, bench, count)) for name, count in sizes]
    title = f"what stands about for {FEW} branches and for {MANY:,}, two tills each"
    await bench.play(Contest("growth", "branches", title, contenders, laps=2, warm=0))  # they are counted, not timed


async def _standing(bench: Bench, count: int) -> Lap:
    """Count what a chain of this size takes in a cell of its own."""
    servers = Servers(bench.settings.database_url, bench.settings.kafka)
    with TemporaryDirectory() as folder:
        chain = Path(folder) / "chain.yaml"
        chain.write_text(_CHAIN + "".join(_BRANCH.format(number) for number in range(count)))
        async with new_cell(servers, Path(folder)) as settings, cell(settings) as at_work:
            applied = await branchline(settings, "chain", "apply", str(chain))
            await at_work.settled()
            await asyncio.sleep(QUIET)
            async with bench.meter.lap(0, services=[bench.own]) as lap:
                await asyncio.sleep(QUIET)
            lap.values |= {
                "tasks": len(asyncio.all_tasks()),
                "threads": threading.active_count(),
                "connections": await _connections(settings),
                "core_percent": lap.cpu["services"] / lap.seconds * 100,
            }
            registered = (await at_work.client("pos").get("/v1/chain")).json()
    lap.cpu.clear()
    lap.expected, lap.found = (0, count), (applied.status, len(registered["branches"]))
    return lap


async def _connections(settings: Settings) -> int:
    connection = await asyncpg.connect(settings.database_url)
    try:
        return int(await connection.fetchval(_CONNECTIONS, f"{settings.cell}_"))
    finally:
        await connection.close()

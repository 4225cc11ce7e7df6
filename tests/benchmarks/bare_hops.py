"""The bare hops from a till to a view: a POST with one insert, a produce and consume, an upsert. Nothing else."""

import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import asyncpg

from deploy.local.ports import free_port
from shared.migrations import PARTITIONS
from shared.topics import ensure
from tests.benchmarks.bench import LOGS, Bench
from tests.benchmarks.database import database
from tests.benchmarks.program import program
from tests.benchmarks.seen import View, view
from tests.benchmarks.wire import Wire, wire
from tests.cell import environment

GUARANTEES = (
    "FastAPI and one insert, durable commit; idempotent produce, acks=all; consume, upsert, durable commit: one after "
    "the other, by two processes. No check, no vault, no order, no repeat: lost or twice when something dies between"
)
_TABLES = """
CREATE TABLE taken (sale_id uuid PRIMARY KEY, data jsonb NOT NULL);
CREATE TABLE sale (sale_id uuid PRIMARY KEY, net_minor bigint NOT NULL);
"""


@dataclass(frozen=True)
class BareHops:
    """The two processes: how to reach the door, what the view has, and their ids."""

    line: Wire
    view: View
    pids: tuple[int, ...]


@asynccontextmanager
async def bare_hops(bench: Bench, connections: int) -> AsyncIterator[BareHops]:
    """Yield them at work, with a database and a topic of their own."""
    settings, port, own = bench.settings, free_port(), environment(bench.settings)
    topic = settings.topic("bare")
    await ensure(settings, topic, PARTITIONS)
    module = [sys.executable, "-m"]
    async with database(settings.database_url) as url, AsyncExitStack() as stack:
        tables = await asyncpg.connect(url)
        await tables.execute(_TABLES)
        await tables.close()
        reads = [*module, "tests.benchmarks.programs.bare_view", url, topic]
        takes = [*module, "tests.benchmarks.programs.bare_door", str(port), url, topic]
        view_process = await stack.enter_async_context(program(reads, LOGS / "bare-view.log", environment=own))
        door = await stack.enter_async_context(program(takes, LOGS / "bare-door.log", environment=own))
        line = await stack.enter_async_context(wire(f"http://127.0.0.1:{port}", connections))
        seen = await stack.enter_async_context(view(url, "public"))
        yield BareHops(line, seen, (door.pid, view_process.pid))

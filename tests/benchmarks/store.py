"""A service's own tables in the bench's cell, filled with public events of about 300 bytes, as the salon's are."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg

from shared.feed import number_events
from shared.migrations import PARTITIONS, provision
from shared.running import Running, finish, start
from shared.service import Service
from shared.store import partition_of
from shared.topics import ensure
from tests.benchmarks.bench import Bench
from tests.benchmarks.toy import NOTED

TOGETHER, MUCH = 1_000, 50_000
NOTE = "x" * 180
CAUSE = '{"correlation": "bench", "causation": "bench"}'
WHEN = "2026-11-02T12:00Z"

_APPEND = """
SELECT append_events($1, $2, $1, $3, $4, $5, $6, $1, $7, $8, $5, $9, $10::text[]::timestamptz[], $11, $12)
"""
_STREAMS = "SELECT count(*) FROM stream"
_COUNT = "SELECT (SELECT count(*) FROM event), (SELECT coalesce(sum(version), 0) FROM stream)"


@dataclass
class Store:
    """The tables of one service, and its topic."""

    running: Running
    topic: str

    @property
    def speaker(self) -> str:
        """Return the service's name."""
        return self.running.service.name

    @property
    def schema(self) -> str:
        """Return where the tables are."""
        return self.running.settings.schema(self.speaker)

    async def fill(self, events: int, *, streams: int | None = None, numbered: bool = True) -> list[UUID]:
        """Append so many events, spread over so many new streams (else one each); return the streams."""
        ids = sorted(uuid4() for _ in range(streams or events))
        async with self.running.pool.acquire() as tx:
            for version in range(events // len(ids)):
                for begin in range(0, len(ids), TOGETHER):
                    await tx.execute(_APPEND, *arrays(ids[begin : begin + TOGETHER], version))
                if numbered:
                    await number_events(tx)
        await self._let_postgres_look(events)
        return ids

    async def number(self) -> None:
        """Give numbers to what has none."""
        async with self.running.pool.acquire() as tx:
            await number_events(tx)

    async def streams(self) -> int:
        """Return how many streams there are."""
        return int(await self.running.pool.fetchval(_STREAMS))

    async def _let_postgres_look(self, events: int) -> None:
        """Do what autovacuum does a minute after so much was written: tell the planner how large the tables are."""
        if events < MUCH:
            return
        owner = await asyncpg.connect(self.running.settings.database_url, server_settings={"search_path": self.schema})
        try:
            await owner.execute("ANALYZE event, feed, stream")
        finally:
            await owner.close()

    async def counted(self) -> tuple[int, int]:
        """Return how many events there are, and the sum of the streams' versions: the same when all is well."""
        row = await self.running.pool.fetchrow(_COUNT)
        assert row
        return int(row[0]), int(row[1])


@asynccontextmanager
async def store(
    bench: Bench, name: str, service: Service = NOTED, migrations: Path | None = None
) -> AsyncIterator[Store]:
    """Yield the tables of a service of this name, and its topic; they go with the bench's cell."""
    settings = bench.settings
    await provision(settings, name, migrations)
    topic = settings.topic(name)
    await ensure(settings, topic, PARTITIONS)
    running = await start(replace(service, name=name), settings)
    try:
        yield Store(running, topic)
    finally:
        await finish(running)


def arrays(ids: list[UUID], before: int) -> tuple[object, ...]:
    """Return what appends one event to each stream, which has so many."""
    n = len(ids)
    states = [f'{{"total": {before + 1}}}'] * n
    parts = [partition_of(one, PARTITIONS) for one in ids]
    bodies = [body(one) for one in ids]
    streams = (ids, ["counter"] * n, [before] * n, [1] * n, [1] * n, states)
    return (*streams, [before + 1] * n, parts, ["Added"] * n, [WHEN] * n, bodies, [CAUSE] * n)


def body(stream_id: UUID) -> str:
    """Return the JSON of an event."""
    return f'{{"at": "2026-11-02T12:00:00Z", "counter_id": "{stream_id}", "amount": 1, "note": "{NOTE}"}}'

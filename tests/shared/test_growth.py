"""What a service does all the time costs the same in a large store: nothing reads it from end to end."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from uuid import uuid4

from shared import feed, relay
from shared.message import Issued
from shared.performing import perform
from shared.postgres import Pool, Tx, open_pool
from shared.running import Running
from shared.settings import Settings
from shared.views import views
from tests.shared.pair import CAUSE, Pair, eventually, owner, pair
from tests.shared.toy import NAME, WITH_VIEWS, Add, at

# as an import writes them: many events in each of few transactions
GROWN = """
INSERT INTO stream (id, category, partition_key, version, shape, state)
SELECT id, 'counter', id, 4, 1, '{"total": 4}' FROM (SELECT gen_random_uuid() AS id FROM generate_series(1, 10000)) AS s
"""
IMPORTED = """
INSERT INTO event (occurred_at, stream_id, part, version, shape, type, data, meta)
SELECT now(), id, abs(hashtext(id::text)) % 4, (SELECT count(*) + 1 FROM event WHERE stream_id = stream.id), 1, 'Added',
       jsonb_build_object('at', now(), 'counter_id', id, 'amount', 1), '{"correlation": "c", "causation": "c"}'
FROM stream
"""
NUMBERED = "SELECT number_events()"
SENT = "UPDATE relay_cursor SET number = (SELECT number FROM feed_head)"
SHOWN = "UPDATE view_set SET number = (SELECT number FROM feed_head)"
LOOKED_AT = "ANALYZE event, stream, feed"
TABLES = ("event", "stream", "feed")
_READ_WHOLE = "SELECT relname, seq_scan FROM pg_stat_user_tables WHERE schemaname = $1 AND relname = ANY($2)"
_DONE = """
SELECT h.number = $1 AND h.number = (SELECT number FROM relay_cursor)
  AND h.number = coalesce((SELECT number FROM view_set), -1)
FROM feed_head h
"""


@asynccontextmanager
async def grown(settings: Settings) -> AsyncIterator[Pair]:
    """Yield a speaker with forty thousand events, numbered, sent and shown; Postgres has looked at them."""
    async with pair(settings, parts=("http",), speaker=WITH_VIEWS) as two:
        await at_work(two, 0)
        for statement in (GROWN, IMPORTED, IMPORTED, IMPORTED, IMPORTED, NUMBERED, SENT, SHOWN, LOOKED_AT):
            await owner(two, statement)
        yield two


@asynccontextmanager
async def one_connection(two: Pair) -> AsyncIterator[Running]:
    """Yield the speaker with a single connection for all that it asks, which can so be told to say what it has read."""
    pool: Pool = await open_pool(two.settings, NAME, size=1)
    async with pool:
        yield replace(two.speaker, pool=pool, feed_pool=pool, stop=asyncio.Event())


async def at_work(two: Pair, until: int) -> dict[str, int]:
    """Let sequencer, relay and views work until all is sent and shown; return the tables that were read whole."""
    async with one_connection(two) as running:
        before = await whole(two, running.pool)
        working = [asyncio.create_task(part(running)) for part in (feed.sequencer, relay.relay, views)]

        async def is_done() -> bool:
            return bool(await two.speaker.pool.fetchval(_DONE, until))

        await eventually(is_done)
        running.stop.set()
        await asyncio.gather(*working)
        after = await whole(two, running.pool)
        return {table: after[table] - before[table] for table in TABLES if after[table] > before[table]}


async def whole(two: Pair, pool: Pool) -> dict[str, int]:
    """Return how often each table was read whole."""
    async with pool.acquire() as tx:
        await flush(tx)
        return {row[0]: row[1] for row in await tx.fetch(_READ_WHOLE, two.settings.schema(NAME), TABLES)}


async def flush(tx: Tx) -> None:
    """Let a connection say what it has read."""
    await tx.execute("SELECT pg_stat_force_next_flush()")


async def test_what_is_new_is_numbered_sent_and_shown_without_reading_the_store(settings: Settings) -> None:
    async with grown(settings) as two:
        await perform(two.speaker, [Issued(Add(counter_id=uuid4(), amount=1, at=at(0)), CAUSE)])
        assert await at_work(two, 40_001) == {}

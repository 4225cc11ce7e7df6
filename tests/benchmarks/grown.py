"""A large store made by Postgres itself, in minutes: streams with events that are numbered, relayed and in the view."""

import asyncio
from collections.abc import Iterator
from uuid import UUID

import asyncpg

from shared.rebuild import ViewTables
from tests.benchmarks.store import CAUSE, NOTE, Store

_STREAMS = """
INSERT INTO stream (id, category, partition_key, version, shape, state)
SELECT id, 'counter', id, $2, 1, jsonb_build_object('total', $2::int)
FROM (SELECT gen_random_uuid() AS id FROM generate_series(1, $1)) AS s
"""
_EVENTS = """
INSERT INTO event (occurred_at, stream_id, part, version, shape, type, data, meta)
SELECT '2026-11-02T12:00Z', id, abs(hashtext(id::text)) % 12, $1, 1, 'Added',
       jsonb_build_object('at', '2026-11-02T12:00:00Z', 'counter_id', id, 'amount', 1, 'note', $2::text), $3
FROM stream
"""
# who came before whom is asked of new events only
_FEED = """
INSERT INTO feed (number, epoch, seq, part, prev_epoch, prev_number)
SELECT row_number() OVER (ORDER BY seq), 1, seq, part, 1, 0 FROM event
"""
_HEAD = """
UPDATE feed_head SET number = (SELECT max(number) FROM feed), seen = pg_current_snapshot(),
  last_public = (SELECT jsonb_object_agg(part, jsonb_build_array(1, last))
                 FROM (SELECT part, max(number) AS last FROM feed GROUP BY part) AS p)
"""
_RELAYED = "UPDATE relay_cursor SET number = (SELECT number FROM feed_head)"
_SHOWN = "UPDATE view_set SET number = (SELECT number FROM feed_head)"
_TOTALS = "INSERT INTO totals SELECT id, version FROM stream"
# filled first, ordered after: streams lie anywhere in them
_WITHOUT_INDEXES = ("ALTER TABLE event DROP CONSTRAINT event_stream_id_version_key", "DROP INDEX event_tx")
_INDEXES = (
    "ALTER TABLE event ADD CONSTRAINT event_stream_id_version_key UNIQUE (stream_id, version)",
    "CREATE INDEX event_tx ON event (tx, seq)",
)
_MEMORY = "512MB"  # to sort ten million in
_TIDY = ("VACUUM ANALYZE event", "VACUUM ANALYZE feed", "VACUUM ANALYZE stream", "VACUUM ANALYZE totals")
_IDS = "SELECT id FROM stream"


async def grow(own: Store, events: int, a_stream: int) -> list[UUID]:
    """Give an empty store so many events, as many to each stream; return the streams."""
    async with own.running.pool.acquire() as tx, tx.transaction():
        await ViewTables(own.running).prepare(tx)
    path = {"search_path": f"{own.schema}_views,{own.schema}", "maintenance_work_mem": _MEMORY}
    url = own.running.settings.database_url
    async with asyncpg.create_pool(url, min_size=2, max_size=2, command_timeout=None, server_settings=path) as owner:
        for statement in _WITHOUT_INDEXES:
            await owner.execute(statement)
        await owner.execute(_STREAMS, events // a_stream, a_stream)
        versions = iter(range(1, a_stream + 1))
        await asyncio.gather(*(_append(owner, versions) for _core in range(2)))
        for statement in (*_INDEXES, _FEED, _HEAD, _RELAYED, _SHOWN, _TOTALS, *_TIDY):
            await owner.execute(statement)
        return [row["id"] for row in await owner.fetch(_IDS)]


async def _append(owner: "asyncpg.Pool[asyncpg.Record]", versions: Iterator[int]) -> None:
    for version in versions:
        await owner.execute(_EVENTS, version, NOTE, CAUSE)

"""The bare baseline of appends: a table with the columns and indexes of `event`, and nothing of the kernel."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import asyncpg

from shared.postgres import Pool
from tests.benchmarks.bench import Bench
from tests.benchmarks.contest import Sums
from tests.benchmarks.store import CAUSE, Store, body

BARE = "durable commit, the same columns and indexes, and nothing else: no stream, no version check, JSON by a template"
AT = datetime(2026, 11, 2, 12, tzinfo=UTC)
PART = 3

_TABLE = "CREATE TABLE bare (LIKE event INCLUDING ALL)"
_INSERT = """
INSERT INTO bare (occurred_at, stream_id, part, version, shape, type, data, meta)
SELECT occurred, stream, part, version, shape, type, data::jsonb, meta::jsonb
FROM unnest($1::timestamptz[], $2::uuid[], $3::smallint[], $4::int[], $5::smallint[], $6::text[], $7::text[],
            $8::text[]) AS e (occurred, stream, part, version, shape, type, data, meta)
"""
_COUNT = "SELECT count(*) FROM bare"


@dataclass(frozen=True)
class BareEvents:
    """The table."""

    pool: Pool

    async def insert(self, ids: Sequence[UUID], versions: Sequence[int]) -> None:
        """Insert an event for each, in one statement and one transaction."""
        n = len(ids)
        told = ([1] * n, ["Added"] * n, [body(one) for one in ids], [CAUSE] * n)
        await self.pool.execute(_INSERT, [AT] * n, list(ids), [PART] * n, list(versions), *told)

    async def counted(self) -> Sums:
        """Return how many there are."""
        return (int(await self.pool.fetchval(_COUNT)),)


@asynccontextmanager
async def bare_events(bench: Bench, own: Store, *, size: int) -> AsyncIterator[BareEvents]:
    """Yield the table, beside those of a store, with so many connections to it."""
    schema = {"search_path": own.schema}
    async with asyncpg.create_pool(
        bench.settings.database_url, min_size=size, max_size=size, server_settings=schema
    ) as pool:
        await pool.execute(_TABLE)
        yield BareEvents(pool)

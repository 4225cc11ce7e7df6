"""When sales are seen in a table, by a look every few milliseconds, and whether all that was accepted is there."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

import asyncpg

from tests.benchmarks.contest import Sums
from tests.benchmarks.tills import Load, Sale

LOOK_EVERY = 0.004  # seconds
MOST_AT_ONCE = 500
PATIENCE = 60.0  # seconds without anything new

_SEEN = "SELECT sale_id FROM sale WHERE sale_id = ANY($1::uuid[])"
_SUMS = "SELECT count(*), coalesce(sum(net_minor), 0)::bigint FROM sale WHERE sale_id = ANY($1::uuid[])"


@dataclass(frozen=True)
class View:
    """A table `sale` of somebody's, looked at over a connection of its own."""

    connection: "asyncpg.Connection[asyncpg.Record]"

    async def watch(self, load: Load) -> None:
        """Note when each sale is seen, until all is accepted and seen, or nothing new has come for long."""
        quiet_since = time.perf_counter()
        while not (load.is_done.is_set() and not load.unseen):
            found = await self._look(load.unseen)
            now = time.perf_counter()
            if found or not load.unseen:
                quiet_since = now
            if now - quiet_since > PATIENCE:
                return
            await asyncio.sleep(LOOK_EVERY)

    async def sums(self, load: Load) -> Sums:
        """Return how many of what was accepted the table has, and the sum of their net."""
        row = await self.connection.fetchrow(_SUMS, list(load.accepted))
        assert row
        return int(row[0]), int(row[1])

    async def _look(self, unseen: dict[UUID, Sale]) -> int:
        asked = [one for one, _ in zip(unseen, range(MOST_AT_ONCE), strict=False)]
        rows = await self.connection.fetch(_SEEN, asked) if asked else []
        now = time.perf_counter()
        for row in rows:
            unseen.pop(row["sale_id"]).seen_at = now
        return len(rows)


@asynccontextmanager
async def view(database_url: str, schema: str) -> AsyncIterator[View]:
    """Yield a look at a schema's sales, of all branches."""
    options = {"search_path": schema, "branchline.branch": "*"}
    connection = await asyncpg.connect(database_url, server_settings=options)
    try:
        yield View(connection)
    finally:
        await connection.close()

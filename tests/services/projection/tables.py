"""The views' rows, to be compared."""

from collections.abc import Sequence
from typing import Any

from services.projection.views.projecting import project
from services.projection.views.snapshot import snapshot
from shared.message import Envelope
from shared.running import Running
from shared.scope import ALL

_TABLES = """
SELECT relname FROM pg_class WHERE relnamespace = $1::regnamespace AND relkind = 'r' ORDER BY relname
"""


async def names(running: Running) -> list[str]:
    """Return the names of the views' tables."""
    rows = await running.pool.fetch(_TABLES, f"{running.settings.schema('projection')}_views")
    return [row["relname"] for row in rows]


async def rows(running: Running) -> dict[str, list[str]]:
    """Return every row of every table as text, sorted."""
    found = {}
    async with snapshot(running.pool, ALL) as tx:
        for table in await names(running):
            every: list[Any] = await tx.fetch(" ".join(["SELECT t::text AS row FROM", table, "AS t"]))
            found[table] = sorted(row["row"] for row in every)
    return found


async def hear(running: Running, *batches: Sequence[Envelope]) -> None:
    """Project batches, each in a transaction of its own."""
    for batch in batches:
        async with running.pool.acquire() as tx, tx.transaction():
            await project(tx, batch)


async def forget(running: Running) -> None:
    """Empty the tables."""
    await running.pool.execute(" ".join(["TRUNCATE", ", ".join(await names(running))]))

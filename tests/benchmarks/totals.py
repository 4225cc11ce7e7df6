"""The view that a consumer fills in the benchmarks: a total for each counter."""

from collections.abc import Sequence
from typing import cast
from uuid import UUID

from shared.message import Envelope
from shared.postgres import Tx
from shared.running import Running
from tests.benchmarks.contest import Sums
from tests.benchmarks.toy import Added

_TABLE = "CREATE TABLE IF NOT EXISTS totals (id uuid PRIMARY KEY, total int NOT NULL)"
_EMPTY = "TRUNCATE totals"
_ADD = """
INSERT INTO totals (id, total)
SELECT id, sum(amount) FROM unnest($1::uuid[], $2::int[]) AS c (id, amount) GROUP BY id ORDER BY id
ON CONFLICT (id) DO UPDATE SET total = totals.total + excluded.total
"""
_SUMS = "SELECT coalesce(sum(total), 0), count(*) FROM totals"


async def project(tx: Tx, told: Sequence[Envelope]) -> None:
    """Add the events of a page."""
    await add(tx, [one.stream_id for one in told], [cast(Added, one.event).amount for one in told])


async def add(tx: Tx, ids: Sequence[UUID], amounts: Sequence[int]) -> None:
    """Add amounts to counters."""
    await tx.execute(_ADD, ids, amounts)


async def begin(running: Running) -> None:
    """Make the table in the place of the service's views, empty."""
    await running.pool.execute(_TABLE)
    await running.pool.execute(_EMPTY)


async def sums(running: Running) -> Sums:
    """Return the sum of all totals, and how many there are."""
    row = await running.pool.fetchrow(_SUMS)
    assert row
    return int(row[0]), int(row[1])

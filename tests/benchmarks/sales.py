"""Counters that count each sale once: a guard table knows the sales, as the salon's services know theirs."""

import sys
from collections.abc import Sequence
from typing import cast
from uuid import UUID

from shared.decider import Aggregate, Domain
from shared.message import Command, Envelope, Event
from shared.postgres import Tx
from tests.benchmarks.contest import Sums
from tests.benchmarks.store import Store
from tests.benchmarks.toy import TEXT, Added, Counter, evolve

__all__ = ["COUNTER", "Sell", "Sold", "counted", "decide", "evolve", "provide"]

SHAPE = 1
initial = Counter()

_TABLE = """
CREATE TABLE counted_sale (id uuid PRIMARY KEY, counter_id uuid NOT NULL, amount int NOT NULL)
"""
_KNOWN = "SELECT id FROM counted_sale WHERE id = ANY($1::uuid[])"
_COUNT = "INSERT INTO counted_sale SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::int[])"
_SUMS = """
SELECT (SELECT count(*) FROM event), (SELECT count(*) FROM counted_sale), (SELECT sum(version) FROM stream)
"""


class Sell(Command):
    """Count a sale, once; `is_known` is gathered."""

    counter_id: UUID
    sale_id: UUID
    amount: int
    is_known: bool = False


class Sold(Added):
    """It was counted."""

    sale_id: UUID


def decide(command: Sell, _counter: Counter) -> Sequence[Event]:
    """Count what is not known."""
    if command.is_known:
        return []
    sold = {"counter_id": command.counter_id, "sale_id": command.sale_id}
    return [Sold(at=command.at, amount=command.amount, note=TEXT, **sold)]


class _Sales:
    async def gather(self, tx: Tx, commands: Sequence[Sell], /) -> Sequence[Command]:
        known = {row["id"] for row in await tx.fetch(_KNOWN, [one.sale_id for one in commands])}
        return [one.model_copy(update={"is_known": True}) if one.sale_id in known else one for one in commands]

    async def guard(self, tx: Tx, events: Sequence[Envelope], /) -> None:
        sold = [cast(Sold, one.event) for one in events]
        await tx.execute(_COUNT, *zip(*((one.sale_id, one.counter_id, one.amount) for one in sold), strict=True))


COUNTER = Aggregate(
    "counter", cast(Domain, sys.modules[__name__]), Counter, (Sell,), (Sold,), key="counter_id", guards=_Sales()
)


async def provide(own: Store) -> None:
    """Make the guard table."""
    await own.running.pool.execute(_TABLE)


async def counted(own: Store) -> Sums:
    """Return events, sales counted and the sum of versions, which grow alike."""
    row = await own.running.pool.fetchrow(_SUMS)
    assert row
    return tuple(int(one) for one in row)

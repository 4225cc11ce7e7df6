"""Members with points, as many as are wanted: one who has bought by commands, and Postgres's copies under other ids.

A copy's lots and receipts have the ids of the first one's, which are hers within her account only.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import asyncpg

from branchline import catalogue
from services.loyalty_points.app import app
from services.loyalty_points.domain import CountReceipt, StartEarning
from services.loyalty_points.lifetime import Expiry
from services.loyalty_points.terms import Terms
from shared.message import Cause, Issued
from shared.performing import perform
from shared.policy import PublishPolicy
from tests.benchmarks.bench import Bench
from tests.benchmarks.store import Store, store

TOGETHER = 5_000
BRANCH, ZONE = "TOR1", "America/Toronto"
BY = Cause("bench", "bench")
NOTHING = ["", ""]

_STREAMS = """
INSERT INTO stream (id, category, partition_key, version, shape, state)
SELECT c, category, c, version, shape, replace(state::text, $3, $4)::jsonb
FROM stream, unnest($2::uuid[]) AS c WHERE id = $1
"""
_EVENTS = """
INSERT INTO event (occurred_at, stream_id, part, version, shape, type, data, meta)
SELECT occurred_at, c, CASE WHEN part IS NOT NULL THEN abs(hashtext(c::text)) % 12 END, version, shape, type,
       replace(replace(data::text, $1::uuid::text, c::text), $3, $4)::jsonb, meta
FROM event, unnest($2::uuid[]) AS c WHERE stream_id = $1 ORDER BY c, version
"""
_RECEIPTS = """
INSERT INTO receipt (customer_id, sale_id, branch, zone, sold_on, sold_at, receipt_order, lines, policy_version, sold,
                     earned, kept, lots, owner)
SELECT c, sale_id, branch, zone, sold_on, sold_at, receipt_order, lines, policy_version, sold, earned, kept, lots, c
FROM receipt, unnest($2::uuid[]) AS c WHERE customer_id = $1 ORDER BY c
"""
_LOTS = """
INSERT INTO lot (customer_id, lot_id, source, branch, earned_on, earned_at, policy_version, active_from, expires_at,
                 points, repaid, owner)
SELECT c, lot_id, source, branch, earned_on, earned_at, policy_version, active_from, expires_at + $3, points, repaid, c
FROM lot, unnest($2::uuid[]) AS c WHERE customer_id = $1 ORDER BY c
"""
# all notices have been said
_EXPIRIES = """
INSERT INTO expiry (customer_id, expires_at, notices)
SELECT c, expires_at + $3, '{}' FROM expiry, unnest($2::uuid[]) AS c WHERE customer_id = $1
"""
_EXPIRES_AT = "SELECT max(expires_at) FROM lot WHERE customer_id = $1"
_TIDY = "VACUUM (ANALYZE) event, stream, receipt, lot, expiry"


@asynccontextmanager
async def ledger(bench: Bench, expiry: Expiry) -> AsyncIterator[Store]:
    """Yield the tables of the points ledger, and the service open, none of its parts at work."""
    async with store(bench, app.name, app, catalogue.migrations(app.name)) as own:
        terms = Terms(expiry=expiry).model_dump(mode="json")
        await perform(own.running, [Issued(PublishPolicy(at=datetime.now(UTC), terms=terms), BY)])
        yield own


@asynccontextmanager
async def owner(own: Store) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """Yield a connection of the owner of the tables, who waits as long as it takes."""
    connection = await asyncpg.connect(
        own.running.settings.database_url, server_settings={"search_path": own.schema}, command_timeout=None
    )
    try:
        yield connection
    finally:
        await connection.close()


def bought(who: UUID, at: datetime, net_minor: int) -> CountReceipt:
    """Return the news of a receipt of hers."""
    sale_id = uuid4()
    return CountReceipt(
        at=at,
        customer_id=who,
        sale_id=sale_id,
        branch=BRANCH,
        zone=ZONE,
        on=at.astimezone(ZoneInfo(ZONE)).date(),
        order=f"{at.isoformat()} {sale_id}",
        lines={1: net_minor},
    )


async def member(own: Store, receipts: int, net_minor: int, at: datetime) -> UUID:
    """Return a member who has bought so often, on one day."""
    who = uuid4()
    issued = [Issued(StartEarning(at=at, customer_id=who, joined_order=""), BY)]
    issued += [Issued(bought(who, at + timedelta(seconds=n), net_minor), BY) for n in range(receipts)]
    await perform(own.running, issued)
    return who


async def copied(
    own: Store, of: UUID, count: int, *, moved: timedelta = timedelta(), receipts_alone: bool = False
) -> list[UUID]:
    """Return as many members with the same history, whose points expire so much later, or earlier.

    With `receipts_alone` they have neither events nor lots: for what looks at receipts.
    """
    ids = sorted(uuid4() for _ in range(count))
    parts = iter([ids[begin : begin + TOGETHER] for begin in range(0, count, TOGETHER)])

    async def copy() -> None:
        async with owner(own) as tx:
            ends_at = await tx.fetchval(_EXPIRES_AT, of)
            for some in parts:
                await (
                    _copy_receipts(tx, of, some, *NOTHING) if receipts_alone else _copy(tx, of, some, ends_at, moved)
                )

    await asyncio.gather(*(copy() for _core in range(2)))
    async with owner(own) as tx:
        await tx.execute(_TIDY)
    return ids


async def _copy(
    tx: "asyncpg.Connection[asyncpg.Record]", of: UUID, ids: Sequence[UUID], ends_at: datetime | None, moved: timedelta
) -> None:
    ends = [ends_at, ends_at + moved] if ends_at else []
    minutes = [str(int(one.timestamp()) // 60) for one in ends] or NOTHING
    text = [f"{one:%Y-%m-%dT%H:%M:%SZ}" for one in ends] or NOTHING
    async with tx.transaction():
        await _copy_receipts(tx, of, ids, *minutes)
        await tx.execute(_EVENTS, of, ids, *text)
        await tx.execute(_LOTS, of, ids, moved)
        await tx.execute(_EXPIRIES, of, ids, moved)


async def _copy_receipts(
    tx: "asyncpg.Connection[asyncpg.Record]", of: UUID, ids: Sequence[UUID], was: str, now: str
) -> None:
    await tx.execute(_STREAMS, of, ids, was, now)
    await tx.execute(_RECEIPTS, of, ids)

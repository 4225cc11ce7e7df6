"""Points redeemed by sixteen clients at once, from one account, ten and many, beside the bare conditional debit."""

import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from uuid import UUID, uuid4

import asyncpg

from services.loyalty_points.domain import RedeemPoints
from services.loyalty_points.lifetime import Never
from shared.message import Cause
from shared.performing import perform_one
from shared.postgres import Pool
from tests.benchmarks.bench import Bench
from tests.benchmarks.contest import Contender, Contest, Lap, Sums
from tests.benchmarks.goal import Goal
from tests.benchmarks.members import copied, ledger, member
from tests.benchmarks.store import Store
from tests.benchmarks.writers import writing

US, BARE, BARE_ONE = "branchline", "bare debit", "bare debit in one statement"
HOT, TEN, MANY = 1, 10, 100_000
CLIENTS = 16
RECEIPTS, NET_MINOR = 3, 300_000_000  # millions of points: no lap comes to their end
BY = Cause("bench", "bench")
GOALS = (
    Goal(str(HOT), US, "rate", (BARE,), least=0.80),
    Goal(str(TEN), US, "rate", (BARE,), least=0.70),
    Goal(str(MANY), US, "rate", (BARE,), least=0.70),
)
OURS = (
    f"durable commit, one point from the first of {RECEIPTS} lots, each redemption once for ever by its id, the event "
    "names lot and balance, order safe behind slow transactions; those who wait for one account are done together"
)
TWO = "durable commit, never below nothing, a row of the debit: two statements in a transaction; no lots, no event"
ONE = "the same in one statement, one round trip"

_TABLES = """
CREATE TABLE bare_balance (id uuid PRIMARY KEY, points bigint NOT NULL CHECK (points >= 0)) WITH (fillfactor = 80);
CREATE TABLE bare_debit (
  id uuid PRIMARY KEY, balance_id uuid NOT NULL, points bigint NOT NULL, at timestamptz NOT NULL
);
"""
_FILL = "INSERT INTO bare_balance SELECT id, $2::bigint FROM unnest($1::uuid[]) AS id"
_TIDY = "VACUUM (ANALYZE) bare_balance"
_TAKE = "UPDATE bare_balance SET points = points - 1 WHERE id = $1 AND points >= 1 RETURNING points"
_DEBIT = "INSERT INTO bare_debit (id, balance_id, points, at) VALUES ($1, $2, 1, $3)"
_AT_ONCE = """
WITH taken AS (UPDATE bare_balance SET points = points - 1 WHERE id = $2 AND points >= 1 RETURNING points)
INSERT INTO bare_debit (id, balance_id, points, at) SELECT $1::uuid, $2, 1, $3::timestamptz FROM taken RETURNING 1
"""
_BARE_SUMS = "SELECT (SELECT count(*) FROM bare_debit), (SELECT -sum(points)::bigint FROM bare_balance)"
# events, redemptions, what lots have given, what the accounts say that they have
_SUMS = """
SELECT (SELECT count(*) FROM event WHERE type = 'PointsRedeemed'), (SELECT count(*) FROM hold),
       (SELECT -sum(rest)::bigint FROM lot), (SELECT sum((state ->> 'redeemed')::bigint)::bigint FROM stream)
"""


async def measure(bench: Bench) -> None:
    """Play many accounts, ten and one: all are there, and so many of them are asked."""
    async with AsyncExitStack() as stack:
        own = await stack.enter_async_context(ledger(bench, Never()))
        accounts = await copied(own, await member(own, RECEIPTS, NET_MINOR, datetime.now(UTC)), MANY)
        bare = await stack.enter_async_context(_bare_tables(bench, own, accounts))
        for count in (MANY, TEN, HOT):  # what one account leaves behind is no burden to the others
            if bench.chosen(str(count)):
                asked = random.sample(accounts, count)
                contenders = (
                    _contender(bench, BARE, TWO, _bare(bare, asked), _counting(bare, _BARE_SUMS)),
                    _contender(bench, BARE_ONE, ONE, _bare_at_once(bare, asked), _counting(bare, _BARE_SUMS)),
                    _contender(bench, US, OURS, _ours(own, asked), _counting(own.running.pool, _SUMS)),
                )
                title = f"{CLIENTS} clients, {count:,} account{'s' * (count > 1)} of {MANY:,}"
                await bench.play(Contest("accounts", str(count), title, contenders))


@asynccontextmanager
async def _bare_tables(bench: Bench, own: Store, accounts: Sequence[UUID]) -> AsyncIterator[Pool]:
    """Yield as many connections as the service has, to a table of balances beside its own."""
    size, path = own.running.pool.get_max_size(), {"search_path": own.schema}
    async with asyncpg.create_pool(
        bench.settings.database_url, min_size=size, max_size=size, server_settings=path
    ) as pool:
        await pool.execute(_TABLES)
        await pool.execute(_FILL, accounts, RECEIPTS * NET_MINOR)
        await pool.execute(_TIDY)
        yield pool


def _bare(pool: Pool, asked: Sequence[UUID]) -> Callable[[int], Awaitable[int]]:
    async def debit(_client: int) -> int:
        who = random.choice(asked)
        async with pool.acquire() as tx, tx.transaction():
            if await tx.fetchval(_TAKE, who) is None:
                return 0
            await tx.execute(_DEBIT, uuid4(), who, datetime.now(UTC))
        return 1

    return debit


def _bare_at_once(pool: Pool, asked: Sequence[UUID]) -> Callable[[int], Awaitable[int]]:
    async def debit(_client: int) -> int:
        return await pool.fetchval(_AT_ONCE, uuid4(), random.choice(asked), datetime.now(UTC)) or 0

    return debit


def _ours(own: Store, asked: Sequence[UUID]) -> Callable[[int], Awaitable[int]]:
    async def redeem(_client: int) -> int:
        who, now = random.choice(asked), datetime.now(UTC)
        outcome = await perform_one(
            own.running, RedeemPoints(at=now, customer_id=who, redemption_id=uuid4(), points=1), BY
        )
        return len(outcome.events)

    return redeem


def _counting(pool: Pool, sums: str) -> Callable[[], Awaitable[Sums]]:
    async def counted() -> Sums:
        row = await pool.fetchrow(sums)
        assert row
        return tuple(map(int, row))

    return counted


def _contender(
    bench: Bench,
    name: str,
    guarantees: str,
    act: Callable[[int], Awaitable[int]],
    counted: Callable[[], Awaitable[Sums]],
) -> Contender:
    async def lap() -> Lap:
        before = await counted()
        async with bench.meter.lap(0) as lap:
            lap.events = await writing(CLIENTS, act)
        lap.found = tuple(after - was for after, was in zip(await counted(), before, strict=True))
        lap.expected = (lap.events,) * len(lap.found)
        return lap

    return Contender(name, guarantees, lap)

"""A chain's lots expire in one night beside live sales, beside one UPDATE of the same lots in chunks."""

import asyncio
import random
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg

from services.loyalty_points.expiring import AT_ONCE
from services.loyalty_points.lifetime import MOST_DAYS, AfterDays
from shared.message import Cause, Issued
from shared.performing import perform
from tests.benchmarks.bench import LOGS, Bench
from tests.benchmarks.contest import Contender, Contest, Lap
from tests.benchmarks.goal import Goal
from tests.benchmarks.live import open_loop
from tests.benchmarks.members import bought, copied, ledger, member, owner
from tests.benchmarks.meter import latencies
from tests.benchmarks.program import program
from tests.benchmarks.store import Store
from tests.cell import environment

US, FLOOR, QUIET = "branchline", "bare UPDATE", "no expiry"
LOTS, AN_ACCOUNT, NET_MINOR = 1_000_000, 5, 10_000
PER_SECOND, QUIET_SECONDS, ASKED_EVERY = 20, 15.0, 5.0
EARNED_AGO, MOVED = timedelta(days=360), timedelta(days=-10)  # so that they were good to a midnight some days ago
BY = Cause("bench", "bench")
GOALS = (
    Goal("million", US, "sale_p99_ms", (QUIET,), most=2),
    Goal("million", US, "mib", most=300, unit=" MiB"),
)
OURS = (
    f"the service's worker, a process of its own: {AT_ONCE} accounts a transaction, who is being written is left for "
    "later; the event names every lot, the account's state moves with it; killed, it goes on"
)
BARE = (
    f"lots of the same columns and indexes, {AT_ONCE} accounts a transaction: one UPDATE, and a row of the event each"
)
NONE = "the same sales alone"

_TABLES = """
CREATE TABLE bare_lot (LIKE lot INCLUDING ALL);
CREATE TABLE bare_expired (LIKE event INCLUDING ALL);
"""
_EMPTY = "TRUNCATE bare_lot, bare_expired"
_FILL = """
INSERT INTO bare_lot (customer_id, lot_id, source, branch, earned_on, earned_at, policy_version, active_from,
                      expires_at, points, repaid, owner)
SELECT customer_id, lot_id, source, branch, earned_on, earned_at, policy_version, active_from, expires_at, points,
       repaid, owner
FROM lot WHERE customer_id = ANY ($1::uuid[]) AND expires_at <= $2
"""
_TIDY = "VACUUM (ANALYZE) bare_lot"
_EXPIRE = """
WITH soonest AS (
  SELECT owner FROM bare_lot WHERE rest > 0 AND expires_at <= $2
  ORDER BY expires_at, owner LIMIT $1 * $4::int
), whose AS (
  SELECT DISTINCT owner FROM soonest LIMIT $1
), over AS (
  UPDATE bare_lot l SET expired = expired + rest FROM whose
  WHERE l.owner = whose.owner AND rest > 0 AND expires_at <= $2
  RETURNING l.owner, l.lot_id, l.expired
), told AS (
  INSERT INTO bare_expired (occurred_at, stream_id, part, version, shape, type, data, meta)
  SELECT $2::timestamptz, owner, 0, 1, 1, 'PointsExpired',
         jsonb_build_object('customer_id', owner, 'points', sum(expired),
                            'lots', jsonb_object_agg(lot_id, expired)), $3::text::jsonb
  FROM over GROUP BY owner
)
SELECT count(*) FROM over
"""
_BARE_SUMS = """
SELECT sum(rest)::bigint, sum(expired)::bigint, (SELECT count(*) FROM bare_expired) FROM bare_lot
"""
_IS_LEFT = "SELECT EXISTS (SELECT FROM lot WHERE rest > 0 AND expires_at <= $1)"
_SUMS = """
SELECT sum(rest)::bigint, sum(expired)::bigint,
       (SELECT count(*) FROM event WHERE stream_id = ANY ($1::uuid[]) AND type = 'PointsExpired'),
       (SELECT sum((state ->> 'expired')::bigint)::bigint FROM stream WHERE id = ANY ($1::uuid[]))
FROM lot WHERE customer_id = ANY ($1::uuid[]) AND expires_at <= $2
"""
_RECEIPTS = "SELECT count(*) FROM receipt"
CAUSE = '{"correlation": "bench", "causation": "bench"}'


async def measure(bench: Bench) -> None:
    """Play it, if it is chosen."""
    if not bench.chosen("million"):
        return
    async with AsyncExitStack() as stack:
        own = await stack.enter_async_context(ledger(bench, AfterDays(days=MOST_DAYS)))
        night = Night(bench, own, (bench.large or LOTS) // AN_ACCOUNT)
        await night.begin()
        contenders = (
            Contender(QUIET, NONE, night.quiet),
            Contender(FLOOR, BARE, night.bare),
            Contender(US, OURS, night.ours),
        )
        chain = f"{night.lots:,} lots of {night.accounts:,} accounts"
        title = f"{chain} that expire at one instant, beside {PER_SECOND} sales a second"
        await bench.play(Contest("expiry", "million", title, contenders, laps=1, warm=0))  # minutes long


class Night:
    """A chain whose points are all over at once; every turn of ours has customers of its own."""

    def __init__(self, bench: Bench, own: Store, accounts: int) -> None:
        self._bench, self._own = bench, own
        self.accounts, self.lots = accounts, accounts * AN_ACCOUNT
        self._chain: list[UUID] = []
        self._is_over = False

    async def begin(self) -> None:
        """Fill the tables, and make the bare ones."""
        await self._fill()
        async with owner(self._own) as tx:
            await tx.execute(_TABLES)

    async def quiet(self) -> Lap:
        """Let the sales have the machine."""
        async with self._bench.meter.lap(0) as lap, self._sales(lap):
            await asyncio.sleep(QUIET_SECONDS)
        return lap

    async def bare(self) -> Lap:
        """Expire copies of the lots in chunks."""
        now = datetime.now(UTC)
        async with owner(self._own) as tx:
            await tx.execute(_EMPTY)
            await tx.execute(_FILL, self._chain, now)
            await tx.execute(_TIDY)
            async with self._bench.meter.lap(self.lots) as lap, self._sales(lap):
                while await tx.fetchval(_EXPIRE, AT_ONCE, now, CAUSE, AN_ACCOUNT):
                    pass
            sums = await tx.fetchrow(_BARE_SUMS)
        self._add_up(lap, sums, 1)
        return lap

    async def ours(self) -> Lap:
        """Let a process of the service expire the lots, until none is left."""
        if self._is_over:
            await self._fill()
        self._is_over = True
        now, pool = datetime.now(UTC), self._own.running.pool
        command, log = [sys.executable, "-m", "tests.benchmarks.programs.expirer"], LOGS / "expirer.log"
        async with program(command, log, environment=environment(self._bench.settings)) as expirer:
            processes = {"us": [expirer.pid], "generator": [self._bench.own]}
            async with self._bench.meter.lap(self.lots, **processes) as lap, self._sales(lap):
                while await pool.fetchval(_IS_LEFT, now):
                    lap.values |= await expirer.ask(seconds=ASKED_EVERY)
        async with owner(self._own) as tx:
            sums = await tx.fetchrow(_SUMS, self._chain, now)
        self._add_up(lap, sums, 2)
        return lap

    async def _fill(self) -> None:
        """Let there be another chain's worth of customers, who bought a year ago."""
        first = await member(self._own, AN_ACCOUNT, NET_MINOR, datetime.now(UTC) - EARNED_AGO)
        self._chain = await copied(self._own, first, self.accounts, moved=MOVED)

    def _add_up(self, lap: Lap, sums: "asyncpg.Record | None", tellers: int) -> None:
        """Compare what is left of points, what has expired, and the entries of it, with what should be."""
        points = self.lots * NET_MINOR // 100
        lap.expected += (0, points, self.accounts, points)[: 2 + tellers]
        lap.found += tuple(map(int, sums or ()))

    @asynccontextmanager
    async def _sales(self, lap: Lap) -> AsyncIterator[None]:
        """Let customers of the chain buy while the block lasts; what they waited is in the lap, and their receipts."""
        before = await self._own.running.pool.fetchval(_RECEIPTS)
        sales = Sales(self._own, self._chain)
        selling = asyncio.create_task(sales.sell())
        try:
            yield
            lap.seconds = time.perf_counter() - sales.began
        finally:
            sales.is_over = True
            await selling
        lap.values |= {f"sale_{name}": told for name, told in latencies(sales.late).items()}
        lap.expected = (len(sales.late),)
        lap.found = (await self._own.running.pool.fetchval(_RECEIPTS) - before,)


class Sales:
    """Receipts at a rate, each at its time, whatever was answered before."""

    def __init__(self, own: Store, chain: Sequence[UUID]) -> None:
        self._own, self._chain = own, chain
        self.began = time.perf_counter()
        self.late: list[float] = []
        self.is_over = False

    async def sell(self) -> None:
        """Sell, a second at a time until it is over."""
        while not self.is_over:
            async with asyncio.TaskGroup() as group:
                async for due_at in open_loop(PER_SECOND, 1):
                    group.create_task(self._sell(due_at))

    async def _sell(self, due_at: float) -> None:
        sold = bought(random.choice(self._chain), datetime.now(UTC), NET_MINOR)
        await perform(self._own.running, [Issued(sold, BY)])
        self.late.append(time.perf_counter() - due_at)

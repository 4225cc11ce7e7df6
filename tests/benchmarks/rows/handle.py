"""Commands handled in batches, with natural keys and a guard table, beside a bare insert of the same event rows."""

import os
import random
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

from shared.message import Cause, Issued
from shared.performing import perform
from tests.benchmarks import sales
from tests.benchmarks.bare_events import BARE, BareEvents, bare_events
from tests.benchmarks.bench import Bench
from tests.benchmarks.contest import Contender, Contest, Lap
from tests.benchmarks.goal import Goal
from tests.benchmarks.store import Store, store
from tests.benchmarks.toy import NOTED
from tests.benchmarks.writers import writing

US, BARE_UNNEST = "branchline", "bare unnest"
BATCHES = (1, 100, 500)
COUNTERS = 20_000
AT = datetime(2026, 11, 2, 12, tzinfo=UTC)
BY = Cause("bench", "bench")
OURS = (
    "durable commit, versions checked, each sale counted once by its row in a guard table, rules run on the streams' "
    "state, order safe behind slow transactions; one writer, one transaction a batch"
)
GOALS = (
    Goal("500", US, "rate", (BARE_UNNEST,), least=0.40),
    Goal("100", US, "rate", (BARE_UNNEST,), least=0.35),
)


async def measure(bench: Bench) -> None:
    """Play every size, in a store of 20,000 counters."""
    async with AsyncExitStack() as stack:
        service = replace(NOTED, aggregates=(sales.COUNTER,))
        own = await stack.enter_async_context(store(bench, "handle", service))
        await sales.provide(own)
        bare = await stack.enter_async_context(bare_events(bench, own, size=1))
        counters = await own.fill(COUNTERS)
        for batch in BATCHES:
            if bench.chosen(str(batch)):
                contenders = (_bare(bench, bare, batch), _ours(bench, own, counters, batch))
                title = f"{batch} command{'s' * (batch > 1)} in a transaction, {COUNTERS:,} streams"
                await bench.play(Contest("handle", str(batch), title, contenders))


def _bare(bench: Bench, bare: BareEvents, batch: int) -> Contender:
    async def write(_stream: int) -> int:
        await bare.insert(_ids(batch), [1] * batch)
        return batch

    async def lap() -> Lap:
        (before,) = await bare.counted()
        async with bench.meter.lap(0) as lap:
            lap.events = await writing(1, write)
        (after,) = await bare.counted()
        lap.expected, lap.found = (lap.events,), (after - before,)
        return lap

    return Contender(BARE_UNNEST, BARE, lap)


def _ours(bench: Bench, own: Store, counters: list[UUID], batch: int) -> Contender:
    async def write(_stream: int) -> int:
        told = zip(random.sample(counters, batch), _ids(batch), strict=True)
        issued = [Issued(sales.Sell(at=AT, counter_id=one, sale_id=sale, amount=1), BY) for one, sale in told]
        return sum(len(outcome.events) for outcome in await perform(own.running, issued))

    async def lap() -> Lap:
        before = await sales.counted(own)
        async with bench.meter.lap(0) as lap:
            lap.events = await writing(1, write)
        lap.found = tuple(after - was for after, was in zip(await sales.counted(own), before, strict=True))
        lap.expected = (lap.events,) * len(before)
        return lap

    return Contender(US, OURS, lap)


def _ids(count: int) -> list[UUID]:
    """Return new ids, from one question to the system: a question each would be a tenth of what is measured."""
    drawn = os.urandom(16 * count)
    return [UUID(bytes=drawn[at : at + 16]) for at in range(0, len(drawn), 16)]

"""Committed events to Kafka: a backlog, live load and nothing at all, beside what a bare client can do and Debezium."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from shared import feed, relay, topics
from shared.cloudevent import Outgoing, outgoing, source_of
from shared.feed_page import page
from shared.migrations import PARTITIONS
from shared.outlet import open_producer
from shared.running import Running
from tests.benchmarks import live
from tests.benchmarks.bench import Bench
from tests.benchmarks.contest import Contender, Contest, Lap, Sums
from tests.benchmarks.goal import Goal
from tests.benchmarks.peers import debezium
from tests.benchmarks.peers.carried import carried
from tests.benchmarks.store import Store, store
from tests.cell import eventually

US, BARE = "branchline", "bare produce"
EVENTS, PAGE = 30_000, 2_000
GOALS = (
    Goal("backlog", US, "rate", (BARE,), least=0.85),
    Goal("backlog", US, "rate", (debezium.NAME,), least=1.2),
    Goal("backlog", US, "cpu", (debezium.NAME,), most=0.3),
    Goal("live", US, "p50_ms", (debezium.NAME,), most=0.5),
    Goal("idle", US, "core_percent", most=0.5, unit=" % of a core"),
)
OURS = (
    "sequencer and relay as they run in a service: numbers that never change, a chain of predecessors, in order per "
    "partition, at least once, cursor moved after the acknowledgements; idempotent producer, acks=all, zstd, 8 headers"
)
NUMBERED = f"{OURS}; the numbers had been given before"
READ = "the same columns in the order of `seq`, in pages; nothing is sent"
PRODUCE = "the same records made beforehand, in batches of one partition, idempotent producer, acks=all, zstd; no store"
ALONE = "the process that appends, with neither sequencer nor relay in it"

_READ = """
SELECT e.seq, e.part, s.category, s.partition_key, e.stream_id, e.version, e.type, e.shape, e.occurred_at,
       e.recorded_at, e.meta::text AS meta, e.data::text AS data
FROM event e JOIN stream s ON s.id = e.stream_id WHERE e.seq > $1 ORDER BY e.seq LIMIT $2
"""
_LAST = "SELECT coalesce(max(seq), 0) FROM event"
_SENT = "SELECT c.number >= $1 FROM relay_cursor c"
_HEAD = "SELECT number FROM feed_head"


async def measure(bench: Bench) -> None:
    """Play what is chosen."""
    if bench.chosen("backlog"):
        async with AsyncExitStack() as stack:
            await _backlog(bench, stack)
    chosen = [playing for name, playing in (("live", _live), ("idle", _idle)) if bench.chosen(name)]
    if chosen:
        async with _debezium(bench) as its:  # warm for both, which takes longer than either
            for playing in chosen:
                async with AsyncExitStack() as stack:
                    await playing(bench, stack, its)


@dataclass(frozen=True)
class _Debezium:
    """Debezium at work in a warm Java on a store of its own; or why it is absent."""

    own: Store | None = None
    engine: live.Engine | None = None
    absent: Mapping[str, str] = field(default_factory=dict)


@asynccontextmanager
async def _debezium(bench: Bench) -> AsyncIterator[_Debezium]:
    if reason := await debezium.unfit(bench):
        yield _Debezium(absent={debezium.NAME: reason})
        return
    async with store(bench, "live-debezium") as its, debezium.live(bench, its) as engine:
        yield _Debezium(its, engine)


async def _backlog(bench: Bench, stack: AsyncExitStack) -> None:
    own, numbered, bare = [await stack.enter_async_context(store(bench, f"backlog-{n}")) for n in range(3)]
    contenders = [
        Contender("bare ordered read", READ, lambda: _read(bench, bare)),
        Contender(BARE, PRODUCE, lambda: _produce(bench, bare)),
        Contender(f"{US}, relay alone", NUMBERED, lambda: _relay(bench, numbered, is_numbered=True)),
        Contender(US, OURS, lambda: _relay(bench, own, is_numbered=False)),
    ]
    absent = {}
    if reason := await debezium.unfit(bench):
        absent[debezium.NAME] = reason
    else:
        its = await stack.enter_async_context(store(bench, "backlog-debezium"))
        contenders.append(await stack.enter_async_context(debezium.backlog(bench, its, EVENTS)))
    title = f"a backlog of {EVENTS:,} committed events"
    await bench.play(Contest("relay", "backlog", title, contenders, absent=absent))


async def _read(bench: Bench, bare: Store) -> Lap:
    last = await bare.running.pool.fetchval(_LAST)
    await bare.fill(EVENTS)
    async with bench.meter.lap(EVENTS) as lap, bare.running.pool.acquire() as tx:
        found = 0
        while rows := await tx.fetch(_READ, last, PAGE):
            found, last = found + len(rows), rows[-1]["seq"]
    lap.expected, lap.found = (EVENTS,), (found,)
    return lap


async def _produce(bench: Bench, bare: Store) -> Lap:
    head = await bare.running.pool.fetchval(_HEAD)
    await bare.fill(EVENTS)
    pages = [await records(bare, at) for at in range(head, head + EVENTS, PAGE)]
    begins = await topics.ends(bench.settings, bare.topic, PARTITIONS)
    producer = await open_producer(bench.settings)
    try:
        async with bench.meter.lap(EVENTS) as lap:
            for told in pages:
                await asyncio.gather(*(_send(producer, bare.topic, part, of) for part, of in told.items()))
    finally:
        await producer.stop()
    lap.expected, lap.found = (EVENTS, EVENTS), await _arrived(bench, bare.topic, begins)
    return lap


async def records(own: Store, after: int) -> Mapping[int, Sequence[Outgoing]]:
    """Return the records of a page of a store's feed, by partition."""
    told: dict[int, list[Outgoing]] = defaultdict(list)
    async with own.running.pool.acquire() as tx:
        for row in await page(tx, after, PAGE):
            told[row["part"]].append(outgoing(row, own.speaker, source_of(own.running.settings.cell, own.speaker)))
    return told


async def _send(producer: Any, topic: str, part: int, told: Sequence[Outgoing]) -> None:
    batch = producer.create_batch()
    for one in told:
        batch.append(timestamp=one.at, key=one.key, value=one.value, headers=one.headers)
    await (await producer.send_batch(batch, topic, partition=part))


async def _relay(bench: Bench, own: Store, *, is_numbered: bool) -> Lap:
    head = await own.running.pool.fetchval(_HEAD)
    begins = await topics.ends(bench.settings, own.topic, PARTITIONS)
    await own.fill(EVENTS, numbered=is_numbered)
    async with _parts(own.running), bench.meter.lap(EVENTS) as lap:
        await eventually(partial(own.running.pool.fetchval, _SENT, head + EVENTS), tick=0.01)
    lap.expected, lap.found = (EVENTS, EVENTS), await _arrived(bench, own.topic, begins)
    return lap


@asynccontextmanager
async def _parts(running: Running) -> AsyncIterator[None]:
    own = replace(running, stop=asyncio.Event())
    working = [asyncio.create_task(part(own)) for part in (feed.sequencer, relay.relay)]
    try:
        yield
    finally:
        own.stop.set()
        await asyncio.gather(*working)


async def _arrived(bench: Bench, topic: str, begins: Mapping[int, int]) -> Sums:
    """Return how many events the topic has since, and how many different ones; beats are none."""
    ids = [dict(one.headers)["ce_id"] async for one in carried(bench.settings, topic, begins) if one.key is not None]
    return len(ids), len(set(ids))


async def _live(bench: Bench, stack: AsyncExitStack, its: _Debezium) -> None:
    contenders = []
    own = await stack.enter_async_context(store(bench, "live"))
    ours = await stack.enter_async_context(live.teller(bench, own.speaker, "sequencer", "relay"))
    contenders.append(live.contender(bench, own, live.Engine(US, OURS, own.topic, ()), ours))
    if its.own and its.engine:
        bare = await stack.enter_async_context(live.teller(bench, its.own.speaker))
        contenders.append(live.contender(bench, its.own, its.engine, bare))
    title = f"{live.PER_SECOND:,} single appends a second: from the answer to the record, with whatever appends them"
    await bench.play(Contest("relay", "live", title, contenders, absent=its.absent))


async def _idle(bench: Bench, stack: AsyncExitStack, its: _Debezium) -> None:
    own = await stack.enter_async_context(store(bench, "idle"))
    alone = await stack.enter_async_context(live.teller(bench, own.speaker))
    ours = await stack.enter_async_context(live.teller(bench, own.speaker, "sequencer", "relay"))
    contenders = [
        live.idle(bench, live.Engine("a process with nothing in it", ALONE, "", [alone.pid])),
        live.idle(bench, live.Engine(US, OURS, own.topic, [ours.pid])),
    ]
    if its.engine:
        contenders.append(live.idle(bench, its.engine))
    await bench.play(Contest("relay", "idle", "nothing to do", contenders, absent=its.absent, warm=0))

"""Kafka's records to a view in Postgres, and to a reaction's own events, beside bare clients and stream processors."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.applying import Effect
from shared.message import Command
from shared.reacting import reacting
from shared.running import Bell
from shared.views import PAGE
from tests.benchmarks import live_view, totals
from tests.benchmarks.bare_events import BARE, BareEvents, bare_events
from tests.benchmarks.bench import Bench
from tests.benchmarks.contest import Contender, Contest, Lap
from tests.benchmarks.goal import Goal
from tests.benchmarks.heard import PATIENCE, Count, hearing
from tests.benchmarks.peers import bytewax, kafka_streams
from tests.benchmarks.store import Store, store
from tests.benchmarks.topic import Topic, topic
from tests.benchmarks.toy import Added, Note

US, RAW = "branchline", "bare upsert"
EVENTS, COUNTERS, BATCH = 30_000, 30_000, 500
AT = datetime(2026, 11, 2, 12, tzinfo=UTC)
GOALS = (
    Goal("view", US, "rate", (RAW,), least=0.45),
    Goal("view", US, "rate", (kafka_streams.NAME,), least=2),
    Goal("reaction", US, "rate", least=18_000, unit="/s"),
    Goal("live", US, "p99_ms", (kafka_streams.NAME,), most=0.1),
)
VIEW = "each event once and in order, by rows that move in the view's own transaction; durable commit; result in SQL"
REACTION = (
    "each event once and in order, by rows that move in the transaction of the commands' events; durable commit, with "
    "state, versions and order"
)
UPSERT = f"the same rows from memory, {PAGE:,} a statement, durable commit; no Kafka, no place kept"
CONSUME = f"the same client reads {PAGE:,} at once and reads their JSON, no group; nothing is kept"
INSERT = f"the same client reads {BATCH} at once and inserts as many event rows; {BARE}"
BOTH = "both, one after the other: an event may be applied twice, or not at all, when the process dies"


async def measure(bench: Bench) -> None:
    """Play what is chosen."""
    async with AsyncExitStack() as stack:
        own = await stack.enter_async_context(store(bench, "listener"))
        if bench.chosen("view") or bench.chosen("reaction"):
            heard = await stack.enter_async_context(topic(bench, "speaker", EVENTS, COUNTERS))
            if bench.chosen("view"):
                await _views(bench, own, heard)
            if bench.chosen("reaction"):
                await _reactions(bench, own, heard)
    if bench.chosen("live"):
        await live_view.measure(bench, US, VIEW)


async def _views(bench: Bench, own: Store, heard: Topic) -> None:
    absent: dict[str, str] = {}
    contenders = [
        Contender(RAW, UPSERT, lambda: _upsert(bench, own, heard)),
        Contender("bare consume", CONSUME, lambda: _consume(bench, own, heard, is_kept=False)),
        Contender("bare consume and upsert", BOTH, lambda: _consume(bench, own, heard, is_kept=True)),
        Contender(US, VIEW, lambda: _view(bench, own, heard)),
    ]
    async with AsyncExitStack() as stack:
        for peer in (kafka_streams, bytewax):
            if reason := peer.missing():
                absent[peer.NAME] = reason
            else:
                contenders.append(await stack.enter_async_context(peer.view(bench, heard)))
        title = f"{EVENTS:,} records to a total for each of {COUNTERS:,} keys, {PAGE:,} at once"
        await bench.play(Contest("consumer", "view", title, contenders, absent=absent))


async def _upsert(bench: Bench, own: Store, heard: Topic) -> Lap:
    await totals.begin(own.running)
    async with bench.meter.lap(EVENTS) as lap, own.running.pool.acquire() as tx:
        for first in range(0, EVENTS, PAGE):
            await totals.add(tx, heard.told[first : first + PAGE], [1] * PAGE)
    lap.expected, lap.found = (heard.total, heard.counters), await totals.sums(own.running)
    return lap


async def _consume(bench: Bench, own: Store, heard: Topic, *, is_kept: bool) -> Lap:
    await totals.begin(own.running)
    total = 0
    async with own.running.pool.acquire() as tx, reading(bench, heard) as pages, bench.meter.lap(EVENTS) as lap:
        async for told in pages(PAGE):
            total += sum(amount for _, amount in told)
            if is_kept:
                await totals.add(tx, *zip(*told, strict=True))
    lap.expected = (heard.total, heard.counters) if is_kept else (heard.total,)
    lap.found = await totals.sums(own.running) if is_kept else (total,)
    return lap


@asynccontextmanager
async def reading(bench: Bench, heard: Topic) -> AsyncIterator[Callable[[int], AsyncIterator[list[tuple[UUID, int]]]]]:
    """Yield what gives the keys and amounts of the whole topic, in pages, as a bare client reads them."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bench.settings.kafka)
    await consumer.start()
    try:
        places = [TopicPartition(heard.name, part) for part in range(heard.partitions)]
        consumer.assign(places)
        await consumer.seek_to_beginning(*places)

        async def pages(most: int) -> AsyncIterator[list[tuple[UUID, int]]]:
            events = 0
            while events < heard.events:
                if told := _amounts(await consumer.getmany(timeout_ms=100, max_records=most)):
                    events += len(told)
                    yield told

        yield pages
    finally:
        await consumer.stop()


def _amounts(batches: Mapping[Any, Sequence[Any]]) -> list[tuple[UUID, int]]:
    told = [orjson.loads(record.value) for records in batches.values() for record in records if record.key]
    return [(UUID(one["counter_id"]), one["amount"]) for one in told]


async def _view(bench: Bench, own: Store, heard: Topic) -> Lap:
    await totals.begin(own.running)
    lap = await _heard(bench, own, heard, totals.project, PAGE)
    lap.expected, lap.found = (heard.total, heard.counters), await totals.sums(own.running)
    return lap


async def _heard(bench: Bench, own: Store, heard: Topic, effect: Effect, most_at_once: int) -> Lap:
    """Measure from the first batch in hand, when the group has formed, to the end of the last transaction."""
    counted, bell = Count(effect, EVENTS), Bell()
    ear = bell.listen()
    async with asyncio.timeout(PATIENCE), hearing(own.running, heard, counted, most_at_once=most_at_once, bell=bell):
        await counted.has_begun.wait()
        async with bench.meter.lap(EVENTS) as lap:
            while not counted.is_over.is_set():
                await ear.wait()
                ear.clear()
    return lap


async def _reactions(bench: Bench, own: Store, heard: Topic) -> None:
    async with bare_events(bench, own, size=1) as bare:
        contenders = [
            Contender("bare consume and insert", INSERT, lambda: _insert(bench, bare, heard)),
            Contender(US, REACTION, lambda: _reaction(bench, own, heard)),
        ]
        title = f"{EVENTS:,} records, each to a command and an event on one of {COUNTERS:,} streams, {BATCH} at once"
        await bench.play(Contest("consumer", "reaction", title, contenders))


async def _reaction(bench: Bench, own: Store, heard: Topic) -> Lap:
    (before, _) = await own.counted()
    lap = await _heard(bench, own, heard, reacting(own.running.handler, _react), BATCH)
    events, versions = await own.counted()
    lap.expected, lap.found = (EVENTS, 0), (events - before, versions - events)
    return lap


def _react(event: Added) -> Sequence[Command]:
    return [Note.of(event.counter_id, AT)]


async def _insert(bench: Bench, bare: BareEvents, heard: Topic) -> Lap:
    (before,) = await bare.counted()
    events = before
    async with reading(bench, heard) as pages, bench.meter.lap(EVENTS) as lap:
        async for told in pages(BATCH):
            await bare.insert([one for one, _ in told], range(events, events + len(told)))
            events += len(told)
    lap.expected, lap.found = (EVENTS,), ((await bare.counted())[0] - before,)
    return lap

"""Live records to a view: from the broker's acknowledgement to the result that a reader can see. Times are seconds."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any

from aiokafka import AIOKafkaProducer

from shared.cloudevent import outgoing, source_of
from shared.feed_page import page
from tests.benchmarks.bench import LOGS, Bench
from tests.benchmarks.contest import Contender, Contest, Lap
from tests.benchmarks.live import PER_SECOND, SECONDS, SEEN_WITHIN, Engine, open_loop, told_of, watching
from tests.benchmarks.peers import kafka_streams
from tests.benchmarks.program import Program, program
from tests.benchmarks.store import Store, store
from tests.benchmarks.topic import Topic
from tests.cell import environment

EVENTS = PER_SECOND * SECONDS
_HEAD = "SELECT number FROM feed_head"


async def measure(bench: Bench, us: str, guarantees: str) -> None:
    """Play the contest."""
    async with AsyncExitStack() as stack:
        own = await stack.enter_async_context(store(bench, "live-speaker"))
        await stack.enter_async_context(store(bench, "live-listener"))
        command = [sys.executable, "-m", "tests.benchmarks.programs.listener", "live-listener", own.speaker]
        ours = await stack.enter_async_context(
            program(command, LOGS / "listener.log", environment=environment(bench.settings))
        )
        contenders = [Contender(us, guarantees, lambda: _ours(bench, own, ours))]
        absent = {}
        if reason := kafka_streams.missing():
            absent[kafka_streams.NAME] = reason
        else:
            its = await stack.enter_async_context(store(bench, "live-streams"))
            engine = await stack.enter_async_context(kafka_streams.live(bench, _topic(its)))
            contenders.append(Contender(engine.name, engine.guarantees, lambda: _its(bench, its, engine)))
        title = f"{PER_SECOND:,} records a second: from the broker's acknowledgement to the result"
        await bench.play(Contest("consumer", "live", title, contenders, absent=absent))


def _topic(own: Store) -> Topic:
    return Topic(own.topic, own.speaker, 0, 0, 0, ())


async def _ours(bench: Bench, own: Store, ours: Program) -> Lap:
    async with (
        _telling(bench, own) as telling,
        bench.meter.lap(EVENTS, us=[ours.pid], generator=[bench.own]) as lap,
    ):
        acked = await telling.wait()
        seen: dict[str, float] = (await ours.ask(do="seen", count=EVENTS))["seen"]
    return _added_up(lap, acked, seen)


async def _its(bench: Bench, its: Store, engine: Engine) -> Lap:
    async with (
        _telling(bench, its) as telling,
        watching(bench.settings, engine.topic, is_committed=engine.is_committed) as watch,
        bench.meter.lap(EVENTS, us=[], peer=engine.pids, generator=[bench.own]) as lap,
    ):
        watched = asyncio.create_task(watch.until(EVENTS))
        acked = await telling.wait()
        await watched
    return _added_up(lap, acked, watch.seen)


def _added_up(lap: Lap, acked: dict[str, float], seen: dict[str, float]) -> Lap:
    lap.expected, lap.found = (EVENTS, EVENTS, 0), (len(acked), len(acked.keys() & seen), len(seen.keys() - acked))
    lap.values |= told_of(acked, seen)
    return lap


class _Telling:
    def __init__(self, producer: AIOKafkaProducer, topic: str, records: Sequence[tuple[int, Any]]) -> None:
        self._producer, self._topic, self._records = producer, topic, records
        self._acked: dict[str, float] = {}

    async def wait(self) -> dict[str, float]:
        """Send the records at their times; return when each was acknowledged, by key."""
        sent = []
        waiting = iter(self._records)
        async for _due_at in open_loop(PER_SECOND, SECONDS):
            part, one = next(waiting)
            told = {"key": one.key, "value": one.value, "headers": one.headers, "timestamp_ms": one.at}
            future = await self._producer.send(self._topic, partition=part, **told)
            future.add_done_callback(partial(self._note, one.key.decode()))
            sent.append(future)
        await asyncio.wait_for(asyncio.gather(*sent), SEEN_WITHIN)
        return self._acked

    def _note(self, key: str, _sent: object) -> None:
        self._acked[key] = time.perf_counter()


@asynccontextmanager
async def _telling(bench: Bench, own: Store) -> AsyncIterator[_Telling]:
    """Yield what will send new events of a store, whose records are made before."""
    head = await own.running.pool.fetchval(_HEAD)
    await own.fill(EVENTS)
    source = source_of(bench.settings.cell, own.speaker)
    async with own.running.pool.acquire() as tx:
        records = [(row["part"], outgoing(row, own.speaker, source)) for row in await page(tx, head, EVENTS)]
    producer = AIOKafkaProducer(bootstrap_servers=bench.settings.kafka, acks="all", enable_idempotence=True)
    await producer.start()
    try:
        yield _Telling(producer, own.topic, records)
    finally:
        await producer.stop()

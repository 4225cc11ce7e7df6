"""What the channel carries: a relay's backlog, a fenced view, a reaction, each beside a bare baseline. Events a second.

Everything runs in this one process, so that a figure is also what one core can do.
"""

import asyncio
import gc
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast
from uuid import UUID, uuid4

from shared.channel import Place
from shared.cloudevent import Outgoing, outgoing, source_of
from shared.consumer import Consumer
from shared.feed_page import between
from shared.message import BEGINNING, Envelope, Vocabulary
from shared.migrations import provision
from shared.outlet import Outlet
from shared.parts import GARBAGE_AFTER
from shared.postgres import Tx
from shared.reacting import reacting
from shared.relay import PAGE, Relay
from shared.running import Running, finish, start
from shared.service import Service
from shared.settings import Settings
from shared.store import partition_of
from shared.topics import ensure
from tests.shared.toy import COUNTER, NAME, TOY, Add, Added

EVENTS, BATCH, PARTITIONS = 100_000, 1_000, 12
LISTENER = "inventory"
NOTE = "x" * 180  # the event is about 300 bytes, as one of the salon's is

_STORE = """
SELECT append_events($1, $2, $1, $3, $4, $5, $6, $1, $4, $7, $5, $8, $9, $10, $11)
"""
_UPSERT = """
INSERT INTO counters (id, total)
SELECT id, sum(amount) FROM unnest($1::uuid[], $2::int[]) AS c (id, amount) GROUP BY id ORDER BY id
ON CONFLICT (id) DO UPDATE SET total = counters.total + excluded.total
"""


@dataclass(frozen=True)
class Rate:
    """How long all events took, and how much of it was this process's own work. Seconds."""

    name: str
    seconds: float
    own: float

    @property
    def a_second(self) -> float:
        """Return events a second."""
        return EVENTS / self.seconds

    def beside(self, bare: "Rate") -> str:
        """Return a line of both."""
        own = f"{self.a_second:,.0f}/s at {self.own / EVENTS * 1e6:.1f} us of CPU"
        return f"{self.name}: {own}, {self.a_second / bare.a_second:.2f} of {bare.name} ({bare.a_second:,.0f}/s)"


class Clock:
    """Starts when it is made."""

    def __init__(self) -> None:
        self._began, self._own = time.perf_counter(), time.process_time()

    def rate(self, name: str) -> Rate:
        """Return the rate since the start."""
        return Rate(name, time.perf_counter() - self._began, time.process_time() - self._own)


async def measure(settings: Settings, _folder: Path) -> list[str]:
    """Fill a store, relay it, hear it twice."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GARBAGE_AFTER)
    async with AsyncExitStack() as opened:
        for name in (NAME, LISTENER):
            await provision(settings, name, None, partitions=PARTITIONS)
        speaker = await start(TOY, settings)
        opened.push_async_callback(finish, speaker)
        listener = await start(Service(LISTENER, aggregates=(COUNTER,)), settings)
        opened.push_async_callback(finish, listener)
        await listener.pool.execute("CREATE TABLE counters (id uuid PRIMARY KEY, total int)")
        await _fill(speaker)
        await ensure(settings, settings.topic(NAME), PARTITIONS)
        await ensure(settings, settings.topic("warm"), PARTITIONS)
        bare_sends = await _bare_sends(speaker)
        relayed = await _timed("relay of a backlog", lambda: _drain(speaker))
        bare_upserts = await _timed("bare upserts of 1,000", lambda: _upserts(listener))
        await listener.pool.execute("TRUNCATE counters")
        viewed = await _heard(listener, "view", _view, 1_000)
        reacted = await _heard(listener, "reaction", reacting(listener.handler, _react), 500)
        return [relayed.beside(bare_sends), viewed.beside(bare_upserts), reacted.beside(viewed)]


async def _timed(name: str, act: Callable[[], Awaitable[None]]) -> Rate:
    clock = Clock()
    await act()
    return clock.rate(name)


async def _fill(speaker: Running) -> None:
    body = f'{{"at": "2026-11-02T12:00:00Z", "counter_id": "{uuid4()}", "amount": 1, "note": "{NOTE}"}}'
    n = BATCH
    async with speaker.pool.acquire() as tx:
        for _ in range(EVENTS // BATCH):
            ids = sorted(uuid4() for _ in range(n))
            parts = [partition_of(one, PARTITIONS) for one in ids]
            told = (["2026-11-02T12:00Z"] * n, [body] * n, ['{"correlation": "bench", "causation": "bench"}'] * n)
            streams = (ids, ["counter"] * n, [0] * n, [1] * n, [1] * n, ['{"total": 1}'] * n)
            await tx.execute(_STORE.replace("$9", "$9::text[]::timestamptz[]"), *streams, parts, ["Added"] * n, *told)
        await tx.execute("SELECT number_events()")


async def _bare_sends(speaker: Running) -> Rate:
    """Send the same records as they are, made beforehand."""
    outlet = Outlet(speaker.settings, speaker.settings.topic("warm"))
    source = source_of(speaker.settings.cell, NAME)
    pages: list[dict[int, list[Outgoing]]] = []
    async with speaker.pool.acquire() as tx:
        for page in range(0, EVENTS, PAGE):
            pages.append(defaultdict(list))
            for row in await between(tx, page, page + PAGE):
                pages[-1][row["part"]].append(outgoing(row, NAME, source))

    async def send() -> None:
        for records in pages:
            await outlet.deliver(records)

    rate = await _timed("bare sends", send)
    await outlet.close()
    return rate


async def _drain(speaker: Running) -> None:
    work = Relay(speaker, lease=60)
    led = await work.lead()
    while led and led.number < EVENTS:
        page = await work.read(led.number)
        await work.deliver(page)
        led = await work.move(led, page)
    await work.outlet.close()


async def _upserts(listener: Running) -> None:
    async with listener.pool.acquire() as tx:
        for _ in range(EVENTS // 1_000):
            await tx.execute(_UPSERT, [uuid4() for _ in range(1_000)], [1] * 1_000)


async def _view(tx: Tx, told: Sequence[Envelope]) -> None:
    await tx.execute(_UPSERT, [one.stream_id for one in told], [cast(Added, one.event).amount for one in told])


def _react(event: Added) -> list[Add]:
    return [Add(at=event.at, counter_id=UUID(int=event.counter_id.int ^ uuid4().int, version=4), amount=event.amount)]


async def _heard(
    listener: Running, name: str, effect: Callable[[Tx, Sequence[Envelope]], Awaitable[None]], most: int
) -> Rate:
    """Hear the whole topic from Kafka; the time counts from the first batch on, when the group has formed."""
    clock: Clock | None = None
    heard = 0
    over = asyncio.Event()

    async def counted(tx: Tx, told: Sequence[Envelope]) -> None:
        nonlocal clock, heard
        clock = clock or Clock()
        await effect(tx, told)
        heard += len(told)
        if heard == EVENTS:
            over.set()

    own = replace(listener, stop=asyncio.Event())
    consumer = Consumer(own, name, NAME, Vocabulary((Added,)), counted, most_at_once=most)
    async with listener.pool.acquire() as tx:
        await consumer.applier.fence.place(tx, {part: Place(BEGINNING, 0) for part in range(PARTITIONS)})
    task = asyncio.create_task(consumer.run())
    async with asyncio.timeout(120):
        await over.wait()
    assert clock
    rate = clock.rate(name)
    own.stop.set()
    await task
    return rate

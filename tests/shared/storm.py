"""A storm over the channel: many writers, a foreign transaction left open, relays and consumers that die at random."""

import asyncio
import gc
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from uuid import UUID, uuid4

import asyncpg

from shared import topics
from shared.errors import Conflict
from shared.feed import sequencer
from shared.message import Issued
from shared.relay import relay
from shared.running import Running
from tests.shared.pair import CAUSE, PARTITIONS, Pair, out_of_order, twice
from tests.shared.toy import NAME, Add, at

Told = tuple[UUID, int]
Part = Callable[[Running], Awaitable[None]]

WRITERS, STREAMS = 32, 40
EVENTS = 400  # at least
LONGEST_STORM, CALM = 10.0, 12.0  # seconds: of writing, and without anything new before what is missing is lost
LONGEST_SLEEP = 0.01
ROLLBACKS = 0.1
SHORTEST_LIFE, LONGEST_LIFE = 0.1, 0.5

_OWN = "CREATE TABLE own (writer int PRIMARY KEY, times int NOT NULL DEFAULT 0)"
_TOUCH = "INSERT INTO own (writer) VALUES ($1) ON CONFLICT (writer) DO UPDATE SET times = own.times + 1"
_TOLD = "SELECT stream_id, version FROM heard ORDER BY id"
_FEED = "SELECT count(*), coalesce(max(number), 0) FROM feed"
_COMMITTED = "SELECT stream_id, version FROM event"


@dataclass(frozen=True)
class Aftermath:
    """What the storm left: events committed and not applied, applied twice, applied after a later one of a stream."""

    committed: int
    lost: list[Told]
    twice: list[Told]
    out_of_order: list[Told]
    has_gaps: bool

    @property
    def is_well(self) -> bool:
        """Return whether every committed event was applied once and in order, and the feed has every number."""
        return not (self.lost or self.twice or self.out_of_order or self.has_gaps)


async def storm(two: Pair) -> Aftermath:
    """Let it blow, then wait until nothing more is heard, and say what is left."""
    await two.speaker.pool.execute(_OWN)
    over = asyncio.Event()
    lives: list[Callable[[], Awaitable[None]]] = [
        lambda: _reborn(two.speaker, sequencer, over),
        lambda: _reborn(two.speaker, sequencer, over),
        lambda: _reborn(two.speaker, relay, over),
        lambda: _reborn(two.speaker, relay, over, survives=False),
        lambda: _reheard(two, over),
        lambda: _reheard(two, over),
    ]
    tasks = [asyncio.ensure_future(life()) for life in lives]
    foreign = await asyncpg.connect(two.settings.database_url)
    try:
        streams = [uuid4() for _ in range(STREAMS)]
        open_one = foreign.transaction()
        await open_one.start()
        await foreign.execute("SELECT pg_current_xact_id()")
        count = _Count()
        await asyncio.gather(*(_write(two.speaker, writer, streams, count) for writer in range(WRITERS)))
        await open_one.rollback()
        over.set()
        return await _aftermath(two)
    finally:
        await foreign.close()
        over.set()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        gc.collect()  # what the killed have left open is this test's


@dataclass
class _Count:
    events: int = 0


async def _write(speaker: Running, writer: int, streams: list[UUID], count: _Count) -> None:
    """Write until there is enough: an own row first, then events, with sleeps, and now and then all for nothing."""
    loop = asyncio.get_running_loop()
    until = loop.time() + LONGEST_STORM
    connection = await asyncpg.connect(
        speaker.settings.service_url(NAME), server_settings={"search_path": _path(speaker)}
    )
    try:
        while loop.time() < until and count.events < EVENTS:
            with suppress(Conflict, asyncpg.DeadlockDetectedError, _Rollback):
                async with connection.transaction():
                    await connection.execute(_TOUCH, writer)
                    await asyncio.sleep(random.uniform(0, LONGEST_SLEEP))
                    chosen = random.sample(streams, random.randint(1, 3))
                    issued = [Issued(Add(counter_id=one, amount=1, at=at(0)), CAUSE) for one in chosen]
                    await speaker.handler.handle(connection, issued)
                    await asyncio.sleep(random.uniform(0, LONGEST_SLEEP))
                    if random.random() < ROLLBACKS:
                        raise _Rollback
                count.events += len(chosen)
    finally:
        await connection.close()


class _Rollback(Exception):
    pass


def _path(running: Running) -> str:
    schema = running.settings.schema(NAME)
    return f"{schema}_views,{schema}"


async def _reborn(speaker: Running, part: Part, over: asyncio.Event, *, survives: bool = True) -> None:
    """Run a part that dies at random while the storm lasts, wherever it is, and comes again."""
    while survives or not over.is_set():
        life = asyncio.ensure_future(part(replace(speaker, stop=asyncio.Event())))
        try:
            await asyncio.sleep(random.uniform(SHORTEST_LIFE, LONGEST_LIFE))
            if over.is_set() and survives:
                await life
        finally:
            life.cancel()
            await asyncio.wait([life])


async def _reheard(two: Pair, over: asyncio.Event) -> None:
    """Run a consumer that leaves in the storm, and comes again."""
    first = two.consumer()
    life = asyncio.create_task(first.run())
    await asyncio.wait([asyncio.ensure_future(over.wait())], timeout=random.uniform(1.0, 3.0))
    first.applier.running.stop.set()
    await life
    await two.consumer().run()


async def _aftermath(two: Pair) -> Aftermath:
    loop = asyncio.get_running_loop()
    committed = {(row["stream_id"], row["version"]) for row in await two.speaker.pool.fetch(_COMMITTED)}
    told: list[Told] = []
    until = loop.time() + CALM
    while loop.time() < until and not (committed <= set(told) and await _is_over(two)):
        await asyncio.sleep(0.1)
        found = [(row["stream_id"], row["version"]) for row in await two.listener.pool.fetch(_TOLD)]
        until = loop.time() + CALM if len(found) > len(told) else until
        told = found
    count, highest = await two.speaker.pool.fetchrow(_FEED) or (0, 0)
    told = [(row["stream_id"], row["version"]) for row in await two.listener.pool.fetch(_TOLD)]
    lost = sorted(committed - set(told))
    return Aftermath(len(committed), lost, twice(told), out_of_order(told), count != highest)


async def _is_over(two: Pair) -> bool:
    """Return whether the relay has nothing left to send, and the consumer has read all that Kafka has, repeats too."""
    if not await two.speaker.pool.fetchval("SELECT c.number = h.number FROM relay_cursor c, feed_head h"):
        return False
    ends = await topics.ends(two.settings, two.topic, PARTITIONS)
    await asyncio.sleep(0.1)
    return all(place.next_offset >= ends[part] for part, place in (await two.places()).items())

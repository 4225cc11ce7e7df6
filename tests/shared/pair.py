"""Two services on real servers: the toy speaks, the other keeps what it hears in a table, in the order of applying."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

import asyncpg

from shared.channel import Place
from shared.consumer import Consumer
from shared.message import Cause, Envelope, Issued, Vocabulary
from shared.migrations import provision
from shared.parts import serving
from shared.performing import perform
from shared.postgres import Tx
from shared.running import Running, StartFrom, finish, start
from shared.service import Service
from shared.settings import Settings
from tests.shared.toy import NAME, TOY, Add, Added, at

LISTENER = "inventory"
PARTITIONS = 4
CAUSE = Cause("test", "test")
VOCABULARY = Vocabulary((Added,))
DEADLINE = 15.0

_HEARD = """
CREATE TABLE IF NOT EXISTS heard (
  id bigint GENERATED ALWAYS AS IDENTITY, stream_id uuid, version int, amount int, key uuid
)
"""
_KEEP = """
INSERT INTO heard (stream_id, version, amount, key)
SELECT * FROM unnest($1::uuid[], $2::int[], $3::int[], $4::uuid[])
"""


@dataclass
class Poison:
    """Amounts at which the effect meets a bug."""

    amounts: set[int] = field(default_factory=set)


@dataclass
class Pair:
    """The speaker, open or at work, and the listener, open."""

    settings: Settings
    speaker: Running
    listener: Running
    poison: Poison

    @property
    def topic(self) -> str:
        """Return the speaker's topic."""
        return self.settings.topic(NAME)

    def consumer(self, *, start_from: StartFrom | None = "beginning", most_at_once: int = 500) -> Consumer:
        """Return a consumer that keeps what it hears; `stop` is its own."""
        running = replace(self.listener, stop=asyncio.Event(), start_from=start_from)
        return Consumer(running, LISTENER, NAME, VOCABULARY, self.keep, most_at_once=most_at_once)

    async def keep(self, tx: Tx, told: Sequence[Envelope]) -> None:
        """Keep what was told; meet the bug."""
        added = [(e.stream_id, e.version, e.event.amount, e.key) for e in told if isinstance(e.event, Added)]
        if self.poison.amounts & {amount for _, _, amount, _ in added}:
            raise RuntimeError("a bug")
        await tx.execute(_KEEP, *(list(column) for column in zip(*added, strict=True)))

    async def say(self, *told: tuple[UUID, int]) -> None:
        """Let the speaker add to counters."""
        await perform(self.speaker, [Issued(Add(counter_id=i, amount=n, at=at(0)), CAUSE) for i, n in told])

    async def heard(self) -> list[asyncpg.Record]:
        """Return what was applied, in the order it was."""
        return await self.listener.pool.fetch("SELECT stream_id, version, amount, key FROM heard ORDER BY id")

    async def amounts(self, stream_id: UUID | None = None) -> list[int]:
        """Return the amounts that were applied, of one counter or all."""
        return [row["amount"] for row in await self.heard() if stream_id in (None, row["stream_id"])]

    async def until_heard(self, amounts: Sequence[int], stream_id: UUID | None = None) -> None:
        """Wait until exactly these amounts have been applied."""
        wanted = list(amounts) if stream_id else sorted(amounts)

        async def are_heard() -> bool:
            found = await self.amounts(stream_id)
            return (found if stream_id else sorted(found)) == wanted

        await eventually(are_heard)

    async def places(self) -> dict[int, Place]:
        """Return how far the listener's consumer is."""
        async with self.listener.pool.acquire() as tx:
            return await self.consumer().applier.fence.places(tx)

    async def rows(self, table: str) -> list[asyncpg.Record]:
        """Return the rows of one of the listener's kernel tables."""
        return await self.listener.pool.fetch(" ".join(["SELECT * FROM", table]))


@asynccontextmanager
async def pair(
    settings: Settings, *, parts: tuple[str, ...] = ("sequencer", "relay", "http"), speaker: Service = TOY
) -> AsyncIterator[Pair]:
    """Provision both and open them, the speaker with these parts at work."""
    await provision(settings, NAME, None, partitions=PARTITIONS)
    await provision(settings, LISTENER, None, partitions=PARTITIONS)
    async with AsyncExitStack() as opened:
        listener = await start(Service(LISTENER), settings)
        opened.push_async_callback(finish, listener)
        await listener.pool.execute(_HEARD)
        told = await opened.enter_async_context(serving(speaker, settings, parts=parts))
        yield Pair(settings, told, listener, Poison())


@asynccontextmanager
async def at_work(*consumers: Consumer) -> AsyncIterator[None]:
    """Let consumers hear while the block lasts; what ends one of them is raised."""
    tasks = [asyncio.create_task(consumer.run()) for consumer in consumers]
    try:
        yield
    finally:
        for consumer in consumers:
            consumer.applier.running.stop.set()
        await asyncio.gather(*tasks)


async def owner(two: Pair, statements: str) -> None:
    """Do what only the owner of the speaker's tables may."""
    connection = await asyncpg.connect(two.settings.database_url)
    await connection.execute("SELECT set_config('search_path', $1, false)", two.settings.schema(NAME))
    await connection.execute(statements)
    await connection.close()


async def eventually(holds: Callable[[], Awaitable[Any]], deadline: float = DEADLINE) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(deadline):
        while not await holds():
            await asyncio.sleep(0.02)


def twice(told: Sequence[tuple[UUID, int]]) -> list[tuple[UUID, int]]:
    """Return the events that are there more than once."""
    return [one for one, times in Counter(told).items() if times > 1]


def out_of_order(told: Sequence[tuple[UUID, int]]) -> list[tuple[UUID, int]]:
    """Return the events that came after a later one of their stream."""
    late, highest = [], defaultdict[UUID, int](int)
    for stream_id, version in told:
        if version < highest[stream_id]:
            late.append((stream_id, version))
        highest[stream_id] = max(highest[stream_id], version)
    return late

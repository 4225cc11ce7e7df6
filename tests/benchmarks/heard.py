"""A topic heard by the kernel's consumer, from its first record on, under a new name each time."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from secrets import token_hex

from shared.applying import Effect
from shared.channel import Place
from shared.consumer import Consumer
from shared.message import BEGINNING, Envelope, Vocabulary
from shared.postgres import Tx
from shared.running import Bell, Running
from tests.benchmarks.topic import Topic
from tests.benchmarks.toy import Added

PATIENCE = 120.0  # seconds


class Count:
    """An effect that knows how many events it was given, in transactions that may not have ended yet."""

    def __init__(self, effect: Effect, most: int) -> None:
        self._effect, self._most = effect, most
        self._heard = 0
        self.has_begun, self.is_over = asyncio.Event(), asyncio.Event()

    async def __call__(self, tx: Tx, told: Sequence[Envelope]) -> None:
        """Do what the effect does, and count."""
        self.has_begun.set()
        await self._effect(tx, told)
        self._heard += len(told)
        if self._heard >= self._most:
            self.is_over.set()


@asynccontextmanager
async def hearing(
    running: Running, topic: Topic, effect: Effect, *, most_at_once: int, bell: Bell | None = None
) -> AsyncIterator[None]:
    """Let a new consumer of the service hear the topic while the block lasts."""
    own = replace(running, stop=asyncio.Event())
    name, vocabulary = f"heard-{token_hex(4)}", Vocabulary((Added,))
    consumer = Consumer(own, name, topic.speaker, vocabulary, effect, most_at_once=most_at_once, bell=bell)
    async with running.pool.acquire() as tx:
        places = {part: Place(BEGINNING, 0) for part in range(topic.partitions)}
        await consumer.applier.fence.place(tx, places)
    task = asyncio.create_task(consumer.run())
    try:
        yield
    finally:
        own.stop.set()
        await task

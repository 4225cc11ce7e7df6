"""A topic as a service's relay fills it, for whoever is to read it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

from shared.migrations import PARTITIONS
from shared.relay import Relay
from tests.benchmarks.bench import Bench
from tests.benchmarks.store import Store, store

LEASE = 60.0  # seconds


@dataclass(frozen=True)
class Topic:
    """What the records say: `total` is the sum of their amounts, `counters` how many different keys there are."""

    name: str
    speaker: str
    events: int
    total: int
    counters: int
    told: tuple[UUID, ...]  # the keys, each once
    partitions: int = PARTITIONS


@asynccontextmanager
async def topic(bench: Bench, name: str, events: int, counters: int) -> AsyncIterator[Topic]:
    """Yield a topic with so many events, those of a counter spread over all of it."""
    async with store(bench, name) as own:
        ids = await own.fill(events, streams=counters)
        await relayed(own)
        yield Topic(own.topic, own.speaker, events, events, counters, tuple(ids))


async def relayed(own: Store) -> None:
    """Send what has numbers and is not sent."""
    work = Relay(own.running, lease=LEASE)
    led = await work.lead()
    assert led
    while (page := await work.read(led.number)).upto > led.number:
        await work.deliver(page)
        moved = await work.move(led, page)
        assert moved
        led = moved
    await work.outlet.close()
    await work.leave(led)

"""Live load: events at a steady rate whether or not earlier ones got anywhere, and when each shows at the other end.

The clock is the machine's monotonic one, the same for every process. Times are seconds.
"""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.settings import Settings
from tests.benchmarks.bench import LOGS, Bench
from tests.benchmarks.contest import Contender, Lap
from tests.benchmarks.meter import latencies
from tests.benchmarks.program import Program, program
from tests.benchmarks.store import Store
from tests.cell import environment

PER_SECOND, SECONDS = 1_000, 4
WARM_UP = 0.1  # the share of a lap's first events that is left out
SEEN_WITHIN = 30.0
IDLE = 5.0


@dataclass(frozen=True)
class Engine:
    """Somebody who takes events on as they come; the key of each record in `topic` is the stream's id."""

    name: str
    guarantees: str
    topic: str
    pids: Sequence[int]
    is_committed: bool = False  # to be read with isolation_level=read_committed


@dataclass
class Watch:
    """When the records of a topic were seen, by key."""

    consumer: AIOKafkaConsumer
    seen: dict[str, float] = field(default_factory=dict)

    async def until(self, count: int) -> None:
        """Read until so many keys were seen, or none has come for long."""
        quiet_since = time.perf_counter()
        while len(self.seen) < count and time.perf_counter() - quiet_since < SEEN_WITHIN:
            batches = await self.consumer.getmany(timeout_ms=100)
            now = time.perf_counter()
            for records in batches.values():
                quiet_since = now
                for record in records:
                    if record.key is not None:
                        self.seen.setdefault(record.key.decode(), now)


async def open_loop(per_second: float, seconds: float) -> AsyncIterator[float]:
    """Give instants at which something is due, each when it has come, on the monotonic clock."""
    began = time.perf_counter()
    for place in range(int(per_second * seconds)):
        due_at = began + place / per_second
        if (wait := due_at - time.perf_counter()) > 0:
            await asyncio.sleep(wait)
        yield due_at


@asynccontextmanager
async def watching(settings: Settings, topic: str, *, is_committed: bool = False) -> AsyncIterator[Watch]:
    """Yield a watch on what comes to the topic from now on."""
    isolation = "read_committed" if is_committed else "read_uncommitted"
    consumer = AIOKafkaConsumer(bootstrap_servers=settings.kafka, isolation_level=isolation, fetch_max_wait_ms=20)
    await consumer.start()
    try:
        places = [TopicPartition(topic, part) for part in await _parts(consumer, topic)]
        consumer.assign(places)
        await consumer.seek_to_end(*places)
        await asyncio.gather(*(consumer.position(place) for place in places))
        yield Watch(consumer)
    finally:
        await consumer.stop()


@asynccontextmanager
async def teller(bench: Bench, speaker: str, *parts: str, views: Path | None = None) -> AsyncIterator[Program]:
    """Yield a process that appends to a service's store at a rate, with these parts of the kernel in it."""
    command = [sys.executable, "-m", "tests.benchmarks.programs.teller", speaker, *parts]
    command += [f"--views={views}"] if views else []
    log = LOGS / f"teller-{speaker}-{'-'.join(parts)}.log"
    async with program(command, log, environment=environment(bench.settings)) as one:
        yield one


def contender(bench: Bench, store: Store, engine: Engine, telling: Program) -> Contender:
    """Return what tells events at a rate and watches the engine's topic; the reader's time is the generator's."""

    async def lap() -> Lap:
        before = (await store.counted())[0]
        async with watching(bench.settings, engine.topic, is_committed=engine.is_committed) as watch:
            processes = {"us": [telling.pid], "generator": [bench.own], "peer": engine.pids}
            async with bench.meter.lap(PER_SECOND * SECONDS, **processes) as lap:
                told = asyncio.create_task(telling.ask(do="tell", per_second=PER_SECOND, seconds=SECONDS))
                await watch.until(lap.events)
                answered: Mapping[str, float] = (await told)["answered"]
        lap.expected = (lap.events, lap.events, 0)
        lap.found = (
            (await store.counted())[0] - before,
            len(watch.seen.keys() & answered.keys()),
            len(watch.seen.keys() - answered.keys()),
        )
        lap.values |= told_of(answered, watch.seen)
        return lap

    return Contender(engine.name, engine.guarantees, lap)


def idle(bench: Bench, engine: Engine) -> Contender:
    """Return what does nothing for a while; the figure is the share of a core that it takes all the same."""

    async def lap() -> Lap:
        async with bench.meter.lap(0, idle=engine.pids) as lap:
            await asyncio.sleep(IDLE)
        lap.values["core_percent"] = lap.cpu["idle"] / lap.seconds * 100
        lap.expected = lap.found = (0,)
        lap.cpu = {}
        return lap

    return Contender(engine.name, engine.guarantees, lap)


def told_of(answered: Mapping[str, float], seen: Mapping[str, float]) -> dict[str, float]:
    """Return the figures of the time between, without the first that were answered."""
    counted = sorted(answered, key=lambda key: answered[key])[int(len(answered) * WARM_UP) :]
    return latencies([max(0.0, seen[key] - answered[key]) for key in counted if key in seen])


async def _parts(consumer: AIOKafkaConsumer, topic: str) -> list[int]:
    await consumer._client.add_topic(topic)
    async with asyncio.timeout(SEEN_WITHIN):
        while not (parts := consumer.partitions_for_topic(topic)):
            await asyncio.sleep(0.1)
    return sorted(parts)

"""Kafka Streams beside the fenced view: the same totals from the same topic, exactly once, on one thread.

Its result lies in RocksDB and in a changelog topic, which others can read; the view's lies in Postgres.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from itertools import count

from tests.benchmarks.bench import Bench
from tests.benchmarks.contest import Contender, Lap, Sums
from tests.benchmarks.live import Engine
from tests.benchmarks.peers.carried import carried
from tests.benchmarks.peers.java import LOGGER, JavaPeer
from tests.benchmarks.program import Program
from tests.benchmarks.topic import Topic

NAME = "kafka_streams"
VERSION = "4.3.1"
PEER = JavaPeer(NAME, "StreamsTotals", (f"org.apache.kafka:kafka-streams:{VERSION}", LOGGER))
GUARANTEES = (
    f"Kafka Streams {VERSION}, exactly_once_v2, one thread, RocksDB and a changelog topic, Jackson, a commit every "
    "100 ms (its own default); the result is to be read in a topic"
)
WARM = "the time is that of the first record to the last commit, in a warm Java"

_NUMBERS = count(1)
_STREAMS = {
    "processing.guarantee": "exactly_once_v2",
    "num.stream.threads": "1",
    "commit.interval.ms": "100",
}


class Totals:
    """The application, under a new name each time, so that it begins with nothing."""

    def __init__(self, bench: Bench, topic: Topic) -> None:
        self._bench, self._topic = bench, topic

    def name(self) -> str:
        """Return a name that nobody had."""
        return f"{self._topic.name}-totals-{next(_NUMBERS)}"

    async def start(self, engine: Program, name: str) -> None:
        """Let the engine take the topic in from its beginning."""
        await engine.ask(streams=self._settings(name), topic=self._topic.name)

    async def lap(self, running: Program | None) -> Lap:
        """Let a running engine, else a new one, take all of the topic in."""
        name = self.name()
        lap = await PEER.lap(self._bench, self._topic.events, running, lambda engine: self.start(engine, name))
        lap.expected, lap.found = (self._topic.total, self._topic.counters), await self._found(result(name))
        return lap

    async def _found(self, totals: str) -> Sums:
        begins = dict.fromkeys(range(self._topic.partitions), 0)
        last = {one.key: int.from_bytes(one.value) async for one in carried(self._bench.settings, totals, begins)}
        return sum(last.values()), len(last)

    def _settings(self, name: str) -> Mapping[str, str]:
        own = {"application.id": name, "bootstrap.servers": self._bench.settings.kafka}
        return {**_STREAMS, **own, "state.dir": str(self._bench.folder / "streams")}


@asynccontextmanager
async def view(bench: Bench, topic: Topic) -> AsyncIterator[Contender]:
    """Give Kafka Streams with all of a topic before it."""
    async with PEER.warmed(Totals(bench, topic).lap) as lap:
        yield Contender(NAME, f"{GUARANTEES}; {WARM}", lap)


@asynccontextmanager
async def live(bench: Bench, topic: Topic) -> AsyncIterator[Engine]:
    """Give Kafka Streams at work."""
    totals = Totals(bench, topic)
    async with PEER.program() as engine:
        name = totals.name()
        await totals.start(engine, name)
        yield Engine(NAME, GUARANTEES, result(name), [engine.pid], is_committed=True)
        await engine.ask()


def result(name: str) -> str:
    """Return the topic where the totals of this application are to be read."""
    return f"{name}-totals-changelog"


def missing() -> str:
    """Return why it cannot run here."""
    return PEER.missing


def fetch() -> None:
    """Fetch and compile it."""
    PEER.fetch()

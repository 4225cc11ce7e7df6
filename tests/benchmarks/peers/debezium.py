"""Debezium's embedded engine beside the sequencer and the relay: it reads the rows of `event` out of Postgres's log.

Its outbox router takes our own table, so that the transactions that it reads are the same: an outbox table of its usual
form would cost one more insert. Key, value, compression and durability of its records are those of ours.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from itertools import count
from urllib.parse import unquote, urlsplit
from zlib import crc32

import asyncpg

from shared import topics
from shared.migrations import PARTITIONS
from tests.benchmarks.bench import Bench
from tests.benchmarks.contest import Contender, Lap, Sums
from tests.benchmarks.live import Engine
from tests.benchmarks.peers.carried import carried
from tests.benchmarks.peers.java import LOGGER, WARM_UP, JavaPeer
from tests.benchmarks.program import Program
from tests.benchmarks.store import Store
from tests.cell import eventually

NAME = "debezium"
VERSION = "3.3.1.Final"
PEER = JavaPeer(
    NAME,
    "DebeziumRelay",
    (f"io.debezium:debezium-embedded:{VERSION}", f"io.debezium:debezium-connector-postgres:{VERSION}", LOGGER),
)
WARM_UP_EVENTS = 60_000
MARK = "branchline_bench_"  # begins the name of each slot, so that those of a killed run are found
GUARANTEES = (
    f"Debezium {VERSION} embedded, outbox router on the same table: commit order, at least once, no chain by which a "
    "consumer would see a repeat or a gap; idempotent producer, acks=all, zstd, six headers where ours have eight"
)
WARM = "the time is that of the first batch to the last acknowledgement, in a warm Java"

_NUMBERS = count(1)
_SLOT = "SELECT pg_create_logical_replication_slot($1, 'pgoutput')"
_FREE = """
SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE starts_with(slot_name, $1) AND NOT active
"""
_HELD = "SELECT count(*) FROM pg_replication_slots WHERE starts_with(slot_name, $1)"
_LAST = "SELECT coalesce(max(seq), 0) FROM event"
_TOLD = "SELECT stream_id::text, data::text FROM event WHERE seq > $1"
_PRODUCER = {
    "acks": "all",
    "enable.idempotence": "true",
    "linger.ms": "2",
    "batch.size": str(512 * 1024),  # as our relay's
    "compression.type": "zstd",
}
_ROUTER = {
    "transforms": "outbox",
    "transforms.outbox.type": "io.debezium.transforms.outbox.EventRouter",
    "transforms.outbox.table.field.event.id": "seq",
    "transforms.outbox.table.field.event.key": "stream_id",
    "transforms.outbox.table.field.event.payload": "data",
    "transforms.outbox.table.fields.additional.placement": (
        "type:header,version:header,shape:header,occurred_at:header,meta:header"
    ),
    "transforms.outbox.route.by.field": "type",
}
_ENGINE = {
    "connector.class": "io.debezium.connector.postgresql.PostgresConnector",
    "plugin.name": "pgoutput",
    "publication.autocreate.mode": "disabled",
    "snapshot.mode": "no_data",
    "poll.interval.ms": "10",
    "offset.storage": "org.apache.kafka.connect.storage.FileOffsetBackingStore",
    "offset.flush.interval.ms": "1000",
}


@dataclass(frozen=True)
class Begin:
    """Where a lap begins, in the table and on the topic."""

    seq: int
    ends: Mapping[int, int]


class Watched:
    """A store that Debezium may read: a publication of its events, and a slot for each time."""

    def __init__(self, bench: Bench, store: Store, owner: "asyncpg.Connection[asyncpg.Record]") -> None:
        self._bench, self._store, self._owner = bench, store, owner
        self.publication = f"{MARK}{bench.settings.cell}_{next(_NUMBERS)}"

    async def slot(self) -> str:
        """Make a slot, which gives everything that is committed from now on, and return its name."""
        name = f"{self.publication}_{next(_NUMBERS)}"
        await self._owner.execute(_SLOT, name)
        return name

    async def free(self) -> None:
        """Let the slots go, so that they hold back no log."""

        async def are_gone() -> bool:
            await self._owner.execute(_FREE, f"{self.publication}_")
            return not await self._owner.fetchval(_HELD, f"{self.publication}_")

        await eventually(are_gone)

    async def start(self, engine: Program, slot: str) -> None:
        """Let the engine read the slot."""
        kafka = {**_PRODUCER, "bootstrap.servers": self._bench.settings.kafka}
        await engine.ask(engine=self._settings(slot), producer=kafka)

    async def lap(self, events: int, running: Program | None) -> Lap:
        """Let a running engine, else a new one, take a backlog to the topic."""
        slot, begin = await self.slot(), await self._begin()
        await self._store.fill(events, numbered=False)
        lap = await PEER.lap(self._bench, events, running, lambda engine: self.start(engine, slot))
        await self.free()
        lap.expected, lap.found = await self._written(begin), await self._sent(begin)
        return lap

    async def _begin(self) -> Begin:
        pool, settings = self._store.running.pool, self._bench.settings
        return Begin(await pool.fetchval(_LAST), await topics.ends(settings, self._store.topic, PARTITIONS))

    async def _written(self, begin: Begin) -> Sums:
        rows = await self._store.running.pool.fetch(_TOLD, begin.seq)
        return len(rows), sum(_hash(key.encode(), data.encode()) for key, data in rows)

    async def _sent(self, begin: Begin) -> Sums:
        found = [
            _hash(one.key, one.value) async for one in carried(self._bench.settings, self._store.topic, begin.ends)
        ]
        return len(found), sum(found)

    def _settings(self, slot: str) -> Mapping[str, str]:
        server = urlsplit(self._bench.settings.database_url)
        return {
            **_ENGINE,
            **_ROUTER,
            "name": slot,
            "database.hostname": server.hostname or "127.0.0.1",
            "database.port": str(server.port or 5432),
            "database.user": unquote(server.username or ""),
            "database.password": unquote(server.password or ""),
            "database.dbname": server.path.removeprefix("/"),
            "topic.prefix": self._bench.settings.cell,
            "slot.name": slot,
            "publication.name": self.publication,
            "table.include.list": f"{self._store.schema}.event",
            "transforms.outbox.route.topic.replacement": self._store.topic,
            "offset.storage.file.filename": str(self._bench.folder / f"{slot}.offsets"),
        }


@asynccontextmanager
async def backlog(bench: Bench, store: Store, events: int) -> AsyncIterator[Contender]:
    """Give Debezium with a backlog."""
    async with watched(bench, store) as seen, PEER.warmed(partial(seen.lap, events)) as lap:
        yield Contender(NAME, f"{GUARANTEES}; {WARM}", lap)


@asynccontextmanager
async def live(bench: Bench, store: Store) -> AsyncIterator[Engine]:
    """Give Debezium at work, in a Java that is warm."""
    async with watched(bench, store) as seen, PEER.program() as engine:
        for _ in range(WARM_UP):
            await seen.lap(WARM_UP_EVENTS, engine)
        await seen.start(engine, await seen.slot())
        yield Engine(NAME, GUARANTEES, store.topic, [engine.pid])
        await engine.ask()


@asynccontextmanager
async def watched(bench: Bench, store: Store) -> AsyncIterator[Watched]:
    """Yield the store with a publication; nothing of it stays."""
    owner = await asyncpg.connect(bench.settings.database_url)
    seen = Watched(bench, store, owner)
    try:
        await owner.execute(_FREE, MARK)
        await owner.execute(" ".join(["CREATE PUBLICATION", seen.publication, "FOR TABLE", f"{store.schema}.event"]))
        yield seen
    finally:
        await seen.free()
        await owner.execute(" ".join(["DROP PUBLICATION IF EXISTS", seen.publication]))
        await owner.close()


def _hash(key: bytes, value: bytes) -> int:
    return crc32(value, crc32(key))


def missing() -> str:
    """Return why it cannot run here."""
    return PEER.missing


async def unfit(bench: Bench) -> str:
    """Return why it cannot run here, or not on these servers."""
    owner = await asyncpg.connect(bench.settings.database_url)
    try:
        level = await owner.fetchval("SHOW wal_level")
    finally:
        await owner.close()
    return missing() or ("" if level == "logical" else f"the server's wal_level is {level}, not logical")


def fetch() -> None:
    """Fetch and compile it."""
    PEER.fetch()

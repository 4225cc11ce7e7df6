"""A rebase: a store that went back is compared with what was heard of it, and begins an epoch that nobody has heard of.

The store's part is one transaction. Before its end Kafka hears of the new epoch, for a store that is restored once more
shows by that alone; after it Kafka is emptied of all before. What was broken off is done again from the start.
"""

import json
import time
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

import asyncpg

from shared import topics
from shared.channel import Link
from shared.cloudevent import Arrival, legible, source_of
from shared.feed_page import beats
from shared.heard import everything
from shared.lineage import claims, compare, read_store
from shared.listeners import Listener, listeners, spoil_views, strangers
from shared.message import Position
from shared.outlet import Outlet
from shared.parting import Cut, doubt, next_epoch
from shared.postgres import Tx
from shared.running import CannotRun
from shared.settings import Settings

WAITS_FOR_WRITERS = "5s"

_PATH = "SELECT set_config('search_path', $1, true)"
_PATIENCE = "SELECT set_config('lock_timeout', $1, true)"
_ALONE = "LOCK TABLE event IN ACCESS EXCLUSIVE MODE"
_CONNECTED = "SELECT count(*) FROM pg_stat_activity WHERE usename = $1"
_PARTITIONS = "SELECT partitions FROM feed_head"
_IN_STORE = """
SELECT t.place - 1 AS place
FROM unnest($1::uuid[], $2::int[], $3::timestamptz[]) WITH ORDINALITY AS t (stream_id, version, at, place)
JOIN event e ON e.stream_id = t.stream_id AND e.version = t.version
WHERE e.recorded_at BETWEEN t.at - interval '1 millisecond' AND t.at + interval '2 milliseconds'
"""
_KEEP = """
INSERT INTO lost_event (epoch, number, event_id, part, partition_key, type, recorded_at, headers, body,
                        is_in_store, applied_by, waits_at, begun)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) ON CONFLICT DO NOTHING
"""
# transactions of another server, which this one will give to others: the floor keeps them apart, this keeps looks cheap
_HAS_OLD_TRANSACTIONS = "SELECT EXISTS (SELECT FROM event WHERE tx >= pg_snapshot_xmax(pg_current_snapshot()))"
_FORGET_OLD_TRANSACTIONS = """
ALTER TABLE event DISABLE TRIGGER event_is_append_only;
UPDATE event SET tx = '0' WHERE tx >= pg_snapshot_xmax(pg_current_snapshot());
ALTER TABLE event ENABLE TRIGGER event_is_append_only
"""
_BEGIN_EPOCH = "SELECT begin_epoch($1, $2)"


class StillRuns(CannotRun):
    """The service has not been stopped: what it says meanwhile could not be compared."""


@dataclass(frozen=True)
class Lost:
    """An event that Kafka had above the cut."""

    arrival: Arrival
    is_in_store: bool
    applied_by: Sequence[str]
    waits_at: Sequence[str]

    @property
    def event_id(self) -> str:
        """Return `<category>-<uuid>/<version>`."""
        return legible(self.arrival.headers.get("ce_id", b""))


@dataclass(frozen=True)
class Rebased:
    """What a rebase did. `spoiled` are services that must be started again, to build their views anew."""

    cut: int
    head: int
    epoch: int
    numbered: int
    lost: Sequence[Lost]
    spoiled: Sequence[str]


async def rebase(settings: Settings, service: str, *, speaks: bool = True) -> Rebased | None:
    """Rebase a service that has been stopped; none when store and Kafka agree. Raises StillRuns, Unavailable.

    One that does not speak has no topic, and only its store's part is done.
    """
    topic, ends = settings.topic(service), dict[int, int]()
    async with alone(settings, service) as tx:
        if speaks:
            count = await tx.fetchval(_PARTITIONS)
            await topics.ensure(settings, topic, count)
            ends |= await topics.ends(settings, topic, count)
        rebased = await rebase_store(tx, settings, service, ends)
        if rebased and speaks:
            await _tell_epoch(tx, settings, service, rebased.cut)
    if rebased and speaks:
        await topics.empty(settings, topic, ends)
    return rebased


async def rebase_store(tx: Tx, settings: Settings, service: str, ends: Mapping[int, int]) -> Rebased | None:
    """Do the store's part, in the open transaction."""
    schema, topic, source = settings.schema(service), settings.topic(service), source_of(settings.cell, service)
    store, hearing = await read_store(tx), await listeners(tx, settings.cell, topic, back_to=schema)
    cut = Cut(store.number, store.epoch)
    async for page in everything(settings, topic, ends, source):
        cut.kafka(await compare(tx, claims(page)))
        cut.words(arrival.word for arrival in page)
    strange = await strangers(tx, hearing)
    cut.listeners(place for places in strange.values() for place in places)
    if not doubt(store) and cut.is_whole:
        return None
    at, epoch = cut.number, next_epoch(store.epoch, cut.newest, time.time())
    lost: dict[tuple[Position, str], Lost] = {}  # Kafka may have it more than once
    async for page in everything(settings, topic, ends, source):
        lost |= {(_position(one), one.event_id): one for one in await _lost(tx, page, at, hearing)}
    await tx.executemany(_KEEP, [_row(one, epoch) for one in lost.values()])
    misled = {*strange, *(consumer for one in lost.values() for consumer in one.applied_by)}
    spoiled = await spoil_views(tx, schema, at, epoch, hearing, misled)
    if await tx.fetchval(_HAS_OLD_TRANSACTIONS):
        await tx.execute(_FORGET_OLD_TRANSACTIONS)
    numbered = await tx.fetchval(_BEGIN_EPOCH, at, epoch)
    return Rebased(at, store.number, epoch, numbered, sorted(lost.values(), key=_position), spoiled)


@asynccontextmanager
async def alone(settings: Settings, service: str) -> AsyncIterator[Tx]:
    """Give a transaction of the owner that nobody writes beside; raise StillRuns when the service is there."""
    schema = settings.schema(service)
    connection = await asyncpg.connect(settings.database_url)
    try:
        async with connection.transaction():
            await connection.execute(_PATH, schema)
            await connection.execute(_PATIENCE, WAITS_FOR_WRITERS)
            await _refuse_while_it_runs(connection, service, schema)
            await connection.execute(_ALONE)
            await _refuse_while_it_runs(connection, service, schema)  # from here on one that starts waits
            yield connection
    except asyncpg.LockNotAvailableError:
        raise StillRuns(f"Somebody has a transaction open on the events of {service}.") from None
    finally:
        await connection.close()


async def _tell_epoch(tx: Tx, settings: Settings, service: str, cut: int) -> None:
    """Say in every partition which epoch has begun, by a beat for the last event that stays as it was."""
    outlet = Outlet(settings, settings.topic(service))
    await outlet.deliver(await beats(tx, cut, source_of(settings.cell, service)))
    await outlet.close()


async def _refuse_while_it_runs(tx: Tx, service: str, role: str) -> None:
    if await tx.fetchval(_CONNECTED, role):
        raise StillRuns(f"{service} still has connections to its store: stop it first, wherever it runs.")


async def _lost(tx: Tx, page: Iterable[Arrival], cut: int, hearing: Sequence[Listener]) -> list[Lost]:
    events = [a for a in page if isinstance(a.word, Link) and a.word.position.number > cut]
    named = [_stream_and_version(a) for a in events]
    columns = [i for i, _ in named], [v for _, v in named], [a.recorded_at for a in events]
    there = {row["place"] for row in await tx.fetch(_IN_STORE, *columns)}
    return [Lost(a, place in there, *_fate(a, hearing)) for place, a in enumerate(events)]


def _stream_and_version(arrival: Arrival) -> tuple[UUID | None, int | None]:
    stem, _, version = legible(arrival.headers.get("ce_id", b"")).rpartition("/")
    try:
        return UUID(stem[-36:]), int(version)
    except ValueError:
        return None, None


def _fate(arrival: Arrival, hearing: Iterable[Listener]) -> tuple[list[str], list[str]]:
    """Return which consumers have applied an event, and at which it waits for its key."""
    position: Position = arrival.word.position
    waits = sorted(c for one in hearing for c in one.waiting.get(position, ()))
    reached = {at.consumer for one in hearing for at in one.places if at.part == arrival.part and at.last >= position}
    return sorted(reached - {*waits}), waits


def _position(lost: Lost) -> Position:
    return lost.arrival.word.position


def _row(lost: Lost, epoch: int) -> tuple[object, ...]:
    told, position = lost.arrival, lost.arrival.word.position
    headers = json.dumps({legible(name): legible(value) for name, value in told.headers.items()})
    kind = legible(told.headers.get("ce_type", b""))
    event = (*position, lost.event_id, told.part, told.key, kind, told.recorded_at, headers, told.body)
    return (*event, lost.is_in_store, lost.applied_by, lost.waits_at, epoch)

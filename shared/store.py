"""Streams and events in Postgres: load many in one query, append to many at expected versions in one call."""

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg
import orjson

from shared import telemetry
from shared.errors import Conflict
from shared.failpoints import reached
from shared.message import Cause, Envelope, Vocabulary
from shared.postgres import Tx

_LOAD = """
SELECT id, category, partition_key, version, shape, state::text AS state FROM stream WHERE id = ANY($1::uuid[])
"""
_OPEN = "SELECT id, category, partition_key, version, shape, state FROM open_streams($1, $2, $3, $4)"
_PAGE = """
SELECT id, category, partition_key, version, shape, state::text AS state FROM stream
WHERE category = $1 AND ($2::uuid IS NULL OR id > $2) ORDER BY id LIMIT $3
"""
_HISTORIES = """
SELECT e.stream_id, s.category, s.partition_key, e.version, e.shape, e.type,
       e.data::text AS data, e.meta::text AS meta, e.recorded_at
FROM event e JOIN stream s ON s.id = e.stream_id WHERE e.stream_id = ANY($1::uuid[]) ORDER BY e.stream_id, e.version
"""
_APPEND = """
SELECT append_events($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
"""
_ONCE = "INSERT INTO once (key) VALUES ($1) ON CONFLICT DO NOTHING RETURNING key"

MOVED, DONE_BEFORE = "BL409", "BL208"


class DoneBefore(Exception):
    """A command with this idempotency key was done before; its result is in `command_done`."""


class Loaded(NamedTuple):
    """A stream's row: `state` is JSON in the form numbered `shape`, `key` the partition key it was born with."""

    category: str
    key: UUID
    version: int
    shape: int
    state: str


class Change(NamedTuple):
    """What one append does to one stream; `state` is JSON after `events`."""

    stream_id: UUID
    category: str
    key: UUID
    expected: int
    shape: int
    state: str
    events: Sequence[Envelope]


@dataclass(frozen=True, slots=True)
class Done:
    """The row that an idempotency key leaves: its id, a hash of the body, and the result as JSON."""

    id: UUID
    body_hash: bytes
    result: str


def partition_of(key: UUID, partitions: int) -> int:
    """Return the partition of a key: fixed for ever by the number of partitions."""
    return zlib.crc32(str(key).encode()) % partitions


async def load(tx: Tx, ids: Iterable[UUID]) -> dict[UUID, Loaded]:
    """Return the rows of the streams that exist."""
    return _loaded(await tx.fetch(_LOAD, list(ids)))


async def lock(
    tx: Tx, guarded: Sequence[UUID], others: Sequence[UUID], space: str, patience: timedelta | None = None
) -> dict[UUID, Loaded]:
    """Return the rows of the streams that exist; they stay as they are until the transaction ends.

    Those of `guarded` that do not exist are kept to it as well, in the lock space of a schema. With `patience`
    asyncpg.LockNotAvailableError is raised where one stays locked for longer.
    """
    milliseconds = patience // timedelta(milliseconds=1) if patience else 0
    streams = [*guarded, *others]
    return _loaded(await tx.fetch(_OPEN, streams, len(guarded), zlib.crc32(space.encode()), milliseconds))


def _loaded(rows: Iterable[asyncpg.Record]) -> dict[UUID, Loaded]:
    return {stream_id: Loaded(*rest) for stream_id, *rest in rows}


async def page(tx: Tx, category: str, after: UUID | None, limit: int) -> dict[UUID, Loaded]:
    """Return the rows of a category's streams behind an id, in the order of ids."""
    return _loaded(await tx.fetch(_PAGE, category, after, limit))


async def histories(tx: Tx, ids: Iterable[UUID], vocabulary: Vocabulary) -> dict[UUID, list[Envelope]]:
    """Return the events of each stream, oldest first; raise ContractBroken when one cannot be read."""
    told: dict[UUID, list[Envelope]] = {stream_id: [] for stream_id in ids}
    for row in await tx.fetch(_HISTORIES, list(told)):
        told[row["stream_id"]].append(
            Envelope(
                category=row["category"],
                stream_id=row["stream_id"],
                version=row["version"],
                key=row["partition_key"],
                event=vocabulary.read(row["type"], row["shape"], row["data"]),
                cause=cause_of(orjson.loads(row["meta"])),
                recorded_at=row["recorded_at"],
            )
        )
    return told


async def once(tx: Tx, key: UUID) -> bool:
    """Return whether this is the first time, for ever; a concurrent second waits for the first to end."""
    return await tx.fetchval(_ONCE, key) is not None


async def append(tx: Tx, changes: Sequence[Change], partitions: int, done: Done | None = None) -> None:
    """Write the events and move the streams; raise Conflict when one has moved, DoneBefore when `done` exists."""
    changes = sorted(changes, key=lambda change: change.stream_id.int)
    arrays = (*_stream_arrays(changes), *_event_arrays(changes, partitions))
    tail = (done.id, done.body_hash, done.result) if done else (None, None, None)
    await reached("store.append")
    try:
        with telemetry.APPEND_SECONDS.time():
            await tx.execute(_APPEND, *arrays, *tail)
    except asyncpg.PostgresError as error:
        if error.sqlstate == MOVED:
            raise Conflict(str(error)) from error
        if error.sqlstate == DONE_BEFORE:
            raise DoneBefore from error
        raise
    await reached("store.appended")


def _stream_arrays(changes: Sequence[Change]) -> tuple[list[Any], ...]:
    return (
        [c.stream_id for c in changes],
        [c.category for c in changes],
        [c.key for c in changes],
        [c.expected for c in changes],
        [len(c.events) for c in changes],
        [c.shape for c in changes],
        [c.state for c in changes],
    )


def _event_arrays(changes: Sequence[Change], partitions: int) -> tuple[list[Any], ...]:
    told = [e for c in changes for e in c.events]
    parts = [part for c in changes for part in [partition_of(c.key, partitions)] * len(c.events)]
    return (
        [e.stream_id for e in told],
        [e.version for e in told],
        [part if e.event.is_public() else None for e, part in zip(told, parts, strict=True)],
        [e.event.version for e in told],
        [e.event.name for e in told],
        [e.event.at for e in told],
        [e.event.to_json() for e in told],
        [meta_of(e.cause) for e in told],
    )


@lru_cache(maxsize=64)  # events of one command, or of one request's, have the same
def meta_of(cause: Cause) -> str:
    """Return a cause as the JSON an event keeps."""
    kept = {"correlation": cause.correlation, "causation": cause.causation}
    if cause.traceparent:
        kept["traceparent"] = cause.traceparent
    if cause.actor:
        kept["actor"] = cause.actor
    return orjson.dumps(kept).decode()


def cause_of(meta: Mapping[str, Any]) -> Cause:
    """Return the cause that an event kept."""
    return Cause(meta["correlation"], meta["causation"], meta.get("traceparent"), meta.get("actor"))

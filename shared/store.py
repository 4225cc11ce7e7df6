"""Streams and events in Postgres: load many in one query, append to many at expected versions in one call."""

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from shared import telemetry
from shared.errors import Conflict
from shared.message import Cause, Envelope, Vocabulary
from shared.postgres import Tx

_LOAD = """
SELECT id, category, partition_key, version, shape, state::text AS state
FROM stream WHERE id = ANY($1::uuid[]) ORDER BY id
"""
_LOAD_LOCKING = _LOAD + " FOR NO KEY UPDATE"
_RESERVE = """
SELECT pg_advisory_xact_lock(key) FROM (SELECT key FROM unnest($1::bigint[]) AS key ORDER BY key) AS keys
"""
_HISTORY = """
SELECT s.category, s.partition_key, e.version, e.shape, e.type,
       e.data::text AS data, e.meta::text AS meta, e.recorded_at
FROM event e JOIN stream s ON s.id = e.stream_id WHERE e.stream_id = $1 ORDER BY e.version
"""
_APPEND = """
SELECT append_events($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
"""
_ONCE = "INSERT INTO once (key) VALUES ($1) ON CONFLICT DO NOTHING RETURNING key"

MOVED, DONE_BEFORE = "BL409", "BL208"


class DoneBefore(Exception):
    """A command with this idempotency key was done before; its result is in `command_done`."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A stream's row: `state` is JSON in the form numbered `shape`, `key` the partition key it was born with."""

    category: str
    key: UUID
    version: int
    shape: int
    state: str


@dataclass(frozen=True, slots=True)
class Change:
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


async def load(tx: Tx, ids: Iterable[UUID], *, lock: bool) -> dict[UUID, Loaded]:
    """Return the rows of the streams that exist; with `lock` they stay as they are until the transaction ends."""
    rows = await tx.fetch(_LOAD_LOCKING if lock else _LOAD, list(ids))
    return {
        row["id"]: Loaded(row["category"], row["partition_key"], row["version"], row["shape"], row["state"])
        for row in rows
    }


async def reserve(tx: Tx, ids: Iterable[UUID], space: str) -> None:
    """Keep streams that do not exist yet to this transaction, in the lock space of a schema."""
    salt = zlib.crc32(space.encode())
    await tx.execute(_RESERVE, [int.from_bytes(i.bytes[8:], signed=True) ^ salt for i in ids])


async def history(tx: Tx, stream_id: UUID, vocabulary: Vocabulary) -> list[Envelope]:
    """Return a stream's events, oldest first; raise ContractBroken when one cannot be read."""
    return [
        Envelope(
            category=row["category"],
            stream_id=stream_id,
            version=row["version"],
            key=row["partition_key"],
            event=vocabulary.read(row["type"], row["shape"], row["data"]),
            cause=cause_of(orjson.loads(row["meta"])),
            recorded_at=row["recorded_at"],
        )
        for row in await tx.fetch(_HISTORY, stream_id)
    ]


async def once(tx: Tx, key: UUID) -> bool:
    """Return whether this is the first time, for ever; a concurrent second waits for the first to end."""
    return await tx.fetchval(_ONCE, key) is not None


async def append(tx: Tx, changes: Sequence[Change], partitions: int, done: Done | None = None) -> None:
    """Write the events and move the streams; raise Conflict when one has moved, DoneBefore when `done` exists."""
    changes = sorted(changes, key=lambda change: change.stream_id.int)
    arrays = (*_stream_arrays(changes), *_event_arrays(changes, partitions))
    tail = (done.id, done.body_hash, done.result) if done else (None, None, None)
    try:
        with telemetry.APPEND_SECONDS.time():
            await tx.execute(_APPEND, *arrays, *tail)
    except asyncpg.PostgresError as error:
        if error.sqlstate == MOVED:
            raise Conflict(str(error)) from error
        if error.sqlstate == DONE_BEFORE:
            raise DoneBefore from error
        raise


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
    return (
        [e.stream_id for e in told],
        [e.version for e in told],
        [partition_of(e.key, partitions) if e.event.is_public() else None for e in told],
        [e.event.version for e in told],
        [e.event.name for e in told],
        [e.event.at for e in told],
        [e.event.model_dump_json() for e in told],
        [meta_of(e.cause) for e in told],
    )


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

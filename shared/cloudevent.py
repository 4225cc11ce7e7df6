"""Events as they travel: CloudEvents 1.0 in Kafka's binary mode, and the same as lines of the HTTP feed. Pure.

A record's timestamp is when the event was recorded, in milliseconds; the feed's lines are read to the same precision,
so that an event is the same whichever way it came.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple, Protocol

import orjson
from asyncpg.pgproto.pgproto import UUID  # a uuid.UUID that is read five times as fast

from shared.channel import Beat, Link, Reached, Word, read_beat, read_link, write_link, write_position
from shared.errors import ContractBroken
from shared.message import BEGINNING, Cause, Envelope, Position, Vocabulary

_SPEC = ("ce_specversion", b"1.0")


class Row(Protocol):
    """A row of `feed_page`."""

    def __getitem__(self, column: str, /) -> Any:
        """Return the value of a column."""


class Foreign(Exception):
    """A record on a service's topic that is not the service's; the message says what is wrong with it."""


class Record(Protocol):
    """A record as the Kafka client gives it: values are bytes, the timestamp milliseconds."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]]


class Outgoing(NamedTuple):
    """A record to be sent; `at` is in milliseconds."""

    at: int
    key: bytes | None
    value: bytes
    headers: list[tuple[str, bytes]]


@dataclass(slots=True)
class Arrival:
    """What a consumer was told: from Kafka at an offset, from the feed without one."""

    word: Word
    part: int
    offset: int | None
    key: str
    headers: Mapping[str, bytes]
    body: bytes
    recorded_at: datetime
    _read: Envelope | Exception | None = None

    def prepare(self, vocabulary: Vocabulary) -> None:
        """Read it ahead of time; what is wrong with it is raised by `read`."""
        try:
            self._read = self.read(vocabulary)
        except Exception as error:
            self._read = error

    def read(self, vocabulary: Vocabulary) -> Envelope | None:
        """Return the event, or None when its type is not known here; raise ContractBroken when it cannot be read."""
        if isinstance(self._read, Exception):
            raise self._read
        return self._read or self._event(vocabulary)

    def _event(self, vocabulary: Vocabulary) -> Envelope | None:
        headers = self.headers
        try:
            kind = event_type(headers["ce_type"])
            if not vocabulary.knows(*kind):
                return None
            category, stream_id, version = _event_id(headers["ce_id"].decode())
            key = UUID(self.key)
            trace = headers.get("traceparent")
            cause = Cause(
                headers["ce_correlationid"].decode(),
                headers["ce_causationid"].decode(),
                trace.decode() if trace else None,
            )
        except (KeyError, ValueError) as error:
            raise ContractBroken(f"header: {error}") from error
        event = vocabulary.read(*kind, self.body)
        return Envelope(category, stream_id, version, key, event, cause, self.recorded_at, self.word.position)


def legible(told: bytes | str) -> str:
    """Return bytes from outside as text that Postgres takes."""
    text = told.decode(errors="backslashreplace") if isinstance(told, bytes) else told
    return text.replace("\0", "\\0")


def source_of(cell: str, speaker: str) -> bytes:
    """Return the `ce_source` of a service's events."""
    return f"/branchline/{cell}/{speaker}".encode()


@lru_cache(maxsize=1024)
def event_type(text: bytes) -> tuple[str, int]:
    """Return the name and version of a `ce_type`; raise ValueError when it is none."""
    _branchline, _speaker, name, version = text.decode().split(".")
    return name, int(version.removeprefix("v"))


@lru_cache(maxsize=1024)
def _type_of(speaker: str, name: str, version: int) -> bytes:
    return f"branchline.{speaker}.{name}.v{version}".encode()


def _event_id(text: str) -> tuple[str, UUID, int]:
    stem, _, version = text.rpartition("/")
    return stem[:-37], UUID(stem[-36:]), int(version)


def outgoing(row: Iterable[Any], speaker: str, source: bytes) -> Outgoing:
    """Return the record of a public event, from the columns of a `page` of the feed in their order."""
    epoch, number, prev_epoch, prev_number, _, name, shape, occurred_at, meta, event_id, at, key, data = row
    kept = orjson.loads(meta)
    headers = [
        _SPEC,
        ("ce_id", event_id),
        ("ce_source", source),
        ("ce_type", _type_of(speaker, name, shape)),
        ("ce_time", orjson.dumps(occurred_at, option=orjson.OPT_UTC_Z)[1:-1]),
        ("ce_correlationid", kept["correlation"].encode()),
        ("ce_causationid", kept["causation"].encode()),
        ("feed", write_link(((epoch, number), (prev_epoch, prev_number)))),
    ]
    if "traceparent" in kept:
        headers.append(("traceparent", kept["traceparent"].encode()))
    return Outgoing(at, key, data, headers)


def beat(told: Beat, event_id: str, source: bytes, at: int) -> Outgoing:
    """Return the record of a beat; the last public event's id and the epoch are there for the check of lineage."""
    named = [
        ("beat", write_position(told.position).encode()),
        ("epoch", b"%d" % told.epoch),
        ("ce_id", event_id.encode()),
        ("ce_source", source),
    ]
    return Outgoing(at, None, b"", named)


def arrival(record: Record, source: bytes) -> Arrival:
    """Return what a Kafka record says; raise Foreign when it is not the speaker's."""
    headers: dict[str, Any] = dict(record.headers)
    if headers.get("ce_source") != source:
        raise Foreign("its ce_source is not the speaker's")
    if None in headers.values():
        headers = {name: value for name, value in headers.items() if value is not None}
    at = datetime.fromtimestamp(record.timestamp / 1000, UTC)
    key, body = legible(record.key or b""), record.value or b""
    return Arrival(_word(headers), record.partition, record.offset, key, headers, body, at)


def passed_by(record: Record) -> Arrival:
    """Return a record that says nothing of the feed: what follows it is to be read next, and nothing else."""
    at = datetime.fromtimestamp(record.timestamp / 1000, UTC)
    return Arrival(Reached(BEGINNING), record.partition, record.offset, "", {}, b"", at)


def _word(headers: Mapping[str, bytes]) -> Word:
    try:
        if "feed" in headers:
            return read_link(headers["feed"])
        if "beat" in headers:
            return read_beat(headers["beat"], headers.get("epoch"))
    except ValueError as error:
        raise Foreign("its place in the feed cannot be read") from error
    raise Foreign("it has no place in the feed")


def line(row: Row, speaker: str) -> bytes:
    """Return the line of a public event in the HTTP feed, from a row of `feed_page`."""
    return orjson.dumps(
        {
            "position": (row["epoch"], row["number"]),
            "prev": (row["prev_epoch"], row["prev_number"]),
            "part": row["part"],
            "id": f"{row['category']}-{row['stream_id']}/{row['version']}",
            "type": f"branchline.{speaker}.{row['type']}.v{row['shape']}",
            "time": row["occurred_at"],
            "key": str(row["partition_key"]),
            "recorded_at": row["recorded_at"],
            "meta": orjson.Fragment(row["meta"]),
            "data": orjson.Fragment(row["data"]),
        },
        option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z,
    )


def line_arrival(text: bytes, source: bytes) -> Arrival:
    """Return what a line of the HTTP feed says, with the headers it would have on Kafka."""
    told = orjson.loads(text)
    meta = told["meta"]
    headers = {
        _SPEC[0]: _SPEC[1],
        "ce_id": told["id"].encode(),
        "ce_source": source,
        "ce_type": told["type"].encode(),
        "ce_time": told["time"].encode(),
        "ce_correlationid": meta["correlation"].encode(),
        "ce_causationid": meta["causation"].encode(),
    }
    if "traceparent" in meta:
        headers["traceparent"] = meta["traceparent"].encode()
    recorded_at = datetime.fromisoformat(told["recorded_at"])
    link = Link(Position(*told["position"]), Position(*told["prev"]))
    return Arrival(
        word=link,
        part=told["part"],
        offset=None,
        key=told["key"],
        headers=headers | {"feed": write_link(link)},
        body=orjson.dumps(told["data"]),
        recorded_at=recorded_at.replace(microsecond=recorded_at.microsecond // 1000 * 1000),
    )

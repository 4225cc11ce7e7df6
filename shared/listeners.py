"""What a cell's listeners know of a speaker, and their views where that is lost. All schemas are in one database."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

import asyncpg

from shared.fence import CLOCKS_ERR
from shared.lineage import Claim, compare
from shared.message import Position
from shared.parting import Heard, is_cut_off
from shared.postgres import Tx

_SCHEMAS = """
SELECT n.nspname FROM pg_namespace n JOIN pg_class c ON c.relnamespace = n.oid
WHERE c.relname = 'consumed' AND starts_with(n.nspname, $1) ORDER BY n.nspname
"""
_PATH = "SELECT set_config('search_path', $1, true)"
_PLACES = "SELECT consumer, part, epoch, number, applied_at FROM consumed WHERE topic = $1 ORDER BY consumer, part"
_WAITING = "SELECT consumer, epoch, number FROM dead_letter WHERE topic = $1 AND redriven_at IS NULL"
_EPOCH_AT = """
SELECT coalesce(f.epoch, h.epoch) FROM feed_head h, unnest($1::bigint[]) WITH ORDINALITY AS n (number, place)
LEFT JOIN feed f ON f.number = n.number ORDER BY n.place
"""
# what was recorded after somebody had applied an event at its number or above is not what was heard there
_RENAMED = """
SELECT DISTINCT ON (t.consumer) t.consumer, f.epoch, f.number FROM feed f JOIN event e ON e.seq = f.seq
JOIN unnest($1::text[], $2::bigint[], $3::bigint[], $4::timestamptz[]) AS t (consumer, epoch, number, applied_at)
  ON (f.epoch, f.number) <= (t.epoch, t.number) AND e.recorded_at > t.applied_at + $5::interval
ORDER BY t.consumer, f.number
"""
_OF_VIEWS = """
SELECT name, name || '.views.' || text_hash AS consumer FROM view_set
WHERE name || '.views.' || text_hash = ANY($1::text[])
"""
_HOLD = "SELECT FROM consumed WHERE consumer = ANY($1::text[]) ORDER BY consumer, topic, part FOR UPDATE"
_RENAME = tuple(
    " ".join(["UPDATE", table, "SET consumer = consumer || '~' || $2::bigint WHERE consumer = ANY($1::text[])"])
    for table in ("consumed", "parked_key", "dead_letter")
)
_SPOIL = "UPDATE view_set SET text_hash = text_hash || '~' || $2::bigint WHERE name = ANY($1::text[])"
_SPOIL_OWN = "UPDATE view_set SET text_hash = text_hash || '~' || $2::bigint WHERE number > $1 RETURNING name"


class At(NamedTuple):
    """How far a consumer is in a partition."""

    consumer: str
    part: int
    last: Position
    applied_at: datetime


@dataclass
class Listener:
    """One service's schema."""

    schema: str
    places: list[At]
    waiting: dict[Position, list[str]] = field(default_factory=dict)


async def listeners(tx: Tx, cell: str, topic: str, *, back_to: str) -> list[Listener]:
    """Return the services that hear a topic; the search path is that of the schema `back_to` afterwards."""
    found = []
    for (schema,) in await tx.fetch(_SCHEMAS, f"{cell}_"):
        await tx.execute(_PATH, schema)
        rows = await tx.fetch(_PLACES, topic)
        listener = Listener(schema, [_at(row) for row in rows])
        for row in await tx.fetch(_WAITING, topic):
            listener.waiting.setdefault(Position(row["epoch"], row["number"]), []).append(row["consumer"])
        if rows:
            found.append(listener)
    await tx.execute(_PATH, back_to)
    return found


async def strangers(tx: Tx, hearing: Iterable[Listener]) -> dict[str, list[Heard]]:
    """Return the consumers that have heard what the feed does not say, or has given to others, each with the places."""
    places = [at for one in hearing for at in one.places]
    heard = await compare(tx, [Claim(at.last) for at in places])
    epochs = [row[0] for row in await tx.fetch(_EPOCH_AT, [at.last.number for at in places])]
    found: dict[str, list[Heard]] = {}
    for at, one, epoch in zip(places, heard, epochs, strict=True):
        if not one.is_said and not is_cut_off(at.last, epoch):
            found.setdefault(at.consumer, []).append(one)
    rows = [(at.consumer, *at.last, at.applied_at) for at in places]
    for row in await tx.fetch(_RENAMED, *map(list, zip(*rows, strict=True)), CLOCKS_ERR) if rows else ():
        found.setdefault(row["consumer"], []).append(Heard(Position(row["epoch"], row["number"]), False))
    return found


def _at(row: asyncpg.Record) -> At:
    return At(row["consumer"], row["part"], Position(row["epoch"], row["number"]), row["applied_at"])


async def spoil_views(
    tx: Tx, own: str, cut: int, begun: int, hearing: Iterable[Listener], consumers: Collection[str]
) -> list[str]:
    """Let views that show what is lost be built anew when their service starts; return the services.

    They are read until then. `own` is the schema of the speaker, whose views follow its own feed.
    """
    spoiled = {row["name"] for row in await tx.fetch(_SPOIL_OWN, cut, begun)}
    for one in hearing:
        await tx.execute(_PATH, one.schema)
        rows = await tx.fetch(_OF_VIEWS, [at.consumer for at in one.places if at.consumer in consumers])
        names, fillers = [row["name"] for row in rows], [row["consumer"] for row in rows]
        await tx.execute(_HOLD, fillers)  # as they do themselves, so that nobody waits in a circle
        for statement in _RENAME:
            await tx.execute(statement, fillers, begun)
        await tx.execute(_SPOIL, names, begun)
        spoiled.update(names)
    await tx.execute(_PATH, own)
    return sorted(spoiled)

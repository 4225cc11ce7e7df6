"""Public events as the store has them, in feed order, with their places in the chain."""

from collections.abc import Sequence

import asyncpg

from shared.channel import Beat
from shared.cloudevent import Outgoing, beat
from shared.message import BEGINNING, Position
from shared.postgres import Tx

_COLUMNS = """
SELECT f.epoch, f.number, f.prev_epoch, f.prev_number, f.part, s.category, s.partition_key, e.stream_id, e.version,
       e.type, e.shape, e.occurred_at, e.recorded_at, e.meta::text AS meta, e.data::text AS data
"""
_PAGE = """
SELECT f.epoch, f.number, f.prev_epoch, f.prev_number, f.part, e.type, e.shape, e.occurred_at, e.meta::text AS meta,
       convert_to(s.category || '-' || e.stream_id || '/' || e.version, 'UTF8') AS id,
       floor(extract(epoch FROM e.recorded_at) * 1000)::bigint AS at,
       convert_to(s.partition_key::text, 'UTF8') AS key, convert_to(e.data::text, 'UTF8') AS data
FROM feed f LEFT JOIN event e ON e.seq = f.seq AND f.part IS NOT NULL LEFT JOIN stream s ON s.id = e.stream_id
WHERE f.number > $1 AND f.number <= $1 + $2 ORDER BY f.number
"""
_PUBLIC = _COLUMNS + "FROM feed f JOIN event e ON e.seq = f.seq JOIN stream s ON s.id = e.stream_id"
_AFTER = _PUBLIC + " WHERE f.number > $1 AND f.number <= $2 AND f.part IS NOT NULL ORDER BY f.number LIMIT $3"
_OF_PART = _PUBLIC + " WHERE f.number > $1 AND f.number <= $2 AND f.part = $4 ORDER BY f.number LIMIT $3"
# each partition's last is looked for alone: joined afterwards, Postgres read all streams for twelve of them
_BEATS = """
SELECT p.part, h.epoch AS begun, floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint AS at,
       coalesce(f.epoch, 0) AS epoch, coalesce(f.number, 0) AS number, coalesce(f.id, '') AS id
FROM feed_head h CROSS JOIN generate_series(0, h.partitions - 1) AS p (part)
LEFT JOIN LATERAL (
  SELECT f.epoch, f.number, s.category || '-' || e.stream_id || '/' || e.version AS id
  FROM feed f JOIN event e ON e.seq = f.seq JOIN stream s ON s.id = e.stream_id
  WHERE f.part = p.part AND f.number <= $1 ORDER BY f.number DESC LIMIT 1
) AS f ON true
"""
_CURSOR = """
SELECT coalesce(f.epoch, 0) AS epoch, c.number FROM relay_cursor c LEFT JOIN feed f ON f.number = c.number
WHERE c.relay = 'kafka'
"""
_AT = "SELECT epoch FROM feed WHERE number = $1"
_LAST_BELOW = """
SELECT number FROM feed WHERE epoch < $1 OR (epoch = $1 AND number <= $2) ORDER BY number DESC LIMIT 1
"""

Row = asyncpg.Record


async def page(tx: Tx, after: int, most: int) -> Sequence[Row]:
    """Return the next events numbered above `after` as Kafka's records need them; private ones have no `part`.

    What is bytes there is bytes here: to make text of it and bytes again took a fifth of a relay's time.
    """
    return await tx.fetch(_PAGE, after, most)


async def relayed(tx: Tx, after: Position, limit: int, part: int | None) -> Sequence[Row]:
    """Return what the relay has sent after a position, of one partition or all."""
    number = await _number_of(tx, after)
    upto = (await cursor(tx)).number
    if part is None:
        return await tx.fetch(_AFTER, number, upto, limit)
    return await tx.fetch(_OF_PART, number, upto, limit, part)


async def cursor(tx: Tx) -> Position:
    """Return the position up to which Kafka has acknowledged everything."""
    row = await tx.fetchrow(_CURSOR)
    return Position(row["epoch"], row["number"]) if row else BEGINNING


async def epoch(tx: Tx) -> int:
    """Return the epoch in which the store gives numbers."""
    return int(await tx.fetchval("SELECT epoch FROM feed_head"))


async def beats(tx: Tx, upto: int, source: bytes) -> dict[int, list[Outgoing]]:
    """Return each partition's beat for its last public event at or below a number.

    A partition that has none has a beat too, for the beginning: in which epoch the store is shall be heard everywhere.
    """
    rows = await tx.fetch(_BEATS, upto)
    told = ((row, Beat(Position(row["epoch"], row["number"]), row["begun"])) for row in rows)
    return {row["part"]: [beat(one, row["id"], source, row["at"])] for row, one in told}


async def _number_of(tx: Tx, position: Position) -> int:
    """Return the last number at or below a position: a store that was set back has given the numbers after it anew."""
    if await tx.fetchval(_AT, position.number) == position.epoch:
        return position.number
    return await tx.fetchval(_LAST_BELOW, *position) or 0

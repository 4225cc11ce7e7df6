"""The rows that fence a consumer: per topic and partition, the last position applied and the next Kafka offset."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import asyncpg

from shared.channel import Place
from shared.message import Position
from shared.postgres import Tx
from shared.running import CannotRun

CLOCKS_ERR = timedelta(seconds=2)  # when another server takes over

_ROWS = "SELECT part, epoch, number, next_offset FROM consumed WHERE consumer = $1 AND topic = $2"
_LOCK = _ROWS + " AND part = ANY($3::smallint[]) ORDER BY part FOR UPDATE"
_PLACE = """
INSERT INTO consumed (consumer, topic, part, epoch, number, next_offset)
SELECT $1, $2, part, epoch, number, next_offset
FROM unnest($3::smallint[], $4::bigint[], $5::bigint[], $6::bigint[]) AS p (part, epoch, number, next_offset)
ON CONFLICT DO NOTHING
"""
_MOVE = """
UPDATE consumed SET epoch = p.epoch, number = p.number, next_offset = p.next_offset, applied_at =
  CASE WHEN (consumed.epoch, consumed.number) = (p.epoch, p.number) THEN applied_at ELSE clock_timestamp() END
FROM unnest($3::smallint[], $4::bigint[], $5::bigint[], $6::bigint[]) AS p (part, epoch, number, next_offset)
WHERE consumed.consumer = $1 AND consumed.topic = $2 AND consumed.part = p.part
"""
# all at or below a position was recorded before somebody could apply the event there
_NEWER = """
SELECT c.part FROM consumed c JOIN unnest($3::smallint[], $4::timestamptz[]) AS t (part, recorded_at) USING (part)
WHERE c.consumer = $1 AND c.topic = $2 AND t.recorded_at > c.applied_at + $5::interval ORDER BY c.part
"""


class SpeakerWentBack(Exception):
    """A speaker tells as known what it recorded later than that: its store went back, and nobody has noticed."""


class FenceMissing(CannotRun):
    """A consumer has no row for a partition it hears: what it has applied is not known, so nothing may be applied."""

    def __init__(self, cause: str) -> None:
        super().__init__(f"{cause}: nobody knows any more what it has applied; start it again")


@dataclass(frozen=True)
class Fence:
    """The rows of one consumer for one topic."""

    consumer: str
    topic: str

    async def places(self, connection: Tx) -> dict[int, Place]:
        """Return the place in every partition, without locking."""
        return _places(await connection.fetch(_ROWS, self.consumer, self.topic))

    async def lock(self, tx: Tx, parts: Iterable[int]) -> dict[int, Place]:
        """Lock the rows, in partition order so that two consumers cannot deadlock; raise FenceMissing."""
        wanted = sorted(parts)
        found = _places(await tx.fetch(_LOCK, self.consumer, self.topic, wanted))
        if len(found) < len(wanted):
            raise FenceMissing(f"{self.consumer} has no row for {self.topic} {sorted(set(wanted) - set(found))}")
        return found

    async def doubt(self, tx: Tx, told: Mapping[int, datetime]) -> None:
        """Raise SpeakerWentBack where what is to be passed over, by partition, is newer than what was applied last."""
        if not told:
            return
        rows = await tx.fetch(_NEWER, self.consumer, self.topic, list(told), list(told.values()), CLOCKS_ERR)
        if parts := [row["part"] for row in rows]:
            where = f"{self.topic}, partitions {parts}"
            raise SpeakerWentBack(
                f"{where}: new events have known numbers. Stop the speaker, and `branchline rebase` it."
            )

    async def place(self, tx: Tx, places: Mapping[int, Place]) -> None:
        """Make the rows of a new consumer; another process of it may have been first, and its rows stand."""
        await tx.execute(_PLACE, *self._arrays(places))

    async def move(self, tx: Tx, places: Mapping[int, Place]) -> None:
        """Move rows that this transaction has locked; raise FenceMissing when fewer moved than were to."""
        if not places:
            return
        moved = await tx.execute(_MOVE, *self._arrays(places))
        if moved != f"UPDATE {len(places)}":
            raise FenceMissing(f"{self.consumer} on {self.topic}: {moved} of {len(places)} rows")

    def _arrays(self, places: Mapping[int, Place]) -> tuple[object, ...]:
        return (
            self.consumer,
            self.topic,
            list(places),
            [place.last.epoch for place in places.values()],
            [place.last.number for place in places.values()],
            [place.next_offset for place in places.values()],
        )


def _places(rows: Iterable[asyncpg.Record]) -> dict[int, Place]:
    return {row["part"]: Place(Position(row["epoch"], row["number"]), row["next_offset"]) for row in rows}

"""What a consumer could not apply: parked keys with dead letters, records that are not the speaker's, and the halt."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared.channel import Link
from shared.cloudevent import Arrival, Record, legible
from shared.message import Position
from shared.postgres import Tx

_KEYS = "SELECT partition_key FROM parked_key WHERE consumer = $1 AND topic = $2"
_PARK = """
INSERT INTO parked_key (consumer, topic, partition_key, cause)
SELECT $1, $2, key, cause FROM unnest($3::text[], $4::text[]) AS p (key, cause) ON CONFLICT DO NOTHING
"""
_UNPARK = """
DELETE FROM parked_key WHERE consumer = $1 AND topic = $2 AND partition_key = $3 AND NOT EXISTS (
  SELECT FROM dead_letter WHERE consumer = $1 AND topic = $2 AND partition_key = $3 AND redriven_at IS NULL)
"""
_KEEP = """
INSERT INTO dead_letter (consumer, topic, part, partition_key, epoch, number, recorded_at, headers, body, error)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING
"""
_OLDEST = """
SELECT id, part, partition_key, epoch, number, recorded_at, headers::text AS headers, body FROM dead_letter
WHERE consumer = $1 AND topic = $2 AND partition_key = $3 AND redriven_at IS NULL ORDER BY id LIMIT 1
"""
_DONE = "UPDATE dead_letter SET redriven_at = clock_timestamp() WHERE id = $1"
_FAILED = "UPDATE dead_letter SET tries = tries + 1, error = $2 WHERE id = $1"
_SET_ASIDE = """
INSERT INTO set_aside (consumer, topic, part, at_offset, key, headers, body, reason)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING RETURNING 1
"""
_HALT = "INSERT INTO halted (consumer, topic, cause) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"
_GO_ON = "DELETE FROM halted WHERE consumer = $1 AND topic = $2"


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter that waits."""

    id: int
    arrival: Arrival


@dataclass(frozen=True)
class Parking:
    """What waits for an operator at one consumer of one topic. A key's letters change only under its fence row."""

    consumer: str
    topic: str

    async def keys(self, tx: Tx) -> set[str]:
        """Return the parked keys; read them after the fence rows are locked."""
        return {row["partition_key"] for row in await tx.fetch(_KEYS, self.consumer, self.topic)}

    async def park(self, tx: Tx, causes: Mapping[str, str]) -> None:
        """Park keys, each with what happened."""
        if causes:
            await tx.execute(_PARK, self.consumer, self.topic, list(causes), [legible(c) for c in causes.values()])

    async def keep(self, tx: Tx, letters: Sequence[tuple[Arrival, str]]) -> None:
        """Keep records of parked keys, in order, each with why it is here."""
        if letters:
            await tx.executemany(_KEEP, [self._row(arrival, error) for arrival, error in letters])

    def _row(self, arrival: Arrival, error: str) -> tuple[Any, ...]:
        told = {legible(name): legible(value) for name, value in arrival.headers.items()}
        place = arrival.word.position
        kept = (arrival.recorded_at, json.dumps(told), arrival.body, legible(error))
        return (self.consumer, self.topic, arrival.part, arrival.key, place.epoch, place.number, *kept)

    async def oldest(self, tx: Tx, key: str) -> Letter | None:
        """Return the first letter of a key that waits."""
        row = await tx.fetchrow(_OLDEST, self.consumer, self.topic, key)
        if row is None:
            return None
        place = Position(row["epoch"], row["number"])
        headers = {name: value.encode() for name, value in json.loads(row["headers"]).items()}
        key, body, at = row["partition_key"], row["body"], row["recorded_at"]
        return Letter(row["id"], Arrival(Link(place, place), row["part"], None, key, headers, body, at))

    async def done(self, tx: Tx, letter: Letter) -> bool:
        """Mark a letter as applied; unpark its key when it was the last, and return whether it was."""
        await tx.execute(_DONE, letter.id)
        return await self.unpark(tx, letter.arrival.key)

    async def unpark(self, tx: Tx, key: str) -> bool:
        """Unpark a key that nothing waits for; return whether it was parked and is not."""
        return str(await tx.execute(_UNPARK, self.consumer, self.topic, key)) == "DELETE 1"

    async def failed(self, tx: Tx, letter: Letter, error: str) -> None:
        """Note that a letter could not be applied this time either."""
        await tx.execute(_FAILED, letter.id, legible(error))

    async def set_aside(self, tx: Tx, record: Record, reason: str) -> bool:
        """Keep a record that is not the speaker's; return whether it is new."""
        headers = [[legible(name), None if value is None else legible(value)] for name, value in record.headers]
        row = (record.partition, record.offset, record.key, json.dumps(headers), record.value, reason)
        return bool(await tx.fetchval(_SET_ASIDE, self.consumer, self.topic, *row))

    async def halt(self, tx: Tx, cause: str) -> None:
        """Note that the consumer stands still."""
        await tx.execute(_HALT, self.consumer, self.topic, legible(cause))

    async def go_on(self, tx: Tx) -> None:
        """Note that it does not any more."""
        await tx.execute(_GO_ON, self.consumer, self.topic)

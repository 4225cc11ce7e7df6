"""Commands for later: rows that fire when they are due, the earliest of a stream first. Pauses are in seconds."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import asyncpg
import structlog

from shared import refusals, telemetry
from shared.failpoints import reached
from shared.faults import is_passing
from shared.message import Cause, Command, Issued
from shared.postgres import Tx
from shared.running import pause

if TYPE_CHECKING:
    from shared.running import Running

AT_ONCE = 100
LONGEST_PAUSE = 0.5
TRIES = 8  # with the pauses between them about four hours
FIRST_RETRY_SECONDS, LONGEST_RETRY_SECONDS = 1, 3600

_SCHEDULE = """
INSERT INTO timer (id, due_at, stream_id, type, command) VALUES ($1, $2, $3, $4, $5::jsonb)
ON CONFLICT (id) DO UPDATE
SET due_at = excluded.due_at, stream_id = excluded.stream_id, type = excluded.type, command = excluded.command,
    tries = 0, next_try_at = '-infinity', parked_at = NULL, error = NULL
WHERE timer.fired_at IS NULL
"""
# one that is just being fired waits for its stream, which whoever cancels has: it fires, and finds nothing to do
_CANCEL = """
DELETE FROM timer WHERE id = (SELECT id FROM timer WHERE id = $1 AND fired_at IS NULL FOR UPDATE SKIP LOCKED)
"""
_DUE = """
SELECT id, due_at, type, command::text AS command FROM timer t
WHERE due_at <= clock_timestamp() AND next_try_at <= clock_timestamp() AND fired_at IS NULL AND parked_at IS NULL
  AND NOT EXISTS (SELECT FROM timer e WHERE e.stream_id = t.stream_id AND e.fired_at IS NULL
                  AND (e.due_at, e.id) < (t.due_at, t.id))
ORDER BY due_at, id LIMIT $1 FOR UPDATE SKIP LOCKED
"""
_FIRED = "UPDATE timer SET fired_at = clock_timestamp(), error = NULL WHERE id = ANY($1::uuid[])"
_FAILED = """
UPDATE timer SET tries = tries + 1, error = $2,
  next_try_at = clock_timestamp() + least($3 * 4 ^ tries, $4) * interval '1 second',
  parked_at = CASE WHEN tries + 1 >= $5 THEN clock_timestamp() END
WHERE id = $1 AND fired_at IS NULL
"""


async def schedule(tx: Tx, *, timer_id: UUID, due_at: datetime, stream_id: UUID, command: Command) -> None:
    """Let the command be handled at `due_at`, with that as its `at`; the same id moves a timer that has not fired."""
    await tx.execute(_SCHEDULE, timer_id, due_at, stream_id, type(command).__name__, command.model_dump_json())


async def cancel(tx: Tx, timer_id: UUID) -> None:
    """Take a timer back, where it has not fired and is not just being fired: its command must do no harm then."""
    await tx.execute(_CANCEL, timer_id)


async def timers(running: "Running") -> None:
    """Fire what is due until the service stops; any number of processes may do so at once."""
    while not running.stop.is_set():
        looked_at = 0
        try:
            looked_at = await fire(running)
        except Exception as error:
            if not is_passing(error):
                raise
            structlog.get_logger().warning("timers wait", error=f"{type(error).__name__}: {error}")
        if looked_at < AT_ONCE:
            await pause(running, LONGEST_PAUSE)


async def fire(running: "Running") -> int:
    """Fire some of what is due in one transaction; where that fails, one by one. Return how many were looked at."""
    try:
        return await _fire(running, AT_ONCE)
    except Exception as error:
        if is_passing(error):
            raise
    return await _fire_each(running)


async def _fire(running: "Running", limit: int) -> int:
    async with running.pool.acquire() as tx, tx.transaction():
        rows = await tx.fetch(_DUE, limit)
        await _handle(running, tx, rows)
    if rows:
        running.appended.set()
        telemetry.TIMERS_FIRED.inc(len(rows))
    return len(rows)


async def _fire_each(running: "Running") -> int:
    for looked_at in range(AT_ONCE):
        async with running.pool.acquire() as tx, tx.transaction():
            rows = await tx.fetch(_DUE, 1)
            if not rows:
                return looked_at
            await _handle_or_put_off(running, tx, rows)
        running.appended.set()
    return AT_ONCE


async def _handle_or_put_off(running: "Running", tx: Tx, rows: Sequence[asyncpg.Record]) -> None:
    try:
        async with tx.transaction():  # a savepoint: the row stays locked when the command fails
            await _handle(running, tx, rows)
    except Exception as error:
        if is_passing(error):
            raise
        told = f"{type(error).__name__}: {error}"
        structlog.get_logger().error("a timer fails", timer=str(rows[0]["id"]), exc_info=error)
        await tx.execute(_FAILED, rows[0]["id"], told, FIRST_RETRY_SECONDS, LONGEST_RETRY_SECONDS, TRIES)


async def _handle(running: "Running", tx: Tx, rows: Sequence[asyncpg.Record]) -> None:
    if not rows:
        return
    issued = [_issued(running, row) for row in rows]
    await reached("timer.due")
    outcomes = await running.handler.handle(tx, issued)
    await refusals.keep(tx, issued, outcomes)
    await tx.execute(_FIRED, [row["id"] for row in rows])
    await reached("timer.fired")


def _issued(running: "Running", row: asyncpg.Record) -> Issued:
    command = running.handler.commands[row["type"]]
    fields: dict[str, Any] = json.loads(row["command"]) | {"at": row["due_at"]}
    told = f"timer-{row['id']}"
    return Issued(command.model_validate(fields), Cause(correlation=told, causation=told, actor="timer"))

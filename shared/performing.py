"""Commands from outside, each act in a transaction of its own: tried again on a conflict, once for an idempotency key,
and those that wait for the same stream done together."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar
from uuid import UUID

import asyncpg

from shared.errors import Conflict, Rejected
from shared.failpoints import reached
from shared.handling import Outcome
from shared.idempotency import Idempotency, claim, keep, replay, told
from shared.message import Cause, Command, Issued
from shared.postgres import Tx
from shared.store import Done, DoneBefore

if TYPE_CHECKING:
    from shared.running import Running

Result = TypeVar("Result")

TRIES = 5
LARGEST_TOGETHER = 500

CONTENDED = (Conflict, asyncpg.SerializationError, asyncpg.DeadlockDetectedError)


@dataclass
class _Waiting:
    issued: Issued
    idempotency: Idempotency | None
    answer: "asyncio.Future[Outcome]"

    def settle(self, result: Outcome | Exception) -> None:
        if self.answer.done():
            return
        if isinstance(result, Exception):
            self.answer.set_exception(result)
        else:
            self.answer.set_result(result)


@dataclass
class Queues:
    """The commands that wait for a stream which this process is writing, and the tasks that will do them."""

    waiting: dict[UUID, list[_Waiting]] = field(default_factory=dict)
    tasks: "set[asyncio.Task[None]]" = field(default_factory=set)


async def perform(running: "Running", issued: Sequence[Issued]) -> list[Outcome]:
    """Handle the commands in one transaction; refusals are outcomes. Raises Conflict when it stays contended."""
    return await in_transaction(running, lambda tx: running.handler.handle(tx, issued))


async def in_transaction(running: "Running", act: Callable[[Tx], Awaitable[Result]]) -> Result:
    """Return what `act` returns, done in one transaction and again while it is contended; wakes the sequencer."""

    async def whole() -> Result:
        async with running.pool.acquire() as tx, tx.transaction():
            done = await act(tx)
            await reached("command.done")
            return done

    result = await _persist(whole)
    await reached("command.committed")
    running.appended.set()
    return result


async def perform_one(
    running: "Running", command: Command, cause: Cause, *, idempotency: Idempotency | None = None
) -> Outcome:
    """Handle one command; raise its Rejected. Others for its stream that come meanwhile are then done as one batch.

    With `idempotency` a repeat gets the first outcome again; raises KeyReused for another body.
    """
    stream_id = running.handler.stream_of(command)
    waiting = _Waiting(Issued(command, cause), idempotency, asyncio.get_running_loop().create_future())
    queue = running.queues.waiting.get(stream_id)
    if queue is None:
        outcome = await _lead(running, stream_id, waiting)
    else:
        queue.append(waiting)
        outcome = await waiting.answer
    if outcome.refusal:
        raise outcome.refusal
    return outcome


async def _lead(running: "Running", stream_id: UUID, first: _Waiting) -> Outcome:
    """Do `first` now; a task does what has queued up behind it."""
    queues = running.queues
    queues.waiting[stream_id] = []
    try:
        return await _alone(running, first)
    finally:
        task = asyncio.get_running_loop().create_task(_follow(running, stream_id))
        queues.tasks.add(task)
        task.add_done_callback(queues.tasks.discard)


async def _follow(running: "Running", stream_id: UUID) -> None:
    waiting = running.queues.waiting
    while batch := waiting[stream_id][:LARGEST_TOGETHER]:
        del waiting[stream_id][:LARGEST_TOGETHER]
        results: Sequence[Outcome | Exception]
        try:
            results = await _together(running, batch)
        except Exception as error:
            results = [error] * len(batch)
        for one, result in zip(batch, results, strict=True):
            one.settle(result)
    del waiting[stream_id]


async def _alone(running: "Running", one: _Waiting) -> Outcome:
    """Do one command: in two round trips when its aggregate has no guards and nothing is in the way."""
    if not running.handler.aggregate(one.issued.command).guards:
        try:
            return await _persist(lambda: _at_once(running, one))
        except (Rejected, DoneBefore):
            if one.idempotency is None:
                raise
    result = (await _together(running, [one]))[0]
    if isinstance(result, Exception):
        raise result
    return result


async def _at_once(running: "Running", one: _Waiting) -> Outcome:
    key = one.idempotency
    async with running.pool.acquire() as connection:
        outcome = await running.handler.one(
            connection, one.issued, (lambda outcome: Done(key.id, key.body_hash, told(outcome))) if key else None
        )
    await reached("command.committed-at-once")
    running.appended.set()
    return outcome


async def _together(running: "Running", batch: Sequence[_Waiting]) -> Sequence[Outcome | Exception]:
    async def act(tx: Tx) -> list[Outcome | Exception]:
        keys: dict[UUID, Idempotency] = {}
        for one in batch:
            if one.idempotency:
                keys.setdefault(one.idempotency.id, one.idempotency)
        chosen = _firsts(batch, await claim(tx, list(keys.values())) if keys else set())
        handled = await running.handler.handle(tx, [one.issued for one in chosen])
        outcomes = {id(one): outcome for one, outcome in zip(chosen, handled, strict=True)}
        await keep(tx, {one.idempotency.id: outcomes[id(one)] for one in chosen if one.idempotency})
        again = await replay(tx, [one.idempotency for one in batch if one.idempotency and id(one) not in outcomes])
        return [
            outcomes[id(one)] if one.idempotency is None else outcomes.get(id(one)) or again[one.idempotency]
            for one in batch
        ]

    return await in_transaction(running, act)


def _firsts(batch: Sequence[_Waiting], new: set[UUID]) -> list[_Waiting]:
    """Return those to be handled: without a key, or the first of a new one."""
    chosen, left = [], set(new)
    for one in batch:
        if one.idempotency is None:
            chosen.append(one)
        elif one.idempotency.id in left:
            left.remove(one.idempotency.id)
            chosen.append(one)
    return chosen


async def _persist(act: Callable[[], Awaitable[Result]]) -> Result:
    last: Exception | None = None
    for attempt in range(TRIES):
        try:
            return await act()
        except CONTENDED as error:
            last = error
            await asyncio.sleep(random.uniform(0, 0.005 * 2**attempt))
    raise Conflict("the streams stay contended") from last

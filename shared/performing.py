"""Commands from outside, each act in a transaction of its own: tried again on a conflict, once for an idempotency key,
and those that wait meanwhile done together."""

import asyncio
import random
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar
from uuid import UUID

import asyncpg

from shared.errors import Conflict, Rejected
from shared.failpoints import reached
from shared.faults import is_passing
from shared.handling import Outcome
from shared.idempotency import Idempotency, claim, keep, replay, told
from shared.message import Cause, Command, Issued
from shared.postgres import Tx
from shared.store import Done, DoneBefore

if TYPE_CHECKING:
    from shared.running import Running

Result = TypeVar("Result")

TRIES = 5
LANES = 4  # transactions at once of what shares them, each with all that waits when it begins
SHORT_PATIENCE = timedelta(milliseconds=200)  # with a locked stream, where others would wait with it
LARGEST_TOGETHER = 500

CONTENDED = (Conflict, asyncpg.SerializationError, asyncpg.DeadlockDetectedError)


@dataclass
class _Waiting:
    issued: Issued
    stream_id: UUID
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
    """The commands that wait, by their stream, or under None where they go with whatever else waits there.

    `lanes` counts the tasks at work on a queue, `writing` has the streams that those of None write.
    """

    waiting: dict[UUID | None, list[_Waiting]] = field(default_factory=lambda: defaultdict(list))
    lanes: Counter[UUID | None] = field(default_factory=Counter)
    writing: set[UUID] = field(default_factory=set)
    tasks: "set[asyncio.Task[None]]" = field(default_factory=set)

    def take(self, queue: UUID | None) -> list[_Waiting]:
        """Return what waits, in order, but for what another lane is writing the stream of, and who has gone."""
        here = [one for one in self.waiting.pop(queue, ()) if not one.answer.done()]
        free = [one for one in here if queue or one.stream_id not in self.writing][:LARGEST_TOGETHER]
        taken = set(map(id, free))
        if left := [one for one in here if id(one) not in taken]:
            self.waiting[queue] = left
        return free


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

    Commands that are renewed go with those for other streams, too: LANES transactions do all of them.

    With `idempotency` a repeat gets the first outcome again; raises KeyReused for another body.
    """
    stream_id, answer = running.handler.stream_of(command), asyncio.get_running_loop().create_future()
    # what is renewed takes one round for all, so that nobody waits for a stranger's rounds
    shares = type(command) in running.handler.aggregate(command).renewed
    _queue(running, None if shares else stream_id, _Waiting(Issued(command, cause), stream_id, idempotency, answer))
    outcome: Outcome = await answer
    if outcome.refusal:
        raise outcome.refusal
    return outcome


def _queue(running: "Running", queue: UUID | None, one: _Waiting) -> None:
    queues = running.queues
    queues.waiting[queue].append(one)
    if queues.lanes[queue] < (LANES if queue is None else 1):
        queues.lanes[queue] += 1
        # a lane works for many: it has no trace of its own
        task = asyncio.get_running_loop().create_task(_lane(running, queue), context=Context())
        queues.tasks.add(task)
        task.add_done_callback(queues.tasks.discard)


async def _lane(running: "Running", queue: UUID | None) -> None:
    """Do what waits, until nothing does."""
    queues = running.queues
    try:
        while batch := queues.take(queue):
            streams = {one.stream_id for one in batch} if queue is None else set[UUID]()
            queues.writing |= streams
            try:
                await _settle(running, queue, batch)
            finally:
                queues.writing -= streams
    finally:
        queues.lanes[queue] -= 1
        if not queues.lanes[queue]:
            del queues.lanes[queue]


async def _settle(running: "Running", queue: UUID | None, batch: Sequence[_Waiting]) -> None:
    """Answer each of a batch. One with a bug or a locked stream is halved, so that none fails for another's."""
    results: Sequence[Outcome | Exception]
    try:
        if queue is None:
            results = await _together(running, batch, SHORT_PATIENCE)
        else:
            results = await _together(running, batch) if len(batch) > 1 else [await _alone(running, batch[0])]
    except asyncpg.LockNotAvailableError:
        if len({one.stream_id for one in batch}) == 1:
            for one in batch:  # it waits by itself, and holds up no lane
                _queue(running, one.stream_id, one)
            return
        await _halve(running, queue, batch)
        return
    except Exception as error:
        if len(batch) > 1 and not is_passing(error):
            await _halve(running, queue, batch)
            return
        results = [error] * len(batch)
    for one, result in zip(batch, results, strict=True):
        one.settle(result)


async def _halve(running: "Running", queue: UUID | None, batch: Sequence[_Waiting]) -> None:
    middle = len(batch) // 2
    await _settle(running, queue, batch[:middle])
    await _settle(running, queue, batch[middle:])


async def _alone(running: "Running", one: _Waiting) -> Outcome | Exception:
    """Do one command: in two round trips when its aggregate has no guards and nothing is in the way."""
    if not running.handler.aggregate(one.issued.command).guards:
        try:
            return await _persist(lambda: _at_once(running, one))
        except (Rejected, DoneBefore):
            if one.idempotency is None:
                raise
    return (await _together(running, [one]))[0]


async def _at_once(running: "Running", one: _Waiting) -> Outcome:
    key = one.idempotency
    async with running.pool.acquire() as connection:
        outcome = await running.handler.one(
            connection, one.issued, (lambda outcome: Done(key.id, key.body_hash, told(outcome))) if key else None
        )
    await reached("command.committed-at-once")
    running.appended.set()
    return outcome


async def _together(
    running: "Running", batch: Sequence[_Waiting], patience: timedelta | None = None
) -> Sequence[Outcome | Exception]:
    async def act(tx: Tx) -> list[Outcome | Exception]:
        keys = {one.idempotency.id: one.idempotency for one in reversed(batch) if one.idempotency}
        chosen = _firsts(batch, await claim(tx, list(keys.values())) if keys else set())
        handled = await running.handler.handle(tx, [one.issued for one in chosen], patience)
        answers: dict[int, Outcome | Exception] = {id(o): done for o, done in zip(chosen, handled, strict=True)}
        if keys:
            await keep(
                tx, {one.idempotency.id: done for one, done in zip(chosen, handled, strict=True) if one.idempotency}
            )
        if again := [(id(one), one.idempotency) for one in batch if one.idempotency and id(one) not in answers]:
            known = await replay(tx, [key for _, key in again])
            answers |= {one: known[key] for one, key in again}
        return [answers[id(one)] for one in batch]

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

"""A command and those that follow from it on other streams, in one transaction: all of them are done, or none is."""

from collections.abc import Callable, Sequence

from shared.errors import Rejected
from shared.handling import Outcome
from shared.idempotency import Idempotency, KeyReused, claim, keep, replay
from shared.message import Cause, Command, Event, Issued
from shared.performing import in_transaction
from shared.postgres import Tx
from shared.running import Running


async def perform_whole(
    running: Running,
    command: Command,
    follow: Callable[[Sequence[Event]], Sequence[Command]],
    cause: Cause,
    *,
    idempotency: Idempotency | None = None,
) -> Outcome:
    """Handle a command and those that follow from its events, on other streams: all of them, or raise a Rejected.

    Nothing is done together with others that wait for the stream. `idempotency` is as in `perform_one`.
    """

    async def act(tx: Tx) -> Outcome | KeyReused:
        if idempotency and not await claim(tx, [idempotency]):
            return (await replay(tx, [idempotency]))[idempotency]
        outcome = await _whole(running, tx, command, follow, cause)
        if idempotency:
            await keep(tx, {idempotency.id: outcome})
        return outcome

    outcome = await in_transaction(running, act)
    if isinstance(outcome, KeyReused):
        raise outcome
    if outcome.refusal:
        raise outcome.refusal
    return outcome


async def _whole(
    running: Running, tx: Tx, command: Command, follow: Callable[[Sequence[Event]], Sequence[Command]], cause: Cause
) -> Outcome:
    """Return the command's outcome; a refusal of any leaves nothing but its own outcome."""
    try:
        async with tx.transaction():
            (first,) = await running.handler.handle(tx, [Issued(command, cause)])
            more = [Issued(one, cause) for one in follow([envelope.event for envelope in first.events])]
            for outcome in (first, *(await running.handler.handle(tx, more) if more else ())):
                if outcome.refusal:
                    raise outcome.refusal
            return first
    except Rejected as refusal:
        return Outcome(running.handler.stream_of(command), 0, refusal=refusal)

"""Reactions: another service's events become commands, handled in the transaction that marks the events as applied."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from shared import refusals
from shared.applying import Effect
from shared.consumer import Consumer
from shared.handling import Handler
from shared.message import Cause, Command, Envelope, Issued, Vocabulary
from shared.postgres import Tx
from shared.running import Running
from shared.service import Hearing


async def reactions(running: Running) -> None:
    """React to every speaker that the service hears, until it stops."""
    try:
        async with asyncio.TaskGroup() as group:
            for hearing in running.service.hears:
                group.create_task(reactor(running, hearing).run())
    except ExceptionGroup as several:
        raise several.exceptions[0] from several


def reactor(running: Running, hearing: Hearing) -> Consumer:
    """Return the consumer that reacts to a speaker, under the service's own name."""
    effect = reacting(running.handler, hearing.react)
    vocabulary = Vocabulary(hearing.events)
    return Consumer(running, running.service.name, hearing.speaker, vocabulary, effect, bell=running.appended)


def reacting(handler: Handler, react: Callable[[Any], Sequence[Command]]) -> Effect:
    """Return the effect that handles what `react` makes of each event, in order; a refusal holds up nothing."""

    async def effect(tx: Tx, told: Sequence[Envelope]) -> None:
        issued = [Issued(command, _cause(event)) for event in told for command in react(event.event)]
        if issued:
            await refusals.keep(tx, issued, await handler.handle(tx, issued))

    return effect


def _cause(told: Envelope) -> Cause:
    return Cause(told.cause.correlation, told.id, told.cause.traceparent, told.cause.actor)

"""The messages that have no outcome yet; now is Postgres's."""

from collections.abc import Sequence

from contracts.notification import MessageFailed, MessageOutcomeUnknown, MessageSent
from services.notification.domain import MessageClaimed, MessagePlanned, PlanMessage
from services.notification.terms import Terms
from shared.message import Command, Envelope
from shared.policy import policies
from shared.postgres import Tx

_PLAN = """
INSERT INTO outbox (message_id, customer_id, template, planned_at, correlation, causation, traceparent)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::timestamptz[], $5::text[], $6::text[], $7::text[])
"""
_CLAIM = """
UPDATE outbox SET claimed_until = c.until FROM unnest($1::uuid[], $2::timestamptz[]) AS c (message_id, until)
WHERE outbox.message_id = c.message_id
"""
_CLOSE = "DELETE FROM outbox WHERE message_id = ANY($1::uuid[])"


async def gather(tx: Tx, commands: Sequence[Command], /) -> Sequence[Command]:
    """Bring the time of hearing, and the age that is too old, to plans."""
    if not any(isinstance(command, PlanMessage) for command in commands):
        return commands
    now = await tx.fetchval("SELECT now()")
    terms = (await policies(tx, Terms)).at(now).terms
    brought = {"heard_at": now, "within": terms.welcome_within}
    return [c.model_copy(update=brought) if isinstance(c, PlanMessage) else c for c in commands]


async def guard(tx: Tx, events: Sequence[Envelope], /) -> None:
    """Keep the messages without an outcome."""
    if planned := [(e, e.event) for e in events if isinstance(e.event, MessagePlanned)]:
        await tx.execute(
            _PLAN,
            [plan.message_id for _, plan in planned],
            [plan.customer_id for _, plan in planned],
            [plan.template for _, plan in planned],
            [plan.at for _, plan in planned],
            [e.cause.correlation for e, _ in planned],
            [e.id for e, _ in planned],
            [e.cause.traceparent for e, _ in planned],
        )
    if claimed := [e.event for e in events if isinstance(e.event, MessageClaimed)]:
        await tx.execute(_CLAIM, [e.message_id for e in claimed], [e.until for e in claimed])
    if closed := [
        e.stream_id for e in events if isinstance(e.event, MessageSent | MessageFailed | MessageOutcomeUnknown)
    ]:
        await tx.execute(_CLOSE, closed)

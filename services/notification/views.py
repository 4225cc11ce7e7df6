"""The list of messages and what became of them, from notification's own feed."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import asyncpg

from contracts.notification import MessageFailed, MessageOutcomeUnknown, MessageSent
from services.notification.domain import MessageClaimed, MessagePlanned, Status
from shared.message import Envelope, Event
from shared.postgres import Tx

_PLAN = """
INSERT INTO messages (message_id, customer_id, template, status, planned_at, status_at) VALUES ($1, $2, $3, $4, $5, $5)
ON CONFLICT DO NOTHING
"""
_MOVE = "UPDATE messages SET status = $2, status_at = $3, channel = $4, receipt = $5, code = $6 WHERE message_id = $1"
_OF = "SELECT * FROM messages WHERE customer_id = $1 ORDER BY planned_at, message_id LIMIT $2"


async def project(tx: Tx, events: Sequence[Envelope]) -> None:
    """Fill the list; the last news of a message is what became of it."""
    planned = [e.event for e in events if isinstance(e.event, MessagePlanned)]
    moved = {e.stream_id: row for e in events if (row := _row(e.event))}
    await tx.executemany(
        _PLAN, [(e.message_id, e.customer_id, e.template, Status.PLANNED.value, e.at) for e in planned]
    )
    await tx.executemany(_MOVE, moved.values())


def _row(event: Event) -> tuple[Any, ...] | None:
    match event:
        case MessageClaimed():
            return event.message_id, Status.CLAIMED.value, event.at, None, None, None
        case MessageSent():
            return event.message_id, Status.SENT.value, event.at, event.channel, event.receipt, None
        case MessageFailed():
            return event.message_id, Status.FAILED.value, event.at, None, None, event.code
        case MessageOutcomeUnknown():
            return event.message_id, Status.UNKNOWN.value, event.at, event.channel, None, None
        case _:
            return None


async def messages_of(tx: Tx, customer_id: UUID, limit: int) -> list[asyncpg.Record]:
    """Return a customer's messages, the oldest first."""
    return await tx.fetch(_OF, customer_id, limit)

"""One message: planned, claimed by the one worker that may send it, then sent, failed or of unknown outcome. Pure.

A claim is never given twice, so a message is sent at most once, whatever dies when.
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TypeAlias
from uuid import UUID, uuid5

from contracts.notification import MessageFailed, MessageOutcomeUnknown, MessageSent
from shared.errors import Rejected
from shared.message import Command, Event, Instant
from shared.replacing import replace

SHAPE = 1
WELCOME = "welcome"

_MESSAGES = UUID("9a5d3f0e-3d53-5a0f-8f3a-5a7f6a1c2e44")


def message_id(key: str) -> UUID:
    """Return the id of the one message with that key, such as `welcome/<customer>`."""
    return uuid5(_MESSAGES, key)


class PlanMessage(Command):
    """Let the customer be told, unless the news is old by then. `at` is when the news happened."""

    message_id: UUID
    customer_id: UUID
    template: str
    heard_at: Instant | None = None  # these two brought by guards.gather: now, and the age that is too old
    within: timedelta = timedelta(hours=72)


class ClaimMessage(Command):
    """Let one worker send the message; its outcome counts as unknown when there is none by `until`."""

    message_id: UUID
    until: Instant


class RecordSent(Command):
    """The provider took the message; `receipt` is its id for it."""

    message_id: UUID
    channel: str
    receipt: str


class RecordFailed(Command):
    """The provider has surely not taken the message."""

    message_id: UUID
    code: str


class DropMessage(Command):
    """There is nowhere to send the message to."""

    message_id: UUID
    code: str


class RecordUnknown(Command):
    """The provider may or may not have taken the message."""

    message_id: UUID
    channel: str


class MessagePlanned(Event):
    """A message is to be sent."""

    message_id: UUID
    customer_id: UUID
    template: str


class MessageClaimed(Event):
    """A worker will send the message now; whatever happens, nobody will again."""

    message_id: UUID
    until: Instant


Outcome: TypeAlias = RecordSent | RecordFailed | RecordUnknown
MessageCommand: TypeAlias = PlanMessage | ClaimMessage | DropMessage | Outcome
MessageEvent: TypeAlias = MessagePlanned | MessageClaimed | MessageSent | MessageFailed | MessageOutcomeUnknown

COMMANDS = (PlanMessage, ClaimMessage, DropMessage, RecordSent, RecordFailed, RecordUnknown)
EVENTS = (MessagePlanned, MessageClaimed, MessageSent, MessageFailed, MessageOutcomeUnknown)


class Status(StrEnum):
    """Where a message is."""

    PLANNED = "planned"
    CLAIMED = "claimed"
    SENT = "sent"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Message:
    """A message that is to be sent, or was."""

    status: Status
    customer_id: UUID
    template: str


initial: Message | None = None


def decide(command: MessageCommand, message: Message | None) -> list[MessageEvent]:
    """Return the events `command` causes; raise Rejected for an outcome of what nobody was sending."""
    match command:
        case PlanMessage():
            return _plan(command) if message is None else []
        case ClaimMessage() if message and message.status is Status.PLANNED:
            return [MessageClaimed(at=command.at, message_id=command.message_id, until=command.until)]
        case DropMessage() if message and message.status is Status.PLANNED:
            return [_failed(command, message)]
        case ClaimMessage() | DropMessage():
            return []
        case RecordSent() | RecordFailed() | RecordUnknown():
            if message is None or message.status is Status.PLANNED:
                raise Rejected("message-not-claimed", message_id=command.message_id)
            return _record(command, message)


def _plan(news: PlanMessage) -> list[MessageEvent]:
    planned_at = news.heard_at or news.at
    if planned_at - news.at > news.within:
        return []
    planned = MessagePlanned(
        at=planned_at, message_id=news.message_id, customer_id=news.customer_id, template=news.template
    )
    return [planned]


def _record(outcome: Outcome, message: Message) -> list[MessageEvent]:
    """A known outcome is final; it may come after it was given up as unknown."""
    if message.status in (Status.SENT, Status.FAILED):
        return []
    match outcome:
        case RecordSent():
            sent = MessageSent(
                at=outcome.at,
                message_id=outcome.message_id,
                customer_id=message.customer_id,
                template=message.template,
                channel=outcome.channel,
                receipt=outcome.receipt,
            )
            return [sent]
        case RecordFailed():
            return [_failed(outcome, message)]
        case RecordUnknown() if message.status is Status.UNKNOWN:
            return []
        case RecordUnknown():
            unknown = MessageOutcomeUnknown(
                at=outcome.at,
                message_id=outcome.message_id,
                customer_id=message.customer_id,
                template=message.template,
                channel=outcome.channel,
            )
            return [unknown]


def _failed(outcome: RecordFailed | DropMessage, message: Message) -> MessageFailed:
    return MessageFailed(
        at=outcome.at,
        message_id=outcome.message_id,
        customer_id=message.customer_id,
        template=message.template,
        code=outcome.code,
    )


def evolve(message: Message | None, event: MessageEvent) -> Message:
    """Return the message after `event`; never refuses, for it has happened."""
    if isinstance(event, MessagePlanned):
        return Message(Status.PLANNED, event.customer_id, event.template)
    assert message is not None
    return replace(message, status=_STATUS[type(event)])


_STATUS: dict[type[MessageEvent], Status] = {
    MessageClaimed: Status.CLAIMED,
    MessageSent: Status.SENT,
    MessageFailed: Status.FAILED,
    MessageOutcomeUnknown: Status.UNKNOWN,
}

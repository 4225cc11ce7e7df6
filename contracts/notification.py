"""What the notification gateway says of messages; never to whom in plain, never their text."""

from uuid import UUID

from shared.message import Event


class MessageSent(Event):
    """A provider took the message; `receipt` is its own id for it."""

    message_id: UUID
    customer_id: UUID
    template: str
    channel: str
    receipt: str


class MessageFailed(Event):
    """The message was not sent and will not be; `code` says why."""

    message_id: UUID
    customer_id: UUID
    template: str
    code: str


class MessageOutcomeUnknown(Event):
    """The provider may or may not have taken the message; it is not sent again."""

    message_id: UUID
    customer_id: UUID
    template: str
    channel: str


EVENTS = (MessageSent, MessageFailed, MessageOutcomeUnknown)

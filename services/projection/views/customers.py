"""Customers: since when they are known and members, their tier, who is whom, and what was sent to them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from contracts.membership import (
    CustomerRegistered,
    CustomersMerged,
    CustomersSplit,
    MembershipMovedEarlier,
    MembershipStarted,
    TierChanged,
)
from contracts.notification import MessageFailed, MessageOutcomeUnknown, MessageSent
from shared.message import Envelope
from shared.postgres import Tx

_CUSTOMERS = """
INSERT INTO customer AS c (customer_id, registered_at, member_since, tier, tier_at)
SELECT * FROM unnest($1::uuid[], $2::timestamptz[], $3::timestamptz[], $4::text[], $5::timestamptz[])
ON CONFLICT (customer_id) DO UPDATE SET registered_at = least(c.registered_at, excluded.registered_at),
  member_since = least(c.member_since, excluded.member_since),
  tier = coalesce(excluded.tier, c.tier), tier_at = coalesce(excluded.tier_at, c.tier_at)
"""
_MERGED = """
INSERT INTO customer (customer_id, merged_into) SELECT * FROM unnest($1::uuid[], $2::uuid[])
ON CONFLICT (customer_id) DO UPDATE SET merged_into = excluded.merged_into
"""
_MEMBERS = """
INSERT INTO member AS m (customer_id, branch, joined_at, joined_order)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::text[])
ON CONFLICT (customer_id) DO UPDATE
SET branch = excluded.branch, joined_at = excluded.joined_at, joined_order = excluded.joined_order
WHERE excluded.joined_order < m.joined_order
"""
_MESSAGES = """
INSERT INTO message (message_id, customer_id, template, outcome, channel, code, at)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::timestamptz[])
ON CONFLICT (message_id) DO UPDATE
SET outcome = excluded.outcome, channel = excluded.channel, code = excluded.code, at = excluded.at
"""

_Joined = MembershipStarted | MembershipMovedEarlier
_Message = MessageSent | MessageFailed | MessageOutcomeUnknown


@dataclass
class _Batch:
    """What a batch says: the earliest joining stands, the last of tiers and of a message's outcomes."""

    registered: dict[UUID, CustomerRegistered] = field(default_factory=dict)
    joined: dict[UUID, _Joined] = field(default_factory=dict)
    tiers: dict[UUID, TierChanged] = field(default_factory=dict)
    messages: dict[UUID, _Message] = field(default_factory=dict)
    merged: dict[UUID, UUID | None] = field(default_factory=dict)

    def take(self, event: object) -> None:
        """Take one event in; those of a customer come in order."""
        match event:
            case CustomerRegistered(customer_id=customer):
                self.registered[customer] = event
            case MembershipStarted(customer_id=customer) | MembershipMovedEarlier(customer_id=customer):
                before = self.joined.get(customer)
                if before is None or event.joined_order < before.joined_order:
                    self.joined[customer] = event
            case TierChanged(customer_id=customer):
                self.tiers[customer] = event
            case CustomersMerged(customer_id=customer, into=into):
                self.merged[customer] = into
            case CustomersSplit(customer_id=customer):
                self.merged[customer] = None
            case MessageSent() | MessageFailed() | MessageOutcomeUnknown():
                self.messages[event.message_id] = event

    def customer_row(self, customer: UUID) -> tuple[object, ...]:
        """Return what the batch says of a customer; None where it says nothing."""
        registered, joined, tier = self.registered.get(customer), self.joined.get(customer), self.tiers.get(customer)
        known = registered.at if registered else None
        since = joined.at if joined else None
        return (customer, known, since, *((tier.tier, tier.at) if tier else (None, None)))


async def project(tx: Tx, envelopes: Sequence[Envelope]) -> None:
    """Apply what membership and the notification gateway say."""
    batch = _Batch()
    for envelope in envelopes:
        batch.take(envelope.event)
    customers = sorted(batch.registered.keys() | batch.joined.keys() | batch.tiers.keys())
    if customers:
        await tx.execute(_CUSTOMERS, *zip(*map(batch.customer_row, customers), strict=True))
    if batch.merged:
        await tx.execute(_MERGED, *zip(*sorted(batch.merged.items(), key=lambda pair: pair[0]), strict=True))
    joined = [batch.joined[c] for c in sorted(batch.joined)]
    if joined:
        members = [(e.customer_id, e.branch, e.at, e.joined_order) for e in joined]
        await tx.execute(_MEMBERS, *zip(*members, strict=True))
    messages = [batch.messages[m] for m in sorted(batch.messages)]
    if messages:
        await tx.execute(_MESSAGES, *zip(*map(_message_row, messages), strict=True))


def _message_row(message: _Message) -> tuple[object, ...]:
    start = (message.message_id, message.customer_id, message.template)
    match message:
        case MessageSent(channel=channel, at=at):
            return *start, "sent", channel, None, at
        case MessageFailed(code=code, at=at):
            return *start, "failed", None, code, at
        case MessageOutcomeUnknown(channel=channel, at=at):
            return *start, "unknown", channel, None, at

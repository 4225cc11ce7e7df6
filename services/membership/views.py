"""The list of members, from membership's own feed."""

from collections.abc import Sequence
from uuid import UUID

import asyncpg

from contracts.membership import (
    CustomersMerged,
    CustomersSplit,
    MembershipMovedEarlier,
    MembershipStarted,
    TierChanged,
)
from shared.message import Envelope
from shared.postgres import Tx

_JOIN = """
INSERT INTO members (customer_id, joined_order, joined_at, sale_id) VALUES ($1, $2, $3, $4)
ON CONFLICT (customer_id) DO UPDATE
SET joined_order = excluded.joined_order, joined_at = excluded.joined_at, sale_id = excluded.sale_id, through = NULL
"""
_LEAVE = "UPDATE members SET merged_into = $2 WHERE customer_id = $1"
_STAND_FOR = """
INSERT INTO members (customer_id, joined_order, joined_at, sale_id, through)
SELECT $2, joined_order, joined_at, sale_id, $1 FROM members WHERE customer_id = $1
ON CONFLICT (customer_id) DO NOTHING
"""
_NO_LONGER = "DELETE FROM members WHERE customer_id = $2 AND through = $1"
_RANK = "UPDATE members SET tier = $2, tier_since = $3 WHERE customer_id = $1"
_PAGE = """
SELECT customer_id, joined_at, sale_id, tier, tier_since FROM members
WHERE merged_into IS NULL AND ($1::uuid IS NULL
   OR (joined_order, customer_id) > (SELECT m.joined_order, m.customer_id FROM members m WHERE m.customer_id = $1))
ORDER BY joined_order, customer_id LIMIT $2
"""


async def project(tx: Tx, events: Sequence[Envelope]) -> None:
    """Fill the list: joining, and joining earlier, replace the joining receipt; a tier replaces the one before.

    Who was given up is not on it; the other is, if either has joined.
    """
    done = 0
    for place, told in enumerate(events):
        if isinstance(told.event, CustomersMerged | CustomersSplit):
            await _fill(tx, events[done:place])
            await _merge(tx, told.event)
            done = place + 1
    await _fill(tx, events[done:])


async def _fill(tx: Tx, events: Sequence[Envelope]) -> None:
    joined: dict[UUID, tuple[object, ...]] = {}
    ranked: dict[UUID, tuple[object, ...]] = {}
    for told in events:
        match told.event:
            case MembershipStarted() | MembershipMovedEarlier() as joining:
                joined[joining.customer_id] = (joining.customer_id, joining.joined_order, joining.at, joining.sale_id)
            case TierChanged() as tier:
                ranked[tier.customer_id] = (tier.customer_id, tier.tier, tier.at)
            case _:
                pass
    await tx.executemany(_JOIN, joined.values())
    await tx.executemany(_RANK, ranked.values())


async def _merge(tx: Tx, event: CustomersMerged | CustomersSplit) -> None:
    match event:
        case CustomersMerged(customer_id=customer_id, into=into):
            await tx.execute(_STAND_FOR, customer_id, into)
            await tx.execute(_LEAVE, customer_id, into)
        case CustomersSplit(customer_id=customer_id, merged_into=into):
            await tx.execute(_NO_LONGER, customer_id, into)
            await tx.execute(_LEAVE, customer_id, None)


async def page(tx: Tx, after: UUID | None, limit: int) -> list[asyncpg.Record]:
    """Return members in the order of joining, from the one behind `after`."""
    return await tx.fetch(_PAGE, after, limit)
